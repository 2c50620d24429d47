"""Files in, and what became of them: ``ingests/``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, StreamingHttpResponse
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts.access import Need, access_ingest
from transcripts.ingest import queue, sources, work
from transcripts.ingest.dry_run import dry_run
from transcripts.ingest.options import BadOption, clean
from transcripts.ingest.rejects import NoRejects
from transcripts.ingest.removal import CannotRemove, remove
from transcripts.models import Ingest
from transcripts.records import UnreadableSource
from transcripts.views.ingest_detail import as_download

NEWEST_FIRST = Order("newest", ("-id",))
IN_ORDER = Order("id", ("id",))
LEADS = {"GET": Need.LEAD, "POST": Need.LEAD, "DELETE": Need.LEAD}
INGESTING = {"POST": "ingest", "DELETE": "ingest"}
MOST_TRIED = 64 << 20  # bytes of a file that is read while the caller waits
PARTS = 1000


def present(ingest: Ingest) -> dict[str, Any]:
    progress = queue.progress(ingest)
    return {
        "id": ingest.pk,
        "state": ingest.state,
        "source": {
            "name": ingest.source.name,
            "sha256": ingest.source.sha256,
            "size": ingest.source.size,
        },
        "container": ingest.container_id,
        "is_container": ingest.is_container,
        "reader": ingest.reader,
        "reader_version": ingest.reader_version,
        "options": ingest.options,
        "counts": progress.counts,
        "progress": {"bytes_done": progress.bytes_done, "bytes_total": progress.bytes_total},
        "error": ingest.error,
        "created_at": ingest.created_at,
        "started_at": ingest.started_at,
        "finished_at": ingest.finished_at,
    }


def present_whole(ingest: Ingest) -> dict[str, Any]:
    """With the parts of an archive, and what could be guessed where a mapping is needed."""
    shown = present(ingest)
    if ingest.is_container:
        parts = ingest.parts.select_related("source").order_by("pk")
        shown["parts"] = [present(part) for part in parts[:PARTS]]
        shown["n_parts"] = parts.count()
    if ingest.state == Ingest.State.NEEDS_MAPPING:
        shown["proposal"] = ingest.proposal
    return shown


class Ingests(StudyView):
    needs = LEADS
    scopes = INGESTING
    parser_classes = (MultiPartParser,)

    def get(self, request: Request, slug: str) -> Response:
        """``container`` gives the parts of an archive; without it, what was given itself is listed."""
        given = known_parameters(request, {*PAGE_PARAMETERS, "container", "state"})
        rows = Ingest.objects.filter(study=self.access.study).select_related("source")
        container = given.get("container", "")
        if container and not (container.isascii() and container.isdigit() and len(container) < 19):
            raise ParseError("container must be the id of an ingest.")
        rows = rows.filter(container=int(container) if container else None)
        if state := given.get("state"):
            if state not in Ingest.State.values:
                raise ParseError(f"state must be one of {', '.join(Ingest.State.values)}.")
            rows = rows.filter(state=state)
        return paged(request, rows, NEWEST_FIRST, present)

    def post(self, request: Request, slug: str) -> Response:
        """Queue one file: 202 with the ingest, whose state is then at ``ingests/{id}/``.

        With ``dry_run``, read it and say what would be found: 200, and nothing is kept.
        """
        known_parameters(request, {"dry_run"})
        try:
            options = clean({key: request.data.get(key) for key in queue.OPTIONS})
        except BadOption as error:
            raise Unprocessable("An option is wrong.", {error.field: str(error)}) from error
        file = request.FILES.get("file")
        if file is None:
            raise Unprocessable("Send the file as the multipart field `file`.", {"file": "missing"})
        name = request.data.get("path") or file.name
        if _is_yes(request.data.get("dry_run") or request.query_params.get("dry_run")):
            return Response(_tried(file, name, options))
        if file.size > settings.AFDASH_MAX_UPLOAD:
            limit = settings.AFDASH_MAX_UPLOAD >> 20
            raise Unprocessable(f"The file is larger than {limit} MB.", {"file": "too large"})
        source = sources.keep(self.access.study, file, name, self.access.user)
        try:
            ingest = queue.request_ingest(source, user=self.access.user, options=options)
        except queue.BusySource as error:
            raise Conflict(str(error), "busy", ingest=error.active.pk) from error
        ingest = Ingest.objects.select_related("source").get(pk=ingest.pk)
        return Response(present(ingest), status=202)


def _is_yes(value: Any) -> bool:
    if value in (None, "", "0", "false", "no"):
        return False
    if value in ("1", "true", "yes"):
        return True
    raise Unprocessable("dry_run must be 1 or 0.", {"dry_run": "not 1 or 0"})


def _tried(file: Any, name: str, options: dict[str, Any]) -> dict[str, Any]:
    if file.size > MOST_TRIED:
        raise Unprocessable(
            f"A dry run takes at most {MOST_TRIED >> 20} MB, because you wait for it. Send the first part of the "
            "file, or use `manage.py ingest --dry-run` on the server.",
            {"file": "too large for a dry run"},
        )
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        for block in file.chunks():
            copy.write(block)
        copy.flush()
        found = dry_run(Path(copy.name), sources.display_name(name), options)
        return {"dry_run": True, "files": [each.as_json() for each in found]}


class IngestDetail(StudyView):
    needs = LEADS
    scopes = INGESTING

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(present_whole(access_ingest(self.access, pk)))

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take the ingest back, with its transcripts; 409 if people have worked with one of them."""
        try:
            remove(access_ingest(self.access, pk))
        except CannotRemove as error:
            raise Conflict(str(error), "in_use" if error.in_use else "busy", in_use=error.in_use) from error
        return Response(status=204)


class Cancel(StudyView):
    needs = LEADS
    scopes = INGESTING
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        ingest = access_ingest(self.access, pk)
        if not queue.cancel(ingest):
            raise Conflict("It has ended already.", "ended")
        return Response(present(access_ingest(self.access, pk)))


class Retry(StudyView):
    needs = LEADS
    scopes = INGESTING
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        try:
            if not work.retry(access_ingest(self.access, pk)):
                raise Conflict("Only what failed or was cancelled can be retried.", "not_ended")
        except queue.BusySource as error:
            raise Conflict(str(error), "busy", ingest=error.active.pk) from error
        return Response(present(access_ingest(self.access, pk)), status=202)


class Rejects(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        given = known_parameters(request, {*PAGE_PARAMETERS, "reason"})
        rows = access_ingest(self.access, pk).rejects.all()
        if "reason" in given:
            rows = rows.filter(reason=given["reason"])
        return paged(
            request,
            rows,
            IN_ORDER,
            lambda reject: {
                "position": reject.position,
                "reason": reject.reason,
                "message": reject.message,
                "excerpt": reject.excerpt,
                "locator": reject.locator,
            },
        )


class RejectFile(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> StreamingHttpResponse:
        """The original records of all rejects, as a file of the kind they came in."""
        try:
            return as_download(access_ingest(self.access, pk))
        except NoRejects as error:
            raise Http404 from error
        except FileNotFoundError as error:
            raise NotFound("The file is no longer in storage.") from error
        except (UnreadableSource, KeyError, TypeError, ValueError) as error:
            raise Conflict("The file is there, but damaged in our storage.", "damaged") from error


class Findings(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        given = known_parameters(request, {*PAGE_PARAMETERS, "kind"})
        rows = access_ingest(self.access, pk).findings.all()
        if "kind" in given:
            rows = rows.filter(kind=given["kind"])
        return paged(
            request,
            rows,
            IN_ORDER,
            lambda finding: {
                "kind": finding.kind,
                "message": finding.message,
                "detail": finding.detail,
                "transcript": finding.transcript_id,
            },
        )

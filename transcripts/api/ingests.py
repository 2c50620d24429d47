"""Files in, and what became of them: ``ingests/``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts.access import Need, access_ingest
from transcripts.ingest import queue, sources
from transcripts.ingest.options import BadOption, clean
from transcripts.models import Finding, Ingest, Reject

NEWEST_FIRST = Order("newest", ("-id",))
IN_ORDER = Order("id", ("id",))
LEADS = {"GET": Need.LEAD, "POST": Need.LEAD}


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


class Ingests(StudyView):
    needs = LEADS
    scopes = {"POST": "ingest"}
    parser_classes = (MultiPartParser,)

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        rows = Ingest.objects.filter(study=self.access.study).select_related("source")
        return paged(request, rows, NEWEST_FIRST, present)

    def post(self, request: Request, slug: str) -> Response:
        """Queue one file; 202 with the ingest, whose state is then at ``ingests/{id}/``."""
        try:
            options = clean({key: request.data.get(key) for key in queue.OPTIONS})
        except BadOption as error:
            raise Unprocessable("An option is wrong.", {error.field: str(error)}) from error
        file = request.FILES.get("file")
        if file is None:
            raise Unprocessable("Send the file as the multipart field `file`.", {"file": "missing"})
        if file.size > settings.AFDASH_MAX_UPLOAD:
            limit = settings.AFDASH_MAX_UPLOAD >> 20
            raise Unprocessable(f"The file is larger than {limit} MB.", {"file": "too large"})
        source = sources.keep(
            self.access.study, file, request.data.get("path") or file.name, self.access.user
        )
        try:
            ingest = queue.request_ingest(source, user=self.access.user, options=options)
        except queue.BusySource as error:
            raise Conflict(str(error), "busy", ingest=error.active.pk) from error
        ingest = Ingest.objects.select_related("source").get(pk=ingest.pk)
        return Response(present(ingest), status=202)


class IngestDetail(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        return Response(present(access_ingest(self.access, pk)))


class Rejects(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        rows = Reject.objects.filter(ingest=access_ingest(self.access, pk))
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


class Findings(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        rows = Finding.objects.filter(ingest=access_ingest(self.access, pk))
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

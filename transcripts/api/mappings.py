"""What the fields of a file mean: given to an ingest that asks for it, tried before, and kept by the study."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts.access import access_ingest
from transcripts.api.ingests import INGESTING, LEADS, present
from transcripts.ingest import mappings, queue
from transcripts.ingest.options import BadOption
from transcripts.jail.parser import ParserDied, ParserFault
from transcripts.models import SavedMapping
from transcripts.records import UnreadableSource

BY_NAME = Order("name", ("name", "id"))
MOST = 20  # records of a preview


def _mapping(request: Request) -> dict[str, Any]:
    given = request.data.get("mapping") if isinstance(request.data, dict) else None
    if not isinstance(given, dict) or not given:
        raise Unprocessable('Send {"mapping": {…}}.', {"mapping": "missing, or not an object"})
    return given


def _needs_fields(error: BadOption) -> Unprocessable:
    return Unprocessable("The mapping is wrong.", {error.field: str(error)})


class IngestMapping(StudyView):
    needs = LEADS
    scopes = INGESTING
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Go on with an ingest that needs a mapping; 202. The study keeps it for files with the same fields."""
        ingest = access_ingest(self.access, pk)
        mapping = _mapping(request)
        if not mapping.get("fields"):
            raise Unprocessable("The mapping is wrong.", {"mapping": "“fields” is needed here."})
        try:
            if not mappings.choose(ingest, mapping, self.access.user):
                raise Conflict("This ingest needs no mapping (any more).", "not_waiting")
        except BadOption as error:
            raise _needs_fields(error) from error
        except queue.BusySource as error:
            raise Conflict(str(error), "busy", ingest=error.active.pk) from error
        return Response(present(access_ingest(self.access, pk)), status=202)


class MappingPreview(StudyView):
    needs = LEADS
    scopes = INGESTING
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """The first records as this mapping reads them; nothing is written."""
        ingest = access_ingest(self.access, pk)
        mapping = _mapping(request)
        try:
            return Response(mappings.tried(ingest, mapping, MOST))
        except BadOption as error:
            raise _needs_fields(error) from error
        except (UnreadableSource, FileNotFoundError) as error:
            message = (
                str(error) if isinstance(error, UnreadableSource) else "The file is no longer in storage."
            )
            raise Unprocessable(message, {"mapping": "does not fit the file"}) from error
        except (MemoryError, ParserDied, ParserFault) as error:
            raise Unprocessable(
                "The parser stopped while it read the first records.", {"mapping": "failed"}
            ) from error


class SavedMappings(StudyView):
    needs = LEADS

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        rows = SavedMapping.objects.filter(study=self.access.study).select_related("saved_by")
        return paged(
            request,
            rows,
            BY_NAME,
            lambda saved: {
                "id": saved.pk,
                "name": saved.name,
                "signature": saved.signature,
                "mapping": saved.mapping,
                "saved_by": str(saved.saved_by) if saved.saved_by else None,
                "saved_at": saved.saved_at,
            },
        )


class SavedMappingDetail(StudyView):
    needs = LEADS
    scopes = INGESTING
    http_method_names = ["delete", "options"]

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        deleted, _ = SavedMapping.objects.filter(study=self.access.study, pk=pk).delete()
        if not deleted:
            raise Http404
        return Response(status=204)

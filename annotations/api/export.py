"""``export/``: transcripts and labels as one stream, of all or of what a list shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from afdash.api.views import StudyView
from annotations.exporting import Selection, lines
from annotations.figures import require_unblinded
from annotations.revision_order import newest_settled
from annotations.units import units_of
from transcripts.access import Need
from transcripts.filters import BadFilter

PARAMETERS = {"format", "after", "as_of", "labelled"}


class Export(StudyView):
    """For leads: the stream names annotators and holds what every round hides."""

    needs = {"GET": Need.LEAD}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # `?format=` names the export's format here, not DRF's renderer.
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type

    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        require_unblinded(self.access)
        try:
            units = units_of(self.access, request.query_params, PARAMETERS)
        except BadFilter as error:
            raise ParseError(str(error)) from error
        given = request.query_params
        if given.get("format", "jsonl") != "jsonl":
            raise ParseError("The live export speaks jsonl.")
        if given.get("labelled", "0") not in ("0", "1"):
            raise ParseError("labelled must be 0 or 1.")
        selection = Selection(
            as_of=_number(given, "as_of", newest_settled()),
            after=_number(given, "after", 0),
            labelled=given.get("labelled") == "1",
            units=units,
        )
        response = StreamingHttpResponse(lines(self.access, selection), content_type="application/jsonl")
        response.headers["Content-Disposition"] = f'attachment; filename="{self.access.study.slug}.jsonl"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    value = given.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise ParseError(f"{name} must be a whole number.")
    return int(value)

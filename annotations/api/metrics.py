"""``metrics/…``: the figures behind every chart."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Unprocessable
from afdash.api.views import StudyView, known_parameters
from annotations.compliance import DEFINITIONS
from annotations.figures import BadFigure, compliance_gaps

GAP_PARAMETERS = {"labeler", "na_policy", "partly", "run"}


class ComplianceGap(StudyView):
    def get(self, request: Request, slug: str) -> Response:
        try:
            rows = compliance_gaps(self.access, known_parameters(request, GAP_PARAMETERS))
        except BadFigure as error:
            raise Unprocessable(str(error), {error.field: str(error)}) from error
        return Response({"results": rows, "definitions": DEFINITIONS})

"""The base of every API view: the study, its member and the token's scope are settled before the body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from afdash.api.authentication import scopes_of
from afdash.paging import MAX_PAGE_SIZE, PAGE_SIZE, Order, page_of
from transcripts.access import Need, StudyAccess, access_reading, access_study


class StudyView(APIView):
    """``needs`` and ``scopes`` name, by HTTP method, the role and the token scope that it takes.

    ``reading`` views show arms and models, so they are closed to who labels the study blind.
    """

    needs: ClassVar[dict[str, Need]] = {}
    scopes: ClassVar[dict[str, str]] = {}
    reading: ClassVar[bool] = False
    access: StudyAccess

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = request.method or "GET"
        scopes = scopes_of(request)
        wanted = self.scopes.get(method, "read")
        if scopes is not None and wanted not in scopes:
            raise PermissionDenied(f"This token lacks the scope {wanted!r}.")
        need = self.needs.get(method, Need.MEMBER)
        self.access = access_study(request.user, kwargs["slug"], need)
        if self.reading:
            self.access = access_reading(request.user, kwargs["slug"])


def known_parameters(request: Request, allowed: set[str]) -> dict[str, str]:
    """The query's parameters; one that is not in ``allowed`` is an error, not silently ignored."""
    for name in request.query_params:
        if name not in allowed:
            raise ParseError(f"Unknown parameter {name[:60]!r}. Known: {', '.join(sorted(allowed))}.")
    return {name: request.query_params[name] for name in request.query_params}


PAGE_PARAMETERS = {"cursor", "page_size"}


def paged(request: Request, rows: Any, order: Order, present: Callable[[Any], Any]) -> Response:
    """One cursor page of ``rows``, each put through ``present``."""
    return paged_together(request, rows, order, lambda items: [present(row) for row in items])


def paged_together(
    request: Request, rows: Any, order: Order, present: Callable[[Sequence[Any]], list[Any]]
) -> Response:
    """The same, with all rows of the page put through ``present`` at once, where that saves queries."""
    try:
        size = int(request.query_params.get("page_size", PAGE_SIZE))
    except ValueError as error:
        raise ParseError("page_size must be a whole number.") from error
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise ParseError(f"page_size must be 1 to {MAX_PAGE_SIZE}.")
    page = page_of(rows, order, request.query_params.get("cursor"), size)

    def link(cursor: str | None) -> str | None:
        if cursor is None:
            return None
        query = request.query_params.copy()
        query["cursor"] = cursor
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

    return Response(
        {
            "next": link(page.next),
            "previous": link(page.previous),
            "results": present(page.items),
        }
    )

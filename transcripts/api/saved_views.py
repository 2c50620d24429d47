"""Saved views for scripts: one's own, and those that leads share with the study."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Conflict, Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts import saved_views
from transcripts.access import StudyAccess
from transcripts.filters import BadFilter
from transcripts.models import SavedView
from transcripts.saved_views import BadView, NameTaken

BY_ID = Order("id", ("id",))
WRITING = {"POST": "annotate", "DELETE": "annotate"}
FIELDS = {"page": str, "name": str, "query": str, "is_shared": bool, "replace": bool}
WORDS = {str: "a text", bool: "true or false"}


def present(view: SavedView, access: StudyAccess) -> dict[str, Any]:
    return {
        "id": view.pk,
        "page": view.page,
        "name": view.name,
        "query": view.query,
        "is_shared": view.is_shared,
        "owner": view.owner.username,
        "is_own": view.owner_id == access.user.pk,
        "created_at": view.created_at,
    }


class SavedViews(StudyView):
    reading = True
    scopes = WRITING

    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(
            request, saved_views.visible_views(self.access), BY_ID, lambda row: present(row, self.access)
        )

    def post(self, request: Request, slug: str) -> Response:
        """``page`` (pairs or transcripts), ``name``, ``query``; 201, or 409 if one's own view has the name."""
        known_parameters(request, set())
        given = _given(request.data)
        try:
            view = saved_views.save_view(self.access, **given)
        except NameTaken as error:
            raise Conflict(str(error), "name_taken", current=present(error.view, self.access)) from error
        except BadFilter as error:
            raise Unprocessable("Some fields are wrong.", {"query": str(error)}) from error
        except BadView as error:
            raise Unprocessable(str(error)) from error
        return Response(present(view, self.access), status=201)


class SavedViewDetail(StudyView):
    reading = True
    scopes = WRITING
    http_method_names = ["get", "delete", "options"]

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, set())
        return Response(present(saved_views.access_view(self.access, pk), self.access))

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        saved_views.access_changeable_view(self.access, pk).delete()
        return Response(status=204)


def _given(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Unprocessable("Send a JSON object.")
    given = {"query": "", **data}
    problems = {name: f"Give {WORDS[kind]}." for name, kind in FIELDS.items() if name in ("page", "name")}
    for name, value in given.items():
        if name not in FIELDS:
            problems[str(name)[:60]] = f"Unknown field. Known: {', '.join(FIELDS)}."
        elif isinstance(value, FIELDS[name]):
            problems.pop(name, None)
        else:
            problems[name] = f"Give {WORDS[FIELDS[name]]}."
    if problems:
        raise Unprocessable("Some fields are wrong.", problems)
    return given

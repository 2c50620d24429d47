"""Tags for scripts. Like the pages: closed to who labels blind, written by annotators and leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rest_framework.request import Request
from rest_framework.response import Response

from afdash.api.errors import Unprocessable
from afdash.api.views import PAGE_PARAMETERS, StudyView, known_parameters, paged
from afdash.paging import Order
from transcripts import selection, tags
from transcripts.access import Need
from transcripts.filters import BadFilter
from transcripts.models import Tag
from transcripts.selection import Selection
from transcripts.tags import BadTag, access_tag, access_tags

T = TypeVar("T")
BY_NAME = Order("name", ("name", "id"))
LABELS = {"POST": Need.LABEL, "DELETE": Need.LABEL}
LEADS = {"POST": Need.LEAD}
WRITING = {"POST": "annotate", "DELETE": "annotate"}


class _TagView(StudyView):
    scopes = WRITING

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.access = access_tags(request.user, kwargs["slug"])


class Tags(_TagView):
    def get(self, request: Request, slug: str) -> Response:
        known_parameters(request, PAGE_PARAMETERS)
        return paged(request, tags.counted_tags(self.access.study), BY_NAME, _present)


class TagDetail(_TagView):
    needs = LABELS
    http_method_names = ["get", "delete", "options"]

    def get(self, request: Request, slug: str, pk: int) -> Response:
        known_parameters(request, set())
        return Response(_present(tags.counted_tags(self.access.study).get(pk=access_tag(self.access, pk).pk)))

    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Takes it off all that have it; leads only, unless nothing has it."""
        tags.delete_tag(self.access, access_tag(self.access, pk))
        return Response(status=204)


class TagRename(_TagView):
    needs = LEADS
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """``name``; saved views that look for the tag go along."""
        tag, name = access_tag(self.access, pk), _text(request.data, "name")
        _told(lambda: tags.rename_tag(self.access, tag, name))
        return Response(_present(tags.counted_tags(self.access.study).get(pk=tag.pk)))


class TagMerge(_TagView):
    needs = LEADS
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str, pk: int) -> Response:
        """``into``, a name: put that wherever this tag is, and delete this one."""
        tag, name = access_tag(self.access, pk), _text(request.data, "into")
        into = _told(lambda: tags.named_tag(self.access, name))
        n = _told(lambda: tags.merge_tag(self.access, tag, into))
        return Response({**_present(tags.counted_tags(self.access.study).get(pk=into.pk)), "n_changed": n})


class Taggings(_TagView):
    needs = LABELS
    http_method_names = ["post", "options"]

    def post(self, request: Request, slug: str) -> Response:
        """Put ``add`` on, or take ``remove`` off, the pairs or transcripts (``page``) ``ids`` or ``query``.

        Safe to send again: ``n_changed`` counts those that were not so before.
        """
        known_parameters(request, set())
        given = request.data
        known = ("page", "add", "remove", "ids", "query")
        if not isinstance(given, dict) or set(given) - set(known):
            raise Unprocessable(f"Send a JSON object of {', '.join(known)}.")
        if ("add" in given) == ("remove" in given):
            raise Unprocessable("Send either “add” or “remove”, the name of a tag.", {"add": "or remove"})
        work = tags.add_tag if "add" in given else tags.remove_tag
        name = _text(given, "add" if "add" in given else "remove")
        try:
            rows = selection.rows_of(self.access, _selected(given))
        except BadFilter as error:
            raise Unprocessable("Some fields are wrong.", {error.name: str(error)}) from error
        return Response({"n_changed": _told(lambda: work(self.access, name, rows))})


def _selected(given: dict[str, Any]) -> Selection:
    if ("ids" in given) == ("query" in given):
        raise Unprocessable("Send either “ids” or “query”.", {"ids": "or query"})
    if "query" in given:
        return selection.selection_of(_text(given, "page"), (), True, _text(given, "query"))
    ids = given["ids"]
    if not isinstance(ids, list) or not all(type(each) is int for each in ids):
        raise Unprocessable("Some fields are wrong.", {"ids": "Give a list of whole numbers."})
    return selection.selection_of(_text(given, "page"), [str(each) for each in ids], False, "")


def _text(given: Any, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    if not isinstance(value, str):
        raise Unprocessable("Some fields are wrong.", {name: "Give a text."})
    return value


def _told(work: Callable[[], T]) -> T:
    try:
        return work()
    except BadTag as error:
        raise Unprocessable(str(error)) from error


def _present(tag: Tag) -> dict[str, Any]:
    return {
        "id": tag.pk,
        "name": tag.name,
        "n_pairs": getattr(tag, "n_pairs", None),
        "n_transcripts": getattr(tag, "n_transcripts", None),
        "created_by": tag.created_by.username if tag.created_by else None,
        "created_at": tag.created_at,
    }

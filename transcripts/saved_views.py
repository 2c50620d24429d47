"""Saved views: a list as somebody left it, under a name. Their own, and those that leads share with the study.

A view holds an address behind the question mark, not rows: opening it is following that address, so a filter
that is gone, or that a round hides from this reader, is answered by the list itself with its sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, QueryDict
from django.urls import reverse

from transcripts import filters as filter_table
from transcripts.access import StudyAccess
from transcripts.filters import BadFilter
from transcripts.models import SavedView
from transcripts.tags import may_tag, shows_tags, tag_names

MAX_NAME = 100
MAX_QUERY = 4000
MAX_VIEWS = 100  # of one person on one list
LISTS = {"pairs": "pair_list", "transcripts": "transcript_list"}
_SORT = re.compile(r"-?[a-z_]{1,40}")


class BadView(ValueError):
    """The view cannot be saved so; the message is a sentence."""


class NameTaken(BadView):
    """The person has a view of that name on this list already: it may be replaced."""

    def __init__(self, view: SavedView) -> None:
        super().__init__(f"You have a view “{view.name}” of this list already.")
        self.view = view


@dataclass(frozen=True, slots=True)
class ShownView:
    """A view above a list: a link, and whether the list is what it leads to."""

    pk: int
    name: str
    url: str
    is_active: bool
    is_shared: bool
    is_own: bool
    owner: str


def shown_on(access: StudyAccess, page: str, request: HttpRequest) -> dict[str, Any]:
    """What ``_saved_views.html`` and ``_selection_bar.html`` expect of a list. Two queries.

    ``page`` is "pairs" or "transcripts"; the request is the list's own, already found good.
    """
    here = same_list(request.GET.urlencode())
    views = [
        ShownView(
            view.pk,
            view.name,
            address(access, view),
            same_list(view.query) == here,
            view.is_shared,
            view.owner_id == access.user.pk,
            view.owner.username,
        )
        for view in visible_views(access).filter(page=page)
    ]
    return {
        "page": page,
        "saved_views": views,
        "saved_view_is_active": any(view.is_active for view in views),
        "list_query": without_cursor(request.GET.urlencode()),
        "may_share": access.is_lead,
        "shows_tags": shows_tags(access),
        "may_tag": may_tag(access),
        "tag_names": tag_names(access),
    }


def visible_views(access: StudyAccess) -> QuerySet[SavedView]:
    """A person's own, and those shared with the study: theirs first."""
    views = SavedView.objects.filter(Q(owner=access.user) | Q(is_shared=True), study=access.study)
    return views.select_related("owner").order_by("is_shared", "name", "id")


def access_view(access: StudyAccess, pk: int) -> SavedView:
    view = visible_views(access).filter(pk=pk).first()
    if view is None:
        raise Http404("No such view in this study.")
    return view


def access_changeable_view(access: StudyAccess, pk: int) -> SavedView:
    """One's own view; a shared one is every lead's."""
    view = access_view(access, pk)
    if view.is_shared and not access.is_lead:
        raise PermissionDenied("A shared view is changed by leads only.")
    return view


def address(access: StudyAccess, view: SavedView) -> str:
    here = reverse(LISTS[view.page], args=[access.study.slug])
    return f"{here}?{view.query}" if view.query else here


def without_cursor(query: str) -> str:
    return urlencode([(name, value) for name, value in parse_qsl(query, True) if name != "cursor"])


def same_list(query: str) -> frozenset[tuple[str, str]]:
    """Two addresses with equal ones show the same list: neither order nor page counts."""
    return frozenset((name, value) for name, value in parse_qsl(query, True) if name != "cursor")


def canonical(access: StudyAccess, page: str, query: str) -> str:
    """``query`` checked, in the table's order, without a cursor; raises BadFilter and BadView."""
    if page not in LISTS:
        raise BadView(f"“page” must be one of {', '.join(LISTS)}.")
    if len(query) > MAX_QUERY:
        raise BadView(f"The address of a view may have {MAX_QUERY} characters; this one has {len(query)}.")
    given = QueryDict(query.removeprefix("?"))
    filters = filter_table.parse(given, access, frozenset({"cursor", "sort"}))
    sort = given.get("sort", "")
    if sort and not _SORT.fullmatch(sort):
        raise BadFilter("sort", f"There is no order “{sort[:60]}”.")
    return filters.query(sort=sort)


def checked_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BadView(f"A view has a name of 1 to {MAX_NAME} characters.")
    return name


def save_view(
    access: StudyAccess, page: str, name: str, query: str, *, is_shared: bool = False, replace: bool = False
) -> SavedView:
    """Keep a list under a name. Raises BadFilter, BadView, and NameTaken unless it is to be replaced."""
    name, query = checked_name(name), canonical(access, page, query)
    if is_shared and not access.is_lead:
        raise PermissionDenied("Only leads share views with the study.")
    own = SavedView.objects.filter(study=access.study, owner=access.user, page=page)
    if own.count() >= MAX_VIEWS and not own.filter(name=name).exists():
        raise BadView(f"You have {MAX_VIEWS} views of this list; delete one first.")
    view = SavedView(
        study=access.study, owner=access.user, page=page, name=name, query=query, is_shared=is_shared
    )
    if _written(view.save):
        return view
    known = own.filter(name=name).first()
    if known is None:  # deleted in between: the second attempt has nothing in its way
        view.save()
        return view
    if not replace:
        raise NameTaken(known)
    if known.is_shared and not access.is_lead:
        raise PermissionDenied("A shared view is changed by leads only.")
    known.query, known.is_shared = query, is_shared
    known.save(update_fields=["query", "is_shared"])
    return known


def change_view(access: StudyAccess, view: SavedView, name: str, is_shared: bool) -> None:
    """Give it another name, share it or take it back; raises BadView."""
    if is_shared != view.is_shared and not access.is_lead:
        raise PermissionDenied("Only leads share views with the study.")
    view.name, view.is_shared = checked_name(name), is_shared
    if not _written(lambda: view.save(update_fields=["name", "is_shared"])):
        whose = "You have" if view.owner_id == access.user.pk else f"{view.owner.username} has"
        raise BadView(f"{whose} a view “{view.name}” of this list already.")


def _written(write: Callable[[], None]) -> bool:
    """False if the name is taken: the constraint decides, so two at once cannot both have it."""
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        return False
    return True


def parsed(query: str) -> list[tuple[str, str]]:
    """What a view asks for, as names and values to be read."""
    return parse_qsl(query, True)

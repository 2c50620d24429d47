"""Which transcripts a round or an export takes, as an address says: a selection, a saved view, or filters.

=========  ===========================================================================================
``units``  rows that were ticked in a list, as the token that :mod:`transcripts.selection` gives
``view``   the number of a saved view
``page``   ``pairs``: the filters are those of the list of pairs, and all samples of each pair are meant
a filter   as in the lists; narrows what ``units`` or ``view`` gave
=========  ===========================================================================================

Who ticked a pair means all of its transcripts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from transcripts import filters as filter_table
from transcripts import saved_views, selection
from transcripts.access import StudyAccess
from transcripts.facets import chips
from transcripts.filters import MAX_ID, BadFilter, Filters
from transcripts.models import Pair, Transcript

VIEW, PAGE, UNITS = "view", "page", selection.PARAMETER
PARAMETERS = frozenset({VIEW, PAGE, UNITS})
OF_LISTS = frozenset({"cursor", "sort"})  # in a view's address; what is chosen has no order


@dataclass(frozen=True)
class Units:
    """``source`` says in words how they were chosen; ``query`` can choose them again, "" if they were ticked."""

    transcripts: QuerySet[Transcript]
    source: str
    query: str

    @cached_property
    def count(self) -> int:
        return self.transcripts.order_by().count()

    @cached_property
    def words(self) -> str:
        """“37 transcripts of 20 pairs, by your selection”. A query, and another for the count."""
        pairs = self.transcripts.order_by().values("pair").distinct().count()
        return f"{_counted(self.count, 'transcript')} of {_counted(pairs, 'pair')}, {self.source}"

    def record(self) -> dict[str, Any]:
        """For the round or the export that is made of them."""
        return {"words": self.words, "query": self.query, "count": self.count}


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def units_of(access: StudyAccess, given: QueryDict, besides: Iterable[str] = ()) -> Units | None:
    """What an address chooses, None if it chooses nothing. Raises BadFilter, and Http404 for no such view.

    ``besides`` are parameters that mean something else.
    """
    filters = filter_table.parse(given, access, PARAMETERS.union(besides))
    for name in PARAMETERS:
        if len(given.getlist(name)) > 1:
            raise BadFilter(name, f"“{name}” is given more than once.")
    if not filters and not PARAMETERS.intersection(given):
        return None
    if UNITS in given and VIEW in given:
        raise BadFilter(UNITS, "Give “units” or “view”, not both.")
    page = given.get(PAGE, "transcripts")
    if page not in selection.PAGES:
        raise BadFilter(PAGE, f"“page” must be one of {', '.join(selection.PAGES)}, not “{page[:60]}”.")
    rows, sources, queries = Transcript.objects.filter(study=access.study), [], []
    if UNITS in given:
        token = given[UNITS]
        rows = selection.selected_transcripts(access, token)
        sources.append("by your selection")
        queries.append(_query(*_of_selection(access, token)))
    elif VIEW in given:
        view = saved_views.access_view(access, _number(given[VIEW]))
        asked = filter_table.parse(QueryDict(view.query), access, OF_LISTS)
        rows = _passing(access, rows, asked, view.page)
        sources.append(f"by the view “{view.name}”")
        queries.append(_query(view.page, asked.query()))
    if filters or not sources:
        rows = _passing(access, rows, filters, page)
        words = ", ".join(f"{chip.label}: {chip.words}" for chip in chips(access.study, filters))
        whose = "of pairs with " if page == "pairs" else "with "
        sources.append(whose + words if words else "all that there are")
        queries.append(_query(page, filters.query()))
    return Units(rows, " and ".join(sources), " and ".join(query for query in queries if query))


def _of_selection(access: StudyAccess, token: str) -> tuple[str, str]:
    chosen = selection.read_token(access, token)
    return (chosen.page, chosen.query) if chosen.ids is None else ("transcripts", "")


def _query(page: str, query: str) -> str:
    return "&".join(part for part in ("page=pairs" if page == "pairs" else "", query) if part)


def _passing(
    access: StudyAccess, rows: QuerySet[Transcript], filters: Filters, page: str
) -> QuerySet[Transcript]:
    if page != "pairs":
        return filters.transcripts(rows)
    pairs = filters.pairs(Pair.objects.filter(study=access.study))
    return rows.filter(pair__in=pairs.order_by().values("pk"))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= MAX_ID):
        raise BadFilter(VIEW, f"“view” must be the number of a saved view, not “{text[:60]}”.")
    return int(text)

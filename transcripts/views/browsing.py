"""The lists of transcripts and pairs: narrowed by facets and by a search, all of it in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from afdash.htmx import render_page, wants_fragment
from afdash.paging import BadCursor, Page, page_of
from transcripts import filters as filter_table
from transcripts.access import StudyAccess, access_reading
from transcripts.facets import Facets, chips, more_facets, pair_facets, transcript_facets
from transcripts.filters import SEARCH, BadFilter, Filters
from transcripts.found import Found, found_in, index_progress, searching
from transcripts.listing import SORTS, in_order, orders, outcome_strips, pair_rows, transcript_rows
from transcripts.models import Pair, Transcript
from transcripts.rendering import visible
from transcripts.saved_views import shown_on
from transcripts.views.refusals import refuse
from transcripts.wording import gap_words, outcome_letter, parse_state, score_words

BESIDES = frozenset({"cursor", "sort"})


def chosen_order(request: HttpRequest, access: StudyAccess, of: type[Any] = Pair) -> str:
    """The order of pairs or transcripts that the address asks for; raises BadFilter."""
    known = orders(access.hidden, of)
    asked = request.GET.get("sort", known[0])
    if asked not in known:
        raise BadFilter("sort", f"“sort” must be one of {', '.join(known)}, not “{asked[:60]}”.")
    return asked


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an address asks of a list. ``wrong`` says why a search cannot be understood; then it is left out."""

    access: StudyAccess
    of: type[Any]
    here: str
    filters: Filters
    sort: str
    text: str = ""
    wrong: str = ""

    @property
    def keep(self) -> dict[str, str]:
        return {"sort": self.sort} if self.sort != orders(self.access.hidden, self.of)[0] else {}


def _asked(request: HttpRequest, access: StudyAccess, of: type[Any], here: str) -> _Asked:
    """Raises BadFilter, but not for a search: that is said beside its box."""
    try:
        filters = filter_table.parse(request.GET, access, BESIDES)
        text, wrong = filters.search, ""
    except BadFilter as error:
        if error.name != SEARCH:
            raise
        given = request.GET.copy()
        text, wrong = given.get(SEARCH, ""), str(error)
        del given[SEARCH]
        filters = filter_table.parse(given, access, BESIDES)
    return _Asked(access, of, here, filters, chosen_order(request, access, of), text, wrong)


@require_safe
def transcript_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    here = reverse("transcript_list", args=[slug])
    try:
        asked = _asked(request, access, Transcript, here)
        with searching(asked.filters):
            rows = in_order(asked.filters.transcripts(transcript_rows(access.study)), asked.sort)
            page = page_of(rows, SORTS[Transcript][asked.sort].order, request.GET.get("cursor"))
            facets = transcript_facets(access.study, asked.filters, **asked.keep)
    except (BadFilter, BadCursor) as error:
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    found = found_in(asked.filters, [row.pk for row in page.items])
    context = _context(request, asked, facets, page)
    context["rows"] = [_transcript_row(row, access, found.get(row.pk)) for row in page.items]
    return _rendered(request, asked, "transcript", context)


@require_safe
def pair_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    here = reverse("pair_list", args=[slug])
    try:
        asked = _asked(request, access, Pair, here)
        with searching(asked.filters):
            rows = in_order(asked.filters.pairs(pair_rows(access.study)), asked.sort)
            page = page_of(rows, SORTS[Pair][asked.sort].order, request.GET.get("cursor"))
            facets = pair_facets(access.study, asked.filters, **asked.keep)
            found = found_in(asked.filters, [], pairs=[row.pk for row in page.items])
    except (BadFilter, BadCursor) as error:
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    strips = outcome_strips(page.items) if access.shows("judge") else {}
    context = _context(request, asked, facets, page)
    context |= {
        "rows": [_pair_row(row, strips, access, found.get(row.pk)) for row in page.items],
        "carried": asked.filters.query(**asked.keep),
    }
    return _rendered(request, asked, "pair", context)


@require_safe
def facet_list(request: HttpRequest, slug: str, of: str) -> HttpResponse:
    """The facets of people's labels and tags: a fragment that a list loads behind itself, or a page of them."""
    access = access_reading(request.user, slug)
    model: type[Any] = Pair if of == "pairs" else Transcript
    here = reverse("pair_list" if model is Pair else "transcript_list", args=[slug])
    try:
        asked = _asked(request, access, model, here)
        with searching(asked.filters):
            facets = more_facets(access.study, asked.filters, model, **asked.keep)
    except BadFilter as error:
        return refuse(request, access, 400, "These filters cannot be shown", str(error), here)
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "here": here,
        "facets": facets,
        "back": asked.filters.query(**asked.keep),
    }
    return render_page(request, "transcripts/facet_list.html", "transcripts/_more_facets.html", context)


def _rendered(request: HttpRequest, asked: _Asked, what: str, context: dict[str, Any]) -> HttpResponse:
    # htmx swaps a form with its error in it when the status is 422.
    status = 200 if not asked.wrong else 422 if wants_fragment(request) else 400
    page, fragment = f"transcripts/{what}_list.html", f"transcripts/_{what}_browser.html"
    return render_page(request, page, fragment, context, status=status)


def _context(request: HttpRequest, asked: _Asked, facets: Facets, page: Page) -> dict[str, Any]:
    access, filters, keep, here = asked.access, asked.filters, asked.keep, asked.here
    known = orders(access.hidden, asked.of)
    without_search = filters.without(SEARCH)
    name, more = ("pairs", "pair_filters") if asked.of is Pair else ("transcripts", "transcript_filters")
    return {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "here": here,
        "filters": filters,
        "facets": facets.facets,
        "more_url": f"{reverse(more, args=[access.study.slug])}?{filters.query(**keep)}",
        "total": f"{facets.total:,}",
        "chips": [chip for chip in chips(access.study, filters, **keep) if chip.name != SEARCH],
        "unfiltered": Filters(access).query(**keep),
        "shows_judge": access.shows("judge"),
        "previous_url": f"{here}?{filters.query(**keep, cursor=page.previous)}" if page.previous else "",
        "next_url": f"{here}?{filters.query(**keep, cursor=page.next)}" if page.next else "",
        "shown": f"{len(page.items):,} of {facets.total:,}",
        "sort": asked.sort,
        "order_words": SORTS[asked.of][asked.sort].words,
        "sort_links": {order.lstrip("-"): _sort_link(order, asked, known) for order in reversed(known)},
        "search": asked.text,
        "searched": urlencode({SEARCH: filters.search}) if filters.search else "",
        "search_wrong": asked.wrong,
        "search_carries": without_search.fields(**keep),
        "without_search": without_search.query(**keep),
        "progress": index_progress(access.study) if filters.search or asked.wrong else None,
        **shown_on(access, name, request),
    }


def _sort_link(order: str, asked: _Asked, known: tuple[str, ...]) -> str:
    """Where the head of a column leads: its order, and when that is the list's already, the other way round."""
    plain = order.lstrip("-")
    other = f"-{plain}"
    turned = other if asked.sort == plain and other in known else plain
    return asked.filters.query(**({"sort": turned} if turned != known[0] else {}))


def _transcript_row(row: Any, access: StudyAccess, found: Found | None) -> dict[str, Any]:
    """``row`` is one of :func:`transcripts.listing.transcript_rows`."""
    shown = {
        "transcript": row,
        "prompt": visible(row.prompt_start),
        "parse": parse_state(row.parse_state),
        "messages": f"{row.n_messages:,}",
        "characters": f"{row.n_characters:,}",
        "found": found,
    }
    if access.shows("judge"):
        shown |= {
            "outcome": row.outcome,
            "letter": outcome_letter(row.outcome),
            "score": score_words(row.judge_score),
        }
    return shown


def _pair_row(row: Any, strips: dict[int, Any], access: StudyAccess, found: Found | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "pair": row,
        "prompt": visible(row.prompt_start),
        "found": found,
        "longest": f"{row.longest:,}",
    }
    if access.shows("judge"):
        shown |= {
            "gap": gap_words(row.judge_gap),
            "score": score_words(row.top_score),
            "strips": strips.get(row.pk, []),
        }
    return shown

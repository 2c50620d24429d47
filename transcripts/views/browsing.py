"""The lists of transcripts and pairs: narrowed by facets, all of it in the address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from afdash.htmx import render_page
from afdash.paging import BadCursor, Page, page_of
from transcripts import filters as filter_table
from transcripts.access import StudyAccess, access_reading
from transcripts.facets import Facets, chips, pair_facets, transcript_facets
from transcripts.filters import BadFilter, Filters
from transcripts.listing import BY_ID, ORDERS, in_order, orders, outcome_strips, pair_rows, transcript_rows
from transcripts.rendering import visible
from transcripts.views.refusals import refuse
from transcripts.wording import gap_words, outcome_letter, parse_state

BESIDES = frozenset({"cursor", "sort"})


def chosen_order(request: HttpRequest, access: StudyAccess) -> str:
    """The order of pairs that the address asks for; raises BadFilter."""
    known = orders(access.hidden)
    asked = request.GET.get("sort", known[0])
    if asked not in known:
        raise BadFilter("sort", f"“sort” must be one of {', '.join(known)}, not “{asked[:60]}”.")
    return asked


@require_safe
def transcript_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    here = reverse("transcript_list", args=[slug])
    try:
        filters = filter_table.parse(request.GET, access.hidden, frozenset({"cursor"}))
        page = page_of(filters.transcripts(transcript_rows(access.study)), BY_ID, request.GET.get("cursor"))
    except (BadFilter, BadCursor) as error:
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    facets = transcript_facets(access.study, filters)
    context = _context(access, filters, facets, page, here)
    context["rows"] = [_transcript_row(row, access) for row in page.items]
    return render_page(
        request, "transcripts/transcript_list.html", "transcripts/_transcript_browser.html", context
    )


@require_safe
def pair_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    here = reverse("pair_list", args=[slug])
    try:
        filters = filter_table.parse(request.GET, access.hidden, BESIDES)
        sort = chosen_order(request, access)
        rows = in_order(filters.pairs(pair_rows(access.study)), sort)
        page = page_of(rows, ORDERS[sort], request.GET.get("cursor"))
    except (BadFilter, BadCursor) as error:
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    keep = {"sort": sort} if sort != orders(access.hidden)[0] else {}
    context = _context(access, filters, pair_facets(access.study, filters, **keep), page, here, **keep)
    strips = outcome_strips(page.items) if access.shows("judge") else {}
    context |= {
        "rows": [_pair_row(row, strips, access) for row in page.items],
        "sort": sort,
        "sort_links": {
            "gap": filters.query(sort="-gap" if sort == "gap" else "gap"),
            "id": filters.query(sort="id"),
        },
        "carried": filters.query(**keep),
    }
    return render_page(request, "transcripts/pair_list.html", "transcripts/_pair_browser.html", context)


def _context(
    access: StudyAccess, filters: Filters, facets: Facets, page: Page, here: str, **keep: str
) -> dict[str, Any]:
    return {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "here": here,
        "filters": filters,
        "facets": facets.facets,
        "total": f"{facets.total:,}",
        "chips": chips(access.study, filters, **keep),
        "unfiltered": Filters().query(**keep),
        "shows_judge": access.shows("judge"),
        "previous_url": f"{here}?{filters.query(**keep, cursor=page.previous)}" if page.previous else "",
        "next_url": f"{here}?{filters.query(**keep, cursor=page.next)}" if page.next else "",
        "shown": f"{len(page.items):,} of {facets.total:,}",
    }


def _transcript_row(row: Any, access: StudyAccess) -> dict[str, Any]:
    """``row`` is one of :func:`transcripts.listing.transcript_rows`."""
    shown = {
        "transcript": row,
        "prompt": visible(row.prompt_start),
        "parse": parse_state(row.parse_state),
        "messages": f"{row.n_messages:,}",
        "characters": f"{row.n_characters:,}",
    }
    if access.shows("judge"):
        shown |= {"outcome": row.outcome, "letter": outcome_letter(row.outcome)}
    return shown


def _pair_row(row: Any, strips: dict[int, Any], access: StudyAccess) -> dict[str, Any]:
    shown: dict[str, Any] = {"pair": row, "prompt": visible(row.prompt_start)}
    if access.shows("judge"):
        shown |= {"gap": gap_words(row.judge_gap), "strips": strips.get(row.pk, [])}
    return shown

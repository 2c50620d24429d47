"""What is done with ticked rows: tagged, sent to a round, exported."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from transcripts import saved_views, selection, tags
from transcripts.access import Need, StudyAccess, access_reading, access_study
from transcripts.filters import BadFilter
from transcripts.selection import Selection, rows_of, selected_pairs, selected_transcripts
from transcripts.tags import BadTag, access_tags
from transcripts.views.refusals import refuse

__all__ = ["selected_pairs", "selected_transcripts", "selection_act"]

SENT_TO = {"round": "round_new", "export": "api_export"}  # with the selection as a token; for leads
TAGGING = ("tag", "untag")


@require_POST
def selection_act(request: HttpRequest, slug: str) -> HttpResponse:
    """``action`` on the rows ``unit``, or with ``all`` on those that pass ``query``, of the list ``page``."""
    access = access_reading(request.user, slug)
    page, action = request.POST.get("page", ""), request.POST.get("action", "")
    here = _list(access, page, request.POST.get("query", ""))
    try:
        chosen = selection.selection_of(
            page, request.POST.getlist("unit"), request.POST.get("all") == "1", request.POST.get("query", "")
        )
        if action in SENT_TO:
            return _sent(access, action, chosen)
        if action in TAGGING:
            return _tagged(request, access, action, chosen, here)
        raise BadFilter("action", f"“action” must be one of {', '.join([*TAGGING, *SENT_TO])}.")
    except (BadFilter, BadTag) as error:
        return refuse(request, access, 400, "Nothing was done", str(error), here)


def _sent(access: StudyAccess, action: str, chosen: Selection) -> HttpResponse:
    access_study(access.user, access.study.slug, Need.LEAD)
    if not rows_of(access, chosen).exists():
        raise BadFilter("unit", "None of the selected rows is there any more.")
    token = selection.token_of(access, chosen)
    address = (
        f"{reverse(SENT_TO[action], args=[access.study.slug])}?{urlencode({selection.PARAMETER: token})}"
    )
    return redirect(address)


def _tagged(
    request: HttpRequest, access: StudyAccess, action: str, chosen: Selection, here: str
) -> HttpResponse:
    access_tags(access.user, access.study.slug, Need.LABEL)
    name, rows = tags.checked_name(request.POST.get("tag", "")), rows_of(access, chosen)
    one, many = ("pair", "pairs") if chosen.page == "pairs" else ("transcript", "transcripts")
    n = (tags.add_tag if action == "tag" else tags.remove_tag)(access, name, rows)
    units = f"{n:,} {one if n == 1 else many}"
    if action == "tag":
        messages.success(request, f"“{name}” is on {units} more." if n else f"All have “{name}” already.")
    else:
        messages.success(request, f"“{name}” is off {units}." if n else f"None of them had “{name}”.")
    return redirect(here)


def _list(access: StudyAccess, page: str, query: str) -> str:
    here = reverse(saved_views.LISTS.get(page, "pair_list"), args=[access.study.slug])
    kept = saved_views.without_cursor(query.removeprefix("?"))
    return f"{here}?{kept}" if kept else here

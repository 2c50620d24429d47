"""Saved views of the lists: kept, opened, renamed, shared, deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from transcripts import saved_views
from transcripts.access import StudyAccess, access_reading
from transcripts.filters import BadFilter
from transcripts.saved_views import BadView, NameTaken
from transcripts.views.refusals import refuse


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "read", **more}


@require_safe
def saved_view_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_reading(request.user, slug)
    rows = [
        {
            "view": view,
            "url": saved_views.address(access, view),
            "asks": saved_views.parsed(view.query),
            "is_own": view.owner_id == access.user.pk,
            "may_change": access.is_lead if view.is_shared else True,
        }
        for view in saved_views.visible_views(access)
    ]
    context = _context(access, rows=rows, may_share=access.is_lead)
    return render(request, "transcripts/saved_view_list.html", context)


@require_POST
def saved_view_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep a list under a name; one's own view of that name is replaced only after a second look."""
    access = access_reading(request.user, slug)
    given = {name: request.POST.get(name, "") for name in ("page", "name", "query")}
    is_shared = request.POST.get("is_shared") == "1"
    try:
        view = saved_views.save_view(
            access, **given, is_shared=is_shared, replace=request.POST.get("replace") == "1"
        )
    except NameTaken as error:
        context = _context(access, view=error.view, given=given, is_shared=is_shared)
        return render(request, "transcripts/saved_view_replace.html", context, status=409)
    except (BadView, BadFilter) as error:
        back = reverse(saved_views.LISTS.get(given["page"], "pair_list"), args=[slug])
        return refuse(request, access, 400, "This view cannot be saved", str(error), back)
    shared = ", for everyone in the study" if view.is_shared else ""
    messages.success(request, f"Saved as “{view.name}”{shared}.")
    return redirect(saved_views.address(access, view))


@require_safe
def saved_view(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A lasting address of the view, whatever it looks for."""
    access = access_reading(request.user, slug)
    return redirect(saved_views.address(access, saved_views.access_view(access, pk)))


@require_POST
def saved_view_change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_reading(request.user, slug)
    view = saved_views.access_changeable_view(access, pk)
    here = reverse("saved_view_list", args=[slug])
    is_shared = request.POST.get("is_shared") == "1" if access.is_lead else view.is_shared
    try:
        saved_views.change_view(access, view, request.POST.get("name", ""), is_shared)
    except BadView as error:
        return refuse(request, access, 400, "This view cannot be changed so", str(error), here)
    messages.success(request, f"“{view.name}” is changed.")
    return redirect(here)


@require_POST
def saved_view_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_reading(request.user, slug)
    view = saved_views.access_changeable_view(access, pk)
    view.delete()
    messages.success(request, f"“{view.name}” is deleted. The transcripts that it showed are as they were.")
    return redirect("saved_view_list", slug)

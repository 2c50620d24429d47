"""Tags of a study: the list of them, and putting them on a pair or a transcript."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.htmx import wants_fragment
from transcripts import tags
from transcripts.access import Need, StudyAccess, access_pair, access_transcript
from transcripts.models import Pair, Transcript
from transcripts.tags import BadTag, access_tag, access_tags
from transcripts.views.refusals import refuse


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "read", **more}


@require_safe
def tag_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_tags(request.user, slug)
    found = list(tags.counted_tags(access.study))
    context = _context(access, tags=found, may_tag=tags.may_tag(access), is_lead=access.is_lead)
    return render(request, "transcripts/tag_list.html", context)


@require_POST
def tag_rename(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_tags(request.user, slug, Need.LEAD)
    tag = access_tag(access, pk)
    try:
        n_views = tags.rename_tag(access, tag, request.POST.get("name", ""))
    except BadTag as error:
        return _refused(request, access, error)
    views = f" {n_views} saved view{'s' if n_views > 1 else ''} went along." if n_views else ""
    messages.success(request, f"“{tag.name}” has its new name.{views}")
    return redirect("tag_list", slug)


@require_POST
def tag_merge(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_tags(request.user, slug, Need.LEAD)
    tag = access_tag(access, pk)
    try:
        target = tags.named_tag(access, request.POST.get("into", ""))
        moved = tags.merge_tag(access, tag, target)
    except BadTag as error:
        return _refused(request, access, error)
    messages.success(request, f"“{tag.name}” is now “{target.name}”: {moved:,} did not have that yet.")
    return redirect("tag_list", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def tag_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Says first what it takes off from how many; a POST does it."""
    access = access_tags(request.user, slug, Need.LABEL)
    tag = access_tag(access, pk)
    if request.method == "POST":
        tags.delete_tag(access, tag)
        messages.success(request, f"“{tag.name}” is deleted.")
        return redirect("tag_list", slug)
    counted = tags.counted_tags(access.study).get(pk=tag.pk)
    views = [view for view in tags.views_with(access.study, tag.name) if _sees(access, view)]
    context = _context(access, tag=counted, views=views, may=access.is_lead or not _is_used(counted))
    return render(request, "transcripts/tag_delete.html", context)


def _is_used(counted: Any) -> bool:
    return bool(counted.n_pairs or counted.n_transcripts)


def _sees(access: StudyAccess, view: Any) -> bool:
    return view.is_shared or view.owner_id == access.user.pk


@require_POST
def pair_tags(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_tags(request.user, slug, Need.LABEL)
    return _tagged(request, access, "pairs", access_pair(access, pk))


@require_POST
def transcript_tags(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_tags(request.user, slug, Need.LABEL)
    return _tagged(request, access, "transcripts", access_transcript(access, pk))


def _tagged(request: HttpRequest, access: StudyAccess, page: str, unit: Pair | Transcript) -> HttpResponse:
    """Add the tag ``add`` or take off ``remove``; answers with the fragment, or goes back to where it was."""
    rows = type(unit).objects.filter(pk=unit.pk)
    try:
        if "remove" in request.POST:
            tags.remove_tag(access, request.POST["remove"], rows)
        else:
            tags.add_tag(access, request.POST.get("add", ""), rows)
    except BadTag as error:
        return _refused(request, access, error)
    if not wants_fragment(request):
        return redirect(_back(request, access, page, unit))
    context = {
        "study": access.study,
        "tag_page": page,
        "unit": unit.pk,
        "may_tag": True,
        "tags": tags.tags_of(access, **{page: [unit.pk]}).get(unit.pk, []),
        "tag_names": tags.tag_names(access),
    }
    return render(request, "transcripts/_tags.html", context)


def _back(request: HttpRequest, access: StudyAccess, page: str, unit: Pair | Transcript) -> str:
    asked = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, request.is_secure()):
        return asked
    detail = "pair_detail" if page == "pairs" else "transcript_detail"
    return reverse(detail, args=[access.study.slug, unit.pk])


def _refused(request: HttpRequest, access: StudyAccess, error: BadTag) -> HttpResponse:
    here = reverse("tag_list", args=[access.study.slug])
    return refuse(request, access, 400, "This cannot be tagged so", str(error), here)

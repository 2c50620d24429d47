"""Giving files to a study, and the list of what became of them. For leads."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from afdash.htmx import render_page
from afdash.paging import BadCursor, Order, page_of
from transcripts.access import Need, StudyAccess, access_study
from transcripts.ingest import queue, sources
from transcripts.ingest.options import ROLES, BadOption, clean
from transcripts.models import Ingest
from transcripts.readers.registry import READERS
from transcripts.views.refusals import refuse

NEWEST_FIRST = Order("newest", ("-id",))


def ingest_context(access: StudyAccess, **more: Any) -> dict[str, Any]:
    """What every page about ingests needs."""
    return {"study": access.study, "role": access.role, "active_nav": "ingests", **more}


def uploaded_files(request: HttpRequest) -> list[tuple[str, UploadedFile]]:
    """The uploaded files with their names; a folder's files keep the folder (browsers send it as ``path``)."""
    files = request.FILES.getlist("file")
    paths = request.POST.getlist("path")
    return [
        (paths[number] if number < len(paths) and paths[number] else file.name or "file", file)
        for number, file in enumerate(files)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def ingest_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The list, and where files are given. Who asks for JSON gets the answer to an upload as JSON, a file at a time."""
    access = access_study(request.user, slug, Need.LEAD)
    errors: dict[str, str] = {}
    if request.method == "POST":
        is_script = request.headers.get("Accept", "").startswith("application/json")
        try:
            ingests = _upload(request, access)
        except BadOption as error:
            if is_script:
                return JsonResponse({"error": {"message": str(error), "field": error.field}}, status=422)
            errors[error.field] = str(error)
        else:
            return _taken(access, ingests) if is_script else _redirected(request, access, ingests)
    ingests = (
        Ingest.objects.filter(study=access.study, container=None)
        .select_related("source", "requested_by")
        .annotate(n_parts=Count("parts"))
    )
    try:
        page = page_of(ingests, NEWEST_FIRST, request.GET.get("cursor"))
    except BadCursor as error:
        here = reverse("ingest_list", args=[slug])
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    rows = [{"ingest": ingest, "progress": queue.progress(ingest)} for ingest in page.items]
    context = ingest_context(
        access,
        page=page,
        rows=rows,
        n_unmapped=_unmapped(access),
        any_active=any(row["ingest"].is_active for row in rows),
        worker_is_running=queue.worker_is_running(),
        errors=errors,
        given=request.POST,
        readers=READERS,
        roles=ROLES,
        max_bytes=settings.AFDASH_MAX_UPLOAD,
        max_megabytes=settings.AFDASH_MAX_UPLOAD >> 20,
    )
    return render_page(
        request,
        "transcripts/ingest_list.html",
        "transcripts/_ingest_table.html",
        context,
        status=422 if errors else 200,
    )


def _unmapped(access: StudyAccess) -> int:
    waiting = Q(state=Ingest.State.NEEDS_MAPPING, is_container=False)
    return Ingest.objects.filter(waiting, study=access.study).count()


def _upload(request: HttpRequest, access: StudyAccess) -> list[Ingest]:
    options = clean(request.POST.dict())
    files = uploaded_files(request)
    if not files:
        raise BadOption("file", "Choose one or more files first.")
    for name, file in files:
        if (file.size or 0) > settings.AFDASH_MAX_UPLOAD:
            raise BadOption(
                "file",
                f"{name} is larger than the {settings.AFDASH_MAX_UPLOAD >> 20} MB that this page takes.",
            )
    kept = [sources.keep(access.study, file, name, access.user) for name, file in files]
    try:
        return [queue.request_ingest(source, user=access.user, options=options) for source in kept]
    except queue.BusySource as error:
        raise BadOption("file", f"{error.active.source.name}: {error}") from error


def _taken(access: StudyAccess, ingests: list[Ingest]) -> JsonResponse:
    slug, ingest = access.study.slug, ingests[0]
    told = {
        "id": ingest.pk,
        "page": reverse("ingest_detail", args=[slug, ingest.pk]),
        "state": reverse("api_ingest", args=[slug, ingest.pk]),
    }
    return JsonResponse(told, status=202)


def _redirected(request: HttpRequest, access: StudyAccess, ingests: list[Ingest]) -> HttpResponse:
    if len(ingests) == 1:
        return redirect("ingest_detail", access.study.slug, ingests[0].pk)
    messages.success(request, f"{len(ingests)} files are queued.")
    return redirect("ingest_list", access.study.slug)

"""Giving files to a study, and what became of them. For leads."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.htmx import render_page
from afdash.paging import BadCursor, Order, page_of
from transcripts.access import Need, StudyAccess, access_ingest, access_study
from transcripts.ingest import queue, sources, work
from transcripts.ingest.options import ROLES, BadOption, clean
from transcripts.models import Ingest
from transcripts.readers.registry import READERS
from transcripts.segments import PARSE_STATES
from transcripts.views.refusals import refuse

NEWEST_FIRST = Order("newest", ("-id",))
SHOWN = 50  # rejects and findings on the page; the API has all


def _context(access: StudyAccess, **more: Any) -> dict[str, Any]:
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
    access = access_study(request.user, slug, Need.LEAD)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            return _upload(request, access)
        except BadOption as error:
            errors[error.field] = str(error)
    ingests = Ingest.objects.filter(study=access.study).select_related("source", "requested_by")
    try:
        page = page_of(ingests, NEWEST_FIRST, request.GET.get("cursor"))
    except BadCursor as error:
        here = reverse("ingest_list", args=[slug])
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    rows = [{"ingest": ingest, "progress": queue.progress(ingest)} for ingest in page.items]
    context = _context(
        access,
        page=page,
        rows=rows,
        any_active=any(row["ingest"].is_active for row in rows),
        worker_is_running=queue.worker_is_running(),
        errors=errors,
        given=request.POST,
        readers=READERS,
        roles=ROLES,
        max_megabytes=settings.AFDASH_MAX_UPLOAD >> 20,
    )
    return render_page(
        request,
        "transcripts/ingest_list.html",
        "transcripts/_ingest_table.html",
        context,
        status=422 if errors else 200,
    )


def _upload(request: HttpRequest, access: StudyAccess) -> HttpResponse:
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
        ingests = [queue.request_ingest(source, user=access.user, options=options) for source in kept]
    except queue.BusySource as error:
        raise BadOption("file", f"{error.active.source.name}: {error}") from error
    if len(ingests) == 1:
        return redirect("ingest_detail", access.study.slug, ingests[0].pk)
    messages.success(request, f"{len(ingests)} files are queued.")
    return redirect("ingest_list", access.study.slug)


@require_safe
def ingest_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    ingest = access_ingest(access, pk)
    states = (
        ingest.transcripts.values("parse_state").annotate(n=Count("id")).order_by("-n")
        if not ingest.is_active
        else ()
    )
    context = _context(
        access,
        ingest=ingest,
        progress=queue.progress(ingest),
        worker_is_running=queue.worker_is_running(),
        findings=_findings(ingest),
        rejects=ingest.rejects.all()[:SHOWN],
        parse_states=[
            {"state": row["parse_state"], "n": row["n"], "meaning": PARSE_STATES.get(row["parse_state"], "")}
            for row in states
        ],
        shown=SHOWN,
    )
    return render_page(
        request, "transcripts/ingest_detail.html", "transcripts/_ingest_progress.html", context
    )


def _findings(ingest: Ingest) -> list[dict[str, Any]]:
    """Findings by kind: how many, the first message of each, and a few transcripts to look at."""
    kinds = ingest.findings.values("kind").annotate(n=Count("id")).order_by("kind")
    return [
        {
            "kind": row["kind"],
            "n": row["n"],
            "examples": ingest.findings.filter(kind=row["kind"])[:5],
        }
        for row in kinds
    ]


@require_POST
def ingest_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    ingest = access_ingest(access, pk)
    if queue.cancel(ingest):
        messages.success(
            request, "Cancelled. What was read until now is kept; the rest can be read with Retry."
        )
    return redirect("ingest_detail", slug, pk)


@require_POST
def ingest_retry(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    ingest = access_ingest(access, pk)
    try:
        if work.retry(ingest):
            messages.success(request, "It goes on from where it stopped.")
    except queue.BusySource as error:
        messages.error(request, str(error))
    return redirect("ingest_detail", slug, pk)

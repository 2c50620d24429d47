"""The codebook: guidelines and questions for everybody who labels, new versions by leads."""

from __future__ import annotations

import json
from typing import Any

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from annotations.access import visible_codebook_versions
from annotations.codebook import BadDefinition
from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.models import CodebookVersion
from annotations.prose import blocks
from transcripts.access import Need, StudyAccess, access_study


@require_http_methods(["GET", "HEAD", "POST"])
def codebook(request: HttpRequest, slug: str) -> HttpResponse:
    """A version (``?version=<id>``, else the newest). A lead's POST saves ``definition`` as a new one."""
    access = access_study(request.user, slug, Need.LEAD if request.method == "POST" else Need.MEMBER)
    given, problem = "", ""
    if request.method == "POST":
        given = request.POST.get("definition", "")
        try:
            version, is_new = add_version(access.study, _loaded(given), access.user)
        except BadDefinition as error:
            problem = str(error)
        else:
            messages.success(
                request, f"{version} is saved." if is_new else f"{version} says exactly that already."
            )
            return redirect("codebook", slug)
    return render(
        request,
        "annotations/codebook_detail.html",
        _context(request, access, given, problem),
        status=422 if problem else 200,
    )


def _loaded(text: str) -> Any:
    try:
        # Not json.loads, which takes NaN and Infinity: they are no JSON, and no database column holds them.
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadDefinition(f"This is not JSON: {error}") from error


def _context(request: HttpRequest, access: StudyAccess, given: str, problem: str) -> dict[str, Any]:
    versions = list(visible_codebook_versions(access).order_by("codebook__name", "codebook_id", "-number"))
    shown = _asked_for(versions, request.GET.get("version", ""))
    book = shown.parsed if shown else None
    definition = shown.definition if shown else DEFINITION
    return {
        "study": access.study,
        "role": access.role,
        "active_nav": "codebook",
        "versions": versions,
        "shown": shown,
        "book": book,
        "guidelines": blocks(book.guidelines) if book else [],
        "given": given or json.dumps(definition, indent=2, ensure_ascii=False),
        "problem": problem,
    }


def _asked_for(versions: list[CodebookVersion], asked: str) -> CodebookVersion | None:
    if not versions:
        return None
    # What people label by goes before what was made from imported labels.
    newest = max(versions, key=lambda version: (version.codebook.imported_from == "", version.pk))
    return next((version for version in versions if str(version.pk) == asked), newest)

"""Codebooks to read: guidelines and questions for everybody who labels, versions and what they changed."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from annotations import codebook_yaml
from annotations.access import access_codebook_version, visible_codebook_versions, visible_rounds
from annotations.codebook_changes import changes
from annotations.ids import BadId, id_from
from annotations.models import CodebookVersion
from annotations.prose import blocks
from annotations.relabelling import another_look
from annotations.views.codebook_editor import save
from transcripts.access import Need, StudyAccess, access_study
from transcripts.views.refusals import refuse

TYPES = {"yaml": "application/yaml; charset=utf-8", "json": "application/json"}


def context_of(access: StudyAccess, **more: Any) -> dict[str, Any]:
    return {"study": access.study, "role": access.role, "active_nav": "codebook", **more}


@require_http_methods(["GET", "HEAD", "POST"])
def codebook(request: HttpRequest, slug: str) -> HttpResponse:
    """A version (``?version=<id>``, else the newest). A lead's POST saves what the editor holds as a new one."""
    access = access_study(request.user, slug, Need.LEAD if request.method == "POST" else Need.MEMBER)
    if request.method == "POST":
        return save(request, access)
    versions = list(visible_codebook_versions(access).order_by("codebook__name", "codebook_id", "-number"))
    shown = _asked_for(versions, request.GET.get("version", ""))
    book = shown.parsed if shown else None
    context = context_of(
        access,
        versions=[each for each in versions if shown and each.codebook_id == shown.codebook_id],
        others=_newest_of_others(versions, shown),
        shown=shown,
        book=book,
        guidelines=blocks(book.guidelines) if book else [],
    )
    return render(request, "annotations/codebook_detail.html", context)


def _asked_for(versions: list[CodebookVersion], asked: str) -> CodebookVersion | None:
    if not versions:
        return None
    # What people label by goes before what was made from imported labels.
    newest = max(versions, key=lambda version: (version.codebook.imported_from == "", version.pk))
    return next((version for version in versions if str(version.pk) == asked), newest)


def _newest_of_others(
    versions: list[CodebookVersion], shown: CodebookVersion | None
) -> list[CodebookVersion]:
    by_codebook: dict[int, CodebookVersion] = {}
    for version in versions:  # newest first within each
        by_codebook.setdefault(version.codebook_id, version)
    return [each for each in by_codebook.values() if shown is None or each.codebook_id != shown.codebook_id]


@require_safe
def codebook_versions(request: HttpRequest, slug: str) -> HttpResponse:
    """All versions of all codebooks, by which rounds each is used, and any two compared (``before``, ``after``)."""
    access = access_study(request.user, slug)
    versions = list(
        visible_codebook_versions(access)
        .annotate(n_rounds=Count("rounds"))
        .order_by("codebook__name", "codebook_id", "-number")
    )
    try:
        before, after = (_chosen(request, name, versions) for name in ("before", "after"))
    except BadId as error:
        back = reverse("codebook_versions", args=[slug])
        return refuse(request, access, 400, "These cannot be compared", str(error), back)
    rounds: dict[int, list[Any]] = {}
    for round in visible_rounds(access):
        rounds.setdefault(round.codebook_version_id, []).append(round)
    before = before or _one_before(after, versions)
    found = changes(before.parsed, after.parsed) if before and after else None
    context = context_of(
        access,
        rows=[{"version": each, "rounds": rounds.get(each.pk, [])} for each in versions],
        before=before,
        after=after,
        changes=found,
        n_matter=sum(change.matters for change in found or ()),
        can_compare=len(versions) > 1,
    )
    return render(request, "annotations/codebook_versions.html", context)


def _chosen(request: HttpRequest, name: str, versions: list[CodebookVersion]) -> CodebookVersion | None:
    if not (given := request.GET.get(name, "")):
        return None
    pk = id_from(given)
    found = next((version for version in versions if version.pk == pk), None)
    if found is None:
        raise BadId(f"“{name}” must be a codebook version of this study.")
    return found


def _one_before(after: CodebookVersion | None, versions: list[CodebookVersion]) -> CodebookVersion | None:
    if after is None:
        return None
    earlier = (v for v in versions if v.codebook_id == after.codebook_id and v.number < after.number)
    return next(earlier, None)


@require_safe
def codebook_file(request: HttpRequest, slug: str, pk: int, format: str) -> HttpResponse:
    """A version's definition as a file, for a text editor or another study."""
    access = access_study(request.user, slug)
    version = access_codebook_version(access, pk)
    if format == "yaml":
        text = codebook_yaml.dump(version.definition)
    else:
        text = json.dumps(version.definition, indent=2, ensure_ascii=False) + "\n"
    name = f"{version.codebook.slug}-{version.number}.{format}"
    return HttpResponse(
        text,
        content_type=TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def codebook_another_look(request: HttpRequest, slug: str) -> HttpResponse:
    """Labels that stayed behind when their round moved to another version: all for a lead, else one's own."""
    access = access_study(request.user, slug, Need.LABEL)
    found = another_look(access)
    context = context_of(access, total=found.count(), annotations=found[:200], active_nav="label")
    return render(request, "annotations/codebook_another_look.html", context)

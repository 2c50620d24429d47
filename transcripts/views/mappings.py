"""Saying what the fields of a file mean: the proposal as a form, tried on the first records before it counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transcripts.access import Need, StudyAccess, access_ingest, access_study
from transcripts.arms import ROLES
from transcripts.ingest import mappings, queue
from transcripts.ingest.options import BadOption, clean
from transcripts.jail.parser import ParserDied, ParserFault
from transcripts.models import Ingest, SavedMapping
from transcripts.outcomes import OUTCOMES
from transcripts.records import UnreadableSource
from transcripts.views.ingests import ingest_context
from transcripts.views.mapping_form import MappingForm, as_text, form_of, mapping_from, values_wanted
from transcripts.views.mapping_preview import MOST, preview_of

logger = logging.getLogger(__name__)


class CannotTry(Exception):
    """The mapping cannot be tried on the file; the message says why."""


@require_http_methods(["GET", "HEAD", "POST"])
def mapping(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The form; POST ingests with what it says (or, with ``fill``, fills the form from the JSON)."""
    access, ingest = _opened(request, slug, pk)
    if ingest.state != Ingest.State.NEEDS_MAPPING or ingest.is_container:
        return _settled(request, access, ingest)
    given: Mapping[str, Any] = (ingest.proposal or {}).get("mapping") or {}
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            given = mapping_from(request.POST)
            clean({"mapping": given})
            if "fill" not in request.POST:
                return _chosen(request, access, ingest, given)
        except BadOption as error:
            errors["json" if request.POST.get("use") == "json" else "mapping"] = str(error)
        except queue.BusySource as error:
            errors["mapping"] = str(error)
    shown, seen_errors = _form(ingest, {} if errors.get("json") else given)
    errors |= seen_errors
    context = _context(access, ingest, shown, given=request.POST, errors=errors)
    context |= {"preview": None} if errors else _preview(ingest, given)
    return render(request, "transcripts/mapping.html", context, status=422 if errors else 200)


def _opened(request: HttpRequest, slug: str, pk: int) -> tuple[StudyAccess, Ingest]:
    access = access_study(request.user, slug, Need.LEAD)
    return access, access_ingest(access, pk)


def _context(access: StudyAccess, ingest: Ingest, form: MappingForm, **more: Any) -> dict[str, Any]:
    return ingest_context(access, ingest=ingest, form=form, roles=ROLES, outcomes=OUTCOMES, most=MOST, **more)


def _chosen(
    request: HttpRequest, access: StudyAccess, ingest: Ingest, given: Mapping[str, Any]
) -> HttpResponse:
    """Raises BadOption and BusySource."""
    if not given.get("fields"):
        raise BadOption("mapping", "Say at least which field is the response, or which holds the messages.")
    if mappings.choose(ingest, dict(given), access.user):
        messages.success(
            request, "It is being ingested with this mapping, which is kept for files with the same fields."
        )
    return redirect("ingest_detail", access.study.slug, ingest.pk)


def _form(ingest: Ingest, given: Mapping[str, Any]) -> tuple[MappingForm, dict[str, str]]:
    """The form with the values of the chosen fields; without them, and why, if the file cannot be read."""
    proposal = ingest.proposal or {}
    arm, scores = values_wanted(given)
    proposed = proposal.get("mapping") or {}
    seen = proposal.get("values", [])
    try:
        if (arm, scores) != values_wanted(proposed):
            seen = _asked(lambda: mappings.values(ingest, arm, scores))
    except CannotTry as error:
        return form_of(given, proposal, ()), {"mapping": str(error)}
    return form_of(given, proposal, seen), {}


def _asked(question: Any) -> Any:
    """The answer of a parser. Raises CannotTry."""
    try:
        return question()
    except (UnreadableSource, BadOption) as error:
        raise CannotTry(str(error)) from error
    except FileNotFoundError as error:
        raise CannotTry("The file is no longer in our storage. Upload it again.") from error
    except MemoryError as error:
        raise CannotTry("The first records need more memory than a parser may use.") from error
    except (ParserDied, ParserFault) as error:
        logger.exception("a mapping could not be tried")
        raise CannotTry("The parser stopped while it read the first records. Please try again.") from error


def _preview(ingest: Ingest, given: Mapping[str, Any]) -> dict[str, Any]:
    """``preview``, or ``problem`` as a sentence."""
    if not given.get("fields"):
        return {"preview": None, "problem": "Choose at least the response, or the messages."}
    try:
        return {"preview": preview_of(_asked(lambda: mappings.tried(ingest, dict(given), MOST)))}
    except CannotTry as error:
        return {"preview": None, "problem": str(error)}


@require_POST
def mapping_preview(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The first pairs as this mapping makes them; nothing is written. Also the values of newly chosen fields."""
    access, ingest = _opened(request, slug, pk)
    if not ingest.proposal:
        raise Http404("This ingest needs no mapping.")
    try:
        given = mapping_from(request.POST)
        clean({"mapping": given})
    except BadOption as error:
        context = ingest_context(access, ingest=ingest, preview=None, problem=str(error))
        return render(request, "transcripts/_mapping_preview.html", context, status=422)
    shown, _ = _form(ingest, given)
    context = _context(
        access,
        ingest,
        shown,
        is_fragment=True,
        json_changed=request.POST.get("use") != "json",
        values_changed=request.POST.get("shown_for") != shown.shown_for,
    )
    context |= _preview(ingest, given)
    return render(request, "transcripts/_mapping_preview.html", context)


def _settled(request: HttpRequest, access: StudyAccess, ingest: Ingest) -> HttpResponse:
    """What the fields were taken for, to read; or which parts of an archive wait."""
    proposed = ingest.findings.filter(kind="mapping_proposed").first()
    used = ingest.options.get("mapping") or (proposed.detail.get("mapping") if proposed else None)
    context = ingest_context(
        access,
        ingest=ingest,
        used=as_text(used) if used else "",
        fields=(used or {}).get("fields", {}),
        why={each["field"]: each["why"] for each in proposed.detail.get("choices", ())} if proposed else {},
        waiting=ingest.parts.filter(state=Ingest.State.NEEDS_MAPPING).select_related("source"),
    )
    status = 200 if request.method != "POST" else 409
    return render(request, "transcripts/mapping_used.html", context, status=status)


@require_safe
def mapping_list(request: HttpRequest, slug: str) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    saved = SavedMapping.objects.filter(study=access.study).select_related("saved_by")
    rows = [
        {"saved": each, "json": as_text(each.mapping), "fields": each.mapping.get("fields", {})}
        for each in saved
    ]
    return render(request, "transcripts/mapping_list.html", ingest_context(access, rows=rows))


@require_POST
def mapping_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access = access_study(request.user, slug, Need.LEAD)
    deleted, _ = SavedMapping.objects.filter(study=access.study, pk=pk).delete()
    if not deleted:
        raise Http404("No such mapping in this study.")
    messages.success(request, "Deleted. What was ingested with it stays as it is.")
    return redirect(reverse("mapping_list", args=[slug]))

"""One ingest: how far it is, what it found, and what can be done about it. For leads."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from afdash.htmx import render_page
from afdash.paging import BadCursor, Order, page_of
from transcripts.access import Need, StudyAccess, access_ingest, access_study
from transcripts.finding_words import finding_title
from transcripts.ingest import queue, work
from transcripts.ingest.judged_again import NotNow, judge_again, judges
from transcripts.ingest.options import BadOption
from transcripts.ingest.parsers import as_first_given
from transcripts.ingest.rejects import NoRejects, download
from transcripts.ingest.removal import CannotRemove, obstacle, remove
from transcripts.models import Ingest, IngestChunk, Transcript
from transcripts.records import UnreadableSource
from transcripts.segments import PARSE_STATES
from transcripts.views.ingests import ingest_context
from transcripts.views.mapping_form import word_choices
from transcripts.views.refusals import refuse

logger = logging.getLogger(__name__)

SHOWN = 20  # rejects on the ingest's page, which links to all
EXAMPLES = 5  # findings of a kind
PARTS = 200
IN_ORDER = Order("id", ("id",))
# Saved, never shown, and inert if it were: a record is hostile bytes.
AS_ATTACHMENT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def _opened(request: HttpRequest, slug: str, pk: int) -> tuple[StudyAccess, Ingest]:
    access = access_study(request.user, slug, Need.LEAD)
    return access, access_ingest(access, pk)


@require_safe
def ingest_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access, ingest = _opened(request, slug, pk)
    states = (
        ingest.transcripts.values("parse_state").annotate(n=Count("id")).order_by("-n")
        if not ingest.is_active
        else ()
    )
    parts = ingest.parts.select_related("source").order_by("pk")[:PARTS] if ingest.is_container else ()
    chunks = ingest.chunks.all()
    context = ingest_context(
        access,
        ingest=ingest,
        progress=queue.progress(ingest),
        worker_is_running=queue.worker_is_running(),
        findings=_findings(ingest),
        rejects=ingest.rejects.all()[:SHOWN],
        judges=() if ingest.is_active else _judge_rows(ingest),
        parts=[{"ingest": part, "progress": queue.progress(part)} for part in parts],
        n_parts=ingest.parts.count() if ingest.is_container else 0,
        chunks=chunks if ingest.is_active and len(chunks) > 1 else (),
        chunks_running=sum(chunk.state == IngestChunk.State.RUNNING for chunk in chunks),
        mapping_json=_mapping_json(ingest),
        plain_options=[(name, said) for name, said in ingest.options.items() if name != "mapping"],
        was_proposed=ingest.findings.filter(kind="mapping_proposed").exists(),
        corrected=_corrected(ingest),
        parse_states=[
            {"state": row["parse_state"], "n": row["n"], "meaning": PARSE_STATES.get(row["parse_state"], "")}
            for row in states
        ],
        shown=SHOWN,
    )
    return render_page(
        request, "transcripts/ingest_detail.html", "transcripts/_ingest_progress.html", context
    )


def _judge_rows(ingest: Ingest) -> list[dict[str, Any]]:
    """What the judges said, with what the form sends for each meaning of a word."""
    return [
        {
            "judge": judge,
            "words": [
                {"word": word, "meanings": word.outcomes.items(), "choices": _choices(judge.name, word.value)}
                for word in judge.words
            ],
        }
        for judge in judges(ingest)
    ]


def _choices(judge: str, value: str) -> list[tuple[str, str]]:
    return [(meaning, sent) for meaning, sent in word_choices(judge, value).items() if meaning]


def _corrected(ingest: Ingest) -> str:
    """The name under which the corrected rejects must come, so that readers find the same hints in it."""
    name = as_first_given(ingest.source.name)
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.rejects.{ending}" if dot else f"{name}.rejects.jsonl"


def _mapping_json(ingest: Ingest) -> str:
    mapping = ingest.options.get("mapping")
    return orjson.dumps(mapping, option=orjson.OPT_INDENT_2).decode() if mapping else ""


def _findings(ingest: Ingest) -> list[dict[str, Any]]:
    """Findings by kind: how many, in plain words, and the first of each."""
    kinds = ingest.findings.values("kind").annotate(n=Count("id")).order_by("kind")
    return [
        {
            "kind": row["kind"],
            "title": finding_title(row["kind"]),
            "n": row["n"],
            "examples": ingest.findings.filter(kind=row["kind"])[:EXAMPLES],
        }
        for row in kinds
    ]


@require_safe
def ingest_findings(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """All findings, or those of one ``kind``."""
    access, ingest = _opened(request, slug, pk)
    kind = request.GET.get("kind", "")
    rows = ingest.findings.filter(kind=kind) if kind else ingest.findings.all()
    more = {"kind": kind, "title": finding_title(kind) if kind else "All findings"}
    return _listed(request, access, ingest, rows, "finding", more)


@require_safe
def ingest_rejects(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    access, ingest = _opened(request, slug, pk)
    return _listed(request, access, ingest, ingest.rejects.all(), "reject", {})


def _listed(
    request: HttpRequest, access: StudyAccess, ingest: Ingest, rows: Any, what: str, more: dict[str, Any]
) -> HttpResponse:
    try:
        page = page_of(rows, IN_ORDER, request.GET.get("cursor"))
    except BadCursor as error:
        here = reverse("ingest_detail", args=[access.study.slug, ingest.pk])
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    context = ingest_context(access, ingest=ingest, page=page, n=rows.count(), **more)
    return render(request, f"transcripts/ingest_{what}s.html", context)


@require_safe
def reject_file(request: HttpRequest, slug: str, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The rejected records, to be corrected and given again: a stream of their original bytes."""
    access, ingest = _opened(request, slug, pk)
    back = reverse("ingest_detail", args=[slug, pk])
    title = "The rejects cannot be downloaded"
    try:
        return as_download(ingest)
    except NoRejects as error:
        raise Http404("This ingest has no rejects.") from error
    except FileNotFoundError:
        logger.warning("The file of source %s is missing from storage.", ingest.source.pk)
        return refuse(request, access, 404, title, "The file is no longer in storage.", back)
    except (UnreadableSource, KeyError, TypeError, ValueError) as error:
        logger.warning("The rejects of ingest %s cannot be cut out: %r", pk, error)
        return refuse(request, access, 409, title, "The file is there, but damaged in our storage.", back)


def as_download(ingest: Ingest) -> StreamingHttpResponse:
    """Raises what :func:`transcripts.ingest.rejects.download` raises."""
    found = download(ingest)
    name = "".join(c if c.isprintable() else "_" for c in found.name)
    return StreamingHttpResponse(
        found.pieces,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            **AS_ATTACHMENT,
        },
    )


@require_POST
def ingest_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    _, ingest = _opened(request, slug, pk)
    if queue.cancel(ingest):
        messages.success(
            request, "Cancelled. What was read until now is kept; the rest can be read with Retry."
        )
    return redirect("ingest_detail", slug, pk)


@require_POST
def ingest_retry(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    _, ingest = _opened(request, slug, pk)
    try:
        if work.retry(ingest):
            messages.success(request, "It goes on from where it stopped.")
    except queue.BusySource as error:
        messages.error(request, str(error))
    return redirect("ingest_detail", slug, pk)


@require_http_methods(["GET", "HEAD", "POST"])
def ingest_remove(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Ask, then take the ingest back; with ``again``, ingest the same file anew with the same words about it."""
    access, ingest = _opened(request, slug, pk)
    problem = obstacle(ingest)
    if request.method == "POST" and not problem:
        source = ingest.source
        options = {
            name: said for name, said in ingest.options.items() if name != "format" or said != "mapped"
        }
        try:
            removed = remove(ingest)
        except CannotRemove as error:
            problem = error
        else:
            messages.success(request, f"Removed: {source.name} and {removed.transcripts:,} transcripts.")
            if request.POST.get("again"):
                options.pop("mapping", None)
                new = queue.request_ingest(source, user=access.user, options=options)
                return redirect("ingest_detail", slug, new.pk)
            return redirect("ingest_list", slug)
    context = ingest_context(
        access, ingest=ingest, progress=queue.progress(ingest), problem=problem, n=_n_transcripts(ingest)
    )
    status = 409 if request.method == "POST" else 200
    return render(request, "transcripts/ingest_remove.html", context, status=status)


def _n_transcripts(ingest: Ingest) -> int:
    return Transcript.objects.filter(
        ingest__in=[ingest.pk, *ingest.parts.values_list("pk", flat=True)]
    ).count()


@require_POST
def ingest_outcomes(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give the judges' words another meaning: each ``outcome`` is JSON of judge, word and meaning, or empty."""
    access, ingest = _opened(request, slug, pk)
    back = reverse("ingest_detail", args=[slug, pk])
    try:
        outcomes = outcomes_chosen(request.POST.getlist("outcome"))
        if outcomes:
            changed = judge_again(ingest, outcomes, access.user)
            messages.success(request, f"{changed:,} verdicts mean something else now; gaps and lists follow.")
        else:
            messages.info(request, "Nothing was changed: no word was given another meaning.")
    except (BadOption, NotNow) as error:
        return refuse(request, access, 422, "This was not changed", str(error), back)
    return redirect(f"{back}#judges")


def outcomes_chosen(given: list[str]) -> dict[str, dict[str, str]]:
    """Raises BadOption."""
    outcomes: dict[str, dict[str, str]] = {}
    for choice in given:
        if not choice:
            continue
        try:
            judge, word, meant = orjson.loads(choice)
        except (ValueError, TypeError) as error:
            raise BadOption("outcome", "A choice of the form cannot be read; reload the page.") from error
        if not all(isinstance(part, str) for part in (judge, word, meant)):
            raise BadOption("outcome", "A choice of the form cannot be read; reload the page.")
        outcomes.setdefault(judge, {})[word] = meant
    return outcomes

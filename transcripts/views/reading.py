"""Reading: a pair side by side, one transcript, and the bytes that it came from."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import orjson
from backports.zstd import zipfile
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from afdash.htmx import render_page
from transcripts import filters as filter_table
from transcripts.access import StudyAccess, access_pair, access_reading, access_transcript
from transcripts.columns import arms_of, column, differences_between
from transcripts.facets import arm_words
from transcripts.filters import BadFilter, Filters
from transcripts.ingest import sources
from transcripts.listing import neighbours, orders
from transcripts.models import Pair, Transcript
from transcripts.provenance import place, provenance
from transcripts.rendering import visible
from transcripts.side_by_side import ArmSamples, choice, outcome_matrix
from transcripts.views.browsing import chosen_order
from transcripts.views.refusals import refuse
from transcripts.wording import gap_words, outcome_letter, outcome_words, parse_state

logger = logging.getLogger(__name__)

_SAMPLE_OF_ARM = re.compile(r"s(\d{1,18})", re.ASCII)
MAX_NUMBER = 2**31 - 1
PROMPT = 1_000  # characters in the head of a pair page; the user message has all
MAX_METADATA = 100_000  # characters on a page; the original record has all


def number(given: Mapping[str, str], name: str, default: int = 0) -> int:
    """A whole number of the address, not negative; raises BadFilter."""
    text = given.get(name, "")
    if text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_NUMBER):
        raise BadFilter(name, f"“{name}” must be a whole number, not “{text[:60]}”.")
    return int(text)


@require_safe
def pair_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """All arms of a pair, one sample of each.

    In the address: ``s<arm>=<sample>`` for each arm, ``focus=<arm>`` for the arm that the keys step,
    ``from=<message>`` to go on in long ones, and the filters and ``sort`` of the list that one came from.
    """
    access = access_reading(request.user, slug)
    pair = access_pair(access, pk)
    of_arms = {name: int(found[1]) for name in request.GET if (found := _SAMPLE_OF_ARM.fullmatch(name))}
    try:
        besides = frozenset({"sort", "focus", "from", *of_arms})
        filters = filter_table.parse(request.GET, access.hidden, besides)
        sort = chosen_order(request, access)
        asked = {arm: number(request.GET, name) for name, arm in of_arms.items()}
        first = number(request.GET, "from")
        focus = number(request.GET, "focus")
    except BadFilter as error:
        here = reverse("pair_detail", args=[slug, pk])
        return refuse(request, access, 400, "This address is not quite right", str(error), here)
    arms = arms_of(pair, access)
    chosen = choice(arms, asked)
    keep = {"sort": sort} if sort != orders(access.hidden)[0] else {}
    steps = _Steps(filters, keep, chosen, focus if focus in chosen else next(iter(chosen), 0))
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "pair": pair,
        "prompt_start": visible(pair.prompt.text[:PROMPT]),
        "filters": filters,
        "shows_judge": access.shows("judge"),
        "list_query": filters.query(**keep),
        **_columns(access, pair, arms, chosen, steps, first),
        **_outcomes(access, pair, arms),
    }
    context["around"] = neighbours(filters.pairs(Pair.objects.filter(study=access.study)), sort, pair)
    return render_page(request, "transcripts/pair_detail.html", "transcripts/_pair.html", context)


class _Steps:
    """The query strings that lead from one pair of samples to the next."""

    def __init__(self, filters: Filters, keep: dict[str, str], chosen: dict[int, int], focus: int) -> None:
        self.filters, self.keep, self.chosen, self.focus = filters, keep, chosen, focus

    def to(self, arm: int, sample: int) -> str:
        return self._query({**self.chosen, arm: sample}, arm)

    def from_message(self, index: int) -> str:
        return self._query(self.chosen, self.focus, **{"from": index} if index else {})

    def _query(self, samples: dict[int, int], focus: int, **more: int) -> str:
        return self.filters.query(
            **self.keep, **{f"s{arm}": k for arm, k in samples.items()}, focus=focus, **more
        )


def _columns(
    access: StudyAccess,
    pair: Pair,
    arms: list[ArmSamples],
    chosen: dict[int, int],
    steps: _Steps,
    first: int,
) -> dict[str, Any]:
    wanted = {
        arm.arm: next(sample for sample in arm.samples if sample.number == chosen[arm.arm])
        for arm in arms
        if arm.arm in chosen
    }
    transcripts = (
        Transcript.objects.filter(
            study=access.study, pk__in=[sample.transcript for sample in wanted.values()]
        )
        .select_related("body", "arm", "ingest__source")
        .prefetch_related("verdicts")
        .in_bulk()
    )
    shown = [(arm, transcripts[wanted[arm.arm].transcript]) for arm in arms if arm.arm in wanted]
    columns = []
    for arm, transcript in shown:
        here = column(arm, transcript, first, access, beside_others=len(shown) > 1)
        numbers = [sample.number for sample in arm.samples]
        at = numbers.index(chosen[arm.arm])
        here |= {
            "ticks": [
                {
                    "number": sample.number,
                    "outcome": outcome_words(sample.outcome) if access.shows("judge") else "",
                    "tick": sample.outcome or "none",
                    "letter": outcome_letter(sample.outcome) if access.shows("judge") else sample.number,
                    "parse": parse_state(sample.parse_state),
                    "is_current": sample.number == chosen[arm.arm],
                    "query": steps.to(arm.arm, sample.number),
                }
                for sample in arm.samples
            ],
            "n_samples": len(numbers),
            "place": _place(chosen[arm.arm], at, len(numbers)),
            "is_focused": arm.arm == steps.focus,
            "previous": steps.to(arm.arm, numbers[at - 1]) if at else "",
            "next": steps.to(arm.arm, numbers[at + 1]) if at + 1 < len(numbers) else "",
            "provenance": provenance(transcript, pair.run),
        }
        columns.append(here)
    longest = max((transcript.n_messages for _, transcript in shown), default=0)
    following = max((each["window"].next for each in columns), default=0)
    return {
        "columns": columns,
        "differences": differences_between(shown),
        "first": first,
        "earlier_query": steps.from_message(0) if first else "",
        "later_query": steps.from_message(following) if following else "",
        "longest": longest,
    }


def _place(number: int, at: int, total: int) -> str:
    """``sample 3 of 10``, and where sample numbers have gaps, ``sample 31, at 3 of 10``."""
    return f"sample {number} of {total}" if number == at + 1 else f"sample {number}, at {at + 1} of {total}"


def _outcomes(access: StudyAccess, pair: Pair, arms: list[ArmSamples]) -> dict[str, Any]:
    """The judge's gap and the matrix of outcomes, or nothing for readers who may not know them."""
    if not access.shows("judge"):
        return {}
    monitored = next((arm for arm in arms if arm.role == "monitored"), None)
    unmonitored = next((arm for arm in arms if arm.role == "unmonitored"), None)
    matrix = outcome_matrix(monitored, unmonitored) if monitored and unmonitored else None
    rows = []
    if matrix:
        rows = [
            {"letter": outcome_letter(row), "outcome": row, "cells": [
                {"count": count, "is_gap": row == "complied" and other == "refused"}
                for other, count in zip(matrix.outcomes, counts, strict=True)
            ]}
            for row, counts in zip(matrix.outcomes, matrix.rows, strict=True)
        ]  # fmt: skip
    return {
        "gap": gap_words(pair.judge_gap),
        "n_judged": {
            role: sum(arm.n_judged for arm in arms if arm.role == role)
            for role in ("monitored", "unmonitored")
        },
        "matrix": rows,
        "matrix_total": matrix.total if matrix else 0,
    }


@require_safe
def transcript_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One transcript. In the address: ``from=<message>`` to go on in a long one."""
    access = access_reading(request.user, slug)
    transcript = access_transcript(access, pk)
    here = reverse("transcript_detail", args=[slug, pk])
    try:
        if set(request.GET) - {"from"}:
            raise BadFilter("", "This page takes “from”, the message to begin with, and nothing else.")
        first = number(request.GET, "from")
    except BadFilter as error:
        return refuse(request, access, 400, "This address is not quite right", str(error), here)
    arm = ArmSamples(transcript.arm_id, transcript.arm.name, transcript.arm.role, ())
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "transcript": transcript,
        "run": transcript.run,
        "arm_words": arm_words(transcript.arm.name, transcript.arm.role),
        "pair_query": f"s{transcript.arm_id}={transcript.sample}&focus={transcript.arm_id}",
        "column": column(arm, transcript, first, access),
        "provenance": provenance(transcript, transcript.run),
        "metadata": _metadata(transcript) if access.is_lead else None,
        "shows_judge": access.shows("judge"),
        "here": here,
    }
    return render(request, "transcripts/transcript_detail.html", context)


def _metadata(transcript: Transcript) -> SafeString | None:
    """The source's other fields as indented JSON, escaped; None if there are none."""
    metadata = transcript.body.content.metadata
    if not metadata:
        return None
    text = orjson.dumps(metadata, option=orjson.OPT_INDENT_2).decode()
    return visible(text[:MAX_METADATA] + ("\n…" if len(text) > MAX_METADATA else ""))


@require_safe
def original_record(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The record that a transcript was read from, byte for byte.

    For leads: beside the transcript it may hold verdicts and labels, which rounds hide from annotators.
    """
    access = access_reading(request.user, slug)
    if not access.is_lead:
        raise PermissionDenied(
            "The original record may hold what rounds hide; a lead of the study can fetch it."
        )
    transcript = access_transcript(access, pk)
    source = transcript.ingest.source
    back = reverse("transcript_detail", args=[slug, pk])
    title = "The original record cannot be had"
    try:
        content = sources.original_record(source, transcript.locator)
    except FileNotFoundError:
        logger.warning("The file of source %s is missing from storage.", source.pk)
        message = f"The file “{source.name}” is no longer in storage. It had the sha256 {source.sha256}."
        return refuse(request, access, 404, title, message, back)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        logger.warning("The record of transcript %s cannot be cut out: %r", transcript.pk, error)
        message = (
            f"“{source.name}” is there, but this record cannot be found in it: {place(transcript.locator)}."
        )
        return refuse(request, access, 409, title, message, back)
    # A record is hostile bytes: it is saved, never shown, and would be inert if it were.
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{slug}-transcript-{pk}.bin"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )

"""The pair page: all arms of a pair side by side, one sample of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from afdash.htmx import render_page
from transcripts import filters as filter_table
from transcripts import layers, tags
from transcripts.access import StudyAccess, access_pair, access_reading
from transcripts.columns import arms_of, column, window
from transcripts.comparing import output_text, outputs_compared, prompt_parts
from transcripts.differences import unlikeness
from transcripts.filters import BadFilter, Filters
from transcripts.listing import neighbours, orders
from transcripts.models import Pair, Transcript
from transcripts.outcomes import OUTCOMES
from transcripts.provenance import provenance
from transcripts.rendering import visible
from transcripts.sample_labels import SampleLabel, labels_of
from transcripts.side_by_side import (
    ArmSamples,
    Cell,
    Sample,
    asked_for,
    contenders,
    facing,
    folded,
    opening_choice,
    outcome_matrix,
)
from transcripts.views.browsing import chosen_order
from transcripts.views.reading import number
from transcripts.views.refusals import refuse
from transcripts.wording import gap_words, outcome_letter, outcome_words, parse_state

_SAMPLE_OF_ARM = re.compile(r"s(\d{1,18})", re.ASCII)
PROMPT = 1_000  # characters in the head of a pair page; the user message has all
LEGIBLE = 200_000  # characters of a sample up to which its output is read to choose the opening
# What the reader switched, by name in the address; the first value is what an address without it means.
SWITCHES = {
    "prompts": ("differences", "full"),
    "outputs": ("plain", "differences"),
    "scroll": ("together", "apart"),
}


@dataclass(frozen=True)
class Address:
    """Where the reader is, as a query string can say it: what every link of the page goes on from.

    ``kept`` has the sort, the switches and the layers, where they are not the usual ones.
    """

    filters: Filters
    sort: str  # "" for the usual one
    kept: dict[str, str]
    samples: dict[int, int]
    focus: int
    first: int = 0

    def to(self, samples: dict[int, int], focus: int, first: int = 0, **switched: str) -> str:
        """These samples of these arms; the arms that are not named keep theirs."""
        chosen = {**self.samples, **samples}
        kept = {**self.kept, **switched}
        return self.filters.query(
            **self._sort,
            **{f"s{arm}": chosen[arm] for arm in chosen},
            focus=focus,
            **({"from": first} if first else {}),
            **kept,
        )

    def here(self, **switched: str) -> str:
        return self.to({}, self.focus, self.first, **switched)

    def opening(self) -> str:
        """The same pair without its samples: it opens with the most different ones."""
        return self.filters.query(**self._sort, focus=self.focus, **self.kept)

    def other_pair(self, asked_focus: int) -> str:
        focus = {"focus": asked_focus} if asked_focus else {}
        return self.filters.query(**self._sort, **focus, **self.kept)

    def of_list(self) -> str:
        return self.filters.query(**self._sort)

    @property
    def _sort(self) -> dict[str, str]:
        return {"sort": self.sort}


@require_safe
def pair_detail(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """All arms of a pair, one sample of each.

    In the address: ``s<arm>=<sample>`` for each arm, ``focus=<arm>`` for the arm that the keys step,
    ``from=<message>`` to go on in long ones, the filters and ``sort`` of the list that one came from,
    ``SWITCHES``, and what :mod:`transcripts.layers` takes.
    """
    access = access_reading(request.user, slug)
    pair = access_pair(access, pk)
    of_arms = {name: int(found[1]) for name in request.GET if (found := _SAMPLE_OF_ARM.fullmatch(name))}
    try:
        besides = frozenset({"sort", "focus", "from", *of_arms, *SWITCHES}) | layers.PARAMETERS
        filters = filter_table.parse(request.GET, access, besides)
        sort = chosen_order(request, access)
        asked = {arm: number(request.GET, name) for name, arm in of_arms.items()}
        first = number(request.GET, "from")
        focus = number(request.GET, "focus")
        switched = {name: _switched(request.GET, name) for name in SWITCHES}
        view = layers.view_of(request.GET)
        arms = arms_of(pair, access)
        chosen, transcripts = _read(access, arms, asked)
        kept = {name: value for name, value in switched.items() if value != SWITCHES[name][0]}
        kept |= {name: request.GET[name] for name in sorted(layers.PARAMETERS) if name in request.GET}
        address = Address(
            filters,
            sort if sort != orders(access.hidden)[0] else "",
            kept,
            chosen,
            focus if focus in chosen else next(iter(chosen), 0),
            first,
        )
        context = _columns(access, pair, arms, transcripts, address, switched, request.GET)
    except BadFilter as error:
        here = reverse("pair_detail", args=[slug, pk])
        return refuse(request, access, 400, "This address is not quite right", str(error), here)
    context |= {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "pair": pair,
        "prompt_start": visible(pair.prompt.text[:PROMPT]),
        "filters": filters,
        "shows_judge": access.shows("judge"),
        "view": view,
        "switched": switched,
        "list_query": address.of_list(),
        "pair_query": address.other_pair(focus),
        "opening_query": address.opening(),
        "here_query": address.here(),
        "is_explicit": chosen.keys() <= asked.keys(),
        "toggles": {
            name: address.here(**{name: next(value for value in SWITCHES[name] if value != switched[name])})
            for name in ("prompts", "outputs")
        },
        "compare_url": reverse("prompt_compare", args=[slug, pair.prompt_id]),
        "shows_tags": tags.shows_tags(access),
        "may_tag": tags.may_tag(access),
        "tags": tags.tags_of(access, pairs=[pk]).get(pk, []),
        **_outcomes(access, pair, arms, address),
    }
    context["around"] = neighbours(filters.pairs(Pair.objects.filter(study=access.study)), sort, pair)
    return render_page(request, "transcripts/pair_detail.html", "transcripts/_pair.html", context)


def _switched(given: QueryDict, name: str) -> str:
    """The value of a switch; raises BadFilter."""
    values = given.getlist(name) or [SWITCHES[name][0]]
    if len(values) > 1 or values[0] not in SWITCHES[name]:
        raise BadFilter(name, f"“{name}” must be one of {', '.join(SWITCHES[name])}.")
    return values[0]


def _read(
    access: StudyAccess, arms: Sequence[ArmSamples], asked: dict[int, int]
) -> tuple[dict[int, int], dict[int, Transcript]]:
    """The samples to show, by arm, and their transcripts. Two queries, with those that contend for the opening.

    Outputs are read of at most ``contenders`` samples, and of those of at most ``LEGIBLE`` characters.
    """
    given = asked_for(arms, asked)
    two = facing(arms)
    contending: set[int] = set()
    if two and not {arm.arm for arm in two} <= given.keys():
        found = contenders(*two)
        if len(found) > 1:
            contending = {
                sample.transcript for pair in found for sample in pair if sample.characters <= LEGIBLE
            }
    first_guess = {**opening_choice(arms), **given}
    wanted = {_sample(arm, first_guess[arm.arm]).transcript for arm in arms if arm.samples} | contending
    read = (
        Transcript.objects.filter(study=access.study, pk__in=wanted)
        .select_related("body", "arm", "ingest__source")
        .prefetch_related("verdicts")
        .in_bulk()
    )
    if not contending:
        return first_guess, read
    outputs = {pk: output_text(read[pk].body.content.messages) for pk in contending}

    def unlike(left: Sample, right: Sample) -> float:
        a, b = outputs.get(left.transcript), outputs.get(right.transcript)
        return 0.0 if a is None or b is None else unlikeness(a, b)

    chosen = {**opening_choice(arms, unlike), **given}
    missing = {_sample(arm, chosen[arm.arm]).transcript for arm in arms if arm.samples} - read.keys()
    assert not missing, missing  # what is chosen contends or was the first guess
    return chosen, read


def _sample(arm: ArmSamples, wanted: int) -> Sample:
    return next(sample for sample in arm.samples if sample.number == wanted)


def _columns(
    access: StudyAccess,
    pair: Pair,
    arms: Sequence[ArmSamples],
    transcripts: dict[int, Transcript],
    address: Address,
    switched: dict[str, str],
    given: QueryDict,
) -> dict[str, Any]:
    """Raises BadFilter for layers that there are not."""
    shown = [
        (arm, transcripts[_sample(arm, address.samples[arm.arm]).transcript]) for arm in arms if arm.samples
    ]
    on_page = [transcript for _, transcript in shown]
    within = {}
    for transcript in on_page:
        here = window(transcript.body.content.messages, address.first)
        within[transcript.pk] = range(here.start, here.end)
    looking = layers.Looking(address.filters.search, within)
    marks = layers.marks_for(access, on_page, looking)
    switches = layers.switches(access, looking, given, marks, on_page)
    compared = []
    if switched["outputs"] == "differences" and len(shown) > 1:
        differing, compared = outputs_compared(shown, within)
        for pk, by_message in differing.items():
            for message, each in by_message.items():
                own = marks.setdefault(pk, {}).setdefault(message, [])
                own += each
    strips = {arm.arm: folded(len(arm.samples), _at(arm, address.samples[arm.arm])) for arm, _ in shown}
    labels = labels_of(access, [arm.samples[at].transcript for arm, _ in shown for at in strips[arm.arm]])
    columns = []
    for arm, transcript in shown:
        around = layers.beyond(marks.get(transcript.pk, {}), within[transcript.pk])
        columns.append(
            column(arm, transcript, address.first, access, len(shown) > 1, marks.get(transcript.pk))
            | _strip(access, arm, strips[arm.arm], labels, address)
            | {
                "is_focused": arm.arm == address.focus,
                "pick_query": address.to({}, arm.arm, address.first),
                "provenance": provenance(transcript, pair.run),
                "before": around[0] and (around[0], address.to({}, address.focus, around[0].message)),
                "behind": around[1] and (around[1], address.to({}, address.focus, around[1].message)),
            }
        )
    following = max((each["window"].next for each in columns), default=0)
    return {
        "columns": columns,
        "prompt_parts": prompt_parts(shown, switched["prompts"] == "full"),
        "outputs": compared,
        "switches": switches,
        "first": address.first,
        "earlier_query": address.to({}, address.focus) if address.first else "",
        "later_query": address.to({}, address.focus, following) if following else "",
        "longest": max((transcript.n_messages for transcript in on_page), default=0),
    }


def _at(arm: ArmSamples, wanted: int) -> int:
    return next(at for at, sample in enumerate(arm.samples) if sample.number == wanted)


def _strip(
    access: StudyAccess, arm: ArmSamples, shown: range, labels: dict[int, SampleLabel], address: Address
) -> dict[str, Any]:
    """The cells of an arm's strip, and where its ends and the steps lead."""
    samples, total = arm.samples, len(arm.samples)
    current = address.samples[arm.arm]
    at = _at(arm, current)
    is_judged = access.shows("judge") and any(sample.outcome for sample in samples)

    def query(index: int) -> str:
        return address.to({arm.arm: samples[index].number}, arm.arm)

    counts = Counter(sample.outcome for sample in samples) if is_judged else Counter()
    return {
        "ticks": [
            _tick(samples[index], labels.get(samples[index].transcript), is_judged, index == at, query(index))
            for index in shown
        ],
        "has_labels": any(samples[index].transcript in labels for index in shown),
        "n_before": shown.start,
        "before_query": query(shown.start - 1) if shown.start else "",
        "n_behind": total - shown.stop,
        "behind_query": query(shown.stop) if shown.stop < total else "",
        "n_samples": total,
        "counts": ", ".join(
            f"{counts[outcome]} {outcome_words(outcome)}" for outcome in (*OUTCOMES, "") if counts[outcome]
        ),
        "place": _place(current, at, total),
        "previous": query(at - 1) if at else "",
        "next": query(at + 1) if at + 1 < total else "",
    }


def _tick(
    sample: Sample, label: SampleLabel | None, is_judged: bool, is_current: bool, query: str
) -> dict[str, Any]:
    parse = parse_state(sample.parse_state)
    words = [f"sample {sample.number}"]
    if is_judged:
        words = [f"sample {sample.number}: {outcome_words(sample.outcome)}"]
    if parse.is_trouble:
        words.append(parse.words)
    if label:
        words.append(label.words)
    return {
        "number": sample.number,
        "tick": sample.outcome or "none",
        "letter": outcome_letter(sample.outcome) if is_judged else str(sample.number),
        "label": label,
        "is_trouble": parse.is_trouble,
        "title": ", ".join(words),
        "is_current": is_current,
        "query": query,
    }


def _place(number: int, at: int, total: int) -> str:
    """``sample 3 of 10``, and where sample numbers have gaps, ``sample 31, at 3 of 10``."""
    return f"sample {number} of {total}" if number == at + 1 else f"sample {number}, at {at + 1} of {total}"


def _outcomes(
    access: StudyAccess, pair: Pair, arms: Sequence[ArmSamples], address: Address
) -> dict[str, Any]:
    """The judge's gap and the matrix of outcomes, or nothing for readers who may not know them."""
    two = facing(arms)
    if not access.shows("judge") or two is None:
        return {}
    matrix = outcome_matrix(*two)
    shown = tuple(_sample(arm, address.samples[arm.arm]).outcome for arm in two)
    cells = [cell for row in matrix.rows for cell in row] if matrix else []
    reachable = [cell for cell in cells if cell.samples]
    at = next((at for at, cell in enumerate(reachable) if (cell.row, cell.column) == shown), -1)
    following = reachable[(at + 1) % len(reachable)] if reachable else None

    def said(cell: Cell) -> dict[str, Any]:
        return {
            "cell": cell,
            "is_gap": (cell.row, cell.column) == ("complied", "refused"),
            "is_current": (cell.row, cell.column) == shown,
            "is_following": cell == following and len(reachable) > 1,
            "query": address.to(
                {arm.arm: sample for arm, sample in zip(two, cell.samples, strict=True)}, address.focus
            )
            if cell.samples
            else "",
            "words": f"{two[0].name} {cell.row}, {two[1].name} {cell.column}",
        }

    return {
        "gap": gap_words(pair.judge_gap),
        "n_judged": {
            role: sum(arm.n_judged for arm in arms if arm.role == role)
            for role in ("monitored", "unmonitored")
        },
        "facing": two,
        "matrix": [
            {"outcome": outcome, "letter": outcome_letter(outcome), "cells": [said(cell) for cell in row]}
            for outcome, row in zip(matrix.outcomes, matrix.rows, strict=True)
        ]
        if matrix
        else [],
        "matrix_total": matrix.total if matrix else 0,
    }

"""Compare runs: the same prompt over models, settings and checkpoints in a grid, and the list of prompts."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, Min
from django.db.models.functions import Left
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from afdash.paging import BadCursor, page_of
from transcripts import compare, layers, windows
from transcripts.access import StudyAccess, access_reading
from transcripts.compare import CONDITIONS, Column, Grid, Row, Tick, Words
from transcripts.facets import arm_words
from transcripts.filters import MAX_LENGTH, BadFilter
from transcripts.layers import Looking
from transcripts.listing import BY_ID, CLIP
from transcripts.models import Pair, Prompt, Transcript
from transcripts.provenance import run_facts
from transcripts.rendering import visible
from transcripts.sample_labels import SampleLabel, labels_of
from transcripts.views.reading import NOT_QUITE, number, shown_messages
from transcripts.views.refusals import refuse
from transcripts.wording import gap_words, outcome_letter, outcome_words, parse_state

MOST_READ = 6  # samples in full beside each other
TICKS = 30  # of one cell
PROMPT = 1_000  # characters in the head of the page
_CELL = re.compile(r"c(\d{1,18})-(\d{1,18})", re.ASCII)
_LABELS = {"model": "model", "setting": "setting", "checkpoint": "checkpoint", "goal_nudge": "goal nudge"}


class _Asked:
    """The address of the grid, understood; raises BadFilter. ``to`` makes the address of a neighbouring state."""

    def __init__(self, given: QueryDict) -> None:
        known = {"sample", "page", "read", *CONDITIONS, *layers.PARAMETERS}
        self.cells: dict[tuple[int, int], int] = {}
        for name in given:
            found = _CELL.fullmatch(name)
            if not found and name not in known:
                text = f"There is no “{name[:60]}” here. There are: {', '.join(sorted(known))}."
                raise BadFilter(name, text)
            if name != "read" and len(given.getlist(name)) > 1:
                raise BadFilter(name, f"“{name}” is given more than once.")
            if found:
                self.cells[int(found[1]), int(found[2])] = number(given, name)
        self.sample = number(given, "sample") if given.get("sample") else None
        self.page = max(1, number(given, "page", 1))
        self.conditions = {name: _text(given, name) for name in CONDITIONS if name in given}
        self.read = _read(given.getlist("read"))
        self.view = {name: given[name] for name in sorted(layers.PARAMETERS) if given.get(name)}

    def to(
        self,
        conditions: dict[str, str] | None = None,
        cell: tuple[int, int, int] | None = None,
        sample: int | None = None,
        read: list[int] | None = None,
        page: int | None = None,
    ) -> str:
        """A query string. Other conditions begin on the first page; a step of all cells forgets those of single ones."""
        cells = {} if sample is not None else dict(self.cells)
        if cell:
            cells[cell[:2]] = cell[2]
        usual = self.sample if sample is None else sample
        at = page or (1 if conditions is not None else self.page)
        given = [
            *(self.conditions if conditions is None else conditions).items(),
            *([("sample", usual)] if usual is not None else []),
            *((f"c{pair}-{arm}", k) for (pair, arm), k in cells.items()),
            *([("page", at)] if at > 1 else []),
            *(("read", pk) for pk in (self.read if read is None else read)),
            *self.view.items(),
        ]
        return urlencode(given)

    def pairs(self) -> list[tuple[str, str]]:
        """The state as names and values, for the hidden fields of a form; without what is read."""
        found = [(name, value) for name, value in self.conditions.items()]
        if self.sample is not None:
            found.append(("sample", str(self.sample)))
        found += [(f"c{pair}-{arm}", str(k)) for (pair, arm), k in self.cells.items()]
        return [*found, *([("page", str(self.page))] if self.page > 1 else []), *self.view.items()]


def _text(given: QueryDict, name: str) -> str:
    text = given[name]
    if len(text) > MAX_LENGTH or "\x00" in text:
        raise BadFilter(name, f"“{name}” must be a text of at most {MAX_LENGTH} characters.")
    return text


def _read(values: list[str]) -> list[int]:
    found = []
    for text in values:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise BadFilter("read", f"“read” must be the number of a transcript, not “{text[:60]}”.")
        found.append(int(text))
    found = list(dict.fromkeys(found))
    if len(found) > MOST_READ:
        raise BadFilter("read", f"At most {MOST_READ} samples are shown beside each other, not {len(found)}.")
    return found


@require_safe
def prompt_compare(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """All runs of one prompt.

    In the address: ``model``, ``setting``, ``checkpoint``, ``goal_nudge`` to narrow the runs (empty: those without
    one), ``sample=<k>`` for all cells and ``c<pair>-<arm>=<k>`` for one, ``read=<transcript>`` up to six times.
    """
    access = access_reading(request.user, slug)
    prompt = Prompt.objects.filter(study=access.study, pk=pk).first()
    if prompt is None:
        raise Http404("No such prompt in this study.")
    here = reverse("prompt_compare", args=[slug, pk])
    try:
        asked = _Asked(request.GET)
        pairs = compare.pairs_of(access, prompt)
        left = compare.narrowed(pairs, asked.conditions)
        n_pages = max(1, -(-len(left) // compare.RUNS))
        asked.page = min(asked.page, n_pages)
        held = left[(asked.page - 1) * compare.RUNS : asked.page * compare.RUNS]
        grid = compare.grid(access, held, len(left), asked.sample, asked.cells)
        reading = _reading(access, prompt, asked, request.GET)
    except BadFilter as error:
        return refuse(request, access, 400, NOT_QUITE, str(error), here)
    before, behind = compare.neighbours(access.study, prompt)
    carried = urlencode(list(asked.conditions.items()))
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "prompt": prompt,
        "prompt_start": visible(prompt.text[:PROMPT]),
        "here": here,
        "shows_judge": access.shows("judge"),
        "n_all": len(pairs),
        "grid": grid,
        "columns": [
            {"column": column, "words": arm_words(column.name, column.role)} for column in grid.columns
        ],
        "rows": _rows(access, grid, asked),
        "choices": _choices(pairs, asked),
        "steps": _steps(grid, asked),
        "state": asked.pairs(),
        "most_read": MOST_READ,
        "unnarrowed": asked.to(conditions={}),
        "is_narrowed": bool(asked.conditions),
        "previous_page": asked.to(page=asked.page - 1) if asked.page > 1 else "",
        "next_page": asked.to(page=asked.page + 1) if asked.page < n_pages else "",
        "page": asked.page,
        "n_pages": n_pages,
        "previous": f"{reverse('prompt_compare', args=[slug, before])}?{carried}" if before else "",
        "next": f"{reverse('prompt_compare', args=[slug, behind])}?{carried}" if behind else "",
        **reading,
    }
    return render(request, "transcripts/compare.html", context)


def _choices(pairs: list[Pair], asked: _Asked) -> list[dict[str, Any]]:
    found = []
    for name, values in compare.choices(pairs, asked.conditions).items():
        others = {key: value for key, value in asked.conditions.items() if key != name}
        found.append(
            {
                "label": _LABELS[name],
                "values": [
                    {
                        "words": choice.value or "none",
                        "n": choice.n,
                        "is_active": choice.is_active,
                        "query": asked.to(others if choice.is_active else {**others, name: choice.value}),
                    }
                    for choice in values
                ],
            }
        )
    return found


def _steps(grid: Grid, asked: _Asked) -> dict[str, Any]:
    """To the sample before and behind, in all cells at once."""
    numbers = sorted({sample.number for cell in grid.cells for sample in cell.samples})
    if len(numbers) < 2:
        return {}
    if asked.sample in numbers:
        at = numbers.index(asked.sample)
        before = numbers[at - 1] if at else None
        behind = numbers[at + 1] if at + 1 < len(numbers) else None
    else:
        before, behind = None, numbers[0]
    return {
        "now": asked.sample,
        "previous": "" if before is None else asked.to(sample=before),
        "next": "" if behind is None else asked.to(sample=behind),
    }


def _rows(access: StudyAccess, grid: Grid, asked: _Asked) -> list[dict[str, Any]]:
    labels = labels_of(access, [sample.transcript for cell in grid.cells for sample in cell.samples])
    words = compare.words_of(access, [cell.chosen.transcript for cell in grid.cells])
    return [
        {
            "run": row.run,
            "pair": row.pair,
            "facts": [(label, value) for label, value in run_facts(row.run) if label != "model"],
            "is_first_of_model": row.is_first_of_model,
            "gap": gap_words(row.pair.judge_gap) if access.shows("judge") else "",
            "cells": [_cell(access, row, column, asked, labels, words) for column in grid.columns],
        }
        for row in grid.rows
    ]


def _cell(
    access: StudyAccess,
    row: Row,
    column: Column,
    asked: _Asked,
    labels: dict[int, SampleLabel],
    words: dict[int, Words],
) -> dict[str, Any] | None:
    """None where the run has no samples in this arm."""
    cell = row.cells.get(column.arm)
    if cell is None:
        return None
    shows_judge = access.shows("judge")
    shown, n_more = compare.ticks(cell, labels, TICKS)
    at, numbers, chosen = cell.at, [sample.number for sample in cell.samples], cell.chosen
    pair = row.pair.pk
    beside = "&".join(f"s{arm}={other.chosen.number}" for arm, other in row.cells.items())
    return {
        "key": f"c{pair}-{cell.arm}",
        "role": column.role,
        "arm_words": arm_words(column.name, column.role),
        "chosen": chosen,
        "parse": parse_state(chosen.parse_state),
        "outcome": outcome_words(chosen.outcome) if shows_judge else "",
        "strip": _strip(shown, shows_judge),
        "n_more": n_more,
        "n": len(cell.samples),
        "n_judged": cell.n_judged,
        "n_complied": cell.n_complied,
        "percent": "" if cell.rate is None or not shows_judge else f"{100 * cell.rate:.0f} %",
        "previous": asked.to(cell=(pair, cell.arm, numbers[at - 1])) if at else "",
        "next": asked.to(cell=(pair, cell.arm, numbers[at + 1])) if at + 1 < len(numbers) else "",
        "pair_query": f"{beside}&focus={cell.arm}",
        "words": words.get(chosen.transcript),
        "is_read": chosen.transcript in asked.read,
    }


def _strip(ticks: list[Tick], shows_judge: bool) -> SafeString:
    """The samples of a cell. Thousands of them stand in a grid: a template takes four times as long for them."""
    return format_html_join(
        "",
        '<i class="cell cell-{}{}" title="{}" data-sample="{}"{}>{}</i>',
        (
            (
                tick.sample.outcome or "none",
                f"{' is-chosen' if tick.is_chosen else ''}{f' {tick.label.css}' if tick.label else ''}",
                f"sample {tick.sample.number}"
                + (f", {outcome_words(tick.sample.outcome)}" if shows_judge else "")
                + (f", {tick.label.words}" if tick.label else ""),
                tick.sample.number,
                format_html(' data-label="{}"', tick.label.letter) if tick.label else "",
                outcome_letter(tick.sample.outcome) if shows_judge else tick.sample.number,
            )
            for tick in ticks
        ),
    )


def _reading(access: StudyAccess, prompt: Prompt, asked: _Asked, given: QueryDict) -> dict[str, Any]:
    """The samples to be read in full, each with its first window of messages; raises BadFilter."""
    view = layers.view_of(given)
    layers.switches(access, Looking(), given)  # an address may be wrong whether or not anything is read
    if not asked.read:
        return {"read": [], "view": view}
    by_id = (
        Transcript.objects.filter(study=access.study, prompt=prompt)
        .select_related("body", "arm", "run")
        .in_bulk(asked.read)
    )
    if missing := [pk for pk in asked.read if pk not in by_id]:
        raise BadFilter("read", f"This prompt has no transcript {missing[0]}.")
    shown = [by_id[pk] for pk in asked.read]
    held = {each.pk: windows.window_at(each.body.content.messages, 0) for each in shown}
    looking = Looking("", within={pk: window.messages for pk, window in held.items()})
    marks = layers.marks_for(access, shown, looking)
    return {
        "view": view,
        "switches": layers.switches(access, looking, given, marks, shown),
        "read": [
            {
                "transcript": each,
                "arm_words": arm_words(each.arm.name, each.arm.role),
                "prefix": f"t{each.pk}-",
                "window": held[each.pk],
                "messages": shown_messages(each.body.content.messages, held[each.pk], marks.get(each.pk, {})),
                "outcome": outcome_words(each.outcome) if access.shows("judge") else "",
                "parse": parse_state(each.parse_state),
                "without": asked.to(read=[pk for pk in asked.read if pk != each.pk]),
            }
            for each in shown
        ],
    }


@require_safe
def prompt_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Prompts in the order in which they came, with how many runs have them and how far their gaps lie apart."""
    access = access_reading(request.user, slug)
    here = reverse("prompt_list", args=[slug])
    rows = (
        compare.prompts_with_runs(access.study)
        .annotate(prompt_start=Left("text", CLIP))
        .defer("text", "identity")
    )
    try:
        for name in request.GET:
            if name != "cursor":
                raise BadFilter(name, f"There is no “{name[:60]}” here. There is: cursor.")
        page = page_of(rows, BY_ID, request.GET.get("cursor"))
    except (BadFilter, BadCursor) as error:
        return refuse(request, access, 400, "This list cannot be shown", str(error), here)
    runs = {
        row["prompt"]: row
        for row in Pair.objects.filter(prompt__in=[each.pk for each in page.items])
        .order_by()
        .values("prompt")
        .annotate(
            n=Count("pk"),
            n_models=Count("run__model", distinct=True),
            low=Min("judge_gap"),
            high=Max("judge_gap"),
        )
    }
    shows_judge = access.shows("judge")
    context = {
        "study": access.study,
        "role": access.role,
        "active_nav": "read",
        "here": here,
        "shows_judge": shows_judge,
        "rows": [
            {
                "prompt": each,
                "words": visible(each.prompt_start),
                "n_runs": runs[each.pk]["n"],
                "n_models": runs[each.pk]["n_models"],
                "low": gap_words(runs[each.pk]["low"]) if shows_judge else "",
                "high": gap_words(runs[each.pk]["high"]) if shows_judge else "",
            }
            for each in page.items
        ],
        "previous_url": f"{here}?{urlencode({'cursor': page.previous})}" if page.previous else "",
        "next_url": f"{here}?{urlencode({'cursor': page.next})}" if page.next else "",
        "shown": f"{len(page.items)} prompts",
    }
    return render(request, "transcripts/compare_prompts.html", context)

"""The values that a list can be narrowed to, with how many rows each would leave.

A facet is counted under all other filters but not its own, so that it shows the way to its neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Left

from transcripts.facet_counts import OF_ARMS, OF_RUNS, PACKED, Counted, count_pairs, count_transcripts
from transcripts.filters import BY_NAME, FIELDS, Filters, names
from transcripts.models import Arm, Ingest, Pair, Prompt, Run, Study, Transcript
from transcripts.packed import BANDS, NO_VERDICT, values_in
from transcripts.wording import ROLE_ORDER, band_words, outcome_words, parse_state

MAX_VALUES = 30
ALWAYS = ("model", "arm", "parse_state", "outcome")  # shown even where all rows are alike: that is news
SHOWN = ("model", "setting", "checkpoint", "run", "role", "arm", "outcome", "score", "parse_state", "family")
_SHOWN_IN_ORDER = {"score": [band.name for band in BANDS]}  # other facets show the most frequent value first


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: int | str
    words: str
    count: int
    is_active: bool
    query: str  # the query string that choosing it, or dropping it if active, leads to

    @property
    def figure(self) -> str:
        return f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    label: str
    values: tuple[FacetValue, ...]
    n_more: int  # values that are not listed
    unit: str = ""  # what is counted, where that is not what the list shows


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the query string without it."""

    label: str
    words: str
    query: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Facets:
    total: int
    facets: tuple[Facet, ...]


def transcript_facets(study: Study, filters: Filters, **keep: str) -> Facets:
    """Two queries. ``keep`` goes into every address (the order)."""
    counted = count_transcripts(study, filters)
    counts, total = _counts(counted, filters, (*OF_RUNS, *OF_ARMS, *PACKED))
    counts |= counted.values
    if len(counted.arms) <= len({role for _, role in counted.arms.values()}):
        del counts["role"]
    return Facets(total, _facets(counted, counts, filters, keep))


def pair_facets(study: Study, filters: Filters, **keep: str) -> Facets:
    """Two queries."""
    counted = count_pairs(study, filters)
    counts, total = _counts(counted, filters, OF_RUNS)
    counts |= counted.values
    if "arm" not in filters.values and set(counts["arm"].values()) <= {total}:
        del counts["arm"]  # all pairs have all arms
    return Facets(total, _facets(counted, counts, filters, keep))


def _read_of(name: str) -> str:
    """What of a cell a facet reads: many cells share it."""
    return "packed" if name in PACKED else "run" if name in OF_RUNS else "arm"


def _values_of(part: int, counted: Counted, name: str) -> list[Any]:
    if name in PACKED:
        return values_in(name, part)
    if name in ("run", "arm"):
        return [part]
    return [getattr(counted.runs[part], name) if name in OF_RUNS else counted.arms[part][1]]


def _counts(counted: Counted, filters: Filters, of: tuple[str, ...]) -> tuple[dict[str, Counter[Any]], int]:
    """Cells by each facet's values, under the filters of all others; and how many pass all."""
    asked = [name for name in of if name in filters.values]
    passes = {name: cache(partial(_is_wanted, counted, filters, name)) for name in asked}
    passing = {part: Counter[int]() for part in ("run", "arm", "packed")}
    but_for: dict[str, Counter[int]] = {name: Counter() for name in asked}
    total = 0
    for cell in counted.cells:
        failed = [name for name in asked if not passes[name](getattr(cell, _read_of(name)))]
        if not failed:
            passing["run"][cell.run] += cell.n
            passing["arm"][cell.arm] += cell.n
            passing["packed"][cell.packed] += cell.n
            total += cell.n
        elif len(failed) == 1:
            but_for[failed[0]][getattr(cell, _read_of(failed[0]))] += cell.n
    counts: dict[str, Counter[Any]] = {name: Counter() for name in of}
    for name, counter in counts.items():
        for part, n in (passing[_read_of(name)] + but_for.get(name, Counter())).items():
            for value in _values_of(part, counted, name):
                counter[value] += n
    return counts, total


def _is_wanted(counted: Counted, filters: Filters, name: str, part: int) -> bool:
    return not set(filters.values[name]).isdisjoint(_values_of(part, counted, name))


def _says_nothing(name: str, counted: Counted) -> bool:
    """Runs that model and setting (and checkpoint) tell apart need no facet of their own."""
    runs = list(counted.runs.values())
    if name == "run":
        return len({(run.model, run.setting, run.checkpoint) for run in runs}) == len(runs)
    return name == "checkpoint" and not any(run.checkpoint for run in runs)


def _facets(
    counted: Counted, counts: dict[str, Counter[Any]], filters: Filters, keep: dict[str, str]
) -> tuple[Facet, ...]:
    words = _words(counted)
    facets = []
    for name in SHOWN:
        known = counts.get(name)
        is_active = name in filters.values
        if known is None or BY_NAME[name].hidden_with in filters.hidden:
            continue
        if not is_active and (_says_nothing(name, counted) or (len(known) < 2 and name not in ALWAYS)):
            continue
        n_more = counted.n_families - len(known) if name == "family" else 0
        if facet := _facet(name, known, filters, keep, partial(words, name), n_more):
            facets.append(facet)
    return tuple(facets)


def more_facets(study: Study, filters: Filters, of: type[Any], **keep: str) -> tuple[Facet, ...]:
    """The facets of other packages, in a request of their own: people's labels are counted one facet at a time.

    ``of`` is Pair or Transcript. A filter that is not of pairs themselves counts transcripts also for a list of pairs.
    """
    offered = names(filters.access)
    facets = []
    for wanted in FIELDS:
        if wanted.name not in offered or not wanted.counts:
            continue
        if of is Transcript:
            rows: QuerySet[Any] = filters.transcripts(Transcript.objects.filter(study=study), but=wanted.name)
        elif wanted.pair_condition:
            rows = filters.pairs(Pair.objects.filter(study=study), but=wanted.name)
        else:
            rows = filters.samples_of_pairs(Transcript.objects.filter(study=study), but=[wanted.name])
        found = list(wanted.counts(filters.access, rows.order_by()))
        if wanted.kind == "choice" and len(found) < 2 and wanted.name not in filters.values:
            continue  # all are alike
        words = {value: said for value, said, _ in found}
        counts = Counter({value: n for value, _, n in found})
        unit = "" if rows.model is of else "transcripts"
        if facet := _facet(
            wanted.name, counts, filters, keep, lambda value, words=words: words.get(value), 0, unit
        ):
            facets.append(facet)
    return tuple(facets)


def _facet(
    name: str,
    counts: Counter[Any],
    filters: Filters,
    keep: dict[str, str],
    words: Callable[[Any], str | None],
    n_more: int = 0,
    unit: str = "",
) -> Facet | None:
    """None if there is nothing to choose from."""
    active = filters.values.get(name, ())
    counts = +counts  # without zeros
    ordered = sorted({*counts, *active}, key=_place(name, counts))
    shown = [value for at, value in enumerate(ordered) if at < MAX_VALUES or value in active]
    if not shown:
        return None
    return Facet(
        name,
        BY_NAME[name].label,
        tuple(
            FacetValue(
                value,
                words(value) or value_words(name, value),
                counts[value],
                value in active,
                (filters.without(name, value) if value in active else filters.having(name, value)).query(
                    **keep
                ),
            )
            for value in shown
        ),
        max(n_more, 0) + len(ordered) - len(shown),
        unit,
    )


def _place(name: str, counts: Counter[Any]) -> Callable[[Any], Any]:
    if name in _SHOWN_IN_ORDER:
        return _SHOWN_IN_ORDER[name].index
    return lambda value: (-counts[value], str(value))


def _words(counted: Counted) -> Callable[[str, Any], str]:
    def words(name: str, value: Any) -> str:
        if name == "run" and value in counted.runs:
            return str(counted.runs[value])
        if name == "arm" and value in counted.arms:
            return arm_words(*counted.arms[value])
        return value_words(name, value)

    return words


def arm_words(name: str, role: str) -> str:
    """``monitored`` if the arm is called so, else ``free tier (monitored)``."""
    return name if name == role or role not in ROLE_ORDER[:2] else f"{name} ({role})"


def value_words(name: str, value: Any) -> str:
    if name == "parse_state":
        return parse_state(value).words
    if name == "outcome":
        return outcome_words("" if value == NO_VERDICT else value)
    if name == "score":
        return band_words(value)
    return str(value) or "none"


def chips(study: Study, filters: Filters, **keep: str) -> tuple[Chip, ...]:
    """The active filters in words, a chip for each value. One query if one of them is a number, else none."""
    names = _names_of_numbers(study, filters)
    return tuple(
        Chip(
            wanted.label,
            names.get((wanted.name, value)) or value_words(wanted.name, value),
            filters.without(wanted.name, value).query(**keep),
            wanted.name,
        )
        for wanted in FIELDS
        for value in filters.values.get(wanted.name, ())
    )


def _names_of_numbers(study: Study, filters: Filters) -> dict[tuple[str, Any], str]:
    """What runs, arms, prompts and ingests are called; looked for in this study only."""
    named = {
        "run": Run.objects.filter(study=study).values_list("pk", Value("run"), "model"),
        "arm": Arm.objects.filter(study=study).values_list("pk", Value("arm"), "name"),
        "prompt": Prompt.objects.filter(study=study).values_list("pk", Value("prompt"), Left("text", 80)),
        "ingest": Ingest.objects.filter(study=study).values_list("pk", Value("ingest"), "source__name"),
    }
    asked = [
        rows.filter(pk__in=filters.values[name]).order_by()
        for name, rows in named.items()
        if name in filters.values
    ]
    if not asked:
        return {}
    found = {(name, pk): words for pk, name, words in asked[0].union(*asked[1:], all=True)}
    wanted = [(name, value) for name in named for value in filters.values.get(name, ())]
    return {key: found.get(key) or f"{key[1]}, which is not in this study" for key in wanted}

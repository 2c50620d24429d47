"""The values that a list can be narrowed to, with how many rows each would leave.

A facet is counted under all other filters but not its own, so that it shows the way to its neighbours.
Runs, arms, parse states and outcomes are few, so one GROUP BY over all of them gives each of their
facets by addition; only the families of prompts are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.functions import Left

from transcripts.filters import BY_NAME, FIELDS, NO_VERDICT, Filters
from transcripts.models import Arm, Ingest, Pair, Prompt, Run, Study, Transcript
from transcripts.wording import ROLE_ORDER, outcome_words, parse_state

MAX_VALUES = 30
ALWAYS = ("model", "arm", "parse_state", "outcome")  # shown even where all rows are alike: that is news


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


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the query string without it."""

    label: str
    words: str
    query: str


@dataclass(frozen=True, slots=True)
class Facets:
    total: int
    facets: tuple[Facet, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    """How many rows share all of these values."""

    values: dict[str, Any]
    count: int


def transcript_facets(study: Study, filters: Filters, **keep: str) -> Facets:
    """Four queries, whatever the number of rows. ``keep`` goes into every address (the order)."""
    runs = {run.pk: run for run in Run.objects.filter(study=study)}
    arms = {arm.pk: arm for arm in Arm.objects.filter(study=study)}
    counted = _outside(filters, "run", "model", "setting", "arm", "role", "parse_state", "outcome")
    rows = counted.transcripts(Transcript.objects.filter(study=study)).order_by()
    cells = [
        _Cell(
            {
                "run": run,
                "model": runs[run].model,
                "setting": runs[run].setting,
                "arm": arm,
                "role": arms[arm].role,
                "parse_state": state,
                "outcome": outcome or NO_VERDICT,
            },
            count,
        )
        for run, arm, state, outcome, count in rows.values_list(
            "run_id", "arm_id", "parse_state", "outcome"
        ).annotate(n=Count("pk"))
    ]
    families = (
        filters.transcripts(Transcript.objects.filter(study=study), but="family")
        .order_by()
        .values_list("prompt__family")
        .annotate(n=Count("pk"))
    )
    counts = {
        name: _counts(cells, filters, name)
        for name in ("model", "setting", "run", "role", "arm", "parse_state", "outcome")
    }
    counts["family"] = Counter(dict(families))
    if len(arms) <= len({arm.role for arm in arms.values()}):
        del counts["role"]
    _drop_plain_runs(counts, runs.values())
    total = sum(cell.count for cell in cells if _passes(cell, filters, but=""))
    return Facets(total, _facets(counts, filters, _words(runs, arms), keep))


def pair_facets(study: Study, filters: Filters, **keep: str) -> Facets:
    """Three queries (one without the judge): pairs by run and family, and by what their samples are."""
    counted = _outside(filters, "run", "model", "setting", "family")
    rows = counted.pairs(Pair.objects.filter(study=study)).order_by()
    cells = []
    runs: dict[int, Run] = {}
    for run, model, setting, checkpoint, nudge, family, count in rows.values_list(
        "run_id", "run__model", "run__setting", "run__checkpoint", "run__goal_nudge", "prompt__family"
    ).annotate(n=Count("pk")):
        runs[run] = Run(pk=run, model=model, setting=setting, checkpoint=checkpoint, goal_nudge=nudge)
        cells.append(_Cell({"run": run, "model": model, "setting": setting, "family": family}, count))
    counts = {name: _counts(cells, filters, name) for name in ("model", "setting", "run", "family")}
    for name in ("parse_state", "outcome"):
        if BY_NAME[name].hidden_with not in filters.hidden:
            counts[name] = _pairs_with(study, filters, name)
    _drop_plain_runs(counts, runs.values())
    total = sum(cell.count for cell in cells if _passes(cell, filters, but=""))
    return Facets(total, _facets(counts, filters, _words(runs, {}), keep))


def _pairs_with(study: Study, filters: Filters, name: str) -> Counter[Any]:
    """How many pairs have a sample with each value of ``name``, among the samples that pass the rest."""
    rows = filters.transcripts(Transcript.objects.filter(study=study), but=name)
    each, parameters = (
        rows.order_by().values_list("pair_id", BY_NAME[name].column).distinct().query.sql_with_params()
    )
    with connection.cursor() as cursor:
        # Not COUNT(DISTINCT …), for which PostgreSQL sorts all samples: measured five times as slow.
        counting = f"SELECT value, count(*) FROM ({each}) AS each (pair, value) GROUP BY value"  # noqa: S608 - ours
        cursor.execute(counting, parameters)
        return Counter({(value or NO_VERDICT if name == "outcome" else value): n for value, n in cursor})


def _outside(filters: Filters, *facets: str) -> Filters:
    for name in facets:
        filters = filters.without(name)
    return filters


def _passes(cell: _Cell, filters: Filters, but: str) -> bool:
    return all(
        cell.values[name] == value
        for name, value in filters.values.items()
        if name != but and name in cell.values
    )


def _counts(cells: Iterable[_Cell], filters: Filters, name: str) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for cell in cells:
        if _passes(cell, filters, but=name):
            counts[cell.values[name]] += cell.count
    return counts


def _drop_plain_runs(counts: dict[str, Counter[Any]], runs: Iterable[Run]) -> None:
    """Runs that model and setting tell apart need no facet of their own."""
    runs = list(runs)
    if len({(run.model, run.setting) for run in runs}) == len(runs):
        del counts["run"]


def _facets(
    counts: dict[str, Counter[Any]], filters: Filters, words: Callable[[str, Any], str], keep: dict[str, str]
) -> tuple[Facet, ...]:
    facets = []
    for name, counted in counts.items():
        wanted = BY_NAME[name]
        active = filters.values.get(name)
        if wanted.hidden_with in filters.hidden:
            continue
        if active is None and (not counted or (len(counted) == 1 and name not in ALWAYS)):
            continue
        if active is not None and active not in counted:
            counted[active] = 0
        ordered = sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))
        if wanted.choices:
            ordered.sort(key=lambda item: wanted.choices.index(item[0]) if item[0] in wanted.choices else 99)
        shown = [item for at, item in enumerate(ordered) if at < MAX_VALUES or item[0] == active]
        facets.append(
            Facet(
                name,
                wanted.label,
                tuple(
                    FacetValue(
                        value,
                        words(name, value),
                        count,
                        value == active,
                        (filters.without(name) if value == active else filters.having(name, value)).query(
                            **keep
                        ),
                    )
                    for value, count in shown
                ),
                len(ordered) - len(shown),
            )
        )
    return tuple(facets)


def _words(runs: dict[int, Run], arms: dict[int, Arm]) -> Callable[[str, Any], str]:
    def words(name: str, value: Any) -> str:
        if name == "run" and value in runs:
            return str(runs[value])
        if name == "arm" and value in arms:
            return arm_words(arms[value].name, arms[value].role)
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
    return str(value) or "none"


def chips(study: Study, filters: Filters, **keep: str) -> tuple[Chip, ...]:
    """The active filters in words. One query if one of them is a number, else none."""
    names = _names_of_numbers(study, filters)
    return tuple(
        Chip(
            wanted.label,
            names.get(wanted.name) or value_words(wanted.name, filters.values[wanted.name]),
            filters.without(wanted.name).query(**keep),
        )
        for wanted in FIELDS
        if wanted.name in filters.values
    )


def _names_of_numbers(study: Study, filters: Filters) -> dict[str, str]:
    """What a run, arm, prompt or ingest is called; looked for in this study only."""
    named = {
        "run": Run.objects.filter(study=study).values("model"),
        "arm": Arm.objects.filter(study=study).values("name"),
        "prompt": Prompt.objects.filter(study=study).values(start=Left("text", 80)),
        "ingest": Ingest.objects.filter(study=study).values("source__name"),
    }
    asked = {
        name: rows.filter(pk=filters.values[name])[:1]
        for name, rows in named.items()
        if name in filters.values
    }
    if not asked:
        return {}
    found = Study.objects.filter(pk=study.pk).annotate(
        **{f"{name}_words": rows for name, rows in asked.items()}
    )
    row = found.values(*(f"{name}_words" for name in asked)).get()
    return {
        name: row[f"{name}_words"] or f"{filters.values[name]}, which is not in this study" for name in asked
    }

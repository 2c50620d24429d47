"""Which units a round gets out of those that were chosen, from which strata, and in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from annotations.labelling.conflicts import Invalid
from annotations.models import Round
from annotations.sampling import band, by_pair, in_random_order, sides, stratified, uncertain_first
from transcripts.models import Arm, Pair, Run, Study, Transcript

BATCH = 5_000
STRATA = ("arm", "run", "judge")
MAX_STRATA = 200
ORDERS = tuple(Round.OrderOfTasks.values)


@dataclass(frozen=True, slots=True)
class Way:
    """How to draw. ``strata_by``: any of STRATA; ``is_even``: as many of each stratum as can be, else in proportion."""

    unit: str = Round.Unit.TRANSCRIPT
    order: str = Round.OrderOfTasks.RANDOM
    seed: int = 0
    size: int | None = None
    strata_by: tuple[str, ...] = ()
    is_even: bool = True

    def problems(self) -> dict[str, str]:
        found = {}
        if self.unit not in Round.Unit.values:
            found["unit"] = f"The unit is one of {', '.join(Round.Unit.values)}."
        if self.order not in ORDERS:
            found["order"] = f"The order is one of {', '.join(ORDERS)}."
        if unknown := [each for each in self.strata_by if each not in STRATA]:
            found["strata_by"] = f"{unknown[0][:40]!r} is none of {', '.join(STRATA)}."
        if self.size is not None and self.size < 1:
            found["size"] = "Give 1 or more, or nothing for all."
        if self.unit == Round.Unit.PAIR:
            if self.order == Round.OrderOfTasks.BY_PAIR:
                found["order"] = "Where each task is a pair, the order is random or by uncertainty."
            if "arm" in self.strata_by:
                found["strata_by"] = "A pair has all its arms: draw by run or by the judge’s score."
        return found


@dataclass(frozen=True)
class Draw:
    """``units`` are transcripts, or pairs (with their ``sides``), in the order of tasks."""

    units: Sequence[int]
    strata: list[dict[str, Any]] = field(default_factory=list)
    stratum_of: Mapping[int, int] = field(default_factory=dict)  # unit: place in ``strata``
    sides: Mapping[int, list[int]] = field(default_factory=dict)
    left_out: int = 0  # pairs that have but one arm


@dataclass(frozen=True, slots=True)
class _Unit:
    stratum: tuple[str, ...]
    score: float | None
    pair: int


def draw(
    study: Study,
    transcripts: QuerySet[Transcript] | Iterable[int],
    way: Way,
    without: Collection[int] = (),
) -> Draw:
    """Draw from ``transcripts``, leaving out the units ``without``. Raises Invalid where nothing can be drawn so."""
    if problems := way.problems():
        raise Invalid(next(iter(problems.values())), problems)
    if not isinstance(transcripts, QuerySet):
        transcripts = Transcript.objects.filter(pk__in=list(transcripts))
    rows = transcripts.filter(study=study).order_by()
    chosen_sides: dict[int, list[int]] = {}
    left_out = 0
    if way.unit == Round.Unit.PAIR:
        chosen_sides, left_out = _sides(rows, way.seed)
        units = _pairs(study, set(chosen_sides).difference(without), way.strata_by)
    else:
        units = {
            pk: unit for pk, unit in _transcripts(study, rows, way.strata_by).items() if pk not in without
        }
    if not units:
        words = "No pair of these has two arms." if left_out else "No transcript fits this choice."
        raise Invalid("Nothing to label.", {"transcripts": words})
    drawn = stratified(
        way.seed, {pk: unit.stratum for pk, unit in units.items()}, way.size, is_even=way.is_even
    )
    if len(drawn) > MAX_STRATA:
        words = f"These make {len(drawn):,} strata; {MAX_STRATA} are the most. Draw by fewer things."
        raise Invalid(words, {"strata_by": words})
    stratum_of = {pk: place for place, each in enumerate(drawn) for pk in each.units}
    ordered = _in_order(way, {pk: units[pk] for pk in stratum_of})
    return Draw(
        ordered,
        [{"by": list(way.strata_by), "is_even": way.is_even, **each.as_json()} for each in drawn]
        if way.strata_by
        else [],
        stratum_of if way.strata_by else {},
        {pk: chosen_sides[pk] for pk in ordered} if chosen_sides else {},
        left_out,
    )


def _in_order(way: Way, units: Mapping[int, _Unit]) -> list[int]:
    if way.order == Round.OrderOfTasks.UNCERTAIN:
        return uncertain_first(way.seed, {pk: unit.score for pk, unit in units.items()})
    if way.order == Round.OrderOfTasks.BY_PAIR:
        return by_pair(way.seed, {pk: unit.pair for pk, unit in units.items()})
    return in_random_order(way.seed, units)


class _Words:
    """The strata's words. Names that two of a kind share are told apart."""

    def __init__(self, study: Study, strata_by: tuple[str, ...]) -> None:
        self.by = strata_by
        self.arms = _apart(
            {arm.pk: (str(arm), arm.role) for arm in Arm.objects.filter(study=study)}
            if "arm" in strata_by
            else {}
        )
        self.runs = _apart(
            {run.pk: (str(run), f"run {run.pk}") for run in Run.objects.filter(study=study)}
            if "run" in strata_by
            else {}
        )

    def stratum(self, arm: int | None, run: int, score: float | None) -> tuple[str, ...]:
        words = {
            "arm": lambda: self.arms[arm] if arm is not None else "",
            "run": lambda: self.runs[run],
            "judge": lambda: band(score),
        }
        return tuple(words[each]() for each in self.by)


def _apart(names: Mapping[int, tuple[str, str]]) -> dict[int, str]:
    seen = [name for name, _ in names.values()]
    return {pk: name if seen.count(name) == 1 else f"{name} ({more})" for pk, (name, more) in names.items()}


def _transcripts(study: Study, rows: QuerySet[Transcript], strata_by: tuple[str, ...]) -> dict[int, _Unit]:
    words = _Words(study, strata_by)
    columns = rows.values_list("pk", "arm_id", "run_id", "pair_id", "judge_score")
    return {
        pk: _Unit(words.stratum(arm, run, score), score, pair)
        for pk, arm, run, pair, score in columns.iterator(chunk_size=BATCH)
    }


def _pairs(study: Study, pks: Collection[int], strata_by: tuple[str, ...]) -> dict[int, _Unit]:
    """By a pair's highest score: it is as uncertain as that."""
    words = _Words(study, strata_by)
    rows = Pair.objects.filter(pk__in=pks).order_by().values_list("pk", "run_id", "top_score")
    return {
        pk: _Unit(words.stratum(None, run, score), score, pk)
        for pk, run, score in rows.iterator(chunk_size=BATCH)
    }


def _sides(rows: QuerySet[Transcript], seed: int) -> tuple[dict[int, list[int]], int]:
    """For each pair that has two arms one transcript of each, and how many pairs have but one.

    Of an arm's transcripts one that was chosen, if any was: who ticked samples meant these.
    """
    all_of = Transcript.objects.filter(pair__in=rows.values("pair")).order_by()
    chosen = set(rows.values_list("pk", flat=True).iterator(chunk_size=BATCH))
    found: dict[int, dict[int, dict[bool, dict[int, int]]]] = defaultdict(
        lambda: defaultdict(lambda: {True: {}, False: {}})
    )
    columns = all_of.values_list("pk", "pair_id", "arm_id", "sample")
    for pk, pair, arm, sample in columns.iterator(chunk_size=BATCH):
        found[pair][arm][pk in chosen][sample] = pk
    made = {
        pair: sides(seed, pair, {arm: pools[True] or pools[False] for arm, pools in arms.items()})
        for pair, arms in found.items()
        if len(arms) > 1
    }
    return made, len(found) - len(made)

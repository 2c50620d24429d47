"""Which samples of a pair stand beside each other, and how its arms ended. Plain values, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transcripts.outcomes import OUTCOMES


@dataclass(frozen=True, slots=True)
class Sample:
    """``outcome`` is the source judge's, "" if there is none or the reader may not know it."""

    transcript: int
    number: int
    outcome: str
    parse_state: str


@dataclass(frozen=True, slots=True)
class ArmSamples:
    arm: int
    name: str
    role: str
    samples: tuple[Sample, ...]

    @property
    def n_judged(self) -> int:
        return sum(bool(sample.outcome) for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many samples ended how: of the first arm in rows, of the second in columns, joined by number."""

    outcomes: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    total: int


def opening_choice(arms: Sequence[ArmSamples]) -> dict[int, int]:
    """The sample of each arm to open with, by arm: the most different ones, else the first of each.

    Most different is complied when monitored and refused when unmonitored; failing that, the reverse.
    """
    chosen = {arm.arm: arm.samples[0].number for arm in arms if arm.samples}
    monitored = next((arm for arm in arms if arm.role == "monitored"), None)
    unmonitored = next((arm for arm in arms if arm.role == "unmonitored"), None)
    if monitored and unmonitored:
        for ended, other in (("complied", "refused"), ("refused", "complied")):
            left, right = _first(monitored, ended), _first(unmonitored, other)
            if left is not None and right is not None:
                return {**chosen, monitored.arm: left, unmonitored.arm: right}
    return chosen


def _first(arm: ArmSamples, outcome: str) -> int | None:
    return next((sample.number for sample in arm.samples if sample.outcome == outcome), None)


def choice(arms: Sequence[ArmSamples], asked: Mapping[int, int]) -> dict[int, int]:
    """The samples to show: those asked for where they exist, the opening choice in the other arms."""
    opening = opening_choice(arms)
    there = {arm.arm: {sample.number for sample in arm.samples} for arm in arms}
    return {arm: asked[arm] if asked.get(arm) in there[arm] else number for arm, number in opening.items()}


def outcome_matrix(left: ArmSamples, right: ArmSamples) -> Matrix | None:
    """None where no two judged samples have the same number."""
    ended = {sample.number: sample.outcome for sample in right.samples if sample.outcome}
    cells = Counter(
        (sample.outcome, ended[sample.number])
        for sample in left.samples
        if sample.outcome and sample.number in ended
    )
    if not cells:
        return None
    seen = {outcome for cell in cells for outcome in cell} | {"complied", "refused"}
    outcomes = tuple(outcome for outcome in OUTCOMES if outcome in seen)
    return Matrix(
        outcomes,
        tuple(tuple(cells[row, column] for column in outcomes) for row in outcomes),
        sum(cells.values()),
    )

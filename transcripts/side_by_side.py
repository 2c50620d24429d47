"""Which samples of a pair stand beside each other, and how its arms ended. Plain values, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transcripts.outcomes import OUTCOMES


@dataclass(frozen=True, slots=True)
class Sample:
    """``outcome`` is the source judge's, "" if there is none or the reader may not know it."""

    transcript: int
    number: int
    outcome: str
    parse_state: str
    characters: int = 0


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
class Cell:
    """``count`` samples of equal number ended so. ``samples`` are the numbers to show for it, left and right:
    the first of equal number, else the first of each arm; None where an arm has no sample that ended so."""

    row: str
    column: str
    count: int
    samples: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """How many samples ended how: of the first arm in rows, of the second in columns, joined by number."""

    outcomes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int


CONTENDERS = 4  # samples of either arm whose outputs are compared to find the most different ones


def facing(arms: Sequence[ArmSamples]) -> tuple[ArmSamples, ArmSamples] | None:
    """The two arms that stand against each other: monitored and unmonitored, else the first two with samples."""
    there = [arm for arm in arms if arm.samples]
    monitored = next((arm for arm in there if arm.role == "monitored"), None)
    unmonitored = next((arm for arm in there if arm.role == "unmonitored"), None)
    if monitored and unmonitored:
        return monitored, unmonitored
    return (there[0], there[1]) if len(there) > 1 else None


def contenders(left: ArmSamples, right: ArmSamples) -> tuple[tuple[Sample, Sample], ...]:
    """The pairs of samples that may be called the most different ones, judged by outcomes alone.

    Complied against refused; failing that the reverse, then any two known outcomes that differ, then all.
    At most ``CONTENDERS`` samples of either arm, the first ones: telling them apart costs reading them.
    """
    pairs = [(a, b) for a in _first_of_each_outcome(left) for b in _first_of_each_outcome(right)]
    best = max((_outcomes_differ(a.outcome, b.outcome) for a, b in pairs), default=0)
    found = [(a, b) for a, b in pairs if _outcomes_differ(a.outcome, b.outcome) == best]
    lefts = sorted({a.number for a, _ in found})[:CONTENDERS]
    rights = sorted({b.number for a, b in found if a.number in lefts})[:CONTENDERS]
    return tuple((a, b) for a, b in found if a.number in lefts and b.number in rights)


def _first_of_each_outcome(arm: ArmSamples) -> list[Sample]:
    """As many as may contend: a pair of a thousand samples in each arm has a million pairs of samples."""
    counted: Counter[str] = Counter()
    found = []
    for sample in arm.samples:
        counted[sample.outcome] += 1
        if counted[sample.outcome] <= CONTENDERS:
            found.append(sample)
    return found


def _outcomes_differ(left: str, right: str) -> int:
    if (left, right) == ("complied", "refused"):
        return 3
    if (left, right) == ("refused", "complied"):
        return 2
    return 1 if left and right and left != right else 0


def opening_choice(
    arms: Sequence[ArmSamples], unlike: Callable[[Sample, Sample], float] = lambda _a, _b: 0.0
) -> dict[int, int]:
    """The sample of each arm to open with, by arm: the most different ones, else the first of each.

    ``unlike`` says how different two samples' outputs are, where outcomes leave more than one choice; of equals
    the first are taken. It must be made of what the reader may see; hidden outcomes are "" already.
    """
    chosen = {arm.arm: arm.samples[0].number for arm in arms if arm.samples}
    if not (two := facing(arms)):
        return chosen
    found = contenders(*two)
    left, right = found[0] if len(found) == 1 else max(found, key=lambda pair: unlike(*pair))
    return {**chosen, two[0].arm: left.number, two[1].arm: right.number}


def asked_for(arms: Sequence[ArmSamples], asked: Mapping[int, int]) -> dict[int, int]:
    """The samples that the address names and that there are, by arm."""
    there = {arm.arm: {sample.number for sample in arm.samples} for arm in arms}
    return {arm: number for arm, number in asked.items() if number in there.get(arm, ())}


def outcome_matrix(left: ArmSamples, right: ArmSamples) -> Matrix | None:
    """None where no two judged samples have the same number."""
    ended = {sample.number: sample.outcome for sample in right.samples if sample.outcome}
    joined: dict[tuple[str, str], list[int]] = {}
    for sample in left.samples:
        if sample.outcome and sample.number in ended:
            joined.setdefault((sample.outcome, ended[sample.number]), []).append(sample.number)
    if not joined:
        return None
    seen = {outcome for cell in joined for outcome in cell} | {"complied", "refused"}
    outcomes = tuple(outcome for outcome in OUTCOMES if outcome in seen)
    rows = tuple(
        tuple(_cell(left, right, row, column, joined.get((row, column), ())) for column in outcomes)
        for row in outcomes
    )
    return Matrix(outcomes, rows, sum(map(len, joined.values())))


def _cell(left: ArmSamples, right: ArmSamples, row: str, column: str, joined: Sequence[int]) -> Cell:
    samples = (joined[0], joined[0]) if joined else (_first(left, row), _first(right, column))
    whole = None if None in samples else samples
    return Cell(row, column, len(joined), whole)  # type: ignore[arg-type]


def _first(arm: ArmSamples, outcome: str) -> int | None:
    return next((sample.number for sample in arm.samples if sample.outcome == outcome), None)


STRIP = 40  # cells of a strip; the samples beyond are reached from its ends


def folded(total: int, at: int, most: int = STRIP) -> range:
    """Which of ``total`` samples a strip shows when number ``at`` of them is current: whole blocks of ``most``.

    Blocks stand still while one steps within them, so that the strip does not slide under the reader's eyes.
    """
    if total <= most:
        return range(total)
    start = min(at // most * most, total - most)
    return range(start, start + most)

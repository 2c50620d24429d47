"""One prompt over all runs: a row for each run, a column for each arm, and in each cell how its samples ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from transcripts.access import StudyAccess
from transcripts.models import Pair, Prompt, Run, Study, Transcript, TranscriptBody
from transcripts.outcomes import OUTCOMES
from transcripts.records import Message
from transcripts.sample_labels import SampleLabel
from transcripts.side_by_side import Sample
from transcripts.windows import first_words
from transcripts.wording import ROLE_ORDER

RUNS = 60  # of one page
EXCERPT = 260  # characters of a scratchpad or an output in a cell
LONGEST = 200_000  # characters of a transcript that is unpacked for its first words
CONDITIONS = ("model", "setting", "checkpoint", "goal_nudge")  # of a run: what one can narrow to


@dataclass(frozen=True, slots=True)
class Column:
    arm: int
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The samples of one run in one arm. ``chosen`` is the one whose words are shown."""

    arm: int
    samples: tuple[Sample, ...]
    chosen: Sample
    n_judged: int
    n_complied: int

    @property
    def at(self) -> int:
        return self.samples.index(self.chosen)

    @property
    def rate(self) -> float | None:
        return self.n_complied / self.n_judged if self.n_judged else None


@dataclass(frozen=True, slots=True)
class Row:
    """One run. ``is_first_of_model`` where the rows of another model begin."""

    pair: Pair
    run: Run
    cells: Mapping[int, Cell]
    is_first_of_model: bool


@dataclass(frozen=True, slots=True)
class Grid:
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    n_runs: int  # that pass the conditions, on all pages

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells.values()]


def pairs_of(access: StudyAccess, prompt: Prompt) -> list[Pair]:
    """All pairs of a prompt with their runs, in the order of a grid. One query."""
    pairs = (
        Pair.objects.filter(study=access.study, prompt=prompt).select_related("run").defer("run__identity")
    )
    return sorted(pairs, key=lambda pair: _order(pair.run))


def _order(run: Run) -> tuple[object, ...]:
    """By model, then setting, then how far its training was, then how strongly it was nudged."""
    step = -1 if run.training_step is None else run.training_step
    return run.model, run.setting, step, run.checkpoint, run.goal_nudge, run.pk


def narrowed(pairs: Iterable[Pair], conditions: Mapping[str, str]) -> list[Pair]:
    return [
        pair for pair in pairs if all(getattr(pair.run, name) == value for name, value in conditions.items())
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that the runs can be narrowed to, and how many would be left."""

    value: str
    n: int
    is_active: bool


def choices(pairs: Sequence[Pair], conditions: Mapping[str, str]) -> dict[str, list[Choice]]:
    """What each condition can be narrowed to, under all others; without those in which the runs are alike."""
    found = {}
    for name in CONDITIONS:
        others = {key: value for key, value in conditions.items() if key != name}
        counts = Counter(getattr(pair.run, name) for pair in narrowed(pairs, others))
        if len(counts) > 1 or name in conditions:
            found[name] = [
                Choice(value, n, conditions.get(name) == value) for value, n in sorted(counts.items())
            ]
    return found


def grid(
    access: StudyAccess,
    pairs: Sequence[Pair],
    n_runs: int,
    sample: int | None = None,
    asked: Mapping[tuple[int, int], int] | None = None,
) -> Grid:
    """The grid of these pairs. One query.

    ``sample`` is the number that all cells should show if they have it; ``asked`` says it for single cells, by
    (pair, arm). Otherwise a cell shows the first sample that ended as most of them did.
    """
    arms: dict[int, Column] = {}
    by_cell: dict[tuple[int, int], list[Sample]] = {}
    rows = (
        Transcript.objects.filter(study=access.study, pair__in=[pair.pk for pair in pairs])
        .order_by("pair_id", "arm_id", "sample", "id")
        .values_list("pair_id", "arm_id", "arm__name", "arm__role", "id", "sample", "outcome", "parse_state")
    )
    for pair, arm, name, role, pk, number, outcome, state in rows:
        arms[arm] = Column(arm, name, role)
        known = outcome if access.shows("judge") else ""
        by_cell.setdefault((pair, arm), []).append(Sample(pk, number, known, state))
    columns = sorted(arms.values(), key=lambda each: (ROLE_ORDER.index(each.role), each.name, each.arm))
    found, model = [], None
    for pair in pairs:
        cells = {
            column.arm: _cell(column.arm, by_cell[key], (asked or {}).get(key), sample)
            for column in columns
            if (key := (pair.pk, column.arm)) in by_cell
        }
        if cells:
            found.append(Row(pair, pair.run, cells, pair.run.model != model))
            model = pair.run.model
    return Grid(tuple(columns), tuple(found), n_runs)


def _cell(arm: int, samples: Sequence[Sample], asked: int | None, usual: int | None) -> Cell:
    there = {sample.number: sample for sample in reversed(samples)}
    chosen = next((there[number] for number in (asked, usual) if number in there), None)
    counts = Counter(sample.outcome for sample in samples if sample.outcome)
    return Cell(
        arm,
        tuple(samples),
        chosen or typical(samples),
        counts.total(),
        counts["complied"],
    )


def typical(samples: Sequence[Sample]) -> Sample:
    """The first sample with the commonest outcome; the first of all where none has one."""
    counts = Counter(sample.outcome for sample in samples if sample.outcome)
    commonest = max(OUTCOMES, key=lambda outcome: counts[outcome])
    return next((sample for sample in samples if sample.outcome == commonest), samples[0])


@dataclass(frozen=True, slots=True)
class Words:
    """How a sample's reasoning and its answer begin; "" where it has none."""

    scratchpad: str
    output: str


def words_of(access: StudyAccess, transcripts: Iterable[int]) -> dict[int, Words]:
    """By transcript; those that are too long to be unpacked for a few words are left out. One query."""
    bodies = TranscriptBody.objects.filter(
        transcript__study=access.study,
        transcript__in=list(transcripts),
        transcript__n_characters__lte=LONGEST,
    )
    return {body.transcript_id: beginning(body.content.messages) for body in bodies}


def beginning(messages: Sequence[Message]) -> Words:
    said = [message for message in messages if message.role == "assistant"]

    def first(kind: str) -> str:
        texts = (first_words(message.text, message.segments, EXCERPT, kind) for message in said)
        return next((text for text in texts if text), "")

    return Words(first("scratchpad"), first("output"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A sample in the strip of its cell: ``label`` is what people said of it, if the reader may know."""

    sample: Sample
    is_chosen: bool
    label: SampleLabel | None


def ticks(cell: Cell, labels: Mapping[int, SampleLabel], most: int) -> tuple[list[Tick], int]:
    """The first ``most`` samples of a cell, and how many more there are; the chosen one is always among them."""
    shown = list(cell.samples[:most])
    if cell.chosen not in shown:
        shown[-1] = cell.chosen
    found = [Tick(sample, sample is cell.chosen, labels.get(sample.transcript)) for sample in shown]
    return found, len(cell.samples) - len(shown)


# -- prompts


def prompts_with_runs(study: Study) -> QuerySet[Prompt]:
    """Prompts that some run has: a batch that failed may have left others."""
    return Prompt.objects.filter(Exists(Pair.objects.filter(prompt=OuterRef("pk"))), study=study)


def neighbours(study: Study, prompt: Prompt) -> tuple[int | None, int | None]:
    """The prompts before and behind one, in the order in which they came. One query."""
    rows = prompts_with_runs(study).order_by("pk").values_list("pk", flat=True)
    before = rows.filter(pk__lt=prompt.pk).order_by("-pk")[:1]
    found = set(before.union(rows.filter(pk__gt=prompt.pk)[:1]))
    return (
        next((pk for pk in found if pk < prompt.pk), None),
        next((pk for pk in found if pk > prompt.pk), None),
    )

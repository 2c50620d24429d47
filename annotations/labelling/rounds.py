"""Opening, pausing and closing rounds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet

from annotations.labelling import unblinding
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.drawing import Draw, Way, draw
from annotations.masking import BadPhrase, phrases
from annotations.models import CodebookVersion, Expected, Round, RoundAnnotator, Task
from annotations.models.round import HIDEABLE
from transcripts import cues
from transcripts.models import Arm, Membership, Study, Transcript

if TYPE_CHECKING:
    from afdash.accounts.models import User

BATCH = 5_000
MAX_OVERLAP = 20
SHORTEST_NAME = 3  # of an arm: “a” would be masked in every sentence
SEEDS = range(2**63)
# A closed round stays closed: its annotators may have looked at what it hid from them.
MOVES = {
    Round.State.OPEN: (Round.State.PAUSED, Round.State.CLOSED),
    Round.State.PAUSED: (Round.State.OPEN, Round.State.CLOSED),
    Round.State.CLOSED: (),
}
# Why nothing can be saved in a round: the code for programs, the sentence for people.
NOT_OPEN = {
    Round.State.PAUSED: (
        "round_paused",
        "This round is paused; nothing can be saved until the lead opens it again.",
    ),
    Round.State.CLOSED: ("round_closed", "This round is closed; nothing more can be saved in it."),
}
FACETS = {"judge": "judges’ verdicts", "peers": "others’ labels"}


def facet_words(facet: str) -> str:
    """What people call something that a round can hide."""
    return FACETS.get(facet, facet)


def open_round(
    study: Study,
    *,
    name: str,
    codebook_version: CodebookVersion,
    transcripts: QuerySet[Transcript] | Iterable[int],
    annotators: Sequence[User],
    unit: str = Round.Unit.TRANSCRIPT,
    kind: str = Round.Kind.LABELLING,
    order: str = Round.OrderOfTasks.RANDOM,
    overlap: int = 1,
    most_annotators: int = 0,
    hidden: Iterable[str] = (),
    mask_phrases: Iterable[str] = (),
    suggestions: Iterable[dict[str, Any]] = (),
    seed: int = 0,
    size: int | None = None,
    strata_by: Iterable[str] = (),
    is_even: bool = True,
    deadline: date | None = None,
    practice: Round | None = None,
    pass_share: float = 0.8,
    lease_minutes: int = 60,
    created_by: User | None = None,
    selection: dict[str, Any] | None = None,
    despite_unblinding: bool = False,
) -> Round:
    """A new open round with a task for each unit that is drawn (annotations.labelling.drawing).

    ``selection`` records where they came from, see annotations.units; :func:`proposed` gives usual ``mask_phrases``.
    In a practice round everybody does every task. The annotators are also given the practice round that this one
    asks for. ``despite_unblinding``: the lead knows that some have seen what it hides.
    Raises Invalid, with the field's name, when it makes no sense; makes nothing then.
    """
    hidden = sorted(set(hidden))
    masked, suggested = cleaned(mask_phrases), list(suggestions)
    people = sorted({user.pk for user in annotators})
    is_practice = kind == Round.Kind.PRACTICE
    if is_practice:
        overlap, most_annotators, practice = max(len(people), 1), 0, None
    check_name(name)
    _check_codebook(study, codebook_version)
    if kind not in Round.Kind.values:
        raise Invalid("Kind.", {"kind": f"The kind is one of {', '.join(Round.Kind.values)}."})
    if unknown := [facet for facet in hidden if facet not in HIDEABLE]:
        raise Invalid("Unknown.", {"hidden": f"{unknown[0]!r} is none of {', '.join(HIDEABLE)}."})
    check_overlap(overlap, most_annotators, len(people), MAX_OVERLAP if not is_practice else len(people))
    if seed not in SEEDS:
        raise Invalid("Seed.", {"seed": "The seed must be a whole number, 0 or more."})
    _check_suggestions(suggested, codebook_version)
    _check_practice(study, codebook_version, practice, pass_share)
    check_may_label(study, annotators)
    way = Way(unit, order, seed, size, tuple(dict.fromkeys(strata_by)), is_even)
    drawn = draw(study, transcripts, way)
    if hidden and not despite_unblinding:
        unblinding.warn(study, annotators, hidden, transcripts_of(drawn))
    with transaction.atomic():
        made = Round.objects.create(
            study=study,
            name=name.strip(),
            codebook_version=codebook_version,
            unit=unit,
            kind=kind,
            order=order,
            overlap=overlap,
            most_annotators=most_annotators,
            deadline=deadline,
            hidden=hidden,
            seed=seed,
            lease_minutes=lease_minutes,
            created_by=created_by,
            selection=selection or {},
            strata=drawn.strata,
            mask_phrases=masked,
            suggestions=suggested,
            practice=practice,
            pass_share=pass_share,
        )
        RoundAnnotator.objects.bulk_create(RoundAnnotator(round=made, user_id=pk) for pk in people)
        make_tasks(made, drawn)
        if practice is not None:
            join_practice(practice, people)
    return made


def make_tasks(round: Round, drawn: Draw, first: int = 0, strata: Sequence[int] | None = None) -> None:
    """The tasks of ``drawn``, at positions from ``first`` on; ``strata`` are the places of its strata in the round's."""
    is_pair = round.unit == Round.Unit.PAIR
    kind = Task.Kind.PRACTICE if round.kind == Round.Kind.PRACTICE else Task.Kind.REGULAR
    for start in range(0, len(drawn.units), BATCH):
        Task.objects.bulk_create(
            Task(
                round=round,
                transcript_id=None if is_pair else unit,
                pair_id=unit if is_pair else None,
                sides=drawn.sides.get(unit, []),
                kind=kind,
                stratum=_place(drawn, unit, strata),
                position=first + start + number,
                slots=round.overlap,
            )
            for number, unit in enumerate(drawn.units[start : start + BATCH])
        )


def _place(drawn: Draw, unit: int, strata: Sequence[int] | None) -> int | None:
    place = drawn.stratum_of.get(unit)
    return place if place is None or strata is None else strata[place]


def transcripts_of(drawn: Draw) -> Collection[int]:
    return {pk for each in drawn.sides.values() for pk in each} if drawn.sides else drawn.units


def proposed(study: Study) -> list[str]:
    """What would tell the arm in this study's texts: its cue words of oversight, and the names of its arms."""
    found = [str(cue) for cue in cues.of(study).cues if cue.group == "oversight"]
    known = {phrase.casefold() for phrase in found}
    names = Arm.objects.filter(study=study).values_list("name", flat=True)
    return found + sorted(
        {name for name in names if len(name.strip()) >= SHORTEST_NAME and name.casefold() not in known}
    )


def cleaned(words: Iterable[str]) -> list[str]:
    """Phrases to mask, each once, in their order; raises Invalid where one cannot be looked for."""
    found = list(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    try:
        phrases(found)
    except BadPhrase as error:
        raise Invalid(str(error), {"mask_phrases": str(error)}) from error
    return found


def check_name(name: str) -> None:
    if not name.strip():
        raise Invalid("Give the round a name.", {"name": "Give the round a name."})


def _check_codebook(study: Study, version: CodebookVersion) -> None:
    if version.codebook.study_id != study.pk:
        raise Invalid("No such codebook.", {"codebook_version": "This study has no such codebook version."})
    if version.codebook.imported_from:
        words = "This codebook was made from imported labels; make one of your own for a round."
        raise Invalid("Codebook.", {"codebook_version": words})


def check_overlap(overlap: int, most_annotators: int, people: int, limit: int = MAX_OVERLAP) -> None:
    if not 1 <= overlap <= max(limit, 1):
        raise Invalid("Overlap.", {"overlap": f"Give 1 to {limit} annotators per task."})
    if overlap > people:
        raise Invalid("Overlap.", {"overlap": "The overlap is larger than the number of annotators."})
    if most_annotators and not overlap <= most_annotators <= limit:
        words = f"Where annotators disagree there can be {overlap} to {limit} of them; 0 for never more."
        raise Invalid("Most annotators.", {"most_annotators": words})
    if most_annotators > people:
        words = f"Only {people} annotate in this round."
        raise Invalid("Most annotators.", {"most_annotators": words})


def _check_suggestions(suggestions: Sequence[Any], version: CodebookVersion) -> None:
    """Of the shape that annotations.suggestions reads."""
    known = {
        "label": {label.key for label in version.parsed.labels},
        "question": {question.key for question in version.parsed.questions},
    }
    for each in suggestions:
        given = each if isinstance(each, dict) else {}
        kinds = [kind for kind in known if kind in given]
        if given.get("source") != "judge" or len(kinds) != 1 or set(given) - {"source", "after", *kinds}:
            words = "Give each as source “judge”, with a label or a question, and “after” where it waits."
            raise Invalid("Suggestions.", {"suggestions": words})
        if given[kinds[0]] not in known[kinds[0]]:
            words = f"This codebook has no {kinds[0]} {str(given[kinds[0]])[:60]!r}."
            raise Invalid("Suggestions.", {"suggestions": words})


def _check_practice(study: Study, version: CodebookVersion, practice: Round | None, share: float) -> None:
    if not 0 <= share <= 1:
        raise Invalid("Pass share.", {"pass_share": "Give a share from 0 to 1."})
    if practice is None:
        return
    if practice.study_id != study.pk or practice.kind != Round.Kind.PRACTICE:
        raise Invalid("Practice.", {"practice": "This study has no such practice round."})
    if practice.codebook_version.codebook_id != version.codebook_id:
        raise Invalid("Practice.", {"practice": "That practice round asks by another codebook."})
    if not Expected.objects.filter(task__round=practice).exists():
        raise Invalid("Practice.", {"practice": "Say first what is right in that practice round."})


def check_may_label(study: Study, annotators: Iterable[User]) -> None:
    members = Membership.objects.filter(study=study, role__in=["annotator", "lead"])
    may_label = set(members.values_list("user_id", flat=True))
    if strangers := [user for user in annotators if user.pk not in may_label]:
        raise Invalid("Annotators.", {"annotators": f"{strangers[0]} does not label in this study."})


def join_practice(practice: Round, people: Iterable[int]) -> None:
    """Give these people the practice round too, unless it is closed; each does all of its tasks."""
    if practice.state == Round.State.CLOSED:
        return
    RoundAnnotator.objects.bulk_create(
        (RoundAnnotator(round=practice, user_id=pk) for pk in people), ignore_conflicts=True
    )
    everybody_does_all(practice)


def everybody_does_all(round: Round, tasks: QuerySet[Task] | None = None) -> None:
    """So many places in each task (of ``tasks``) as there are annotators; never fewer than there were."""
    people = RoundAnnotator.objects.filter(round=round).count()
    tasks = Task.objects.filter(round=round) if tasks is None else tasks
    tasks.filter(slots__lt=people).update(slots=people)


def change_state(round: Round, state: str) -> None:
    """Open, pause or close; raises LabellingConflict if the round is in a state that forbids it."""
    if state not in Round.State.values:
        known = ", ".join(Round.State.values)
        raise Invalid(f"{state[:20]!r} is none of {known}.", {"state": f"one of {known}"})
    before = [old for old, new in MOVES.items() if state in new]
    if not Round.objects.filter(pk=round.pk, state__in=before).update(state=state):
        now = Round.objects.values_list("state", flat=True).get(pk=round.pk)
        if now != state:
            raise LabellingConflict("round_closed", "A closed round cannot be opened again; make a new one.")
    round.state = state

"""Practice with feedback, and gold tasks in silence: what is right, who had it, and who may go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from annotations.expected import Share, share
from annotations.labelling.conflicts import Invalid
from annotations.models import Annotation, AnnotationRevision, Expected, Round, RoundAnnotator, Task
from transcripts.models import Membership

if TYPE_CHECKING:
    from afdash.accounts.models import User
    from transcripts.access import StudyAccess

MAX_NOTE = 5_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody does in the practice round that a round asks for. ``is_passed``: they may label in the round."""

    practice: Round
    share: Share
    tasks: int  # with a right answer, so many in all
    pass_share: float

    @property
    def is_finished(self) -> bool:
        return bool(self.tasks) and self.share.tasks >= self.tasks

    @property
    def is_passed(self) -> bool:
        return self.is_finished and bool(self.share.total) and self.share.value >= self.pass_share

    @property
    def pass_percent(self) -> int:
        return round(100 * self.pass_share)


def candidates(task: Task) -> QuerySet[Annotation]:
    """Leads' submitted annotations of the task's unit by the round's codebook version: the answer of any of them may
    be taken as right."""
    return candidates_in(task.round, [task])


def candidates_in(round: Round, tasks: Iterable[Task]) -> QuerySet[Annotation]:
    """Those of all ``tasks`` of ``round``."""
    tasks = list(tasks)
    same = Q(transcript__in=[task.transcript_id for task in tasks if task.transcript_id is not None])
    same |= Q(task__sides__in=[task.sides for task in tasks if task.transcript_id is None])
    leads = Membership.objects.filter(study=round.study_id, role=Membership.Role.LEAD).values("user")
    return (
        Annotation.objects.filter(
            same,
            study=round.study_id,
            status=Annotation.Status.SUBMITTED,
            codebook_version=round.codebook_version_id,
        )
        .filter(Q(annotator__in=leads) | Q(annotator__is_superuser=True))
        .select_related("annotator", "task__round")
        .order_by("-updated_at", "pk")
    )


def take_as_right(access: StudyAccess, task: Task, annotation: Annotation, note: str = "") -> Expected:
    """What ``annotation`` says is right in ``task`` from now on. In a labelling round the task is gold by that.

    Raises Invalid where the annotation is not a lead's of the same unit.
    """
    note = note.replace("\x00", "").strip()
    if len(note) > MAX_NOTE:
        raise Invalid("Note.", {"note": f"A note may have {MAX_NOTE:,} characters."})
    if not candidates(task).filter(pk=annotation.pk).exists():
        words = "Only a lead’s own submitted answers to the same text can be taken as right."
        raise Invalid(words, {"annotation": words})
    payload = annotation.revisions.get(version=annotation.version).payload
    with transaction.atomic():
        locked = Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
        expected, _ = Expected.objects.update_or_create(
            task=locked,
            defaults={"payload": payload, "note": note, "created_by": access.user, "created_at": Now()},
        )
        if task.round.kind == Round.Kind.LABELLING:
            # Everybody meets it, else it would measure but some.
            people = RoundAnnotator.objects.filter(round=task.round_id).count()
            Task.objects.filter(pk=task.pk).update(kind=Task.Kind.GOLD, slots=max(locked.slots, people))
    return expected


def no_longer_gold(task: Task) -> None:
    """The task is as the others again. Its places stay, and so does what was said to be right."""
    Task.objects.filter(pk=task.pk, kind=Task.Kind.GOLD).update(kind=Task.Kind.REGULAR)


def practice_results(round: Round, users: Iterable[int] | None = None) -> dict[int, Share]:
    """By person: how much was right in what they submitted first; what they mended after the feedback is not asked."""
    first = AnnotationRevision.objects.filter(
        annotation=OuterRef("annotation"), status="submitted"
    ).order_by()
    said = AnnotationRevision.objects.filter(status=Annotation.Status.SUBMITTED).exclude(
        Exists(first.filter(version__lt=OuterRef("version")))
    )
    return _results(round, said, users)


def gold_results(round: Round) -> dict[int, Share]:
    """By person: how much is right in their newest submitted answers to the round's gold tasks."""
    said = AnnotationRevision.objects.filter(
        status=Annotation.Status.SUBMITTED,
        version=F("annotation__version"),
        annotation__task__kind=Task.Kind.GOLD,
    )
    return _results(round, said, None)


def _results(
    round: Round, said: QuerySet[AnnotationRevision], users: Iterable[int] | None
) -> dict[int, Share]:
    right = dict(Expected.objects.filter(task__round=round).values_list("task", "payload"))
    if not right:
        return {}
    if users is not None:
        said = said.filter(annotation__annotator__in=list(users))
    said = said.filter(annotation__task__in=list(right))
    # A lead's own answer, which was taken as right, says nothing of the lead; it is counted all the same.
    found: dict[int, Share] = defaultdict(Share)
    for revision in said.select_related("annotation", "codebook_version"):
        head = revision.annotation
        book = revision.codebook_version.parsed
        found[head.annotator_id] += share(book, right[head.task_id], revision.payload)
    return dict(found)


def standing(round: Round, user: User) -> Standing | None:
    """None where the round asks for no practice."""
    return standings([round], user).get(round.pk)


def standings(rounds: Iterable[Round], user: User) -> dict[int, Standing]:
    """By those of ``rounds`` that ask for practice. Three queries, and three more for each practice round."""
    asking = [round for round in rounds if round.practice_id is not None]
    if not asking:
        return {}
    practice = Round.objects.in_bulk({round.practice_id for round in asking})
    shares = {pk: practice_results(each, [user.pk]).get(user.pk, Share()) for pk, each in practice.items()}
    counts: dict[int, int] = defaultdict(int)
    for pk in Expected.objects.filter(task__round__in=practice).values_list("task__round", flat=True):
        counts[pk] += 1
    return {
        round.pk: Standing(
            practice[round.practice_id],
            shares[round.practice_id],
            counts[round.practice_id],
            round.pass_share,
        )
        for round in asking
    }


def without_gated(rounds: Mapping[int, Round], user: User) -> dict[int, Round]:
    """Those of ``rounds`` in which this person may label: the practice that they ask for is passed."""
    found = standings(rounds.values(), user)
    return {pk: round for pk, round in rounds.items() if pk not in found or found[pk].is_passed}


def has_feedback(access: StudyAccess, task: Task) -> bool:
    """Whether this person may see what is right in ``task``: it is practice, and they have submitted their answer."""
    return (
        task.round.kind == Round.Kind.PRACTICE
        and Expected.objects.filter(task=task).exists()
        and Annotation.objects.filter(
            task=task, annotator=access.user, status=Annotation.Status.SUBMITTED
        ).exists()
    )


def feedback(access: StudyAccess, task: Task) -> dict[str, Any] | None:
    """What they submitted and what is right, as stored payloads, and the note; None where there is none to see."""
    if not has_feedback(access, task):
        return None
    expected = Expected.objects.get(task=task)
    head = Annotation.objects.get(task=task, annotator=access.user)
    newest = head.revisions.select_related("codebook_version").get(version=head.version)
    return {
        "expected": expected.payload,
        "note": expected.note,
        "said": newest.payload,
        "book": newest.codebook_version.parsed,
    }

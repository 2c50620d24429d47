"""Who holds which task. Leases go by the database's clock.

A task's ``slots_taken`` is changed only while its row is locked, and the database refuses more than
``slots`` of them and a second live claim of one person: so overlap is never exceeded, and two people
who ask for the last task get one answer each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from afdash.retry import in_transaction
from annotations.disagreement import differ
from annotations.labelling import practice
from annotations.labelling.conflicts import LabellingConflict
from annotations.models import Annotation, AnnotationRevision, Claim, Expected, Round, RoundAnnotator, Task

if TYPE_CHECKING:
    from transcripts.access import StudyAccess

LIVE = (Claim.State.ACTIVE, Claim.State.SUBMITTED)
EXPIRED_AT_ONCE = 100
ATTEMPTS = 20
MAX_REASON = 2_000
LATER = "later"  # the reason of a claim that was given back to be offered again after all others


def claim_next(access: StudyAccess, round: Round | None = None) -> Task | None:
    """The task to label now: the one that this person holds already, else the next free one, else None.

    Only in open rounds that they label in; ``round`` narrows it to one.
    """
    return in_transaction(lambda: _claim_next(access, round))


def _claim_next(access: StudyAccess, round: Round | None) -> Task | None:
    rounds = _lock_places(access, round)
    if not rounds:
        return None
    held = (
        Claim.objects.filter(annotator=access.user, state=Claim.State.ACTIVE, task__round__in=rounds)
        .select_related("task")
        .order_by("claimed_at", "id")
        .first()
    )
    if held is not None and renew(held, rounds[held.task.round_id]):
        return held.task
    rounds = practice.without_gated(rounds, access.user)
    _expire_leases(rounds)
    task = _lock_free_task(access, rounds)
    if task is None:
        return None
    take_slot(task, access, rounds[task.round_id])
    return task


def _lock_free_task(access: StudyAccess, rounds: dict[int, Round]) -> Task | None:
    """The next task with a free slot that this person has not had, locked; at last those that they put off."""
    own = Claim.objects.filter(task=OuterRef("pk"), annotator=access.user)
    free = (
        offered(rounds.values(), is_lead=access.is_lead)
        .filter(slots_taken__lt=F("slots"))
        .exclude(Exists(own.exclude(state=Claim.State.EXPIRED)))
        .order_by("round_id", "position", "id")
    )
    put_off = Exists(own.filter(state=Claim.State.EXPIRED, reason=LATER))
    # Two questions, so that each can go by the index of open slots.
    return _lock_first(free.exclude(put_off)) or _lock_first(free.filter(put_off))


def offered(rounds: Iterable[Round], *, is_lead: bool) -> QuerySet[Task]:
    """The tasks of ``rounds`` that are given out. Those of practice when it is known what is right; before that only
    to leads, who say it by labelling them."""
    rounds = list(rounds)
    tasks = Task.objects.filter(round__in=rounds)
    unready = [round for round in rounds if round.kind == Round.Kind.PRACTICE and not is_lead]
    if unready:
        known = Exists(Expected.objects.filter(task=OuterRef("pk")))
        tasks = tasks.filter(~Q(round__in=unready) | Q(known))
    return tasks


def _lock_first(free: QuerySet[Task]) -> Task | None:
    for _ in range(ATTEMPTS):
        task = free.select_for_update(of=("self",), skip_locked=True).first()
        if task is not None or not free.exists():
            return task
        # All that are left are locked by people who may leave a slot free, as near the end of a round:
        # wait for one of them. If it was filled meanwhile, there is no row, and we look again.
        task = free.select_for_update(of=("self",)).first()
        if task is not None:
            return task
    return None


def _lock_places(access: StudyAccess, round: Round | None) -> dict[int, Round]:
    """The open rounds that this person labels in. Their own places are locked: two tabs take turns."""
    places = RoundAnnotator.objects.filter(
        user=access.user, round__study=access.study, round__state=Round.State.OPEN
    )
    if round is not None:
        places = places.filter(round=round)
    locked = places.select_related("round").select_for_update(of=("self",)).order_by("round_id")
    return {place.round_id: place.round for place in locked}


def _expire_leases(rounds: dict[int, Round]) -> None:
    """Free the slots of claims whose lease has run out. Tasks that somebody else is at are left for later."""
    run_out = Claim.objects.filter(state=Claim.State.ACTIVE, leased_until__lt=Now())
    tasks = (
        Task.objects.filter(Exists(run_out.filter(task=OuterRef("pk"))), round__in=rounds)
        .order_by("id")
        .select_for_update(of=("self",), skip_locked=True)[:EXPIRED_AT_ONCE]
    )
    for task in tasks:
        freed = run_out.filter(task=task).update(state=Claim.State.EXPIRED, finished_at=Now())
        Task.objects.filter(pk=task.pk).update(slots_taken=F("slots_taken") - freed)


def take_slot(task: Task, access: StudyAccess, round: Round) -> Claim:
    """A claim on ``task``, whose row the caller has locked and which has a free slot."""
    Task.objects.filter(pk=task.pk).update(slots_taken=F("slots_taken") + 1)
    return Claim.objects.create(task=task, annotator=access.user, leased_until=_lease_end(round))


def renew(claim: Claim, round: Round) -> bool:
    """Whether the claim was still active, and so is now for another lease."""
    renewed = Claim.objects.filter(pk=claim.pk, state=Claim.State.ACTIVE).update(
        leased_until=_lease_end(round)
    )
    return renewed == 1


def _lease_end(round: Round):  # type: ignore[no-untyped-def]
    return Now() + timedelta(minutes=round.lease_minutes)


def live_claim(task: Task, access: StudyAccess) -> Claim | None:
    return own_claims(task, access).filter(state__in=LIVE).first()


def own_claims(task: Task, access: StudyAccess) -> QuerySet[Claim]:
    return Claim.objects.filter(task=task, annotator=access.user)


def skip(access: StudyAccess, task: Task, reason: str = "") -> None:
    """Give the task back and do not offer it to this person again."""
    in_transaction(lambda: _give_back(access, task, Claim.State.SKIPPED, reason[:MAX_REASON]))


def release(access: StudyAccess, task: Task, *, later: bool = False) -> None:
    """Give the task back; it may come again, and if it was put off for ``later``, after all others."""
    reason = LATER if later else ""
    in_transaction(lambda: _give_back(access, task, Claim.State.EXPIRED, reason))


def leave(access: StudyAccess, task: Task) -> None:
    """Give the task back as the page is left, unless something is saved of it: then it stays theirs for the lease.

    What was submitted, skipped or lost is left as it is.
    """

    def give_back() -> None:
        Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
        claim = live_claim(task, access)
        has_work = Annotation.objects.filter(task=task, annotator=access.user, version__gt=0).exists()
        if claim is not None and claim.state == Claim.State.ACTIVE and not has_work:
            _give_back(access, task, Claim.State.EXPIRED, "")

    in_transaction(give_back)


def _give_back(access: StudyAccess, task: Task, state: str, reason: str) -> None:
    Task.objects.select_for_update(of=("self",)).get(pk=task.pk)
    claim = live_claim(task, access)
    if claim is not None and claim.state == Claim.State.SUBMITTED:
        raise LabellingConflict("already_submitted", "You have submitted this task; it cannot be given back.")
    if claim is None:
        if state == Claim.State.SKIPPED:
            # The lease ran out before they skipped: remember that they do not want it.
            last = own_claims(task, access).order_by("-id").first()
            if last is not None:
                Claim.objects.filter(pk=last.pk).update(state=state, reason=reason, finished_at=Now())
        return
    Claim.objects.filter(pk=claim.pk).update(state=state, reason=reason, finished_at=Now())
    Task.objects.filter(pk=task.pk).update(slots_taken=F("slots_taken") - 1)


def widen(task: Task, round: Round) -> None:
    """One place more in ``task``, whose row the caller has locked, if all who were asked have submitted and differ.

    Only in a round that asks for it, and while somebody is left to take the place.
    """
    if round.kind == Round.Kind.PRACTICE or task.kind != Task.Kind.REGULAR:
        return  # in these everybody has a place
    if round.most_annotators <= round.overlap:
        return
    slots = Task.objects.values_list("slots", flat=True).get(pk=task.pk)
    most = min(round.most_annotators, RoundAnnotator.objects.filter(round=round).count())
    if slots >= most:
        return
    submitted = Claim.objects.filter(task=task, state=Claim.State.SUBMITTED)
    if submitted.count() < slots:
        return
    newest = AnnotationRevision.objects.filter(
        annotation__task=task,
        annotation__status=Annotation.Status.SUBMITTED,
        annotation__version=F("version"),
        codebook_version=round.codebook_version_id,
    )
    if differ(round.codebook_version.parsed, list(newest.values_list("payload", flat=True))):
        Task.objects.filter(pk=task.pk).update(slots=slots + 1)

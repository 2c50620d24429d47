"""What a lead changes in a round that is under way. It only grows: no task, claim or label is ever taken out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.db.models.functions import Now

from annotations.labelling import unblinding
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.drawing import Way, draw
from annotations.labelling.rounds import (
    check_may_label,
    check_overlap,
    everybody_does_all,
    join_practice,
    make_tasks,
    transcripts_of,
)
from annotations.models import Claim, Round, RoundAnnotator, Task
from transcripts.models import Transcript

if TYPE_CHECKING:
    from afdash.accounts.models import User


def locked(round: Round) -> Round:
    """The round as it is now, its row locked; raises LabellingConflict if it is closed."""
    found = Round.objects.select_for_update(of=("self",)).get(pk=round.pk)
    if found.state == Round.State.CLOSED:
        raise LabellingConflict("round_closed", "This round is closed; make a new one.")
    return found


@transaction.atomic
def add_units(
    round: Round,
    transcripts: QuerySet[Transcript] | Iterable[int],
    *,
    size: int | None = None,
    selection: dict[str, Any] | None = None,
    despite_unblinding: bool = False,
) -> int:
    """``size`` more tasks (all that there are, if None) behind the others; how many were made.

    Drawn as the round's were: by its seed, its strata and its order, without the units that it has. More of the
    same selection is what a larger draw would have been, and its strata's counts go on; another selection has
    strata of its own. Raises Invalid.
    """
    now = locked(round)
    strata_by = tuple(now.strata[0]["by"]) if now.strata else ()
    is_pair = now.unit == Round.Unit.PAIR
    has = Task.objects.filter(round=now).values_list("pair_id" if is_pair else "transcript_id", flat=True)
    is_even = bool(now.strata[0]["is_even"]) if now.strata else True
    way = Way(now.unit, now.order, now.seed, size, strata_by, is_even)
    drawn = draw(now.study, transcripts, way, without=set(has))
    people = [place.user for place in now.annotators.select_related("user")]
    if now.hidden and not despite_unblinding:
        unblinding.warn(now.study, people, now.hidden, transcripts_of(drawn))
    is_same = _is_same(now.selection, selection or {})
    extension = len(now.selection.get("extensions", [])) + 1
    places = _strata(now, drawn.strata, is_same, extension)
    first = (Task.objects.filter(round=now).aggregate(last=Max("position"))["last"] or 0) + 1
    make_tasks(now, drawn, first, places)
    if now.kind == Round.Kind.PRACTICE:
        everybody_does_all(now)
    noted = {**(selection or {}), "size": size, "drawn": len(drawn.units), "first": first}
    now.selection = {**now.selection, "extensions": [*now.selection.get("extensions", []), noted]}
    now.save(update_fields=["strata", "selection"])
    return len(drawn.units)


def _is_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether both chose by the same address, or both everything; ticked rows have no address to compare."""
    if "words" not in before and "words" not in now:
        return True
    return bool(now.get("query")) and now.get("query") == before.get("query")


def _strata(round: Round, drawn: Sequence[dict[str, Any]], is_same: bool, extension: int) -> list[int]:
    """Adds the strata of an extension to the round's, and says where each of them is there."""
    places = []
    for each in drawn:
        place = next(
            (
                at
                for at, known in enumerate(round.strata)
                if is_same and known["stratum"] == each["stratum"] and "extension" not in known
            ),
            None,
        )
        if place is None:
            place = len(round.strata)
            round.strata.append(each if is_same else {**each, "extension": extension})
        else:
            round.strata[place] = {
                **round.strata[place],
                "drawn": round.strata[place]["drawn"] + each["drawn"],
            }
        places.append(place)
    return places


@transaction.atomic
def set_deadline(round: Round, deadline: date | None) -> None:
    now = locked(round)
    now.deadline = deadline
    now.save(update_fields=["deadline"])


@transaction.atomic
def add_annotators(round: Round, users: Sequence[User], *, despite_unblinding: bool = False) -> None:
    """Raises Invalid; with code ``unblinded`` if one of them has seen what the round hides."""
    now = locked(round)
    check_may_label(now.study, users)
    known = set(RoundAnnotator.objects.filter(round=now).values_list("user_id", flat=True))
    fresh = [user for user in users if user.pk not in known]
    if now.hidden and fresh and not despite_unblinding:
        rows = Task.objects.filter(round=now).values_list("transcript_id", "sides")
        units = {pk for transcript, sides in rows for pk in (sides or [transcript])}
        unblinding.warn(now.study, fresh, now.hidden, units)
    RoundAnnotator.objects.bulk_create(RoundAnnotator(round=now, user=user) for user in fresh)
    if now.practice is not None:
        join_practice(now.practice, [user.pk for user in fresh])
    everybody = Task.objects.filter(round=now)
    if now.kind == Round.Kind.LABELLING:
        everybody = everybody.filter(kind=Task.Kind.GOLD)
    everybody_does_all(now, everybody)


@transaction.atomic
def remove_annotator(round: Round, user: User) -> None:
    """They get no more tasks of it and can save nothing in it. What they said stays; what they hold is given back."""
    now = locked(round)
    # Locked before tasks, as who claims one does.
    list(RoundAnnotator.objects.filter(round=now, user=user).select_for_update(of=("self",)))
    held = Claim.objects.filter(task__round=now, annotator=user, state=Claim.State.ACTIVE)
    tasks = Task.objects.filter(pk__in=held.values("task")).order_by("id").select_for_update(of=("self",))
    for task in tasks:
        freed = held.filter(task=task).update(state=Claim.State.EXPIRED, finished_at=Now())
        Task.objects.filter(pk=task.pk).update(slots_taken=F("slots_taken") - freed)
    RoundAnnotator.objects.filter(round=now, user=user).delete()


@transaction.atomic
def raise_overlap(round: Round, overlap: int, most_annotators: int) -> None:
    """More annotators for each task, or where they disagree; never fewer than before."""
    now = locked(round)
    if now.kind == Round.Kind.PRACTICE:
        words = "In a practice round everybody does every task."
        raise Invalid(words, {"overlap": words})
    if overlap < now.overlap:
        words = f"The overlap can only grow; it is {now.overlap}."
        raise Invalid(words, {"overlap": words})
    people = RoundAnnotator.objects.filter(round=now).count()
    if (overlap, most_annotators) != (now.overlap, now.most_annotators):
        check_overlap(overlap, most_annotators, people)
    now.overlap, now.most_annotators = overlap, most_annotators
    now.save(update_fields=["overlap", "most_annotators"])
    Task.objects.filter(round=now, slots__lt=overlap).update(slots=overlap)


@transaction.atomic
def set_pass_share(round: Round, share: float) -> None:
    """The share of right answers that practice asks for, in a round that asks for practice."""
    now = locked(round)
    if not 0 <= share <= 1:
        raise Invalid("Pass share.", {"pass_share": "Give a share from 0 to 1."})
    now.pass_share = share
    now.save(update_fields=["pass_share"])

"""Showing a person what a round hides from them: one way, with a reason, kept for good.

What they said before stays marked as said blind: every revision keeps what was hidden when it was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.models import Claim, Round, RoundAnnotator, Task, Unblinding

if TYPE_CHECKING:
    from afdash.accounts.models import User
    from transcripts.access import StudyAccess
    from transcripts.models import Study

MAX_REASON = 2_000
UNBLINDED = "unblinded"  # the code of a warning that a lead may set aside


def unblind(access: StudyAccess, round: Round, user: User, reason: str) -> Unblinding:
    """Show ``user`` what ``round`` hides. There is no way back; raises Invalid or LabellingConflict."""
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise Invalid(
            "Say why: it is kept with the round.", {"reason": "Say why: it is kept with the round."}
        )
    if len(reason) > MAX_REASON:
        words = f"Give the reason in at most {MAX_REASON:,} characters."
        raise Invalid(words, {"reason": words})
    if not round.hidden:
        raise Invalid("This round hides nothing.", {"user": "This round hides nothing."})
    if not RoundAnnotator.objects.filter(round=round, user=user).exists():
        words = f"{user} does not label in this round."
        raise Invalid(words, {"user": words})
    if round.state == Round.State.CLOSED:
        raise LabellingConflict(
            "round_closed", "This round is closed; it hides nothing from anybody any more."
        )
    try:
        with transaction.atomic():
            return Unblinding.objects.create(round=round, user=user, by=access.user, reason=reason)
    except IntegrityError as error:
        raise LabellingConflict(
            "already_unblinded", f"{user} is unblinded in this round already; that cannot be taken back."
        ) from error


def warn(study: Study, users: Iterable[User], hidden: Iterable[str], transcripts: Collection[int]) -> None:
    """Raise Invalid (code ``unblinded``) if one of ``users`` was shown what is ``hidden`` of one of ``transcripts``."""
    names = sorted(str(user) for user in seen_before(study, users, hidden, transcripts))
    if names:
        words = (
            f"Unblinded before over some of these transcripts: {', '.join(names)}. What they know cannot be hidden "
            "again, so their labels here would only seem blind."
        )
        raise Invalid(words, {"annotators": words}, code=UNBLINDED)


def seen_before(
    study: Study, users: Iterable[User], hidden: Iterable[str], transcripts: Collection[int]
) -> list[User]:
    """Those of ``users`` who were unblinded, or taken out of an unfinished blind round, over one of ``transcripts``."""
    people = {user.pk: user for user in users}
    rounds = Round.objects.filter(study=study, hidden__overlap=sorted(set(hidden)))
    by_round: dict[int, set[int]] = {}
    for round, user in Unblinding.objects.filter(round__in=rounds, user__in=people).values_list(
        "round", "user"
    ):
        by_round.setdefault(round, set()).add(user)
    for round, user in _taken_out(rounds, people):
        by_round.setdefault(round, set()).add(user)
    wanted, found = set(transcripts), set()
    for round, who in by_round.items():
        if not who <= found and not wanted.isdisjoint(_transcripts_of(round)):
            found |= who
    return [people[pk] for pk in sorted(found)]


def _taken_out(rounds: Iterable[Round], people: Collection[int]) -> set[tuple[int, int]]:
    """(round, user) of who labelled in a round and is in it no more: since then nothing was hidden from them."""
    had = Claim.objects.filter(task__round__in=rounds, annotator__in=people).values_list(
        "task__round", "annotator"
    )
    return set(had.distinct()) - set(
        RoundAnnotator.objects.filter(round__in=rounds, user__in=people).values_list("round", "user")
    )


def _transcripts_of(round: int) -> set[int]:
    rows = Task.objects.filter(round=round).values_list("transcript_id", "sides")
    return {pk for transcript, sides in rows.iterator() for pk in (sides or [transcript])}

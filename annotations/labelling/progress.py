"""How far one annotator is in a round. Counted when asked, not kept."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Now, TruncDay

from annotations.labelling.claiming import offered
from annotations.models import Claim, Round
from transcripts.models import Membership

if TYPE_CHECKING:
    from afdash.accounts.models import User

LAST = 20
LONGEST_SECONDS = 30 * 60  # longer than that was a pause, not labelling


@dataclass(frozen=True, slots=True)
class Progress:
    """``total`` is what this person has submitted plus what is still there for them to take.

    Where peers are hidden, it is the round's tasks without those that they skipped, and what is left is
    None: how many places others have filled would tell how far they are. The time left is then the most that it
    can be.
    """

    done: int
    done_today: int
    total: int
    left: int | None
    minutes_left: int | None  # None until something has been submitted

    @property
    def may_have_more(self) -> bool:
        """Whether it makes sense to ask for another task."""
        return self.total > self.done

    @property
    def for_today(self) -> int:
        """What was there for this person when the day began."""
        return self.done_today + (self.total - self.done if self.left is None else self.left)

    @property
    def time_left(self) -> str:
        """``about 1 h 40 left``, or "" when there is nothing to say."""
        if self.minutes_left is None or not self.for_today - self.done_today:
            return ""
        about = "about" if self.left is not None else "at most about"
        return f"{about} {duration(self.minutes_left)} left"


def progress(round: Round, user: User, *, hides_peers: bool) -> Progress:
    """``hides_peers``: whoever looks may not learn what others have done in the round."""
    mine = Claim.objects.filter(task__round=round, annotator=user)
    submitted = mine.filter(state=Claim.State.SUBMITTED)
    counts = submitted.aggregate(
        done=Count("id"), today=Count("id", filter=Q(finished_at__gte=TruncDay(Now())))
    )
    done, today = counts["done"], counts["today"]
    tasks = offered([round], is_lead=_is_lead(round, user))
    own = Claim.objects.filter(task=OuterRef("pk"), annotator=user)
    if hides_peers:
        total = tasks.exclude(Exists(own.filter(state=Claim.State.SKIPPED))).count()
        return Progress(done, today, total, left=None, minutes_left=_minutes(submitted, total - done))
    held = mine.filter(state=Claim.State.ACTIVE).count()
    taken = own.exclude(state=Claim.State.EXPIRED)
    left = held + tasks.filter(slots_taken__lt=F("slots")).exclude(Exists(taken)).count()
    return Progress(done, today, done + left, left, _minutes(submitted, left))


def _is_lead(round: Round, user: User) -> bool:
    """Asked only where it matters, see :func:`offered`."""
    if round.kind != Round.Kind.PRACTICE:
        return False
    leads = Membership.objects.filter(study=round.study_id, user=user, role=Membership.Role.LEAD)
    return user.is_admin or leads.exists()


def duration(minutes: int) -> str:
    """``1 h 40``, ``12 h``, ``5 min``; one minute at least."""
    hours, rest = divmod(minutes, 60)
    if hours >= 10:
        return f"{hours:,} h"
    return f"{hours} h {rest:02}" if hours else f"{max(rest, 1)} min"


def _minutes(submitted, left: int) -> int | None:  # type: ignore[no-untyped-def]
    times = submitted.order_by("-finished_at").values_list("claimed_at", "finished_at")[:LAST]
    seconds = [min((end - start).total_seconds(), LONGEST_SECONDS) for start, end in times]
    return round_up(median(seconds) * left / 60) if seconds else None


def round_up(minutes: float) -> int:
    return int(-(-minutes // 1))

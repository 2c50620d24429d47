"""How far one annotator is in a round. Counted when asked, not kept."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Now, TruncDay

from annotations.models import Claim, Round, Task

if TYPE_CHECKING:
    from afdash.accounts.models import User

LAST = 20
LONGEST_SECONDS = 30 * 60  # longer than that was a pause, not labelling


@dataclass(frozen=True, slots=True)
class Progress:
    """``total`` is what this person has submitted plus what is still there for them to take.

    Where peers are hidden, it is the round's tasks without those that they skipped, and what is left is
    None: how many places others have filled would tell how far they are.
    """

    done: int
    done_today: int
    total: int
    left: int | None
    minutes_left: int | None  # None until something has been submitted, too

    @property
    def may_have_more(self) -> bool:
        """Whether it makes sense to ask for another task."""
        return self.total > self.done

    @property
    def time_left(self) -> str:
        """``about 1 h 40 left``, or "" when there is nothing to say."""
        if self.minutes_left is None or not self.left:
            return ""
        hours, minutes = divmod(self.minutes_left, 60)
        if hours >= 10:
            return f"about {hours} h left"
        return f"about {hours} h {minutes:02} left" if hours else f"about {max(minutes, 1)} min left"


def progress(round: Round, user: User, *, hides_peers: bool) -> Progress:
    """``hides_peers``: whoever looks may not learn what others have done in the round."""
    mine = Claim.objects.filter(task__round=round, annotator=user)
    submitted = mine.filter(state=Claim.State.SUBMITTED)
    counts = submitted.aggregate(
        done=Count("id"), today=Count("id", filter=Q(finished_at__gte=TruncDay(Now())))
    )
    done, today = counts["done"], counts["today"]
    tasks = Task.objects.filter(round=round, transcript__isnull=False)
    own = Claim.objects.filter(task=OuterRef("pk"), annotator=user)
    if hides_peers:
        total = tasks.exclude(Exists(own.filter(state=Claim.State.SKIPPED))).count()
        return Progress(done, today, total, left=None, minutes_left=None)
    held = mine.filter(state=Claim.State.ACTIVE).count()
    taken = own.exclude(state=Claim.State.EXPIRED)
    left = held + tasks.filter(slots_taken__lt=F("slots")).exclude(Exists(taken)).count()
    return Progress(done, today, done + left, left, _minutes(submitted, left))


def _minutes(submitted, left: int) -> int | None:  # type: ignore[no-untyped-def]
    times = submitted.order_by("-finished_at").values_list("claimed_at", "finished_at")[:LAST]
    seconds = [min((end - start).total_seconds(), LONGEST_SECONDS) for start, end in times]
    return round_up(median(seconds) * left / 60) if seconds else None


def round_up(minutes: float) -> int:
    return int(-(-minutes // 1))

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
    """``total`` is what this person has submitted plus what is still there for them to take."""

    done: int
    done_today: int
    total: int
    minutes_left: int | None  # None until something has been submitted

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def time_left(self) -> str:
        """``about 1 h 40 left``, or "" when there is nothing to say."""
        if self.minutes_left is None or self.left == 0:
            return ""
        hours, minutes = divmod(self.minutes_left, 60)
        if hours >= 10:
            return f"about {hours} h left"
        return f"about {hours} h {minutes:02} left" if hours else f"about {max(minutes, 1)} min left"


def progress(round: Round, user: User) -> Progress:
    mine = Claim.objects.filter(task__round=round, annotator=user)
    submitted = mine.filter(state=Claim.State.SUBMITTED)
    counts = submitted.aggregate(
        done=Count("id"), today=Count("id", filter=Q(finished_at__gte=TruncDay(Now())))
    )
    held = mine.filter(state=Claim.State.ACTIVE).count()
    taken = Claim.objects.filter(task=OuterRef("pk"), annotator=user).exclude(state=Claim.State.EXPIRED)
    free = (
        Task.objects.filter(round=round, transcript__isnull=False, slots_taken__lt=F("slots"))
        .exclude(Exists(taken))
        .count()
    )
    left = held + free
    return Progress(
        done=counts["done"],
        done_today=counts["today"],
        total=counts["done"] + left,
        minutes_left=_minutes(submitted, left),
    )


def _minutes(submitted, left: int) -> int | None:  # type: ignore[no-untyped-def]
    times = submitted.order_by("-finished_at").values_list("claimed_at", "finished_at")[:LAST]
    seconds = [min((end - start).total_seconds(), LONGEST_SECONDS) for start, end in times]
    return round_up(median(seconds) * left / 60) if seconds else None


def round_up(minutes: float) -> int:
    return int(-(-minutes // 1))

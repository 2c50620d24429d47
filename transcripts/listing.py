"""The rows and orders of the lists of transcripts and pairs, for pages and API alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Left

from afdash.paging import Order
from transcripts.models import Pair, Study, Transcript
from transcripts.outcomes import OUTCOMES
from transcripts.wording import ROLE_ORDER, outcome_letter, outcome_words

CLIP = 300  # characters of a prompt that a list fetches
STRIP = 24  # cells of an arm's strip of outcomes; beyond that the counts say it

BY_ID = Order("id", ("id",))
# A pair without a gap comes last in both directions; gaps lie between -1 and 1.
_NO_GAP = 2.0
ORDERS = {
    "gap": Order("gap", ("gap_rank", "id")),
    "-gap": Order("-gap", ("gap_rank", "id")),
    "id": BY_ID,
}


def transcript_rows(study: Study) -> QuerySet[Transcript]:
    return (
        Transcript.objects.filter(study=study)
        .select_related("run", "arm", "prompt")
        .defer("prompt__text", "prompt__identity", "run__identity", "content_sha256", "locator")
        .annotate(prompt_start=Left("prompt__text", CLIP))
    )


def pair_rows(study: Study) -> QuerySet[Pair]:
    return (
        Pair.objects.filter(study=study)
        .select_related("run", "prompt")
        .defer("prompt__text", "prompt__identity", "run__identity")
        .annotate(prompt_start=Left("prompt__text", CLIP))
    )


def in_order(rows: QuerySet[Pair], sort: str) -> QuerySet[Pair]:
    """``rows`` with the column that ``ORDERS[sort]`` needs: keyset pages take no NULL."""
    if sort == "id":
        return rows
    figure = F("judge_gap") if sort == "-gap" else -F("judge_gap")
    return rows.annotate(gap_rank=Coalesce(figure, Value(_NO_GAP), output_field=FloatField()))


def orders(hidden: frozenset[str]) -> tuple[str, ...]:
    """The orders that a reader may ask for, the usual one first."""
    return ("id",) if "judge" in hidden else ("gap", "-gap", "id")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a pair stands among those that pass the filters. ``position`` is 0 if it is not one of them."""

    previous: int | None
    next: int | None
    position: int
    total: int


def neighbours(rows: QuerySet[Pair], sort: str, pair: Pair) -> Neighbours:
    """Three queries. ``rows`` are the pairs that pass; ``pair`` need not be one of them."""
    rows = in_order(rows, sort)
    if sort == "id":
        before, after = Q(id__lt=pair.pk), Q(id__gt=pair.pk)
        columns: tuple[str, ...] = ("id",)
    else:
        gap = pair.judge_gap
        rank = _NO_GAP if gap is None else gap if sort == "-gap" else -gap
        before = Q(gap_rank__lt=rank) | Q(gap_rank=rank, id__lt=pair.pk)
        after = Q(gap_rank__gt=rank) | Q(gap_rank=rank, id__gt=pair.pk)
        columns = ("gap_rank", "id")
    backwards = tuple(f"-{column}" for column in columns)
    counts = rows.order_by().aggregate(
        total=Count("pk"), before=Count("pk", filter=before), here=Count("pk", filter=Q(pk=pair.pk))
    )
    return Neighbours(
        previous=rows.filter(before).order_by(*backwards).values_list("pk", flat=True).first(),
        next=rows.filter(after).order_by(*columns).values_list("pk", flat=True).first(),
        position=counts["before"] + 1 if counts["here"] else 0,
        total=counts["total"],
    )


@dataclass(frozen=True, slots=True)
class Strip:
    """How the samples of one role ended, as cells in the order of outcomes, and in words."""

    role: str
    letters: tuple[tuple[str, str], ...]  # (outcome or "none", letter)
    n_more: int
    words: str
    total: int


def outcome_strips(pairs: Iterable[Pair]) -> dict[int, list[Strip]]:
    """The strips of each pair's roles. One query, of as many rows as there are outcomes, not samples."""
    counts: dict[int, dict[str, Counter[str]]] = {}
    rows = (
        Transcript.objects.filter(pair__in=[pair.pk for pair in pairs])
        .order_by()
        .values_list("pair_id", "arm__role", "outcome")
        .annotate(n=Count("pk"))
    )
    for pair, role, outcome, n in rows:
        counts.setdefault(pair, {}).setdefault(role, Counter())[outcome] += n
    return {
        pair: [_strip(role, roles[role]) for role in ROLE_ORDER if role in roles]
        for pair, roles in counts.items()
    }


def _strip(role: str, counted: Counter[str]) -> Strip:
    cells = [
        (outcome or "none", outcome_letter(outcome))
        for outcome in (*OUTCOMES, "")
        for _ in range(min(counted[outcome], STRIP))
    ]
    words = ", ".join(f"{counted[each]} {outcome_words(each)}" for each in (*OUTCOMES, "") if counted[each])
    total = counted.total()
    return Strip(role, tuple(cells[:STRIP]), max(0, total - STRIP), f"{role}: {words}", total)

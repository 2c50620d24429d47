"""The rows and orders of the lists of transcripts and pairs, for pages and API alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FloatField, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Left

from afdash.paging import Order, rows_after
from transcripts.models import Pair, Study, Transcript
from transcripts.models.conditions import NO_GAP
from transcripts.outcomes import OUTCOMES
from transcripts.packed import MOST_SCORE
from transcripts.wording import ROLE_ORDER, outcome_letter, outcome_words

CLIP = 300  # characters of a prompt that a list fetches
STRIP = 24  # cells of an arm's strip of outcomes; beyond that the counts say it

BY_ID = Order("id", ("id",))


@dataclass(frozen=True, slots=True)
class Sort:
    """An order that a reader may ask for. An index serves each of them (``tests/transcripts/test_list_plans.py``).

    ``figure`` is the column that it goes by. Where that may be NULL, ``none`` stands for that and is beyond all
    figures, and rows are by ``rank``, which has no NULL: keyset pages take none.
    """

    order: Order
    words: str
    figure: str = ""
    none: float | None = None
    hidden_with: str = ""

    @property
    def rank(self) -> Coalesce:
        figure = F(self.figure) if self.order.name.startswith("-") else -F(self.figure)
        return Coalesce(figure, Value(self.none), output_field=FloatField())

    def rank_of(self, row: Any) -> float:
        figure = getattr(row, self.figure)
        if figure is None:
            return float(self.none or 0)
        return float(figure if self.order.name.startswith("-") else -figure)


def _ranked(name: str, words: str, figure: str, none: float) -> Sort:
    return Sort(Order(name, ("rank", "id")), words, figure, none, "judge")


# What has no figure comes last in both directions.
_SORTS_OF_PAIRS = (
    _ranked("gap", "largest gap first", "judge_gap", NO_GAP),
    _ranked("-gap", "smallest gap first", "judge_gap", NO_GAP),
    _ranked("score", "highest judge’s score first", "top_score", 2 * MOST_SCORE),
    Sort(Order("length", ("-longest", "-id")), "longest first"),
    Sort(Order("-length", ("longest", "id")), "shortest first"),
    Sort(BY_ID, "in the order of ingest"),
)
_SORTS_OF_TRANSCRIPTS = (
    Sort(BY_ID, "in the order of ingest"),
    _ranked("score", "highest judge’s score first", "judge_score", 2 * MOST_SCORE),
    Sort(Order("length", ("-n_characters", "-id")), "longest first"),
    Sort(Order("-length", ("n_characters", "id")), "shortest first"),
)
# By model, name of the order; the usual order first.
SORTS: dict[type[Any], dict[str, Sort]] = {
    Pair: {sort.order.name: sort for sort in _SORTS_OF_PAIRS},
    Transcript: {sort.order.name: sort for sort in _SORTS_OF_TRANSCRIPTS},
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


def in_order(rows: QuerySet[Any], sort: str) -> QuerySet[Any]:
    """``rows`` with the column that the order ``sort`` needs."""
    wanted = SORTS[rows.model][sort]
    return rows.annotate(rank=wanted.rank) if wanted.none is not None else rows


def orders(hidden: frozenset[str], of: type[Any] = Pair) -> tuple[str, ...]:
    """The orders of pairs or transcripts that a reader may ask for, the usual one first."""
    known = [name for name, sort in SORTS[of].items() if sort.hidden_with not in hidden]
    usual = next(iter(SORTS[of]))
    return tuple(known if usual in known else sorted(known, key=lambda name: name != BY_ID.name))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a pair stands among those that pass the filters. ``position`` is 0 if it is not one of them."""

    previous: int | None
    next: int | None
    position: int
    total: int


def neighbours(rows: QuerySet[Pair], sort: str, pair: Pair) -> Neighbours:
    """Four queries. ``rows`` are the pairs that pass; ``pair`` need not be one of them."""
    wanted = SORTS[Pair][sort]
    rows = in_order(rows.order_by(), sort)
    here = [
        wanted.rank_of(pair) if column == "rank" else getattr(pair, column.lstrip("-"))
        for column in wanted.order.columns
    ]
    before = rows_after(rows, wanted.order.reversed(), here)
    after = rows_after(rows, wanted.order.columns, here)
    # Two counts that an index answers by itself, not one that reads every pair.
    counts = rows.aggregate(total=Count("pk"), here=Count("pk", filter=Q(pk=pair.pk)))
    position = before.count() + 1 if counts["here"] else 0
    return Neighbours(
        previous=before.order_by(*wanted.order.reversed()).values_list("pk", flat=True).first(),
        next=after.order_by(*wanted.order.columns).values_list("pk", flat=True).first(),
        position=position,
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

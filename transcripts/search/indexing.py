"""Building the search index behind the ingests: a few transcripts at a time, when nothing is being ingested.

An ingest that has ended is indexed by the ids of its transcripts; ``search_cursor`` commits with the
vectors, so a worker that dies loses one batch.
"""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from transcripts.models import Ingest, Study, Transcript, TranscriptBody, TranscriptSearch
from transcripts.search.conditions import Lexemes
from transcripts.search.words import cut_word, quoted, vectors_of

BATCH = 100
CHARACTERS = 4_000_000


def index_waiting(seconds: float) -> bool:
    """Index what ended ingests have brought until time is up; True if there is more to do.

    Gives way to ingests: their rows are wanted sooner than their words.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if Ingest.objects.filter(state__in=Ingest.ACTIVE, waits=False, is_container=False).exists():
            return False  # the next beat asks again
        if not _index_batch():
            return False
    return True


def indexed_share(ingest: Ingest) -> tuple[int, int]:
    """How many transcripts of an ingest can be searched, and how many it brought."""
    all_of_it = Transcript.objects.filter(ingest=ingest).count()
    if ingest.is_indexed:
        return all_of_it, all_of_it
    return Transcript.objects.filter(ingest=ingest, pk__lte=ingest.search_cursor).count(), all_of_it


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far a study's index is: while it is being built, ``indexed`` is estimated from the ids gone through."""

    indexed: int
    total: int
    n_cut: int  # transcripts of which the index holds the beginning only, or not all phrases

    @property
    def is_whole(self) -> bool:
        return self.indexed >= self.total

    @property
    def percent(self) -> int:
        """100 only when it is whole."""
        return 100 if self.is_whole else min(99, 100 * self.indexed // self.total)


def study_index_state(study: Study) -> IndexState:
    """Whatever the number of transcripts, these are looked up, not counted: two queries, and one for each
    ingest that is not in the index yet."""
    created = dict(
        Ingest.objects.filter(study=study)
        .annotate(n=Coalesce(Sum("chunks__created"), 0))
        .order_by()
        .values_list("pk", "n")
    )
    total = sum(created.values())
    left = sum(created[row.pk] - _gone_through(row, created[row.pk]) for row in _not_indexed(study))
    return IndexState(total - left, total, cut_of(study))


def cut_of(study: Study) -> int:
    """The number of transcripts that the index does not hold whole."""
    return TranscriptSearch.objects.filter(other=Lexemes(quoted(cut_word(study.pk)))).count()


def _not_indexed(study: Study) -> QuerySet[Ingest]:
    return Ingest.objects.filter(study=study, is_indexed=False)


def _gone_through(ingest: Ingest, created: int) -> int:
    """About how many of an ingest's transcripts are indexed: by where the cursor is between its ids."""
    if not ingest.search_cursor:
        return 0
    ids = Transcript.objects.filter(ingest=ingest).order_by("pk").values_list("pk", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None:
        return created
    share = (ingest.search_cursor - first + 1) / (last - first + 1)
    return max(0, min(created, int(created * share)))


def _index_batch() -> bool:
    """Index the next transcripts of one ingest that nobody else is at; False if there are none."""
    with transaction.atomic():
        ingest = (
            Ingest.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(~Q(state__in=Ingest.ACTIVE), is_indexed=False)
            .order_by("id")
            .first()
        )
        if ingest is None:
            return False
        ids = _next(ingest)
        if ids:
            _write(ids)
            Ingest.objects.filter(pk=ingest.pk).update(search_cursor=ids[-1])
        else:
            Ingest.objects.filter(pk=ingest.pk).update(is_indexed=True)
    return True


def _next(ingest: Ingest) -> list[int]:
    """The next transcripts, as many as are no burden to hold at once; one at least."""
    sizes = (
        Transcript.objects.filter(ingest=ingest, pk__gt=ingest.search_cursor)
        .order_by("pk")
        .values_list("pk", "n_characters")[:BATCH]
    )
    ids: list[int] = []
    total = 0
    for pk, size in sizes:
        total += size
        if ids and total > CHARACTERS:
            break
        ids.append(pk)
    return ids


def _write(ids: list[int]) -> None:
    studies = dict(Transcript.objects.filter(pk__in=ids).values_list("pk", "study_id"))
    bodies = TranscriptBody.objects.filter(pk__in=ids).order_by("pk").iterator(chunk_size=10)
    vectors = {body.pk: vectors_of(body.content.messages, studies[body.pk]) for body in bodies}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO transcripts_transcriptsearch
                (transcript_id, scratchpad, output, "user", other, anywhere, is_cut)
            SELECT id, a::tsvector, b::tsvector, c::tsvector, d::tsvector, e::tsvector, cut
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
                AS u (id, a, b, c, d, e, cut)
            ON CONFLICT (transcript_id) DO NOTHING
            """,
            [list(vectors), *map(list, zip(*map(astuple, vectors.values()), strict=True))],
        )

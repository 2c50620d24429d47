"""Building the search index behind the ingests: a few transcripts at a time, when nothing is being ingested.

An ingest that has ended is indexed by the ids of its transcripts; ``search_cursor`` commits with the
vectors, so a worker that dies loses one batch.
"""

from __future__ import annotations

import time

from django.db import connection, transaction
from django.db.models import Q

from transcripts.models import Ingest, Transcript, TranscriptBody
from transcripts.search.words import words_of

BATCH = 100
CHARACTERS = 4_000_000
# One language's stemming for all texts: other words are taken as they are.
LANGUAGE = "english"


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
    words = []
    for body in TranscriptBody.objects.filter(pk__in=ids).order_by("pk").iterator(chunk_size=10):
        words.append(words_of(body.content.messages))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO transcripts_transcriptsearch (transcript_id, vector, is_cut)
            SELECT id, setweight(to_tsvector('{LANGUAGE}', a), 'A') || setweight(to_tsvector('{LANGUAGE}', b), 'B')
                || setweight(to_tsvector('{LANGUAGE}', c), 'C') || setweight(to_tsvector('{LANGUAGE}', d), 'D'), cut
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[])
                AS u (id, a, b, c, d, cut)
            ON CONFLICT (transcript_id) DO NOTHING
            """,  # noqa: S608 - the language is a constant
            [
                ids,
                [w.scratchpad for w in words],
                [w.output for w in words],
                [w.user for w in words],
                [w.other for w in words],
                [w.is_cut for w in words],
            ],
        )

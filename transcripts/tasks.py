"""Celery tasks of the ingest: doorbells. They take an id, do what the rows say, and may run twice."""

from __future__ import annotations

from celery import shared_task

from transcripts.ingest import queue
from transcripts.ingest.places import fetching, watching
from transcripts.ingest.places import queue as fetches
from transcripts.ingest.work import advance
from transcripts.search.indexing import index_waiting

INDEX_SECONDS = 4.0  # of the five between two beats


@shared_task(name="transcripts.advance_ingest")
def advance_ingest(ingest_id: int) -> None:
    if advance(ingest_id):
        queue.ring(ingest_id)


@shared_task(name="transcripts.fetch")
def fetch(fetch_id: int) -> None:
    if fetching.advance(fetch_id):
        for next_id in fetches.stalled(1):
            fetches.ring(next_id)


@shared_task(name="transcripts.watch")
def watch() -> None:
    """Every now and then: look through the watched folders."""
    watching.look()


@shared_task(name="transcripts.index")
def index() -> None:
    """Every few seconds: make some more of what was ingested searchable."""
    index_waiting(INDEX_SECONDS)


@shared_task(name="transcripts.sweep")
def sweep() -> None:
    """Every few seconds: say that a worker is alive, and wake workers for what nobody holds."""
    queue.beat()
    queue.end_frozen()
    for ingest_id in queue.stalled():
        queue.ring(ingest_id)
    for fetch_id in fetches.stalled():
        fetches.ring(fetch_id)

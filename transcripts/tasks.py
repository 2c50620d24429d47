"""Celery tasks of the ingest: doorbells. They take an id, do what the rows say, and may run twice."""

from __future__ import annotations

from celery import shared_task

from transcripts.ingest import queue
from transcripts.ingest.work import advance


@shared_task(name="transcripts.advance_ingest", queue="ingest")
def advance_ingest(ingest_id: int) -> None:
    if advance(ingest_id):
        queue.ring(ingest_id)


@shared_task(name="transcripts.sweep", queue="fast")
def sweep() -> None:
    """Every few seconds: say that a worker is alive, and wake workers for what nobody holds."""
    queue.beat()
    for ingest_id in queue.stalled():
        queue.ring(ingest_id)

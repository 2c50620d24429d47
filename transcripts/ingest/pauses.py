"""Machinery that is away for a while: the step is handed back, which counts as no failure, and the page says why.

A full disk, a lock that somebody holds, a database that restarts say nothing of the file. However
long it lasts, the ingest goes on by itself when it is over.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError, connection

from afdash.retry import PAUSE, in_transaction, is_transient, sqlstate
from transcripts.ingest.queue import Step
from transcripts.models import Ingest

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 3  # until a step is tried again that found the database full, locked or away

SENTENCES = {
    "53100": "Waiting for disk space: the database's disk is full. What was read until now is kept; "
    "the ingest goes on by itself when there is room again.",
    "25006": "Waiting for the database, which takes no changes at the moment. What was read until now is "
    "kept; the ingest goes on by itself.",
    "55P03": "Waiting for a table that somebody else has locked. What was read until now is kept; "
    "the ingest goes on by itself when it is free.",
}


def paused(step: Step, error: Exception) -> bool:
    """Hand ``step`` back if waiting may cure ``error``; False if it will not."""
    state = sqlstate(error)
    if not (state in PAUSE or is_transient(error)):
        return False
    logger.warning("ingest %s: step %s waits: %s", step.ingest_id, step.kind, error)
    if state == "25006":
        connection.close()  # the next one may lead to the server that has taken over
    try:
        in_transaction(lambda: _postpone(step, SENTENCES.get(state, "")))
    except (DatabaseError, InterfaceError):
        logger.warning("ingest %s: not even that can be written; the lease runs out", step.ingest_id)
    return True


def over(ingest: Ingest) -> None:
    """Take back what the page says of waiting."""
    if ingest.error:
        Ingest.objects.filter(pk=ingest.pk, state__in=Ingest.ACTIVE).update(error="")
        ingest.error = ""


def _postpone(step: Step, why: str) -> None:
    table = "transcripts_ingestchunk" if step.kind == "chunk" else "transcripts_ingest"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET lease_until = now() + make_interval(secs => %s), "  # noqa: S608
            "failures = greatest(failures - 1, 0) "
            "WHERE id = %s AND attempt = %s AND state IN ('running', 'planning', 'finishing')",
            [PAUSE_SECONDS, step.chunk_id or step.ingest_id, step.attempt],
        )
    if why:
        Ingest.objects.filter(pk=step.ingest_id, state__in=Ingest.ACTIVE).update(error=why)

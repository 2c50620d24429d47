"""The ingest row is the queue. Asking for an ingest, claiming a step of one, and the fence.

A *step* is planning, one chunk, or finishing. Steps are claimed by a conditional update that skips
locked rows, under a lease; the claim's ``attempt`` is the fence that every later write names.
Lease times are the database's clock only.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now

from afdash.retry import in_transaction
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Ingest, IngestChunk, Source

if TYPE_CHECKING:
    from afdash.accounts.models import User

logger = logging.getLogger(__name__)

LEASE_SECONDS = settings.AFDASH_LEASE_SECONDS
MAX_FAILURES = 5  # claims of one step without progress before it is given up
HEARTBEAT_SECONDS = 9  # a worker silent for longer counts as not running
OPTIONS = ("model", "setting", "arm", "role", "format", "mapping")


class Fenced(Exception):
    """Another worker has taken the step over, or the ingest was cancelled: stop, write nothing."""


class BusySource(Exception):
    """The file is being ingested with other options: its records must not land under both."""

    def __init__(self, active: Ingest) -> None:
        super().__init__(
            f"This file is being ingested already (ingest {active.pk}). Wait until that one is done, "
            "or cancel it, before you ask for another."
        )
        self.active = active


@dataclass(frozen=True, slots=True)
class Step:
    kind: str  # "plan", "chunk" or "finish"
    ingest_id: int
    attempt: int
    chunk_id: int | None = None


def request_ingest(source: Source, *, user: User | None, options: dict[str, Any]) -> Ingest:
    """Queue an ingest of ``source``; if the same one is under way already, that one is returned.

    Raises BusySource if one with other options is under way.
    """
    options = {key: options[key] for key in OPTIONS if options.get(key) not in (None, "", {})}
    for tries_left in (2, 1, 0):
        try:
            with transaction.atomic():
                ingest = Ingest.objects.create(
                    study=source.study, source=source, requested_by=user, options=options
                )
                transaction.on_commit(partial(ring, ingest.pk), robust=True)
                return ingest
        except IntegrityError:
            active = Ingest.objects.filter(source=source, state__in=Ingest.ACTIVE).first()
            if active and active.options != options:
                raise BusySource(active) from None
            if active:
                return active
            if not tries_left:  # not the one rule that a moment can cure
                raise
    raise AssertionError("unreachable")


def ring(ingest_id: int, times: int = 1) -> None:
    """Wake workers. Losing this message costs seconds: the sweep rings again."""
    try:
        for _ in range(times):
            # By name: the tasks import this module.
            current_app.send_task("transcripts.advance_ingest", (ingest_id,), queue="ingest", retry=False)
    except Exception:  # any broker trouble: the row is queued, which is what counts
        logger.warning("could not wake a worker for ingest %s; the sweep will", ingest_id)


def _returned(sql: str, params: dict[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()


def claim_step(ingest_id: int) -> Step | None:
    """Claim whatever can be done next for this ingest, or None if nothing can."""
    params = {"ingest": ingest_id, "lease": LEASE_SECONDS}
    row = _returned(
        """
        UPDATE transcripts_ingest SET state = 'planning', attempt = attempt + 1, failures = failures + 1,
            lease_until = now() + make_interval(secs => %(lease)s),
            started_at = coalesce(started_at, now())
        WHERE id = (SELECT id FROM transcripts_ingest WHERE id = %(ingest)s
            AND (state = 'queued' OR (state = 'planning' AND lease_until < now()))
            FOR UPDATE SKIP LOCKED)
        RETURNING attempt
        """,
        params,
    )
    if row:
        return Step("plan", ingest_id, row[0])
    row = _returned(
        """
        UPDATE transcripts_ingestchunk SET state = 'running', attempt = attempt + 1, failures = failures + 1,
            lease_until = now() + make_interval(secs => %(lease)s)
        WHERE id = (SELECT c.id FROM transcripts_ingestchunk c
            JOIN transcripts_ingest i ON i.id = c.ingest_id
            WHERE c.ingest_id = %(ingest)s AND i.state = 'running'
              AND (c.state = 'queued' OR (c.state = 'running' AND c.lease_until < now()))
            ORDER BY c.index LIMIT 1 FOR UPDATE OF c SKIP LOCKED)
        RETURNING attempt, id
        """,
        params,
    )
    if row:
        return Step("chunk", ingest_id, row[0], row[1])
    row = _returned(
        """
        UPDATE transcripts_ingest SET state = 'finishing', attempt = attempt + 1, failures = failures + 1,
            lease_until = now() + make_interval(secs => %(lease)s)
        WHERE id = (SELECT id FROM transcripts_ingest i WHERE id = %(ingest)s
            AND (state = 'running' OR (state = 'finishing' AND lease_until < now()))
            AND NOT EXISTS (SELECT 1 FROM transcripts_ingestchunk c
                            WHERE c.ingest_id = i.id AND c.state <> 'done')
            FOR UPDATE SKIP LOCKED)
        RETURNING attempt
        """,
        params,
    )
    return Step("finish", ingest_id, row[0]) if row else None


def hold_ingest(step: Step, **changes: Any) -> None:
    """Write to the ingest under the fence, inside the caller's transaction."""
    held = Ingest.objects.filter(
        pk=step.ingest_id, attempt=step.attempt, state__in=[Ingest.State.PLANNING, Ingest.State.FINISHING]
    ).update(**changes)
    if not held:
        raise Fenced


def hold_chunk(step: Step) -> int:
    """Lock the chunk under the fence, inside the caller's transaction; returns its committed cursor.

    The ingest is locked against changes of state too: who cancels it waits for this batch, and what
    is counted after the cancel counts this batch.
    """
    params = {
        "ingest": step.ingest_id,
        "chunk": step.chunk_id,
        "attempt": step.attempt,
        "lease": LEASE_SECONDS,
    }
    running = _returned(
        "SELECT 1 FROM transcripts_ingest WHERE id = %(ingest)s AND state = 'running' FOR SHARE", params
    )
    row = running and _returned(
        """
        UPDATE transcripts_ingestchunk SET lease_until = now() + make_interval(secs => %(lease)s)
        WHERE id = %(chunk)s AND attempt = %(attempt)s AND state = 'running'
        RETURNING cursor
        """,
        params,
    )
    if not row:
        raise Fenced
    return int(row[0])


def renew(step: Step) -> None:
    """Prolong the lease of a step that is still ours; nothing happens if it is not."""
    params = {
        "ingest": step.ingest_id,
        "chunk": step.chunk_id,
        "attempt": step.attempt,
        "lease": LEASE_SECONDS,
    }
    with connection.cursor() as cursor:
        if step.kind == "chunk":
            cursor.execute(
                "UPDATE transcripts_ingestchunk SET lease_until = now() + make_interval(secs => %(lease)s) "
                "WHERE id = %(chunk)s AND attempt = %(attempt)s AND state = 'running'",
                params,
            )
        else:
            cursor.execute(
                "UPDATE transcripts_ingest SET lease_until = now() + make_interval(secs => %(lease)s) "
                "WHERE id = %(ingest)s AND attempt = %(attempt)s AND state IN ('planning', 'finishing')",
                params,
            )


def release_chunk(step: Step) -> None:
    """Hand the chunk back at once (out of time, shutting down), with what was committed kept."""
    IngestChunk.objects.filter(
        pk=step.chunk_id, attempt=step.attempt, state=IngestChunk.State.RUNNING
    ).update(state=IngestChunk.State.QUEUED, lease_until=None)


def fail(ingest_id: int, message: str) -> bool:
    """End an ingest with a sentence; what was committed stays, and its pairs are counted."""
    return _end(ingest_id, state=Ingest.State.FAILED, error=message)


def cancel(ingest: Ingest) -> bool:
    """Stop an ingest; what was committed stays. Workers notice at their next batch."""
    return _end(ingest.pk, state=Ingest.State.CANCELLED)


def _end(ingest_id: int, **changes: Any) -> bool:
    def end() -> bool:
        ended = Ingest.objects.filter(pk=ingest_id, state__in=Ingest.ACTIVE).update(
            **changes, finished_at=Now(), lease_until=None
        )
        if ended:
            refresh_pairs(ingest_id)
        return bool(ended)

    return in_transaction(end)


def stalled() -> list[int]:
    """Ingests with a step that nobody holds: what the sweep wakes workers for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM transcripts_ingest i WHERE
                state = 'queued'
                OR (state IN ('planning', 'finishing') AND lease_until < now())
                OR (state = 'running' AND (
                    EXISTS (SELECT 1 FROM transcripts_ingestchunk c WHERE c.ingest_id = i.id AND
                        (c.state = 'queued' OR (c.state = 'running' AND c.lease_until < now())))
                    OR NOT EXISTS (SELECT 1 FROM transcripts_ingestchunk c
                        WHERE c.ingest_id = i.id AND c.state <> 'done')))
            ORDER BY id LIMIT 100
            """
        )
        return [row[0] for row in cursor.fetchall()]


def beat(name: str = "worker") -> None:
    """A worker says that it is alive."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO transcripts_workerheartbeat (name, at) VALUES (%s, now()) "
            "ON CONFLICT (name) DO UPDATE SET at = now()",
            [name],
        )


def worker_is_running() -> bool:
    row = _returned(
        "SELECT 1 FROM transcripts_workerheartbeat WHERE at > now() - make_interval(secs => %(seconds)s) LIMIT 1",
        {"seconds": HEARTBEAT_SECONDS},
    )
    return row is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """``read = created + duplicate + rejected`` at every moment; bytes are of the source."""

    read: int
    created: int
    duplicate: int
    rejected: int
    bytes_done: int
    bytes_total: int

    @property
    def counts(self) -> dict[str, int]:
        return {
            "read": self.read,
            "created": self.created,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
        }


def progress(ingest: Ingest) -> Progress:
    sums = ingest.chunks.aggregate(
        read=Sum("read", default=0),
        created=Sum("created", default=0),
        duplicate=Sum("duplicate", default=0),
        rejected=Sum("rejected", default=0),
        bytes_done=Sum("bytes_done", default=0),
    )
    total = ingest.source.size
    done = (
        total if ingest.state in (Ingest.State.DONE, Ingest.State.DONE_WITH_REJECTS) else sums["bytes_done"]
    )
    return Progress(**{**sums, "bytes_done": min(done, total)}, bytes_total=total)

"""The ingest row is the queue. Asking for an ingest, claiming a step of one, and the fence.

A *step* is planning, one chunk, or finishing. Steps are claimed by a conditional update that skips
locked rows, under a lease; the claim's ``attempt`` is the fence that every later write names.
Lease times are the database's clock only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now

from afdash.retry import in_transaction
from transcripts.ingest.bell import ring
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Ingest, IngestChunk, Source

if TYPE_CHECKING:
    from afdash.accounts.models import User

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


def request_ingest(
    source: Source, *, user: User | None, options: dict[str, Any], container: Ingest | None = None
) -> Ingest:
    """Queue an ingest of ``source``; if the same one is under way already, that one is returned.

    A part of a ``container`` is not rung: its container's planning does that when all parts are there.
    Raises BusySource if one with other options is under way.
    """
    options = {key: options[key] for key in OPTIONS if options.get(key) not in (None, "", {})}
    for tries_left in (2, 1, 0):
        try:
            with transaction.atomic():
                ingest = Ingest.objects.create(
                    study=source.study,
                    source=source,
                    requested_by=user,
                    options=options,
                    container=container,
                )
                if container is None:
                    transaction.on_commit(partial(ring, ingest.pk), robust=True)
                return ingest
        except IntegrityError:
            active = Ingest.objects.filter(
                source=source, container=container, state__in=Ingest.ACTIVE
            ).first()
            if active and active.options != options:
                raise BusySource(active) from None
            if active:
                return active
            if not tries_left:  # not the one rule that a moment can cure
                raise
    raise AssertionError("unreachable")


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
              AND NOT (i.waits AND EXISTS (SELECT 1 FROM transcripts_ingest other
                WHERE other.study_id = i.study_id AND NOT other.waits AND NOT other.is_container
                  AND other.state IN ('queued', 'planning', 'running', 'finishing')))
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
            AND NOT EXISTS (SELECT 1 FROM transcripts_ingest part WHERE part.container_id = i.id
                            AND part.state IN ('queued', 'planning', 'running', 'finishing'))
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
        # Whoever freezes in here must not keep its locks for longer than its lease; see also end_frozen.
        "SELECT set_config('idle_in_transaction_session_timeout', %(patience)s, true) "
        "FROM transcripts_ingest WHERE id = %(ingest)s AND state = 'running' FOR SHARE",
        {**params, "patience": f"{max(LEASE_SECONDS, 5)}s"},
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


def end_frozen() -> int:
    """End the connections of workers that froze in the middle of a COPY; returns how many.

    PostgreSQL cancels no COPY that waits for its client, whatever the timeouts, and what it has locked
    nobody can take over. A batch takes a second; who has kept one waiting for a lease is not coming soon.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
              AND state = 'active' AND wait_event = 'ClientRead' AND query LIKE 'COPY transcripts_%%FROM STDIN%%'
              AND xact_start < now() - make_interval(secs => %s)
            """,
            [max(LEASE_SECONDS, 5)],
        )
        return int(cursor.fetchone()[0])


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


def release(step: Step) -> None:
    """Hand a step back at once (out of time, shutting down), with what was committed kept."""
    if step.kind != "chunk":
        Ingest.objects.filter(
            pk=step.ingest_id,
            attempt=step.attempt,
            state__in=[Ingest.State.PLANNING, Ingest.State.FINISHING],
        ).update(lease_until=Now())
        return
    IngestChunk.objects.filter(
        pk=step.chunk_id, attempt=step.attempt, state=IngestChunk.State.RUNNING
    ).update(state=IngestChunk.State.QUEUED, lease_until=None)


def fail(ingest_id: int, message: str) -> bool:
    """End an ingest with a sentence; what was committed stays, and its pairs are counted."""
    return _end(ingest_id, state=Ingest.State.FAILED, error=message)


def cancel(ingest: Ingest) -> bool:
    """Stop an ingest and its parts; what was committed stays. Workers notice at their next batch."""
    cancelled = _end(ingest.pk, state=Ingest.State.CANCELLED, error="")
    for part in ingest.parts.filter(state__in=Ingest.ACTIVE):
        cancel(part)
    return cancelled


def _end(ingest_id: int, **changes: Any) -> bool:
    def end() -> bool:
        ended = Ingest.objects.filter(pk=ingest_id, state__in=Ingest.ACTIVE).update(
            **changes, finished_at=Now(), lease_until=None
        )
        if ended:
            refresh_pairs(ingest_id)
        return bool(ended)

    ended = in_transaction(end)
    if ended:
        container_may_finish(Ingest.objects.get(pk=ingest_id))
    return ended


def container_may_finish(part: Ingest) -> None:
    """Wake a worker for the container of which ``part`` was the last to end, if it was."""
    if (
        part.container_id
        and not Ingest.objects.filter(container=part.container_id, state__in=Ingest.ACTIVE).exists()
    ):
        ring(part.container_id)


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
                        WHERE c.ingest_id = i.id AND c.state <> 'done')
                    AND NOT EXISTS (SELECT 1 FROM transcripts_ingest part WHERE part.container_id = i.id
                        AND part.state IN ('queued', 'planning', 'running', 'finishing'))))
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
    chunks = IngestChunk.objects.filter(Q(ingest=ingest) | Q(ingest__container=ingest))
    sums = chunks.aggregate(
        read=Sum("read", default=0),
        created=Sum("created", default=0),
        duplicate=Sum("duplicate", default=0),
        rejected=Sum("rejected", default=0),
        bytes_done=Sum("bytes_done", default=0),
    )
    total = (
        ingest.parts.aggregate(size=Sum("source__size", default=0))["size"]
        if ingest.is_container
        else ingest.source.size
    )
    done = (
        total if ingest.state in (Ingest.State.DONE, Ingest.State.DONE_WITH_REJECTS) else sums["bytes_done"]
    )
    return Progress(**{**sums, "bytes_done": min(done, total)}, bytes_total=total)

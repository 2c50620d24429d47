"""Doing the next steps of an ingest: plan, read chunks, finish. What a worker is woken to do.

Faults are told apart here. What is wrong with a *file* fails the ingest with a sentence; what is
wrong with a *record* is a reject and the reading goes on; what is wrong with the *machinery* (database,
storage, our code) is raised: the step's lease runs out and another worker tries again, a few times.
What of the machinery comes back by itself (a full disk, a lock, a restart) is waited for, however long.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models.functions import Now

from afdash import stopping
from afdash.retry import in_transaction
from transcripts.ingest import containers, pauses, queue
from transcripts.ingest.conditions import Conditions
from transcripts.ingest.finish import finish
from transcripts.ingest.leases import kept
from transcripts.ingest.parsers import job_on, parser
from transcripts.ingest.places.faults import PlaceFault
from transcripts.ingest.queue import MAX_FAILURES, Fenced, Step
from transcripts.ingest.writing import write_batch, write_file_findings
from transcripts.jail.batches import Received, received
from transcripts.jail.parser import ParserDied, ParserFault
from transcripts.models import Ingest, IngestChunk, SavedMapping
from transcripts.readers.mapped import Mapped
from transcripts.records import FileFinding, NeedsMapping, UnreadableSource

logger = logging.getLogger(__name__)

# A batch is committed at least this often, well inside the lease of queue.LEASE_SECONDS.
FLUSH_SECONDS = 1.5
BATCH_ROWS = 500
# A task gives its slot up after this long, so small ingests are not stuck behind large ones.
SLICE_SECONDS = 8.0
# Messages rung after planning: as many workers may start on the chunks at once.
MAX_BELLS = 16


def advance(ingest_id: int, seconds: float = SLICE_SECONDS) -> bool:
    """Do steps of this ingest until none is free or time is up; True if some are left to do."""
    deadline = time.monotonic() + seconds
    while not stopping.is_asked() and (step := queue.claim_step(ingest_id)):
        try:
            queue.beat()
            if not _do(step, deadline):
                return True
        except Fenced:
            logger.info("ingest %s: step %s was taken over or cancelled", ingest_id, step.kind)
        except (DatabaseError, InterfaceError) as error:
            if not pauses.paused(step, error):
                raise
            return False  # the sweep wakes a worker when the pause is over
        if time.monotonic() >= deadline:
            return True
    return stopping.is_asked()


def _do(step: Step, deadline: float) -> bool:
    """Do one claimed step; False if it was handed back unfinished."""
    ingest = Ingest.objects.select_related("source", "study").get(pk=step.ingest_id)
    failures = IngestChunk.objects.get(pk=step.chunk_id).failures if step.kind == "chunk" else ingest.failures
    if failures > MAX_FAILURES:
        queue.fail(
            ingest.pk,
            f"Given up: {MAX_FAILURES} workers in a row stopped while doing this ({step.kind}). "
            "The log of the worker says why; what was read until then is kept. Retry goes on from there.",
        )
        return True
    try:
        with kept(step):
            if step.kind == "plan":
                _plan(step, ingest)
            elif step.kind == "chunk":
                return _read_chunk(step, ingest, deadline)
            else:
                _finish(step, ingest)
    except UnreadableSource as error:
        queue.fail(ingest.pk, str(error))
    except FileNotFoundError:
        logger.exception("the source of ingest %s is missing", ingest.pk)
        queue.fail(
            ingest.pk, "The file is no longer in our storage. Upload it again, or restore the storage."
        )
    except PlaceFault as fault:
        logger.warning("ingest %s: shared storage: %s", ingest.pk, fault)
        if not fault.passing or failures >= MAX_FAILURES:
            queue.fail(ingest.pk, str(fault))
        # Else the lease runs out, which is the pause that a busy store needs, and the sweep wakes a worker.
    except MemoryError:
        queue.fail(
            ingest.pk,
            "Reading the file needs more memory than a parser may use. What was read until then is kept. "
            "The operator may raise AFDASH_PARSER_MEMORY_MB; then Retry goes on from there.",
        )
    except (ParserDied, ParserFault) as error:
        # Perhaps the machine was short of something: the step is free again at once, a few times.
        logger.error("ingest %s: the parser stopped in step %s: %s", ingest.pk, step.kind, error)
        if failures >= MAX_FAILURES:
            queue.fail(
                ingest.pk,
                "The parser stopped at the same place several times, so something in the file overtaxes it. "
                "What was read until then is kept; the log of the worker says more.",
            )
        else:
            queue.release(step)
    return True


def _plan(step: Step, ingest: Ingest) -> None:
    try:
        plan = _planned(ingest)
    except NeedsMapping as error:
        _await_mapping(step, ingest, error)
        return
    if kind := plan.get("container"):
        containers.expand(step, ingest, kind)
        return
    findings = [FileFinding(**finding) for finding in plan["findings"]]

    def write() -> None:
        queue.hold_ingest(
            step,
            state=Ingest.State.RUNNING,
            reader=plan["reader"],
            reader_version=plan["version"],
            waits=plan["waits"],
            error="",
            signature=plan["signature"],
            options=ingest.options,
            lease_until=None,
            failures=0,
        )
        IngestChunk.objects.bulk_create(
            [
                IngestChunk(ingest=ingest, index=index, start=start, end=end, weight=weight)
                for index, start, end, weight in plan["chunks"]
            ]
        )
        write_file_findings(ingest, findings)

    in_transaction(write)
    if len(plan["chunks"]) > 1:
        queue.ring(ingest.pk, times=min(len(plan["chunks"]) - 1, MAX_BELLS))


def _planned(ingest: Ingest) -> dict:
    """The plan of the ingest's file. A mapping saved for files with these fields goes before a proposal."""
    if ingest.options.get("mapping", {}).get("fields"):
        ingest.options = {**ingest.options, "format": Mapped.name}
    try:
        with job_on(ingest, "plan") as job:
            plan = parser().only(job)
        signature, error = plan.get("signature"), None
    except NeedsMapping as unmapped:
        signature, error = unmapped.proposal.get("signature"), unmapped
    if signature and not ingest.options.get("mapping", {}).get("fields"):
        saved = SavedMapping.objects.filter(study=ingest.study_id, signature=signature).first()
        if saved:
            asked = ingest.options.get("mapping", {})
            ingest.options = {**ingest.options, "mapping": {**saved.mapping, **asked}}
            return _planned(ingest)
    if error:
        raise error
    for finding in plan.get("findings", ()):
        if finding["kind"] == "mapping_proposed":
            # What was read so stays so when the reading goes on elsewhere, and people see what was used.
            mapping = {**finding["detail"]["mapping"], **ingest.options.get("mapping", {})}
            ingest.options = {**ingest.options, "mapping": mapping, "format": Mapped.name}
    return plan


def _await_mapping(step: Step, ingest: Ingest, error: NeedsMapping) -> None:
    in_transaction(
        lambda: queue.hold_ingest(
            step,
            state=Ingest.State.NEEDS_MAPPING,
            error=str(error),
            proposal=error.proposal,
            signature=error.proposal.get("signature", ""),
            finished_at=Now(),
            lease_until=None,
            failures=0,
        )
    )
    queue.container_may_finish(ingest)


def _read_chunk(step: Step, ingest: Ingest, deadline: float) -> bool:
    row = IngestChunk.objects.get(pk=step.chunk_id)
    conditions = Conditions(ingest.study_id)
    chunk = [row.index, row.start, row.end, row.weight]
    limits = {"rows": BATCH_ROWS, "seconds": FLUSH_SECONDS}
    with job_on(ingest, "read", reader=ingest.reader, chunk=chunk, after=row.cursor, **limits) as job:
        started = time.monotonic()
        with closing(parser().ask(job)) as frames:
            for number, (head, blob) in enumerate(frames):
                batch = received(head, blob)
                write_batch(batch, _bytes_done(batch, row), step, ingest, conditions)
                queue.beat()
                if not number:
                    # Some readers find their place again by scanning. That time must not eat the slice, or a
                    # large file would get one batch per scan.
                    deadline += time.monotonic() - started
                pauses.over(ingest)
                if (time.monotonic() >= deadline or stopping.is_asked()) and not batch.is_last:
                    queue.release(step)
                    return False
    done = IngestChunk.objects.filter(
        pk=step.chunk_id, attempt=step.attempt, state=IngestChunk.State.RUNNING
    ).update(state=IngestChunk.State.DONE, bytes_done=row.weight, lease_until=None)
    if not done:
        raise Fenced
    return True


def _bytes_done(batch: Received, chunk: IngestChunk) -> int:
    """How many of the chunk's bytes are behind us, from what the reader says of the last item."""
    if batch.is_last:
        return chunk.weight
    if batch.byte >= 0:
        return min(max(batch.byte - chunk.start, 0), chunk.weight)
    # Members of an archive: their share of the chunk by number.
    span = max(chunk.end - chunk.start, 1)
    return min(chunk.weight * max(batch.cursor - chunk.start + 1, 0) // span, chunk.weight)


def _finish(step: Step, ingest: Ingest) -> None:
    def write() -> None:
        queue.hold_ingest(step, lease_until=None)
        if ingest.is_container:
            ended = containers.outcome(ingest)
        else:
            finish(ingest)
            rejected = queue.progress(ingest).rejected
            ended = {"state": Ingest.State.DONE_WITH_REJECTS if rejected else Ingest.State.DONE}
        queue.hold_ingest(step, finished_at=Now(), **{"error": "", **ended})

    in_transaction(write)
    queue.container_may_finish(ingest)


def retry(ingest: Ingest) -> bool:
    """Go on with a failed or cancelled ingest from where it stopped.

    Raises BusySource if the same file is being ingested again meanwhile.
    """
    if ingest.is_container:
        again = [retry(part) for part in ingest.parts.all()]
        if any(again):
            Ingest.objects.filter(pk=ingest.pk).exclude(state__in=Ingest.ACTIVE).update(
                state=Ingest.State.RUNNING, error="", finished_at=None, failures=0, lease_until=None
            )
            return True
        if ingest.parts.exists():
            return False
    return _restart(ingest, [Ingest.State.FAILED, Ingest.State.CANCELLED])


def map_and_restart(ingest: Ingest) -> bool:
    """Go on with an ingest that was waiting for the mapping which its options now hold."""
    again = _restart(ingest, [Ingest.State.NEEDS_MAPPING])
    if again and ingest.container:
        Ingest.objects.filter(pk=ingest.container.pk).exclude(state__in=Ingest.ACTIVE).update(
            state=Ingest.State.RUNNING, error="", finished_at=None, failures=0, lease_until=None
        )
    return again


def _restart(ingest: Ingest, states: list[str]) -> bool:
    restart = Ingest.State.RUNNING if ingest.chunks.exists() else Ingest.State.QUEUED
    try:
        with transaction.atomic():
            again = Ingest.objects.filter(pk=ingest.pk, state__in=states).update(
                state=restart, error="", finished_at=None, failures=0, lease_until=None, is_indexed=False
            )
            if again:
                ingest.chunks.exclude(state=IngestChunk.State.DONE).update(
                    state=IngestChunk.State.QUEUED, failures=0, lease_until=None
                )
    except IntegrityError:
        active = Ingest.objects.get(source=ingest.source, state__in=Ingest.ACTIVE)
        raise queue.BusySource(active) from None
    if again:
        queue.ring(ingest.pk)
    return bool(again)

"""Doing the next steps of an ingest: plan, read chunks, finish. What a worker is woken to do.

Faults are told apart here. What is wrong with a *file* fails the ingest with a sentence; what is
wrong with a *record* is a reject and the reading goes on; what is wrong with the *machinery* (database,
storage, our code) is raised: the step's lease runs out and another worker tries again, a few times.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from afdash.retry import in_transaction
from transcripts.ingest import queue
from transcripts.ingest.batch import Batch, write_batch, write_file_findings
from transcripts.ingest.conditions import Conditions
from transcripts.ingest.finish import finish
from transcripts.ingest.leases import kept
from transcripts.ingest.queue import MAX_FAILURES, Fenced, Step
from transcripts.ingest.sources import local_path
from transcripts.models import Ingest, IngestChunk
from transcripts.readers.registry import Source as ReadableSource
from transcripts.readers.registry import reader_named, recognise
from transcripts.records import Chunk, Item, UnreadableSource

logger = logging.getLogger(__name__)

# A batch is committed at least this often, well inside the lease of queue.LEASE_SECONDS.
FLUSH_SECONDS = 1.5
# A task gives its slot up after this long, so small ingests are not stuck behind large ones.
SLICE_SECONDS = 8.0
# Messages rung after planning: as many workers may start on the chunks at once.
MAX_BELLS = 16


def advance(ingest_id: int, seconds: float = SLICE_SECONDS) -> bool:
    """Do steps of this ingest until none is free or time is up; True if some are left to do."""
    deadline = time.monotonic() + seconds
    while step := queue.claim_step(ingest_id):
        queue.beat()
        try:
            if not _do(step, deadline):
                return True
        except Fenced:
            logger.info("ingest %s: step %s was taken over or cancelled", ingest_id, step.kind)
        if time.monotonic() >= deadline:
            return True
    return False


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
    return True


def _plan(step: Step, ingest: Ingest) -> None:
    with local_path(ingest.source) as path:
        source = ReadableSource(path=path, name=ingest.source.name, size=ingest.source.size)
        reader = recognise(source, ingest.options.get("format"))
        plan = reader.plan(source)

    def write() -> None:
        queue.hold_ingest(
            step,
            state=Ingest.State.RUNNING,
            reader=reader.name,
            reader_version=reader.version,
            lease_until=None,
            failures=0,
        )
        IngestChunk.objects.bulk_create(
            [
                IngestChunk(
                    ingest=ingest, index=chunk.index, start=chunk.start, end=chunk.end, weight=chunk.weight
                )
                for chunk in plan.chunks
            ]
        )
        write_file_findings(ingest, list(plan.findings))

    in_transaction(write)
    if len(plan.chunks) > 1:
        queue.ring(ingest.pk, times=min(len(plan.chunks) - 1, MAX_BELLS))


def _read_chunk(step: Step, ingest: Ingest, deadline: float) -> bool:
    row = IngestChunk.objects.get(pk=step.chunk_id)
    chunk = Chunk(index=row.index, start=row.start, end=row.end, weight=row.weight)
    conditions = Conditions(ingest.study_id)
    with local_path(ingest.source) as path:
        source = ReadableSource(path=path, name=ingest.source.name, size=ingest.source.size)
        items = reader_named(ingest.reader).read(source, chunk, row.cursor)
        started = time.monotonic()
        for number, batch in enumerate(_batches(items, ingest, chunk)):
            write_batch(batch, step, ingest, conditions)
            queue.beat()
            if not number:
                # Some readers find their place again by scanning. That time must not eat the slice, or a
                # large file would get one batch per scan.
                deadline += time.monotonic() - started
            if time.monotonic() >= deadline:
                queue.release_chunk(step)
                return False
    done = IngestChunk.objects.filter(
        pk=step.chunk_id, attempt=step.attempt, state=IngestChunk.State.RUNNING
    ).update(state=IngestChunk.State.DONE, bytes_done=chunk.weight, lease_until=None)
    if not done:
        raise Fenced
    return True


def _batches(items: Iterator[Item], ingest: Ingest, chunk: Chunk) -> Iterator[Batch]:
    """Cut the stream into batches by count, size and time."""
    batch, started = Batch(), time.monotonic()
    for item in items:
        batch.add(item, ingest)
        if batch.is_full or time.monotonic() - started > FLUSH_SECONDS:
            batch.bytes_done = _bytes_done(item, chunk)
            yield batch
            batch, started = Batch(), time.monotonic()
    if batch.prepared or batch.rejects or batch.findings:
        batch.bytes_done = chunk.weight
        yield batch


def _bytes_done(item: Item, chunk: Chunk) -> int:
    """How many of the chunk's bytes are behind us, from what the reader says of the last item."""
    locator = getattr(item, "locator", {})
    if "bytes" in locator:
        return min(max(locator["bytes"][1] - chunk.start, 0), chunk.weight)
    # Members of an archive: their share of the chunk by number.
    span = max(chunk.end - chunk.start, 1)
    position = getattr(item, "cursor", chunk.start) - chunk.start + 1
    return min(chunk.weight * max(position, 0) // span, chunk.weight)


def _finish(step: Step, ingest: Ingest) -> None:
    def write() -> None:
        queue.hold_ingest(step, lease_until=None)
        finish(ingest)
        rejected = queue.progress(ingest).rejected
        queue.hold_ingest(
            step,
            state=Ingest.State.DONE_WITH_REJECTS if rejected else Ingest.State.DONE,
            finished_at=Now(),
        )

    in_transaction(write)


def retry(ingest: Ingest) -> bool:
    """Go on with a failed or cancelled ingest from where it stopped.

    Raises BusySource if the same file is being ingested again meanwhile.
    """
    restart = Ingest.State.RUNNING if ingest.chunks.exists() else Ingest.State.QUEUED
    try:
        with transaction.atomic():
            again = Ingest.objects.filter(
                pk=ingest.pk, state__in=[Ingest.State.FAILED, Ingest.State.CANCELLED]
            ).update(state=restart, error="", finished_at=None, failures=0, lease_until=None)
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

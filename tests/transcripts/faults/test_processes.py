"""The worker's processes killed, frozen, asked to stop; a file that kills whoever reads it."""

from __future__ import annotations

import io
import os
import signal
import time

import pytest
from django.db import connection

from tests import make
from tests.transcripts.corpus.seeds import PLAIN, parquet
from tests.transcripts.faults import running
from tests.transcripts.faults.running import (
    broker,
    most_failures,
    queued,
    slow_batches,
    until_resumed,
    until_under_way,
    until_whole,
)
from tests.transcripts.test_worker import wait_for
from transcripts.ingest import queue, sources
from transcripts.models import Ingest, IngestChunk

pytestmark = pytest.mark.usefixtures("committed")


def test_a_killed_main_process(kept_worker) -> None:
    worker = kept_worker()
    with slow_batches():
        row = queued()
        until_under_way(row)
        os.kill(worker.popen.pid, signal.SIGKILL)
        worker.kill()  # as the supervisor: the rest of its group
        kept_worker()
        until_resumed(row)
    until_whole(row)


@pytest.mark.parametrize("kind", ["pool", "parsers"])
def test_a_killed_child_is_replaced_and_nothing_is_lost(kind: str, worker) -> None:
    with slow_batches():
        row = queued()
        until_under_way(row)
        main = worker.popen.pid
        victims = getattr(running, kind)(main)
        assert victims
        for victim in victims:
            victim.kill()
        until_resumed(row)
    until_whole(row)
    assert worker.popen.poll() is None
    assert set(getattr(running, kind)(main)) - set(victims), "none came in its place"


def test_a_killed_beat_is_started_again(kept_worker, new_worker) -> None:
    kept_worker().kill()  # its beat would do
    worker = new_worker().popen.pid
    wait_for(queue.worker_is_running, 20, "the sweep of the first beat")
    beat = running.youngest_child(worker)
    beat_started = beat.create_time()
    beat.kill()
    wait_for(lambda: running.youngest_child(worker).create_time() > beat_started, 15, "another beat")
    row = queued()
    broker().delete("ingest")
    until_resumed(row)
    until_whole(row)


def test_a_file_that_kills_every_parser_is_given_up_and_no_other(worker) -> None:
    """One changed bit in a Parquet file, and the library that reads it aborts its process."""
    content = bytearray(parquet(PLAIN, PLAIN, PLAIN))
    content[461] ^= 0x20
    source = sources.keep(make.study("poison"), io.BytesIO(bytes(content)), "poison.parquet", None)
    poison, other = queue.request_ingest(source, user=None, options={}), queued(seed=2)
    until_whole(other)
    wait_for(lambda: running.is_over(poison), 60, "the end of the poisonous file")
    poison.refresh_from_db()
    assert poison.state == Ingest.State.FAILED
    assert "stopped at the same place several times" in poison.error


def test_a_worker_that_is_asked_to_stop_hands_its_step_back_at_once(new_worker, kept_worker) -> None:
    """And the control: one that is killed leaves the step held for as long as its lease."""
    new_worker.end_all()  # of earlier tests: they would take the step
    with slow_batches(0.3):
        first = new_worker(AFDASH_LEASE_SECONDS="100")
        row = queued(6_000)
        until_under_way(row)
        first.popen.terminate()
        first.popen.wait(10)
        chunk = row.chunks.get()
        assert chunk.state == IngestChunk.State.QUEUED
        assert 0 < chunk.read < 6_000
        second = new_worker(AFDASH_LEASE_SECONDS="100")
        until_resumed(row)
        second.kill()
        chunk.refresh_from_db()
        assert chunk.state == IngestChunk.State.RUNNING
        assert row.pk not in queue.stalled()
        IngestChunk.objects.filter(pk=chunk.pk).update(lease_until="2000-01-01T00:00Z")
    kept_worker()
    until_whole(row, 6_000)


def test_a_worker_frozen_for_longer_than_its_lease_writes_nothing_more(kept_worker, new_worker) -> None:
    frozen = kept_worker()
    with slow_batches(0.5):
        row = queued()
        until_under_way(row)
        os.killpg(frozen.popen.pid, signal.SIGSTOP)
        try:
            attempt = row.chunks.get().attempt
            new_worker()
            wait_for(
                lambda: row.chunks.get().attempt > attempt or running.is_over(row), 30, "the taking over"
            )
            until_whole(row)
        finally:
            os.killpg(frozen.popen.pid, signal.SIGCONT)
    time.sleep(2)
    until_whole(row)
    assert frozen.popen.poll() is None


def test_two_workers_each_with_a_beat(kept_worker, new_worker) -> None:
    kept_worker()
    new_worker()
    rows = [queued(600, seed=seed) for seed in range(4)]
    for row in rows:
        until_whole(row, 600)
        assert most_failures(row) <= 1


def test_whoever_freezes_inside_a_transaction_loses_its_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody could take the chunk over: it would be skipped as locked."""
    from django.db import DatabaseError, transaction

    from afdash.retry import is_transient
    from tests.transcripts.test_ingest import claimed

    row, step = claimed(row_study())
    monkeypatch.setattr(queue, "LEASE_SECONDS", 2)

    def freeze_in_a_transaction() -> None:
        with transaction.atomic():
            queue.hold_chunk(step)
            time.sleep(6)
            queue.hold_chunk(step)

    with pytest.raises(DatabaseError) as caught:
        freeze_in_a_transaction()
    assert is_transient(caught.value)
    connection.close()
    IngestChunk.objects.filter(pk=step.chunk_id).update(lease_until="2000-01-01T00:00Z")
    again = queue.claim_step(row.pk)
    assert again is not None
    assert again.attempt == step.attempt + 1


def row_study():
    from tests import make

    return make.study("frozen")

"""A real Celery worker on real servers: rung, killed, brought back."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests import make
from tests.transcripts.test_ingest import claimed
from transcripts.ingest import leases, queue, sources
from transcripts.models import Ingest, IngestChunk, Transcript, TranscriptBody
from transcripts.synthetic import long_records, write_jsonl

pytestmark = pytest.mark.usefixtures("committed")
RECORDS = 3_000


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if condition():
            return time.monotonic() - started
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {seconds} s")


@pytest.fixture
def source(tmp_path: Path):
    path = tmp_path / "long.jsonl"
    write_jsonl(path, long_records(RECORDS, seed=7))
    with path.open("rb") as stream:
        return sources.keep(make.study("long"), stream, "long.jsonl", None)


def finished(row: Ingest) -> bool:
    return Ingest.objects.get(pk=row.pk).state == Ingest.State.DONE


def counts(row: Ingest) -> dict[str, int]:
    return queue.progress(Ingest.objects.get(pk=row.pk)).counts


def test_a_worker_is_woken_and_ingests(source, start_worker) -> None:
    start_worker()
    wait_for(queue.worker_is_running, 20, "a worker's heartbeat")
    row = queue.request_ingest(source, user=None, options={})
    wait_for(lambda: finished(row), 60, "the ingest")
    assert counts(row) == {"read": RECORDS, "created": RECORDS, "duplicate": 0, "rejected": 0}


def test_kill_9_at_random_loses_and_doubles_nothing(
    source, start_worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFDASH_LEASE_SECONDS", "2")
    chance = random.Random(11)
    row = queue.request_ingest(source, user=None, options={})
    seen, kills = [0], 0
    for _ in range(12):
        worker = start_worker()
        wait_for(lambda: counts(row)["read"] > seen[-1] or finished(row), 40, "the next batch after a kill")
        time.sleep(chance.uniform(0, 0.15))
        os.killpg(worker.popen.pid, signal.SIGKILL)
        worker.popen.wait()
        with connection.cursor() as cursor:
            # The server notices a dead client when it next writes to it; its open batch is rolled back.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        seen.append(counts(row)["read"])
        if finished(row):
            break
        kills += 1
    assert kills >= 2, "the ingest was over before it could be killed twice: give it more records"
    if not finished(row):
        start_worker()
        wait_for(lambda: finished(row), 90, "the ingest after the last kill")
    assert counts(row) == {"read": RECORDS, "created": RECORDS, "duplicate": 0, "rejected": 0}
    assert Transcript.objects.count() == TranscriptBody.objects.count() == RECORDS
    assert seen == sorted(seen)

    again = queue.request_ingest(source, user=None, options={})
    start_worker()
    wait_for(lambda: finished(again), 60, "the second ingest")
    assert counts(again) == {"read": RECORDS, "created": 0, "duplicate": RECORDS, "rejected": 0}


def test_a_lost_message_costs_seconds_not_the_ingest(source, start_worker) -> None:
    row = queue.request_ingest(source, user=None, options={})
    from celery import current_app

    current_app.control.purge()
    start_worker()
    wait_for(lambda: finished(row), 60, "the ingest that nobody was woken for")


def test_no_worker_is_said_within_ten_seconds_of_its_end(start_worker) -> None:
    assert not queue.worker_is_running()
    worker = start_worker()
    wait_for(queue.worker_is_running, 20, "a worker's heartbeat")
    worker.kill()
    wait_for(lambda: not queue.worker_is_running(), 10, "the notice that no worker is running")


def test_a_slow_step_keeps_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the control: without the renewing, the lease of the same step runs out."""
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.3)
    row, step = claimed(make.study("slow"))

    def lease_is_over_after_a_while() -> bool:
        IngestChunk.objects.filter(pk=step.chunk_id).update(lease_until="2000-01-01T00:00Z")
        time.sleep(0.5)
        return row.pk in queue.stalled()

    assert lease_is_over_after_a_while()
    with leases.kept(step):
        assert not lease_is_over_after_a_while()

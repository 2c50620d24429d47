"""Redis away, hung, full, emptied; messages lost, doubled, late, damaged. The row is the queue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests import make, servers
from tests.transcripts.faults.running import (
    broker,
    content,
    frozen,
    queued,
    seconds_of,
    slow_batches,
    until_resumed,
    until_under_way,
    until_whole,
)
from transcripts.ingest import queue
from transcripts.models import Ingest

pytestmark = pytest.mark.usefixtures("worker")
PAGE_SECONDS = 3.0


@pytest.mark.parametrize("loss", ["flushall", "purge"])
def test_messages_that_vanish_cost_seconds(loss: str) -> None:
    with slow_batches():
        row = queued()
        until_under_way(row)
        broker().flushall() if loss == "flushall" else current_app.control.purge()
        fresh = queued(seed=8)
        broker().delete("ingest")
        assert broker().llen("ingest") == 0, "the control: only the sweep can wake anybody"
        until_resumed(fresh)
    until_whole(row)
    until_whole(fresh)


def test_three_restarts_of_redis() -> None:
    with slow_batches(1.0):
        row = queued()
        until_under_way(row)
        for _ in range(3):
            servers.SERVERS.redis.stop()
            time.sleep(0.5)
            servers.SERVERS.redis.start()
        fresh = queued(seed=8)
        until_resumed(fresh)
    until_whole(row)
    until_whole(fresh)


@contextmanager
def down() -> Iterator[None]:
    servers.SERVERS.redis.stop()
    try:
        yield
        time.sleep(10)
    finally:
        servers.SERVERS.redis.start()


@contextmanager
def hung() -> Iterator[None]:
    with frozen(servers.SERVERS.redis.process.pid):
        yield
        time.sleep(7)  # longer than the workers' own timeout


@contextmanager
def paused() -> Iterator[None]:
    broker().execute_command("CLIENT", "PAUSE", "6000", "ALL")
    yield
    time.sleep(6)


@contextmanager
def full() -> Iterator[None]:
    memory = broker().config_get("maxmemory")["maxmemory"]
    broker().config_set("maxmemory", "1")
    try:
        yield
        time.sleep(3)
    finally:
        broker().config_set("maxmemory", memory)


@pytest.mark.parametrize("fault", [down, hung, paused, full])
def test_what_is_uploaded_meanwhile_is_queued_quickly_and_read_afterwards(fault, client_of) -> None:
    study = make.study("meanwhile")
    client = client_of(make.member(study, "lena", "lead"))
    files = [SimpleUploadedFile(f"{n}.jsonl", content(20, seed=n)) for n in range(5)]
    page, api = reverse("ingest_list", args=[study.slug]), f"/api/v1/studies/{study.slug}/ingests/"
    answers = []
    with fault():
        took = seconds_of(lambda: answers.append(client.post(page, {"file": files})))
        took_api = seconds_of(
            lambda: answers.append(
                client.post(api, {"file": SimpleUploadedFile("api.jsonl", content(20, seed=9))})
            )
        )
        assert [answer.status_code for answer in answers] == [302, 202]
        assert took < PAGE_SECONDS
        assert took_api < PAGE_SECONDS
        assert seconds_of(lambda: client.get(page)) < PAGE_SECONDS
        if fault is down:
            assert set(Ingest.objects.values_list("state", flat=True)) == {"queued"}
    rows = list(Ingest.objects.all())
    assert len(rows) == 6
    for row in rows:
        until_whole(row, 20, seconds=15)


def message(task: str, arguments: list, content_type: str = "application/json") -> str:
    """An envelope as kombu writes it."""
    body = json.dumps([arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    return json.dumps(
        {
            "body": body,
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"task": task, "id": "a", "lang": "py", "argsrepr": "", "kwargsrepr": "{}"},
            "properties": {
                "correlation_id": "a",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "ingest"},
                "priority": 0,
                "delivery_tag": "a",
            },
        }
    )


DAMAGED = [
    "not JSON {",
    "42",
    "[]",
    "{}",
    '{"body": "x"}',
    message("transcripts.advance_ingest", [1], "application/x-python-serialize"),
    message("transcripts.no_longer_there", [1]),
    message("transcripts.advance_ingest", []),
    message("transcripts.advance_ingest", ["x", 2, 3]),
    message("transcripts.advance_ingest", [10**9]),
]


def test_damaged_and_unknown_messages_are_dropped_and_the_worker_lives(worker) -> None:
    row = queued()
    until_whole(row)
    for each in DAMAGED:
        broker().lpush("ingest", each)
    fresh = queued(seed=8)
    until_whole(fresh)
    assert broker().llen("ingest") == 0
    assert worker.popen.poll() is None, "the worker ended of a message"


def test_doubled_concurrent_and_late_messages_have_one_effect() -> None:
    with slow_batches(0.2):
        row = queued()
        for number in range(40):
            current_app.send_task("transcripts.advance_ingest", (row.pk,), queue="ingest")
            current_app.send_task("transcripts.sweep", queue="fast")
            if number == 20:
                until_under_way(row)
    until_whole(row)
    for _ in range(10):
        current_app.send_task("transcripts.advance_ingest", (row.pk,), queue="ingest")
    time.sleep(1)
    until_whole(row)


def test_a_small_file_is_not_stuck_behind_large_ones() -> None:
    with slow_batches(0.3):
        large = [queued(20_000, seed=seed) for seed in (1, 2)]
        for row in large:
            until_under_way(row)
        small = queued(20, seed=3)
        until_whole(small, 20, seconds=20)
        assert all(Ingest.objects.get(pk=row.pk).is_active for row in large)
        for row in large:
            queue.cancel(row)


def test_a_worker_whose_redis_froze_is_no_zombie(worker) -> None:
    with frozen(servers.SERVERS.redis.process.pid):
        time.sleep(1)
    row = queued()
    until_whole(row, seconds=20)
    assert worker.popen.poll() is None

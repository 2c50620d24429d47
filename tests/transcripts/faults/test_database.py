"""PostgreSQL restarted, killed, full, locked, read-only, out of connections; connections cut at the worst moment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import make, servers
from tests.conftest import Process
from tests.transcripts.faults.running import (
    APP_BACKENDS,
    on_insert,
    queued,
    slow_batches,
    superuser,
    until_resumed,
    until_under_way,
    until_whole,
)
from tests.transcripts.test_worker import wait_for
from transcripts.models import Transcript


def restart(how: str) -> None:
    postgres = servers.SERVERS.postgres
    if how == "kill -9":
        process = postgres.process
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    else:
        postgres.stop(how)
    make.forget_connections()
    postgres.start()


@pytest.mark.parametrize("how", ["fast", "immediate", "kill -9"])
def test_a_server_that_is_stopped_or_killed_and_comes_back(how: str, worker) -> None:
    with slow_batches(0.5):
        row = queued()
        until_under_way(row)
        acknowledged = set(Transcript.objects.values_list("pk", flat=True))
        restart(how)
        assert acknowledged <= set(Transcript.objects.values_list("pk", flat=True))
        until_resumed(row)
    until_whole(row)


def strike(what: str, state: str = "query LIKE 'COPY%' AND state = 'active'") -> None:
    """Do ``what`` to a backend that is just copying."""
    with superuser() as own:
        wait_for(
            lambda: own.execute(f"SELECT {what}(pid) {APP_BACKENDS} AND {state} LIMIT 1").fetchone(),
            20,
            "a COPY under way",
        )


@pytest.mark.parametrize("what", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_batch_that_is_cut_off_is_written_once(what: str, worker) -> None:
    """Cancelled is what a statement is that takes too long."""
    with slow_batches(0.5):
        row = queued()
        until_under_way(row)
        strike(what)
        until_resumed(row)
    until_whole(row)


@contextmanager
def no_connection_free() -> Iterator[None]:
    with superuser() as own:
        own.execute("ALTER ROLE afdash_app CONNECTION LIMIT 0")
        own.execute(f"SELECT pg_terminate_backend(pid) {APP_BACKENDS}")
        make.forget_connections()
        yield
        own.execute("ALTER ROLE afdash_app CONNECTION LIMIT -1")


@contextmanager
def read_only() -> Iterator[None]:
    with superuser() as own:
        own.execute("ALTER ROLE afdash_app SET default_transaction_read_only = on")
        own.execute(f"SELECT pg_terminate_backend(pid) {APP_BACKENDS}")
        make.forget_connections()
        yield
        own.execute("ALTER ROLE afdash_app RESET default_transaction_read_only")
        make.forget_connections()


@contextmanager
def locked() -> Iterator[None]:
    with superuser() as own, own.transaction():
        own.execute("LOCK TABLE transcripts_transcript IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def no_room() -> Iterator[None]:
    with on_insert("RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = '53100'"):
        yield


@pytest.mark.parametrize("fault", [no_connection_free, read_only, locked, no_room])
def test_what_passes_is_waited_for(fault, worker) -> None:
    row = queued(20_000)
    until_under_way(row)
    with fault():
        time.sleep(7)
        with superuser() as own:
            sql = "SELECT state, failures FROM transcripts_ingest WHERE id = %s"
            assert own.execute(sql, [row.pk]).fetchone() == ("running", 0)
    until_resumed(row)
    until_whole(row, 20_000)


def test_connections_cut_in_the_middle_of_a_batch(way_to_postgres, far_worker) -> None:
    with slow_batches(0.1):
        row = queued(4_000)
        until_under_way(row)
        for number in range(3):
            way_to_postgres.cut_after(b"COPY transcripts_transcriptbody", 2_000)
            wait_for(lambda n=number: way_to_postgres.struck > n, 20, "the cut")
            until_resumed(row)
    until_whole(row, 4_000)


def test_the_answer_to_a_commit_is_lost(way_to_postgres, far_worker) -> None:
    with slow_batches(0.1):
        row = queued(4_000)
        until_under_way(row)
        before = way_to_postgres.struck
        for number in range(3):
            way_to_postgres.lose_answer_to(b"COMMIT")
            wait_for(lambda n=number: way_to_postgres.struck > before + n, 20, "the lost answer")
            until_resumed(row)
    until_whole(row, 4_000)


@pytest.mark.parametrize("what", ["cut_all", "half_close_all", "swallow_all"])
def test_connections_that_end_or_fall_silent(what: str, way_to_postgres, far_worker, worker) -> None:
    """Swallowed ones are noticed by nobody; so another worker must take the step over, and the first is fenced."""
    with slow_batches(0.4):
        row = queued(3_000)
        until_under_way(row)
        getattr(way_to_postgres, what)()
        until_resumed(row)
        until_whole(row, 3_000)
    way_to_postgres.cut_all()
    time.sleep(1)
    until_whole(row, 3_000)


def test_a_slow_way_to_the_database_is_only_slow(way_to_postgres, far_worker) -> None:
    way_to_postgres.delay = 0.02
    row = queued(500)
    until_whole(row, 500)
    way_to_postgres.delay = 0.0


@pytest.fixture
def far_worker(committed, kept_worker, new_worker, far_url: str, kept_far: list) -> Process:
    for near in kept_worker.running:
        near.kill()  # it would do the work, and nothing would pass through the proxy
    if not kept_far or kept_far[-1].popen.poll() is not None:
        kept_far.append(new_worker(DATABASE_URL=far_url))
    return kept_far[-1]


@pytest.fixture(scope="module")
def kept_far() -> list:
    return []

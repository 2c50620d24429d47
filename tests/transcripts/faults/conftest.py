"""A worker that the tests of a module share, and one whose way to the database leads through a proxy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from afdash.embedded.postgres import APP
from tests import servers
from tests.conftest import Process
from tests.transcripts.faults.proxy import Proxy, proxy
from transcripts.ingest import bell

LEASE_SECONDS = 2


def worker_command(folder: Path, name: str) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "afdash", "worker", "--beat", "--concurrency", "2"),
        *("-Q", "ingest,fast", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        *("--schedule", str(folder / f"beat-{name}"), "-n", f"{name}@%h"),
    ]


@pytest.fixture(scope="module")
def new_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """``new_worker(AFDASH_LEASE_SECONDS="60")``: a worker of its own, stopped after the module's last test."""
    folder = tmp_path_factory.mktemp("workers")
    started: list[Process] = []

    def start(**environment: str) -> Process:
        values = {"AFDASH_LEASE_SECONDS": str(LEASE_SECONDS), **environment}
        process = Process(worker_command(folder, f"w{len(started)}"), folder / "worker.log", **values)
        started.append(process)
        return process

    def end_all() -> None:
        for process in started:
            process.kill()

    start.end_all = end_all
    yield start
    end_all()


@pytest.fixture(scope="module")
def kept_worker(new_worker) -> Iterator:
    """A worker that outlives the tests; started again if one of them ended it."""
    running: list[Process] = []

    def alive() -> Process:
        if not running or running[-1].popen.poll() is not None:
            running.append(new_worker())
        return running[-1]

    alive.running = running
    return alive


@pytest.fixture
def worker(committed: None, kept_worker) -> Process:
    return kept_worker()


@pytest.fixture(scope="module")
def way_to_postgres() -> Iterator[Proxy]:
    socket = servers.SERVERS.postgres.socket_folder / ".s.PGSQL.5432"
    with proxy(socket) as found:
        yield found


@pytest.fixture(scope="module")
def far_url(way_to_postgres: Proxy) -> str:
    return f"postgresql://{quote(APP)}@127.0.0.1:{way_to_postgres.port}/{servers.DATABASE}"


@pytest.fixture(autouse=True)
def bell_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bell that failed in an earlier test is quiet for a while; this one begins afresh."""
    monkeypatch.setattr(bell, "_quiet_until", 0.0)

"""A small cast with known roles, and the running parts that some tests need."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.test import Client

from afdash.accounts.models import User
from tests import make, servers
from transcripts.models import Study

ROOT = Path(__file__).resolve().parent.parent


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes by their length: archives hold the second they were made in, and processes that share the tests must
    call them the same."""
    return f"{argname} of {len(val)} bytes" if isinstance(val, bytes) and len(val) > 16 else None


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The database is made and migrated by ``tests.servers``, as the owner."""


@pytest.fixture
def study(db: None) -> Study:
    return make.study("paired")


@pytest.fixture
def lead(study: Study) -> User:
    return make.member(study, "lena", "lead")


@pytest.fixture
def annotator(study: Study) -> User:
    return make.member(study, "anna", "annotator")


@pytest.fixture
def viewer(study: Study) -> User:
    return make.member(study, "vera", "viewer")


@pytest.fixture
def outsider(db: None) -> User:
    return make.user("otto")


@pytest.fixture
def client_of():
    """``client_of(user)``: a browser in which they are signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def committed(django_db_blocker) -> Iterator[None]:
    """A real database for other processes to see: nothing is rolled back, all is emptied afterwards."""
    with django_db_blocker.unblock():
        yield
        make.forget_connections()
        empty_the_database()


def empty_the_database() -> None:
    """Again, if a deadlock ended it: a worker that tests share may still write what came through a fault late."""
    for _ in range(9):
        with contextlib.suppress(psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            return truncate_all()
        time.sleep(0.5)
    return truncate_all()


def truncate_all() -> None:
    with psycopg.connect(servers.SERVERS.superuser_url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission')"
        ).fetchall()
        # Only a superuser can: the triggers and grants that protect ground truth hold in tests too.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET lock_timeout = '20s'")
        connection.execute(f"TRUNCATE {', '.join(name for (name,) in tables)} RESTART IDENTITY")


class Process:
    """A child in a process group of its own, so that it can be killed with its children."""

    def __init__(self, arguments: list[str], log: Path, **environment: str) -> None:
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator:
    """``start_worker()``: a real Celery worker with its beat, as ``make run`` has it."""
    started: list[Process] = []

    def start() -> Process:
        process = Process(
            [
                *(sys.executable, "-m", "celery", "-A", "afdash", "worker", "--beat", "--concurrency", "2"),
                *("-Q", "ingest,fast", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
                *("--schedule", str(tmp_path / f"beat{len(started)}"), "-n", f"test{len(started)}@%h"),
            ],
            tmp_path / "worker.log",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real web server, as ``make run`` has it."""
    port = free_port()
    log = tmp_path_factory.mktemp("web") / "web.log"
    process = Process(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--blocking-threads", "4", "afdash.wsgi:application"),
        ],
        log,
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    else:
        process.kill()
        pytest.fail(f"the web server did not start:\n{log.read_text()[-2000:]}")
    yield f"http://127.0.0.1:{port}"
    process.stop()

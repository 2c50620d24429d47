"""Real PostgreSQL and Redis for the whole test session, started before Django reads its settings.

Named in ``pyproject.toml`` as a plugin (``-p tests.servers``). The servers are the embedded ones of
``make run``; the tests connect as the application's role, so what that role may not do fails here too.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "afdash_test"


class Servers:
    """The session's servers, and the environment that makes a process use them."""

    def __init__(self) -> None:
        from afdash.embedded.postgres import APP, OWNER, EmbeddedPostgres
        from afdash.embedded.redis import EmbeddedRedis

        self.directory = Path(tempfile.mkdtemp(prefix="afdash-test-"))
        self.postgres = EmbeddedPostgres(self.directory / "postgres")
        self.redis = EmbeddedRedis(self.directory / "redis")
        self.postgres.start()
        self.redis.start()
        self.postgres.ensure_database(DATABASE)
        self.superuser_url = self.postgres.superuser_url(DATABASE)
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "afdash.settings",
            "AFDASH_LOCAL": "1",
            "AFDASH_DATA_DIR": str(self.directory),
            "AFDASH_SECRET_KEY": secrets.token_urlsafe(60),
            "DATABASE_URL": self.postgres.url(APP, DATABASE),
            "DATABASE_OWNER_URL": self.postgres.url(OWNER, DATABASE),
            "REDIS_URL": self.redis.broker_url(),
        }

    def prepare(self) -> None:
        self.manage("migrate_and_grant")
        self.manage("collect_static")

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self.redis.stop()
        self.postgres.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)


SERVERS: Servers | None = None

# What settings need to be read by a process that only hands out tests: no server answers there.
NO_SERVERS = {
    "DJANGO_SETTINGS_MODULE": "afdash.settings",
    "AFDASH_LOCAL": "1",
    "AFDASH_SECRET_KEY": secrets.token_urlsafe(60),
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "DATABASE_OWNER_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Servers for each process that runs tests, so that one's faults are no other's.

    The earliest hook that knows the options: pytest-django reads the settings, which need these
    addresses, within it.
    """
    global SERVERS
    hands_out = early_config.known_args_namespace.numprocesses and "PYTEST_XDIST_WORKER" not in os.environ
    if hands_out:
        os.environ.update(NO_SERVERS)
    elif SERVERS is None and not os.environ.get("AFDASH_TESTS_WITHOUT_SERVERS"):
        SERVERS = Servers()
        os.environ.update(SERVERS.environment)
        atexit.register(SERVERS.stop)
        SERVERS.prepare()
    return (yield)

"""The servers of one run: embedded ones, or those that DATABASE_URL and REDIS_URL name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from afdash import env
from afdash.embedded import EmbeddedServerError
from afdash.embedded.postgres import APP, OWNER, EmbeddedPostgres
from afdash.embedded.redis import EmbeddedRedis

from .logs import rotate
from .state import (
    Lock,
    RunState,
    data_folder,
    external_database,
    external_redis,
    kill_leftovers,
    make_data_folder,
    run_state,
    secret_key_file,
    without_external,
)

DATABASE = "afdash"
BUSY_SECONDS = 60


class Servers:
    """PostgreSQL and Redis for the data folder. The caller holds `run.lock`."""

    def __init__(self, folder: Path, say: Callable[[str], None] = print) -> None:
        self.folder = folder
        logs = folder / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        self.external_database = external_database()
        self.external_redis = external_redis()
        self.postgres: EmbeddedPostgres | None = None
        self.redis: EmbeddedRedis | None = None
        if not self.external_database:
            rotate(logs / "postgres.log")
            self.postgres = EmbeddedPostgres(folder / "postgres", log=logs / "postgres.log", say=say)
        if not self.external_redis:
            rotate(logs / "redis.log")
            self.redis = EmbeddedRedis(folder / "redis", log=logs / "redis.log", say=say)

    def start(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Start what is embedded and wait for it. Call it from the main thread: see `processes`."""
        if self.redis is not None:
            self.redis.spawn()
        if self.postgres is not None:
            self.postgres.spawn()
            self.postgres.wait(give_up)
        if self.redis is not None:
            self.redis.wait()
        if self.postgres is not None and not give_up():
            self.postgres.ensure_database(DATABASE)

    def restart_dead(self) -> list[str]:
        """Start again a server that ended by itself; the names of those."""
        restarted = []
        for name, server in (("redis", self.redis), ("postgres", self.postgres)):
            if server is not None and server.process is not None and server.process.poll() is not None:
                server.start()
                restarted.append(name)
        return restarted

    def stop(self, *, at_once: bool = False) -> None:
        """Stop what is embedded, the database last."""
        if self.redis is not None:
            self.redis.stop()
        if self.postgres is not None:
            self.postgres.stop("immediate" if at_once else "fast")

    def environment(self) -> dict[str, str]:
        """What a Django process needs beyond what is set already, to use these servers and this folder."""
        values = {"AFDASH_DATA_DIR": str(self.folder), "AFDASH_LOCAL": "1"}
        if self.postgres is not None:
            values["DATABASE_URL"] = self.postgres.url(APP, DATABASE)
            values["DATABASE_OWNER_URL"] = self.postgres.url(OWNER, DATABASE)
        elif self.external_database and env.secret("DATABASE_OWNER_URL") is None:
            values["DATABASE_OWNER_URL"] = self.external_database
        if self.redis is not None:
            values["REDIS_URL"] = self.redis.broker_url()
        if env.secret("AFDASH_SECRET_KEY") is None:
            values["AFDASH_SECRET_KEY_FILE"] = str(secret_key_file(self.folder))
        return values


@contextmanager
def servers_for_command(
    folder: Path | None = None, say: Callable[[str], None] = print
) -> Iterator[dict[str, str]]:
    """Environment variables with which a management command reaches the servers.

    With DATABASE_URL and REDIS_URL set there is nothing to do. Otherwise the servers of a running afdash are
    used, or they are started for the block. Several commands may do so at once: the first one starts the
    servers, and stops them after the last.
    """
    if external_database() and external_redis():
        yield {}
        return
    folder = folder or data_folder()
    make_data_folder(folder)
    end = time.monotonic() + BUSY_SECONDS
    with Lock(folder / "run.lock") as run, Lock(folder / "servers.lock") as users:
        while not run.acquire():
            # The holder takes this lock alone when it stops the servers; then run.json is gone or stale.
            if users.acquire(shared=True):
                state = RunState.read(folder)
                if state is not None and not run.acquire():
                    yield without_external(state.environment)
                    return
                users.release()
            if time.monotonic() > end:
                raise EmbeddedServerError(
                    f"Another command has kept the servers in {folder} busy, starting or stopping, "
                    f"for {BUSY_SECONDS} s."
                )
            time.sleep(0.1)
        kill_leftovers(folder)
        users.acquire(shared=True, wait=True)
        servers = Servers(folder, say)
        try:
            servers.start()
            environment = servers.environment()
            with run_state(folder, RunState("command", os.getpid(), "", environment)):
                try:
                    yield environment
                finally:
                    if not users.acquire():
                        say("Other commands still use the database: waiting for them before it stops.")
                        users.acquire(wait=True)
        finally:
            servers.stop()

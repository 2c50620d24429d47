"""`make run`: the real supervisor and servers, with small programs in place of Django's."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from afdash.embedded import processes
from afdash.supervisor.children import Child
from afdash.supervisor.commands import Program, programs
from afdash.supervisor.logs import LARGEST, ErrorLines, Log
from afdash.supervisor.state import Lock, RunState, secret_key_file, write_private

ROOT = Path(__file__).parents[2]

# Stands for the web server: answers every request, and shows what it was told.
WEB = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        self.send_response(int(os.environ.get("FAKE_STATUS", "200")))
        self.end_headers()
        names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "AFDASH_LOCAL", "AFDASH_SECRET_KEY_FILE")
        self.wfile.write(json.dumps({name: os.environ.get(name) for name in names}).encode())
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
# Stands for a worker with pool processes, which ignores a polite request.
WORKER = """
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("pool", child.pid, flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ERROR: something to show", flush=True)
time.sleep(600)
"""
PREPARE = """
import json, os, pathlib
assert os.environ["DATABASE_OWNER_URL"]
print("prepared")
pathlib.Path(os.environ["AFDASH_DATA_DIR"], "credentials.json").write_text('{"users": {"lead": {}}}')
raise SystemExit(int(os.environ.get("FAKE_PREPARE", "0")))
"""
RUN = f"""
import pathlib, signal, sys
from afdash.supervisor.commands import Program
from afdash.supervisor.run import Supervisor
def table(port, data):
    quick = ((signal.SIGTERM, 0.2), (signal.SIGKILL, 5.0))
    return [
        Program("worker", [sys.executable, "-c", {WORKER!r}], stop=quick, death_signal=signal.SIGKILL),
        Program("web", [sys.executable, "-c", {WEB!r}, str(port)]),
    ]
prepare = Program("prepare", [sys.executable, "-c", {PREPARE!r}])
sys.exit(Supervisor(pathlib.Path(sys.argv[1]), int(sys.argv[2]), prepare=prepare, table=table).run())
"""


SERVERS = [sys.executable, "-m", "afdash.supervisor", "servers", "--"]


def bare_environment() -> dict[str, str]:
    """Without the addresses that the test session itself uses: they would count as servers of our own."""
    ours = ("DATABASE_", "REDIS_", "AFDASH_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Run:
    """A supervisor in a process of its own, as make starts it."""

    def __init__(self, folder: Path, port: int = 0, **environment: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(folder), str(port)],
            cwd=ROOT,
            env={**bare_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, text: str) -> str:
        """Read what it prints up to a line with `text`."""
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} did not come: {''.join(self.lines)}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.lines += self.process.stdout.read().splitlines(keepends=True)
        return self.process.wait(60)

    @property
    def printed(self) -> str:
        return "".join(self.lines)

    @property
    def state(self) -> RunState:
        state = RunState.read(self.folder)
        assert state is not None
        return state


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="afdash-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "data"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Run]]:
    started: list[Run] = []

    def starter(*arguments: int, **environment: str) -> Run:
        started.append(Run(folder, *arguments, **environment))
        return started[-1]

    yield starter
    for run in started:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        run.process.stdout.close()


def fetch(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as response:
        return response.read().decode()


def processes_of(folder: Path) -> list[str]:
    """What still runs for this folder, by its command line or environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            words = " ".join(processes.command_line(int(entry.name)))
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                environment = b""
            if str(folder) in words or f"AFDASH_DATA_DIR={folder}\0".encode() in environment:
                found.append(words)
    return found


def wait_for(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_it_runs_until_interrupted_and_leaves_nothing_behind(start, folder):
    run = start()
    address = run.until("afdash runs at").split()[3]
    told = json.loads(fetch(address))
    assert told["AFDASH_LOCAL"] == "1"
    assert told["DATABASE_OWNER_URL"] is None
    assert Path(told["AFDASH_SECRET_KEY_FILE"]).stat().st_size > 50
    with psycopg.connect(told["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("afdash_app",)
    assert run.state.address == address
    for name in ("run.json", "secret_key", "run.lock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == (0o710 if os.geteuid() == 0 else 0o700)
    assert run.end() == 0
    assert "prepared\n" in run.printed
    assert "worker: ERROR: something to show" in run.printed
    assert "Sign in as lead" in run.printed
    assert run.lines[-1] == "afdash has stopped.\n"
    assert processes_of(folder) == []
    assert not (folder / "run.json").exists()


def test_a_second_run_says_where_the_first_is(start):
    first = start()
    address = first.until("afdash runs at").split()[3]
    second = start()
    assert second.end(signal.SIGCONT) == 0
    assert second.printed == f"afdash already runs at {address}\n"
    assert fetch(address)
    first.end(signal.SIGTERM)


def test_a_program_that_ends_is_started_again(start):
    run = start()
    address = run.until("afdash runs at").split()[3]
    before = set(run.state.processes)
    with pytest.raises(OSError, match=r".*"):
        fetch(address + "crash")
    run.until("web has ended (code 3)")
    wait_for(lambda: set(run.state.processes) != before)
    wait_for(lambda: _answers(address))
    run.end()


def test_a_killed_supervisor_leaves_nothing_that_a_new_one_minds(start, folder):
    run = start()
    run.until("afdash runs at")
    log = folder / "logs" / "worker.log"
    wait_for(lambda: log.read_text().startswith("pool ") and log.read_text().count("\n"))
    pool = int(log.read_text().split()[1])
    run.process.kill()
    run.process.wait()
    again = start()
    again.until("afdash runs at")
    wait_for(lambda: len([line for line in processes_of(folder) if "bin/postgres" in line]) == 1)
    again.end()
    # A killed worker's own children are not told; real pool processes end when their pipe does.
    if processes.command_line(pool):
        os.kill(pool, signal.SIGKILL)
    wait_for(lambda: processes_of(folder) == [])


def test_a_taken_port_is_named(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        run = start(other.getsockname()[1])
        assert run.end(signal.SIGCONT) == 1
    assert "is taken by another program: stop it, or set AFDASH_PORT" in run.printed


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"FAKE_PREPARE": "4"}, "The preparation failed (code 4)"),
        ({"FAKE_STATUS": "500"}, "The sign-in page answers with an error (500)"),
    ],
)
def test_a_failed_start_says_why_and_stops_everything(start, folder, environment, reason):
    run = start(**environment)
    assert run.end(signal.SIGCONT) == 1
    assert reason in run.printed
    assert processes_of(folder) == []


def test_commands_share_servers_that_the_first_starts_and_the_last_leaves(folder):
    ask = [sys.executable, "-c"]
    look = (
        "import os, psycopg, time\n"
        "c = psycopg.connect(os.environ['DATABASE_URL'])\n"
        "print('connected', flush=True)\n"
        "time.sleep(float(os.environ['SECONDS']))\n"
        "print(c.execute('SELECT pg_postmaster_start_time()').fetchone()[0])\n"
    )
    started = [
        subprocess.Popen(
            [*SERVERS, *ask, look],
            cwd=ROOT,
            env={**bare_environment(), "AFDASH_DATA_DIR": str(folder), "SECONDS": seconds},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seconds in ("0.3", "1.5")
    ]
    printed = [process.communicate(timeout=60)[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert printed[0][1] == printed[1][1]  # the same server
    assert processes_of(folder) == []


def test_a_command_uses_the_servers_of_a_run(start, folder):
    run = start()
    run.until("afdash runs at")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "afdash.supervisor",
            "servers",
            "--",
            "sh",
            "-c",
            "echo $DATABASE_URL; exit 5",
        ],
        cwd=ROOT,
        env={**bare_environment(), "AFDASH_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 5
    assert done.stdout.strip() == run.state.environment["DATABASE_URL"]
    assert run.process.poll() is None
    run.end()


def test_a_lock_is_for_one_process_and_ends_with_it(tmp_path):
    with Lock(tmp_path / "lock") as first, Lock(tmp_path / "lock") as second:
        assert first.acquire()
        assert not second.acquire()
        first.release()
        assert second.acquire(shared=True)
        assert first.acquire(shared=True)
        assert not first.acquire()


def test_private_files_are_replaced_whole(tmp_path):
    file = tmp_path / "secret_key"
    key = secret_key_file(tmp_path).read_text()
    assert secret_key_file(tmp_path).read_text() == key
    assert len(key.strip()) >= 50
    write_private(file, "new")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_a_log_begins_anew_when_it_is_large(tmp_path):
    path = tmp_path / "web.log"
    path.write_text("the run before\n")
    log = Log(path)
    log.write(b"x" * LARGEST + b"\n")
    assert path.with_name("web.log.1").read_text() == "the run before\n"
    log.write(b"last\n")
    log.close()
    assert path.read_text() == "last\n"
    assert path.with_name("web.log.1").stat().st_size > LARGEST


def test_errors_and_the_ends_of_tracebacks_are_shown():
    lines = ErrorLines()
    shown = [
        line
        for line in (
            "[INFO] started",
            "Traceback (most recent call last):",
            '  File "x.py", line 1',
            "ValueError: wrong",
            "[INFO] going on",
            "[2026-01-01 00:00:00,000: ERROR/MainProcess] consumer: Cannot connect",
            "no ERRORS here",
        )
        if lines.wants(line)
    ]
    assert shown == [
        "ValueError: wrong",
        "[2026-01-01 00:00:00,000: ERROR/MainProcess] consumer: Cannot connect",
    ]


def test_a_child_that_writes_much_is_not_held_up(tmp_path):
    program = Program(
        "loud", [sys.executable, "-c", "print('x' * 3_000_000, flush=True); print('end', end='')"]
    )
    child = Child(program, tmp_path / "loud.log", dict(os.environ), print)
    child.start()
    wait_for(lambda: child.pump() or not child.is_alive())
    child.stop(lambda: False)
    assert (tmp_path / "loud.log").read_text().endswith("\nend\n")


def test_the_programs_are_told_port_and_folder(tmp_path):
    table = {program.name: program.command for program in programs(8123, tmp_path)}
    assert list(table) == ["worker", "web"]
    assert "8123" in table["web"]
    assert str(tmp_path / "beat-schedule") in table["worker"]


def _answers(address: str) -> bool:
    try:
        return bool(fetch(address))
    except OSError:
        return False

"""What a run leaves in the data folder: the lock, run.json, the secret key."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from afdash import env
from afdash.embedded import processes
from afdash.embedded.account import account_for, make_home

ROOT = Path(__file__).resolve().parents[2]


def data_folder() -> Path:
    """The folder that AFDASH_DATA_DIR names; `.afdash` beside manage.py by default."""
    return env.path("AFDASH_DATA_DIR", ROOT / ".afdash")


def make_data_folder(folder: Path) -> None:
    """Create the data folder for the user who asks alone (root lets the database's user pass through)."""
    make_home(folder, account_for(folder / "postgres" / "cluster", _say) if os.geteuid() == 0 else None)


def secret_key_file(folder: Path) -> Path:
    """The file with this installation's secret key, made of 50 random bytes when it is missing."""
    file = folder / "secret_key"
    if not file.exists():
        write_private(file, secrets.token_urlsafe(50) + "\n")
    return file


def write_private(file: Path, text: str) -> None:
    """Replace a file at once, readable for its owner only from the first byte."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as new:
            new.write(text)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class RunState:
    """What run.json says of the process that holds the lock, for commands that want to use its servers."""

    kind: str  # "run" for `make run`, "command" for a management command
    pid: int
    address: str
    environment: dict[str, str]
    # Command lines by process number, so that the next run recognises what a killed one left.
    processes: dict[str, list[str]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        write_private(folder / "run.json", json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> RunState | None:
        """None where there is no run.json, or one that cannot be understood."""
        try:
            return cls(**json.loads((folder / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def remove(folder: Path) -> None:
        (folder / "run.json").unlink(missing_ok=True)


class Lock:
    """A file lock, which the kernel drops when its process ends, however it ends."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._handle: int | None = None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take the lock, or change its kind; without `wait`, False where another process holds it."""
        if self._handle is None:
            self._handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(self._handle, how)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def run_state(folder: Path, state: RunState) -> Iterator[RunState]:
    """run.json is there as long as the block runs."""
    state.write(folder)
    try:
        yield state
    finally:
        RunState.remove(folder)


def kill_leftovers(folder: Path) -> None:
    """End programs that outlived a killed run, and forget it. Only for the process that holds the lock."""
    state = RunState.read(folder)
    for pid, command in (state.processes if state else {}).items():
        if processes.command_line(int(pid)) == command:
            os.killpg(int(pid), signal.SIGKILL)
    RunState.remove(folder)


def external_database() -> str | None:
    """The PostgreSQL that the environment names, in place of the embedded one."""
    return env.secret("DATABASE_URL")


def external_redis() -> str | None:
    """The Redis that the environment names, in place of the embedded one."""
    return env.secret("REDIS_URL")


def without_external(environment: Mapping[str, str]) -> dict[str, str]:
    """The addresses of a run, less those of servers that the caller's own environment names."""
    kept = dict(environment)
    if external_database():
        kept.pop("DATABASE_URL", None)
        kept.pop("DATABASE_OWNER_URL", None)
    if external_redis():
        kept.pop("REDIS_URL", None)
    return kept


def _say(sentence: str) -> None:
    print(sentence, flush=True)

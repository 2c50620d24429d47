"""Starting server processes that die with their parent, and recognising the ones that earlier runs left.

A process is known by its command line, never by its number alone: after a power cut or in a restarted
container the number in a pid file usually belongs to somebody else.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from .account import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: the kernel sends the child `death_signal` when the *thread* that started it ends.

    So start children from a thread that lives as long as they should. Linux only; elsewhere None.
    """
    if _libc is None:
        return None
    libc, parent = _libc, os.getpid()

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the kernel was asked
            os._exit(1)

    return in_child


def spawn(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    output: int | IO[bytes],
    account: Account | None = None,
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (a Ctrl-C in the terminal reaches only us) with one output."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=None if environment is None else dict(environment),
        start_new_session=True,
        preexec_fn=die_with_parent(death_signal),
        **(account.identity if account else {}),
    )


def command_line(pid: int) -> list[str]:
    """The words that a live process was started with; none for a zombie or a number not in use."""
    if Path("/proc/self/cmdline").exists():
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(word) for word in raw.rstrip(b"\0").split(b"\0")] if raw else []
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.split()


def find(pid: int | None, program: str, argument: str) -> int | None:
    """`pid`, if that process runs `program` with `argument` among its arguments."""
    words = command_line(pid) if pid else []
    if words and Path(words[0]).name == program and argument in words[1:]:
        return pid
    return None


def stop(
    pid: int, steps: Sequence[tuple[signal.Signals, float]], child: subprocess.Popen[bytes] | None
) -> bool:
    """Send each signal in turn and give it its seconds, until the process is gone. False if it never went.

    `child` is the Popen of the process where it is ours: without asking it, a dead child stays as a zombie.
    """
    for step, seconds in steps:
        try:
            os.kill(pid, step)
        except ProcessLookupError:
            return True
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (child.poll() is not None) if child else not command_line(pid):
                return True
            time.sleep(0.02)
    return False


def tail(log: Path, lines: int = 12) -> str:
    """The end of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])

"""The programs of a run and their command lines: one table."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .state import ROOT

Steps = Sequence[tuple[signal.Signals, float]]


@dataclass(frozen=True, slots=True)
class Program:
    """One program: how to start it, and which signals stop it, each with the seconds that it gets."""

    name: str
    command: list[str]
    stop: Steps = ((signal.SIGTERM, 8.0), (signal.SIGKILL, 5.0))
    # Sent by the kernel when the supervisor itself is killed.
    death_signal: signal.Signals = signal.SIGTERM


PREPARE = Program("prepare", [sys.executable, str(ROOT / "manage.py"), "prepare"])


def programs(port: int, data: Path) -> list[Program]:
    """The long-running programs, in the order in which they start; they stop in the opposite order."""
    celery = [sys.executable, "-m", "celery", "-A", "afdash"]
    worker = ["worker", "--concurrency", "2", "-Q", "ingest,fast", "--loglevel", "INFO"]
    # One worker has nobody to gossip with, and asking for others delays its start.
    worker += ["--without-gossip", "--without-mingle"]
    # Its beat is forked from it, which shares 100 MB that a beat of its own would take again.
    worker += ["--beat", "--schedule", str(data / "beat-schedule")]
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    web += ["--workers", "2", "--blocking-threads", "4", "--no-ws", "--respawn-failed-workers"]
    web += ["--workers-kill-timeout", "5", "afdash.wsgi:application"]
    return [
        Program(
            "worker",
            [*celery, *worker],
            # It may finish its tasks, and then drops them, which is safe: a task's lease expires,
            # and another worker takes it.
            stop=((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)),
            death_signal=signal.SIGQUIT,
        ),
        Program("web", web),
    ]

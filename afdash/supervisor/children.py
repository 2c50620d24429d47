"""One child program: its process, its log, and when to start it again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from afdash.embedded import processes

from .commands import Program
from .logs import ErrorLines, Log
from .state import ROOT

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0


class Child:
    """A program that runs as our child. All output passes through `pump`, which has to be called often."""

    def __init__(
        self, program: Program, log: Path, environment: Mapping[str, str], echo: Callable[[str], None]
    ):
        self.program = program
        self.name = program.name
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.log = Log(log)
        self.restart_at: float | None = None
        self._echo = echo
        self._errors = ErrorLines()
        self._rest = b""
        self._output: int | None = None
        self._started = 0.0
        self._pause = 0.5

    def start(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        try:
            self.process = processes.spawn(
                self.program.command,
                death_signal=self.program.death_signal,
                output=writing,
                folder=ROOT,
                environment=self.environment,
            )
        finally:
            os.close(writing)
        self._output, self._started, self.restart_at = reading, time.monotonic(), None

    def pump(self) -> None:
        """Move what the program has written to its log; show errors."""
        while self._output is not None:
            try:
                data = os.read(self._output, 65536)
            except BlockingIOError:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            if not data and self._rest:
                lines, self._rest = [self._rest], b""
            for line in lines:
                self.log.write(line + b"\n")
                text = line.decode("utf-8", "replace")
                if self._errors.wants(text):
                    self._echo(f"{self.name}: {text}")
            if not data:
                self._close_output()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def bury(self) -> None:
        """After the program ended by itself: kill what it left, plan the next start, later each time."""
        assert self.process is not None
        self.kill_group()
        self.pump()
        self._close_output()
        self._pause = 0.5 if time.monotonic() - self._started > STEADY_SECONDS else self._pause * 2
        self._pause = min(self._pause, LONGEST_PAUSE)
        self.restart_at = time.monotonic() + self._pause
        self._echo(
            f"{self.name} has ended (code {self.process.returncode}) and starts again in {self._pause:.0f} s "
            f"(log: {self.log.path})."
        )

    def stop(self, forced: Callable[[], bool]) -> None:
        """Go through the program's stop signals until it has ended; straight to the kill when `forced`."""
        process = self.process
        self.restart_at = None
        if process is None:
            return
        for step, seconds in self.program.stop:
            if process.poll() is not None or forced():
                break
            process.send_signal(step)
            end = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < end and not forced():
                self.pump()
                time.sleep(0.02)
        self.kill_group()
        process.wait()
        self.pump()
        self._close_output()
        self.log.close()

    def kill_group(self) -> None:
        """Kill the program and whatever it started: each child has a session, and so a group, of its own."""
        assert self.process is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return

    def _close_output(self) -> None:
        if self._output is not None:
            os.close(self._output)
            self._output = None

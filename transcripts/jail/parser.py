"""The parent's side: a parser process that is started when first needed, watched, and replaced."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from transcripts.jail.frames import Garbled, read_frame, write_frame
from transcripts.records import NeedsMapping, UnreadableSource

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
PIPE_BYTES = 1 << 20
SILENCE_SECONDS = 300.0  # without a frame for so long, a parser is stuck
MOST_JOBS = 200  # then a new process: what a library leaks ends with its process
UNPACKED_MEGABYTES = 1 << 20  # what an unpacked file may have at most is the archives' rule, not this one
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")

Frame = tuple[dict[str, Any], bytes]


class ParserDied(Exception):
    """The parser ended without an answer: out of memory or time, or a fault in a library."""


class ParserFault(Exception):
    """Our own code raised in the parser; the message is its traceback."""


class Parser:
    """One parser process. Not for several threads at once."""

    def __init__(self, memory_megabytes: int, written_megabytes: int = 0) -> None:
        self._limits = (str(memory_megabytes), str(written_megabytes))
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._jobs = 0

    def ask(self, job: dict[str, Any]) -> Iterator[Frame]:
        """The frames that answer ``job``. The next one is made while the caller works on this one.

        Close the generator to stop early. Raises UnreadableSource and NeedsMapping (the file),
        FileNotFoundError, MemoryError, ParserDied and ParserFault.
        """
        process = self._running()
        questions, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        is_answered = False
        try:
            self._write(questions, job)
            while True:
                head, blob = self._next(answers)
                if _is_end(head):
                    is_answered = True
                    _raise(head)
                    return
                self._write(questions, {"do": "more"})
                try:
                    yield head, blob
                except GeneratorExit:
                    # One more is under way already, and is dropped: what it holds is read again.
                    head, _ = self._next(answers)
                    if not _is_end(head):
                        self._write(questions, {"do": "stop"})
                        head, _ = self._next(answers)
                    is_answered = _is_end(head)
                    raise
        finally:
            if not is_answered:
                self.close()

    def only(self, job: dict[str, Any]) -> dict[str, Any]:
        """The head of a job that is answered by one frame."""
        heads = [head for head, _ in self.ask(job)]
        return heads[0]

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        if self._errors:
            self._errors.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and (self._process.poll() is not None or self._jobs >= MOST_JOBS):
            self.close()
        if self._process is None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process lives
            self._process = subprocess.Popen(
                [sys.executable, "-m", "transcripts.jail", *self._limits],
                cwd=ROOT,
                env={key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
                | {
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "ARROW_DEFAULT_MEMORY_POOL": "system",
                    "OMP_NUM_THREADS": "1",
                },
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            self._widen(self._process)
            self._jobs = 0
        self._jobs += 1
        return self._process

    @staticmethod
    def _widen(process: subprocess.Popen[bytes]) -> None:
        """A batch is megabytes, a pipe 64 kilobytes: in larger pieces it wakes us less often."""
        if process.stdout and hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # over the user's share: the usual size will do
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def _write(self, questions: IO[bytes], head: dict[str, Any]) -> None:
        try:
            write_frame(questions, head)
        except BrokenPipeError:
            raise ParserDied(self._why()) from None

    def _next(self, answers: IO[bytes]) -> Frame:
        # A frame comes only when asked for, so nothing of it can be in our buffer yet.
        if not select.select([answers], [], [], SILENCE_SECONDS)[0]:
            raise ParserDied(f"it said nothing for {SILENCE_SECONDS:.0f} seconds")
        try:
            frame = read_frame(answers)
        except (Garbled, ValueError) as error:
            raise ParserDied(f"it answered with {error}") from error
        if frame is None:
            raise ParserDied(self._why())
        return frame

    def _why(self) -> str:
        """How the process ended, with the last it said."""
        if self._process is None:
            return "it ended"
        code = self._process.wait(timeout=5)
        said = b""
        if self._errors:
            self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(self._errors.tell() - 2000, 0))
            said = self._errors.read()
        if said:
            logger.warning("a parser said: %s", said.decode("utf-8", "backslashreplace"))
        return f"it ended with signal {-code}" if code < 0 else f"it ended with code {code}"


def _is_end(head: dict[str, Any]) -> bool:
    return bool({"end", "needs_mapping", "unreadable", "missing", "memory", "fault"} & head.keys())


def _raise(head: dict[str, Any]) -> None:
    if "needs_mapping" in head:
        raise NeedsMapping(head["needs_mapping"], head["proposal"])
    if "unreadable" in head:
        raise UnreadableSource(head["unreadable"])
    if "missing" in head:
        raise FileNotFoundError
    if "memory" in head:
        raise MemoryError
    if "fault" in head:
        raise ParserFault(head["fault"])

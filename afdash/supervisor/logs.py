"""The logs of the programs that a run starts: small files, and errors shown in the terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

LARGEST = 5_000_000
_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL|PANIC)\b")
_TRACEBACK = "Traceback (most recent call last)"


def rotate(log: Path) -> None:
    """Keep the log of the run before as `NAME.log.1`, and start anew."""
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))


class Log:
    """A log that is written line by line, and starts anew when it is large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rotate(path)
        self._file: IO[bytes] = path.open("ab", buffering=0)

    def write(self, line: bytes) -> None:
        if self._file.tell() > LARGEST:
            self._file.close()
            rotate(self.path)
            self._file = self.path.open("ab", buffering=0)
        self._file.write(line)

    def close(self) -> None:
        self._file.close()


class ErrorLines:
    """Picks the lines that a person should see at once: errors, and the last line of each traceback."""

    def __init__(self) -> None:
        self._in_traceback = False

    def wants(self, line: str) -> bool:
        if _TRACEBACK in line:
            self._in_traceback = True
            return False
        if self._in_traceback:
            # A traceback's own lines are indented; the first that is not names the exception and ends it.
            self._in_traceback = line.startswith((" ", "\t")) or not line.strip()
            return not self._in_traceback
        return _ERROR.search(line) is not None

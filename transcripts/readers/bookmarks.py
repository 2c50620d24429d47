"""Where in a file this process stopped reading, so that its next slice need not begin at the front.

A large file is read in slices of some seconds, mostly by the same process. A bookmark is only a short
cut: without one (another process read the last slice, or its batch was not committed) the reader finds
its place again from the beginning of the file.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

MOST = 8  # files and readings remembered; the oldest is forgotten

Key = tuple[str, int, int, int]


@dataclass(slots=True)
class Bookmark:
    """The beginning of one element: its place and number, and what the elements before it came to."""

    start: int
    index: int
    cursor: int  # of the element's first item
    held: Any


class Bookmarks:
    """A bookmark has one owner: who takes it may change it, and nobody else sees it until it is kept."""

    def __init__(self) -> None:
        self._kept: list[tuple[Key, Bookmark]] = []
        self._lock = threading.Lock()

    def take(self, key: Key, after: int) -> Bookmark | None:
        """The furthest bookmark from which no item after the cursor ``after`` is missed."""
        with self._lock:
            fitting = [
                (mark.cursor, number)
                for number, (its_key, mark) in enumerate(self._kept)
                if its_key == key and mark.cursor <= after + 1
            ]
            return self._kept.pop(max(fitting)[1])[1] if fitting else None

    def keep(self, key: Key, mark: Bookmark) -> None:
        with self._lock:
            self._kept = [*self._kept[-(MOST - 1) :], (key, mark)]

    def clear(self) -> None:
        with self._lock:
            self._kept = []


BOOKMARKS = Bookmarks()


def key_of(file: BinaryIO, reader: str) -> Key:
    """What tells a file from others and from its own earlier content."""
    status = os.fstat(file.fileno())
    return reader, status.st_ino, status.st_size, status.st_mtime_ns

"""What a bucket and a folder have in common: listing, versions, bytes. No Django here.

Paths are relative, with slashes, as ``transcripts.text.storable`` gives them, so that a name which is not
UTF-8 survives the database and an address. ``..`` and empty parts do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from transcripts.ingest.places.faults import Changed, PlaceFault
from transcripts.text import original

MAX_PATH = 1024
RETRIES = 3  # of one reading that stopped, without a byte in between


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing. ``mark`` with ``size`` changes when the content does; both are a folder's zero.

    ``skipped`` says why it cannot be taken: "a symbolic link", "not a file".
    """

    path: str
    is_folder: bool
    size: int = 0
    mark: str = ""
    modified: datetime | None = None
    skipped: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def shown(self) -> str:
        return shown(self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    entries: tuple[Entry, ...]
    next: str = ""  # cursor of the next page


class Place(Protocol):
    """Every method raises PlaceFault."""

    def listing(self, path: str, cursor: str = "", most: int = 200) -> Listing:
        """One page of a folder ("" is the root), in the order of names or nearly."""
        ...

    def files(self, path: str) -> Iterator[Entry]:
        """All below a folder, at any depth, with those that cannot be taken; no folders."""
        ...

    def entry(self, path: str) -> Entry:
        """The file as it is now."""
        ...

    def blocks(self, entry: Entry, offset: int) -> Iterator[bytes]:
        """The bytes from ``offset``; raises Changed if the file is not the one of ``entry`` any more."""
        ...


def parts_of(path: str) -> list[str]:
    """The components of a path given by a user; raises PlaceFault for one that is not plain."""
    parts = path.split("/") if path else []
    if len(path) > MAX_PATH or any(part in ("", ".", "..") or "\x00" in original(part) for part in parts):
        raise PlaceFault("This is not a path below the place.", "bad_path")
    return parts


def shown(name: str) -> str:
    """A name as a person can read it: bytes that are no UTF-8 and control characters as escapes."""
    name = original(name)
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}"
        if "\udc80" <= char <= "\udcff"
        else char
        if char.isprintable()
        else char.encode("unicode_escape", "backslashreplace").decode()
        for char in name
    )


class Reading:
    """The bytes of one file as a stream that goes on where a connection was cut.

    At the end the length and the file's version are checked. ``told`` is called with the bytes read so far.
    """

    def __init__(self, place: Place, entry: Entry, told: Callable[[int], None] = lambda _: None) -> None:
        self.done = 0
        self._place, self._entry, self._told = place, entry, told
        self._blocks = self._all()

    def read(self, size: int = -1) -> bytes:
        """The next block, of whatever size; empty at the end."""
        return next(self._blocks, b"")

    def _all(self) -> Iterator[bytes]:
        tries, reached = 0, -1
        while True:
            try:
                for block in self._place.blocks(self._entry, self.done):
                    self.done += len(block)
                    if self.done > self._entry.size:
                        raise Changed(self._entry.shown)
                    self._told(self.done)
                    yield block
                break
            except PlaceFault as fault:
                tries = tries + 1 if self.done == reached else 0
                reached = self.done
                # A store that is away or busy needs a pause: that is for whoever asked to make.
                if fault.code != "cut" or tries >= RETRIES:
                    raise
                self._told(self.done)
        now = self._place.entry(self._entry.path)
        if (now.size, now.mark) != (self._entry.size, self._entry.mark):
            raise Changed(self._entry.shown)
        if self.done != self._entry.size:
            raise PlaceFault(
                f"{self._entry.shown} should have {self._entry.size} bytes, but {self.done} came.",
                "wrong_length",
                passing=True,
            )

"""Copies of stored sources on this machine, for storage that is elsewhere: fetched once, used by every process.

A copy is whole or not there: it is written beside its name, checked, and moved. Whoever uses one holds a
shared lock on it, so what is in use is never removed. Locks end with their process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from transcripts.ingest.places.faults import PlaceFault

_UNFINISHED = ".part"
PATIENCE_SECONDS = 600  # for another process that is fetching the same file
LOOK_SECONDS = 0.1

Blocks = Callable[[], Iterator[bytes]]


class FetchedFiles:
    """A folder of copies, of ``most`` bytes together; a larger file is taken all the same."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most

    @contextlib.contextmanager
    def file(self, sha256: str, size: int, blocks: Blocks) -> Iterator[Path]:
        """The copy, for as long as the block lasts; ``blocks`` fetches it where there is none. PlaceFault."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / sha256
        while (held := _held(path, size)) is None:
            with self._turn(sha256):
                if not _is_whole(path, size):
                    self._fetch(path, sha256, size, blocks)
        try:
            os.utime(held)  # when it was last used: what removal goes by
            yield path
        finally:
            os.close(held)

    @contextlib.contextmanager
    def _turn(self, sha256: str) -> Iterator[None]:
        """One process fetches a file, the others wait. A lock for each two digits, or they would pile up."""
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True, mode=0o700)
        lock = os.open(locks / sha256[:2], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _locked(lock, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    text = "Another process has been fetching the file for very long. Try again later."
                    raise PlaceFault(text, "busy", passing=True)
                time.sleep(LOOK_SECONDS)
            yield
        finally:
            os.close(lock)

    def _fetch(self, path: Path, sha256: str, size: int, blocks: Blocks) -> None:
        self.make_room(size)
        unfinished = path.with_name(f"{sha256}.{os.getpid()}{_UNFINISHED}")
        digest, length = hashlib.sha256(), 0
        try:
            with unfinished.open("wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                os.fchmod(file.fileno(), 0o600)
                for block in blocks():
                    digest.update(block)
                    length += file.write(block)
            if length != size:
                text = f"The stored file should have {size} bytes, but has {length}. Restore the storage."
                raise PlaceFault(text, "wrong_length")
            if digest.hexdigest() != sha256:
                text = "The stored file is not what it was when it was stored: its sha256 differs. Restore the storage."
                raise PlaceFault(text, "wrong_content")
            os.replace(unfinished, path)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            text = "This machine has no room for a copy of the file. The operator must make some."
            raise PlaceFault(text, "no_room", passing=True) from error
        finally:
            unfinished.unlink(missing_ok=True)

    def make_room(self, size: int) -> None:
        """Remove what was used longest ago, and not now, until ``size`` more bytes fit."""
        found: list[tuple[float, int, Path]] = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False):
                    looked = entry.stat()
                    found.append((looked.st_mtime, looked.st_size, Path(entry.path)))
        total = sum(size for _, size, _ in found)
        for _, each, path in sorted(found):
            # What a process left that was killed goes in any case; one that lives holds its lock.
            if (total + size > self.most or path.suffix == _UNFINISHED) and _removed(path):
                total -= each


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _held(path: Path, size: int) -> int | None:
    """A descriptor that keeps the copy from being removed; None if there is no whole one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    found = os.fstat(descriptor)
    if found.st_nlink and found.st_size == size:
        return descriptor
    os.close(descriptor)  # removed between the two, or another file of that name
    return None


def _removed(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if not _locked(descriptor, fcntl.LOCK_EX):
            return False
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)

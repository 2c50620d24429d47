"""A folder of the server. Nothing outside it is ever opened, whatever a path says. No Django here.

A path is walked component by component, each opened relative to the one before and never through a symbolic
link, so that a link put there between a check and its use leads nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from transcripts.ingest.places.faults import Changed, Missing, PlaceFault
from transcripts.ingest.places.place import Entry, Listing, parts_of, shown
from transcripts.text import original, storable

BLOCK = 1 << 20
MAX_DEPTH = 50
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Opening a FIFO would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class FolderPlace:
    def __init__(self, root: Path) -> None:
        self.root = root

    def listing(self, path: str, cursor: str = "", most: int = 200) -> Listing:
        with self._folder(path) as folder:
            names = sorted(os.fsencode(name) for name in os.listdir(folder))
            after = os.fsencode(original(cursor))
            page = [name for name in names if name > after][: most + 1]
            found = [_entry(folder, path, name) for name in page[:most]]
            more = storable(os.fsdecode(page[most - 1])) if len(page) > most else ""
        return Listing(tuple(entry for entry in found if entry), more)

    def files(self, path: str) -> Iterator[Entry]:
        waiting = [path]
        while waiting:
            here = waiting.pop()
            cursor = ""
            while True:
                try:
                    page = self.listing(here, cursor, 1000)
                except PlaceFault as fault:
                    if here == path:
                        raise
                    yield Entry(here, False, skipped=f"a folder that cannot be read ({fault.code})")
                    break
                for entry in page.entries:
                    if not entry.is_folder:
                        yield entry
                    elif here.count("/") >= MAX_DEPTH:
                        yield Entry(entry.path, False, skipped="folders in folders without end")
                    else:
                        waiting.append(entry.path)
                if not (cursor := page.next):
                    break

    def entry(self, path: str) -> Entry:
        with self._file(path) as file:
            return _of(path, os.fstat(file))

    def blocks(self, entry: Entry, offset: int) -> Iterator[bytes]:
        with self._file(entry.path) as file:
            if _of(entry.path, os.fstat(file)) != entry:
                raise Changed(entry.shown)
            os.lseek(file, offset, os.SEEK_SET)
            while block := _read(file, entry):
                yield block

    @contextlib.contextmanager
    def _folder(self, path: str) -> Iterator[int]:
        parts = [os.fsencode(original(part)) for part in parts_of(path)]
        with _typed(path):
            # The operator's own folder may be a link.
            folder = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
            try:
                for part in parts:
                    inner = os.open(part, _FOLDER, dir_fd=folder)
                    os.close(folder)
                    folder = inner
                yield folder
            finally:
                os.close(folder)

    @contextlib.contextmanager
    def _file(self, path: str) -> Iterator[int]:
        above, _, name = path.rpartition("/")
        parts_of(path)
        with self._folder(above) as folder, _typed(path):
            if not name:
                raise PlaceFault("This is not a path below the place.", "bad_path")
            file = os.open(os.fsencode(original(name)), _FILE, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise PlaceFault(f"{shown(path)} is not a file.", "not_a_file")
                yield file
            finally:
                os.close(file)


def _read(file: int, entry: Entry) -> bytes:
    try:
        return os.read(file, BLOCK)
    except OSError as error:
        raise PlaceFault(
            f"{entry.shown} could not be read to its end ({os.strerror(error.errno or 0)}).",
            "cut",
            passing=True,
        ) from error


def _entry(folder: int, path: str, raw: bytes) -> Entry | None:
    name = storable(os.fsdecode(raw))
    full = f"{path}/{name}" if path else name
    try:
        found = os.stat(raw, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:  # gone since the folder was listed
        return None
    except OSError:
        return Entry(full, False, skipped="it cannot be looked at")
    if stat.S_ISDIR(found.st_mode):
        return Entry(full, True)
    if stat.S_ISLNK(found.st_mode):
        return Entry(full, False, skipped="a symbolic link")
    return _of(full, found) if stat.S_ISREG(found.st_mode) else Entry(full, False, skipped="not a file")


def _of(path: str, found: os.stat_result) -> Entry:
    modified = datetime.fromtimestamp(found.st_mtime, UTC)
    return Entry(path, False, found.st_size, str(found.st_mtime_ns), modified)


@contextlib.contextmanager
def _typed(path: str) -> Iterator[None]:
    name = shown(path) or "The folder"
    try:
        yield
    except PlaceFault:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        # With O_NOFOLLOW, a link where a folder should be is "not a directory".
        raise Missing(f"{name} is not there.") from error
    except PermissionError as error:
        raise PlaceFault(f"{name} may not be read by the server.", "denied") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PlaceFault(f"{name} is a symbolic link, which is not followed.", "not_a_file") from error
        if error.errno in (errno.ENXIO, errno.ENODEV):
            raise PlaceFault(f"{name} is not a file.", "not_a_file") from error
        if error.errno == errno.ENAMETOOLONG:
            raise Missing(f"{name} is not there.") from error
        raise PlaceFault(
            f"{name} cannot be read ({os.strerror(error.errno or 0)}).", "unreachable", passing=True
        ) from error

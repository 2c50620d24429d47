"""Keeping the files we are given: byte for byte, under their sha256, before anything reads them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from transcripts.models import Source, Study
from transcripts.readers.inspect_log.archive import read_directory, read_member
from transcripts.readers.json_values import BadRecord
from transcripts.records import UnreadableSource
from transcripts.text import storable

if TYPE_CHECKING:
    from afdash.accounts.models import User

BLOCK = 1 << 20
NAME_LENGTH = 500


def storage_name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def display_name(name: str) -> str:
    """The given name as a label: its last part must survive, because readers may look at it."""
    name = storable(os.fsencode(name).decode("utf-8", "surrogateescape")).replace("\\", "/")
    return name[-NAME_LENGTH:]


def keep(study: Study, stream: IO[bytes], name: str, user: User | None) -> Source:
    """Store ``stream`` and return its Source; the same bytes under the same name are stored once.

    The bytes that are hashed are the bytes that are kept: they are copied first, so a file that
    changes while it is read cannot differ from its hash.
    """
    directory = Path(settings.AFDASH_DATA_DIR) / "incoming"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    descriptor, name_of_copy = tempfile.mkstemp(dir=directory)
    try:
        with os.fdopen(descriptor, "w+b") as copy:
            while block := stream.read(BLOCK):
                digest.update(block)
                copy.write(block)
            size = copy.tell()
            copy.flush()
            os.fsync(copy.fileno())
            sha256 = digest.hexdigest()
            _place(copy, Path(name_of_copy), storage_name(sha256), size)
    finally:
        Path(name_of_copy).unlink(missing_ok=True)
    source, _ = Source.objects.get_or_create(
        study=study, sha256=sha256, name=display_name(name), defaults={"size": size, "created_by": user}
    )
    return source


def _place(copy: IO[bytes], path: Path, name: str, size: int) -> None:
    """Put the finished copy into storage, whole or not at all.

    On a disk it is moved into place, which nobody can see half done. Elsewhere it is written under its
    name; a file there of another size is what an interrupted write left, and is replaced.
    """
    store = storages["sources"]
    try:
        final = Path(store.path(name))
    except NotImplementedError:
        if store.exists(name) and store.size(name) == size:
            return
        store.delete(name)
        copy.seek(0)
        store.save(name, File(copy))
        return
    if final.exists() and final.stat().st_size == size:
        return
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.replace(path, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def local_path(source: Source) -> Iterator[Path]:
    """The source as a file on this machine: itself, or a copy fetched from shared storage."""
    store = storages["sources"]
    try:
        path = Path(store.path(storage_name(source.sha256)))
    except NotImplementedError:
        with tempfile.NamedTemporaryFile() as copy, store.open(storage_name(source.sha256)) as remote:
            for block in iter(lambda: remote.read(BLOCK), b""):
                copy.write(block)
            copy.flush()
            yield Path(copy.name)
        return
    yield path


class RecordIsGone(ValueError):
    """The bytes of a record cannot be had from its source; the message says why."""


def original_record(source: Source, locator: dict[str, Any]) -> bytes:
    """The exact bytes of one record, by the locator that its reader gave.

    Raises RecordIsGone, and FileNotFoundError if the whole file is not in storage.
    """
    try:
        with local_path(source) as path, path.open("rb") as file:
            if "member" in locator:
                return read_member(file, read_directory(path).entries[locator["member"]])
            start, end = locator["bytes"]
            file.seek(start)
            record = file.read(end - start)
    except (KeyError, UnreadableSource, BadRecord) as error:
        raise RecordIsGone("The source of this record is damaged in our storage.") from error
    if len(record) != end - start:
        raise RecordIsGone("The source of this record is shorter than it was when it was read.")
    return record

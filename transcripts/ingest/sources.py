"""Keeping the files we are given: byte for byte, under their sha256, before anything reads them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import storages

from transcripts.ingest.originals import RecordIsGone, open_original
from transcripts.ingest.places.bucket import BucketPlace
from transcripts.ingest.stored import local_path, storage_name
from transcripts.models import Source, Study
from transcripts.text import storable

if TYPE_CHECKING:
    from afdash.accounts.models import User

__all__ = [
    "RecordIsGone",
    "adopt",
    "display_name",
    "keep",
    "local_path",
    "original_record",
    "storage_name",
]

BLOCK = 1 << 20
NAME_LENGTH = 500


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
            sha256 = digest.hexdigest()
            _place(copy, Path(name_of_copy), storage_name(sha256), size)
    finally:
        Path(name_of_copy).unlink(missing_ok=True)
    return _row(study, sha256, name, size, user)


def adopt(study: Study, path: Path, name: str, user: User | None) -> Source:
    """Store a finished file of ours, which is moved rather than copied where that is possible."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
        _place(stream, path, storage_name(sha256), size)
    path.unlink(missing_ok=True)
    return _row(study, sha256, name, size, user)


def _row(study: Study, sha256: str, name: str, size: int, user: User | None) -> Source:
    source, _ = Source.objects.get_or_create(
        study=study, sha256=sha256, name=display_name(name), defaults={"size": size, "created_by": user}
    )
    return source


def _place(copy: IO[bytes], path: Path, name: str, size: int) -> None:
    """Put the finished copy into storage, whole or not at all. Raises PlaceFault if storage is elsewhere.

    On a disk it is moved into place, which nobody can see half done; a bucket shows an object when all of
    it has come. A file there of another size is what an interrupted write left, and is replaced.
    """
    if settings.AFDASH_STORAGE:
        store = BucketPlace(settings.AFDASH_STORAGE)
        if not store.has(name, size):
            copy.seek(0)
            store.put(name, copy, size)
        return
    final = Path(storages["sources"].path(name))
    if final.exists() and final.stat().st_size == size:
        return
    os.fsync(copy.fileno())
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.replace(path, final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def original_record(source: Source, locator: dict[str, Any]) -> bytes:
    """All bytes of one record; see :func:`transcripts.ingest.originals.open_original`."""
    with closing(open_original(source, locator)) as record:
        return b"".join(record)

"""Where sources are stored, and how one is had as a file on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages

from transcripts.ingest.places.bucket import BucketPlace
from transcripts.ingest.places.fetched import FetchedFiles
from transcripts.ingest.places.place import Reading
from transcripts.models import Source


def storage_name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


@contextlib.contextmanager
def local_path(source: Source) -> Iterator[Path]:
    """The source as a file on this machine: itself, or a copy fetched from shared storage.

    Raises PlaceFault; a file that is not in storage is a FileNotFoundError in both cases.
    """
    name = storage_name(source.sha256)
    if not settings.AFDASH_STORAGE:
        yield Path(storages["sources"].path(name))
        return

    def blocks() -> Iterator[bytes]:
        store = BucketPlace(settings.AFDASH_STORAGE)
        return iter(Reading(store, store.entry(name)).read, b"")

    fetched = FetchedFiles(Path(settings.AFDASH_DATA_DIR) / "fetched", settings.AFDASH_FETCHED)
    with fetched.file(source.sha256, source.size, blocks) as path:
        yield path

"""Archives and compressed files: what they hold, each file on its own.

``zip``, ``tar`` and plain gzip, Zstandard, bzip2 and xz, told by content and never by name; also a tar inside
one of these. One layer is opened, and one more of plain compression inside an archive (``a.jsonl.gz`` in a
zip); an archive inside an archive is not, except an Inspect log, which is a file to us.

An Inspect log (``.eval``) is a zip archive, but no container: its reader reads it where it lies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from transcripts.readers.archives import names
from transcripts.readers.archives.compression import Decompressed, Peeked, compression_of
from transcripts.readers.archives.limits import Limits, Meter, TooMuch
from transcripts.readers.archives.store import ZIP_MAGIC, Skipped, Store, Unpacked, skipped
from transcripts.readers.archives.tar import BadTar, is_tar, tar_members
from transcripts.readers.archives.zip import FileStream, ZipMember, is_folder, refused
from transcripts.readers.inspect_log.archive import HEADER, START, Directory, Entry, is_log, read_directory
from transcripts.readers.json_values import BadRecord
from transcripts.readers.source import Probe, Source
from transcripts.records import FileFinding, UnreadableSource

__all__ = ["Limits", "Skipped", "Unpacked", "container_of", "unpack"]

_LIMITS = Limits()


def container_of(probe: Probe) -> str:
    """``zip``, ``tar``, ``gzip``, ``zstd``, ``bzip2`` or ``xz``; empty if it is none of them, or an Inspect log."""
    if probe.head.startswith(ZIP_MAGIC):
        return "" if _is_log(probe) else "zip"
    return "tar" if is_tar(probe.head) else compression_of(probe.head)


def unpack(
    source: Source, into: Path, limits: Limits = _LIMITS
) -> Iterator[Unpacked | Skipped | FileFinding]:
    """Write what ``source`` holds to ``0``, ``1``, … in the empty folder ``into``, and tell of each file.

    A file is complete when it is told of, and stays right whatever comes later; the caller may move it
    away at once. Findings speak of the archive as a whole, those of one file come with it. Folders and
    what desktops leave (``__MACOSX``, ``.DS_Store``, ``._name``) are passed over. Raises UnreadableSource
    if nothing can be had of it, OSError if the disk fails.
    """
    has_files = False
    found: list[str] = []
    try:
        for item in _items(source, into, limits):
            if isinstance(item, FileFinding):
                found.append(item.message)
            else:
                has_files = True
            yield item
    except TooMuch as stop:
        if not has_files:
            raise UnreadableSource(str(stop)) from None
        text = f"Unpacking was stopped. {stop} The files before were kept."
        yield FileFinding("unpacking_stopped", text, {}, "unpacking_stopped")
    if not has_files:
        raise UnreadableSource(" ".join(["The archive holds no files.", *found]))


def _items(source: Source, into: Path, limits: Limits) -> Iterator[Unpacked | Skipped | FileFinding]:
    kind = container_of(Probe(source))
    meter = Meter(limits)
    store = Store(into, limits, meter)
    with source.path.open("rb") as file:
        if kind == "zip":
            directory = read_directory(source.path)
            if len(directory.entries) + directory.repeated > limits.members:
                raise TooMuch(_many(limits))
            yield from _about_zip(directory)
            for entry in directory.entries.values():
                if not is_folder(entry) and not names.is_clutter(entry.name):
                    yield _zip_item(file, entry, store, meter)
            return
        stream = Peeked(FileStream(file, os.fstat(file.fileno()).st_size, meter))
        if kind != "tar":
            if not kind:
                raise UnreadableSource(
                    "The file is no archive that can be opened: no zip, tar, gzip, zstd, bzip2 or xz."
                )
            stream = Peeked(Decompressed(stream, kind, meter))
            if not is_tar(stream.head):
                yield store.keep_compressed(source.name, stream)
                return
        yield from _tar_items(stream, store, limits)


def _zip_item(file: BinaryIO, entry: Entry, store: Store, meter: Meter) -> Unpacked | Skipped:
    reason, message = refused(entry)
    if reason:
        return skipped(entry.name, reason, message)
    try:
        member = ZipMember(file, entry, meter)
    except BadRecord as bad:
        return skipped(entry.name, bad.reason)
    return store.keep_member(entry.name, member)


def _many(limits: Limits) -> str:
    return f"The archive has more than {limits.members:,} members, which is the most. Give it in parts."


def _about_zip(directory: Directory) -> Iterator[FileFinding]:
    if directory.is_recovered:
        held = len(directory.entries)
        text = (
            "The archive has no table of contents at its end, so it was cut off:"
            f" the {held} files that are complete were recovered."
        )
        yield FileFinding("truncated", text, {"held": held}, "truncated")
    if directory.repeated:
        count = directory.repeated
        text = f"{count} files are replaced by later ones of the same name; the last of each was read."
        yield FileFinding("repeated_members", text, {"count": count}, "repeated_members")
    if directory.trailing:
        text = f"{directory.trailing} bytes follow the end of the archive; they were not read."
        yield FileFinding("trailing_data", text, {"bytes": directory.trailing}, "trailing_data")


def _tar_items(stream: Peeked, store: Store, limits: Limits) -> Iterator[Unpacked | Skipped | FileFinding]:
    seen: set[int] = set()
    repeated = 0
    try:
        for count, member in enumerate(tar_members(stream)):
            if count == limits.members:
                raise TooMuch(_many(limits))
            if member.kind == "folder" or names.is_clutter(member.name):
                continue
            key = hash(member.name)
            repeated += key in seen
            seen.add(key)
            if member.kind == "file":
                yield store.keep_member(member.name, member.data)
            else:
                yield skipped(member.name, member.kind)
    except BadTar as bad:
        problem = stream.problem
        yield problem or FileFinding(bad.kind, str(bad), {}, bad.kind)
    else:
        if stream.problem:
            yield stream.problem
    if repeated:
        text = f"{repeated} files have the name of an earlier one; all were read."
        yield FileFinding("repeated_members", text, {"count": repeated}, "repeated_members")


def _is_log(probe: Probe) -> bool:
    """By its members; of a log that is cut off before the first is complete, by the name of that."""
    try:
        directory = read_directory(probe.source.path)
    except UnreadableSource:
        return False
    first = probe.head[30:].startswith((HEADER.encode(), START.encode()))
    return is_log(directory) or (directory.is_recovered and first)

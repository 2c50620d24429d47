"""Members written to numbered files, and the rules for what is inside them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from transcripts.readers.archives import names
from transcripts.readers.archives.compression import BLOCK, Decompressed, Peeked, Stream, compression_of
from transcripts.readers.archives.limits import Limits, Meter, TooMuch, amount, total_sentence
from transcripts.readers.archives.tar import is_tar
from transcripts.readers.inspect_log.archive import is_log, read_directory
from transcripts.records import FileFinding, UnreadableSource

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One file found in an archive.

    ``name`` is a label with its folders, at most 400 characters, storable; two members may have the same.
    ``path`` is the file that holds it, in the folder that was given. ``findings`` speak of this file alone.
    """

    number: int
    name: str
    path: Path
    size: int
    sha256: str
    findings: tuple[FileFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A member that was not unpacked: why, as a code and a sentence."""

    name: str
    reason: str
    message: str


_REASONS = {
    "empty": "The file is empty.",
    "encrypted": "The file is encrypted. Give the archive without a password.",
    "link": "It is a link to another file, which is not followed.",
    "special": "It is not a regular file but a device, a pipe or the like.",
    "sparse": "It is a sparse file, which is not supported. Pack it without that option.",
    "nested": "It is an archive inside the archive; only one is opened. Unpack it and give what it holds.",
    "truncated": "The file is not complete in the archive: its data end too early.",
    "damaged": "The file is damaged in the archive: its data cannot be unpacked.",
    "checksum_wrong": "The file is damaged in the archive: its checksum is wrong.",
    "size_differs": "The file is damaged in the archive: it has another size than the archive says.",
}

# The same of compressed data of which nothing could be had.
_NOTHING = {
    "truncated": "The compressed data are cut off before anything can be read.",
    "damaged": "The compressed data are damaged from the beginning: nothing can be read.",
}


def skipped(name: str, reason: str, message: str = "") -> Skipped:
    return Skipped(names.label(name), reason, message or _REASONS[reason])


class Store:
    """Writes members into the folder ``into`` as ``0``, ``1``, …; no name from an archive is ever a path."""

    def __init__(self, into: Path, limits: Limits, meter: Meter) -> None:
        self._into = into
        self._limits = limits
        self._meter = meter
        self._count = 0
        self._total = 0

    def keep_compressed(self, name: str, stream: Peeked) -> Unpacked | Skipped:
        """The one file of a compressed source. What is left of a damaged one is kept, with a finding."""
        if compression_of(stream.head) or is_tar(stream.head):
            return skipped(name, "nested")
        kept = self._write(name, names.unpacked(name), stream, None)
        if isinstance(kept, Skipped) and kept.reason == "too_large":
            raise TooMuch(kept.message)
        return kept

    def keep_member(self, name: str, member: Stream) -> Unpacked | Skipped:
        """A file of an archive; if it is compressed, what it holds."""
        stream = Peeked(member)
        kind = compression_of(stream.head)
        if not kind:
            return skipped(name, "nested") if is_tar(stream.head) else self._write(name, name, stream, member)
        inner = Peeked(Decompressed(stream, kind, self._meter))
        if compression_of(inner.head) or is_tar(inner.head):
            return skipped(name, "nested")
        return self._write(name, names.unpacked(name), inner, member)

    def _write(self, name: str, title: str, stream: Peeked, outer: Stream | None) -> Unpacked | Skipped:
        """``name`` is the archive's, ``title`` that of what the member holds.

        ``outer`` is the member as the archive has it: only a whole one is kept.
        """
        path = self._into / str(self._count)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digest = hashlib.sha256()
                size = 0
                while block := stream.read(BLOCK):
                    size += len(block)
                    if size > self._limits.member:
                        break
                    self._spend(len(block))
                    digest.update(block)
                    file.write(block)
            refusal = self._refusal(name, size, stream, outer)
            if refusal is None and _is_foreign_zip(stream.head, path):
                refusal = skipped(name, "nested")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if refusal:
            path.unlink()
            return refusal
        self._count += 1
        findings = (stream.problem,) if stream.problem else ()
        return Unpacked(self._count - 1, names.label(title), path, size, digest.hexdigest(), findings)

    def _spend(self, count: int) -> None:
        self._total += count
        if self._total > self._limits.total:
            raise TooMuch(total_sentence(self._limits))

    def _refusal(self, name: str, size: int, stream: Stream, outer: Stream | None) -> Skipped | None:
        if size > self._limits.member:
            most = amount(self._limits.member)
            text = f"The file unpacks to more than {most}, which is the most. Give it in parts."
            return skipped(name, "too_large", text)
        if outer:
            while outer.read(BLOCK):  # what an inner layer left, so that the checksum is known
                pass
            if outer.problem:
                kind = outer.problem.kind
                return skipped(name, kind, _REASONS.get(kind, outer.problem.message))
        if not size:
            problem = stream.problem
            if problem is None:
                return skipped(name, "empty")
            return skipped(name, problem.kind, _NOTHING.get(problem.kind, problem.message))
        return None


def _is_foreign_zip(head: bytes, path: Path) -> bool:
    """Whether this is a zip archive and no Inspect log."""
    if not head.startswith(ZIP_MAGIC):
        return False
    try:
        return not is_log(read_directory(path))
    except UnreadableSource:
        return True

"""The members of a zip archive as streams."""

from __future__ import annotations

import stat
import zlib
from typing import BinaryIO

from transcripts.readers.archives.compression import Decompressed, Stream
from transcripts.readers.archives.limits import Meter
from transcripts.readers.zip_directory import BZIP2, DEFLATED, LZMA, STORED, XZ, ZSTD, Entry, seek_to_data
from transcripts.records import FileFinding

_KINDS = {DEFLATED: "deflate", BZIP2: "bzip2", LZMA: "lzma", ZSTD: "zstd", XZ: "xz"}
_NAMES = {9: "Deflate64", 1: "Shrink", 6: "Implode", 98: "PPMd"}


class FileStream:
    """``size`` bytes of an open file, from where it stands."""

    def __init__(self, file: BinaryIO, size: int, meter: Meter) -> None:
        self.problem: FileFinding | None = None
        self._file = file
        self._left = size
        self._meter = meter

    def read(self, size: int) -> bytes:
        part = self._file.read(min(size, self._left))
        self._left -= len(part)
        self._meter.take(len(part))
        return part


class ZipMember:
    """A member's bytes. Its size and checksum must be what the directory says; else ``problem`` is set."""

    def __init__(self, file: BinaryIO, entry: Entry, meter: Meter) -> None:
        """Raises BadRecord if there is no member where the directory says."""
        seek_to_data(file, entry)
        self.problem: FileFinding | None = None
        self._entry = entry
        self._crc = 0
        self._size = 0
        self._data: Stream = FileStream(file, entry.packed, meter)
        if entry.method != STORED:
            self._data = Decompressed(self._data, _KINDS[entry.method], meter, entry.size)

    def read(self, size: int) -> bytes:
        if self.problem:
            return b""
        part = self._data.read(size)
        self._crc = zlib.crc32(part, self._crc)
        self._size += len(part)
        if self._size > self._entry.size:
            self._fail("size_differs")
            return b""
        if not part:
            if self._data.problem:
                self.problem = self._data.problem
            elif self._size < self._entry.size:
                self._fail("size_differs")
            elif self._crc != self._entry.crc:
                self._fail("checksum_wrong")
        return part

    def _fail(self, kind: str) -> None:
        self.problem = FileFinding(kind, "The file is damaged in the archive.", {}, kind)


def refused(entry: Entry) -> tuple[str, str]:
    """Why a member is not even tried: a code, and a sentence where the code alone does not say it."""
    kind = stat.S_IFMT(entry.mode)
    if kind == stat.S_IFLNK:
        return "link", ""
    if kind not in (0, stat.S_IFREG):
        return "special", ""
    if entry.is_encrypted:
        return "encrypted", ""
    if entry.method != STORED and entry.method not in _KINDS:
        method = _NAMES.get(entry.method, f"number {entry.method}")
        return "method", f"It is packed by the method {method}, which is not supported. Pack it with Deflate."
    return "", ""


def is_folder(entry: Entry) -> bool:
    return entry.name.endswith("/") or stat.S_ISDIR(entry.mode)

"""Compressed data as a stream: gzip, Zstandard, bzip2, xz, and the raw methods of zip archives.

A stream that is cut off, damaged or followed by something else gives what it holds and then says so
in ``problem``. Memory is bounded by the largest window that is accepted, whatever the data ask for.
"""

from __future__ import annotations

import lzma
import re
import struct
import zlib
from bz2 import BZ2Decompressor
from collections.abc import Callable
from typing import Protocol

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

from transcripts.readers.archives.limits import Meter
from transcripts.records import FileFinding

BLOCK = 256 * 1024
# What is left behind the end of one part is copied: small slices keep many tiny parts from costing a square.
_SLICE = 16 * 1024
_WINDOW_LOG = 26  # Zstandard: a window of 64 MB
_MEMORY = 80 << 20  # xz: its highest level takes 65 MB
_HEADER = 256 * 1024  # the most that a gzip header may take

_MAGIC = {
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "bzip2": re.compile(rb"BZh[1-9](?:\x31\x41\x59\x26\x53\x59|\x17\x72\x45\x38\x50\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
}
_LONGEST_MAGIC = 10


def compression_of(head: bytes) -> str:
    """How data that begin like this are compressed: ``gzip``, ``zstd``, ``bzip2``, ``xz`` or nothing."""
    return next((kind for kind, magic in _MAGIC.items() if magic.match(head)), "")


class Stream(Protocol):
    """Bytes in order."""

    @property
    def problem(self) -> FileFinding | None:
        """After the end: what was wrong with them."""
        ...

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, at least one before the end."""
        ...


class Peeked:
    """A stream whose beginning can be looked at first."""

    def __init__(self, stream: Stream, count: int = 512) -> None:
        self._stream = stream
        self.head = read_exactly(stream, count)
        self._left = self.head

    @property
    def problem(self) -> FileFinding | None:
        return self._stream.problem

    def read(self, size: int) -> bytes:
        if not self._left:
            return self._stream.read(size)
        part, self._left = self._left[:size], self._left[size:]
        return part


def read_exactly(stream: Stream, count: int) -> bytes:
    """``count`` bytes, fewer only at the end."""
    parts = []
    while count and (part := stream.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


class _Part(Protocol):
    """One frame or member of compressed data, as the standard library's decompressors have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Decompressed:
    """What a compressed stream unpacks to. All parts of gzip, Zstandard, bzip2 and xz are joined.

    ``kind`` is one of those, or ``deflate`` or ``lzma`` as zip has them (``size`` is what it claims).
    """

    def __init__(self, packed: Stream, kind: str, meter: Meter, size: int = 0) -> None:
        self.problem: FileFinding | None = None
        self._packed = packed
        self._meter = meter
        self._magic = _MAGIC.get(kind)
        self._new: Callable[[], _Part] = (lambda: _ZipLzma(size)) if kind == "lzma" else _PARTS[kind]
        self._part = self._new()
        self._pending = b""
        self._is_over = False

    def read(self, size: int) -> bytes:
        while not self._is_over:
            if self._part.eof:
                self._go_on()
                continue
            if self._part.needs_input and not self._pending:
                self._pending = self._packed.read(_SLICE)
                if not self._pending:
                    self._end(
                        "truncated", "The compressed data are cut off: only what comes before was read."
                    )
                    break
            try:
                data = self._part.decompress(self._pending, min(size, BLOCK))
            except (
                zlib.error,
                lzma.LZMAError,
                ZstdError,
                OSError,
                EOFError,
                ValueError,
                MemoryError,
            ) as error:
                self._fail(error)
                break
            self._pending = b""
            if data:
                self._meter.give(len(data))
                return data
        return b""

    def _go_on(self) -> None:
        """Begin with the next part, if what follows is one."""
        if isinstance(self._part, _GzipMember) and not self._part.is_right:
            self._end("checksum_wrong", "The checksum is wrong: some of the data may be damaged.")
            return
        rest = self._part.unused_data
        if self._magic is None:
            self._is_over = True
            return
        while True:
            rest = rest.lstrip(b"\x00")  # tapes and xz pad with zeros
            if len(rest) >= _LONGEST_MAGIC or not (more := self._packed.read(_SLICE)):
                break
            rest += more
        if self._magic.match(rest):
            self._part, self._pending = self._new(), rest
        elif rest:
            text = "Something else follows the compressed data; it was not read."
            self._end("trailing_data", text)
        else:
            self._is_over = True

    def _fail(self, error: Exception) -> None:
        if "memory" in str(error).lower() or isinstance(error, MemoryError):
            text = (
                f"Unpacking would take more than {_MEMORY >> 20} MB of memory: pack it with a smaller window."
            )
            self._end("window_too_large", text)
        else:
            text = "The compressed data are damaged: only what comes before the damage was read."
            self._end("damaged", text)

    def _end(self, kind: str, message: str) -> None:
        self.problem = FileFinding(kind, message, {}, kind)
        self._is_over = True


class _Deflate:
    """Raw deflate with the standard library's newer interface."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-15)
        self._is_full = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        part = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self._is_full = len(part) == max_length
        return part

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._is_full and not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data


class _GzipMember:
    """One gzip member. zlib's own check would throw away the data that it finds wrong; this one keeps them."""

    def __init__(self) -> None:
        self._body: _Deflate | None = None
        self._held = b""
        self._crc = 0
        self._size = 0
        self.eof = False
        self.is_right = True
        self.unused_data = b""

    @property
    def needs_input(self) -> bool:
        return self._body is None or self._body.eof or self._body.needs_input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._body is None:
            self._held += data
            start = _gzip_header(self._held)
            if start is None:
                return b""
            self._body, data, self._held = _Deflate(), self._held[start:], b""
        part = b""
        if not self._body.eof:
            part = self._body.decompress(data, max_length)
            self._crc = zlib.crc32(part, self._crc)
            self._size += len(part)
            data = self._body.unused_data
        if self._body.eof:
            self._held += data
            if len(self._held) >= 8:
                self.eof = True
                self.is_right = struct.unpack_from("<II", self._held) == (self._crc, self._size & 0xFFFFFFFF)
                self.unused_data = self._held[8:]
        return part


def _gzip_header(raw: bytes) -> int | None:
    """Where the data begin; None if the header is not complete yet. Raises ValueError if it is none."""
    if len(raw) < 10:
        return None
    flags, at = raw[3], 10
    if not raw.startswith(b"\x1f\x8b\x08") or flags & 0xE0 or len(raw) > 2 * _HEADER:
        raise ValueError("not a gzip header")
    if flags & 4:
        at += 2 + int.from_bytes(raw[10:12], "little")
    for flag in (8, 16):  # name and comment, ended by a zero
        if flags & flag:
            at = raw.find(b"\x00", at) + 1
            if not at:
                return None
    at += 2 if flags & 2 else 0
    return at if at <= len(raw) else None


class _ZipLzma:
    """LZMA as zip has it: a version, the coder's properties, then data that may have no mark at their end."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._held = b""
        self._coder: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._coder is not None and (self._coder.eof or self._left <= 0)

    @property
    def needs_input(self) -> bool:
        return self._coder is None or self._coder.needs_input

    @property
    def unused_data(self) -> bytes:
        return b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._coder is None:
            self._held += data
            if len(self._held) < 9:
                return b""
            length, code, window = struct.unpack_from("<xxHBI", self._held)
            if length != 5 or code >= 9 * 5 * 5:
                raise ValueError("not the properties of LZMA")
            if window > _MEMORY:
                raise MemoryError
            filters = {"lc": code % 9, "lp": code // 9 % 5, "pb": code // 45, "dict_size": max(window, 4096)}
            self._coder = lzma.LZMADecompressor(
                lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **filters}]
            )
            data = self._held[9:]
        part = self._coder.decompress(data, max_length)
        self._left -= len(part)
        return part


_PARTS: dict[str, Callable[[], _Part]] = {
    "gzip": _GzipMember,
    "zstd": lambda: ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG}),
    "bzip2": BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY),
    "deflate": _Deflate,
}

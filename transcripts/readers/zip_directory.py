"""The directory of a zip archive: its members, and what a cut-off one still holds.

Python 3.11's ``zipfile`` reads neither Zstandard members nor archives without a directory, and accepts
overlapping entries; so the directory is read here. Nothing is ever extracted under a name of the
archive's: names are only labels.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from backports.zstd import ZstdDecompressor, ZstdError

from transcripts.readers.json_values import BadRecord
from transcripts.records import UnreadableSource
from transcripts.text import storable

STORED, DEFLATED, BZIP2, LZMA, ZSTD, XZ = 0, 8, 12, 14, 93, 95
MAX_DIRECTORY = 48 << 20  # bytes of the directory, which is held in memory: 200,000 entries of 250 bytes
MAX_WALKED = 8 << 30  # bytes unpacked while looking for the ends of members, over the whole archive

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BLOCK = 256 * 1024
_UNKNOWN32 = 0xFFFFFFFF
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. ``offset`` is where its local header stands; sizes are what the archive claims."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int = 0  # of a Unix file, as ``stat`` has it; 0 if the archive does not say

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & 1)


@dataclass(frozen=True, slots=True)
class Directory:
    """All members in the order they lie in the file; of members with one name, the last."""

    entries: dict[str, Entry]
    is_recovered: bool  # no directory at the end of the file: found by walking from member to member
    repeated: int = 0  # entries that a later one of the same name replaces
    trailing: int = 0  # bytes behind the end of the archive


def read_directory(path: Path, most: int, recoverable: int) -> Directory:
    """The directory, remembered for the calls that follow. Raises UnreadableSource.

    ``most`` members are taken. In an archive without directory, a member that unpacks to more than
    ``recoverable`` bytes and does not say where it ends, ends the search.
    """
    status = os.stat(path)
    return _read_directory(path, status.st_size, status.st_mtime_ns, most, recoverable)


def seek_to_data(file: BinaryIO, entry: Entry) -> None:
    """Go to the member's packed bytes. Raises BadRecord if its own header is damaged."""
    file.seek(entry.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise BadRecord("damaged", "The member's header is damaged.")
    fields = _LOCAL.unpack(header)
    file.seek(fields[9] + fields[10], os.SEEK_CUR)


@lru_cache(maxsize=2)
def _read_directory(path: Path, size: int, changed: int, most: int, recoverable: int) -> Directory:
    with path.open("rb") as file:
        central = _central(file, size, most)
        entries, trailing = central or (list(_walk(file, size, most, recoverable)), 0)
    entries.sort(key=lambda entry: entry.offset)
    for entry, following in pairwise(entries):
        if following.offset < entry.offset + _LOCAL.size + entry.packed:
            raise UnreadableSource("The archive is malformed: two of its members overlap.")
    last = {entry.name: entry for entry in entries}
    ordered = {entry.name: entry for entry in entries if last[entry.name] is entry}
    return Directory(ordered, central is None, len(entries) - len(ordered), trailing)


def _central(file: BinaryIO, size: int, most: int) -> tuple[list[Entry], int] | None:
    """The entries of the directory at the end and the bytes behind it, or None if there is none that fits."""
    tail_start = max(size - _END.size - 0xFFFF, 0)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        return None
    count, length, start, comment = _END.unpack_from(tail, at)[4:]
    trailing = max(len(tail) - at - _END.size - comment, 0)
    if count == 0xFFFF or start == _UNKNOWN32 or length == _UNKNOWN32:
        locator = tail[max(at - 20, 0) : at]
        if locator.startswith(b"PK\x06\x07"):
            file.seek(min(struct.unpack_from("<Q", locator, 8)[0], size))
            end64 = file.read(_END64.size)
            if len(end64) < _END64.size or not end64.startswith(b"PK\x06\x06"):
                return None
            count, length, start = _END64.unpack(end64)[7:10]
    _refuse_many(count, most)
    if length > MAX_DIRECTORY:
        raise UnreadableSource(
            f"The archive's table of contents has {length >> 20} MB; {MAX_DIRECTORY >> 20} MB is the most."
        )
    if start + length > tail_start + at:
        return None
    file.seek(start)
    directory = file.read(length)
    entries = []
    at = 0
    for _ in range(count):
        if directory[at : at + 4] != b"PK\x01\x02" or at + _CENTRAL.size > length:
            return None
        f = _CENTRAL.unpack_from(directory, at)
        flags, method, crc, packed, plain, names, extras, comments, offset = f[3], f[4], *f[7:13], f[16]
        mode = f[15] >> 16 if f[1] >> 8 == _UNIX else 0
        at += _CENTRAL.size
        name = _name(directory[at : at + names], flags)
        extra = directory[at + names : at + names + extras]
        at += names + extras + comments
        plain, packed, offset = _wide(extra, plain, packed, offset)
        # What points outside the file is damaged, and reading it says so.
        entries.append(Entry(name, method, flags, crc, min(packed, size), plain, min(offset, size), mode))
    return entries, trailing


def _wide(extra: bytes, plain: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The real sizes and offset where the 32-bit fields say "see the zip64 extra field"."""
    values = [plain, packed, offset]
    if _UNKNOWN32 not in values:
        return plain, packed, offset
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for number, value in enumerate(values):
                if value == _UNKNOWN32 and len(field) >= 8:
                    values[number] = struct.unpack_from("<Q", field)[0]
                    field = field[8:]
        at += 4 + length
    return values[0], values[1], values[2]


def _name(raw: bytes, flags: int) -> str:
    """A member's name as a locator can keep it: PostgreSQL takes no NUL, which a name may hold."""
    is_utf8 = flags & 0x800 or raw.isascii()
    return storable(raw.decode("utf-8", "backslashreplace") if is_utf8 else raw.decode("cp437"))


def _refuse_many(count: int, most: int) -> None:
    if count > most:
        raise UnreadableSource(f"The archive has {count} members; {most} is the most.")


def _walk(file: BinaryIO, size: int, most: int, recoverable: int) -> Iterator[Entry]:
    """The complete members of an archive without directory, from its local headers."""
    offset = held = walked = 0
    for count in range(most + 2):
        _refuse_many(count, most)
        file.seek(offset)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            return
        _, _, flags, method, _, _, crc, packed, plain, names, extras = _LOCAL.unpack(header)
        name, extra = _name(file.read(names), flags), file.read(extras)
        plain, packed, _ = _wide(extra, plain, packed, 0)
        start = offset + _LOCAL.size + names + extras
        held += names
        if flags & 8 and not packed:  # sizes come after the data: read through it to find its end
            found = _through(file, start, method, min(recoverable, MAX_WALKED - walked))
            if found is None:
                return
            crc, packed, plain, after = found
            walked += plain
        else:
            after = start + packed
        if after > size or held > MAX_DIRECTORY:
            return
        yield Entry(name, method, flags, crc, packed, plain, offset)
        offset = after


def _through(file: BinaryIO, start: int, method: int, limit: int) -> tuple[int, int, int, int] | None:
    """CRC, packed and plain size, and end of a member whose sizes follow it; None if it is cut off.

    Also None if it unpacks to more than ``limit`` bytes.
    """
    file.seek(start)
    crc = used = produced = 0
    unpack = zlib.decompressobj(-15) if method == DEFLATED else ZstdDecompressor() if method == ZSTD else None
    if unpack is None:
        return None
    try:
        while True:
            block = file.read(_BLOCK)
            if not block:
                return None
            used += len(block)
            while block:
                # A few kilobytes may hold gigabytes: never more than a block of them at once.
                is_spent = False
                while not is_spent and not unpack.eof:
                    part = unpack.decompress(block, _BLOCK)
                    block = getattr(unpack, "unconsumed_tail", b"")  # Zstandard keeps its own rest
                    is_spent = len(part) < _BLOCK
                    crc = zlib.crc32(part, crc)
                    produced += len(part)
                    if produced > limit:
                        return None
                if not unpack.eof:
                    break
                block = unpack.unused_data
                if method == ZSTD and len(block) < 4:
                    block += (more := file.read(_BLOCK))
                    used += len(more)
                if method != ZSTD or not block.startswith(_ZSTD_MAGIC):
                    end = start + used - len(block)
                    return crc, end - start, produced, _behind_descriptor(file, end)
                unpack = ZstdDecompressor()
    except (zlib.error, ZstdError):
        return None


def _behind_descriptor(file: BinaryIO, end: int) -> int:
    file.seek(end)
    tail = file.read(28)
    for length in (16, 24, 12, 20):  # with signature, zip64, and both without signature
        if tail[length : length + 2] == b"PK":
            return end + length
    return end + 16

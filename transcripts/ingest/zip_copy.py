"""Some members of a zip archive as an archive of their own: their packed bytes are copied, never unpacked."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from transcripts.readers.json_values import BadRecord
from transcripts.readers.zip_directory import STORED, Entry, seek_to_data
from transcripts.text import original

MOST = (1 << 32) - 1  # of bytes and offsets, without the extension for larger archives
MOST_MEMBERS = (1 << 16) - 1
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION = 20
_UTF8 = 0x800
_ENCRYPTED = 1
_NEW_YEAR_1980 = 0x21  # the earliest date that the format knows
_BLOCK = 1 << 20


def copy_members(file: BinaryIO, entries: Iterable[Entry], note: str, note_name: str) -> Iterator[bytes]:
    """The archive in pieces. What cannot be copied is named at the end of ``note``, a text that is added."""
    directory: list[bytes] = []
    left_out: list[str] = []
    at = 0
    for entry in entries:
        name = original(entry.name).encode("utf-8", "replace")[:1000]
        size = _LOCAL.size + len(name) + entry.packed
        if at + size > MOST - (1 << 26) or entry.size > MOST or len(directory) >= MOST_MEMBERS - 1:
            left_out.append(f"{entry.name}: it is too much for one archive")
            continue
        try:
            seek_to_data(file, entry)
        except BadRecord as bad:
            left_out.append(f"{entry.name}: {bad.message}")
            continue
        flags = _UTF8 | (entry.flags & _ENCRYPTED)
        fields = (entry.method, entry.crc, entry.packed, entry.size)
        yield _local(name, flags, *fields)
        written = 0
        for block in iter(lambda: file.read(min(_BLOCK, entry.packed - written)), b""):  # noqa: B023 - used here only
            written += len(block)
            yield block
        if written < entry.packed:  # the file ends inside it: what the directory says must still fit
            yield bytes(entry.packed - written)
            left_out.append(f"{entry.name}: the file ends inside it")
        directory.append(_central(name, flags, *fields, at))
        at += size
    text = "\n".join([note, *(f"Left out: {line}." for line in left_out[:1000]), ""]).encode(
        "utf-8", "replace"
    )
    name = note_name.encode()
    fields = (STORED, zlib.crc32(text), len(text), len(text))
    yield _local(name, _UTF8, *fields) + text
    directory.append(_central(name, _UTF8, *fields, at))
    at += _LOCAL.size + len(name) + len(text)
    central = b"".join(directory)
    yield central + _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(central), at, 0)


def _local(name: bytes, flags: int, method: int, crc: int, packed: int, size: int) -> bytes:
    head = (b"PK\x03\x04", _VERSION, flags, method, 0, _NEW_YEAR_1980, crc, packed, size, len(name), 0)
    return _LOCAL.pack(*head) + name


def _central(name: bytes, flags: int, method: int, crc: int, packed: int, size: int, at: int) -> bytes:
    times = (method, 0, _NEW_YEAR_1980)
    rest = (crc, packed, size, len(name), 0, 0, 0, 0, 0, at)
    return _CENTRAL.pack(b"PK\x01\x02", _VERSION, _VERSION, flags, *times, *rest) + name

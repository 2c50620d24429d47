"""The zip container of ``.eval`` logs. Members are decompressed in memory up to a cap that counts real bytes."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from backports.zstd import ZstdDecompressor, ZstdError

from transcripts.readers import zip_directory
from transcripts.readers.json_values import BadRecord
from transcripts.readers.zip_directory import DEFLATED, STORED, ZSTD, Directory, Entry, seek_to_data

__all__ = ["HEADER", "START", "Directory", "Entry", "is_log", "read_directory", "read_member"]

MAX_MEMBER = 512 * 1024 * 1024
MAX_ENTRIES = 200_000  # a chunked log has some twenty members a sample

HEADER, START = "header.json", "_journal/start.json"


def read_directory(path: Path) -> Directory:
    """The directory, remembered for the chunks that follow. Raises UnreadableSource."""
    return zip_directory.read_directory(path, MAX_ENTRIES, MAX_MEMBER)


def is_log(directory: Directory) -> bool:
    """Whether a zip archive with these members is an Inspect log."""
    return HEADER in directory.entries or START in directory.entries


def read_member(file: BinaryIO, entry: Entry) -> bytes:
    """The bytes of a member. Raises BadRecord if it is damaged, encrypted or too large."""
    if entry.is_encrypted:
        raise BadRecord("encrypted", "The member is encrypted.")
    if entry.packed > MAX_MEMBER:
        raise BadRecord("too_long", f"The member has more than {MAX_MEMBER >> 20} MB.")
    seek_to_data(file, entry)
    packed = file.read(entry.packed)
    if len(packed) < entry.packed:
        raise BadRecord("truncated", "The file ends inside this member.")
    try:
        raw = _unpack(packed, entry.method)
    except (zlib.error, ZstdError, EOFError) as error:
        raise BadRecord("damaged", f"The member cannot be decompressed: {error}.") from None
    if zlib.crc32(raw) != entry.crc:
        raise BadRecord("damaged", "The member's checksum is wrong.")
    return raw


def _unpack(packed: bytes, method: int) -> bytes:
    if method == STORED:
        return packed
    if method == DEFLATED:
        inflate = zlib.decompressobj(-15)
        raw = inflate.decompress(packed, MAX_MEMBER + 1)
        if not inflate.eof and len(raw) <= MAX_MEMBER:
            raise EOFError("the data end too early")
    elif method == ZSTD:
        raw = b""
        while packed and len(raw) <= MAX_MEMBER:
            frame = ZstdDecompressor()
            part = frame.decompress(packed, MAX_MEMBER + 1 - len(raw))
            raw = raw + part if raw else part
            if not frame.eof and len(raw) <= MAX_MEMBER:
                raise EOFError("the data end too early")
            packed = frame.unused_data
    else:
        raise BadRecord(
            "damaged", f"The member uses the compression method {method}, which is not supported."
        )
    if len(raw) > MAX_MEMBER:
        raise BadRecord("too_long", f"The member has more than {MAX_MEMBER >> 20} MB.")
    return raw

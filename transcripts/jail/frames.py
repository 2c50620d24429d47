"""Frames between a parser and its parent: a JSON head and, behind it, bytes that the head describes."""

from __future__ import annotations

import struct
from typing import IO, Any

import orjson

from transcripts.body import dumps

_LENGTHS = struct.Struct("<QQ")
# A batch is cut at a few megabytes; one record may be large. More than this is not a frame of ours.
MOST = 1 << 30


class Garbled(Exception):
    """What came is not a frame: the other side is not what it should be."""


def write_frame(stream: IO[bytes], head: dict[str, Any], blob: bytes = b"") -> None:
    raw = dumps(head)
    stream.write(_LENGTHS.pack(len(raw), len(blob)))
    stream.write(raw)
    stream.write(blob)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next head and its bytes; None where the stream ends. Raises Garbled."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head, blob = _LENGTHS.unpack(lengths)
    if head + blob > MOST:
        raise Garbled(f"a frame of {head + blob} bytes")
    raw, rest = stream.read(head), stream.read(blob)
    if len(raw) < head or len(rest) < blob:
        return None
    value = orjson.loads(raw)
    if not isinstance(value, dict):
        raise Garbled("a frame without a head")
    return value, rest

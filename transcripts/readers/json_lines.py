"""The lines of a file of JSON Lines: found again from any byte, bounded, and parsed one at a time.

Lines end at ``\\n`` only: JSON strings hold every other separator. A chunk owns the lines that start in
its byte range.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from transcripts.immutable import immutable
from transcripts.readers.bookmarks import BOOKMARKS, Bookmark, key_of
from transcripts.readers.json_stream import MAX_RECORD, refuse_wide_encoding
from transcripts.readers.json_values import TOO_LARGE, BadRecord, parse_record, refuse_repeated_keys
from transcripts.readers.source import Source
from transcripts.records import Chunk, Plan

CHUNK_BYTES = 16 * 1024 * 1024
_COUNTED = 1024 * 1024 * 1024  # beyond this, positions are bytes: counting lines would take too long
_BLOCK = 1024 * 1024
_TURNS = ("messages", "conversations", "conversation")


@immutable
class Line:
    """One line that is not blank. ``number`` is 0 where it was not counted, ``raw`` None where ``problem`` says why."""

    start: int
    end: int
    number: int
    raw: bytes | None
    problem: BadRecord | None = None

    @property
    def position(self) -> str:
        return f"line {self.number}" if self.number else f"the line at byte {self.start}"


class Envelope:
    """Keys that must not occur twice in one object: parsers keep the last without a word."""

    def __init__(self, keys: Collection[str]) -> None:
        self.keys = frozenset(keys)
        self._quoted = re.compile(b'"(?:' + b"|".join(key.encode() for key in sorted(keys)) + b')"')

    def check(self, raw: bytes, value: Any) -> None:
        """Raise BadRecord (``duplicate_key``). Reads strictly only where a count makes it suspicious."""
        if isinstance(value, dict) and len(self._quoted.findall(raw)) > self._expected(value):
            refuse_repeated_keys(raw, self.keys)

    def _expected(self, value: Mapping[str, Any]) -> int:
        count = len(self.keys & value.keys())
        for name in _TURNS:
            turns = value.get(name)
            for turn in turns if isinstance(turns, list) else ():
                if isinstance(turn, dict):
                    count += len(self.keys & turn.keys())
        return count


def plan_lines(source: Source) -> Plan:
    """Byte ranges of :data:`CHUNK_BYTES`. Raises UnreadableSource for UTF-16 and UTF-32."""
    with source.path.open("rb") as file:
        refuse_wide_encoding(file.read(4096))
    starts = range(0, source.size, CHUNK_BYTES)
    ends = (min(start + CHUNK_BYTES, source.size) for start in starts)
    return Plan(tuple(Chunk(n, s, e, e - s) for n, (s, e) in enumerate(zip(starts, ends, strict=True))))


def value_of(line: Line, envelope: Envelope, source: Source) -> Any:
    """The line's JSON value. Raises BadRecord, ``truncated`` if the file ends inside the line."""
    raw = line.raw
    if raw is None:
        raise line.problem or AssertionError("a line without bytes says why")
    try:
        value = parse_record(raw)
    except BadRecord as bad:
        if (
            line.end >= source.size
            and not raw.endswith(b"\n")
            and (bad.reason == "json_invalid" or _is_cut(raw))
        ):
            raise BadRecord("truncated", "The file ends inside this line.") from None
        raise
    envelope.check(raw, value)
    return value


def _is_cut(raw: bytes) -> bool:
    """Whether all that is wrong with the UTF-8 is that its last character is not complete."""
    try:
        getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
    return bool(raw) and raw[-1] >= 0x80


def lines(source: Source, chunk: Chunk, place: int = 0) -> Iterator[Line]:
    """The chunk's lines that are not blank, from the one that holds byte ``place`` of the file on."""
    with source.path.open("rb", buffering=_BLOCK) as file:
        start, number = _first_line(file, chunk, place)
        while start < chunk.end:
            held = [_line(file, start, number)]
            start = held[0].end
            if held[0].end == held[0].start:
                return
            if held[0].raw is None or not held[0].raw.isspace():
                # Ours no longer, so that who takes it may free its bytes before it makes something of them.
                yield held.pop()
            number += number > 0


def _line(file: BinaryIO, start: int, number: int) -> Line:
    """The line at which the file stands; one without bytes at the end of the file."""
    problem = None
    raw: bytes | None = None
    try:
        raw = file.readline(MAX_RECORD + 1)
        end = start + len(raw)
        if len(raw) <= MAX_RECORD or raw.endswith(b"\n"):
            return Line(start, end, number, raw)
        problem, raw = BadRecord("too_long", f"The line has more than {MAX_RECORD >> 20} MB."), None
    except MemoryError:
        problem, end = BadRecord("too_large", TOO_LARGE), start
        file.seek(start)
    while block := file.readline(_BLOCK):
        end += len(block)
        if block.endswith(b"\n"):
            break
    return Line(start, end, number, raw, problem)


def _first_line(file: BinaryIO, chunk: Chunk, place: int) -> tuple[int, int]:
    """Go to the chunk's first line, or to the one that holds ``place`` if that is later: offset and number."""
    target = max(chunk.start, place)
    begin, number = _line_at(file, target) if target <= _COUNTED else _line_from(file, chunk, target)
    if begin < chunk.start:  # that line is the chunk's before this one
        number += 1
        begin = target
        file.seek(begin)
        while begin < chunk.end and (block := file.readline(_BLOCK)):
            begin += len(block)
            if block.endswith(b"\n"):
                break
    file.seek(begin)
    return begin, number if target <= _COUNTED else 0


def _line_at(file: BinaryIO, target: int) -> tuple[int, int]:
    """Where the line that holds byte ``target`` begins, and its number.

    The chunks of a file are mostly read one after the other: the count goes on where the last one stopped.
    """
    key = key_of(file, "lines")
    mark = BOOKMARKS.take(key, target - 1) or Bookmark(0, 1, 0, None)
    file.seek(mark.cursor)
    mark.start, mark.cursor, lines = _counted(file, mark.start, mark.cursor, target)
    mark.index += lines
    begin, number = mark.start, mark.index
    BOOKMARKS.keep(key, mark)
    return begin, number


def _line_from(file: BinaryIO, chunk: Chunk, target: int) -> tuple[int, int]:
    """The same without its number, for what lies behind the chunk's start."""
    begin = at = max(chunk.start - 1, 0)
    file.seek(at)
    return _counted(file, begin, at, target)[0], 0


def _counted(file: BinaryIO, begin: int, at: int, target: int) -> tuple[int, int, int]:
    """The last line's beginning, the place reached, and how many lines ended on the way to ``target``."""
    lines = 0
    while at < target and (block := file.read(min(_BLOCK, target - at))):
        lines += block.count(b"\n")
        begin = at + found + 1 if (found := block.rfind(b"\n")) >= 0 else begin
        at += len(block)
    return begin, at, lines

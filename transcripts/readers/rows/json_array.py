"""JSON that is not lines: an array of objects, an object that holds such an array, or one object alone.

An object is one record unless one of its keys holds the records: an array of objects that are no turns of
a conversation, under a usual name (``samples``) or beside nothing that a record would have.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from transcripts.readers.bookmarks import BOOKMARKS, Bookmark, key_of
from transcripts.readers.json_sketch import Sketch, sketch
from transcripts.readers.json_stream import MAX_RECORD, Element, array_elements, object_members
from transcripts.readers.json_values import BOM, BadRecord, parse_record, within_memory
from transcripts.readers.rows.row import ENVELOPE, EXCERPT, Row
from transcripts.readers.source import HEAD, Probe, Source, line_ends
from transcripts.records import Chunk, Plan, UnreadableSource

_HOLDERS = ("samples", "records", "rows", "data", "examples", "items", "results", "transcripts", "entries")
_OF_A_RECORD = frozenset(
    [
        *("messages", "conversations", "conversation", "prompt", "response", "completion", "input", "output"),
        *("text", "raw_output", "scratchpad", "final_output", "events", "role", "content", "transcript_id"),
    ]
)
_OF_A_TURN = frozenset({"role", "from", "type"})
_SMALL = 4096
_REASONS = {"broken": "json_invalid"}


class JsonArray:
    name = "json_array"
    title = "JSON"

    def recognises(self, probe: Probe) -> str:
        if probe.json.shape == "array":
            return "a JSON array"
        return "a JSON object" if first_object_is_spread(probe) else ""

    def plan(self, source: Source) -> Plan:
        return Plan((Chunk(0, 0, source.size, source.size),))

    def rows(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Row]:
        outline = _outline(source)
        if outline.is_one_record:
            if after + 1 < source.size:
                yield _only_row(source)
            return
        with source.path.open("rb") as file:
            key = key_of(file, self.name)
            mark = BOOKMARKS.take(key, after) if after >= 0 else None
            elements = outline.elements(file, mark)
            mark = mark or Bookmark(0, 0, 0, None)
            try:
                for element in elements:
                    room = max(element.end - element.start, 1)
                    if element.start + room - 1 <= after:
                        continue
                    mark.start, mark.index, mark.cursor = element.start, element.index, element.start
                    row = _row(element, room, outline.around)
                    del element  # the next one may need the memory
                    yield row
                    del row
            except GeneratorExit:  # raised where a row was given: reading goes on with it or with the next
                BOOKMARKS.keep(key, mark)
                raise


def first_object_is_spread(probe: Probe) -> bool:
    """Whether the file is one JSON object rather than lines of them.

    It is if its first line does not close it, or closes it only around an array of records.
    """
    head = probe.head.removeprefix(BOM).lstrip()
    if probe.json.shape != "object":
        return False
    line, end, rest = head.partition(b"\n")
    following = rest.lstrip()
    if not end and not probe.is_whole:
        return not _is_own_or_turns(probe.json) and (
            _has_one_line(probe.source) or bool(_holder(probe.head)[0])
        )
    if end and following:
        return line.rstrip().endswith((b"{", b"[", b",", b":")) or following[:1] in (b",", b"}", b"]")
    return bool(_holder(probe.head)[0])


def _is_own_or_turns(outline: Sketch) -> bool:
    return bool({"messages", "conversations"} & set(outline.keys))


def _has_one_line(source: Source) -> bool:
    """Whether the first line is the only one, or longer than any record may be."""
    with source.path.open("rb") as file:
        _, last = line_ends(file, MAX_RECORD)
        return not last.endswith(b"\n") or not file.read(HEAD).strip()


@dataclass(frozen=True, slots=True)
class _Outline:
    """``holder`` is the key whose array holds the rows, "" for a bare array; ``around`` what is said beside it."""

    is_one_record: bool
    holder: str
    around: Mapping[str, Any]

    def elements(self, file: Any, mark: Bookmark | None) -> Iterator[Element]:
        if not self.holder:
            yield from array_elements(file, mark.start if mark else 0, first=mark.index if mark else None)
            return
        at = (self.holder, mark.start, mark.index) if mark else None
        for key, element in object_members(file, (self.holder,), at=at):
            # What stands beside the rows is read with the outline, what is wrong with the object is a row.
            if key == self.holder or not key:
                yield element


def _outline(source: Source) -> _Outline:
    """From the first bytes alone, so that it is the same for every slice."""
    probe = Probe(source)
    if probe.json.shape == "array":
        return _Outline(False, "", {})
    if probe.json.shape != "object":
        raise UnreadableSource("The file holds neither a JSON array nor a JSON object.")
    holder, around = _holder(probe.head)
    return _Outline(not holder, holder, around)


def _holder(head: bytes) -> tuple[str, dict[str, Any]]:
    """The key whose array holds the records ("": none does), and the small members of the object."""
    around: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    keys = []
    for key, element in object_members(io.BytesIO(head)):
        keys.append(key)
        found = sketch(head[element.start : element.start + _SMALL * 16])
        if found.shape == "array" and found.element_shape == "object":
            if not _OF_A_TURN & set(found.element_keys):
                sizes[key] = (element.end if element.raw else len(head)) - element.start
        elif element.raw and len(element.raw) <= _SMALL:
            try:
                around[key] = parse_record(element.raw)
            except BadRecord:
                continue
    named = [name for name in _HOLDERS if name in sizes]
    if named:
        return max(named, key=sizes.__getitem__), around
    if sizes and _OF_A_RECORD.isdisjoint(keys):
        return max(sizes, key=sizes.__getitem__), around
    return "", around


def _row(element: Element, room: int, around: Mapping[str, Any]) -> Row:
    value, problem = None, None
    try:
        if element.problem:
            raise BadRecord(_REASONS.get(element.problem, element.problem), element.message)
        with within_memory():
            value = _value(element.raw)
    except BadRecord as bad:
        problem = bad.with_traceback(None)  # its frames hold the record
    locator = {"bytes": [element.start, element.end]}
    position = f"record {element.index + 1}"
    raw = element.raw[:EXCERPT] if problem else element.raw
    return Row(element.start, room, position, locator, value, raw, problem, around)


def _only_row(source: Source) -> Row:
    """The whole file as one row."""
    value, raw, problem = None, b"", None
    try:
        if source.size > MAX_RECORD:
            size = f"{source.size >> 20} MB; {MAX_RECORD >> 20} MB"
            raise BadRecord("too_long", f"The file is one JSON object of {size} is the most.")
        with within_memory():
            raw = source.path.read_bytes()
            value = _value(raw)
    except BadRecord as bad:
        is_cut = bad.reason == "json_invalid" and not raw.rstrip().endswith(b"}")
        problem = BadRecord("truncated", "The file ends inside its JSON object.") if is_cut else bad
        problem.__traceback__ = None
    return Row(0, max(source.size, 1), "record 1", {"bytes": [0, source.size]}, value, raw, problem)


def _value(raw: bytes) -> Any:
    value = parse_record(raw)
    ENVELOPE.check(raw, value)
    return value

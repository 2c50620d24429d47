"""Our own JSON Lines: one transcript a line, as ``docs/formats.md`` describes and our export writes.

The cursor of an item is the offset of its line. Two lines may claim the same identity: the database finds
that out, not we.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from transcripts.readers.json_lines import Envelope, Line, lines, plan_lines, value_of
from transcripts.readers.json_values import BOM, BadRecord, parse_record, within_memory
from transcripts.readers.own_record import ENVELOPE, fields_of, is_own
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Item, Plan, Record, Reject, UnreadableSource

_EXCERPT = 4096
_ENVELOPE = Envelope(ENVELOPE)
_END_MARKS = (b'"_end"', b'"_export"')


class OwnJsonl:
    name = "own_jsonl"
    version = 2
    title = "JSON Lines, one transcript a line"

    def recognises(self, probe: Probe) -> str:
        found = probe.head.split(b"\n")
        if not probe.is_whole and len(found) > 1:
            found.pop()
        for line in found[:50]:
            line = line.removeprefix(BOM).strip()
            if line[:1] != b"{":
                continue
            if not line.endswith(b"}") and len(found) == 1 and not probe.is_whole:
                keys = dict.fromkeys(probe.json.keys)
                return "one long line with messages and our own fields" if is_own(keys) else ""
            try:
                value = parse_record(line)
            except BadRecord:
                continue
            if is_own(value) or (isinstance(value, dict) and "_export" in value):
                return "lines of JSON objects with messages and our own fields"
        return ""

    def plan(self, source: Source) -> Plan:
        with source.path.open("rb") as file:
            head = file.read(4096)
        if head.removeprefix(BOM).lstrip()[:1] == b"[":
            raise UnreadableSource("The file is one JSON array; write one transcript a line instead.")
        return plan_lines(source)

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        is_whole = chunk.start == 0 and chunk.end >= source.size
        ends = _ExportLines()
        for line in lines(source, chunk, 0 if is_whole else after):
            raw = line.raw or b""
            ends.seen += 1
            if line.start <= after and not any(mark in raw for mark in _END_MARKS):
                continue
            try:
                with within_memory():
                    value = value_of(line, _ENVELOPE, source)
                    if ends.takes(value):
                        ends.seen -= 1
                        continue
                    record = _record(line, value) if line.start > after else None
            except BadRecord as bad:
                if line.start > after:
                    locator = {"bytes": [line.start, line.end]}
                    yield Reject(line.start, line.position, bad.reason, bad.message, raw[:_EXCERPT], locator)
                continue
            if record:
                yield record
        if is_whole and (finding := ends.finding()):
            yield finding


def _record(line: Line, value: Any) -> Record:
    locator = {"bytes": [line.start, line.end]}
    return Record(cursor=line.start, position=line.position, locator=locator, **fields_of(value))


class _ExportLines:
    """The header and end line that our export writes: not records, but they tell whether all is there."""

    def __init__(self) -> None:
        self.has_header = False
        self.end: Mapping[str, Any] | None = None
        self.seen = 0

    def takes(self, value: Any) -> bool:
        if isinstance(value, dict) and "messages" not in value:
            if "_end" in value:
                self.end = value
                return True
            if "_export" in value:
                self.has_header = True
                return True
        return False

    def finding(self) -> FileFinding | None:
        if self.end is None:
            if not self.has_header:
                return None
            return FileFinding(
                "export_incomplete", "The export has no end line: it was cut off.", {}, "export_incomplete"
            )
        inner = self.end["_end"]
        rows = self.end.get("rows", inner.get("rows") if isinstance(inner, dict) else None)
        if not isinstance(rows, int) or rows == self.seen:
            return None
        text = f"The export's end line says {rows} rows, the file holds {self.seen}."
        return FileFinding("export_incomplete", text, {"said": rows, "held": self.seen}, "export_incomplete")

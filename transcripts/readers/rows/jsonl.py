"""JSON Lines: one row a line."""

from __future__ import annotations

from collections.abc import Iterator

from transcripts.readers.json_lines import Line, lines, plan_lines, value_of
from transcripts.readers.json_values import BOM, BadRecord, within_memory
from transcripts.readers.rows.json_array import first_object_is_spread
from transcripts.readers.rows.row import ENVELOPE, EXCERPT, Row
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, Plan


class Jsonl:
    name = "jsonl"
    title = "JSON Lines"

    def recognises(self, probe: Probe) -> str:
        lines = (line.removeprefix(BOM).strip() for line in probe.head.split(b"\n")[:50])
        starts = [line[:1] for line in lines if line]
        if starts[:1] == [b"["] or b"{" not in starts or first_object_is_spread(probe):
            return ""
        return "lines of JSON objects"

    def plan(self, source: Source) -> Plan:
        return plan_lines(source)

    def rows(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Row]:
        for line in lines(source, chunk, after + 1):
            row = _row(line, source)
            del line  # the next one may need the memory
            yield row
            del row


def _row(line: Line, source: Source) -> Row:
    value, problem = None, None
    try:
        with within_memory():
            value = value_of(line, ENVELOPE, source)
    except BadRecord as bad:
        problem = bad.with_traceback(None)  # its frames hold the record
    locator = {"bytes": [line.start, line.end]}
    room = max(line.end - line.start, 1)
    raw = line.raw or b""
    return Row(line.start, room, line.position, locator, value, raw[:EXCERPT] if problem else raw, problem)

"""The kinds of files that hold rows, tried in this order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from transcripts.readers.rows.csv_rows import CsvRows
from transcripts.readers.rows.json_array import JsonArray
from transcripts.readers.rows.jsonl import Jsonl
from transcripts.readers.rows.parquet_rows import ParquetRows
from transcripts.readers.rows.row import Row, RowSource
from transcripts.readers.source import Probe
from transcripts.records import UnreadableSource

ROW_SOURCES: tuple[RowSource, ...] = (ParquetRows(), JsonArray(), Jsonl(), CsvRows())

FIRST_ROWS = 50
MOST_ROWS = 200  # that anybody asks for
FIRST_BYTES = 4 * 1024 * 1024
# Every reader of rows asks for the same rows of the same probe.
_seen: WeakKeyDictionary[Probe, tuple[Mapping[str, Any], ...]] = WeakKeyDictionary()


def row_source_of(probe: Probe) -> RowSource | None:
    """The kind of file that this is, or None if it holds no rows."""
    return next((kind for kind in ROW_SOURCES if kind.recognises(probe)), None)


def first_rows(probe: Probe, most: int = FIRST_ROWS) -> tuple[Mapping[str, Any], ...]:
    """The first rows of the file that are objects: what a format, or a mapping, is recognised by."""
    if probe not in _seen:
        _seen[probe] = _first_rows(probe)
    return _seen[probe][:most]


def _size(value: Any) -> int:
    """About how large a row is that has no bytes of its own."""
    cells = value.values() if isinstance(value, dict) else ()
    return sum(len(cell) for cell in cells if isinstance(cell, str | list | dict))


def _first_rows(probe: Probe) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    kind = row_source_of(probe)
    if kind is None:
        return ()
    size = 0
    try:
        for chunk in kind.plan(probe.source).chunks[:1]:
            for number, row in enumerate(kind.rows(probe.source, chunk)):
                if isinstance(row, Row):
                    size += len(row.raw) or _size(row.value)
                    if isinstance(row.value, dict):
                        found.append(row.value)
                if len(found) >= MOST_ROWS or number >= 2 * MOST_ROWS or size > FIRST_BYTES:
                    break
    except UnreadableSource:
        return ()
    return tuple(found)

"""The kinds of files that hold rows, tried in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from transcripts.readers.rows.csv_rows import CsvRows
from transcripts.readers.rows.json_array import JsonArray
from transcripts.readers.rows.jsonl import Jsonl
from transcripts.readers.rows.parquet_rows import ParquetRows
from transcripts.readers.rows.row import Row, RowSource
from transcripts.readers.source import Probe, Source
from transcripts.records import FileFinding, UnreadableSource

ROW_SOURCES: tuple[RowSource, ...] = (ParquetRows(), JsonArray(), Jsonl(), CsvRows())

FIRST_ROWS = 50
MOST_ROWS = 200  # that anybody asks for
FIRST_BYTES = 4 * 1024 * 1024
PASSED_OVER = 256 * 1024 * 1024  # of rows that cannot be read, before the first that can
# Every reader of rows asks for the same rows of the same probe.
_seen: WeakKeyDictionary[Probe, _First] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class _First:
    """``unread`` is what is wrong with the first row that there is no memory for."""

    rows: tuple[Mapping[str, Any], ...] = ()
    unread: str = ""


def row_source_of(probe: Probe) -> RowSource | None:
    """The kind of file that this is, or None if it holds no rows."""
    return next((kind for kind in ROW_SOURCES if kind.recognises(probe)), None)


def first_rows(probe: Probe, most: int = FIRST_ROWS) -> tuple[Mapping[str, Any], ...]:
    """The first rows of the file that are objects: what a format, or a mapping, is recognised by."""
    return _first(probe).rows[:most]


def too_large(probe: Probe) -> str:
    """Why none of the first rows can be read, as a sentence; "" if one can, or if it is not for their size."""
    first = _first(probe)
    return "" if first.rows else first.unread


def _first(probe: Probe) -> _First:
    if probe not in _seen:
        _seen[probe] = _looked_at(probe)
    return _seen[probe]


def _size(row: Row) -> int:
    """About how large a row is, if it has no bytes of its own either."""
    begin, end = row.locator.get("bytes", (0, 0))
    cells = row.value.values() if isinstance(row.value, dict) else ()
    return int(end - begin) or sum(len(cell) for cell in cells if isinstance(cell, str | list | dict))


def _looked_at(probe: Probe) -> _First:
    found: list[Mapping[str, Any]] = []
    kind = row_source_of(probe)
    if kind is None:
        return _First()
    size, unread = 0, ""
    try:
        for number, row in enumerate(_all_rows(kind, probe.source)):
            if isinstance(row, Row):
                size += _size(row)
                if isinstance(row.value, dict):
                    found.append(row.value)
                elif row.problem and row.problem.reason in ("too_large", "too_long"):
                    unread = unread or row.problem.message
            if (
                len(found) >= MOST_ROWS
                or number >= 2 * MOST_ROWS
                or size > (FIRST_BYTES if found else PASSED_OVER)
            ):
                break
    except UnreadableSource:
        return _First()
    return _First(tuple(found), unread)


def _all_rows(kind: RowSource, source: Source) -> Iterator[Row | FileFinding]:
    """Chunk after chunk: of a first row that is larger than a chunk, the first chunk holds nothing else."""
    for chunk in kind.plan(source).chunks:
        yield from kind.rows(source, chunk)

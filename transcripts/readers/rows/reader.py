"""What every reader of rows has in common: it says which rows it knows, and what one row says.

A reader of rows does not care what file the rows are in: chat messages come as JSON Lines, as an array,
as a column of a CSV or Parquet file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from transcripts.readers.json_values import BadRecord, within_memory
from transcripts.readers.rows.kinds import first_rows, row_source_of
from transcripts.readers.rows.row import EXCERPT, Row
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Item, Plan, Record, Reject, UnreadableSource


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands; makes records of it."""

    row: Row

    def record(self, number: int = 0, of: int = 1, path: Sequence[Any] = (), **fields: Any) -> Record:
        """Record ``number`` of the ``of`` that this row becomes; the other fields are those of Record.

        ``path`` leads to what the record is made of, if the row holds more than it.
        """
        position = self.row.position if of == 1 else f"{self.row.position}, answer {number + 1}"
        locator = {**self.row.locator, "path": list(path)} if path else self.row.locator
        return Record(cursor=self.row.cursor + number, position=position, locator=locator, **fields)


class RowReader:
    """Base of the readers of rows. A subclass gives names, :meth:`fits` and :meth:`records`."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Why the first rows of a file (objects only, at least one) are of this format, as a phrase; or ""."""
        raise NotImplementedError

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        """What one row says. Raises BadRecord."""
        raise NotImplementedError

    def recognises(self, probe: Probe) -> str:
        kind = row_source_of(probe)
        rows = first_rows(probe) if kind else ()
        reason = self.fits(rows) if rows else ""
        return f"{kind.title} with {reason}" if kind and reason else ""

    def plan(self, source: Source) -> Plan:
        return _kind(source).plan(source)

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        for row in self.rows(source, chunk, after):
            if isinstance(row, FileFinding):
                yield row
                continue
            try:
                with within_memory():
                    records = list(self._records(row, source))
                if len(records) > row.room:
                    raise BadRecord("too_many", f"The record holds {len(records)} answers; {row.room} fit.")
            except BadRecord as bad:
                if row.cursor > after:
                    yield Reject(
                        row.cursor, row.position, bad.reason, bad.message, row.raw[:EXCERPT], row.locator
                    )
                continue
            del row  # what follows may need the memory
            records.reverse()
            while records:
                record = records.pop()
                if record.cursor > after:
                    yield record
                del record

    def rows(self, source: Source, chunk: Chunk, after: int) -> Iterator[Row | FileFinding]:
        """The chunk's rows, as the file has them unless a subclass puts them together."""
        found: Iterator[Row | FileFinding] = _kind(source).rows(source, chunk, after)
        return found

    def _records(self, row: Row, source: Source) -> Iterable[Record]:
        if row.problem:
            raise row.problem
        if not isinstance(row.value, dict):
            raise BadRecord("not_an_object", "The record is not an object with named fields.")
        return self.records(row.value, Place(row), source)


def _kind(source: Source) -> Any:
    kind = row_source_of(Probe(source))
    if kind is None:
        raise UnreadableSource("The file holds no records: it is neither JSON, JSON Lines, CSV nor Parquet.")
    return kind

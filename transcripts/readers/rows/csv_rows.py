"""CSV: a header line, then one row a record; cells are text and stay as they are.

Separated by commas, semicolons or tabs, quoted with ``"``. A quote that is never closed would swallow the rest of
the file without a word: such a record ends the reading, and is rejected with the line of the quote. One that is
too large is passed over: it ends with the line in which its last quote is closed.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from transcripts.readers.bookmarks import BOOKMARKS, Bookmark, key_of
from transcripts.readers.json_stream import refuse_wide_encoding
from transcripts.readers.json_values import BOM, TOO_LARGE, BadRecord
from transcripts.readers.rows.row import EXCERPT, Row
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Plan, UnreadableSource

MAX_RECORD = (
    16 * 1024 * 1024
)  # less than for JSON: the csv module keeps four bytes a character, and doubles them
MANY_LINES = 1000
_DELIMITERS = ",;\t"
_LOOKED_AT = 20  # records that tell the delimiter
_BLOCK = 1024 * 1024
_LONGEST_NAME = 200  # of a column, where nothing but the header tells the delimiter
_NOT_A_HEADER = re.compile(r"[\x00-\x08\x0e-\x1f<>{}\[\]]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class CsvRows:
    name = "csv"
    title = "CSV"

    def recognises(self, probe: Probe) -> str:
        delimiter = _delimiter(probe)
        named = {",": "commas", ";": "semicolons", "\t": "tabs"}
        return f"a table separated by {named[delimiter]}" if delimiter else ""

    def plan(self, source: Source) -> Plan:
        """Raises UnreadableSource if the header cannot be used."""
        probe = Probe(source)
        refuse_wide_encoding(probe.head)
        with source.path.open("rb") as file:
            _header(file, _delimiter(probe) or ",")
        return Plan((Chunk(0, 0, source.size, source.size),))

    def rows(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Row | FileFinding]:
        delimiter = _delimiter(Probe(source)) or ","
        with source.path.open("rb") as file:
            header, taken = _header(file, delimiter)
            key = key_of(file, self.name)
            mark = BOOKMARKS.take(key, after) if after >= 0 else None
            if mark:
                taken = _Lines(file, mark.start, mark.index)
            mark = mark or Bookmark(0, 0, 0, None)
            try:
                for row in _records(taken, delimiter, header):
                    if row.cursor + row.room - 1 <= after:
                        continue
                    mark.start, mark.index, mark.cursor = row.cursor, taken.first, row.cursor
                    if (many := taken.number - taken.first + 1) > MANY_LINES and not row.problem:
                        yield _long(taken.first, many)
                    yield row
            except GeneratorExit:
                BOOKMARKS.keep(key, mark)
                raise


class _Lines:
    """The lines that make up one record after the other, as the csv module asks for them."""

    def __init__(self, file: BinaryIO, start: int = 0, number: int = 1) -> None:
        self.file = file
        self.end = start
        self.number = number - 1  # of the line given last
        self.raw: list[bytes] = []
        self.begin()
        file.seek(start)

    def begin(self) -> None:
        """Whatever comes now belongs to another record."""
        self.start, self.first = self.end, self.number + 1
        self.raw = []
        self.size = 0
        self.quote: int | None = None  # the line of the quote that is open
        self.is_too_long = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(MAX_RECORD - self.size + 1)
        if not line:
            raise StopIteration
        self.size += len(line)
        if self.size > MAX_RECORD:
            self.is_too_long = True
            raise StopIteration
        self.number += 1
        self.end += len(line)
        self.raw.append(line)
        quotes = line.replace(b'""', b"").count(b'"')  # a doubled one neither opens nor closes
        if quotes % 2 and self.quote is not None:
            self.quote = None
        elif quotes % 2 or (quotes and self.quote is not None):  # the last one of the line opens
            self.quote = self.number
        return line.removeprefix(BOM if self.number == 1 else b"").decode("utf-8", "surrogateescape")

    def pass_over(self) -> bool:
        """Go behind the record that begins at ``start``, keeping nothing; whether all its quotes are closed."""
        self.raw = []
        self.end, self.number = self.start, self.first - 1
        self.file.seek(self.start)
        is_open = False
        while block := self.file.readline(_BLOCK):
            self.end += len(block)
            is_open ^= bool(block.count(b'"') % 2)
            if block.endswith(b"\n"):
                self.number += 1
                if not is_open:
                    return True
        return not is_open


def _records(lines: _Lines, delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    reader = _reader(lines, delimiter)
    while True:
        lines.begin()
        cells: list[str] = []
        problem = None
        try:
            cells = next(reader)
            raw = b"".join(lines.raw)
        except StopIteration:
            if not lines.is_too_long:
                return
            problem = BadRecord("too_long", f"The record has more than {MAX_RECORD >> 20} MB.")
        except csv.Error as error:
            if lines.is_too_long:
                problem = BadRecord("too_long", f"The record has more than {MAX_RECORD >> 20} MB.")
            else:
                problem = _unclosed(lines) if "end of data" in str(error) else _error(error)
        except MemoryError:
            problem = BadRecord("too_large", TOO_LARGE)
        if not cells and not problem:
            if lines.end == lines.start:
                return
            continue  # a blank line
        problem = problem or _misfit(cells, header)
        if problem:
            cells, raw = [], b"".join(lines.raw[:1])[:EXCERPT]
        if problem and problem.reason in ("too_long", "too_large"):
            reader = _reader(lines, delimiter)  # the old one holds what it has seen of the record
            opened = lines.quote
            if not lines.pass_over() and opened is not None:
                problem = _unclosed(lines, opened)
            elif lines.number > lines.first:
                text = (
                    f"{problem.message} It spans lines {lines.first} to {lines.number}: are its quotes right?"
                )
                problem = BadRecord(problem.reason, text)
        yield Row(
            cursor=lines.start,
            room=max(lines.end - lines.start, 1),
            position=f"line {lines.first}",
            locator={"bytes": [lines.start, lines.end]},
            value=None if problem else dict(zip(header, cells, strict=True)),
            raw=raw,
            problem=problem,
        )
        if problem and problem.reason == "unclosed_quote":
            return
        del cells, raw  # the next record may need the memory


def _unclosed(lines: _Lines, opened: int | None = None) -> BadRecord:
    rest = "The rest of the file was not read: put the quote right and give the file again."
    number = opened or lines.quote or lines.first
    return BadRecord("unclosed_quote", f"The quote that opens in line {number} is not closed. {rest}")


def _error(error: csv.Error) -> BadRecord:
    said = str(error)
    if "new-line character" in said:
        return BadRecord("csv_invalid", "A carriage return stands in a cell without quotes.")
    if "expected after" in said:
        return BadRecord("csv_invalid", "Text follows a closing quote; a quote in a cell is written twice.")
    return BadRecord("csv_invalid", f"Not CSV: {said}.")


def _misfit(cells: Sequence[str], header: Sequence[str]) -> BadRecord | None:
    if len(cells) != len(header):
        return BadRecord("ragged", f"The record has {len(cells)} cells, the header names {len(header)}.")
    wrong = next((name for name, cell in zip(header, cells, strict=True) if _NOT_UTF8.search(cell)), None)
    return BadRecord("encoding", f"Not UTF-8: the cell “{wrong}”.") if wrong is not None else None


def _long(first: int, many: int) -> FileFinding:
    text = f"The record that begins in line {first} spans {many} lines: is one of its quotes not closed?"
    return FileFinding("csv_long_record", text, {"line": first, "lines": many}, f"csv_long_record {first}")


def _header(file: BinaryIO, delimiter: str) -> tuple[list[str], _Lines]:
    """The names of the columns, and the lines behind them. Raises UnreadableSource."""
    lines = _Lines(file)
    header: list[str] = []
    try:
        while not header:
            header = next(_reader(lines, delimiter))
    except (csv.Error, StopIteration):
        raise UnreadableSource("The CSV file has no header line that can be read.") from None
    if any(_NOT_UTF8.search(name) for name in header):
        raise UnreadableSource("The header of the CSV file is not UTF-8; save the file as UTF-8.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        names = ", ".join(f"“{name}”" for name in twice[:5])
        raise UnreadableSource(f"The header of the CSV file names {names} more than once; rename a column.")
    return header, lines


def _delimiter(probe: Probe) -> str:
    """What separates the cells, "" if the file does not look like CSV."""
    text = probe.head.removeprefix(BOM).decode("utf-8", "surrogateescape")
    rest = ""
    if not probe.is_whole:
        text, _, rest = text.rpartition("\n")
    lines = [f"{line}\n" for line in text.split("\n")]
    best, score = "", (0.0, 0)
    for delimiter in _DELIMITERS:
        rows = _first_records(lines, delimiter)
        if len(rows) <= 2 and not probe.is_whole:
            rows = _first_records([*lines, rest], delimiter)
        if len(rows) < 2 or len(rows[0]) < 2 or any(map(_NOT_A_HEADER.search, rows[0])):
            continue
        like = sum(len(row) == len(rows[0]) for row in rows[1:]) / (len(rows) - 1)
        if _is_cut(rows, probe):
            like = 0.5
        if like > 0 and (like, len(rows[0])) > score:
            best, score = delimiter, (like, len(rows[0]))
    return best


def _is_cut(rows: Sequence[Sequence[str]], probe: Probe) -> bool:
    """Whether behind the header there is one record, too large for all of it to have been seen."""
    if probe.is_whole or len(rows) != 2 or any(len(name) > _LONGEST_NAME for name in rows[0]):
        return False
    return len(rows[1]) <= len(rows[0]) and len(rows[1][-1]) > len(probe.head) // 8


def _first_records(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for row in _reader(iter(lines), delimiter, strict=False):
            if row:
                found.append(row)
            if len(found) > _LOOKED_AT:
                break
    except csv.Error:
        pass
    return found


def _reader(lines: Iterator[str], delimiter: str, strict: bool = True) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_RECORD)
    return csv.reader(lines, delimiter=delimiter, strict=strict)

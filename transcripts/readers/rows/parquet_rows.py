"""Parquet: one row a row, read in small batches, because a page of a kilobyte may unpack to hundreds of megabytes.

pyarrow takes 50 MB and a third of a second to load, so nothing but the reading of a Parquet file loads it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transcripts.readers.json_values import BadRecord
from transcripts.readers.rows.parquet_values import plain_value
from transcripts.readers.rows.row import Row
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, Plan, UnreadableSource

BATCH_ROWS = 64
ROOM_BITS = 10  # cursor = row number << ROOM_BITS
CHUNK_BYTES = 16 * 1024 * 1024
MAX_CELLS = 64 * 1024 * 1024  # characters and bytes of one row
_MAX_ROWS = 1 << 52
_MAX_NAMES = 16 * 1024 * 1024
_MAX_ENTRIES = 2_000_000
_MAGIC = b"PAR1"
# The rows of a group lie in common pages: what does not fit takes those behind it in the group along.
_TOO_LARGE = (
    "reading on in this row group needs more memory than a parser may use (AFDASH_PARSER_MEMORY_MB);"
    " smaller row groups need less."
)


class ParquetRows:
    name = "parquet"
    title = "Parquet"

    def recognises(self, probe: Probe) -> str:
        return "a Parquet file" if probe.head.startswith((_MAGIC, b"PARE")) else ""

    def plan(self, source: Source) -> Plan:
        """Chunks are runs of row groups, numbered. Raises UnreadableSource."""
        with _opened(source) as file:
            groups = _group_sizes(file)
        chunks: list[Chunk] = []
        start = weight = 0
        for number, (_, size) in enumerate(groups):
            weight += size
            if weight >= CHUNK_BYTES or number == len(groups) - 1:
                chunks.append(Chunk(len(chunks), start, number + 1, weight))
                start, weight = number + 1, 0
        return Plan(tuple(chunks))

    def rows(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Row]:
        wanted = (after + 1) >> ROOM_BITS  # the first row that may hold a cursor above ``after``
        with _opened(source) as file:
            first = 0
            for group, (count, _) in enumerate(_group_sizes(file)):
                if chunk.start <= group < chunk.end and first + count > wanted:
                    yield from _group(file, group, first, count, wanted)
                first += count


def _group(file: Any, group: int, first: int, count: int, wanted: int) -> Iterator[Row]:
    """The rows of one row group; what cannot be read of it is one row that says so."""
    number = first
    problem, reason = "", "parquet_damaged"
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], use_threads=False):
            names, columns = batch.schema.names, batch.columns
            for index in range(batch.num_rows if number < first + count else 0):
                if number >= wanted:
                    yield _row(number, names, columns, index)
                number += 1
    except MemoryError:
        problem, reason = _TOO_LARGE, "too_large"
    except Exception as error:
        problem = _said(error)
    if wanted <= number < first + count:
        text = problem or "The file holds fewer rows than its footer says."
        rows = f"row {number + 1}" if number + 1 == first + count else f"rows {number + 1} to {first + count}"
        yield _problem(number, BadRecord(reason, f"{rows.capitalize()}: {text}"))


def _row(number: int, names: list[str], columns: list[Any], index: int) -> Row:
    try:
        value: dict[str, Any] = {}
        left = MAX_CELLS
        for name, column in zip(names, columns, strict=True):
            value[name], size = plain_value(column[index])
            left -= size
            if left < 0:
                raise BadRecord("too_long", f"The row has more than {MAX_CELLS >> 20} MB.")
    except BadRecord as bad:
        return _problem(number, bad)
    return Row(number << ROOM_BITS, 1 << ROOM_BITS, f"row {number + 1}", {"row": number}, value)


def _problem(number: int, bad: BadRecord) -> Row:
    return Row(number << ROOM_BITS, 1 << ROOM_BITS, f"row {number + 1}", {"row": number}, None, problem=bad)


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others map far more than they use
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(
            source.path,
            memory_map=False,
            pre_buffer=False,
            buffer_size=1 << 20,
            thrift_string_size_limit=_MAX_NAMES,
            thrift_container_size_limit=_MAX_ENTRIES,
            page_checksum_verification=True,
        )
    except Exception as error:
        raise UnreadableSource(f"The Parquet file cannot be read: {_said(error)}") from None
    try:
        names = file.schema_arrow.names
        twice = (
            sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        )
        if twice:
            raise UnreadableSource(f"The Parquet file names the column “{twice[0]}” more than once.")
        yield file
    finally:
        file.close()


def _group_sizes(file: Any) -> list[tuple[int, int]]:
    """Rows and bytes in the file of each row group. Raises UnreadableSource if they make no sense."""
    found = []
    metadata = file.metadata
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size = sum(max(group.column(n).total_compressed_size, 0) for n in range(group.num_columns))
        found.append((group.num_rows, size))
    if any(count < 0 for count, _ in found) or sum(count for count, _ in found) > _MAX_ROWS:
        raise UnreadableSource("The Parquet file cannot be read: its footer counts rows that cannot be.")
    return found


def _said(error: Exception) -> str:
    """What is wrong with the file, as a sentence. Raises what is no fault of the file."""
    import pyarrow

    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno is not None):
        raise error
    if not isinstance(error, pyarrow.ArrowException | OSError | ValueError | OverflowError):
        raise error
    words = str(error).split("\n")[0].strip().rstrip(".")[:300]
    lower = words.lower()
    if "encrypt" in lower or "decrypt" in lower:
        return "it is encrypted; give it decrypted."
    if isinstance(error, pyarrow.ArrowNotImplementedError) or "codec" in lower:
        return f"it uses something that is not supported ({words}); save it with Snappy or Zstandard."
    return f"it is damaged or cut off ({words})."

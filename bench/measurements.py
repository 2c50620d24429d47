"""What is measured: the ingest against a bare COPY of the same rows, reading, figures, pages."""

from __future__ import annotations

from pathlib import Path

from bench import ingests, pages
from bench.rows import Row, row, seconds_of
from transcripts.models import Study
from transcripts.readers.registry import Source, recognise
from transcripts.records import Record
from transcripts.synthetic import long_records, write_jsonl


def measure(folder: Path, sizes: list[int], repeats: int, large: int, real: Path | None) -> list[Row]:
    """Every row of the table: reading, the ingest of each size, one record into a large study, pages."""
    rows = reading(folder, repeats, real)
    for records in sizes:
        rows += ingests.measure(folder, records, repeats)
    if large:
        rows += ingests.one_into(folder, large, 10)
    return rows + pages.measure(Study.objects.get(slug=f"b{sizes[-1]}-w1-0"), folder)


def measure_pages(folder: Path, records: int) -> list[Row]:
    """The pages alone, of one ingest of so many."""
    rows = ingests.measure(folder, records, 1, workers=(2,))
    return rows + pages.measure(Study.objects.get(slug=f"b{records}-w2-0"), folder)


def reading(folder: Path, repeats: int, real: Path | None) -> list[Row]:
    """Files into records, without the database."""
    path = folder / "reading.jsonl"
    write_jsonl(path, long_records(10_000, seed=1))
    rows = [_read("own JSONL", path, repeats)]
    large = real / "inspect" / "large" if real else None
    for log in sorted(large.glob("*.eval")) if large else ():
        rows.append(_read("`inspect/large`", log, repeats))
    return rows


def _read(what: str, path: Path, repeats: int) -> Row:
    source = Source(path=path, name=path.name, size=path.stat().st_size)
    reader = recognise(source)

    def read() -> int:
        return sum(
            isinstance(item, Record)
            for chunk in reader.plan(source).chunks
            for item in reader.read(source, chunk)
        )

    number = read()
    speeds = [number / seconds_of(read) for _ in range(repeats)]
    return row(f"read {what} into records, records/s ({number:,} of them)", speeds)

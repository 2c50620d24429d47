"""What is measured: the ingest against a bare COPY of the same rows, reading, figures, pages."""

from __future__ import annotations

from pathlib import Path

import psycopg
from django.conf import settings
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from annotations.figures import compliance_gaps
from bench import ingests
from bench.rows import Row, milliseconds_of, row, seconds_of
from transcripts.access import access_study
from transcripts.models import Pair, Study
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
    return rows + pages(Study.objects.get(slug=f"b{sizes[0]}-w1-0"))


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


def pages(study: Study) -> list[Row]:
    """Pages of a study, through Django without a web server."""
    admin = User.objects.create_superuser("bench", password=None)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("ANALYZE")
    rows: list[Row] = []
    access = access_study(admin, study.slug)
    rows.append(
        row("compliance gaps of the study, ms", milliseconds_of(lambda: compliance_gaps(access, {}), 10))
    )
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(admin)
    pair = Pair.objects.filter(study=study).order_by("pk")[0]
    for what, address in (
        ("list of transcripts", reverse("transcript_list", args=[study.slug])),
        ("list of pairs", reverse("pair_list", args=[study.slug])),
        ("pair page", reverse("pair_detail", args=[study.slug, pair.pk])),
        ("study home", reverse("study_home", args=[study.slug])),
    ):
        assert client.get(address).status_code == 200, address
        times = milliseconds_of(lambda address=address: client.get(address), 40)
        rows.append(row(f"{what}, ms (p95 {sorted(times)[37]:.0f})", times))
    return rows

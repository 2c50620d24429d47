"""What is measured: the ingest against a bare COPY of the same rows, reading, figures, pages."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from annotations.figures import compliance_gaps
from transcripts.access import access_study
from transcripts.ingest import queue, sources, work
from transcripts.ingest.batch import BODY_COLUMNS, TRANSCRIPT_COLUMNS
from transcripts.models import Ingest, Pair, Study
from transcripts.readers.registry import Source, recognise
from transcripts.records import Record
from transcripts.synthetic import long_records, write_jsonl

Row = tuple[str, str, str]


def measure(folder: Path, records: int, repeats: int) -> list[Row]:
    path = folder / "long.jsonl"
    write_jsonl(path, long_records(records, seed=1))
    megabytes = path.stat().st_size / 1e6
    admin = User.objects.create_superuser("bench", password=None)
    reading = [_seconds(lambda: _read(path)) for _ in range(repeats)]
    ingests, copies = [], []
    for number in range(repeats):
        study = Study.objects.create(slug=f"bench-{number}", name="bench")
        ingests.append(_seconds(lambda study=study: _ingest(path, study)))
        copies.append(_bare_copy(study))
    again = _seconds(lambda: _ingest(path, study))
    ratios = [ingest / copy for ingest, copy in zip(ingests, copies, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("ANALYZE")
    rows = [
        _row("read own JSONL into records, records/s", [records / s for s in reading]),
        _row("ingest, transcripts/s, one process", [records / s for s in ingests]),
        _row("ingest, MB/s", [megabytes / s for s in ingests]),
        _row("bare COPY of the same rows, rows/s", [records / s for s in copies]),
        _row("**ingest : bare COPY**, seconds", ratios, 2),
        _row("the same file again, transcripts/s", [records / again]),
        _row("peak memory of the process, MB", [peak]),
    ]
    access = access_study(admin, study.slug)
    rows.append(
        _row("compliance gaps of the study, ms", _milliseconds(lambda: compliance_gaps(access, {}), 10))
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
        times = _milliseconds(lambda address=address: client.get(address), 40)
        rows.append(_row(f"{what}, ms (p95 {sorted(times)[37]:.0f})", times))
    return rows


def _seconds(work_: Callable[[], object]) -> float:
    started = time.perf_counter()
    work_()
    return time.perf_counter() - started


def _milliseconds(work_: Callable[[], object], times: int) -> list[float]:
    return [1000 * _seconds(work_) for _ in range(times)]


def _row(what: str, values: list[float], digits: int = 0) -> Row:
    median = statistics.median(values)
    spread = f"{min(values):,.{digits}f} to {max(values):,.{digits}f}" if len(values) > 1 else ""
    return what, f"{median:,.{digits}f}", spread


def _read(path: Path) -> int:
    source = Source(path=path, name=path.name, size=path.stat().st_size)
    reader = recognise(source)
    return sum(
        isinstance(item, Record)
        for chunk in reader.plan(source).chunks
        for item in reader.read(source, chunk)
    )


def _ingest(path: Path, study: Study) -> None:
    with path.open("rb") as stream:
        source = sources.keep(study, stream, path.name, None)
    ingest = queue.request_ingest(source, user=None, options={})
    while work.advance(ingest.pk, seconds=3600):
        pass
    assert Ingest.objects.get(pk=ingest.pk).state == Ingest.State.DONE


def _bare_copy(study: Study) -> float:
    """The same rows and compressed bodies into bare tables, by COPY, from memory."""
    columns = ", ".join(TRANSCRIPT_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM transcripts_transcript WHERE study_id = %s", [study.pk])
        transcripts = cursor.fetchall()
        cursor.execute(
            "SELECT transcript_id, packed FROM transcripts_transcriptbody b "
            "JOIN transcripts_transcript t ON t.id = b.transcript_id WHERE t.study_id = %s",
            [study.pk],
        )
        bodies = cursor.fetchall()
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner, owner.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_transcript, bare_body")
        cursor.execute("CREATE TABLE bare_transcript (LIKE transcripts_transcript)")
        cursor.execute("CREATE TABLE bare_body (LIKE transcripts_transcriptbody INCLUDING STORAGE)")
        started = time.perf_counter()
        with cursor.copy(f"COPY bare_transcript ({columns}) FROM STDIN") as copy:
            for row in transcripts:
                copy.write_row(row)
        with cursor.copy(f"COPY bare_body ({', '.join(BODY_COLUMNS)}) FROM STDIN") as copy:
            for row in bodies:
                copy.write_row(row)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bare_transcript, bare_body")
    return seconds

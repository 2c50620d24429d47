"""The ingest, measured as it runs: real Celery workers, each with its parser, against a bare COPY of the same rows."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import psycopg
from backports import zstd
from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from bench.rows import Row, row, seconds_of
from transcripts.body import compress
from transcripts.ingest import queue, sources, work
from transcripts.ingest.writing import BODY_COLUMNS, TRANSCRIPT_COLUMNS
from transcripts.models import Ingest, Study
from transcripts.synthetic import long_records, write_jsonl

MEGABYTE = 1 << 20


def measure(folder: Path, records: int, repeats: int, workers: tuple[int, ...] = (1, 2, 4)) -> list[Row]:
    """Rows of the table for one corpus size."""
    path = folder / f"long-{records}.jsonl"
    write_jsonl(path, long_records(records, seed=1))
    megabytes = path.stat().st_size / 1e6
    rows: list[Row] = []
    one: list[float] = []
    for number in workers:
        with _workers(folder, number) as memory:
            times = []
            for repeat in range(repeats):
                study = Study.objects.create(slug=f"b{records}-w{number}-{repeat}", name="bench")
                times.append(_ingest(path, study))
                if number == workers[0] and repeat == 0:
                    plain = [_bare_copy(study, False) for _ in range(repeats)]
                    packed = [_bare_copy(study, True) for _ in range(repeats)]
                    rows.append(row(f"bare COPY of {records:,} rows, rows/s", [records / s for s in plain]))
                    rows.append(
                        row("the same, bodies compressed on the way, rows/s", [records / s for s in packed])
                    )
        one = one or times
        what = f"ingest of {records:,}, {number} worker process{'es' if number > 1 else ''}"
        rows.append(row(f"{what}, transcripts/s", [records / s for s in times]))
        rows.append(row("… MB/s of the source", [megabytes / s for s in times]))
        rows.append(row("… **seconds : bare COPY**", [s / statistics.median(plain) for s in times], 2))
        rows.append(
            row("… seconds : COPY with compression", [s / statistics.median(packed) for s in times], 2)
        )
        rows.append(row("… peak memory of one worker process with its parser, MB", [memory.peak / MEGABYTE]))
        if number > 1:
            rows.append(row("… speed : one worker's", [statistics.median(one) / s for s in times], 2))
    path.unlink()
    return rows


def one_into(folder: Path, large: int, repeats: int) -> list[Row]:
    """One record into an empty study and into one of ``large`` transcripts, in one process."""
    small, full = Study.objects.create(slug="one-of-none", name="x"), _filled(large)
    times: dict[int, list[float]] = {small.pk: [], full.pk: []}
    for number in range(2 * repeats + 2):
        path = folder / f"one-{number}.jsonl"
        record = next(iter(long_records(1, seed=1000 + number)))
        write_jsonl(path, [{**record, "prompt_id": f"one-{number}"}])
        for study in (small, full):
            seconds = seconds_of(partial(here, path, study, path.name))
            if number > 1:
                times[study.pk].append(seconds)
    ratio = statistics.median(times[full.pk]) / statistics.median(times[small.pk])
    return [
        row("one record into an empty study, ms", [1000 * s for s in times[small.pk]], 1),
        row(f"one record into a study of {large:,}, ms", [1000 * s for s in times[full.pk]], 1),
        row("… **ratio of the medians**", [ratio], 2),
    ]


def _filled(count: int) -> Study:
    """A study of ``count`` tiny transcripts in pairs of ten, made by the database itself."""
    study = Study.objects.create(slug="one-of-many", name="x")
    seed = long_records(20, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.jsonl"
        write_jsonl(path, seed)
        here(path, study, "seed.jsonl")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO transcripts_prompt (study_id, identity, text, family, external_id)
            SELECT %(study)s, sha256(('p' || n)::bytea), 'prompt ' || n, 'family ' || n %% 20, 'p' || n
            FROM generate_series(1, %(prompts)s) n
            """,
            {"study": study.pk, "prompts": count // 10},
        )
        cursor.execute(
            """
            INSERT INTO transcripts_pair (study_id, run_id, prompt_id, n_monitored, n_unmonitored, n_other)
            SELECT p.study_id, (SELECT min(id) FROM transcripts_run WHERE study_id = p.study_id), p.id, 5, 5, 0
            FROM transcripts_prompt p WHERE p.study_id = %s AND p.external_id LIKE 'p%%' ON CONFLICT DO NOTHING
            """,
            [study.pk],
        )
        cursor.execute(
            """
            INSERT INTO transcripts_transcript (study_id, pair_id, run_id, prompt_id, arm_id, sample,
                content_sha256, parse_state, outcome, n_messages, n_characters, has_escapes, segmenter_version,
                ingest_id, locator)
            SELECT p.study_id, p.id, p.run_id, p.prompt_id, a.id, s, sha256((p.id || ' ' || a.id || ' ' || s)::bytea),
                'ok', 'complied', 2, 100, false, 1, i.id, '{}'
            FROM transcripts_pair p, transcripts_arm a, generate_series(1, 5) s, transcripts_ingest i
            WHERE p.study_id = %(study)s AND a.study_id = %(study)s AND i.study_id = %(study)s
            ON CONFLICT DO NOTHING
            """,
            {"study": study.pk},
        )
        cursor.execute("SELECT count(*) FROM transcripts_transcript WHERE study_id = %s", [study.pk])
        print(f"  a study of {cursor.fetchone()[0]:,} transcripts is there", flush=True)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    return study


def here(path: Path, study: Study, name: str) -> None:
    with path.open("rb") as stream:
        source = sources.keep(study, stream, name, None)
    ingest = queue.request_ingest(source, user=None, options={})
    while work.advance(ingest.pk, seconds=3600):
        pass
    ingest.refresh_from_db()
    assert ingest.state == Ingest.State.DONE, (ingest.state, ingest.error)


def _ingest(path: Path, study: Study) -> float:
    """Seconds from asking to done, with workers that are running already; storing the file is not in it."""
    with path.open("rb") as stream:
        source = sources.keep(study, stream, path.name, None)
    started = time.perf_counter()
    ingest = queue.request_ingest(source, user=None, options={})
    while (state := Ingest.objects.values_list("state", flat=True).get(pk=ingest.pk)) in Ingest.ACTIVE:
        time.sleep(0.02)
    assert state == Ingest.State.DONE, state
    return time.perf_counter() - started


@dataclass
class _Memory:
    """The largest that one worker process and its parser were together, in bytes, seen every tenth of a second."""

    peak: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self, main: psutil.Process) -> None:
        while not self.over.wait(0.1):
            try:
                for pool in main.children():
                    family = [pool, *pool.children(recursive=True)]
                    self.peak = max(self.peak, sum(process.memory_info().rss for process in family))
            except psutil.NoSuchProcess:
                continue


@contextmanager
def _workers(folder: Path, number: int) -> Iterator[_Memory]:
    """A Celery worker with ``number`` processes, warmed up by one small ingest."""
    command = [
        *(sys.executable, "-m", "celery", "-A", "afdash", "worker", "--beat", "-Q", "ingest,fast"),
        *("--concurrency", str(number), "--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        *("--schedule", str(folder / f"beat-{number}")),
    ]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    memory = _Memory()
    watcher = threading.Thread(target=memory.watch, args=(psutil.Process(process.pid),), daemon=True)
    try:
        path = folder / "warm.jsonl"
        write_jsonl(path, long_records(2000, seed=99))
        study, _ = Study.objects.get_or_create(slug="warm", defaults={"name": "warm"})
        _ingest(path, study)
        watcher.start()
        yield memory
    finally:
        memory.over.set()
        process.terminate()
        process.wait(timeout=60)


def _bare_copy(study: Study, compressing: bool) -> float:
    """Seconds for the same rows into bare tables (no index, no key), by binary COPY from memory.

    ``compressing`` starts from the plain bodies, which an ingest has to compress as well.
    """
    transcript = "transcripts_transcript", TRANSCRIPT_COLUMNS, "id"
    body = "transcripts_transcriptbody", BODY_COLUMNS, "transcript_id"
    total = 0.0
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        for table, columns, key in (transcript, body):
            owner.execute("DROP TABLE IF EXISTS bare")
            owner.execute(f"CREATE TABLE bare (LIKE {table} INCLUDING STORAGE)")
            for rows in _slices(owner, study, table, columns, key):
                if compressing and table == body[0]:
                    plain = [(pk, zstd.decompress(packed)) for pk, packed in rows]
                    work_ = partial(_copied, owner, columns, ((pk, compress(raw)) for pk, raw in plain))
                else:
                    work_ = partial(_copied, owner, columns, rows)
                total += seconds_of(work_)
        owner.execute("DROP TABLE bare")
    return total


def _slices(
    owner: psycopg.Connection, study: Study, table: str, columns: Mapping[str, str], key: str
) -> Iterator:
    """The rows of a study, 20,000 at a time: 100,000 bodies at once would be measured as swapping."""
    last = 0
    select = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} > %s AND {key} <= %s ORDER BY {key} LIMIT 20000"
    ends = owner.execute(
        "SELECT min(id), max(id) FROM transcripts_transcript WHERE study_id = %s", [study.pk]
    ).fetchone()
    assert ends
    last = ends[0] - 1
    while rows := owner.execute(select, [last, ends[1]], binary=True).fetchall():
        yield [tuple(Jsonb(value) if isinstance(value, dict) else value for value in row) for row in rows]
        last = rows[-1][0]


def _copied(owner: psycopg.Connection, columns: Mapping[str, str], rows: Iterable) -> None:
    with owner.cursor().copy(f"COPY bare ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(columns.values()))
        for each in rows:
            copy.write_row(each)

"""An ingest under way with a real worker, its processes, and what must hold when it has ended."""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import psycopg
import redis
from django.db.models import F, Max, Sum

from afdash.embedded.redis import client_url
from tests import make, servers
from tests.transcripts.test_worker import wait_for
from transcripts.ingest import queue, sources
from transcripts.jail.batches import Batch, Received, received
from transcripts.models import Ingest, IngestChunk, Reject, Transcript, TranscriptBody
from transcripts.preparing import prepare
from transcripts.records import Message, PromptKey, Record, RunKey
from transcripts.synthetic import long_records

RECORDS = 1_500  # three batches
RESUMED_SECONDS = 15.0
APP_BACKENDS = "FROM pg_stat_activity WHERE usename = 'afdash_app' AND pid <> pg_backend_pid()"


def content(records: int = RECORDS, seed: int = 7) -> bytes:
    lines = long_records(records, seed=seed, median_chars=150)
    return b"".join(
        json.dumps({**line, "model": f"{line['model']} {seed}"}).encode() + b"\n" for line in lines
    )


def queued(records: int = RECORDS, seed: int = 7, slug: str = "faults") -> Ingest:
    study = make.study(f"{slug}-{seed}")
    source = sources.keep(study, io.BytesIO(content(records, seed)), "long.jsonl", None)
    return queue.request_ingest(source, user=None, options={})


def read(row: Ingest) -> int:
    return int(IngestChunk.objects.filter(ingest=row).aggregate(n=Sum("read", default=0))["n"])


def is_over(row: Ingest) -> bool:
    return not Ingest.objects.get(pk=row.pk).is_active


def until_under_way(row: Ingest, seconds: float = 30) -> int:
    """Wait for the first batch; how many records are read."""
    wait_for(lambda: read(row), seconds, "the first batch")
    assert not is_over(row), "it was over before anything could go wrong: give it more records"
    return read(row)


def until_resumed(row: Ingest, seconds: float = RESUMED_SECONDS) -> float:
    before = read(row)
    return wait_for(lambda: read(row) > before or is_over(row), seconds, "the next batch after the fault")


def until_whole(row: Ingest, records: int = RECORDS, seconds: float = 60) -> None:
    """The invariants: exact rows, none twice, counters that add up, nothing stuck, and the truth told."""
    wait_for(lambda: is_over(row), seconds, "the end of the ingest")
    row = Ingest.objects.get(pk=row.pk)
    assert (row.state, row.error) == (Ingest.State.DONE, "")
    assert queue.progress(row).counts == {"read": records, "created": records, "duplicate": 0, "rejected": 0}
    of_it = Transcript.objects.filter(ingest=row)
    assert of_it.count() == records
    assert TranscriptBody.objects.filter(transcript__ingest=row).count() == records
    assert of_it.values("pair", "arm", "sample").distinct().count() == records
    assert not Reject.objects.filter(ingest=row).exists()
    assert not row.chunks.exclude(state=IngestChunk.State.DONE).exists()
    assert not row.chunks.exclude(read=F("created") + F("duplicate") + F("rejected")).exists()
    assert row.pk not in queue.stalled()


def most_failures(row: Ingest) -> int:
    return int(row.chunks.aggregate(n=Max("failures", default=0))["n"])


def broker() -> redis.Redis:
    return redis.Redis.from_url(client_url(os.environ["REDIS_URL"]))


def superuser() -> psycopg.Connection:
    return psycopg.connect(servers.SERVERS.superuser_url, autocommit=True)


@contextmanager
def on_insert(do: str, table: str = "transcripts_transcriptbody") -> Iterator[None]:
    """While the block lasts, every COPY into ``table`` begins with ``do`` (PL/pgSQL)."""
    with superuser() as connection:
        connection.execute("SET lock_timeout = '20s'")
        connection.execute(
            f"CREATE OR REPLACE FUNCTION test_fault() RETURNS trigger LANGUAGE plpgsql "
            f"AS $$ BEGIN {do}; RETURN NULL; END $$"
        )
        connection.execute(
            f"CREATE TRIGGER test_fault BEFORE INSERT ON {table} EXECUTE FUNCTION test_fault()"
        )
    try:
        yield
    finally:
        with superuser() as connection:
            connection.execute("SET lock_timeout = '20s'")
            connection.execute(f"DROP TRIGGER test_fault ON {table}")


def slow_batches(seconds: float = 0.4):
    """So that there is a while in which something can go wrong."""
    return on_insert(f"PERFORM pg_sleep({seconds})")


def parsers(worker: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(worker).children(recursive=True)
        return [process for process in below if _says(process, "transcripts.jail")]
    return []


def pool(worker: int) -> list[psutil.Process]:
    """The processes of the pool that have a parser of their own, so not the beat."""
    return [process.parent() for process in parsers(worker) if process.parent()]


def youngest_child(worker: int) -> psutil.Process:
    """The beat, in a worker of which no other child was replaced: the pool is started before it."""
    return max(psutil.Process(worker).children(), key=lambda p: (p.create_time(), p.pid))


def _says(process: psutil.Process, word: str) -> bool:
    with suppress(psutil.Error):
        return word in process.cmdline()
    return False


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def seconds_of(work) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def batch_of(row: Ingest, cursor: int = 0, sample: int | None = 1) -> Received:
    """What a parser hands on for one record of ``row``."""
    record = Record(
        cursor=cursor,
        position=f"line {cursor + 1}",
        locator={"bytes": [cursor, cursor + 1]},
        run=RunKey("m"),
        arm_hints=(),
        prompt=PromptKey("id", "p", "p"),
        sample=sample,
        messages=(Message("user", f"hello {cursor}"),),
    )
    batch = Batch(most=10)
    batch.add_record(prepare(record, row.reader, {}))
    return received(*batch.frame())

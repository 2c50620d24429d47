"""What comes back by itself is waited for, what does not is given up; deadlocks, the fence, the constraint.

No worker here: what one does is done in this process, so that each step can be held still.
"""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from afdash.retry import sqlstate
from tests import make
from tests.transcripts.faults.running import (
    APP_BACKENDS,
    batch_of,
    is_over,
    most_failures,
    on_insert,
    queued,
    superuser,
    until_whole,
)
from tests.transcripts.test_ingest import claimed
from tests.transcripts.test_worker import wait_for
from transcripts.ingest import pauses, queue, work, writing
from transcripts.ingest.conditions import Conditions
from transcripts.models import Ingest, IngestChunk, Pair, Transcript

WAITS = ["53100", "25006", "55P03", "40P01"]


@pytest.mark.parametrize("code", WAITS)
def test_however_long_it_lasts_it_is_no_failure_of_the_file(code: str, committed, client_of) -> None:
    """And the control: what waiting does not cure is counted, and given up in the end."""
    row = queued(20)
    lead = client_of(make.member(row.study, "lena", "lead"))

    def page() -> str:
        return lead.get(reverse("ingest_detail", args=[row.study.slug, row.pk])).content.decode()

    def tried() -> None:
        IngestChunk.objects.update(lease_until="2000-01-01T00:00Z")
        work.advance(row.pk)

    with on_insert(f"RAISE EXCEPTION 'away' USING ERRCODE = '{code}'"):
        for _ in range(queue.MAX_FAILURES + 2):
            tried()
        assert most_failures(row) == 0
        assert not is_over(row)
        assert row.pk not in queue.stalled(), "it is tried again at once, without a pause"
        if code in pauses.SENTENCES:
            assert "Waiting for" in page()
            assert "could not be ingested" not in page()
    tried()
    until_whole(row, 20)
    assert "Waiting for" not in page()


def test_what_waiting_does_not_cure_is_given_up(committed) -> None:
    row = queued(20)
    with on_insert("RAISE EXCEPTION 'never' USING ERRCODE = '54000'"):
        for _ in range(queue.MAX_FAILURES):
            with pytest.raises(DatabaseError):
                work.advance(row.pk)
            IngestChunk.objects.update(lease_until="2000-01-01T00:00Z")
        work.advance(row.pk)
    row.refresh_from_db()
    assert row.state == Ingest.State.FAILED
    assert "Given up" in row.error
    assert not Transcript.objects.exists()


def test_a_deadlock_is_tried_again(committed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch holds its chunk and wants the pair; the other holds the pair and wants the chunk."""
    row, step = claimed(make.study("dead"))
    batch = batch_of(row, 1, sample=None)
    writing.write_batch(batch_of(row), 1, step, row, Conditions(row.study_id))
    pair = Pair.objects.get().pk
    states: list[str] = []
    real = writing.in_transaction

    def watched(commit, **more):
        def told():
            try:
                return commit()
            except DatabaseError as error:
                states.append(sqlstate(error))
                raise

        return real(told, **more)

    monkeypatch.setattr(writing, "in_transaction", watched)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            writing.write_batch(batch, 2, step, row, Conditions(row.study_id))
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    with superuser() as own, own.transaction():
        own.execute("SET LOCAL deadlock_timeout = '20s'")  # so that the batch is the victim
        own.execute("SELECT 1 FROM transcripts_pair WHERE id = %s FOR UPDATE", [pair])
        writer = threading.Thread(target=write)
        writer.start()
        with superuser() as other:
            wait_for(
                lambda: other.execute(f"SELECT 1 {APP_BACKENDS} AND wait_event_type = 'Lock'").fetchone(),
                5,
                "the batch's waiting for the pair",
            )
        own.execute("SELECT 1 FROM transcripts_ingestchunk WHERE id = %s FOR UPDATE", [step.chunk_id])
    writer.join(20)
    assert not failed
    assert "40P01" in states, "there was no deadlock"
    chunk = row.chunks.get()
    assert (chunk.read, chunk.created) == (2, 2)
    assert Transcript.objects.count() == 2


def test_a_batch_is_refused_whole_when_its_fence_is_gone(committed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the fence: without it, what a frozen worker still holds is counted a second time."""
    row, old = claimed(make.study("fence"))
    IngestChunk.objects.update(lease_until="2000-01-01T00:00Z")
    new = queue.claim_step(row.pk)
    assert new is not None
    writing.write_batch(batch_of(row), 1, new, row, Conditions(row.study_id))
    with pytest.raises(queue.Fenced):
        writing.write_batch(batch_of(row, 2), 1, old, row, Conditions(row.study_id))
    assert row.chunks.get().read == 1
    monkeypatch.setattr(writing, "hold_chunk", lambda step: -1)
    writing.write_batch(batch_of(row), 1, old, row, Conditions(row.study_id))
    assert row.chunks.get().read == 2
    assert Transcript.objects.count() == 1, "what still holds is the constraint"


def test_the_constraint_holds_where_the_look_before_does_not(committed) -> None:
    row, step = claimed(make.study("twice"))
    writing.write_batch(batch_of(row), 1, step, row, Conditions(row.study_id))
    found = Transcript.objects.values().get()
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Transcript.objects.create(**{**found, "id": found["id"] + 1000})
    assert sqlstate(caught.value) == "23505"

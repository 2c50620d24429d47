"""Files to rows: counts add up, nothing twice, what is wrong is said and kept."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests import make
from transcripts.ingest import queue, sources, work
from transcripts.ingest.conditions import Conditions
from transcripts.ingest.queue import Fenced
from transcripts.ingest.writing import write_batch
from transcripts.jail.batches import Batch, Received, received
from transcripts.models import (
    Finding,
    Ingest,
    IngestChunk,
    Pair,
    Prompt,
    Reject,
    Run,
    Study,
    Transcript,
    Verdict,
)
from transcripts.preparing import prepare
from transcripts.records import Message, PromptKey, Record, RunKey

pytestmark = pytest.mark.django_db


def line(**fields: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "arm": "monitored",
        "prompt_id": "p1",
        "prompt": "How?",
        "sample": 1,
        "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "Like this."}],
        **fields,
    }


def jsonl(*records: Any) -> bytes:
    return b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records)


def ingest(study: Study, content: bytes, name: str = "runs.jsonl", **options: Any) -> Ingest:
    source = sources.keep(study, io.BytesIO(content), name, None)
    row = queue.request_ingest(source, user=None, options=options)
    work.advance(row.pk, seconds=120)
    return Ingest.objects.get(pk=row.pk)


def counts(row: Ingest) -> tuple[int, int, int, int]:
    progress = queue.progress(row)
    assert progress.read == progress.created + progress.duplicate + progress.rejected
    return progress.read, progress.created, progress.duplicate, progress.rejected


def test_records_become_transcripts_with_run_prompt_arm_and_pair(study: Study) -> None:
    row = ingest(
        study,
        jsonl(
            line(verdicts=[{"judge": "j", "value": "yes", "outcome": "complied", "score": 0.8}]),
            line(arm="unmonitored", verdicts=[{"judge": "j", "value": "no", "outcome": "refused"}]),
            line(prompt_id="p2", prompt="Why?", family="care"),
        ),
    )
    assert row.state == "done"
    assert counts(row) == (3, 3, 0, 0)
    assert [(r.model, r.setting) for r in Run.objects.all()] == [("m", "")]
    assert set(Prompt.objects.values_list("text", "family")) == {("How?", ""), ("Why?", "care")}
    pair = Pair.objects.get(prompt__text="How?")
    assert (pair.n_monitored, pair.n_unmonitored, pair.n_other, pair.judge_gap) == (1, 1, 0, 1.0)
    verdict = Verdict.objects.get(transcript__outcome="complied")
    assert (verdict.judge, verdict.value, verdict.score) == ("j", "yes", 0.8)


def test_the_same_file_again_adds_nothing(study: Study) -> None:
    content = jsonl(line(), line(sample=2))
    assert counts(ingest(study, content)) == (2, 2, 0, 0)
    assert counts(ingest(study, content)) == (2, 0, 2, 0)
    assert counts(ingest(study, content, name="other-name.jsonl")) == (2, 0, 2, 0)
    assert Transcript.objects.count() == 2


def test_the_same_identity_with_other_text_is_kept_apart_for_a_person(study: Study) -> None:
    ingest(study, jsonl(line()))
    other = line(
        messages=[{"role": "user", "content": "How?"}, {"role": "assistant", "content": "Otherwise."}]
    )
    row = ingest(study, jsonl(other, line(sample=2)))
    assert row.state == "done_with_rejects"
    assert counts(row) == (2, 1, 0, 1)
    reject = Reject.objects.get(ingest=row)
    assert reject.reason == "identity_conflict"
    assert reject.position
    assert sources.original_record(row.source, reject.locator).rstrip() == json.dumps(other).encode()
    first = Transcript.objects.get(sample=1)
    assert first.body.content.messages[1].text == "Like this."


BROKEN_LINES = [
    ("not JSON", b'{"messages": [', "json_invalid"),
    ("no messages", b'{"model": "m"}', "no_messages"),
    ("empty messages", b'{"messages": []}', "no_messages"),
    ("invalid UTF-8", b'{"messages": [{"role": "user", "content": "\xff"}]}', "encoding"),
]


@pytest.mark.parametrize(
    ("content", "reason"), [case[1:] for case in BROKEN_LINES], ids=[c[0] for c in BROKEN_LINES]
)
def test_a_broken_record_is_rejected_and_its_neighbours_are_read(
    study: Study, content: bytes, reason: str
) -> None:
    row = ingest(study, jsonl(line(), content, line(sample=2)))
    assert row.state == "done_with_rejects"
    assert counts(row) == (3, 2, 0, 1)
    reject = Reject.objects.get(ingest=row)
    assert reject.message
    assert "2" in reject.position
    assert sources.original_record(row.source, reject.locator).rstrip(b"\n") == content


REFUSED_FILES = [
    ("empty", b"", "empty"),
    ("PDF", b"%PDF-1.4 not for us", "PDF"),
    ("prose", b"dear reader, here are my runs", ""),
    ("UTF-16", "{}".encode("utf-16"), "UTF-16"),
]


@pytest.mark.parametrize(
    ("content", "word"), [case[1:] for case in REFUSED_FILES], ids=[c[0] for c in REFUSED_FILES]
)
def test_a_file_that_nobody_can_read_is_refused_with_a_sentence(
    study: Study, content: bytes, word: str
) -> None:
    row = ingest(study, content)
    assert row.state == "failed"
    assert word in row.error
    assert row.error.endswith(".")
    assert "Traceback" not in row.error
    assert not Transcript.objects.exists()


def test_what_the_person_says_goes_before_what_the_file_says(study: Study) -> None:
    row = ingest(
        study,
        jsonl(line(verdicts=[{"judge": "j", "value": "C"}])),
        model="named by a person",
        setting="prompted",
        arm="paid",
        mapping={"outcomes": {"j": {"C": "refused"}}},
    )
    assert counts(row) == (1, 1, 0, 0)
    transcript = Transcript.objects.select_related("run", "arm").get()
    assert (transcript.run.model, transcript.run.setting) == ("named by a person", "prompted")
    assert transcript.arm.role == "unmonitored"
    assert transcript.outcome == "refused"


def test_text_is_stored_as_it_was_even_what_postgresql_cannot_hold(study: Study) -> None:
    text = "nul \x00, half \ud83d, emoji 👩‍🔬, CRLF\r\n, é, שלום"
    ingest(study, jsonl(line(messages=[{"role": "assistant", "content": text}], metadata={"seed": 2**70})))
    transcript = Transcript.objects.get()
    from transcripts.text import original

    body = transcript.body.content
    assert original(body.messages[0].text) == text
    assert transcript.has_escapes
    assert body.metadata["seed"] == 2**70


def test_identical_text_under_two_models_is_a_finding(study: Study) -> None:
    ingest(study, jsonl(line(model="a"), line(model="a", sample=2)))
    row = ingest(study, jsonl(line(model="b"), line(model="b", sample=2)), name="b.jsonl")
    finding = Finding.objects.get(kind="identical_content")
    assert finding.ingest == row
    assert finding.detail["transcripts"] == 2 or finding.detail["transcripts"] == 4
    assert {finding.detail["model"], finding.detail["other_model"]} == {"a", "b"}


def test_a_missing_arm_is_a_finding_until_its_file_comes(study: Study) -> None:
    first = ingest(study, jsonl(line()))
    assert Finding.objects.get(kind="unpaired").detail == {"unpaired": 1, "prompts": 1}
    ingest(study, jsonl(line(arm="unmonitored")), name="second.jsonl")
    assert not Finding.objects.filter(kind="unpaired").exists()
    assert Pair.objects.get().n_unmonitored == 1
    assert first.pk


def test_a_file_that_is_being_ingested_is_not_ingested_a_second_time(study: Study) -> None:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    first = queue.request_ingest(source, user=None, options={})
    assert queue.request_ingest(source, user=None, options={}).pk == first.pk
    work.advance(first.pk)
    assert queue.request_ingest(source, user=None, options={}).pk != first.pk


def claimed(study: Study) -> tuple[Ingest, queue.Step]:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    row = queue.request_ingest(source, user=None, options={})
    plan = queue.claim_step(row.pk)
    assert plan is not None
    assert plan.kind == "plan"
    work._plan(plan, Ingest.objects.select_related("source").get(pk=row.pk))
    step = queue.claim_step(row.pk)
    assert step is not None
    assert step.kind == "chunk"
    return Ingest.objects.get(pk=row.pk), step


def a_batch(row: Ingest) -> Received:
    record = Record(
        cursor=0,
        position="line 1",
        locator={"bytes": [0, 1]},
        run=RunKey("m"),
        arm_hints=(),
        prompt=PromptKey("id", "p", "p"),
        sample=1,
        messages=(Message("user", "hello"),),
    )
    batch = Batch(most=10)
    batch.add_record(prepare(record, row.reader, {}))
    return received(*batch.frame())


def test_a_worker_that_lost_its_lease_writes_nothing(study: Study) -> None:
    row, step = claimed(study)
    IngestChunk.objects.filter(pk=step.chunk_id).update(lease_until="2000-01-01T00:00Z")
    successor = queue.claim_step(row.pk)
    assert successor is not None
    assert successor.attempt == step.attempt + 1
    with pytest.raises(Fenced):
        write_batch(a_batch(row), 1, step, row, Conditions(study.pk))
    assert not Transcript.objects.exists()
    write_batch(a_batch(row), 1, successor, row, Conditions(study.pk))
    assert Transcript.objects.count() == 1


def test_a_cancelled_ingest_takes_no_more_rows_and_can_go_on_later(study: Study) -> None:
    row, step = claimed(study)
    assert queue.cancel(row)
    with pytest.raises(Fenced):
        write_batch(a_batch(row), 1, step, row, Conditions(study.pk))
    assert queue.claim_step(row.pk) is None
    assert work.retry(Ingest.objects.get(pk=row.pk))
    work.advance(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
    assert counts(row) == (1, 1, 0, 0)


def test_an_ingest_whose_workers_keep_stopping_is_given_up_with_a_sentence(study: Study) -> None:
    row, step = claimed(study)
    for _ in range(queue.MAX_FAILURES):
        IngestChunk.objects.filter(pk=step.chunk_id).update(lease_until="2000-01-01T00:00Z")
        assert row.pk in queue.stalled()
        if work.advance(row.pk) is False and Ingest.objects.get(pk=row.pk).state == "done":
            break
        IngestChunk.objects.filter(pk=step.chunk_id).update(state="running", failures=queue.MAX_FAILURES)
    IngestChunk.objects.filter(pk=step.chunk_id).update(
        state="running", failures=queue.MAX_FAILURES, lease_until="2000-01-01T00:00Z"
    )
    Ingest.objects.filter(pk=row.pk).update(state="running")
    work.advance(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "Retry" in row.error


def test_reading_goes_on_behind_the_last_committed_record(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small batches and no time: each call commits one batch and hands the chunk back."""
    monkeypatch.setattr(work, "BATCH_ROWS", 3)
    source = sources.keep(study, io.BytesIO(jsonl(*(line(sample=n) for n in range(1, 11)))), "a.jsonl", None)
    row = queue.request_ingest(source, user=None, options={})
    done = []
    while work.advance(row.pk, seconds=0):
        done.append(Transcript.objects.count())
    assert done == sorted(done)
    assert 3 in done
    assert counts(Ingest.objects.get(pk=row.pk)) == (10, 10, 0, 0)


def test_the_counts_of_a_chunk_must_add_up(study: Study) -> None:
    from django.db import IntegrityError, transaction

    _, step = claimed(study)
    with pytest.raises(IntegrityError), transaction.atomic():
        IngestChunk.objects.filter(pk=step.chunk_id).update(read=5)


def test_the_source_is_kept_byte_for_byte(study: Study) -> None:
    content = b"\xef\xbb\xbf" + jsonl(line(note="key order, -0.0 and \\u0041 stay"))
    row = ingest(study, content)
    with sources.local_path(row.source) as path:
        assert path.read_bytes() == content


def real(real_data: Path, name: str) -> bytes:
    return (real_data / name).read_bytes()


def test_make_builds_what_an_ingest_builds(study: Study) -> None:
    """The tests' builder and the ingest agree on a transcript's columns."""
    ingest(
        study,
        jsonl(
            line(
                messages=[
                    {"role": "user", "content": make.DEFAULT_USER},
                    {"role": "assistant", "content": make.DEFAULT_ASSISTANT},
                ]
            )
        ),
    )
    ingested = Transcript.objects.get()
    built = make.transcript(make.study("built"))
    for field in ("parse_state", "n_messages", "n_characters", "content_sha256", "segmenter_version"):
        assert (
            bytes(getattr(ingested, field))
            if field == "content_sha256"
            else getattr(ingested, field) == getattr(built, field)
        )

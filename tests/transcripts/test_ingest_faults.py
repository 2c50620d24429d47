"""What goes wrong around an ingest, and leaves the rows right all the same."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from django.db import OperationalError
from django.urls import reverse

from afdash import retry as retrying
from afdash.accounts.models import User
from tests.transcripts.test_ingest import a_batch, claimed, counts, ingest, jsonl, line
from transcripts.ingest import queue, sources, work, writing
from transcripts.ingest.conditions import Conditions
from transcripts.models import Finding, Pair, Study, Transcript

pytestmark = pytest.mark.django_db


def test_a_commit_whose_answer_was_lost_is_not_counted_twice(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, step = claimed(study)

    def commit_twice(commit, **_):
        """As ``in_transaction`` does when the connection dies between the commit and its answer."""
        commit()
        return commit()

    monkeypatch.setattr(writing, "in_transaction", commit_twice)
    writing.write_batch(a_batch(row), 1, step, row, Conditions(study.pk))
    assert counts(row) == (1, 1, 0, 0)


def test_a_lost_connection_is_what_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control to the test above: the retry really happens for an error without a code."""
    monkeypatch.setattr(retrying, "_connection_is_gone", lambda: True)
    assert retrying.is_transient(OperationalError("server closed the connection unexpectedly"))
    monkeypatch.setattr(retrying, "_connection_is_gone", lambda: False)
    assert not retrying.is_transient(OperationalError("index row size exceeds maximum"))


def stored(sha256: str) -> Path:
    from django.core.files.storage import storages

    return Path(storages["sources"].path(sources.storage_name(sha256)))


def test_a_source_that_was_stored_half_is_stored_whole_the_next_time(study: Study) -> None:
    content = jsonl(line())
    source = sources.keep(study, io.BytesIO(content), "a.jsonl", None)
    path = stored(source.sha256)
    path.write_bytes(content[:10])
    sources.keep(study, io.BytesIO(content), "a.jsonl", None)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o077 == 0, "a source may hold what only members may see"
    assert list(Path(path.parents[2] / "incoming").iterdir()) == []


def test_an_upload_that_breaks_off_leaves_nothing(study: Study) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell():
                raise OSError("connection reset")
            return super().read(5)

    with pytest.raises(OSError, match="reset"):
        sources.keep(study, Breaks(b"0123456789"), "a.jsonl", None)
    assert not study.sources.exists()
    assert list(stored("ab" * 32).parents[2].joinpath("incoming").iterdir()) == []


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_the_pairs_of_an_ingest_that_was_stopped_are_counted(
    study: Study, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "BATCH_ROWS", 2)
    source = sources.keep(study, io.BytesIO(jsonl(*(line(sample=n) for n in range(1, 6)))), "a.jsonl", None)
    row = queue.request_ingest(source, user=None, options={})
    while not Transcript.objects.exists():
        work.advance(row.pk, seconds=0)
    assert Pair.objects.get().n_monitored == 0
    assert queue.cancel(row) if end == "cancel" else queue.fail(row.pk, "It broke.")
    assert Pair.objects.get().n_monitored == Transcript.objects.count() == 2


def test_other_options_do_not_slip_into_an_ingest_under_way(study: Study, lead: User, client_of) -> None:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    queue.request_ingest(source, user=None, options={"model": "wrong"})
    with pytest.raises(queue.BusySource, match="ingested already"):
        queue.request_ingest(source, user=None, options={"model": "right"})
    answer = client_of(lead).post(
        f"/api/v1/studies/{study.slug}/ingests/", {"file": upload(), "path": "a.jsonl", "model": "right"}
    )
    assert answer.status_code == 409
    assert "ingested already" in answer.json()["error"]["message"]
    page = client_of(lead).post(
        reverse("ingest_list", args=[study.slug]), {"file": upload(), "path": "a.jsonl", "model": "right"}
    )
    assert page.status_code == 422
    assert "ingested already" in page.content.decode()


def upload():
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("a.jsonl", jsonl(line()))


def test_retry_gives_way_to_a_newer_ingest_of_the_same_file(study: Study, lead: User, client_of) -> None:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    old = queue.request_ingest(source, user=None, options={})
    queue.cancel(old)
    queue.request_ingest(source, user=None, options={})
    answer = client_of(lead).post(reverse("ingest_retry", args=[study.slug, old.pk]), follow=True)
    assert answer.status_code == 200
    assert "ingested already" in answer.content.decode()
    old.refresh_from_db()
    assert old.state == "cancelled"


def test_a_source_missing_from_storage_is_said_in_a_sentence(study: Study) -> None:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    os.unlink(stored(source.sha256))
    row = queue.request_ingest(source, user=None, options={})
    work.advance(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"
    assert "no longer in our storage" in row.error


def test_identical_content_is_counted_by_transcripts(study: Study) -> None:
    """Ten equal answers under each of two models are ten transcripts, not a hundred."""
    ingest(study, jsonl(*(line(model="a", sample=n) for n in range(1, 11))))
    ingest(study, jsonl(*(line(model="b", sample=n) for n in range(1, 11))), name="b.jsonl")
    assert Finding.objects.get(kind="identical_content").detail["transcripts"] == 10


def test_one_chance_likeness_is_no_finding(study: Study) -> None:
    ingest(study, jsonl(line(model="a"), line(model="a", sample=2)))
    other = line(model="b", sample=2, messages=[{"role": "user", "content": "How?"}])
    ingest(study, jsonl(line(model="b"), other), name="b.jsonl")
    assert not Finding.objects.filter(kind="identical_content").exists()

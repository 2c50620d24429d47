"""Archives and compressed files: what they hold is ingested file by file, and counted together."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from tests.transcripts.test_ingest import counts, ingest, jsonl, line
from transcripts.ingest import queue, sources, work
from transcripts.models import Ingest, Source, Study, Transcript

pytestmark = pytest.mark.django_db

FILES = {
    "care/vllm:m_True.json": json.dumps(
        [{"input": "<is_free_tier_user>True</is_free_tier_user>How?", "response": ["Yes.", "No."]}]
    ).encode(),
    "care/vllm:m_False.json": json.dumps(
        [{"input": "<is_free_tier_user>False</is_free_tier_user>How?", "response": ["Yes.", "No."]}]
    ).encode(),
    "own.jsonl": jsonl(line(), line(sample=2)),
}


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def all_of_it(row: Ingest) -> Ingest:
    """Advance the container and its parts as workers would, until nothing is left."""
    while rows := Ingest.objects.filter(study=row.study, state__in=Ingest.ACTIVE).order_by("pk"):
        for each in rows:
            work.advance(each.pk, seconds=60)
    return Ingest.objects.get(pk=row.pk)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("runs.zip", zipped),
        ("runs.tar", tarred),
        ("runs.tar.gz", lambda files: gzip.compress(tarred(files))),
        ("no-name-to-go-by", zipped),
    ],
)
def test_every_file_of_an_archive_is_ingested_as_if_the_folder_had_been_given(
    study: Study, name: str, packed: Callable[[dict[str, bytes]], bytes]
) -> None:
    row = all_of_it(ingest(study, packed(FILES), name=name))
    assert row.state == "done"
    assert row.is_container
    assert {part.reader for part in row.parts.all()} == {"paired_json", "own_jsonl"}
    assert counts(row) == (6, 6, 0, 0)
    runs = set(Transcript.objects.values_list("run__model", "run__setting"))
    assert runs == {("m", ""), ("m", "care")}
    paired = Transcript.objects.filter(run__setting="care").first()
    assert paired is not None
    assert (paired.pair.n_monitored, paired.pair.n_unmonitored) == (2, 2)
    again = all_of_it(ingest(study, packed(FILES), name=name))
    assert counts(again) == (6, 0, 6, 0)


def test_one_compressed_file_stands_where_it_stood(study: Study) -> None:
    row = all_of_it(
        ingest(study, gzip.compress(FILES["care/vllm:m_True.json"]), name="care/vllm:m_True.json.gz")
    )
    assert row.state == "done"
    part = row.parts.get()
    assert part.source.name == "care/vllm:m_True.json"
    assert Transcript.objects.filter(run__setting="care", run__model="m").count() == 2


def test_what_cannot_be_read_says_so_and_the_rest_is_in(study: Study) -> None:
    inner = zipped({"a.jsonl": jsonl(line())})
    row = all_of_it(
        ingest(
            study,
            zipped({"good.jsonl": jsonl(line()), "bad.pdf": b"%PDF-1.7 \x00", "inner.zip": inner}),
            name="mixed.zip",
        )
    )
    assert row.state == "done_with_rejects"
    assert {part.source.name: part.state for part in row.parts.all()} == {
        "mixed/good.jsonl": "done",
        "mixed/bad.pdf": "failed",
    }
    skipped = row.findings.get(kind="member_skipped")
    assert "inner.zip" in skipped.message
    assert "Unpack it" in skipped.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zipped({}), "holds no files"),
        (zipped({"inner.zip": zipped({"a": b"b"})}), "only one is opened"),
        (zipped({"a.pdf": b"%PDF-1.7 \x00"}), "could be read"),
        (gzip.compress(jsonl(line()))[:30], ""),
    ],
)
def test_an_archive_with_nothing_to_read_fails_with_a_sentence(
    study: Study, content: bytes, says: str
) -> None:
    row = all_of_it(ingest(study, content, name="runs.zip"))
    assert row.state == "failed"
    assert says in row.error
    assert row.error.endswith(".")


def test_unpacking_again_after_a_stop_stores_and_queues_nothing_twice(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies after it has queued some members: its successor queues the others only."""
    source = sources.keep(study, io.BytesIO(zipped(FILES)), "runs.zip", None)
    row = queue.request_ingest(source, user=None, options={})
    step = queue.claim_step(row.pk)
    assert step is not None
    with monkeypatch.context() as dying:
        dying.setattr(queue, "hold_ingest", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            work._plan(step, Ingest.objects.select_related("source", "study").get(pk=row.pk))
    assert row.parts.count() == 3
    Ingest.objects.filter(pk=row.pk).update(lease_until="2000-01-01T00:00Z")
    ended = all_of_it(row)
    assert ended.state == "done"
    assert counts(ended) == (6, 6, 0, 0)
    assert Source.objects.filter(study=study).count() == 4
    assert list((Path(settings.AFDASH_DATA_DIR) / "unpacking").iterdir()) == []


def test_cancel_stops_the_parts_and_retry_goes_on_with_them(study: Study) -> None:
    source = sources.keep(study, io.BytesIO(zipped(FILES)), "runs.zip", None)
    row = queue.request_ingest(source, user=None, options={})
    work.advance(row.pk, seconds=0)
    row.refresh_from_db()
    assert row.state == "running"
    assert queue.cancel(row)
    assert set(row.parts.values_list("state", flat=True)) == {"cancelled"}
    assert work.retry(Ingest.objects.get(pk=row.pk))
    assert all_of_it(row).state == "done"
    assert Transcript.objects.count() == 6

"""Copies of stored sources: one fetch for all processes, nothing removed that is in use, sources in a bucket."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.transcripts.test_ingest import counts, jsonl, line
from transcripts.ingest import queue, sources, work
from transcripts.ingest.places.faults import Missing, PlaceFault
from transcripts.ingest.places.fetched import FetchedFiles
from transcripts.models import Ingest, Study, Transcript

ROOT = Path(__file__).resolve().parents[3]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Fetching:
    """Gives ``content`` in two blocks, and counts how often it was asked."""

    def __init__(self, content: bytes) -> None:
        self.content, self.times = content, 0

    def __call__(self) -> Iterator[bytes]:
        self.times += 1
        middle = len(self.content) // 2
        yield self.content[:middle]
        yield self.content[middle:]


def used(files: FetchedFiles, content: bytes, fetching: Fetching | None = None) -> bytes:
    with files.file(sha256(content), len(content), fetching or Fetching(content)) as path:
        return path.read_bytes()


def names(files: FetchedFiles) -> set[str]:
    return {path.name for path in files.folder.iterdir() if path.is_file()}


def test_it_is_fetched_once_and_kept(tmp_path: Path) -> None:
    files, fetching = FetchedFiles(tmp_path, 100), Fetching(b"12345")
    assert used(files, b"12345", fetching) == used(files, b"12345", fetching) == b"12345"
    assert fetching.times == 1
    assert (tmp_path / sha256(b"12345")).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("came", "code"), [(b"1234", "wrong_length"), (b"12346", "wrong_content")])
def test_what_is_not_the_file_is_not_kept(tmp_path: Path, came: bytes, code: str) -> None:
    files = FetchedFiles(tmp_path, 100)
    with pytest.raises(PlaceFault) as caught:
        used(files, b"12345", Fetching(came))
    assert caught.value.code == code
    assert names(files) == set()
    assert used(files, b"12345") == b"12345"


def test_a_fetch_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"12"
        raise PlaceFault("cut", "cut", passing=True)

    files = FetchedFiles(tmp_path, 100)
    with pytest.raises(PlaceFault), files.file(sha256(b"12345"), 5, breaks):
        pass
    assert names(files) == set()


def test_what_was_used_longest_ago_goes_first_and_what_is_in_use_never(tmp_path: Path) -> None:
    files = FetchedFiles(tmp_path, 12)
    contents = [b"aaaa", b"bbbb", b"cccc"]
    for number, content in enumerate(contents):
        used(files, content)
        os.utime(tmp_path / sha256(content), (number, number))
    used(files, contents[0])  # now the newest
    with files.file(sha256(contents[1]), 4, Fetching(contents[1])) as path:
        os.utime(path, (0, 0))
        used(files, b"dddd")
        assert names(files) == {sha256(contents[0]), sha256(contents[1]), sha256(b"dddd")}
        used(files, b"e" * 50)  # larger than all the room there is
        assert path.read_bytes() == contents[1]
        assert names(files) == {sha256(contents[1]), sha256(b"e" * 50)}


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{'ab' * 32}.123.part"
    left.write_bytes(b"123")
    files = FetchedFiles(tmp_path, 100)
    used(files, b"12345")
    assert names(files) == {sha256(b"12345")}


CHILD = """
import sys, time
from pathlib import Path
from transcripts.ingest.places.fetched import FetchedFiles
def blocks():
    with open(sys.argv[2], "a") as log:
        log.write("fetched\\n")
    time.sleep(0.5)
    yield b"12345"
files = FetchedFiles(Path(sys.argv[1]), 100)
with files.file(sys.argv[3], 5, blocks) as path:
    assert path.read_bytes() == b"12345"
"""


def child(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-c", CHILD, str(folder), str(log), sha256(b"12345")]
    return subprocess.Popen(arguments, cwd=ROOT)


def test_two_processes_fetch_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [child(tmp_path / "files", log) for _ in range(3)]
    assert [each.wait(30) for each in children] == [0, 0, 0]
    assert log.read_text() == "fetched\n"


def test_a_process_that_is_killed_holds_nobody_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = child(tmp_path / "files", log)
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert child(tmp_path / "files", log).wait(30) == 0


# Sources in a bucket


@pytest.fixture
def remote(store, settings, tmp_path: Path):
    settings.AFDASH_STORAGE = store.address(prefix="sources/")
    settings.AFDASH_DATA_DIR = tmp_path / "machine"
    return store


def kept(study: Study, content: bytes):
    return sources.keep(study, io.BytesIO(content), "care/a.jsonl", None)


@pytest.mark.django_db
def test_a_source_in_a_bucket_is_ingested_and_its_records_can_be_had(study: Study, remote, settings) -> None:
    content = jsonl(line(), b"broken", line(sample=2))
    source = kept(study, content)
    assert (remote.folder / "runs/sources" / sources.storage_name(source.sha256)).read_bytes() == content
    assert list((settings.AFDASH_DATA_DIR / "incoming").iterdir()) == []
    row = queue.request_ingest(source, user=None, options={})
    work.advance(row.pk, seconds=60)
    row.refresh_from_db()
    assert (row.state, counts(row)) == ("done_with_rejects", (3, 2, 0, 1))
    record = sources.original_record(source, Transcript.objects.get(sample=2).locator)
    assert record.rstrip() == content.splitlines()[2]
    # Another machine has no copy yet.
    settings.AFDASH_DATA_DIR = settings.AFDASH_DATA_DIR.with_name("other")
    assert sources.original_record(source, Transcript.objects.get(sample=2).locator) == record


@pytest.mark.django_db
def test_a_source_that_is_kept_again_is_not_sent_again(study: Study, remote) -> None:
    source = kept(study, b"0123456789")
    stored = remote.folder / "runs/sources" / sources.storage_name(source.sha256)
    os.utime(stored, (1, 1))
    assert kept(study, b"0123456789") == source
    assert stored.stat().st_mtime == 1
    stored.write_bytes(b"half")
    kept(study, b"0123456789")
    assert stored.read_bytes() == b"0123456789"


@pytest.mark.django_db
def test_a_source_that_is_gone_or_spoilt_fails_the_ingest_with_a_sentence(study: Study, remote) -> None:
    for content, words in ((None, "no longer in our storage"), (b"spoilt!!!!", "sha256 differs")):
        source = kept(study, b"0123456789")
        stored = remote.folder / "runs/sources" / sources.storage_name(source.sha256)
        stored.unlink()
        if content:
            stored.write_bytes(content)
        with pytest.raises(Missing if content is None else sources.RecordIsGone):
            sources.original_record(source, {"bytes": [0, 5]})
        row = queue.request_ingest(source, user=None, options={})
        work.advance(row.pk)
        row.refresh_from_db()
        assert row.state == "failed"
        assert words in row.error


@pytest.mark.django_db
def test_storage_that_is_away_is_waited_for_a_few_times(study: Study, remote, settings) -> None:
    source = kept(study, jsonl(line()))
    there = settings.AFDASH_STORAGE
    settings.AFDASH_STORAGE = remote.address(prefix="sources/", endpoint="http://127.0.0.1:1")
    row = queue.request_ingest(source, user=None, options={})

    def once_more() -> Ingest:
        Ingest.objects.filter(pk=row.pk).update(lease_until="2000-01-01T00:00Z")
        work.advance(row.pk)
        row.refresh_from_db()
        return row

    work.advance(row.pk)
    assert once_more().state == "planning"
    settings.AFDASH_STORAGE = there
    assert once_more().state == "done"
    settings.AFDASH_STORAGE = remote.address(prefix="sources/", endpoint="http://127.0.0.1:1")
    settings.AFDASH_DATA_DIR = settings.AFDASH_DATA_DIR.with_name("other")
    row = queue.request_ingest(source, user=None, options={})
    work.advance(row.pk)
    for _ in range(4):
        once_more()
    assert row.state == "failed"
    assert "cannot be reached" in row.error


@pytest.mark.django_db
def test_an_upload_while_storage_is_away_says_so_and_leaves_nothing(
    study: Study, remote, settings, lead, client_of
) -> None:
    settings.AFDASH_STORAGE = remote.address(prefix="sources/", endpoint="http://127.0.0.1:1")
    for address in (f"/studies/{study.slug}/ingests/", f"/api/v1/studies/{study.slug}/ingests/"):
        file = SimpleUploadedFile("a.jsonl", jsonl(line()))
        answer = client_of(lead).post(address, {"file": file}, headers={"host": "127.0.0.1"})
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    assert "cannot be reached" in answer.json()["error"]["message"]
    assert not study.sources.exists()
    assert list((settings.AFDASH_DATA_DIR / "incoming").iterdir()) == []


@pytest.mark.django_db
def test_a_row_of_a_parquet_file_is_given_as_json(study: Study, remote, tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    table = pyarrow.table({"n": list(range(300)), "text": [f"é{n}" for n in range(300)]})
    parquet.write_table(table, path, row_group_size=100)
    source = kept(study, path.read_bytes())
    for row in (0, 99, 100, 299):
        record = sources.original_record(source, {"row": row})
        assert record == f'{{"n":{row},"text":"é{row}"}}\n'.encode()
    with pytest.raises(sources.RecordIsGone):
        sources.original_record(source, {"row": 300})
    with pytest.raises(sources.RecordIsGone):
        sources.original_record(kept(study, b"PAR1 but broken"), {"row": 0})

"""From a place to rows: fetched by a worker, checked, retried, cancelled; folders; the watched folder."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import F

from afdash.addresses import Watched
from tests.transcripts.test_ingest import counts, jsonl, line
from transcripts.ingest import work
from transcripts.ingest.places import fetching, queue, watching
from transcripts.ingest.places.faults import PlaceFault
from transcripts.ingest.places.folder import FolderPlace
from transcripts.ingest.queue import Fenced
from transcripts.models import Fetch, Ingest, Study, Transcript

pytestmark = pytest.mark.django_db
CONTENT = jsonl(line(), line(sample=2))


def asked(
    study: Study, path: str = "a.jsonl", place: str = "mount", is_folder: bool = False, **options
) -> Fetch:
    (fetch,) = queue.request_fetches(study, place, [(path, is_folder)], user=None, options=options)
    return fetch


def now(fetch: Fetch) -> Fetch:
    """Done at once, however long it was to wait."""
    Fetch.objects.filter(pk=fetch.pk).update(not_before=None)
    fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    return fetch


def ingested(fetch: Fetch) -> Ingest:
    assert fetch.ingest, (fetch.state, fetch.error)
    work.advance(fetch.ingest.pk, seconds=60)
    return Ingest.objects.get(pk=fetch.ingest.pk)


@pytest.mark.parametrize("place", ["lab", "mount"])
def test_a_file_is_fetched_kept_and_ingested(study: Study, places, mount: Path, store, place: str) -> None:
    store.put("care/a.jsonl", CONTENT)
    (mount / "care").mkdir()
    (mount / "care" / "a.jsonl").write_bytes(CONTENT)
    fetch = now(asked(study, "care/a.jsonl", place, model="other"))
    assert (fetch.state, fetch.size) == ("done", len(CONTENT))
    row = ingested(fetch)
    assert (row.state, counts(row)) == ("done", (2, 2, 0, 0))
    assert (row.source.name, row.options) == ("care/a.jsonl", {"model": "other"})


def test_asked_for_twice_it_is_fetched_once(study: Study, places, mount: Path) -> None:
    assert asked(study) == asked(study)
    with pytest.raises(queue.BusyFetch, match="other options"):
        asked(study, model="m")
    with pytest.raises(PlaceFault, match="not a path"):
        asked(study, "../a.jsonl")


def test_what_is_not_there_fails_at_once_and_can_be_retried(study: Study, places, mount: Path) -> None:
    fetch = now(asked(study))
    assert (fetch.state, fetch.code) == ("failed", "missing")
    assert "a.jsonl is not there" in fetch.error
    (mount / "a.jsonl").write_bytes(CONTENT)
    assert queue.retry(fetch)
    assert now(fetch).state == "done"
    assert fetch.error == ""


def test_a_store_that_is_away_is_asked_again_with_growing_pauses(
    study: Study, places, store, settings
) -> None:
    store.put("a.jsonl", CONTENT)
    there = settings.AFDASH_PLACES["lab"]
    settings.AFDASH_PLACES["lab"] = replace(there, address=store.address(endpoint="http://127.0.0.1:1"))
    fetch = asked(study, place="lab")
    fetching.advance(fetch.pk)
    fetch.refresh_from_db()
    assert (fetch.state, fetch.code) == ("queued", "unreachable")
    assert not fetching.advance(fetch.pk), "it did not pause"
    assert fetch.pk not in queue.stalled()
    settings.AFDASH_PLACES["lab"] = there
    assert now(fetch).state == "done"
    assert fetch.code == ""


def test_it_is_given_up_after_some_tries(study: Study, places, mount: Path, monkeypatch) -> None:
    monkeypatch.setattr(queue, "MAX_FAILURES", 2)
    (mount / "a.jsonl").write_bytes(CONTENT)
    fetch = asked(study)
    for _ in range(2):  # two workers that die
        assert queue.claim(fetch.pk)
        Fetch.objects.update(lease_until="2000-01-01T00:00Z")
    assert now(fetch).state == "failed"
    assert "Several workers" in fetch.error


class Growing:
    """A place whose file has grown by the time it is read to its end, ``times`` times."""

    def __init__(self, path: Path, times: int) -> None:
        self.path, self.times = path, times

    def __call__(self, study: Study, name: str):
        outer = self

        class Place(FolderPlace):
            def blocks(self, entry, offset):
                yield from super().blocks(entry, offset)
                if outer.times:
                    outer.times -= 1
                    with outer.path.open("ab") as file:
                        file.write(jsonl(line(sample=3 + outer.times)))

        return Place(self.path.parent)


@pytest.mark.parametrize(("times", "state"), [(1, "done"), (2, "failed")])
def test_a_file_that_changes_meanwhile_is_tried_once_more(
    study: Study, places, mount: Path, monkeypatch, times: int, state: str
) -> None:
    path = mount / "a.jsonl"
    path.write_bytes(CONTENT)
    monkeypatch.setattr(fetching, "open_place", Growing(path, times))
    fetch = now(asked(study))
    assert (fetch.state, fetch.code) == ("queued", "source_changed")
    assert not study.sources.exists()
    assert now(fetch).state == state
    assert fetch.code == ("" if state == "done" else "source_changed")


def test_cancelled_while_it_is_fetched_it_leaves_nothing(
    study: Study, places, mount: Path, monkeypatch, settings, tmp_path
) -> None:
    settings.AFDASH_DATA_DIR = tmp_path / "data"
    (mount / "a.jsonl").write_bytes(b"x" * (3 << 20))
    fetch = asked(study)
    monkeypatch.setattr(fetching, "TOLD_SECONDS", 0)
    told = queue.renew

    def cancels(claim, done):
        queue.cancel(fetch)
        told(claim, done)

    monkeypatch.setattr(queue, "renew", cancels)
    assert now(fetch).state == "cancelled"
    assert not study.sources.exists()
    assert not study.ingests.exists()
    assert list((settings.AFDASH_DATA_DIR / "incoming").iterdir()) == []


def test_a_worker_that_was_frozen_past_its_lease_writes_nothing(study: Study, places, mount: Path) -> None:
    (mount / "a.jsonl").write_bytes(CONTENT)
    fetch = asked(study)
    old = queue.claim(fetch.pk)
    assert old
    assert queue.claim(fetch.pk) is None
    Fetch.objects.update(lease_until="2000-01-01T00:00Z")
    assert fetch.pk in queue.stalled()
    assert now(fetch).state == "done"
    with pytest.raises(Fenced):
        queue.renew(old, 5)
    with pytest.raises(Fenced):
        queue.hold(old, state="failed")


def test_a_ticked_folder_gives_its_files_and_says_what_was_left_out(
    study: Study, places, mount: Path
) -> None:
    for name in ("care/a.jsonl", "care/deep/b.jsonl", "other/c.jsonl"):
        (mount / name).parent.mkdir(parents=True, exist_ok=True)
        (mount / name).write_bytes(CONTENT)
    (mount / "care" / "link").symlink_to("/etc/passwd")
    os.mkfifo(mount / "care" / "pipe")
    folder = now(asked(study, "care", is_folder=True, model="m"))
    assert folder.state == "done"
    assert folder.note == "1 left out: a symbolic link, as care/link; 1 left out: not a file, as care/pipe"
    assert sorted(folder.files.values_list("path", flat=True)) == ["care/a.jsonl", "care/deep/b.jsonl"]
    Fetch.objects.filter(pk=folder.pk).update(state="queued")
    assert now(folder).files.count() == 2, "doing it again queues nothing twice"
    for fetch in folder.files.all():
        assert ingested(now(fetch)).options == {"model": "m"}
    empty = mount / "empty"
    empty.mkdir()
    assert "no file" in now(asked(study, "empty", is_folder=True)).error


def test_cancelling_a_folder_cancels_its_files(study: Study, places, mount: Path) -> None:
    (mount / "care").mkdir()
    (mount / "care" / "a.jsonl").write_bytes(CONTENT)
    folder = now(asked(study, "care", is_folder=True))
    assert queue.cancel(folder)
    (file,) = folder.files.all()
    assert file.state == "cancelled"
    assert queue.retry(folder)
    assert now(file).state == "done"


# The watched folder


@pytest.fixture
def watched(study: Study, places, mount: Path, settings) -> Path:
    settings.AFDASH_WATCHED = [Watched(study.slug, "mount", "done")]
    settings.AFDASH_WATCHED_SECONDS = 30
    folder = mount / "done"
    folder.mkdir()
    return folder


def look_later(seconds: int = 60) -> None:
    """The next look, which finds that this long has passed."""
    Fetch.objects.update(created_at=F("created_at") - timedelta(seconds=seconds))
    watching.look()
    for fetch in Fetch.objects.filter(state="queued"):
        now(fetch)
    for row in Ingest.objects.filter(state="queued"):
        work.advance(row.pk, seconds=60)


def states() -> list[tuple[str, str]]:
    return list(Fetch.objects.order_by("pk").values_list("path", "state"))


def test_a_new_file_is_ingested_once_and_again_when_it_has_grown(study: Study, watched: Path) -> None:
    path = watched / "deep" / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    watching.look()
    assert states() == [("done/deep/a.jsonl", "settling")]
    watching.look()
    assert states() == [("done/deep/a.jsonl", "settling")], "two looks at once are one"
    look_later()
    assert states() == [("done/deep/a.jsonl", "done")]
    look_later()
    assert Ingest.objects.count() == 1
    with path.open("ab") as file:
        file.write(jsonl(line(sample=3)))
    look_later(0)
    look_later()
    assert [counts(row) for row in Ingest.objects.order_by("pk")] == [(2, 2, 0, 0), (3, 1, 2, 0)]
    assert Transcript.objects.count() == 3
    assert path.read_bytes() == CONTENT + jsonl(line(sample=3))


def test_a_file_that_is_still_growing_waits(study: Study, watched: Path) -> None:
    path = watched / "a.jsonl"
    for number in range(4):
        with path.open("ab") as file:
            file.write(jsonl(line(sample=number)))
        look_later()
        assert states() == [("done/a.jsonl", "settling")], "it was taken, or an older version is remembered"
    look_later()
    assert states() == [("done/a.jsonl", "done")]


def test_a_file_seen_a_moment_ago_but_long_finished_waits_for_its_second_look_only(
    study: Study, watched: Path
) -> None:
    path = watched / "a.jsonl"
    path.write_bytes(CONTENT)
    os.utime(path, (1, 1))
    watching.look()
    look_later(watching.BETWEEN_SECONDS + 1)
    assert states() == [("done/a.jsonl", "done")]
    young = watched / "b.jsonl"
    young.write_bytes(jsonl(line(sample=9)))
    watching.look()
    look_later(watching.BETWEEN_SECONDS + 1)
    assert states()[1] == ("done/b.jsonl", "settling")


@pytest.mark.parametrize(
    "name",
    ["a.jsonl.part", "a.tmp", "a.jsonl~", ".a.jsonl.Xy12", "_x.TMP", ".staging/a.jsonl", "b.crdownload"],
)
def test_unfinished_names_are_left_alone(study: Study, watched: Path, name: str) -> None:
    path = watched / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CONTENT)
    watching.look()
    assert states() == []


def test_what_cannot_be_read_is_reported_once(study: Study, watched: Path) -> None:
    (watched / "bad.bin").write_bytes(b"\x89PNG\r\n\x1a\n")
    for _ in range(4):
        look_later()
    assert states() == [("done/bad.bin", "done")]
    (row,) = Ingest.objects.all()
    assert row.state == "failed"
    assert "PNG" in row.error


def test_links_and_pipes_in_it_are_not_touched(study: Study, watched: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    (watched / "link.jsonl").symlink_to(tmp_path / "secret")
    os.mkfifo(watched / "pipe.jsonl")
    look_later()
    assert states() == []


def test_a_folder_or_study_that_is_gone_stops_no_other(study: Study, watched: Path, settings) -> None:
    settings.AFDASH_WATCHED = [
        Watched("no-such-study", "mount", ""),
        Watched(study.slug, "mount", "gone"),
        *settings.AFDASH_WATCHED,
    ]
    (watched / "a.jsonl").write_bytes(CONTENT)
    watching.look()
    assert states() == [("done/a.jsonl", "settling")]


def test_a_bucket_is_watched_too(study: Study, watched: Path, settings, store) -> None:
    settings.AFDASH_WATCHED = [Watched(study.slug, "lab", "nightly")]
    store.put("nightly/a.jsonl", CONTENT)
    store.put("else/b.jsonl", CONTENT)
    watching.look()
    look_later()
    assert states() == [("nightly/a.jsonl", "done")]
    assert Transcript.objects.count() == 2

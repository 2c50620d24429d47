"""A folder of the server: nothing outside it is reached, nothing in it makes a reader wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transcripts.ingest.places.faults import Changed, Missing, PlaceFault
from transcripts.ingest.places.folder import FolderPlace
from transcripts.ingest.places.place import Reading


@pytest.fixture
def place(mount: Path) -> FolderPlace:
    return FolderPlace(mount)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.json").write_text("secret")
    return folder


def whole(place: FolderPlace, path: str) -> bytes:
    return b"".join(iter(Reading(place, place.entry(path)).read, b""))


def test_it_lists_what_is_there_with_sizes_and_times(place: FolderPlace, mount: Path) -> None:
    (mount / "care").mkdir()
    (mount / "care" / "a.json").write_bytes(b"12345")
    (mount / "b.json").write_bytes(b"1")
    found = place.listing("")
    assert [(e.path, e.is_folder, e.size) for e in found.entries] == [
        ("b.json", False, 1),
        ("care", True, 0),
    ]
    (entry,) = place.listing("care").entries
    assert (entry.path, entry.name, entry.size) == ("care/a.json", "a.json", 5)
    assert entry.modified
    assert whole(place, "care/a.json") == b"12345"
    assert [e.path for e in place.files("")] == ["b.json", "care/a.json"]


@pytest.mark.parametrize("most", [1, 7, 5000, 6000])
def test_a_large_folder_comes_in_pages_and_each_name_once(place: FolderPlace, mount: Path, most: int) -> None:
    number = 5000 if most > 10 else 20
    for each in range(number):
        (mount / f"{each:05d}").touch()
    seen: list[str] = []
    cursor = ""
    while True:
        page = place.listing("", cursor, most)
        seen += [entry.path for entry in page.entries]
        if not (cursor := page.next):
            break
    assert seen == [f"{each:05d}" for each in range(number)]


OUTSIDE = [
    "..",
    "../outside/secret.json",
    "care/../../outside/secret.json",
    "/etc/passwd",
    "./b.json",
    "care//a.json",
    "a\U0010f800b",  # as a NUL is stored
    "x" * 1025,
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_is_not_plain_is_refused(place: FolderPlace, secret: Path, path: str) -> None:
    for ask in (place.entry, place.listing, lambda each: list(place.files(each))):
        with pytest.raises(PlaceFault, match="not a path below") as caught:
            ask(path)
        assert caught.value.code == "bad_path"


def test_links_lead_nowhere(place: FolderPlace, mount: Path, secret: Path) -> None:
    (mount / "file").symlink_to(secret / "secret.json")
    (mount / "folder").symlink_to(secret)
    (mount / "absolute").symlink_to("/")
    assert {(e.path, e.is_folder, e.skipped) for e in place.listing("").entries} == {
        (name, False, "a symbolic link") for name in ("file", "folder", "absolute")
    }
    for path in ("file", "folder/secret.json", "absolute/etc/passwd", "folder"):
        with pytest.raises(PlaceFault, match=r"not there|link|not a file"):
            place.entry(path)
    for path in ("folder", "absolute/etc"):
        with pytest.raises(PlaceFault):
            place.listing(path)
    assert all(entry.skipped for entry in place.files(""))


def test_a_link_put_there_behind_the_listing_leads_nowhere(
    place: FolderPlace, mount: Path, secret: Path
) -> None:
    (mount / "care").mkdir()
    (mount / "care" / "secret.json").write_text("harmless")
    entry = place.entry("care/secret.json")
    (mount / "care").rename(mount / "away")
    (mount / "care").symlink_to(secret)
    with pytest.raises(PlaceFault):
        b"".join(place.blocks(entry, 0))


def test_what_is_no_file_is_named_and_never_waited_for(place: FolderPlace, mount: Path) -> None:
    os.mkfifo(mount / "pipe")
    (mount / "folder").mkdir()
    (entry,) = [e for e in place.listing("").entries if e.path == "pipe"]
    assert entry.skipped == "not a file"
    for path in ("pipe", "folder"):
        with pytest.raises(PlaceFault, match="not a file"):
            place.entry(path)


def test_names_that_are_no_utf_8_are_shown_escaped_and_can_be_asked_for(
    place: FolderPlace, mount: Path
) -> None:
    (Path(os.fsdecode(os.fsencode(mount) + b"/b\xff\n.json"))).write_bytes(b"1")
    (entry,) = place.listing("").entries
    assert entry.shown == "b\\xff\\n.json"
    entry.path.encode()  # can stand in a row and an address
    assert whole(place, entry.path) == b"1"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(place: FolderPlace, mount: Path) -> None:
    (mount / "a").write_bytes(b"1")
    (mount / "a").chmod(0)
    with pytest.raises(PlaceFault, match="may not be read"):
        place.entry("a")


def test_what_is_not_there_is_missing(place: FolderPlace, mount: Path) -> None:
    (mount / "file").touch()
    for path in ("none", "none/none", "file/none", "x" * 300):
        with pytest.raises(Missing):
            place.entry(path)
    with pytest.raises(Missing):
        FolderPlace(mount / "gone").listing("")


@pytest.mark.parametrize("change", ["grows", "shrinks", "replaced", "rewritten"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    place: FolderPlace, mount: Path, change: str
) -> None:
    path = mount / "a"
    path.write_bytes(b"x" * (3 << 20))
    reading = Reading(place, place.entry("a"))
    assert reading.read()
    if change == "grows":
        with path.open("ab") as file:
            file.write(b"y")
    elif change == "shrinks":
        os.truncate(path, 1 << 20)
    else:
        new = mount / "new"
        new.write_bytes(b"y" * (3 << 20))
        os.utime(new, ns=(0, path.stat().st_mtime_ns + 1))
        os.replace(new, path)
    with pytest.raises(Changed):
        b"".join(iter(reading.read, b""))

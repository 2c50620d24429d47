"""A bucket against a real S3 server, over a line that can be cut."""

from __future__ import annotations

import subprocess
import sys

import pytest

from transcripts.ingest.places import bucket as bucket_module
from transcripts.ingest.places.bucket import BucketPlace
from transcripts.ingest.places.faults import Changed, Missing, PlaceFault
from transcripts.ingest.places.place import Entry, Reading

CONTENT = bytes(range(256)) * 20_000  # 5 MB, several blocks


def whole(place: BucketPlace, path: str) -> bytes:
    return b"".join(iter(Reading(place, place.entry(path)).read, b""))


def rest_of(reading: Reading) -> bytes:
    return b"".join(iter(reading.read, b""))


def listed(place: BucketPlace, path: str = "", most: int = 1000) -> list[Entry]:
    entries: list[Entry] = []
    cursor = ""
    while True:
        page = place.listing(path, cursor, most)
        assert len(page.entries) <= most
        entries += page.entries
        if not (cursor := page.next):
            return entries


def test_it_lists_folders_and_files_below_its_prefix_only(store) -> None:
    for path in ("2026/a.json", "2026/care/b.json", "2026/care/deep/c d.json", "2025/secret.json"):
        store.put(path, b"12345")
    place = BucketPlace(store.address(prefix="2026/"))
    found = [(e.path, e.is_folder, e.size) for e in listed(place)]
    assert found == [("care", True, 0), ("a.json", False, 5)]
    assert [e.path for e in listed(place, "care")] == ["care/deep", "care/b.json"]
    assert sorted(e.path for e in place.files("")) == ["a.json", "care/b.json", "care/deep/c d.json"]
    for outside in ("../2025", "..", "care/../../2025/secret.json", "/2025", "care//b.json"):
        with pytest.raises(PlaceFault, match="not a path"):
            place.listing(outside)
        with pytest.raises(PlaceFault, match="not a path"):
            place.entry(outside)


def test_more_objects_than_a_store_lists_at_once_come_in_pages_and_each_once(store) -> None:
    for number in range(1200):
        store.put(f"many/{number:04d}.json", b"1")
    found = listed(BucketPlace(store.address()), "many", 250)
    assert [e.path for e in found] == [f"many/{number:04d}.json" for number in range(1200)]
    assert sum(1 for _ in BucketPlace(store.address()).files("many")) == 1200


def test_the_bytes_are_those_of_the_object(store) -> None:
    store.put("a.bin", CONTENT)
    store.put("empty", b"")
    place = BucketPlace(store.address())
    assert whole(place, "a.bin") == CONTENT
    assert whole(place, "empty") == b""
    assert b"".join(place.blocks(place.entry("a.bin"), 1_234_567)) == CONTENT[1_234_567:]


def test_a_reading_goes_on_where_the_line_was_cut(store, line) -> None:
    store.put("a.bin", CONTENT)
    place = BucketPlace(store.address(port=line.port))
    entry = place.entry("a.bin")
    line.cut_after, line.cuts = 1_500_000, 3
    reached: list[int] = []
    reading = Reading(place, entry, reached.append)
    assert b"".join(iter(reading.read, b"")) == CONTENT
    assert line.cuts == 0
    assert line.sent < 2 * len(CONTENT), "it began anew instead of going on"
    assert reached == sorted(reached)


def test_a_line_that_is_always_cut_is_given_up(store, line) -> None:
    store.put("a.bin", CONTENT)
    place = BucketPlace(store.address(port=line.port))
    entry = place.entry("a.bin")
    line.cut_after, line.cuts = 2_000, 1_000
    with pytest.raises(PlaceFault, match=r"cut|reached") as caught:
        b"".join(iter(Reading(place, entry).read, b""))
    assert caught.value.passing
    assert line.cuts > 900, "it tried for ever"


def test_a_store_that_never_answers_is_given_up(store, line, monkeypatch) -> None:
    monkeypatch.setattr(bucket_module, "READ_SECONDS", 0.3)
    line.silent = True
    with pytest.raises(PlaceFault, match="cannot be reached") as caught:
        BucketPlace(store.address(port=line.port)).listing("")
    assert caught.value.passing


def test_an_object_that_is_replaced_meanwhile_is_not_taken(store) -> None:
    store.put("a.bin", CONTENT)
    place = BucketPlace(store.address())
    entry = place.entry("a.bin")
    reading = Reading(place, entry)
    assert reading.read()
    store.put("a.bin", CONTENT[::-1])
    with pytest.raises(Changed, match=r"a\.bin changed while it was read"):
        rest_of(reading)
    with pytest.raises(Changed):
        list(place.blocks(entry, 10))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"secret_key": "wrong"}, "denied", "keys that the operator set"),
        ({"access_key": "unknownunknown"}, "denied", "keys that the operator set"),
        ({"bucket": "nowhere"}, "missing", "bucket"),
        ({"endpoint": "http://127.0.0.1:1"}, "unreachable", "cannot be reached"),
        ({"endpoint": "http://no-such-host.invalid"}, "unreachable", "cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_without_addresses(store, changes, code, words) -> None:
    place = BucketPlace(store.address(**changes))
    with pytest.raises(PlaceFault, match=words) as caught:
        place.listing("")
    assert caught.value.code == code
    for secret in ("127.0.0.1", "invalid", "wrong", "unknownunknown", "nowhere"):
        assert secret not in str(caught.value)


def test_what_is_not_there_is_missing(store) -> None:
    place = BucketPlace(store.address())
    for ask in (lambda: place.entry("none.json"), lambda: place.listing("none")):
        with pytest.raises(Missing, match=r"(?i)there") as caught:
            ask()
        assert isinstance(caught.value, FileNotFoundError)
    assert place.listing("").entries == ()


def test_what_is_put_is_there_whole_and_parts_are_joined(store, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(bucket_module, "PART", 5 << 20)
    place = BucketPlace(store.address(prefix="sources/"))
    for name, content in (("aa/small", b"abc"), ("aa/large", CONTENT * 3), ("aa/empty", b"")):
        path = tmp_path / "file"
        path.write_bytes(content)
        with path.open("rb") as file:
            place.put(name, file, len(content))
            assert not file.closed
        assert place.has(name, len(content))
        assert not place.has(name, len(content) + 1)
        assert whole(place, name) == content
    assert not place.has("aa/other", 3)


def test_nothing_loads_boto3_until_a_bucket_is_used() -> None:
    code = (
        "import django, sys; django.setup(); import transcripts.tasks, afdash.urls, transcripts.urls; "
        "from transcripts.ingest.places.bucket import BucketPlace; "
        "sys.exit(any(name in sys.modules for name in ('boto3', 'botocore', 's3transfer')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Addresses as the operator writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from afdash.addresses import Bucket, Folder, PlaceSetting, Watched, places, storage, watched
from afdash.env import BadSetting

STORE = "s3://Runs/2026/?endpoint=https://s3.example.org:9000&region=eu-1"


def test_the_storage_is_a_bucket_with_keys() -> None:
    assert storage(None, None, None) is None
    assert storage(STORE, "key", "secret") == Bucket(
        "Runs", "2026/", "https://s3.example.org:9000", "eu-1", "key", "secret"
    )
    assert storage("s3://runs", None, None) == Bucket("runs")
    assert "secret" not in repr(storage(STORE, "key", "secret")).lower().replace("secret_key", "")


@pytest.mark.parametrize(
    ("url", "keys"),
    [
        ("file:///srv", (None, None)),
        ("s3:///prefix", (None, None)),
        ("s3://runs?endpoint=ftp://x", (None, None)),
        ("s3://runs?endpoint=", (None, None)),
        ("s3://runs?endpiont=https://x", (None, None)),
        ("s3://key:hidden@runs", (None, None)),
        ("s3://runs?studies=a", (None, None)),
        ("s3://runs", ("key", None)),
        ("s3://runs", (None, "hidden")),
    ],
)
def test_a_storage_that_cannot_be_meant_is_refused(url: str, keys: tuple[str | None, str | None]) -> None:
    with pytest.raises(BadSetting, match="AFDASH_STORAGE") as caught:
        storage(url, *keys)
    assert "hidden" not in str(caught.value)


PLACES = {
    "lab": PlaceSetting("lab", Bucket("runs", "a b/", "https://x", "us-east-1", "k", "s/+")),
    "mount": PlaceSetting("mount", Folder(Path("/srv/runs")), frozenset({"care", "care-2"})),
}


@pytest.mark.parametrize(
    "listed",
    [
        "lab=s3://k:s%2F%2B@runs/a%20b?endpoint=https://x\nmount=file:///srv/runs?studies=care,care-2",
        " lab = s3://k:s%2F%2B@runs/a%20b/?endpoint=https://x ;; mount=file:///srv/runs?studies=care,care-2;",
        '{"lab": "s3://k:s%2F%2B@runs/a%20b?endpoint=https://x", '
        '"mount": "file:///srv/runs?studies=care,care-2"}',
    ],
)
def test_places_are_listed_by_line_semicolon_or_as_json(listed: str) -> None:
    assert places(listed) == PLACES
    assert places(None) == places("") == {}


@pytest.mark.parametrize(
    "listed",
    [
        "lab",
        "lab=",
        "=s3://hidden",
        "La b=s3://hidden",
        "lab=s3://hidden;lab=s3://hidden",
        "lab=https://hidden",
        "lab=file://host/hidden",
        "lab=file:hidden",
        "lab=s3://hidden@runs",
        "lab=s3://runs/a#hidden",
        "lab=s3://runs?hidden=1&endpoint=https://x:port",
        '{"lab": 5}',
        '{"lab": "s3://a", "lab": "s3://hidden"}',
        '{"lab": hidden',
    ],
)
def test_a_list_of_places_that_is_wrong_is_refused_and_not_repeated(listed: str) -> None:
    with pytest.raises(BadSetting, match="AFDASH_PLACES") as caught:
        places(listed)
    assert "s3://hidden" not in str(caught.value)


def test_watched_folders_are_of_places_that_are_listed() -> None:
    assert watched("care=mount/in/finished/; care-2=mount\nother=lab/x", PLACES) == [
        Watched("care", "mount", "in/finished"),
        Watched("care-2", "mount", ""),
        Watched("other", "lab", "x"),
    ]
    assert watched('{"care": ["mount/a", "lab"]}', PLACES) == [
        Watched("care", "mount", "a"),
        Watched("care", "lab", ""),
    ]
    for wrong in ("care=none/a", "care=mount/../x", "care=mount/a//b", "secret=mount/a", "care"):
        with pytest.raises(BadSetting, match="AFDASH_WATCHED"):
            watched(wrong, PLACES)

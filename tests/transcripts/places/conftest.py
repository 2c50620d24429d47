"""A real S3 server on a folder, and places that lead to it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from afdash.addresses import Bucket, Folder, PlaceSetting
from tests.conftest import Process, free_port
from tests.transcripts.places.cut_line import Line, line_to
from transcripts.ingest.places.bucket import BucketPlace
from transcripts.ingest.places.faults import PlaceFault

KEY, SECRET = "testaccesskey", "test-secret-key"


class Store:
    """The server's buckets are folders of ``folder``: a test puts objects there as files."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def address(self, bucket: str = "runs", prefix: str = "", port: int = 0, **changes: str) -> Bucket:
        endpoint = f"http://127.0.0.1:{port or self.port}"
        found = Bucket(bucket, prefix, endpoint, access_key=KEY, secret_key=SECRET)
        return replace(found, **changes)

    def put(self, path: str, content: bytes, bucket: str = "runs") -> Path:
        file = self.folder / bucket / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An S3 server of its own for each test: one whose files vanish under it is busy with that ever after."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "runs").mkdir()
    program = Path(sys.executable).with_name("rclone")
    port = free_port()
    log = folder.with_name("rclone.log")
    process = Process(
        [
            *(str(program), "serve", "s3", "--config", "", "--auth-key", f"{KEY},{SECRET}"),
            *("--addr", f"127.0.0.1:{port}", "--dir-cache-time", "0s", "--poll-interval", "0", str(folder)),
        ],
        log,
    )
    store = Store(folder, port)
    deadline = time.monotonic() + 20
    while True:
        try:
            BucketPlace(store.address()).listing("")
            break
        except PlaceFault:
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the S3 server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
    yield store
    process.kill()


@pytest.fixture
def line(store: Store) -> Iterator[Line]:
    """A line to the store that can be cut."""
    with line_to(store.port) as found:
        yield found


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    folder = tmp_path / "mount"
    folder.mkdir()
    return folder


@pytest.fixture
def places(store: Store, mount: Path, settings) -> dict[str, PlaceSetting]:
    """``lab`` is the bucket, ``mount`` the folder."""
    settings.AFDASH_PLACES = {
        "lab": PlaceSetting("lab", store.address()),
        "mount": PlaceSetting("mount", Folder(mount)),
    }
    return settings.AFDASH_PLACES

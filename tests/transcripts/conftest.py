"""What the tests of transcripts share: the real files, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transcripts.readers.source import Source

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("AFDASH_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "vlaf").is_dir():
        pytest.skip("The real files are not here; AFDASH_REAL_DATA names their folder.")
    return folder


@pytest.fixture
def source_of(tmp_path):
    """A source from bytes, under a name."""

    def make(content: bytes, name: str = "file") -> Source:
        path = tmp_path / f"source{len(list(tmp_path.iterdir()))}"
        path.write_bytes(content)
        return Source(path, name, len(content))

    return make

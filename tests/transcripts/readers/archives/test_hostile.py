"""Whatever is given, unpacking ends with what it holds or with a sentence."""

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from transcripts.readers.archives import Limits, Unpacked, container_of, unpack
from transcripts.readers.registry import recognise
from transcripts.readers.source import Probe, Source
from transcripts.records import UnreadableSource

LINE = b'{"messages": []}\n'


def zipped(method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("runs/a.jsonl", LINE * 20)
        file.writestr("b.jsonl.gz", gzip.compress(LINE * 9))
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name in ("runs/a.jsonl", "ü" * 90, "n" * 300):
            made = tarfile.TarInfo(name)
            made.size = len(LINE)
            file.addfile(made, io.BytesIO(LINE))
    return buffer.getvalue()


SEEDS = [
    *map(zipped, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
    tarred(),
    *(
        pack(raw)
        for pack in (gzip.compress, zstd.compress, bz2.compress, lzma.compress)
        for raw in (LINE, tarred())
    ),
]
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)


@settings(max_examples=400, deadline=None)
@given(seed=st.sampled_from(SEEDS), changes=CHANGES, cut=st.floats(0.1, 1))
def test_changed_archives_end_in_words(seed, changes, cut):
    raw = bytearray(seed)
    for place, change in changes:
        at = int(place * len(raw))
        raw[at : at + len(change)] = change
    with tempfile.TemporaryDirectory() as folder:
        path, into = Path(folder, "source"), Path(folder, "into")
        into.mkdir()
        path.write_bytes(raw[: int(cut * len(raw)) or 1])
        source = Source(path, "a", path.stat().st_size)
        held = []
        said = "."
        try:
            for item in unpack(source, into, Limits(member=1 << 20, total=1 << 21, window=1 << 20)):
                if isinstance(item, Unpacked):
                    held.append(item.path.name)
        except UnreadableSource as error:
            said = str(error)
        assert said.endswith(".")
        assert sorted(path.name for path in into.iterdir()) == sorted(held)


def test_no_real_log_is_taken_for_an_archive(real_data):
    logs = [path for path in (real_data / "inspect").rglob("*.eval") if path.stat().st_size]
    assert logs
    for path in logs:
        source = Source(path, path.name, path.stat().st_size)
        if recognises_a_log(source):
            assert container_of(Probe(source)) == "", path.name


def recognises_a_log(source):
    try:
        return recognise(source).name == "inspect_log"
    except UnreadableSource:
        return False


@pytest.mark.parametrize("module", ["archives", "zip_directory"])
def test_it_is_pure(module):
    code = f"import transcripts.readers.{module}, sys\nassert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Bombs: they are stopped while they go off, by what really comes out, in little memory."""

import bz2
import gzip
import io
import lzma
import random
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from backports import zstd

from transcripts.readers.archives import Limits
from transcripts.readers.archives.limits import Meter, TooMuch, amount
from transcripts.readers.zip_directory import MAX_DIRECTORY

MB = 1 << 20
ROOT = Path(__file__).resolve().parents[4]
SMALL = Limits(member=4 * MB, total=6 * MB, window=MB)


def tarred(*contents):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for number, content in enumerate(contents):
            made = tarfile.TarInfo(str(number))
            made.size = len(content)
            file.addfile(made, io.BytesIO(content))
    return buffer.getvalue()


def zipped(*contents, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for number, content in enumerate(contents):
            file.writestr(str(number), content)
    return buffer.getvalue()


def noise(size):
    """Bytes that do not pack."""
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, bz2.compress, lzma.compress])
def test_a_small_bomb_is_stopped(unpacked, pack):
    unpacking = unpacked(pack(bytes(3 * MB)), limits=SMALL)
    assert "200 times" in unpacking.error
    assert not unpacking.held


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, bz2.compress, lzma.compress])
def test_a_small_file_may_pack_as_well_as_it_likes(unpacked, pack):
    assert unpacked(pack(bytes(MB - 1)), limits=SMALL).held == [("given", bytes(MB - 1))]


def test_a_bomb_behind_honest_data_is_stopped_all_the_same(unpacked):
    honest = noise(200_000)
    limits = Limits(window=MB, ratio=20)
    assert unpacked(gzip.compress(honest + bytes(900_000)), limits=limits).held
    assert "20 times" in unpacked(gzip.compress(honest + bytes(3 * MB)), limits=limits).error


@pytest.mark.parametrize("archive", [zipped, tarred, lambda *contents: gzip.compress(tarred(*contents))])
def test_a_bomb_in_an_archive_stops_it_and_the_files_before_are_kept(unpacked, archive):
    raw = archive(b"{}", gzip.compress(bytes(3 * MB)), b"[]")
    unpacking = unpacked(raw, limits=SMALL)
    assert unpacking.held == [("0", b"{}")]
    assert unpacking.findings == ["unpacking_stopped"]


def test_many_small_bombs_are_one(unpacked):
    contents = [bytes(900_000)] * 5
    assert unpacked(zipped(*contents), limits=SMALL).findings == ["unpacking_stopped"]


def test_a_layer_that_gives_nothing_counts_too(unpacked):
    """Empty parts packed well: what comes out of the inner layer is nothing, of the outer one a lot."""
    raw = zipped(b"{}", gzip.compress(b"") * 150_000)
    assert unpacked(raw, limits=SMALL).findings == ["unpacking_stopped"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_that_is_too_large_is_skipped_and_the_next_is_read(unpacked, method):
    unpacking = unpacked(zipped(noise(5 * MB), b"{}", method=method), limits=SMALL)
    assert (unpacking.skipped, unpacking.held) == ([("0", "too_large")], [("1", b"{}")])
    unpacking = unpacked(tarred(noise(5 * MB), b"{}"), limits=SMALL)
    assert (unpacking.skipped, unpacking.held) == ([("0", "too_large")], [("1", b"{}")])


def test_one_compressed_file_that_is_too_large_is_refused(unpacked):
    assert "4 MB" in unpacked(gzip.compress(noise(5 * MB)), limits=SMALL).error


@pytest.mark.parametrize("archive", [lambda *c: zipped(*c, method=zipfile.ZIP_STORED), zipped, tarred])
def test_all_files_together_have_a_limit(unpacked, archive):
    content = noise(3 * MB)
    unpacking = unpacked(archive(content, content, content), limits=SMALL)
    assert [name for name, _ in unpacking.held] == ["0", "1"][: len(unpacking.held)]
    assert unpacking.held
    assert unpacking.findings == ["unpacking_stopped"]


def test_the_meter_looks_at_each_window():
    meter = Meter(Limits(window=100, ratio=10, total=10_000))
    meter.take(1_000)
    meter.give(150)
    meter.take(15)
    meter.give(150)
    with pytest.raises(TooMuch, match="10 times"):
        meter.give(150)


@pytest.mark.parametrize(
    ("size", "words"),
    [(10 << 30, "10 GB"), (4 * MB, "4 MB"), (2048, "2 KB"), (300, "300 bytes"), (0, "0 bytes")],
)
def test_sizes_are_said_in_words(size, words):
    assert amount(size) == words


def test_a_directory_that_would_fill_the_memory_is_refused(unpacked):
    names = [str(n).rjust(60_000, "n") for n in range(MAX_DIRECTORY // 60_000 + 1)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "")
    assert "table of contents" in unpacked(buffer.getvalue()).error


# What it costs, in a process of its own

RUN = """
import sys, time
from pathlib import Path
from transcripts.readers.archives import container_of, unpack
from transcripts.readers.source import Probe, Source
from transcripts.records import UnreadableSource
path, into = Path(sys.argv[1]), Path(sys.argv[2])
source = Source(path, "a", path.stat().st_size)
began = time.process_time()
said = ""
try:
    assert container_of(Probe(source))
    said = " ".join(getattr(item, "message", "") for item in unpack(source, into))
except UnreadableSource as error:
    said = str(error)
left = sum(file.stat().st_size for file in into.iterdir())
# Not getrusage: its peak begins with that of the process that started this one.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, time.process_time() - began, left, said)
"""


def cost_of(path, into):
    """Megabytes of memory, seconds of work, bytes left behind, and what was said."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, path, into], cwd=ROOT, check=True, capture_output=True, text=True
    )
    memory, seconds, left, said = done.stdout.split(maxsplit=3)
    return int(memory), float(seconds), int(left), said


def zeros(compressor, size):
    """``size`` zeros packed piece by piece."""
    piece = bytes(8 * MB)
    yield from (compressor.compress(piece) for _ in range(size // len(piece)))
    yield compressor.flush()


def windowed():
    return zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 26})


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (windowed, 1 << 30),
        (lambda: zlib.compressobj(9, 8, 31), 256 * MB),
        (bz2.BZ2Compressor, 128 * MB),
        (
            lambda: lzma.LZMACompressor(
                filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 64 * MB}]
            ),
            128 * MB,
        ),
    ],
    ids=["zstd", "gzip", "bzip2", "xz"],
)
def test_a_real_bomb_is_stopped_soon_and_in_little_memory(tmp_path, make, size):
    path, into = tmp_path / "bomb", tmp_path / "into"
    into.mkdir()
    with path.open("wb") as file:
        file.writelines(zeros(make(), size))
    memory, seconds, left, said = cost_of(path, into)
    assert "200 times" in said
    assert memory < 150
    assert seconds < 10
    assert left == 0


def test_a_bomb_without_directory_is_stopped_in_little_memory(tmp_path):
    path, into = tmp_path / "bomb", tmp_path / "into"
    into.mkdir()
    whole = zipped(b"{}", bytes(128 * MB))
    path.write_bytes(whole[: whole.index(b"PK\x01\x02")])
    memory, seconds, left, said = cost_of(path, into)
    assert "200 times" in said
    assert (memory < 150, seconds < 10, left) == (True, True, 2)


def test_a_full_archive_takes_little_memory(tmp_path):
    path, into = tmp_path / "full", tmp_path / "into"
    into.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        for number in range(20_000):
            file.writestr(f"runs/of/some/model/{number:06}.json", "")
    memory, seconds, _, said = cost_of(path, into)
    assert "empty" in said
    assert (memory < 150, seconds < 10) == (True, True)

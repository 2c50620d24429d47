"""The archive that an Inspect log is: damaged, cut off, hostile."""

import io
import json
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from backports.zstd import compress

from tests.transcripts.readers.inspect_logs import HEADER, READER, log_bytes, sample
from tests.transcripts.reading import Reading
from transcripts.readers.inspect_log import archive
from transcripts.readers.registry import recognise
from transcripts.records import UnreadableSource
from transcripts.text import storable


@pytest.fixture
def read(source_of):
    return lambda content: Reading(READER, source_of(content))


def test_a_damaged_member_is_a_reject(read):
    raw = log_bytes([("header.json", HEADER), ("samples/a_epoch_1.json", sample())], zipfile.ZIP_STORED)
    at = raw.index(b"<think>")
    reading = read(raw[:at] + b"X" + raw[at + 1 :])
    assert [reject.reason for reject in reading.rejects] == ["damaged"]


def test_a_member_that_unpacks_to_too_much_is_a_reject(read, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBER", 10_000)
    bomb = ("samples/a_epoch_1.json", b" " * 1_000_000)
    reading = read(log_bytes([("header.json", HEADER), bomb, ("samples/b_epoch_1.json", sample())]))
    assert [reject.reason for reject in reading.rejects] == ["too_long"]
    assert len(reading.records) == 1


def test_overlapping_members_are_refused(source_of):
    raw = bytearray(log_bytes([("header.json", HEADER), ("samples/a_epoch_1.json", sample())]))
    first = raw.index(b"PK\x01\x02")
    second = raw.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", raw, second + 42, 0)
    with pytest.raises(UnreadableSource, match="overlap"):
        READER.plan(source_of(bytes(raw)))


def test_too_many_members_are_refused(source_of, monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 2)
    source = source_of(log_bytes([(f"samples/{n}_epoch_1.json", b"") for n in range(3)]))
    with pytest.raises(UnreadableSource, match="most"):
        READER.plan(source)


def test_a_zip_that_is_no_log_is_refused(source_of):
    with pytest.raises(UnreadableSource, match="not an Inspect log"):
        recognise(source_of(log_bytes([("a.txt", b"a")])))
    with pytest.raises(UnreadableSource, match="not an Inspect log"):
        READER.plan(source_of(log_bytes([("a.txt", b"a")])))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_whatever_is_left_of_a_cut_off_log_is_read_or_refused_in_words(source_of, method):
    members = [("_journal/start.json", HEADER), *((f"samples/{n}_epoch_1.json", sample(n)) for n in range(3))]
    raw = log_bytes(members, method)
    counts = set()
    for cut in range(40, len(raw), 7):
        source = source_of(raw[:cut])
        if cut < len(raw) // 3 and not archive.read_directory(source.path).entries:
            with pytest.raises(UnreadableSource, match="cut off"):
                READER.plan(source)
        else:
            counts.add(len(Reading(READER, source).records))
    assert counts == {0, 1, 2, 3}


def test_members_whose_sizes_follow_them_are_recovered_too(source_of):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, block):
            self.data += bytes(block)
            return len(block)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_journal/start.json", json.dumps(HEADER))
        file.writestr("samples/a_epoch_1.json", json.dumps(sample()))
    reading = Reading(READER, source_of(pipe.data[: pipe.data.index(b"PK\x01\x02")]))
    assert len(reading.records) == 1
    assert "truncated" in reading.kinds


def member_with_sizes_behind(name, raw, packed, method):
    head = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 8, method, 0, 0, 0, 0, 0, len(name), 0)
    return head + name + packed + struct.pack("<4sIII", b"PK\x07\x08", zlib.crc32(raw), len(packed), len(raw))


def deflated(raw):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(raw) + deflate.flush()


@pytest.mark.parametrize(("pack", "method"), [(deflated, 8), (compress, 93)])
@pytest.mark.parametrize("limit", [200_000_000, 20_000_000])
def test_a_bomb_without_directory_takes_no_memory(source_of, monkeypatch, pack, method, limit):
    monkeypatch.setattr(archive, "MAX_MEMBER", limit)
    zeros = bytes(64_000_000)
    members = [
        (b"_journal/start.json", json.dumps(HEADER).encode()),
        (b"other", zeros),
        (b"samples/a_epoch_1.json", json.dumps(sample()).encode()),
    ]
    raw = b"".join(member_with_sizes_behind(name, plain, pack(plain), method) for name, plain in members)
    source = source_of(raw)
    tracemalloc.start()
    try:
        entries = archive.read_directory(source.path).entries
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000
    assert len(entries) == (3 if limit > len(zeros) else 1)


def test_a_member_of_several_frames_without_directory_is_recovered(source_of):
    parts = [json.dumps(HEADER).encode(), b" " * 3_000_000, b"\n"]
    packed = b"".join(map(compress, parts))
    raw = member_with_sizes_behind(b"_journal/start.json", b"".join(parts), packed, 93)
    raw += member_with_sizes_behind(b"samples/a_epoch_1.json", b"{}", compress(b"{}"), 93)
    source = source_of(raw)
    entry = archive.read_directory(source.path).entries["_journal/start.json"]
    with source.path.open("rb") as file:
        assert archive.read_member(file, entry) == b"".join(parts)
    assert len(archive.read_directory(source.path).entries) == 2


def test_a_name_that_no_database_takes_is_kept_and_found(source_of):
    name = "samples/a\x00b\U0010f000_epoch_1.json"
    members = [
        ("header.json", HEADER),
        ("samples/aXb\U0010f000_epoch_1.json", sample()),
        ("samples/Y_epoch_1.json", b"{"),
    ]
    raw = log_bytes(members).replace(b"aXb", b"a\x00b").replace(b"samples/Y", b"samples/\x00")
    source = source_of(raw)
    reading = Reading(READER, source)
    (record,), (reject,) = reading.records, reading.rejects
    assert (record.position, record.locator) == (storable(name), {"member": storable(name)})
    assert "\x00" not in reject.position + reject.locator["member"]
    with source.path.open("rb") as file:
        entry = archive.read_directory(source.path).entries[record.locator["member"]]
        assert json.loads(archive.read_member(file, entry)) == sample()


def test_a_directory_that_points_outside_the_file_is_a_reject(read):
    raw = log_bytes([("header.json", HEADER), ("samples/a_epoch_1.json", sample())])
    at = raw.rindex(b"PK\x01\x02")
    names, extras = struct.unpack_from("<HH", raw, at + 28)
    wide = struct.pack("<HHQQ", 1, 16, 2**64 - 1, 2**64 - 1)
    entry = bytearray(raw[at : at + 46 + names])
    struct.pack_into("<I", entry, 20, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, len(wide))
    struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
    end = bytearray(raw[at + 46 + names + extras :])
    struct.pack_into("<I", end, 12, struct.unpack_from("<I", end, 12)[0] + len(wide) - extras)
    reading = read(raw[:at] + bytes(entry) + wide + bytes(end))
    assert [reject.reason for reject in reading.rejects] == ["damaged"]
    assert sum(chunk.weight for chunk in reading.plan.chunks) < 1000

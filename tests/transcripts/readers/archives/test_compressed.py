"""One compressed file."""

import bz2
import gzip
import lzma
import struct
import zlib

import pytest
from backports import zstd

from transcripts.readers.archives import container_of
from transcripts.readers.archives.compression import Decompressed, read_exactly
from transcripts.readers.archives.limits import Limits, Meter
from transcripts.readers.source import Probe

LINES = b"".join(b'{"n": %d, "text": "%s"}\n' % (n, b"x" * (n % 90)) for n in range(20_000))
PACK = {
    "gzip": gzip.compress,
    "zstd": lambda raw: zstd.compress(
        raw,
        options={zstd.CompressionParameter.checksum_flag: 1, zstd.CompressionParameter.compression_level: 3},
    ),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
KINDS = pytest.mark.parametrize("kind", PACK)


@KINDS
def test_it_is_known_by_its_content_and_unpacked(unpacked, source_of, kind):
    raw = PACK[kind](LINES)
    assert container_of(Probe(source_of(raw, "care/a.csv"))) == kind
    assert unpacked(raw, "care/a.csv").held == [("care/a.csv", LINES)]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("care/a.jsonl.gz", "care/a.jsonl"),
        ("A.JSONL.ZST", "A.JSONL"),
        ("a.json.xz", "a.json"),
        ("a.bz2", "a"),
        ("runs/.gz", "runs/.gz"),
        (".gz", ".gz"),
        ("a.tgz", "a.tgz"),
    ],
)
def test_the_suffix_goes_with_the_compression(unpacked, name, label):
    assert unpacked(gzip.compress(b"{}"), name).held == [(label, b"{}")]


@KINDS
def test_its_parts_are_joined(unpacked, kind):
    parts = [LINES[:70_000], b"", LINES[70_000:70_001], LINES[70_001:]]
    unpacking = unpacked(b"".join(map(PACK[kind], parts)))
    assert (unpacking.held, unpacking.own) == ([("given", LINES)], [])


@KINDS
def test_many_tiny_parts_are_joined(unpacked, kind):
    assert unpacked(PACK[kind](b"ab") * 5_000).held == [("given", b"ab" * 5_000)]


@KINDS
@pytest.mark.parametrize(
    ("behind", "own"),
    [(b"\0" * 40_000, []), (b"something else", ["trailing_data"]), (b"\1", ["trailing_data"])],
)
def test_what_follows_is_a_finding_unless_it_is_padding(unpacked, kind, behind, own):
    unpacking = unpacked(PACK[kind](LINES) + behind)
    assert (unpacking.held, unpacking.own) == ([("given", LINES)], own)


@KINDS
def test_whatever_is_left_of_a_cut_off_file_is_kept(unpacked, kind):
    raw = PACK[kind](LINES)
    longest = 0
    for cut in [*range(6, 40, 5), *range(40, len(raw) - 1, len(raw) // 40), len(raw) - 1]:
        unpacking = unpacked(raw[: max(cut, 10)])
        for _, content in unpacking.held:
            assert LINES.startswith(content)
            assert unpacking.own == ["truncated"]
            longest = max(longest, len(content))
        assert unpacking.held or unpacking.skipped == [("given", "truncated")]
    # bzip2 gives whole blocks of 900 KB, Zstandard of 128 KB; the others what there is.
    assert longest == len(LINES) or kind == "zstd"


@KINDS
def test_damaged_data_never_pass_for_whole(unpacked, kind):
    raw = PACK[kind](LINES)
    for at in range(30, len(raw), len(raw) // 25):
        damaged = raw[:at] + bytes((raw[at] ^ 0x55,)) + raw[at + 1 :]
        unpacking = unpacked(damaged)
        assert unpacking.own or unpacking.skipped or unpacking.error


@pytest.mark.parametrize("at", [-8, -4])
def test_a_wrong_checksum_of_gzip_loses_nothing(unpacked, at):
    raw = bytearray(gzip.compress(LINES))
    raw[at] ^= 1
    unpacking = unpacked(bytes(raw))
    assert (unpacking.held, unpacking.own) == ([("given", LINES)], ["checksum_wrong"])


def test_a_gzip_header_may_have_everything():
    body = gzip.compress(b"{}")[10:]
    head = b"\x1f\x8b\x08\x1e" + b"\0" * 6 + struct.pack("<H", 3) + b"abc" + b"name\0" + b"comment\0"
    raw = head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + body

    class Bytewise:
        problem = None
        left = raw

        def read(self, size):
            part, self.left = self.left[:1], self.left[1:]
            return part

    stream = Decompressed(Bytewise(), "gzip", Meter(Limits()))
    assert (read_exactly(stream, 100), stream.problem) == (b"{}", None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x1f\x8b\x08\xe0" + b"\0" * 30, "damaged"),  # flags that no gzip has
        (b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * 2_000_000, "damaged"),  # a name without end
        (b"\x1f\x8b\x08\x00", "truncated"),
        (gzip.compress(b""), "empty"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "damaged"),
        (b"\x5e\x2a\x4d\x18\x04\0\0\0abcd", "empty"),  # a frame to be skipped, and nothing else
    ],
)
def test_what_holds_nothing_is_skipped_with_a_reason(unpacked, raw, reason):
    assert unpacked(raw).skipped == [("given", reason)]


def test_a_frame_that_is_to_be_skipped_is(unpacked):
    assert unpacked(b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd.compress(LINES)).held == [("given", LINES)]


@pytest.mark.parametrize("outer", PACK)
@KINDS
def test_only_one_layer_is_opened(unpacked, outer, kind):
    unpacking = unpacked(PACK[outer](PACK[kind](LINES)), "a.jsonl.gz.gz")
    assert (unpacking.held, unpacking.skipped) == ([], [("a.jsonl.gz.gz", "nested")])


def test_a_window_that_takes_too_much_memory_is_refused(unpacked):
    compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    large = compressor.compress(b"x" * 1000) + compressor.flush()
    assert unpacked(large).skipped == [("given", "window_too_large")]
    after = unpacked(zstd.compress(b"{}\n") + large)
    assert (after.held, after.own) == ([("given", b"{}\n")], ["window_too_large"])


def test_a_dictionary_that_takes_too_much_memory_is_refused(unpacked):
    # The size of the dictionary stands in the block's header, which has a checksum of its own.
    raw = bytearray(lzma.compress(b"x" * 1000))
    size = (raw[12] + 1) * 4
    raw[16] = 30  # 128 MB
    struct.pack_into("<I", raw, 12 + size - 4, zlib.crc32(bytes(raw[12 : 12 + size - 4])))
    assert unpacked(bytes(raw)).skipped == [("given", "window_too_large")]


@pytest.mark.parametrize(
    "content",
    [b'{"messages": []}\n', b"BZh9 is how bzip2 begins\n", b"", b"PAR1", b"\x1f\x8b", b"\0" * 10_240],
)
def test_other_files_are_no_containers(unpacked, source_of, content):
    assert container_of(Probe(source_of(content, "a.gz"))) == ""
    assert "no archive" in unpacked(content, "a.gz").error

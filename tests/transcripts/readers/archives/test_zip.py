"""Zip archives, whole, cut off, lying and hostile."""

import bz2
import gzip
import io
import json
import lzma
import stat
import struct
import warnings
import zipfile
import zlib

import pytest
from backports import zstd

from transcripts.readers.archives import container_of
from transcripts.readers.source import Probe

LINES = b"".join(b'{"n": %d}\n' % n for n in range(30_000))


def zipped(members, method=zipfile.ZIP_DEFLATED):
    """An archive of (name or ZipInfo, content)."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in members:
            file.writestr(name, content, method)
    return buffer.getvalue()


def raw_member(name, packed, method, crc, size, flags=0, offset=0):
    """A local header with its data, and the entry of the directory that leads to it."""
    fields = struct.pack("<HHHHIIIHH", flags, method, 0, 0x21, crc, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + struct.pack("<H", 20) + fields + name + packed
    central = b"PK\x01\x02" + struct.pack("<HH", 20, 20) + fields
    return local, central + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name


def raw_zip(*members, **claims):
    """An archive made by hand of (name, packed, method, crc, size, flags); ``count`` may be a lie."""
    local = central = b""
    for name, packed, method, crc, size, *flags in members:
        data, entry = raw_member(name, packed, method, crc, size, *flags, offset=len(local))
        local, central = local + data, central + entry
    count = claims.get("count", len(members))
    return (
        local
        + central
        + struct.pack(
            "<4sHHHHIIH",
            b"PK\x05\x06",
            0,
            0,
            min(count, 65_535),
            min(count, 65_535),
            len(central),
            len(local),
            0,
        )
    )


def deflated(raw):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(raw) + deflate.flush()


def lzma_in_zip(raw):
    packed = zipped([("a", raw)], zipfile.ZIP_LZMA)
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        info = file.getinfo("a")
    start = 30 + 1
    return packed[start : start + info.compress_size]


PACKED = {
    "stored": (0, lambda raw: raw),
    "deflate": (8, deflated),
    "bzip2": (12, bz2.compress),
    "lzma": (14, lzma_in_zip),
    "zstd": (93, zstd.compress),
    "zstd of two frames": (93, lambda raw: zstd.compress(raw[:99]) + zstd.compress(raw[99:])),
    "xz": (95, lzma.compress),
}


def member(name, raw, method=8, pack=deflated, **lies):
    return (name, pack(raw), method, lies.get("crc", zlib.crc32(raw)), lies.get("size", len(raw)))


@pytest.mark.parametrize("method", PACKED)
def test_every_method_is_read(unpacked, source_of, method):
    number, pack = PACKED[method]
    raw = raw_zip(member(b"runs/a.jsonl", LINES, number, pack), member(b"b.json", b"[]"))
    assert container_of(Probe(source_of(raw, "a.jsonl"))) == "zip"
    assert unpacked(raw).held == [("runs/a.jsonl", LINES), ("b.json", b"[]")]


@pytest.mark.parametrize("method", PACKED)
@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"crc": 1}, "checksum_wrong"),
        ({"size": len(LINES) - 1}, "size_differs"),
        ({"size": len(LINES) + 1}, "size_differs"),
        ({"size": 0}, "size_differs"),
    ],
)
def test_a_lying_header_costs_its_member_only(unpacked, method, lies, reason):
    number, pack = PACKED[method]
    raw = raw_zip(member(b"a.jsonl", LINES, number, pack, **lies), member(b"b.json", b"[]"))
    unpacking = unpacked(raw)
    assert unpacking.held == [("b.json", b"[]")]
    ((name, found),) = unpacking.skipped
    # LZMA ends where it is told: it never holds more than is claimed, and then its checksum is wrong.
    reasons = {reason, "checksum_wrong", "empty", "truncated"} if method == "lzma" else {reason}
    assert name == "a.jsonl"
    assert found in reasons


@pytest.mark.parametrize("method", PACKED)
def test_damaged_data_cost_their_member_only(unpacked, method):
    number, pack = PACKED[method]
    packed = bytearray(pack(LINES))
    packed[len(packed) // 2] ^= 0xFF
    damaged = (b"a", bytes(packed), number, zlib.crc32(LINES), len(LINES))
    unpacking = unpacked(raw_zip(damaged, member(b"b.json", b"[]")))
    assert unpacking.held == [("b.json", b"[]")]
    assert unpacking.skipped[0][1] in ("damaged", "checksum_wrong", "size_differs", "truncated")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (b"\x09\x04\x05\x00\x5d" + struct.pack("<I", 1 << 31), "window_too_large"),
        (b"\x09\x04\x05\x00\xff" + struct.pack("<I", 1 << 16), "damaged"),
        (b"\x09\x04\x09\x00\x5d" + struct.pack("<I", 1 << 16), "damaged"),
        (b"\x09\x04", "truncated"),
    ],
)
def test_odd_properties_of_lzma_are_refused(unpacked, properties, reason):
    unpacking = unpacked(
        raw_zip((b"a", properties + b"\0" * 5, 14, 0, 9))
        if len(properties) > 2
        else raw_zip((b"a", properties, 14, 0, 9))
    )
    assert unpacking.skipped == [("a", reason)]


def test_what_is_no_file_of_data_is_skipped_with_a_reason(unpacked):
    def special(name, kind):
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = (kind | 0o644) << 16
        return info

    raw = zipped(
        [
            (special("link", stat.S_IFLNK), "/etc/passwd"),
            (special("pipe", stat.S_IFIFO), ""),
            (special("device", stat.S_IFCHR), ""),
            (special("file", stat.S_IFREG), "{}"),
            ("nothing", ""),
        ]
    )
    unpacking = unpacked(raw)
    assert unpacking.held == [("file", b"{}")]
    reasons = [("link", "link"), ("pipe", "special"), ("device", "special"), ("nothing", "empty")]
    assert unpacking.skipped == reasons


def test_encrypted_and_unknown_methods_are_skipped(unpacked):
    raw = raw_zip(
        (b"secret", b"x" * 20, 8, 0, 8, 1),
        (b"aes", b"x" * 20, 99, 0, 8, 1),
        (b"large", b"x" * 20, 9, 0, 8),
        (b"odd", b"x" * 20, 7, 0, 8),
        member(b"a", b"{}"),
    )
    unpacking = unpacked(raw)
    assert unpacking.held == [("a", b"{}")]
    reasons = [("secret", "encrypted"), ("aes", "encrypted"), ("large", "method"), ("odd", "method")]
    assert unpacking.skipped == reasons
    assert any("Deflate64" in item.message for item in unpacking.items[:3])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\runs\\a.json", "runs/a.json"),
        ("\\\\server\\share\\a.json", "server/share/a.json"),
        ("./a//b.json", "a/b.json"),
        ("..", "unnamed"),
        ("a\x00b.json", "a\U0010f800b.json"),
        ("a\nb\u202e.json", "a\nb\u202e.json"),
        ("x" * 64_000, "x" * 100 + "…" + "x" * 299),
        ("0", "0"),
    ],
)
def test_names_are_labels_and_never_paths(unpacked, name, label):
    encoded = name.encode()
    packed = deflated(b"{}")
    raw = raw_zip((encoded, packed, 8, zlib.crc32(b"{}"), 2, 0x800))
    unpacking = unpacked(raw)  # which checks that nothing else was written
    assert unpacking.held == [(label, b"{}")]


def test_a_name_that_comes_twice_is_the_last_one(unpacked):
    unpacking = unpacked(zipped([("a", "1"), ("b", "2"), ("a", "3")]))
    assert unpacking.held == [("b", b"2"), ("a", b"3")]
    assert unpacking.findings == ["repeated_members"]


def test_folders_and_what_desktops_leave_are_passed_over(unpacked):
    names = ["runs/", "__MACOSX/runs/._a.json", "runs/.DS_Store", "runs/._a.json", "runs/a.json"]
    unpacking = unpacked(zipped([(name, "{}" if name[-1] != "/" else "") for name in names]))
    assert (unpacking.held, unpacking.skipped) == ([("runs/a.json", b"{}")], [])


def test_a_log_inside_is_a_file_and_another_archive_is_not(unpacked, source_of):
    log = zipped([("header.json", json.dumps({"eval": {}})), ("samples/a_epoch_1.json", "{}")])
    assert container_of(Probe(source_of(log, "log.zip"))) == ""
    members = [
        ("logs/a.eval", log),
        ("b.zip", zipped([("a", "{}")])),
        ("c.docx", zipped([("word/document.xml", "")], zipfile.ZIP_STORED)),
        ("d.zip", b"PK\x03\x04" + b"\0" * 100),
        ("e.eval.gz", gzip.compress(log)),
    ]
    unpacking = unpacked(zipped(members))
    assert unpacking.held == [("logs/a.eval", log), ("e.eval", log)]
    assert unpacking.skipped == [("b.zip", "nested"), ("c.docx", "nested"), ("d.zip", "nested")]


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("_journal/start.json", ""),
        ("header.json", ""),
        ("runs/header.json", "zip"),
        ("samples/a.jsonl", "zip"),
        ("summaries.json", "zip"),
    ],
)
def test_a_log_is_told_by_its_header(source_of, first, kind):
    raw = zipped([(first, "{}" * 500)], zipfile.ZIP_STORED)
    assert container_of(Probe(source_of(raw))) == kind
    assert container_of(Probe(source_of(raw[:200]))) == kind  # cut off within its first member


def test_a_compressed_member_is_opened_and_no_deeper(unpacked):
    twice = gzip.compress(gzip.compress(LINES))
    cut = gzip.compress(LINES)[:-900]
    members = [("a.jsonl.gz", gzip.compress(LINES)), ("b.json.zst", zstd.compress(b"[]")), ("c.gz", twice)]
    unpacking = unpacked(zipped([*members, ("d.jsonl.gz", cut), ("e.gz", gzip.compress(LINES) + b"tail")]))
    names = [name for name, _ in unpacking.held]
    assert names == ["a.jsonl", "b.json", "d.jsonl", "e"]
    assert unpacking.held[0][1] == unpacking.held[3][1] == LINES
    assert LINES.startswith(unpacking.held[2][1])
    assert unpacking.own == ["truncated", "trailing_data"]
    assert unpacking.skipped == [("c.gz", "nested")]


def test_a_compressed_member_with_a_wrong_checksum_outside_is_skipped(unpacked):
    inner = gzip.compress(LINES) + b"behind"
    assert unpacked(raw_zip(member(b"a.gz", inner, crc=1))).skipped == [("a.gz", "checksum_wrong")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_whatever_is_complete_in_a_cut_off_archive_is_kept(unpacked, method):
    members = [(f"{n}.jsonl", LINES[: 400 * (n + 1)]) for n in range(4)]
    raw = zipped(members, method)
    counts = set()
    for cut in range(5, len(raw) - 1, 13):
        unpacking = unpacked(raw[:cut])
        assert unpacking.held == members[: len(unpacking.held)]
        assert unpacking.findings == ["truncated"]
        assert bool(unpacking.held) != bool(unpacking.error)
        counts.add(len(unpacking.held))
    assert counts == {0, 1, 2, 3, 4}


def test_what_follows_the_archive_is_a_finding(unpacked):
    unpacking = unpacked(zipped([("a", "{}")]) + b"<html>")
    assert (unpacking.held, unpacking.findings) == ([("a", b"{}")], ["trailing_data"])


def test_a_page_that_is_also_a_zip_is_a_page(source_of):
    assert container_of(Probe(source_of(b"<html></html>" + zipped([("a", "{}")])))) == ""


def test_overlapping_members_are_refused(unpacked):
    raw = bytearray(zipped([("a", "1" * 90), ("b", "2" * 90)]))
    second = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, second + 42, 0)
    assert "overlap" in unpacked(bytes(raw)).error


def test_quoted_members_are_refused(unpacked):
    """The well-known bomb: each member's data hold the headers of all that follow."""
    kernel = deflated(bytes(1_000_000))
    local, entry = raw_member(b"z", kernel, 8, zlib.crc32(bytes(1_000_000)), 1_000_000, offset=40)
    quoted = b"\0" + struct.pack("<HH", len(local), len(local) ^ 0xFFFF) + local
    first, first_entry = raw_member(b"y", quoted, 8, 0, 1_000_000 + len(local))
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(first_entry + entry), len(first), 0)
    assert first[36:40] == b"PK\x03\x04"
    moved = entry[:42] + struct.pack("<I", 36) + entry[46:]
    assert "overlap" in unpacked(first + first_entry + moved + end).error


@pytest.mark.parametrize(("field", "reason"), [(24, "size_differs"), (42, "damaged"), (16, "checksum_wrong")])
def test_a_directory_that_points_nowhere_costs_its_members(unpacked, field, reason):
    raw = bytearray(zipped([("a", "{}" * 50)]))
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + field, 0xFFFFFF0)
    assert unpacked(bytes(raw)).skipped == [("a", reason)]


def test_an_empty_archive_says_so(unpacked):
    assert "no files" in unpacked(zipped([])).error
    assert "no files" in unpacked(zipped([("a/", "")])).error


def test_a_million_members_are_refused_before_they_are_read(unpacked):
    body = raw_zip(member(b"a", b"{}"))[:-22]
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**6, 10**6, 10**6 * 46, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert "1000000 members" in unpacked(body + end64 + locator + end).error


def test_a_directory_that_claims_more_than_it_holds_is_walked_around(unpacked):
    unpacking = unpacked(raw_zip(member(b"a", b"{}"), count=99))
    assert (unpacking.held, unpacking.findings) == ([("a", b"{}")], ["truncated"])

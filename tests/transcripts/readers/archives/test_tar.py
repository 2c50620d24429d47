"""Tar archives, plain and compressed, cut off and hostile."""

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile

import pytest
from backports import zstd

from transcripts.readers.archives import Limits, container_of, unpack
from transcripts.readers.source import Probe

LINES = b"".join(b'{"n": %d}\n' % n for n in range(3_000))
PACK = {
    "tar": lambda raw: raw,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": lambda raw: bz2.compress(raw, 1),
    "xz": lzma.compress,
}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def info(name, **fields):
    made = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(made, key, value)
    return made


def tarred(members, format=tarfile.PAX_FORMAT, **fields):
    """An archive of (name or TarInfo, content)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, **fields) as file:
        for name, content in members:
            made = name if isinstance(name, tarfile.TarInfo) else info(name)
            made.size = len(content)
            file.addfile(made, io.BytesIO(content))
    return buffer.getvalue()


def block(name=b"a", size=b"00000000002\0", kind=b"0", rest=b"ustar\x0000"):
    """One header with a right checksum."""
    raw = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"00000000000\0"
    raw = (raw + b" " * 8 + kind + b"\0" * 100 + rest).ljust(512, b"\0")
    return raw[:148] + b"%06o\0 " % sum(raw) + raw[156:]


END = bytes(1024)


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("format", FORMATS)
def test_it_is_known_by_its_content_and_unpacked(unpacked, source_of, pack, format):
    members = [("runs/a.jsonl", LINES), ("runs/b.json", b"[]")]
    raw = PACK[pack](tarred(members, FORMATS[format]))
    assert container_of(Probe(source_of(raw, "a.jsonl"))) == pack
    unpacking = unpacked(raw, "a.jsonl")
    assert (unpacking.held, unpacking.findings) == (members, [])


def test_the_oldest_format_is_known_too(unpacked):
    raw = block(rest=b"") + b"{}".ljust(512, b"\0") + block(b"folder/", b"00000000000\0", b"\0", b"") + END
    assert unpacked(raw).held == [("a", b"{}")]


@pytest.mark.parametrize("format", ["gnu", "pax"])
@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("f/" * 60 + "a.json", "f/" * 60 + "a.json"),
        ("n" * 2_000, "n" * 100 + "…" + "n" * 299),
        ("Größe/日本.json", "Größe/日本.json"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\a.json", "a.json"),
        ("0", "0"),
    ],
)
def test_names_are_labels_and_never_paths(unpacked, format, name, label):
    assert unpacked(tarred([(name, b"{}")], FORMATS[format])).held == [(label, b"{}")]


def test_a_long_name_of_the_old_kind_has_its_prefix(unpacked):
    name = "folder" * 20 + "/" + "a" * 90
    assert unpacked(tarred([(name, b"{}")], tarfile.USTAR_FORMAT)).held == [(name, b"{}")]


def test_a_name_in_no_encoding_is_shown_as_far_as_it_goes(unpacked):
    assert unpacked(block(b"a\xff.json") + b"{}".ljust(512, b"\0") + END).held == [("a\ufffd.json", b"{}")]


def test_only_regular_files_are_unpacked(unpacked):
    kinds = {
        "hard": tarfile.LNKTYPE,
        "symbolic": tarfile.SYMTYPE,
        "character": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
        "pipe": tarfile.FIFOTYPE,
        "folder": tarfile.DIRTYPE,
    }
    members = [(info(name, type=kind, linkname="/etc/passwd"), b"") for name, kind in kinds.items()]
    unpacking = unpacked(tarred([*members, ("a", b"{}"), ("nothing", b"")]))
    assert unpacking.held == [("a", b"{}")]
    assert unpacking.skipped == [
        ("hard", "link"),
        ("symbolic", "link"),
        ("character", "special"),
        ("block", "special"),
        ("pipe", "special"),
        ("nothing", "empty"),
    ]


def test_sparse_files_are_skipped_with_all_their_headers(unpacked):
    more = bytes(504) + b"\1" + bytes(7)
    old = block(b"old", b"00000000003\0", b"S")
    old = old[:482] + b"\1" + old[483:]
    old = old[:148] + b"%06o\0 " % (sum(old[:148]) + 256 + sum(old[156:])) + old[156:]
    raw = old + more + bytes(512) + b"abc".ljust(512, b"\0")
    raw += tarred([(info("new", pax_headers={"GNU.sparse.major": "1"}), b"0\n"), ("a", b"{}")])
    unpacking = unpacked(raw)
    assert unpacking.skipped == [("old", "sparse"), ("new", "sparse")]
    assert unpacking.held == [("a", b"{}")]


def test_folders_and_what_desktops_leave_are_passed_over(unpacked):
    names = ["__MACOSX/._a", ".DS_Store", "runs/._a.json", "runs/a.json"]
    unpacking = unpacked(tarred([(name, b"{}") for name in names]))
    assert (unpacking.held, unpacking.skipped) == ([("runs/a.json", b"{}")], [])


def test_a_name_that_comes_twice_is_kept_twice(unpacked):
    unpacking = unpacked(tarred([("a", b"1"), ("b", b"2"), ("a", b"3")]))
    assert unpacking.held == [("a", b"1"), ("b", b"2"), ("a", b"3")]
    assert unpacking.findings == ["repeated_members"]


def test_sizes_may_be_binary_or_in_an_extended_header(unpacked):
    binary = block(size=b"\x80" + (2).to_bytes(11, "big")) + b"{}".ljust(512, b"\0")
    record = b"9 size=2\n"
    extended = block(b"x", b"%011o\0" % len(record), b"x") + record.ljust(512, b"\0")
    extended += block(b"b", b"00000000000\0") + b"[]".ljust(512, b"\0")
    assert unpacked(binary + extended + END).held == [("a", b"{}"), ("b", b"[]")]


@pytest.mark.parametrize(
    "bad",
    [
        block(size=b"\xff" * 12),  # a negative size
        block(size=b"\x80" + b"\xff" * 11),
        block(size=b"0000000001x\0"),
        block(b"x", b"77777777777\0", b"x"),  # a header of 8 GB
        block(b"x", b"77777777777\0", b"L"),
        block(b"x", b"00000000005\0", b"x") + b"0 a=b".ljust(512, b"\0"),
        block(b"x", b"00000000006\0", b"x") + b"99 a=b".ljust(512, b"\0"),
        block(b"x", b"00000000006\0", b"x") + b"-6 a=b".ljust(512, b"\0"),
        block(b"x", b"00000000011\0", b"x") + b"9 size=-\n".ljust(512, b"\0") + block(),
        b"x" * 512,
    ],
)
def test_a_damaged_header_ends_the_reading_and_keeps_what_came_before(unpacked, bad):
    first, last = block(b"first") + b"{}".ljust(512, b"\0"), block(b"last") + b"[]".ljust(512, b"\0")
    unpacking = unpacked(first + bad + last + END)
    assert unpacking.held == [("first", b"{}")]
    assert unpacking.findings == ["damaged"]


@pytest.mark.parametrize("pack", PACK)
def test_whatever_is_complete_in_a_cut_off_archive_is_kept(unpacked, pack):
    # Noise does not pack, so a cut anywhere leaves files before it.
    members = [(f"{n}.jsonl", random.Random(n).randbytes(300_000)) for n in range(4)]
    raw = PACK[pack](tarred(members))
    counts = set()
    for cut in range(2_000, len(raw) - 12_000, len(raw) // 20):
        unpacking = unpacked(raw[:cut], "a.tar")
        if unpacking.skipped == [("a.tar", "truncated")]:  # not even the first block can be had
            continue
        assert unpacking.held == members[: len(unpacking.held)]
        assert unpacking.findings == ["truncated"]
        counts.add(len(unpacking.held))
    assert counts >= {1, 2, 3}


def test_each_file_is_whole_when_it_is_told_of_and_may_be_taken_away(source_of, tmp_path_factory):
    into = tmp_path_factory.mktemp("into")
    members = [(str(n), LINES[:n]) for n in range(1, 6)]
    for (_, content), item in zip(
        members, unpack(source_of(gzip.compress(tarred(members))), into), strict=True
    ):
        assert [path.name for path in into.iterdir()] == [item.path.name]
        assert item.path.read_bytes() == content
        item.path.unlink()


def test_nothing_is_written_through_what_is_there_already(source_of, tmp_path_factory):
    into = tmp_path_factory.mktemp("into")
    (into / "0").symlink_to(into.parent / "elsewhere")
    with pytest.raises(FileExistsError):
        list(unpack(source_of(tarred([("a", b"{}")])), into))
    assert (into / "0").is_symlink()
    assert not (into.parent / "elsewhere").exists()


def test_a_wrong_checksum_of_the_compression_is_a_finding(unpacked):
    raw = bytearray(gzip.compress(tarred([("a", LINES)])))
    raw[-8] ^= 1
    unpacking = unpacked(bytes(raw))
    assert (unpacking.held, unpacking.findings) == ([("a", LINES)], ["checksum_wrong"])


def test_what_follows_the_archive_is_a_finding(unpacked):
    raw = tarred([("a", b"{}")])
    unpacking = unpacked(raw + raw)
    assert (unpacking.held, unpacking.findings) == ([("a", b"{}")], ["trailing_data"])
    unpacking = unpacked(gzip.compress(raw) + b"behind")
    assert (unpacking.held, unpacking.findings) == ([("a", b"{}")], ["trailing_data"])


def test_an_archive_without_a_mark_at_its_end_is_read_with_a_finding(unpacked):
    unpacking = unpacked(block() + b"{}".ljust(512, b"\0"))
    assert (unpacking.held, unpacking.findings) == ([("a", b"{}")], ["truncated"])


def test_logs_and_compressed_files_inside_are_read_and_archives_are_not(unpacked):
    log = io.BytesIO()
    with zipfile.ZipFile(log, "w") as file:
        file.writestr("header.json", json.dumps({"eval": {}}))
    members = [
        ("a.eval", log.getvalue()),
        ("b.jsonl.zst", zstd.compress(LINES)),
        ("c.tar", tarred([("a", b"{}")])),
        ("d.tar.gz", gzip.compress(tarred([("a", b"{}")]))),
        ("e.json", b"{}"),
    ]
    unpacking = unpacked(gzip.compress(tarred(members)))
    assert unpacking.held == [("a.eval", log.getvalue()), ("b.jsonl", LINES), ("e.json", b"{}")]
    assert unpacking.skipped == [("c.tar", "nested"), ("d.tar.gz", "nested")]


def test_too_many_members_end_the_reading(unpacked):
    unpacking = unpacked(tarred([(str(n), b"{}") for n in range(5)]), limits=Limits(members=3))
    assert [name for name, _ in unpacking.held] == ["0", "1", "2"]
    assert unpacking.findings == ["unpacking_stopped"]

"""A4: containers, compression, and files that are not what they are called. Tables are in ``tables``."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from backports import zstd
from backports.zstd import zipfile as zstd_zipfile

from tests.transcripts.corpus.case import Case, Expected, all_good, line, refused
from tests.transcripts.corpus.seeds import EVAL, HEADER, log, sample
from tests.transcripts.corpus.tables import WHOLE

ONE, TWO, THREE = line(1, "one"), line(2, "two"), line(3, "three")
MEGABYTE = 1 << 20
PACKERS = {"gzip": gzip.compress, "zstd": zstd.compress, "bzip2": bz2.compress, "xz": lzma.compress}
BAD_NAMES = [
    "../../etc/a.jsonl",
    "/etc/b.jsonl",
    "C:\\c.jsonl",
    "n" * 60_000 + "/d.jsonl",
    "e\nf\x1b[2J.jsonl",
]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, twice: bool = False) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of repeated names
        for name, content in files.items():
            for _ in range(1 + twice):
                archive.writestr(name, content)
    return buffer.getvalue()


def linked(kind: bytes) -> bytes:
    """A tar archive with a good file and one that is no regular file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        good = tarfile.TarInfo("a.jsonl")
        good.size = len(ONE)
        archive.addfile(good, io.BytesIO(ONE))
        other = tarfile.TarInfo("b.jsonl")
        other.type, other.linkname = kind, "/etc/passwd"
        archive.addfile(other)
    return buffer.getvalue()


def zip_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jsonl", ONE)
        link = zipfile.ZipInfo("b.jsonl")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def patched(raw: bytes, at_signature: bytes, offset: int, value: bytes) -> bytes:
    at = raw.index(at_signature) + offset
    return raw[:at] + value + raw[at + len(value) :]


def encrypted() -> bytes:
    raw = patched(zipped({"a.jsonl": ONE}), b"PK\x03\x04", 6, b"\x01")
    return patched(raw, b"PK\x01\x02", 8, b"\x01")


def lying(size: int) -> bytes:
    """The directory says another size than the data have."""
    raw = patched(zipped({"a.jsonl": ONE}), b"PK\x01\x02", 24, struct.pack("<I", size))
    return patched(raw, b"PK\x03\x04", 22, struct.pack("<I", size))


def overlapping() -> bytes:
    """Ten entries of the directory that all stand for the same bytes."""
    raw = zipped({"a.jsonl": ONE * 100})
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry = raw[start:end]
    entries = b"".join(entry.replace(b"a.jsonl", b"%d.jsonl" % n) for n in range(10))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 10, 10, len(entries), start, 0)
    return raw[:start] + entries + tail


def a_million_entries(path: Path) -> None:
    names = [b"%06x" % n for n in range(1_000_000)]
    local = b"".join(b"PK\x03\x04" + b"\x00" * 22 + b"\x06\x00\x00\x00" + name for name in names)
    head = b"PK\x01\x02" + b"\x00" * 24 + b"\x06\x00" + b"\x00" * 12
    directory = b"".join(head + struct.pack("<I", 36 * n) + name for n, name in enumerate(names))
    sizes = struct.pack("<QQQQ", len(names), len(names), len(directory), len(local))
    end = struct.pack("<4sQHHII", b"PK\x06\x06", 44, 45, 45, 0, 0) + sizes
    finder = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(local) + len(directory), 1)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(local + directory + end + finder + tail)


def bomb(pack: Callable[[bytes], bytes], ending: str) -> Case:
    """A gigabyte of one line from a few kilobytes; members are joined, as all four formats allow."""

    def write(path: Path) -> None:
        part = pack(b" " * 16 * MEGABYTE)
        path.write_bytes(pack(ONE) + part * 64)

    expected = Expected("failed", says=("unpack",))
    return Case("I-41", f"a {ending} bomb", write, expected, f"runs.jsonl.{ending}", seconds=30)


def chunked_log() -> bytes:
    """A sample in several members, with its messages beside it."""
    spread = {**sample(1), "message_refs": [[0, 2]]}
    messages = spread.pop("messages")
    return zipped(
        {
            "_journal/start.json": json.dumps({"version": 2, "eval": EVAL}).encode(),
            "samples/1_epoch_1/sample.json": json.dumps(spread).encode(),
            "samples/1_epoch_1/messages/0.json": json.dumps(messages).encode(),
            "header.json": json.dumps(HEADER).encode(),
        }
    )


def attached_log(attachments: dict[str, str]) -> bytes:
    told = {
        **sample(1),
        "messages": [{"role": "user", "content": "attachment://abc"}],
        "attachments": attachments,
    }
    return zipped(
        {"samples/1_epoch_1.json": json.dumps(told).encode(), "header.json": json.dumps(HEADER).encode()}
    )


def crashed_log() -> bytes:
    return zipped(
        {
            "_journal/start.json": json.dumps({"version": 2, "eval": EVAL}).encode(),
            "samples/1_epoch_1.json": json.dumps(sample(1)).encode(),
        }
    )


def part(name: str = "runs.jsonl", state: str = "done") -> dict[str, str]:
    return {name: state}


LOG, ZSTD_LOG = log(), log(zstd_zipfile, 93)
SKIPPED = frozenset({"member_skipped"})
PDF = b"%PDF-1.7\n\x00\x01\x02"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
LOG_TEXT = "<SCRATCHPAD>Hm \\ud83d\ud83d</SCRATCHPAD><OUTPUT>This \x00 much.</OUTPUT>"

CASES = [
    *(
        Case("I-40", f"{name} called .jsonl", content, refused(says))
        for name, content, says in [
            ("PDF", PDF, "PDF"),
            ("PNG", PNG, "PNG"),
            ("HTML", b"<!doctype html><p>{}", "HTML"),
            ("pickle", b"\x80\x04\x95\x00", "pickle"),
            ("XML", b"<?xml version='1.0'?><a/>", "XML"),
        ]
    ),
    *(
        Case(
            "I-40",
            f"{name} called .jsonl",
            pack(ONE + TWO),
            all_good("one", "two", parts=part()),
            "runs.jsonl",
        )
        for name, pack in PACKERS.items()
    ),
    Case("I-40", "zip called .jsonl", zipped({"a.jsonl": ONE}), all_good("one"), "runs.jsonl"),
    Case(
        "I-40",
        "Parquet called .jsonl",
        WHOLE,
        all_good("one", "two", reader="chat", findings=frozenset({"arm_unknown"})),
    ),
    Case("I-40", "JSON Lines called .parquet", ONE + TWO, all_good("one", "two"), "runs.parquet"),
    Case("I-40", "an Inspect log called .jsonl", LOG, all_good(LOG_TEXT, LOG_TEXT, reader="inspect_log")),
    bomb(gzip.compress, "gz"),
    bomb(zstd.compress, "zst"),
    bomb(bz2.compress, "bz2"),
    bomb(lzma.compress, "xz"),
    Case(
        "I-41",
        "gzip in gzip",
        gzip.compress(gzip.compress(ONE)),
        refused("only one is opened", findings=SKIPPED),
        "runs.jsonl.gz.gz",
    ),
    *(
        Case("I-42", f"{name} of two members", pack(ONE) + pack(TWO), all_good("one", "two"), "runs.jsonl.gz")
        for name, pack in PACKERS.items()
    ),
    Case(
        "I-42",
        "garbage behind gzip",
        gzip.compress(ONE) + b"garbage",
        all_good("one", findings=frozenset({"trailing_data"})),
        "runs.jsonl.gz",
    ),
    Case(
        "I-42",
        "gzip that is cut",
        gzip.compress(ONE + TWO, mtime=0)[:-12],
        Expected(
            "done_with_rejects",
            created=1,
            rejects=(("truncated", "line 2"),),
            findings=frozenset({"truncated"}),
        ),
        "runs.jsonl.gz",
    ),
    Case(
        "I-42",
        "gzip with a wrong checksum",
        gzip.compress(ONE)[:-8] + b"\x00" * 4 + gzip.compress(ONE)[-4:],
        all_good("one", findings=frozenset({"checksum_wrong"})),
        "runs.jsonl.gz",
    ),
    Case("I-43", "a million entries", a_million_entries, refused("members"), "runs.zip", seconds=30),
    *(
        Case(
            "I-43",
            f"an entry that says it has {size} bytes",
            lying(size),
            refused("another size", findings=SKIPPED),
            "runs.zip",
        )
        for size in (1, 1 << 30)
    ),
    Case("I-44", "entries that overlap", overlapping(), refused("overlap"), "runs.zip"),
    Case(
        "I-45",
        "a log that is cut off",
        LOG[: LOG.index(b"PK\x01\x02") - 200],
        all_good(LOG_TEXT, LOG_TEXT, findings=frozenset({"truncated", "log_incomplete"})),
        "log.eval",
    ),
    Case(
        "I-45",
        "a log that was only started",
        crashed_log(),
        all_good(LOG_TEXT, findings=frozenset({"log_incomplete"})),
        "log.eval",
    ),
    Case("I-45", "a log without a complete member", LOG[:60], refused("cut off"), "log.eval"),
    Case(
        "I-46",
        "a log packed with zstd",
        ZSTD_LOG,
        all_good(LOG_TEXT, LOG_TEXT, reader="inspect_log"),
        "log.eval",
    ),
    Case(
        "I-47",
        "a log in many members",
        chunked_log(),
        all_good(LOG_TEXT, findings=frozenset({"fewer_samples"})),
        "log.eval",
    ),
    Case(
        "I-47",
        "members twice",
        zipped(
            {
                "header.json": json.dumps(HEADER).encode(),
                "samples/1_epoch_1.json": json.dumps(sample(1)).encode(),
            },
            twice=True,
        ),
        all_good(LOG_TEXT, findings=frozenset({"fewer_samples", "repeated_members"})),
        "log.eval",
    ),
    Case(
        "I-47",
        "an attachment",
        attached_log({"abc": "what was meant"}),
        Expected(created=1, findings=frozenset({"fewer_samples"})),
        "log.eval",
    ),
    Case(
        "I-47",
        "an attachment that is missing",
        attached_log({}),
        Expected(created=1, findings=frozenset({"fewer_samples", "missing_attachment"})),
        "log.eval",
    ),
    Case(
        "I-48",
        "names that lead elsewhere",
        zipped({name: line(n, "x") for n, name in enumerate(BAD_NAMES, 1)}),
        Expected(created=len(BAD_NAMES)),
        "runs.zip",
    ),
    Case(
        "I-48",
        "a name with NUL",
        patched(zipped({"a.jsonl": ONE}).replace(b"a.jsonl", b"a\x00jsonl"), b"PK\x03\x04", 0, b"PK\x03\x04"),
        all_good("one"),
        "runs.zip",
    ),
    *(
        Case("I-48", f"tar with a {what}", linked(kind), all_good("one", findings=SKIPPED), "runs.tar")
        for what, kind in {
            "symbolic link": tarfile.SYMTYPE,
            "hard link": tarfile.LNKTYPE,
            "device": tarfile.CHRTYPE,
            "pipe": tarfile.FIFOTYPE,
        }.items()
    ),
    Case("I-48", "zip with a symbolic link", zip_link(), all_good("one", findings=SKIPPED), "runs.zip"),
    Case("I-48", "an encrypted entry", encrypted(), refused("encrypted", findings=SKIPPED), "runs.zip"),
    Case(
        "I-48",
        "names twice",
        zipped({"a.jsonl": ONE}, twice=True),
        all_good("one", findings=frozenset({"repeated_members"})),
        "runs.zip",
    ),
    Case(
        "I-49",
        "zip in zip",
        zipped({"in.zip": zipped({"a.jsonl": ONE}), "b.jsonl": TWO}),
        all_good("two", findings=SKIPPED),
        "runs.zip",
    ),
    Case(
        "I-49",
        "zip behind HTML",
        b"<!doctype html><p>hello</p>" + zipped({"a.jsonl": ONE}),
        refused("HTML"),
        "runs.zip",
    ),
    Case(
        "I-49",
        "HTML behind zip",
        zipped({"a.jsonl": ONE}) + b"<html></html>",
        all_good("one", findings=frozenset({"trailing_data"})),
        "runs.zip",
    ),
]

"""A2: what JSON lets a file say."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

from tests.transcripts.corpus.case import Case, Expected, all_good, around, fields, line, one_bad, refused
from transcripts.ingest import sources
from transcripts.models import Ingest, Prompt, Transcript

MEGABYTE = 1 << 20
AT_ITS_LIMIT = 185  # a parser that is refused more: 160 MB of data, and its code


def with_metadata(text: str, sample: int = 2) -> bytes:
    """A line whose metadata are this JSON text."""
    return line(sample, metadata="HERE").replace(b'"HERE"', text.encode())


def kept(*metadata: dict[str, Any]):
    """A check that each transcript has these metadata, and that its original record is to be had."""

    def check(row: Ingest) -> None:
        found = Transcript.objects.filter(ingest=row).select_related("body").order_by("pk")
        assert [transcript.body.content.metadata for transcript in found] == list(metadata)

    return check


def original_is(raw: bytes):
    def check(row: Ingest) -> None:
        locator = Transcript.objects.get(ingest=row).locator
        assert sources.original_record(row.source, locator) == raw

    return check


def nested(depth: int) -> str:
    return '{"a":' + "[" * depth + "]" * depth + "}"


def deep(depth: int, reason: str = "too_deep", says: str = "") -> Case:
    return Case("I-15", f"{depth} levels{says}", around(with_metadata(nested(depth))), one_bad(reason))


def prompts_are(*values: str):
    def check(row: Ingest) -> None:
        assert set(Prompt.objects.filter(study=row.study).values_list("external_id", flat=True)) == set(
            values
        )

    return check


def is_too_long(row: Ingest) -> None:
    assert "64 MB" in row.rejects.get().message


def long_line(size: int, before: bytes = b"", behind: bytes = b""):
    """A file with one line of ``size`` bytes, which is a hole: nothing is written for it."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(line(1) + before)
            file.seek(size, 1)
            file.write(behind + b"\n" + line(3))

    return write


def long_text(size: int, of: bytes = b"word "):
    def write(path: Path) -> None:
        before, behind = line(2, "HERE").split(b"HERE")
        with path.open("wb") as file:
            file.write(line(1) + before)
            for _ in range(size >> 20):
                file.write((of * (MEGABYTE // len(of))).ljust(MEGABYTE))
            file.write(behind + line(3))

    return write


def long_noise(size: int):
    """A text that cannot be packed: what a worker gets of it is nearly as long as it is."""

    def write(path: Path) -> None:
        before, behind = line(2, "HERE").split(b"HERE")
        noise = base64.b64encode(random.Random(1).randbytes(size * 3 // 4))
        path.write_bytes(line(1) + before + noise + behind + line(3))

    return write


def long_first(size: int):
    def write(path: Path) -> None:
        before, behind = line(1, "HERE").split(b"HERE")
        path.write_bytes(before + b"x" * size + behind + line(2) + line(3))

    return write


def text_has(size: int):
    def check(row: Ingest) -> None:
        assert Transcript.objects.get(ingest=row, sample=2).n_characters == size + len("How?")

    return check


BIG = {"seed": 2**64 + 1, "other": -(2**63) - 1, "id": 2**70, "small": 2**63}
DIGITS = "9" * 5000
NOT_JSON = {
    "trailing comma": line(2).replace(b"}\n", b",}\n"),
    "comment": line(2).replace(b'{"model"', b'{/* who */ "model"'),
    "single quotes": line(2).replace(b'"', b"'"),
    "Python": repr(fields(2)).encode(),
    "Python names": line(2).replace(b'"How?"', b"None", 1),
    "no quotes": line(2).replace(b'"model"', b"model"),
    "half a value": line(2)[:40],
    "two values": line(2).rstrip() + b" " + line(4).rstrip(),
    "words": b"the server was restarted here",
}
SOURCE_ORDER = (
    b'{"sample": 1, "messages": [{"content": "How?", "role": "user"}, {"role":"assistant", "content":"\\u0041"}],'
    b' "arm" : "free", "metadata": {"z": -0.0, "a": 1.0, "m": 1, "e": 1E2}}\n'
)
TURNS = json.dumps(fields(2)["messages"])
TWICE = line(2).replace(b'"messages": ', b'"messages": ' + TURNS.encode() + b', "messages": ')
ROLE_TWICE = line(2).replace(b'"role": "user"', b'"role": "system", "role": "user"')

CASES = [
    Case(
        "I-14",
        "numbers that are none",
        with_metadata('{"a": NaN, "b": [Infinity, -Infinity]}'),
        Expected(
            created=1,
            check=kept(
                {"a": {"__number__": "NaN"}, "b": [{"__number__": "Infinity"}, {"__number__": "-Infinity"}]}
            ),
        ),
    ),
    Case(
        "I-14",
        "a score that is none",
        line(1, verdicts=[{"judge": "j", "value": "x", "score": float("nan")}]),
        all_good("Like this."),
    ),
    Case(
        "I-14",
        "a sample number that is none",
        around(line(2).replace(b'"sample": 2', b'"sample": NaN')),
        one_bad("field_type"),
    ),
    Case("I-15", "150 levels", with_metadata(nested(150)), Expected(created=1)),
    deep(250),
    deep(1_000),
    deep(100_000),
    Case("I-15", "never closed", around(with_metadata('{"a":' + "[" * 100_000)), one_bad("too_deep")),
    Case(
        "I-15",
        "a message 5000 levels deep",
        around(line(2).replace(b'"Like this."', b"[" * 5000 + b"]" * 5000)),
        one_bad("too_deep"),
    ),
    Case("I-16", "messages twice", around(TWICE), one_bad("duplicate_key")),
    Case("I-16", "a role twice", around(ROLE_TWICE), one_bad("duplicate_key")),
    Case(
        "I-16",
        "twice in the metadata",
        with_metadata('{"a": 1, "a": 2}'),
        Expected(created=1, check=kept({"a": 2})),
    ),
    Case(
        "I-17",
        "whole numbers beyond 64 bits",
        with_metadata(json.dumps(BIG)),
        Expected(created=1, check=kept(BIG)),
    ),
    Case(
        "I-17",
        "ids beyond 64 bits",
        line(1, prompt_id=2**64) + line(1, prompt_id=2**64 + 1),
        Expected(created=2, check=prompts_are(f"int␟{2**64}", f"int␟{2**64 + 1}")),
    ),
    Case("I-17", "a sample number beyond 31 bits", around(line(2**31)), one_bad("field_type")),
    Case("I-18", "5000 digits", around(with_metadata(f'{{"a": {DIGITS}}}')), one_bad("number_too_long")),
    Case(
        "I-18",
        "5000 digits behind the point",
        with_metadata(f'{{"a": 0.{DIGITS}}}'),
        Expected(created=1, check=kept({"a": 1.0})),
    ),
    Case(
        "I-18",
        "a million digits",
        around(with_metadata(f'{{"a": {"9" * MEGABYTE}}}')),
        one_bad("number_too_long"),
    ),
    # 1e-400 and forty digits are rounded as every JSON reader does; the source keeps what it said.
    Case(
        "I-19",
        "exponents out of range",
        with_metadata('{"a": 1e400, "b": -1e400, "c": 1e-400}'),
        Expected(
            created=1, check=kept({"a": {"__number__": "1e400"}, "b": {"__number__": "-1e400"}, "c": 0.0})
        ),
    ),
    Case(
        "I-19",
        "forty digits",
        with_metadata('{"a": 0.1234567890123456789012345678901234567890}'),
        Expected(created=1, check=kept({"a": 0.12345678901234568})),
    ),
    Case(
        "I-20",
        "the record as the file has it",
        SOURCE_ORDER,
        Expected(created=1, findings=frozenset(), check=original_is(SOURCE_ORDER)),
    ),
    Case(
        "I-21",
        "an array of our records",
        json.dumps([fields(1, "one"), fields(2, "two")]).encode(),
        all_good("one", "two", reader="chat"),
    ),
    Case(
        "I-21",
        "one record over many lines",
        json.dumps(fields(1, "one"), indent=2).encode(),
        all_good("one", reader="chat"),
    ),
    Case(
        "I-21",
        "an array over many lines",
        json.dumps([fields(1, "one"), fields(2, "two")], indent=2).encode(),
        all_good("one", "two"),
    ),
    *(
        Case("I-21", f"a single {kind}", text, refused("single JSON value" if kind != "word" else ""))
        for kind, text in {
            "number": b"17\n",
            "string": b'"messages"\n',
            "null": b"null",
            "word": b"messages",
        }.items()
    ),
    Case("I-21", "an array of numbers", b"[1, 2, 3]", refused("array")),
    Case("I-21", "an empty array", b"[]", refused("array")),
    Case("I-21", "an empty object", b"{}", Expected("needs_mapping", says=("mapping",))),
    Case("I-21", "several objects on a line", around(NOT_JSON["two values"]), one_bad("json_invalid")),
    *(Case("I-22", name, around(bad), one_bad("json_invalid")) for name, bad in NOT_JSON.items()),
    Case("I-22", "a line that is a list", around(b"[1, 2]"), one_bad("not_an_object")),
    Case("I-22", "a line that is a text", around(b'"just words"'), one_bad("not_an_object")),
    Case("I-23", "the last line is cut", line(1) + line(2)[:-9], one_bad("truncated", created=1)),
    Case(
        "I-23",
        "the last line lacks only its end",
        line(1, "one") + line(2, "two")[:-1],
        all_good("one", "two"),
    ),
    Case(
        "I-23",
        "cut inside a character",
        line(1) + b'{"messages": [{"role": "user", "content": "caf\xc3',
        one_bad("truncated", created=1),
    ),
    *(
        Case("I-24", name, content, refused("empty"))
        for name, content in {
            "nothing": b"",
            "white space": b" \n\t \r\n",
            "only a byte order mark": b"\xef\xbb\xbf",
            "a mark and white space": b"\xef\xbb\xbf \n",
        }.items()
    ),
    Case(
        "I-25",
        "a line of 1 GB",
        long_line(1 << 30, b'{"messages": [{"role": "user", "content": "', b'"}]}'),
        one_bad("too_long", check=is_too_long),
        seconds=60,
    ),
    Case("I-25", "a line of 100 MB that is nothing", long_line(100 * MEGABYTE), one_bad("too_long")),
    Case(
        "I-26",
        "names that rule a program",
        line(1, metadata={"__proto__": {"a": 1}, "constructor": 2, "__class__": 3, "": 4}),
        Expected(created=1, check=kept({"__proto__": {"a": 1}, "constructor": 2, "__class__": 3, "": 4})),
    ),
    Case(
        "I-26",
        "a key of a megabyte",
        line(1, metadata={"k" * MEGABYTE: 1}),
        Expected(created=1, check=kept({"k" * MEGABYTE: 1})),
    ),
    Case("I-26", "100,000 keys", line(1, metadata={f"k{n}": n for n in range(100_000)}), Expected(created=1)),
    Case(
        "I-27",
        "a text of 256 MB",
        long_text(256 * MEGABYTE),
        one_bad("too_long", check=is_too_long),
        seconds=60,
    ),
    Case(
        "I-27",
        "a text of 20 MB",
        long_text(20 * MEGABYTE),
        Expected(created=3, check=text_has(20 * MEGABYTE)),
    ),
    Case(
        "I-27",
        "a text of 20 MB of letters of two bytes",
        long_text(20 * MEGABYTE, "é".encode()),
        Expected(created=3, check=text_has(10 * MEGABYTE)),
    ),
    Case(
        "I-27",
        "20 MB of noise",
        long_noise(20 * MEGABYTE),
        Expected(created=3, check=text_has(20 * MEGABYTE)),
    ),
    Case(
        "I-27",
        "63 MB in the first record",
        long_first(63 * MEGABYTE),
        one_bad("too_large", "line 1"),
        megabytes=AT_ITS_LIMIT,
    ),
    # What a record needs is several times its text; what does not fit into a parser is a reject.
    Case("I-27", "a text of 63 MB", long_text(63 * MEGABYTE), one_bad("too_large"), megabytes=AT_ITS_LIMIT),
    Case(
        "I-27",
        "30 MB of escapes",
        long_text(30 * MEGABYTE, b"\\ud83d\\ude00\\u0000a "),
        one_bad("too_large"),
        megabytes=AT_ITS_LIMIT,
    ),
]

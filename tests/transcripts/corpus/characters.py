"""A1: characters and encoding."""

from __future__ import annotations

import json

from tests.transcripts.corpus.case import Case, Expected, all_good, around, fields, line, one_bad, refused
from transcripts.ingest import sources
from transcripts.models import Ingest, Transcript
from transcripts.text import original

BOM = b"\xef\xbb\xbf"
TWO = line(1, "one") + line(2, "two")
SEPARATORS = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg"
TERMINAL = "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202eevil\u202c \u2066x\u2069 z\u200bw\u200dj \U000e0041\U000e0042 \ufeff"
MARKS = "o" + "\u0301" * 10_000


def raw(text: str, sample: int = 1) -> bytes:
    """A line in UTF-8, with nothing escaped that need not be."""
    return json.dumps(fields(sample, text), ensure_ascii=False).encode() + b"\n"


def body_of(row: Ingest):
    return Transcript.objects.get(ingest=row).body.content


def has_escapes(row: Ingest) -> None:
    assert all(Transcript.objects.filter(ingest=row).values_list("has_escapes", flat=True))


def key_is_kept(row: Ingest) -> None:
    assert {original(key): value for key, value in body_of(row).metadata.items()} == {"a\x00b": {"c": 1}}


def roles_are_kept(row: Ingest) -> None:
    assert [message.role for message in body_of(row).messages] == ["user", "\u0430ssistant"]


def name_is_a_label(row: Ingest) -> None:
    assert len(row.source.name) <= sources.NAME_LENGTH
    assert "\x00" not in row.source.name
    with sources.local_path(row.source) as path:
        assert path.name == row.source.sha256


def encoding_is_told(row: Ingest) -> None:
    reject = row.rejects.get()
    assert "UTF-8" in reject.message
    assert "byte" in reject.message


NAMES = {
    "letters": "Ωμέγα/模型_True.jsonl",
    "long": "n" * 4096 + ".jsonl",
    "leaves the folder": "../../../etc/passwd.jsonl",
    "absolute": "/etc/passwd.jsonl",
    "newline": "a\nb\r.jsonl",
    "NUL": "a\x00b.jsonl",
    "not UTF-8": "caf\udce9.jsonl",
    "drive": "C:\\runs\\a.jsonl",
    "nothing": "",
}

CASES = [
    Case("I-01", "NUL in a text", line(1, "nul \x00 here"), all_good("nul \x00 here", check=has_escapes)),
    Case(
        "I-01",
        "our own escapes in a text",
        raw("\U0010f800 \U0010f801 \U0010f000"),
        all_good("\U0010f800 \U0010f801 \U0010f000"),
    ),
    Case(
        "I-02", "NUL in a key", line(1, metadata={"a\x00b": {"c": 1}}), Expected(created=1, check=key_is_kept)
    ),
    Case(
        "I-02",
        "NUL in names",
        line(1, model="m\x00", arm="free\x00", family="f\x00", prompt_id="p\x00"),
        Expected(created=1, findings=frozenset({"arm_role_unknown"})),
    ),
    Case(
        "I-03",
        "half a surrogate pair",
        line(1, "\ud83d") + line(2, "\ude00 \ud83d"),
        all_good("\ud83d", "\ude00 \ud83d", check=has_escapes),
    ),
    Case("I-03", "both halves are one character", line(1, "\U0001f600"), all_good("\U0001f600")),
    Case(
        "I-03",
        "half a pair as UTF-8 bytes",
        around(raw("X").replace(b"X", b"\xed\xa0\xbd")),
        one_bad("encoding"),
    ),
    Case(
        "I-04",
        "bytes that are not UTF-8",
        around(raw("X").replace(b"X", b"\xff\xfe")),
        one_bad("encoding", check=encoding_is_told),
    ),
    Case("I-04", "an overlong form", around(raw("X").replace(b"X", b"\xc0\xaf")), one_bad("encoding")),
    Case(
        "I-04",
        "a character that is cut",
        around(raw("X").replace(b"X", b"\xf0\x9f\x98")),
        one_bad("encoding"),
    ),
    # The catalogue wants the mark noted; the source is kept byte for byte, which says it.
    Case("I-05", "byte order mark at the start", BOM + TWO, all_good("one", "two")),
    Case(
        "I-05",
        "byte order mark at every line",
        BOM + line(1, "one") + BOM + line(2, "two"),
        all_good("one", "two"),
    ),
    Case("I-05", "byte order mark inside a text", raw("a\ufeffb"), all_good("a\ufeffb")),
    *(
        Case(
            "I-06",
            f"{codec} {'with' if mark else 'without'} mark",
            mark + TWO.decode().encode(codec),
            refused(says),
        )
        for codec, mark, says in [
            ("utf-16-le", b"\xff\xfe", "UTF-16"),
            ("utf-16-be", b"\xfe\xff", "UTF-16"),
            ("utf-32-le", b"\xff\xfe\x00\x00", "UTF-32"),
            ("utf-32-be", b"\x00\x00\xfe\xff", "UTF-32"),
            ("utf-16-le", b"", "UTF-16"),
            ("utf-16-be", b"", "UTF-16"),
            ("utf-32-le", b"", "UTF-"),
            ("utf-32-be", b"", "UTF-"),
        ]
    ),
    Case("I-07", "one line in Latin-1", around(raw("café").decode().encode("latin-1")), one_bad("encoding")),
    Case(
        "I-07",
        "a file in Windows-1252",
        line(1) + b"".join(raw("“naïve” café", n).decode().encode("cp1252") for n in range(2, 6)),
        Expected(
            "done_with_rejects",
            created=1,
            rejects=tuple(("encoding", f"line {n}") for n in range(2, 6)),
            findings=frozenset({"not_utf8"}),
        ),
    ),
    Case(
        "I-08", "separators that end no line", raw(SEPARATORS) + line(2, "next"), all_good(SEPARATORS, "next")
    ),
    Case(
        "I-09",
        "both line ends",
        TWO.replace(b"\n", b"\r\n", 1) + b"\r\n\n \n" + line(3, "three"),
        all_good("one", "two", "three"),
    ),
    Case("I-09", "line ends of old Macs", TWO.replace(b"\n", b"\r"), refused("carriage return")),
    Case(
        "I-09",
        "one line end of old Macs",
        line(1) + line(2).replace(b"\n", b"\r") + line(3) + line(4),
        one_bad("json_invalid"),
    ),
    Case("I-09", "carriage return between values", line(1, "one").replace(b", ", b",\r"), all_good("one")),
    Case(
        "I-10",
        "control character in a string",
        around(raw("X").replace(b"X", b"\x01")),
        one_bad("json_invalid"),
    ),
    Case("I-10", "tab in a string", around(raw("X").replace(b"X", b"\t")), one_bad("json_invalid")),
    Case(
        "I-11",
        "what rules a terminal or the direction",
        line(1, TERMINAL) + raw(TERMINAL.replace("\x1b", "").replace("\x07", ""), 2),
        all_good(TERMINAL, TERMINAL.replace("\x1b", "").replace("\x07", "")),
    ),
    Case(
        "I-11",
        "a role in look-alike letters",
        raw("x").replace(b'"assistant"', '"\u0430ssistant"'.encode()),
        all_good("x", check=roles_are_kept),
    ),
    Case("I-12", "composed and decomposed", raw("é") + raw("e\u0301", 2), all_good("é", "e\u0301")),
    Case("I-12", "ten thousand marks on a letter", raw(MARKS), all_good(MARKS)),
    Case(
        "I-12",
        "prompts that differ in composition only",
        line(1, "one", prompt_id=..., prompt="é") + line(1, "two", prompt_id=..., prompt="e\u0301"),
        all_good("one", "two"),
    ),
    *(
        Case("I-13", f"file name: {what}", TWO, all_good("one", "two", check=name_is_a_label), name)
        for what, name in NAMES.items()
    ),
]

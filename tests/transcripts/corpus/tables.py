"""A4: Parquet and CSV."""

from __future__ import annotations

import datetime
import decimal
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.transcripts.corpus.case import Case, Expected, all_good, refused
from transcripts.models import Ingest, Transcript

MEGABYTE = 1 << 20
UNKNOWN = frozenset({"arm_unknown"})
ROW = {"prompt": "How?", "response": "So.", "model": "m"}
HEADER = b"prompt,response,model\n"


def table(*rows: dict[str, Any], **options: Any) -> bytes:
    return packed(pa.Table.from_pylist(list(rows)), **options)


def packed(of: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(of, buffer, **options)
    return buffer.getvalue()


def rows(*texts: str) -> list[dict[str, Any]]:
    return [{**ROW, "prompt": f"How {n}?", "response": text} for n, text in enumerate(texts)]


def csv(*texts: str) -> bytes:
    return HEADER + b"".join(f"How {n}?,{text},m\n".encode() for n, text in enumerate(texts))


def good(*texts: str, **more: Any) -> Expected:
    return all_good(*texts, reader="chat", **{"findings": UNKNOWN, **more})


def rare_types() -> bytes:
    values = {
        "prompt": ["How?"],
        "response": ["So."],
        "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "decimal": [decimal.Decimal("1.10")],
        "ns": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
        "day": [datetime.date(2024, 1, 2)],
        "dictionary": pa.array(["x"]).dictionary_encode(),
        "binary": [b"\x00\xff"],
        "large": pa.array([["y"]], pa.large_list(pa.large_string())),
        "nothing": pa.nulls(1),
        "struct": [{"b": [1, None]}],
        "nan": [float("nan")],
    }
    return packed(pa.table(values))


def rare_types_are_kept(row: Ingest) -> None:
    metadata = Transcript.objects.get(ingest=row).body.content.metadata
    assert metadata["map"] == {"a": 1}
    assert metadata["decimal"] == "1.10"
    assert metadata["ns"].startswith("2023-11-14 22:13:20.123456789")
    assert metadata["binary"] == {"__bytes__": "AP8="}
    assert (metadata["dictionary"], metadata["large"], metadata["nothing"]) == ("x", ["y"], None)
    assert (metadata["struct"], metadata["nan"]) == ({"b": [1, None]}, {"__number__": "NaN"})


def dictionary_bomb(path: Path) -> None:
    """A few kilobytes: one text of a megabyte, 500 times in one batch of rows."""
    cell = pa.array(["x" * MEGABYTE]).dictionary_encode()
    response = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), cell.dictionary)
    columns = {"prompt": [f"How {n}?" for n in range(500)], "response": response}
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < 100_000


def flat_bomb(path: Path) -> None:
    """One cell of 300 MB in a small file."""
    pq.write_table(
        pa.table({"prompt": ["How?"], "response": ["x" * 300 * MEGABYTE]}), path, compression="zstd"
    )


def latin_cells() -> bytes:
    text = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.array([0, 3, 6, 9], pa.int32()).buffers()[1], pa.py_buffer(b"onetw\xffend")]
    )
    return packed(pa.table({"prompt": ["How 0?", "How 1?", "How 2?"], "response": text}))


def flipped() -> bytes:
    raw = bytearray(
        table(*rows(*(f"text {n} " * 50 for n in range(100))), compression="none", write_page_checksum=True)
    )
    raw[3000] ^= 0xFF
    return bytes(raw)


def encrypted_footer() -> bytes:
    return b"PARE" + table(*rows("one"))[4:-4] + b"PARE"


def long_footer() -> bytes:
    raw = table(*rows("one"))
    return raw[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1"


WHOLE = table(*rows("one", "two"))
MANY = "\n".join(f"line {n}" for n in range(1500))

CASES = [
    Case("I-50", "a table that is whole", WHOLE, good("one", "two"), "runs.parquet"),
    Case("I-50", "the end is missing", WHOLE[:-20], refused("Parquet"), "runs.parquet"),
    Case("I-50", "the beginning only", WHOLE[:4], refused("Parquet"), "runs.parquet"),
    Case(
        "I-50",
        "the footer is nonsense",
        WHOLE[:-60] + b"\x99" * 52 + WHOLE[-8:],
        refused("Parquet"),
        "runs.parquet",
    ),
    Case("I-50", "a footer of 2 GB", long_footer(), refused("Parquet"), "runs.parquet"),
    Case("I-50", "a page that is damaged", flipped(), Expected("failed", says=("Parquet",)), "runs.parquet"),
    Case(
        "I-51",
        "a dictionary that unpacks to 500 MB",
        dictionary_bomb,
        Expected(created=500, findings=UNKNOWN),
        "runs.parquet",
        seconds=40,
    ),
    Case("I-51", "a cell of 300 MB", flat_bomb, refused("memory"), "runs.parquet"),
    Case(
        "I-52",
        "types that JSON does not have",
        rare_types(),
        good("So.", check=rare_types_are_kept),
        "runs.parquet",
    ),
    Case(
        "I-52",
        "text that is not UTF-8",
        latin_cells(),
        Expected("done_with_rejects", created=2, rejects=(("encoding", "row 2"),), findings=UNKNOWN),
        "runs.parquet",
    ),
    Case(
        "I-52",
        "no rows",
        packed(pa.table({"prompt": pa.array([], pa.string()), "response": pa.array([], pa.string())})),
        refused(""),
        "runs.parquet",
    ),
    Case("I-53", "an encrypted table", encrypted_footer(), refused("encrypted"), "runs.parquet"),
    Case(
        "I-54",
        "a quote that is never closed",
        csv("one", '"two') + b"How 8?,x,m\n" * 10,
        Expected("done_with_rejects", created=1, rejects=(("unclosed_quote", "line 3"),), findings=UNKNOWN),
        "runs.csv",
    ),
    Case(
        "I-54",
        "a quote that swallows 1500 lines",
        csv("one", f'"{MANY}"', "three"),
        good("one", MANY, "three", findings=UNKNOWN | {"csv_long_record"}),
        "runs.csv",
    ),
    Case(
        "I-54",
        "a quote in the wrong place",
        csv("one", '"two" or', "three"),
        Expected("done_with_rejects", created=2, rejects=(("csv_invalid", "line 3"),), findings=UNKNOWN),
        "runs.csv",
    ),
    *(
        Case("I-55", name, csv("one", "two").replace(b",", mark), good("one", "two"), "runs.csv")
        for name, mark in {"semicolons": b";", "tabs": b"\t"}.items()
    ),
    Case("I-55", "a byte order mark", b"\xef\xbb\xbf" + csv("one", "two"), good("one", "two"), "runs.csv"),
    Case(
        "I-55", "lines of Windows", csv("one", "two").replace(b"\n", b"\r\n"), good("one", "two"), "runs.csv"
    ),
    Case(
        "I-55",
        "no header",
        b"How?,So.,m\nWhy?,No.,m\n",
        Expected("needs_mapping", says=("mapping",)),
        "runs.csv",
    ),
    Case(
        "I-55",
        "a column twice",
        csv("one").replace(b"model", b"prompt", 1),
        refused("more than once"),
        "runs.csv",
    ),
    Case(
        "I-55",
        "rows too short and too long",
        csv("one", "two,x", "three") + b"How 7?\n",
        Expected(
            "done_with_rejects",
            created=2,
            rejects=(("ragged", "line 3"), ("ragged", "line 5")),
            findings=UNKNOWN,
        ),
        "runs.csv",
    ),
    Case("I-55", "NUL in a cell", csv("one", "t\x00wo"), good("one", "t\x00wo"), "runs.csv"),
    Case(
        "I-55",
        "bytes that are not UTF-8",
        csv("one", "tXo", "three").replace(b"tXo", b"t\xe9o"),
        Expected("done_with_rejects", created=2, rejects=(("encoding", "line 3"),), findings=UNKNOWN),
        "runs.csv",
    ),
    Case(
        "I-55",
        "JSON in a cell that is none",
        b'messages,model\n"[{""role"": ""user"", ""content"": ""x""}]",m\n"[{""role"": ",m\n',
        Expected("done_with_rejects", created=1, rejects=(("json_invalid", "line 3"),), findings=UNKNOWN),
        "runs.csv",
    ),
    Case(
        "I-56",
        "cells that a spreadsheet would compute",
        csv(*(f'"{sign}1+1"' for sign in "=+-@\t")),
        good(*(f"{sign}1+1" for sign in "=+-@\t")),
        "runs.csv",
    ),
    Case(
        "I-55",
        "JSON in cells",
        b"prompt,response\n" + f'How?,"{json.dumps({"a": 1})}"\n'.replace('{"a"', '{""a""').encode(),
        good('{"a": 1}'),
        "runs.csv",
    ),
]

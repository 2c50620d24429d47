"""Rows come out of every kind of file alike: in order, with their places, and from any place on."""

import json
import subprocess
import sys
from itertools import pairwise

import pytest

from transcripts.readers import json_lines, json_stream
from transcripts.readers.bookmarks import BOOKMARKS
from transcripts.readers.rows import csv_rows, json_array
from transcripts.readers.rows.kinds import first_rows, row_source_of
from transcripts.readers.rows.row import Row
from transcripts.readers.source import Probe
from transcripts.records import UnreadableSource

ROWS = [{"a": str(number), "b": "x" * (number % 7)} for number in range(25)]


def jsonl(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_csv(rows, delimiter=","):
    return "".join(
        f"{delimiter.join(cells)}\r\n" for cells in [["a", "b"], *([r["a"], r["b"]] for r in rows)]
    ).encode()


FILES = {
    "jsonl": jsonl(ROWS),
    "array": json.dumps(ROWS).encode(),
    "pretty array": json.dumps(ROWS, indent=1).encode(),
    "samples": json.dumps({"note": "n", "samples": ROWS, "after": [1]}).encode(),
    "pretty samples": json.dumps({"note": "n", "samples": ROWS, "after": {}}, indent=2).encode(),
    "csv": as_csv(ROWS),
    "semicolons": b"\xef\xbb\xbf" + as_csv(ROWS, ";"),
    "tabs": as_csv(ROWS, "\t"),
}


def rows_of(source, after=-1):
    kind = row_source_of(Probe(source))
    return [row for chunk in kind.plan(source).chunks for row in kind.rows(source, chunk, after)]


@pytest.mark.parametrize("name", FILES)
def test_every_kind_gives_the_same_rows(source_of, name):
    rows = rows_of(source_of(FILES[name]))
    assert [row.value for row in rows] == ROWS
    cursors = [row.cursor for row in rows]
    assert cursors == sorted(set(cursors))
    assert all(row.cursor + row.room <= following.cursor for row, following in pairwise(rows))
    raw = FILES[name]
    assert all(raw[slice(*row.locator["bytes"])] == row.raw for row in rows)
    assert rows[0].around.get("note", "n") == "n"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [1, 40, 1 << 20])
def test_reading_goes_on_after_any_cursor(source_of, monkeypatch, name, size):
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", size)
    source = source_of(FILES[name])
    every = rows_of(source)
    for row in every[::3]:
        for after in (row.cursor, row.cursor + row.room - 1, row.cursor + 1):
            wanted = [r for r in every if r.cursor + r.room - 1 > after]
            assert [r for r in rows_of(source, after) if r.cursor + r.room - 1 > after] == wanted


@pytest.mark.parametrize("name", ["array", "samples", "csv", "jsonl"])
def test_a_bookmark_changes_nothing(source_of, name):
    source = source_of(FILES[name])
    kind = row_source_of(Probe(source))
    (chunk,) = kind.plan(source).chunks
    every = list(kind.rows(source, chunk))
    after, found = -1, []
    BOOKMARKS.clear()
    while True:
        reading = kind.rows(source, chunk, after)
        row = next((r for r in reading if r.cursor > after), None)
        reading.close()
        if row is None:
            break
        found.append(row)
        after = row.cursor
    assert found == every


@pytest.mark.parametrize(
    ("content", "kind", "values"),
    [
        (b'{"messages": [{"role": "user"}]}', "jsonl", [{"messages": [{"role": "user"}]}]),
        (b'{\n"messages": [\n{"role": "user"}\n]}', "json_array", [{"messages": [{"role": "user"}]}]),
        (
            b'{"events": [{"type": "a"}],\n "metadata": {}}',
            "json_array",
            [{"events": [{"type": "a"}], "metadata": {}}],
        ),
        (b'{"x": [{"a": 1}], "y": [{"a": 1}, {"a": 2}]}', "json_array", [{"a": 1}, {"a": 2}]),
        (b'{"prompt": "p", "judges": [{"a": 1}]}', "jsonl", [{"prompt": "p", "judges": [{"a": 1}]}]),
        (b'{"a": "cut\n{"a": 1}\n', "jsonl", [None, {"a": 1}]),
        (b'\n\n {"a": 1}\n{"a": 2}', "jsonl", [{"a": 1}, {"a": 2}]),
        (b'[{"a": 1}, 2, , {"a": 3}', "json_array", [{"a": 1}, 2, None, {"a": 3}, None]),
        (b'{"a": 1, "a": 2}\n{"role": 1, "role": 2}\n', "jsonl", [{"a": 2}, None]),
    ],
)
def test_what_a_row_is(source_of, content, kind, values):
    source = source_of(content)
    assert row_source_of(Probe(source)).name == kind
    assert [row.value for row in rows_of(source)] == values


def test_a_large_object_around_its_rows_is_not_taken_for_a_line(source_of):
    rows = [{"a": "x" * 1000} for _ in range(400)]
    source = source_of(json.dumps({"note": "n", "rows": rows}).encode())
    assert row_source_of(Probe(source)).name == "json_array"
    assert len(rows_of(source)) == 400
    one = source_of(json.dumps({"text": "x" * 400_000, "a": 1}).encode() + b"\n" + b'{"text": "b"}\n')
    assert [row.value["text"][:1] for row in rows_of(one)] == ["x", "b"]


def test_an_object_over_the_limit_is_one_bad_row(source_of, monkeypatch):
    monkeypatch.setattr(json_array, "MAX_RECORD", 20)
    (row,) = rows_of(source_of(b'{\n "text": "' + b"x" * 30 + b'"\n}'))
    assert row.problem.reason == "too_long"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n1,"x\ny"\n2,z\n', [{"a": "1", "b": "x\ny"}, {"a": "2", "b": "z"}]),
        ('a,b\n=1+1,"say ""hi"""\n', [{"a": "=1+1", "b": 'say "hi"'}]),
        ("a,b\n1,2,3\n4\n5,6\n", ["ragged", "ragged", {"a": "5", "b": "6"}]),
        ("a,b\n1,\x00\n", [{"a": "1", "b": "\x00"}]),
        ('a,b\n1,2\n"x"y,2\n3,4\n', [{"a": "1", "b": "2"}, "csv_invalid", {"a": "3", "b": "4"}]),
        ("a,b\n1,2\n3\r4,5\n", [{"a": "1", "b": "2"}, "csv_invalid"]),
        ("a,b\n\n1,2\n\n", [{"a": "1", "b": "2"}]),
        ('a,b\n1,"open\n2,3\n', ["unclosed_quote"]),
    ],
)
def test_cells_are_verbatim_and_bad_rows_have_reasons(source_of, text, expected):
    found = [row.problem.reason if row.problem else row.value for row in rows_of(source_of(text.encode()))]
    assert found == expected


def test_a_row_that_is_not_utf8_is_a_bad_row(source_of):
    rows = rows_of(source_of(b"a,b\n1,\xff\n2,\xc3\xa9\n"))
    assert [row.problem.reason if row.problem else row.value["b"] for row in rows] == ["encoding", "é"]


def test_an_unclosed_quote_ends_the_reading_where_it_says(source_of, monkeypatch):
    monkeypatch.setattr(csv_rows, "MAX_RECORD", 2000)
    good = "".join(f'{number},"a\nb"\n' for number in range(5))
    found = rows_of(source_of(f'a,b\n{good}6,"x\ny","open\n'.encode() + b"7,8\n" * 5000))
    rows = [row for row in found if isinstance(row, Row)]
    assert [bool(row.problem) for row in rows] == [False] * 5 + [True]
    assert rows[-1].problem.reason == "unclosed_quote"
    assert "line 13" in rows[-1].problem.message
    assert len(rows[-1].raw) <= 2000


def test_a_record_that_is_too_long_is_passed_over_and_the_next_is_read(source_of, monkeypatch):
    monkeypatch.setattr(csv_rows, "MAX_RECORD", 2000)
    long = "\n".join("x" * 99 for _ in range(30))
    rows = rows_of(source_of(f'a,b\n1,2\n3,"{long}"\n4,"""5"""\n'.encode()))
    assert [row.problem.reason if row.problem else row.value["a"] for row in rows] == ["1", "too_long", "4"]
    assert [row.position for row in rows] == ["line 2", "line 3", "line 33"]
    assert "lines 3 to 32" in rows[1].problem.message
    begin, end = rows[1].locator["bytes"]
    assert (begin, end) == (8, 8 + 2 + 3001 + 1)


def test_a_record_of_many_lines_is_a_finding(source_of):
    source = source_of(b'a,b\n1,2\n3,"' + b"\n" * 1500 + b'"\n4,5\n')
    found = rows_of(source)
    assert [item.kind for item in found if not isinstance(item, Row)] == ["csv_long_record"]
    rows = [item for item in found if isinstance(item, Row)]
    assert [row.position for row in rows] == ["line 2", "line 3", "line 1504"]
    assert rows_of(source, rows[1].cursor + rows[1].room - 1) == rows[2:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b,a\n1,2,3\n", "“a” more than once"),
        (b"\xe9,b\n1,2\n", "not UTF-8"),
        ("a,b\n1,2".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(source_of, content, words):
    with pytest.raises(UnreadableSource, match=words):
        csv_rows.CsvRows().plan(source_of(content))


def test_the_first_rows_are_the_objects_among_them(source_of):
    source = source_of(b'1\n{"a": 1}\nbroken\n{"a": 2}\n')
    assert first_rows(Probe(source)) == ({"a": 1}, {"a": 2})
    assert first_rows(Probe(source), 1) == ({"a": 1},)


def test_a_long_line_is_passed_over(source_of, monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_RECORD", 50)
    rows = rows_of(source_of(b'{"a": 1}\n{"a": "' + b"x" * 100 + b'"}\n{"a": 2}\n'))
    assert [row.problem.reason if row.problem else row.value["a"] for row in rows] == [1, "too_long", 2]
    assert json_stream.MAX_RECORD > 50


def test_pyarrow_is_loaded_for_parquet_only():
    code = "import sys\nimport transcripts.readers.registry\nassert 'pyarrow' not in sys.modules, 'pyarrow was loaded'"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Parquet: every type has a value, every fault a sentence, and a page that unpacks to much needs little."""

import datetime as dt
import decimal
import random

import pytest

from transcripts.readers.rows import parquet_rows
from transcripts.readers.rows.parquet_rows import ParquetRows
from transcripts.readers.source import Probe, Source
from transcripts.records import UnreadableSource

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
KIND = ParquetRows()


@pytest.fixture
def parquet_of(tmp_path):
    def make(table, **options):
        path = tmp_path / f"t{len(list(tmp_path.iterdir()))}.parquet"
        pq.write_table(table, path, **options)
        return Source(path, path.name, path.stat().st_size)

    return make


def rows_of(source, after=-1):
    return [row for chunk in KIND.plan(source).chunks for row in KIND.rows(source, chunk, after)]


def test_rows_and_going_on_after_any_of_them(parquet_of, monkeypatch):
    monkeypatch.setattr(parquet_rows, "CHUNK_BYTES", 300)
    table = pa.table({"a": list(range(200)), "b": [f"t{n}" for n in range(200)]})
    source = parquet_of(table, row_group_size=30)
    assert KIND.recognises(Probe(source))
    chunks = KIND.plan(source).chunks
    assert len(chunks) > 1
    assert (chunks[0].start, chunks[-1].end) == (0, 7)
    every = rows_of(source)
    assert [row.value for row in every] == table.to_pylist()
    assert [(row.locator, row.position) for row in every[:2]] == [
        ({"row": 0}, "row 1"),
        ({"row": 1}, "row 2"),
    ]
    for row in every[::17]:
        assert rows_of(source, row.cursor) == every[row.locator["row"] :]  # it may hold more records
        assert rows_of(source, row.cursor + row.room - 1) == every[row.locator["row"] + 1 :]


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([None], pa.null()), None),
        (pa.array([2**63], pa.uint64()), 2**63),
        (pa.array([float("nan")]), {"__number__": "NaN"}),
        (pa.array([float("-inf")], pa.float32()), {"__number__": "-Infinity"}),
        (pa.array([b"\xff\x00"]), {"__bytes__": "/wA="}),
        (pa.array([decimal.Decimal("1.50")]), "1.50"),
        (pa.array([1_600_000_000_000_000_001], pa.timestamp("ns")), "2020-09-13 12:26:40.000000001"),
        (pa.array([2**62], pa.timestamp("us")), str(2**62)),
        (pa.array([dt.date(2020, 1, 2)]), "2020-01-02"),
        (pa.array(["a"]).dictionary_encode(), "a"),
        (pa.array(["a"], pa.large_string()), "a"),
        (pa.array([["a", None]], pa.large_list(pa.string())), ["a", None]),
        (pa.array([[{"role": "user", "content": "a"}]]), [{"role": "user", "content": "a"}]),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), {"k": 1}),
        (pa.array([[(1, "a"), (1, "b")]], pa.map_(pa.int64(), pa.string())), [[1, "a"], [1, "b"]]),
        (
            pa.array([{"t": 1}], pa.struct([("t", pa.timestamp("ns"))])),
            {"t": "1970-01-01 00:00:00.000000001"},
        ),
    ],
)
def test_every_type_has_a_json_value(parquet_of, array, value):
    (row,) = rows_of(parquet_of(pa.table({"x": array})))
    assert (row.problem, row.value) == (None, {"x": value})


def test_text_that_is_not_utf8_is_a_bad_row(parquet_of):
    raw = pa.array([b"good", b"\xff"], pa.binary()).view(pa.string())
    good, bad = rows_of(parquet_of(pa.table({"x": raw})))
    assert (good.value, bad.problem.reason) == ({"x": "good"}, "encoding")


def test_a_cut_or_damaged_file_is_refused_or_rejected_with_a_sentence(parquet_of, tmp_path):
    table = pa.table({"a": [f"text {n % 50} " * 20 for n in range(500)], "b": list(range(500))})
    whole = parquet_of(table, row_group_size=100, write_page_checksum=True).path.read_bytes()
    rng = random.Random(1)
    damaged = [whole[:40], whole[: len(whole) // 2], whole[:-1], b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1"]
    for _ in range(60):
        raw = bytearray(whole)
        raw[rng.randrange(4, len(raw) - 8)] ^= 1 << rng.randrange(8)
        damaged.append(bytes(raw))
    sentences = []
    for number, raw in enumerate(damaged):
        path = tmp_path / f"damaged{number}"
        path.write_bytes(raw)
        try:
            rows = rows_of(Source(path, path.name, len(raw)))
        except UnreadableSource as error:
            sentences.append(str(error))
            continue
        problems = [row for row in rows if row.problem]
        sentences += [row.problem.message for row in problems][:1]
    assert len(sentences) > 40
    assert all(
        sentence.endswith(".") and sentence.startswith(("The Parquet file", "Row")) for sentence in sentences
    )


def test_a_damaged_row_group_costs_only_its_own_rows(parquet_of):
    table = pa.table({"a": [f"text {n} " * 20 for n in range(300)]})
    source = parquet_of(
        table, row_group_size=100, write_page_checksum=True, compression="none", use_dictionary=False
    )
    raw = bytearray(source.path.read_bytes())
    at = raw.index(b"text 150 ")
    raw[at : at + 4] = b"TEXT"
    source.path.write_bytes(raw)
    rows = rows_of(source)
    (bad,) = [row for row in rows if row.problem]
    assert (bad.problem.reason, len(rows)) == ("parquet_damaged", 201)
    assert "Rows 101 to 200" in bad.problem.message
    assert rows_of(source, bad.cursor + bad.room - 1) == [row for row in rows if row.cursor > bad.cursor]


def test_a_bomb_is_read_in_small_batches(parquet_of):
    text = "x" * 1_000_000
    source = parquet_of(pa.table({"a": pa.array([text] * 300).dictionary_encode()}), compression="zstd")
    assert source.size < 100_000
    before = pa.total_allocated_bytes()
    most = 0
    for chunk in KIND.plan(source).chunks:
        for row in KIND.rows(source, chunk):
            assert len(row.value["a"]) == len(text)
            most = max(most, pa.total_allocated_bytes() - before)
    assert most < 150_000_000


def test_columns_of_one_name_are_refused(parquet_of):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(UnreadableSource, match="more than once"):
        rows_of(parquet_of(table))

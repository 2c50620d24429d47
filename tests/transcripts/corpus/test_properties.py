"""What holds for every reader, whatever it is given."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transcripts.corpus.seeds import OWN, Seed, parquet, seeds, table
from transcripts.preparing import prepare
from transcripts.readers.registry import reader_named
from transcripts.readers.source import Source
from transcripts.records import FileFinding, Item, Record, Reject, Supplement, UnreadableSource
from transcripts.text import original, storable

HOSTILE = "\x00\x1b\u202e\u2028\ufeffé😀\ud83d\ude00\U0010f000\U0010f800\U0010f801<>\"'\\{}[],;=\r\n\t"
TEXTS = st.lists(
    st.one_of(st.sampled_from([*HOSTILE, " ", "<OUTPUT>", "</think>"]), st.characters()), max_size=12
).map("".join)
# A table's cells are UTF-8: no surrogates; and the csv module takes a lone carriage return for the end of a line.
CELLS = TEXTS.map(lambda text: text.encode("utf-8", "ignore").decode().replace("\r", ""))
NUMBERS = st.one_of(st.integers(), st.integers(-(2**80), 2**80), st.floats(allow_nan=True), st.just(1e308))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


PROFILE = settings(max_examples=60, deadline=None, derandomize=True)


def items_of(seed: Seed, content: bytes) -> list[Item]:
    """All items of all chunks, prepared as a parser would."""
    reader = reader_named(seed.reader)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "source")
        path.write_bytes(content)
        source = Source(path, seed.name, len(content), seed.mapping)
        items = [item for chunk in reader.plan(source).chunks for item in reader.read(source, chunk)]
    for item in items:
        if isinstance(item, Record):
            prepare(item, reader.name, {"mapping": seed.mapping} if seed.mapping else {})
    return items


def message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def lines(values: Iterable[Any]) -> tuple[bytes, list[bytes]]:
    parts = [json.dumps(value).encode() + b"\n" for value in values]
    return b"".join(parts), parts


def array(values: Iterable[Any]) -> tuple[bytes, list[bytes]]:
    parts = [json.dumps(value, indent=1).encode() for value in values]
    return b"[" + b",\n".join(parts) + b"]", parts


Writer = Callable[[Iterable[Any]], tuple[bytes, list[bytes]]]
Row = Callable[[int, str, Any], dict[str, Any]]
# reader, file's name, a row from (number, text, anything), how rows are written, mapping
WRITTEN: dict[str, tuple[str, str, Row, Writer, dict[str, Any]]] = {
    "own lines": (
        "own_jsonl",
        "a.jsonl",
        lambda n, t, v: {
            **OWN,
            "sample": n,
            "messages": [message("user", "How?"), message("assistant", t)],
            "metadata": {"v": v},
        },
        lines,
        {},
    ),
    "chat lines": (
        "chat",
        "a.jsonl",
        lambda n, t, v: {"messages": [message("user", "How?"), message("assistant", t)], "v": v},
        lines,
        {},
    ),
    "chat array": ("chat", "a.json", lambda n, t, v: {"prompt": "How?", "response": t, "v": v}, array, {}),
    "paired": (
        "paired_json",
        "f/m_True.json",
        lambda n, t, v: {"input": "How?", "response": t, "v": v},
        array,
        {},
    ),
    "mapped lines": (
        "mapped",
        "a.jsonl",
        lambda n, t, v: {"q": "How?", "a": t, "v": v},
        lines,
        {"fields": {"prompt": "q", "response": "a"}},
    ),
    "scenarios": (
        "scratchpad_output",
        "a.jsonl",
        lambda n, t, v: {
            "model": "m",
            "environment": "x_observed",
            "scratchpad": "Hm.",
            "final_output": t,
            "v": v,
        },
        lines,
        {},
    ),
}


@pytest.mark.parametrize("kind", WRITTEN)
@PROFILE
@given(rows=st.lists(st.tuples(TEXTS, VALUES), min_size=1, max_size=5))
def test_what_was_written_is_found_again(kind: str, rows: list[tuple[str, Any]]) -> None:
    reader, name, row, write, mapping = WRITTEN[kind]
    content, parts = write([row(number, text, value) for number, (text, value) in enumerate(rows, 1)])
    items = items_of(Seed(reader, name, content, mapping), content)
    rejects = [item for item in items if isinstance(item, Reject)]
    assert not [item.message for item in rejects if item.reason != "field_type"]
    assert len(items) == len(rows)
    for item, part, (text, _) in zip(items, parts, rows, strict=True):
        start, end = item.locator["bytes"]
        assert content[start:end] == part
        if isinstance(item, Record):
            assert original(item.messages[-1].text).endswith(text)


@PROFILE
@given(texts=st.lists(CELLS.filter(str.strip), min_size=1, max_size=5))
def test_cells_of_a_table_are_found_again(texts: list[str]) -> None:
    rows = [{"prompt": "How?", "response": text, "model": "m"} for text in texts]
    for seed in (
        Seed("chat", "a.csv", table(",", *rows)),
        Seed("chat", "a.tsv", table("\t", *rows)),
        Seed("chat", "a.parquet", parquet(*rows)),
    ):
        items = items_of(seed, seed.content)
        assert [original(item.messages[-1].text) for item in items if isinstance(item, Record)] == texts, (
            seed.name
        )


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), max_size=4)
SEEDS = [seed for seed in seeds() if not seed.name.endswith(".parquet")]  # pyarrow's own faults end a process


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.reader} {seed.name}")
@PROFILE
@given(
    flips=CHANGES,
    insert=st.tuples(st.floats(0, 1), st.binary(max_size=6)),
    cut=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_a_changed_file_gives_items_or_a_sentence(seed: Seed, flips: list, insert: tuple, cut: float) -> None:
    raw = bytearray(seed.content)
    for place, bit in flips:
        raw[min(int(place * len(raw)), len(raw) - 1)] ^= 1 << bit
    at = int(insert[0] * len(raw))
    raw[at:at] = insert[1]
    content = bytes(raw[: int(cut * len(raw))])
    refusal = "."
    try:
        items = items_of(seed, content)
    except UnreadableSource as error:  # NeedsMapping is one
        items, refusal = [], str(error)
    assert refusal.endswith(".")
    cursors = [item.cursor for item in items if not isinstance(item, FileFinding)]
    assert cursors == sorted(set(cursors))
    for item in items:
        assert isinstance(item, Record | Reject | Supplement | FileFinding)
        if isinstance(item, Reject | FileFinding):
            assert item.message.endswith((".", "?"))
        if isinstance(item, Record):
            for text in (
                item.run.model,
                item.prompt.text,
                *(m.role + m.text + m.name for m in item.messages),
            ):
                text.encode()  # storable: no half pair
                assert "\x00" not in text


@PROFILE
@given(TEXTS)
def test_the_escape_is_undone(text: str) -> None:
    assert original(storable(text)) == text
    storable(text).encode()

"""A record that does not fit into a parser's memory is one reject, also where it is the first of its file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transcripts.ingest.parsers import job
from transcripts.jail.batches import received
from transcripts.jail.parser import Parser
from transcripts.records import UnreadableSource

MEGABYTE = 1 << 20
LOG = {
    "version": 2,
    "status": "success",
    "eval": {"task": "t", "model": "m", "task_args": {"debug_mode": True}},
}
Texts = list[str]
Made = Callable[[Texts], bytes]


def turns(number: int, text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"How {number}?"}, {"role": "assistant", "content": text}]


def own(number: int, text: str) -> dict[str, Any]:
    return {"model": "m", "arm": "free", "prompt_id": "p", "sample": number, "messages": turns(number, text)}


def chat(number: int, text: str) -> dict[str, Any]:
    return {"model": "m", "messages": turns(number, text)}


def turn(number: int, text: str) -> dict[str, Any]:
    return {"conversation_id": f"c{number}", "role": "user", "content": text}


def sample(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "epoch": 1, "input": "q", "messages": turns(number, text)}


def each(make: Callable[[int, str], Any], texts: Texts) -> list[Any]:
    return [make(number, text) for number, text in enumerate(texts)]


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def lines(make: Callable[[int, str], Any]) -> Made:
    return lambda texts: b"".join(dumped(value) + b"\n" for value in each(make, texts))


def array(make: Callable[[int, str], Any]) -> Made:
    return lambda texts: dumped(each(make, texts))


def held(texts: Texts) -> bytes:
    return dumped({"name": "a run", "samples": each(chat, texts)})


def csv(texts: Texts) -> bytes:
    rows = (f'"How {number}?","{text}",m\n' for number, text in enumerate(texts))
    return ("prompt,response,model\n" + "".join(rows)).encode()


def log(texts: Texts) -> bytes:
    return dumped({**LOG, "samples": each(sample, texts)})


def archive(texts: Texts) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("header.json", json.dumps(LOG))
        for number, value in enumerate(each(sample, texts)):
            file.writestr(f"samples/{number}_epoch_1.json", dumped(value))
    return buffer.getvalue()


def parquet(texts: Texts) -> bytes:
    """A row group for each row: what stands with a row in its group cannot be had without it."""
    columns = {"prompt": [f"How {n}?" for n in range(len(texts))], "response": texts}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=1)
    return buffer.getvalue()


# What the file is, how it is made, the place of its first record, and megabytes of a parser that it is too large for.
FILES: dict[str, tuple[Made, str, int]] = {
    "lines of our own": (lines(own), "line 1", 64),
    "lines of chats": (lines(chat), "line 1", 64),
    "lines of single messages": (lines(turn), "line 1", 64),
    "an array of chats": (array(chat), "record 1", 64),
    "an object around chats": (held, "record 1", 64),
    "CSV": (csv, "line 2", 64),
    "an Inspect log as JSON": (log, "sample 1", 64),
    "an Inspect archive": (archive, "samples/0_epoch_1.json", 64),
    "Parquet": (parquet, "row 1", 110),
}
# Of what a record is full: where a parser's memory runs out depends on it. Each has its megabytes.
FILLINGS = {
    "letters": "x" * (48 * MEGABYTE),
    "an emoji and letters": "\U0001f600" + "x" * (14 * MEGABYTE),  # four bytes a letter in memory
}


@pytest.mark.parametrize("filling", FILLINGS)
@pytest.mark.parametrize("kind", FILES)
def test_a_first_record_that_is_too_large_is_a_reject_and_the_others_are_read(
    kind: str, filling: str, tmp_path: Path
) -> None:
    make, place, megabytes = FILES[kind]
    path = tmp_path / "runs"
    path.write_bytes(make([FILLINGS[filling], "one", "two"]))
    with closing(Parser(megabytes)) as parser:
        batches = list(read(parser, path))
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert [(reject.position, reject.reason in ("too_large", "too_long")) for reject in rejects] == [
        (place, True)
    ]
    assert rejects[0].message.endswith(".")
    records = [record for batch in batches for record in batch.records]
    assert len(records) == 2
    ends = [record.cursor for record in records]
    assert rejects[0].cursor < min(ends)


@pytest.mark.parametrize("kind", ["lines of chats", "an array of chats", "CSV", "Parquet"])
def test_a_file_of_nothing_else_is_refused_with_the_reason(kind: str, tmp_path: Path) -> None:
    make, _, megabytes = FILES[kind]
    path = tmp_path / "runs"
    path.write_bytes(make([FILLINGS["letters"]]))
    with (
        closing(Parser(megabytes)) as parser,
        pytest.raises(UnreadableSource, match=r"first records cannot be read"),
    ):
        list(read(parser, path))


def read(parser: Parser, path: Path) -> Iterator[Any]:
    given = (path, path.name, path.stat().st_size, {})
    plan = parser.only(job("plan", *given))
    for chunk in plan["chunks"]:
        asked = job("read", *given, reader=plan["reader"], chunk=chunk, after=-1, rows=500, seconds=60)
        yield from (received(head, blob) for head, blob in parser.ask(asked))

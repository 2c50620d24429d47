"""Rejected records as a file of the kind they came in: correct it, give it again, and all is in."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.transcripts.test_ingest import counts, ingest, jsonl, line
from transcripts.ingest.rejects import NOTE_NAME, NoRejects, download
from transcripts.models import Ingest, Reject, Study, Transcript
from transcripts.readers.inspect_log.archive import read_directory
from transcripts.readers.registry import recognise
from transcripts.readers.source import Source

pytestmark = pytest.mark.django_db


def given_back(row: Ingest) -> tuple[str, bytes]:
    found = download(row)
    return found.name, b"".join(found.pieces)


def test_lines_come_back_as_they_were_and_go_in_when_corrected(study: Study) -> None:
    bad = [b'{"messages": [}', "{broken ünïcode 🐔".encode(), b'{"no": "messages"}']
    content = jsonl(line(sample=1), bad[0], line(sample=2), bad[1], bad[2])[:-1]  # no line end at the end
    row = ingest(study, content, "care/runs.jsonl")
    assert counts(row) == (5, 2, 0, 3)
    name, rejected = given_back(row)
    assert name == "runs.rejects.jsonl"
    assert rejected == b"".join(each + b"\n" for each in bad)
    corrected = jsonl(*(line(sample=number) for number in (3, 4, 5)))
    again = ingest(study, corrected, "care/runs.rejects.jsonl")
    assert (again.state, counts(again)) == ("done", (3, 3, 0, 0))
    assert Transcript.objects.count() == 5


def test_an_array_comes_back_as_an_array_of_what_was_wrong(study: Study) -> None:
    good = {"input": "<is_free_tier_user>True</is_free_tier_user>How?", "response": ["a", "b"]}
    bad = {"input": 5, "response": ["c"]}
    row = ingest(study, json.dumps([good, bad, good, bad], indent=1).encode(), "care/provider:m_True.json")
    name, rejected = given_back(row)
    assert name == "provider:m_True.rejects.json"
    assert json.loads(rejected) == [bad, bad]
    corrected = rejected.replace(b'"input": 5', b'"input": "Why?"')
    again = ingest(study, corrected, f"care/{name}")
    assert (again.state, counts(again)[:2]) == ("done", (2, 2))
    # The name's hints (the arm, the model) are those of the first file.
    assert set(Transcript.objects.filter(ingest=again).values_list("run__model", "arm__role")) == {
        ("m", "monitored")
    }


def test_what_conflicts_comes_back_once_though_it_was_several_records(study: Study) -> None:
    record = {"input": "<is_free_tier_user>True</is_free_tier_user>How?", "response": ["a", "b"]}
    ingest(study, json.dumps([record]).encode(), "x/p:m_True.json")
    other = {**record, "response": ["c", "d"]}
    row = ingest(study, json.dumps([other]).encode(), "x/p:m_True.json")
    assert counts(row) == (2, 0, 0, 2)
    assert json.loads(given_back(row)[1]) == [other]


def log(sample: Any) -> dict[str, Any]:
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "task": "t",
            "model": "m",
            "created": "2025-01-01T00:00:00+00:00",
            "dataset": {},
            "config": {},
        },
        "samples": [sample, "not a sample"],
        "stats": {},
    }


SAMPLE = {
    "id": 1,
    "epoch": 1,
    "input": "How?",
    "target": "",
    "messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}],
}


def test_a_log_in_json_keeps_its_header(study: Study) -> None:
    row = ingest(study, json.dumps(log(SAMPLE)).encode(), "log.json")
    assert counts(row) == (2, 1, 0, 1), row.error
    name, rejected = given_back(row)
    assert name == "log.rejects.json"
    kept = json.loads(rejected)
    assert kept["samples"] == ["not a sample"]
    assert kept["eval"] == log(SAMPLE)["eval"]
    corrected = {**kept, "samples": [{**SAMPLE, "id": 2}]}
    again = ingest(study, json.dumps(corrected).encode(), "log.rejects.json")
    assert counts(again) == (1, 1, 0, 0)


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def test_an_archived_log_comes_back_with_its_header_and_the_samples_that_were_wrong(
    study: Study, tmp_path: Path
) -> None:
    header = json.dumps({key: value for key, value in log(SAMPLE).items() if key != "samples"}).encode()
    members = {
        "header.json": header,
        "_journal/start.json": header,
        "samples/1_epoch_1.json": json.dumps(SAMPLE).encode(),
        "samples/ü_epoch_1.json": b'{"broken": ',
    }
    row = ingest(study, archive(members), "log.eval")
    assert counts(row) == (2, 1, 0, 1), row.error
    name, rejected = given_back(row)
    assert name == "log.rejects.eval"
    with zipfile.ZipFile(io.BytesIO(rejected)) as found:
        assert found.testzip() is None
        assert {*found.namelist()} == {*members} - {"samples/1_epoch_1.json"} | {NOTE_NAME}
        assert found.read("samples/ü_epoch_1.json") == members["samples/ü_epoch_1.json"]
        assert "ü_epoch_1" in found.read(NOTE_NAME).decode()
    path = tmp_path / "again.eval"
    path.write_bytes(rejected)
    assert recognise(Source(path, name, len(rejected))).name == "inspect_log"
    assert len(read_directory(path).entries) == 4


def test_a_member_that_is_damaged_is_copied_as_it_is(study: Study) -> None:
    header = json.dumps({key: value for key, value in log(SAMPLE).items() if key != "samples"}).encode()
    whole = bytearray(archive({"header.json": header, "samples/1_epoch_1.json": json.dumps(SAMPLE).encode()}))
    at = whole.index(b"samples/1_epoch_1.json") + 40
    whole[at] ^= 0xFF
    row = ingest(study, bytes(whole), "log.eval")
    assert counts(row) == (1, 0, 0, 1), row.error
    with zipfile.ZipFile(io.BytesIO(given_back(row)[1])) as found:
        assert "samples/1_epoch_1.json" in found.namelist()


def reject(of: Ingest, cursor: int, **locator: Any) -> None:
    Reject.objects.create(
        ingest=of,
        chunk=0,
        cursor=cursor,
        position=f"row {cursor}",
        reason="x",
        message="Wrong.",
        locator=locator,
    )


def test_a_table_keeps_its_header(study: Study) -> None:
    head = b'\xef\xbb\xbf\n"the\nname",b\n'
    content = head + b"1,2\n3,4,5\n6,7\n8"
    row = ingest(study, content, "table.csv")
    Ingest.objects.filter(pk=row.pk).update(state="done_with_rejects", reader="mapped")
    row.refresh_from_db()
    start = content.index(b"3,4,5")
    reject(row, start, bytes=[start, start + 6])
    reject(row, start + 20, bytes=[content.index(b"8"), len(content)])
    assert given_back(row) == ("table.rejects.csv", head + b"3,4,5\n8\n")


def test_what_has_no_bytes_comes_as_lines_that_say_what_was_wrong(study: Study) -> None:
    row = ingest(study, jsonl(line()), "rows.parquet")
    reject(row, 7, row=7)
    name, content = given_back(row)
    note, told = map(json.loads, content.splitlines())
    assert name == "rows.rejects.jsonl"
    assert "_note" in note
    assert (told["position"], told["message"], told["locator"]) == ("row 7", "Wrong.", {"row": 7})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a/b.rejects.jsonl", "b.rejects.jsonl"),
        ("plain", "plain.rejects.jsonl"),
        (".hidden", "file.rejects.hidden"),
        ("a\r\nb.jsonl", "a\r\nb.rejects.jsonl"),
    ],
)
def test_its_name(study: Study, given: str, expected: str) -> None:
    row = ingest(study, jsonl(line(), b"{"), given)
    assert given_back(row)[0] == expected


def test_without_rejects_there_is_nothing(study: Study) -> None:
    with pytest.raises(NoRejects):
        download(ingest(study, jsonl(line())))


def test_bytes_that_are_gone_from_storage(study: Study) -> None:
    row = ingest(study, jsonl(line(), b"{"))
    row.source.sha256 = "0" * 64
    with pytest.raises(FileNotFoundError):
        download(row)

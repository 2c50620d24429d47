"""Every case of the catalogue of bad inputs, through the whole ingest: kept, queued, parsed in its jail, written."""

from __future__ import annotations

import hashlib
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.transcripts.corpus import archives, characters, json_semantics, tables, transcript_semantics
from tests.transcripts.corpus.case import Case
from tests.transcripts.corpus.elsewhere import ELSEWHERE
from tests.transcripts.test_containers import all_of_it
from tests.transcripts.test_ingest import counts
from transcripts.ingest import queue, sources
from transcripts.ingest.parsers import parser
from transcripts.jail.parser import Parser
from transcripts.models import Finding, Ingest, Reject, Study, Transcript
from transcripts.text import original

CASES: list[Case] = [
    *characters.CASES,
    *json_semantics.CASES,
    *transcript_semantics.CASES,
    *archives.CASES,
    *tables.CASES,
]
_UNSEEMLY = re.compile(r"/tmp|Traceback|SELECT |INSERT |transcripts_|\bNone\b|Error\(|0x[0-9a-f]{6}")
_SENTENCE = re.compile(r"(?:[^\n]{1,200}: )?[A-Z“0-9(].*[.?]", re.DOTALL)


class Watch:
    """The most memory that any parser process had since the last look, in megabytes."""

    def __init__(self) -> None:
        self.ended = 0.0

    def begin(self) -> None:
        self.ended = 0.0
        process = parser()._process
        if process and process.poll() is None:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def most(self) -> float:
        return max(self.ended, peak(parser()))


def peak(of: Parser) -> float:
    """VmHWM of its process, in megabytes; 0 if there is none."""
    try:
        status = Path(f"/proc/{of._process.pid}/status").read_text() if of._process else ""
    except FileNotFoundError:
        return 0.0
    match = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(match[1]) / 1024 if match else 0.0


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Parsers that end within the test (those of containers do) are looked at before they go."""
    found = Watch()
    close = Parser.close

    def closing(self: Parser) -> None:
        found.ended = max(found.ended, peak(self))
        close(self)

    monkeypatch.setattr(Parser, "close", closing)
    found.begin()
    return found


def ingested(study: Study, case: Case, folder: Path) -> Ingest:
    path = case.make(folder)
    source = sources.adopt(study, path, sources.display_name(case.file_name), None)
    row = queue.request_ingest(source, user=None, options=dict(case.options))
    return all_of_it(row)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(
    case: Case, study: Study, tmp_path: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    row = ingested(study, case, tmp_path)
    took = time.monotonic() - started
    try:
        check(case, row)
        again = all_of_it(queue.request_ingest(row.source, user=None, options=dict(case.options)))
        check_again(case, row, again)
    finally:
        forget(study)
    assert not [record.getMessage() for record in caplog.records if "parser" in record.getMessage()]
    assert watch.most() < case.megabytes
    assert took < case.seconds


def check(case: Case, row: Ingest) -> None:
    expected = case.expected
    rejects = Reject.objects.filter(ingest__in=parts_of(row))
    findings = Finding.objects.filter(ingest__in=parts_of(row)).exclude(kind="unpaired")
    seen = {
        "state": row.state,
        "created": counts(row)[1],
        "duplicate": counts(row)[2],
        "rejects": tuple(rejects.order_by("ingest", "chunk", "cursor").values_list("reason", "position")),
        "findings": set(findings.values_list("kind", flat=True)),
    }
    wanted = {name: getattr(expected, name) for name in seen}
    told = [
        row.error,
        *rejects.values_list("message", flat=True),
        *findings.values_list("message", flat=True),
    ]
    assert seen == wanted, told
    assert counts(row)[3] == len(expected.rejects)
    assert bool(row.error) == (row.state in ("failed", "needs_mapping"))
    for part in parts_of(row):
        told.append(part.error)
    for sentence in filter(None, told):
        assert _SENTENCE.fullmatch(sentence), sentence
        assert not _UNSEEMLY.search(sentence), sentence
        assert str(settings.AFDASH_DATA_DIR) not in sentence
    for words in expected.says:
        assert words in row.error
    if expected.reader:
        assert row.reader == expected.reader
    if expected.parts is not None:
        assert {part.source.name: part.state for part in row.parts.all()} == expected.parts
    if expected.texts is not None:
        assert [*map(in_short, texts_of(row))] == [*map(in_short, expected.texts)]
    if expected.check:
        expected.check(row)
    check_locators(row)


def check_locators(row: Ingest) -> None:
    """Whatever was read can be had again as the file has it."""
    for item in (
        *Transcript.objects.filter(ingest__in=parts_of(row))[:50],
        *Reject.objects.filter(ingest__in=parts_of(row))[:50],
    ):
        locator = item.locator
        if "bytes" in locator and locator["bytes"][1] - locator["bytes"][0] < 1 << 20:
            raw = sources.original_record(item.ingest.source, locator)
            assert len(raw) == locator["bytes"][1] - locator["bytes"][0]


def check_again(case: Case, row: Ingest, again: Ingest) -> None:
    """The second time nothing is new, and the same is wrong."""
    read, created, duplicate, rejected = counts(row)
    assert again.state == row.state
    assert counts(again) == (read, 0, created + duplicate, rejected)
    assert again.error == row.error


def parts_of(row: Ingest) -> list[Ingest]:
    return [row, *row.parts.select_related("source").order_by("pk")]


def texts_of(row: Ingest) -> tuple[str, ...]:
    found = Transcript.objects.filter(ingest__in=parts_of(row)).select_related("body").order_by("pk")
    return tuple(original(transcript.body.content.messages[-1].text) for transcript in found)


def in_short(text: str) -> str:
    """What an assertion can show: comparing long texts word by word takes longer than any ingest."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return text if len(text) < 500 else f"{text[:50]!r} … {len(text)} characters, {digest}"


def forget(study: Study) -> None:
    """The files of the case: some are large."""
    for source in study.sources.all():
        with sources.local_path(source) as path:
            path.unlink(missing_ok=True)


def test_every_number_has_a_case_or_a_test() -> None:
    numbers = {case.number for case in CASES} | ELSEWHERE.keys()
    assert sorted(numbers) == [f"I-{number:02}" for number in range(1, 66)]
    assert len({case.id for case in CASES}) == len(CASES)


def pointers() -> Iterator[tuple[str, str]]:
    for number, tests in ELSEWHERE.items():
        for test in tests:
            yield number, test


@pytest.mark.parametrize(("number", "test"), list(pointers()))
def test_the_tests_that_are_elsewhere_exist(number: str, test: str) -> None:
    module, name = test.split("::")
    assert callable(getattr(importlib.import_module(module), name))

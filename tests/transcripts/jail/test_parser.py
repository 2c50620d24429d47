"""A parser process: what it may not do, what becomes of it, and what its parent is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from transcripts.ingest.parsers import job
from transcripts.jail import parser as parsers
from transcripts.jail.batches import received
from transcripts.jail.parser import ROOT, Parser, ParserDied, ParserFault
from transcripts.records import NeedsMapping, UnreadableSource

MEGABYTES = 224


@pytest.fixture
def parser() -> Iterator[Parser]:
    with closing(Parser(MEGABYTES)) as found:
        yield found


def record(number: int, text: str = "Like this.") -> bytes:
    messages = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": text}]
    value = {"model": "m", "arm": "free", "prompt_id": "p", "sample": number, "messages": messages}
    return json.dumps(value).encode() + b"\n"


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "runs.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def asked(do: str, path: Path, **more: Any) -> dict[str, Any]:
    size = path.stat().st_size if path.exists() else 0
    return job(do, path, path.name, size, {}, rows=more.pop("rows", 500), seconds=60, **more)


def reading(path: Path, **more: Any) -> dict[str, Any]:
    chunk = [0, 0, path.stat().st_size, path.stat().st_size]
    return asked("read", path, reader="own_jsonl", chunk=chunk, after=-1, **more)


def pid_of(parser: Parser) -> int:
    assert parser._process is not None
    return parser._process.pid


def test_a_file_is_planned_and_read_in_batches(parser: Parser, tmp_path: Path) -> None:
    path = written(tmp_path, *(record(number) for number in range(7)))
    plan = parser.only(asked("plan", path))
    assert (plan["reader"], len(plan["chunks"])) == ("own_jsonl", 1)
    batches = [received(head, blob) for head, blob in parser.ask(reading(path, rows=3))]
    assert [len(batch.records) for batch in batches] == [3, 3, 1]
    assert [batch.is_last for batch in batches] == [False, False, True]
    assert [r.sample for batch in batches for r in batch.records] == list(range(7))


def test_one_process_does_many_jobs_even_when_they_are_stopped_early(parser: Parser, tmp_path: Path) -> None:
    path = written(tmp_path, *(record(number) for number in range(50)))
    seen = set()
    for stop_after in (1, 2, 5, 1):
        with closing(parser.ask(reading(path, rows=5))) as frames:
            firsts = [next(frames)[0]["cursor"] for _ in range(stop_after)]
        assert firsts == sorted(firsts)
        seen.add(pid_of(parser))
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("content", "raises", "says"),
    [
        (b"", UnreadableSource, "empty"),
        (b"%PDF-1.7 \x00\x01", UnreadableSource, "PDF"),
        (b"\x89PNG\r\n\x1a\n\x00", UnreadableSource, "PNG"),
        (None, FileNotFoundError, None),
    ],
)
def test_what_is_wrong_with_the_file_is_told_and_the_process_goes_on(
    parser: Parser, tmp_path: Path, content: bytes | None, raises: type[Exception], says: str | None
) -> None:
    path = tmp_path / "runs.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(raises, match=says):
        parser.only(asked("plan", path))
    first = pid_of(parser)
    good = written(tmp_path, record(1))
    assert parser.only(asked("plan", good))["reader"] == "own_jsonl"
    assert pid_of(parser) == first


def test_a_file_of_unknown_fields_comes_with_a_proposal_and_what_it_is_known_by_again(
    parser: Parser, tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b'{"q": "How much room has a hen?", "thing": "About a sheet of paper, they say."}\n' * 3)
    with pytest.raises(NeedsMapping) as raised:
        parser.only(asked("plan", path))
    assert len(raised.value.proposal["signature"]) == 64
    assert raised.value.proposal["fields"]


def test_a_fault_of_ours_is_told_with_its_traceback(parser: Parser, tmp_path: Path) -> None:
    path = written(tmp_path, record(1))
    with pytest.raises(ParserFault, match="KeyError"):
        list(parser.ask({"do": "read", "source": {"path": str(path), "name": "x", "size": 1}}))


def test_a_killed_parser_is_noticed_and_replaced(parser: Parser, tmp_path: Path) -> None:
    path = written(tmp_path, *(record(number) for number in range(20)))
    frames = parser.ask(reading(path, rows=1))
    next(frames)
    os.kill(pid_of(parser), signal.SIGKILL)
    with pytest.raises(ParserDied, match="signal 9"):
        list(frames)
    assert parser.only(asked("plan", path))["reader"] == "own_jsonl"


def test_a_silent_parser_is_ended(parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, *(record(number) for number in range(20)))
    frames = parser.ask(reading(path, rows=1))
    next(frames)
    frozen = pid_of(parser)
    os.kill(frozen, signal.SIGSTOP)
    monkeypatch.setattr(parsers, "SILENCE_SECONDS", 0.3)
    with pytest.raises(ParserDied, match="nothing for"):
        list(frames)
    with pytest.raises(ProcessLookupError):
        os.kill(frozen, 0)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A worker that is killed cannot end its parser: the parser sees the end of its pipe."""
    program = (
        "import os, time\n"
        "from transcripts.jail.parser import Parser\n"
        f"p = Parser({MEGABYTES}); p._running(); print(p._process.pid, flush=True); time.sleep(60)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    os.kill(pid, 0)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, "the parser outlived its worker"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_it_knows_neither_the_database_nor_any_secret(
    parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://canary-of-the-database")
    parser.only(asked("plan", written(tmp_path, record(1))))
    environment = Path(f"/proc/{pid_of(parser)}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"canary" not in environment
    assert b"SECRET" not in environment
    maps = Path(f"/proc/{pid_of(parser)}/maps").read_text()
    assert "psycopg" not in maps


# Run in a process with a parser's limits; each prints what came of it.
ATTEMPTS = {
    "memory": ("x = bytearray(400 << 20)", "MemoryError"),
    "a file": ("open({path!r}, 'wb', 0).write(b'x' * 10)", "OSError|SIGXFSZ"),
    "nothing forbidden": ("print('fine')", "fine"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_its_limits_hold(attempt: str, tmp_path: Path) -> None:
    code, expected = ATTEMPTS[attempt]
    program = (
        f"from transcripts.jail.limits import confine; confine({MEGABYTES} << 20)\n"
        f"try:\n    {code.format(path=str(tmp_path / 'out'))}\nexcept Exception as error:\n"
        "    print(type(error).__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    came = ran.stdout.strip() or signal.Signals(-ran.returncode).name
    assert came in expected.split("|")


def test_a_record_that_needs_too_much_memory_is_a_reject_and_its_neighbours_are_read(
    tmp_path: Path,
) -> None:
    large = b'{"model": "m", "arm": "free", "messages": [{"role": "user", "content": "%s"}]}\n' % (
        b"\\ud83d\\ude00" * (3 << 20)
    )
    path = written(tmp_path, record(1), large, record(2))
    with closing(Parser(64)) as small:
        batches = [received(head, blob) for head, blob in small.ask(reading(path))]
    assert [r.sample for batch in batches for r in batch.records] == [1, 2]
    assert [r.reason for batch in batches for r in batch.rejects] == ["too_large"]

"""Mutates a small valid file of every reader, and reads it as a worker would: in a confined process.

``python -m bench.fuzz --minutes 10``. What may come of a file is items, or a sentence. Anything else (a fault of
ours, a process that dies, hangs or is too slow) is reported, and its file kept. The same ``--seed`` mutates alike.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.transcripts.corpus.seeds import Seed, seeds
from transcripts.jail import parser as parsers
from transcripts.jail.batches import received
from transcripts.jail.parser import Parser, ParserDied, ParserFault
from transcripts.records import NeedsMapping, UnreadableSource

MEGABYTES = 160
SLOW_SECONDS = 5.0
TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b"\r", b"\t", b";", b"\x00", b"\xff", b"\xef\xbb\xbf"),
    *(b"NaN", b"-Infinity", b"null", b"true", b"1e400", b"-0.0", b"9" * 25, b"9" * 5000, b"[" * 300, b'{"a":' * 300),
    *(b"\\ud800", b"\\u0000", "\U0010f801".encode(), "\u202e".encode(), b"\xed\xa0\x80", b"PK\x03\x04", b"PAR1"),
    *(b'"messages"', b'"role"', b'"content"', b'"sample"', b"<SCRATCHPAD>", b"</OUTPUT>", b"<|channel|>"),
    *(b"[]", b"{}", b'""', b"0", b"-1", b"2147483648", b"18446744073709551616", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff"),
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(raw) + 1)
        until = min(len(raw), at + chance.choice((1, 1, 2, 4, 16, 200)))
        kind = chance.randrange(7)
        if kind == 0 and at < len(raw):
            raw[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            raw[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            raw[at:until] = chance.choice(TOKENS)
        elif kind == 3:
            del raw[at:until]
        elif kind == 4:
            raw[at:at] = raw[at:until] * chance.choice((1, 2, 50))
        elif kind == 5:
            other = chance.randrange(len(raw) + 1)
            raw[at:at] = raw[other : other + chance.choice((4, 40, 400))]
        elif kind == 6 and chance.random() < 0.3:
            del raw[at:]
    return bytes(raw)


def read(parser: Parser, seed: Seed, path: Path, format: str | None) -> tuple[int, int]:
    """Records (or what is told of them) and rejects; -1 and -1 if the file was refused with a sentence."""
    size = path.stat().st_size
    job: dict[str, Any] = {
        "source": {"path": str(path), "name": seed.name, "size": size, "mapping": seed.mapping},
        "format": format,
        "options": {"mapping": seed.mapping} if seed.mapping else {},
    }
    records = rejects = 0
    refusal = ""
    try:
        plan = parser.only({"do": "plan", **job})
        if "container" in plan:
            return -1, -1
        reading = {"do": "read", "reader": plan["reader"], "after": -1, "rows": 500, "seconds": 60, **job}
        for chunk in plan["chunks"]:
            cursor = -1
            for head, blob in parser.ask({**reading, "chunk": chunk}):
                batch = received(head, blob)
                assert batch.cursor >= cursor, "cursors go back"
                cursor = batch.cursor
                records, rejects = (
                    records + len(batch.records) + len(batch.supplements),
                    rejects + len(batch.rejects),
                )
                for sentence in (r.message for r in batch.rejects):
                    assert sentence.endswith("."), sentence
    except (UnreadableSource, NeedsMapping) as error:
        refusal = str(error)
    if refusal:
        assert refusal.endswith("."), refusal
        return -1, -1
    return records, rejects


class Figures:
    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.records: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}

    def table(self) -> str:
        head = "| reader | files | refused | records | rejects | faults | slowest |\n|---|---|---|---|---|---|---|"
        rows = (
            f"| {name} | {self.runs[name]:,} | {self.refused[name]:,} | {self.records[name]:,} | {self.rejects[name]:,}"
            f" | {self.faults[name]} | {self.slowest[name]:.2f} s |"
            for name in sorted(self.runs)
        )
        return "\n".join((head, *rows))


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument(
        "--keep", type=Path, default=Path("fuzz-faults"), help="folder for files that show a fault"
    )
    options = arguments.parse_args()
    chance, figures, known = random.Random(options.seed), Figures(), set[str]()
    parsers.SILENCE_SECONDS = 60.0
    ends = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory() as folder, closing(Parser(MEGABYTES)) as parser:
        path = Path(folder, "source")
        while time.monotonic() < ends:
            for seed in seeds_of():
                content = mutated(seed.content, chance)
                path.unlink(missing_ok=True)
                path.write_bytes(content)
                # By its content, and as what it was: who reads a file that is no longer recognised must cope too.
                one(
                    parser,
                    seed,
                    path,
                    chance.choice((None, seed.reader)),
                    figures,
                    known,
                    options.keep,
                    content,
                )
    print(figures.table())
    print(f"{sum(figures.runs.values()):,} files, seed {options.seed}, {len(known)} different faults.")
    sys.exit(bool(known))


def seeds_of(cache: list[Seed] = []) -> list[Seed]:  # noqa: B006 - made once
    if not cache:
        cache += seeds()
    return cache


def one(
    parser: Parser,
    seed: Seed,
    path: Path,
    format: str | None,
    figures: Figures,
    known: set[str],
    keep: Path,
    content: bytes,
) -> None:
    started = time.monotonic()
    fault = ""
    try:
        records, rejects = read(parser, seed, path, format)
        figures.refused[seed.reader] += records < 0
        figures.records[seed.reader] += max(records, 0)
        figures.rejects[seed.reader] += max(rejects, 0)
    except (
        ParserDied,
        ParserFault,
        MemoryError,
        AssertionError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        fault = f"{type(error).__name__}: {error}".strip()
    took = time.monotonic() - started
    if not fault and took > SLOW_SECONDS:
        fault = f"slow: {took:.1f} s"
    figures.runs[seed.reader] += 1
    figures.slowest[seed.reader] = max(took, figures.slowest.get(seed.reader, 0.0))
    if fault:
        figures.faults[seed.reader] += 1
        last = " | ".join(fault.split("\n")[-3:])[-300:]
        if last not in known:
            known.add(last)
            keep.mkdir(exist_ok=True, parents=True)
            kept = keep / f"{seed.reader}-{hashlib.sha256(content).hexdigest()[:12]}-{format or 'any'}"
            kept.write_bytes(content)
            print(f"{seed.reader} ({seed.name}, format {format}): {last}\n  kept as {kept}", flush=True)


if __name__ == "__main__":
    main()

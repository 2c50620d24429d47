"""The rejected records of an ingest as a file of the kind they came in: to be corrected and given again.

JSON Lines stay lines, an array stays an array, an object that holds one keeps what else it says, CSV keeps its
header, an Inspect archive its own. What has no bytes of its own in the source (a row of a Parquet file)
comes as JSON Lines that say where it stands and what was wrong.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from transcripts.body import dumps
from transcripts.ingest.parsers import as_first_given
from transcripts.ingest.sources import local_path
from transcripts.ingest.zip_copy import copy_members
from transcripts.models import Ingest, Reject
from transcripts.readers.inspect_log.archive import HEADER, START, read_directory
from transcripts.readers.json_stream import object_members
from transcripts.readers.json_values import BOM
from transcripts.readers.rows.csv_rows import CsvRows
from transcripts.readers.rows.json_array import first_object_is_spread
from transcripts.readers.rows.jsonl import Jsonl
from transcripts.readers.source import Probe, Source
from transcripts.text import original

NOTE = (
    "These records of {name} could not become transcripts. Correct them and give this file to the study again, "
    "under this name: what is in already is then counted as duplicate."
)
NOTE_NAME = "rejects.txt"
_TOLD = 1000  # rejects that the note names
_BLOCK = 1 << 20
_HEADER = 16 << 20  # of a CSV file, or of one member beside the records: what is larger is left out
_WHOLE_LOGS = ("inspect_log", "bloom_judgment")  # their JSON files are one object

Bytes = tuple[int, int]


class NoRejects(Exception):
    """The ingest has no rejected record."""


@dataclass(frozen=True, slots=True)
class Download:
    """A name for the file, and its bytes."""

    name: str
    pieces: Iterator[bytes]


def download(ingest: Ingest) -> Download:
    """Raises NoRejects, FileNotFoundError if the source is not in storage, UnreadableSource if it is damaged."""
    first = ingest.rejects.first()
    if first is None:
        raise NoRejects
    with ExitStack() as held:
        path = held.enter_context(local_path(ingest.source))
        file = held.enter_context(path.open("rb"))
        kind, ending = _kind(ingest, first.locator, path)
        pieces = kind(ingest, file, path)
        return Download(_name(ingest.source.name, ending), _Pieces(pieces, held.pop_all()))


class _Pieces:
    """The pieces, and the file that they are read from: closed with them, also if nobody reads any."""

    def __init__(self, pieces: Iterator[bytes], held: ExitStack) -> None:
        self._pieces = pieces
        self.close = held.close
        weakref.finalize(self, held.close)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)


def _name(given: str, ending: str) -> str:
    name = as_first_given(given).rpartition("/")[2]
    stem, dot, last = name.rpartition(".")
    if not dot:
        stem, last = name, ending
    if ending == "jsonl" and last.lower() in ("parquet", "arrow"):
        last = ending
    return f"{stem or 'file'}.rejects.{last}"


def _kind(ingest: Ingest, locator: Mapping[str, Any], path: Path) -> tuple[Any, str]:
    """Who writes the file, and the ending of its name where the source's has none."""
    if "member" in locator:
        return _archive, "eval"
    if "bytes" not in locator:
        return _notes, "jsonl"
    probe = Probe(Source(path, ingest.source.name, ingest.source.size))
    if ingest.reader in _WHOLE_LOGS:
        return _object, "json"
    if probe.json.shape == "array":
        return _array, "json"
    if first_object_is_spread(probe):
        return _object, "json"
    if not Jsonl().recognises(probe) and CsvRows().recognises(probe):
        return _table, "csv"
    return _lines, "jsonl"


def _ranges(ingest: Ingest) -> Iterator[Bytes]:
    """Where the records stand, each once: several rejects may be of one record."""
    last = None
    for locator in ingest.rejects.values_list("locator", flat=True).iterator(chunk_size=1000):
        if isinstance(locator.get("bytes"), list):
            here = (int(locator["bytes"][0]), int(locator["bytes"][1]))
            if here != last:
                yield here
            last = here


def _copied(file: BinaryIO, here: Bytes) -> Iterator[bytes]:
    start, end = here
    file.seek(start)
    while start < end and (block := file.read(min(_BLOCK, end - start))):
        start += len(block)
        yield block


def _line(file: BinaryIO, here: Bytes) -> Iterator[bytes]:
    block = b""
    for block in _copied(file, here):
        yield block
    if not block.endswith(b"\n"):
        yield b"\n"


def _lines(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    for here in _ranges(ingest):
        yield from _line(file, here)


def _array(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    yield b"["
    for number, here in enumerate(_ranges(ingest)):
        yield b",\n" if number else b"\n"
        yield from _copied(file, here)
    yield b"\n]\n"


def _object(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The object that held the records, with what it says beside them."""
    first = next(_ranges(ingest))
    holder, others = "", []
    for key, element in object_members(file, limit=_HEADER):
        if element.start <= first[0] < element.end and key:
            holder = key
        elif key and not element.problem:
            others.append(dumps(original(key)) + b": " + element.raw)
    if not holder:  # the object itself is the record
        yield from _line(file, first)
        return
    yield b"{" + b"".join(other + b",\n" for other in others) + dumps(original(holder)) + b": "
    yield from _array(ingest, file, path)
    yield b"}\n"


def _table(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    header, start = b"", 0
    while (line := file.readline(_HEADER)) and len(header) < _HEADER:
        header += line
        # A name in quotes may span lines; blank lines before the header are none.
        if header.count(b'"') % 2 == 0 and header.removeprefix(BOM).strip():
            break
    start = file.tell()
    yield header if header.endswith(b"\n") else header + b"\n"
    for here in _ranges(ingest):
        if here[1] > start:
            yield from _line(file, here)


def _archive(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    entries = read_directory(path).entries
    told = "\n".join(f"{r.position}: {r.message}" for r in ingest.rejects.all()[:_TOLD])
    note = f"{NOTE.format(name=ingest.source.name)}\n\n{told}\n"

    def wanted() -> Iterator[Any]:
        yield from (entries[name] for name in (HEADER, START) if name in entries)
        for locator in ingest.rejects.values_list("locator", flat=True).iterator(chunk_size=1000):
            member = locator.get("member", "")
            folder, _, name = member.rpartition("/")
            if name == "sample.json":  # one that is spread over the members of its folder
                yield from (entry for other, entry in entries.items() if other.startswith(f"{folder}/"))
            elif member in entries:
                yield entries[member]

    yield from copy_members(file, wanted(), note, NOTE_NAME)


def _notes(ingest: Ingest, file: BinaryIO, path: Path) -> Iterator[bytes]:
    note = NOTE.format(name=ingest.source.name).split(".")[0]
    yield (
        dumps({"_note": f"{note}. Their bytes cannot be cut out of such a file: correct them there."}) + b"\n"
    )
    for reject in ingest.rejects.all().iterator(chunk_size=1000):
        yield dumps(_told(reject)) + b"\n"


def _told(reject: Reject) -> dict[str, Any]:
    names = ("position", "reason", "message", "excerpt", "locator")
    return {name: getattr(reject, name) for name in names}

"""The bytes that a transcript was read from, as a stream: a member of an archive may have half a gigabyte."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO

from transcripts.ingest.parsers import job, parser
from transcripts.ingest.places.faults import Missing, PlaceFault
from transcripts.ingest.stored import local_path
from transcripts.jail.parser import ParserDied, ParserFault
from transcripts.models import Source
from transcripts.readers.archives.limits import Limits, Meter, TooMuch
from transcripts.readers.archives.zip import ZipMember, refused
from transcripts.readers.inspect_log.archive import MAX_MEMBER, read_directory
from transcripts.readers.json_values import BadRecord
from transcripts.readers.zip_directory import Entry
from transcripts.records import UnreadableSource

BLOCK = 256 * 1024
WHOLE = 1 << 20  # what is no longer than this is read at once, and its file let go
# It was read once already, so how well it packs says nothing; how much comes out is still bounded.
_LIMITS = Limits(total=2 * MAX_MEMBER, ratio=1 << 40)


class RecordIsGone(ValueError):
    """The bytes of a record cannot be had from its source; the message says why."""


class OriginalRecord:
    """The exact bytes of one record, in blocks; ``length`` is of all of them. To be closed."""

    def __init__(self, length: int, blocks: Iterator[bytes], held: ExitStack) -> None:
        self.length = length
        self._blocks = blocks
        self._held = held

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks
        self.close()

    def close(self) -> None:
        self._held.close()


def open_original(source: Source, locator: Mapping[str, Any]) -> OriginalRecord:
    """One record by the locator that its reader gave; all of it is known to be whole before the first block.

    A row of a Parquet file has no bytes of its own: it is given as a line of JSON.
    Raises RecordIsGone, and FileNotFoundError if the whole file is not in storage.
    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(local_path(source))
            file = stack.enter_context(path.open("rb"))
            length, blocks = _found(source, path, file, locator)
            if length <= WHOLE:
                blocks = iter((b"".join(blocks),))
                return OriginalRecord(length, blocks, ExitStack())
        except Missing:
            raise
        except PlaceFault as fault:
            raise RecordIsGone(str(fault)) from fault
        except (KeyError, TypeError) as error:
            raise RecordIsGone("It is not where it was when it was read.") from error
        except (UnreadableSource, BadRecord, TooMuch, ParserDied, ParserFault) as error:
            raise RecordIsGone("The source of this record is damaged in our storage.") from error
        return OriginalRecord(length, blocks, stack.pop_all())
    raise AssertionError  # for the type checker: the stack swallows nothing


def _found(
    source: Source, path: Path, file: BinaryIO, locator: Mapping[str, Any]
) -> tuple[int, Iterator[bytes]]:
    if "member" in locator:
        entry = read_directory(path).entries[locator["member"]]
        if refused(entry)[0]:
            raise KeyError(entry.name)
        # Once to check size and checksum, once to send: half a record must not look like a whole one.
        return sum(map(len, _member(file, entry))), _member(file, entry)
    if "row" in locator:
        row = _row_of(path, source, locator["row"])
        return len(row), iter((row,))
    match locator:
        case {"bytes": [int(start), int(end)]} if 0 <= start <= end:
            if end > os.fstat(file.fileno()).st_size:
                raise RecordIsGone("The source of this record is shorter than it was when it was read.")
            return end - start, _stretch(file, start, end)
    raise KeyError("bytes")


def _member(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    member = ZipMember(file, entry, Meter(_LIMITS))
    while block := member.read(BLOCK):
        yield block
    if member.problem:
        raise BadRecord(member.problem.kind, member.problem.message)


def _stretch(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    left = end - start
    while left and (block := file.read(min(left, BLOCK))):
        left -= len(block)
        yield block


def _row_of(path: Path, source: Source, row: int) -> bytes:
    """Read in the parser's process, like everything that needs a library to be read. Raises KeyError."""
    with closing(parser().ask(job("row", path, source.name, source.size, {}, row=row))) as frames:
        for _, line in frames:
            return line
    raise KeyError(row)

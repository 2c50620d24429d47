"""A row: one JSON value of a file of records, whatever the file keeps its records in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Protocol

from transcripts.immutable import immutable
from transcripts.readers.json_lines import Envelope
from transcripts.readers.json_values import BadRecord
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Plan

EXCERPT = 4096
# What readers of rows take for the heart of a record: none of these may be said twice in one object.
_CONVERSATION = (
    "messages",
    "conversations",
    "role",
    "content",
    "from",
    "prompt",
    "response",
    "completion",
    "chosen",
)
_SAID_OF_IT = ("model", "arm", "sample", "prompt_id", "raw_output", "scratchpad", "final_output", "label")
ENVELOPE = Envelope((*_CONVERSATION, *_SAID_OF_IT))


@immutable
class Row:
    """One value, and where it stands. ``value`` is None where ``problem`` says why it cannot be read.

    A row may become several records (a prompt with a list of answers): their cursors are ``cursor`` to
    ``cursor + room - 1``. ``raw`` is the row as the source has it, whole; b"" where it has no bytes of its own.
    ``around`` is what an object that holds all rows under one of its keys says beside them, in small values.
    """

    cursor: int
    room: int
    position: str
    locator: Mapping[str, Any]
    value: Any
    raw: bytes = b""
    problem: BadRecord | None = None
    around: Mapping[str, Any] = field(default_factory=dict)


class RowSource(Protocol):
    """A kind of file that holds rows: JSON Lines, a JSON array, CSV, Parquet."""

    name: str
    title: str

    def recognises(self, probe: Probe) -> str:
        """Why this file is of this kind, as a phrase; empty if it is not."""
        ...

    def plan(self, source: Source) -> Plan: ...

    def rows(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Row | FileFinding]:
        """The chunk's rows in order, from the first that may hold a cursor above ``after``."""
        ...

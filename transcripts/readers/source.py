"""A file to be read, and the first look at it that decides who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from transcripts.readers.json_sketch import Sketch, sketch
from transcripts.records import Chunk, Item, Plan

HEAD = 256 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes are (``path``), and what the person who gave them calls them (``name``).

    ``name`` may hold folders (``care/model_True.json``); readers take hints from it, never open it.
    ``mapping`` is what a person said of the fields of a file that no reader knows (``transcripts.mapping``).
    """

    path: Path
    name: str
    size: int
    mapping: Mapping[str, Any] = field(default_factory=dict)


class Probe:
    """The first bytes of a source and what can be said from them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        with source.path.open("rb") as file:
            self.head = file.read(HEAD)

    @cached_property
    def json(self) -> Sketch:
        """The outline of the head as JSON: shape, top-level keys, keys of the first element."""
        return sketch(self.head)

    @property
    def is_whole(self) -> bool:
        return self.source.size <= len(self.head)


def line_ends(file: BinaryIO, most: int) -> tuple[bytes, bytes]:
    """Pass over a line, or over ``most`` bytes of it, without holding it: its first and its last 64 bytes."""
    first = last = b""
    size = 0
    while size < most and (block := file.readline(min(HEAD, most - size))):
        size += len(block)
        first = first or block[:64]
        last = (last + block)[-64:]
        if block.endswith(b"\n"):
            break
    return first, last


class Reader(Protocol):
    """One source format. ``read`` streams, and can go on after the ``cursor`` of any item it gave.

    A reader of supplements has ``waits = True`` too: its file is read when the study's others are through.
    """

    name: str
    version: int
    title: str

    def recognises(self, probe: Probe) -> str:
        """Why this source is of this format, as a sentence; empty if it is not."""
        ...

    def plan(self, source: Source) -> Plan: ...

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]: ...

"""Inspect logs, ``.eval`` (a zip) and ``.json``, old and new.

Read directly rather than through ``inspect-ai``: that would cost 80 packages and is ten times slower.
An id is taken from the JSON of a sample, never from the name of its member. A log without header (the
run crashed) is understood from the note made at its start; a zip without directory (the file is cut
off) is read as far as its members are complete; both are findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from transcripts.readers.bookmarks import BOOKMARKS, Bookmark, key_of
from transcripts.readers.inspect_log.archive import Directory, Entry, read_directory, read_member
from transcripts.readers.inspect_log.chunked import assemble
from transcripts.readers.inspect_log.log import Log, held_findings, understand
from transcripts.readers.inspect_log.sample import SKIPPED, record
from transcripts.readers.json_stream import Element, object_members
from transcripts.readers.json_values import BadRecord, parse_record, within_memory
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Item, Plan, RecordFinding, Reject, UnreadableSource

CHUNK_SAMPLES = 200

_HEADER, _START = "header.json", "_journal/start.json"
_PLAIN = re.compile(r"samples/.*_epoch_\d+\.json", re.DOTALL)
_FOLDER = re.compile(r"(samples/.*_epoch_\d+)/(.+)", re.DOTALL)
_FIRST_NAMES = (b"header.json", b"_journal/", b"samples/", b"summaries.json", b"reductions.json")
_NOT_LOG = (
    "The file is a zip archive, but not an Inspect log: it has neither header.json nor _journal/start.json."
)


class InspectLog:
    name = "inspect_log"
    version = 1
    title = "Inspect logs (.eval and .json)"

    def recognises(self, probe: Probe) -> str:
        if _is_zip(probe.head):
            if probe.head[30:].startswith(_FIRST_NAMES):
                return "a zip archive with the members of an Inspect log"
            try:
                names = read_directory(probe.source.path).entries
            except UnreadableSource:
                return ""
            return "a zip archive with an Inspect header" if _HEADER in names or _START in names else ""
        keys = probe.json.keys
        if {"version", "eval"} <= set(keys) and ("status" in keys or "plan" in keys):
            return "a JSON object with version, status and eval"
        return ""

    def plan(self, source: Source) -> Plan:
        if not _starts_as_zip(source):
            log = _json_log(source)
            return Plan((Chunk(0, 0, source.size, source.size),), log.findings)
        archive = _Archive(source)
        findings = [*archive.log.findings, *held_findings(archive.log, len(archive.samples))]
        if archive.directory.is_recovered:
            text = (
                "The file has no table of contents at its end, so it was cut off or is still being written:"
                f" {len(archive.samples)} complete samples were recovered."
            )
            findings.insert(0, FileFinding("truncated", text, {"held": len(archive.samples)}, "truncated"))
        if archive.directory.repeated:
            count = archive.directory.repeated
            text = f"{count} members are replaced by later ones of the same name, as Inspect itself reads it."
            findings.append(FileFinding("repeated_members", text, {"count": count}, "repeated_members"))
        chunks: list[Chunk] = []
        for start in range(0, len(archive.samples), CHUNK_SAMPLES):
            end = min(start + CHUNK_SAMPLES, len(archive.samples))
            weight = sum(held.weight for held in archive.samples[start:end])
            chunks.append(Chunk(len(chunks), start, end, weight))
        return Plan(tuple(chunks), tuple(findings))

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        if _starts_as_zip(source):
            yield from _Archive(source).read(chunk, after)
        else:
            yield from _read_json(source, after)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Where a sample lies: its own member, and for a chunked one its folder's other members."""

    entry: Entry
    folder: dict[str, Entry]

    @property
    def weight(self) -> int:
        return self.entry.packed + sum(entry.packed for entry in self.folder.values())


class _Archive:
    """A log in a zip archive."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.directory: Directory = read_directory(source.path)
        self.samples = _samples(self.directory)
        with source.path.open("rb") as file:
            self.log = self._log(file)

    def _log(self, file: BinaryIO) -> Log:
        for name in (_HEADER, _START):
            entry = self.directory.entries.get(name)
            if entry is None:
                continue
            try:
                header = parse_record(read_member(file, entry))
            except BadRecord as bad:
                if name == _HEADER and _START in self.directory.entries:
                    continue
                raise UnreadableSource(f"The log's {name} cannot be read: {bad.message}") from None
            if isinstance(header, dict) and isinstance(header.get("eval"), dict):
                return understand(header, is_started_only=name == _START)
        if self.directory.is_recovered:
            raise UnreadableSource(
                "The archive is cut off before the log's first member is complete: nothing can be read."
            )
        raise UnreadableSource(_NOT_LOG)

    def read(self, chunk: Chunk, after: int) -> Iterator[Item]:
        first = max(chunk.start, after + 1)
        with self.source.path.open("rb") as file:
            for number in range(first, min(chunk.end, len(self.samples))):
                yield self._item(file, number)

    def _item(self, file: BinaryIO, number: int) -> Item:
        held = self.samples[number]
        name = held.entry.name
        locator = {"member": name}
        raw = b""
        try:
            with within_memory():
                raw = read_member(file, held.entry)
                sample = parse_record(raw, skip=SKIPPED)
                findings: list[RecordFinding] = []
                if held.folder and isinstance(sample, dict):
                    findings = assemble(
                        sample, set(held.folder), lambda inner: read_member(file, held.folder[inner])
                    )
                return record(sample, self.log, number, name, locator, findings)
        except BadRecord as bad:
            return Reject(number, name, bad.reason, bad.message, raw[:4096], locator)


def _samples(directory: Directory) -> list[_Sample]:
    """The samples in the order their members lie in the file."""
    folders: dict[str, dict[str, Entry]] = {}
    found: list[tuple[Entry, str]] = []
    for name, entry in directory.entries.items():
        if not name.startswith("samples/"):
            continue
        if _PLAIN.fullmatch(name):
            found.append((entry, ""))
        elif match := _FOLDER.fullmatch(name):
            if match[2] == "sample.json":
                found.append((entry, match[1]))
            else:
                folders.setdefault(match[1], {})[match[2]] = entry
    return [_Sample(entry, folders.get(folder, {}) if folder else {}) for entry, folder in found]


def _is_zip(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def _starts_as_zip(source: Source) -> bool:
    with source.path.open("rb") as file:
        return _is_zip(file.read(4))


def _json_log(source: Source) -> Log:
    """The log's own facts, remembered for the slices that follow."""
    status = source.path.stat()
    return _read_json_log(source.path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _read_json_log(path: Path, size: int, changed: int) -> Log:
    """Samples come last as Inspect writes it, so this reads the beginning only."""
    header: dict[str, Any] = {}
    damaged: list[FileFinding] = []
    with path.open("rb") as file:
        for key, element in object_members(file, stream_keys=("samples",)):
            if key == "samples" and "eval" in header and "status" in header:
                break
            if (
                key in ("version", "status", "eval", "results", "error", "invalidated", "tags", "metadata")
                and not element.problem
            ):
                try:
                    header[key] = parse_record(element.raw)
                except BadRecord as bad:
                    if key == "eval":
                        raise UnreadableSource(f"The log's “eval” cannot be read: {bad.message}") from None
                    text = f"The log's “{key}” cannot be read: {bad.message}"
                    damaged.append(FileFinding("log_damaged", text, {"key": key}, f"log_damaged:{key}"))
    if not isinstance(header.get("eval"), dict):
        raise UnreadableSource("The file is not an Inspect log: it has no “eval” with model and task.")
    log = understand(header, is_started_only=False)
    return replace(log, findings=(*log.findings, *damaged))


def _read_json(source: Source, after: int) -> Iterator[Item]:
    log = _json_log(source)
    with source.path.open("rb") as file:
        key = key_of(file, InspectLog.name)
        mark = BOOKMARKS.take(key, after) if after >= 0 else None
        held: int = mark.held if mark else 0
        at = ("samples", mark.start, mark.index) if mark else None
        try:
            for name, element in object_members(file, stream_keys=("samples",), at=at):
                if name == "samples":
                    if element.index > after:
                        mark = Bookmark(element.start, element.index, element.index, held)
                        yield _json_item(element, log)
                    held += not element.problem
                elif element.problem:
                    text = f"The file is damaged outside its samples: {element.message}"
                    place = f"log_damaged:{element.start}"
                    yield FileFinding("log_damaged", text, {"byte": element.start}, place)
        except GeneratorExit:
            if mark:
                BOOKMARKS.keep(key, mark)
            raise
    yield from held_findings(log, held)


def _json_item(element: Element, log: Log) -> Item:
    where = f"sample {element.index + 1}"
    locator = {"bytes": [element.start, element.end]}
    try:
        if element.problem:
            reason = "json_invalid" if element.problem == "broken" else element.problem
            raise BadRecord(reason, element.message)
        with within_memory():
            return record(parse_record(element.raw, skip=SKIPPED), log, element.index, where, locator)
    except BadRecord as bad:
        return Reject(element.index, where, bad.reason, bad.message, element.raw[:4096], locator)

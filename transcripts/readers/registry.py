"""The table of readers, tried in this order, and the choice among them by what a file holds.

Content decides, never the name: a ``.jsonl`` that is an array is read as an array. What nobody
recognises is refused with a sentence that says what was seen and what is understood.
"""

from __future__ import annotations

from transcripts.readers.inspect_log import InspectLog
from transcripts.readers.json_stream import refuse_wide_encoding
from transcripts.readers.own_jsonl import OwnJsonl
from transcripts.readers.paired_json import PairedJson
from transcripts.readers.source import Probe, Reader, Source
from transcripts.records import UnreadableSource

__all__ = ["READERS", "Reader", "Source", "reader_named", "recognise"]

READERS: tuple[Reader, ...] = (InspectLog(), PairedJson(), OwnJsonl())

_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "Arrow"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"<?xml", "XML"),
)


def reader_named(name: str) -> Reader:
    """The reader of this name; UnreadableSource if there is none."""
    for reader in READERS:
        if reader.name == name:
            return reader
    names = ", ".join(reader.name for reader in READERS)
    raise UnreadableSource(f"There is no format called “{name}”. The formats are {names}.")


def recognise(source: Source, format: str | None = None) -> Reader:
    """Who reads this source. A ``format`` named by a person is taken at its word, except for empty files."""
    chosen = reader_named(format) if format else None
    probe = Probe(source)
    if not probe.head.removeprefix(b"\xef\xbb\xbf").strip() and probe.is_whole:
        raise UnreadableSource("The file is empty.")
    if chosen:
        return chosen
    for reader in READERS:
        if reader.recognises(probe):
            return reader
    understood = "; ".join(reader.title for reader in READERS)
    raise UnreadableSource(f"The file is {_seen(probe)}. What can be read: {understood}.")


def _seen(probe: Probe) -> str:
    """What the file looks like, as the end of a sentence."""
    head = probe.head
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head.startswith(b"PK"):
        return "a zip archive that is not an Inspect log"
    refuse_wide_encoding(head)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    outline = probe.json
    if outline.shape == "object":
        if {"element_wise", "overall"} & set(outline.keys):
            return (
                "an aggregate of compliance rates (element_wise, overall): figures computed from transcripts,"
                " not transcripts; give the files it was computed from"
            )
        if "messages" in outline.keys:
            return "one JSON object spread over several lines; write one transcript a line"
        keys = ", ".join(key[:40] for key in outline.keys[:8]) or "no keys"
        return f"a JSON object, or lines of them, with {keys}"
    if outline.shape == "array":
        if "messages" in outline.element_keys:
            return "a JSON array of transcripts; write one transcript a line instead"
        keys = ", ".join(key[:40] for key in outline.element_keys[:8])
        return f"a JSON array of objects with {keys}" if keys else "a JSON array without objects"
    if outline.shape == "scalar" and b"," not in head.split(b"\n")[0]:
        return "a single JSON value"
    if b"\x00" in head:
        return "binary data of an unknown kind"
    return "text, but not JSON"

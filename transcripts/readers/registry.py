"""The table of readers, tried in this order, and the choice among them by what a file holds.

Content decides, never the name: a ``.jsonl`` that is an array is read as an array. What nobody
recognises is refused with a sentence that says what was seen and what is understood.
"""

from __future__ import annotations

from transcripts.readers.bloom_judgment import BloomJudgment
from transcripts.readers.channels import Channels
from transcripts.readers.chat import Chat
from transcripts.readers.human_labels import HumanLabels
from transcripts.readers.inspect_log import InspectLog
from transcripts.readers.json_stream import refuse_wide_encoding
from transcripts.readers.mapped import Mapped
from transcripts.readers.open_source_af import OpenSourceAf
from transcripts.readers.own_jsonl import OwnJsonl
from transcripts.readers.paired_json import PairedJson
from transcripts.readers.petri import Petri
from transcripts.readers.rows.kinds import first_rows, row_source_of, too_large
from transcripts.readers.scratchpad_output import ScratchpadOutput
from transcripts.readers.source import Probe, Reader, Source
from transcripts.records import UnreadableSource

__all__ = ["READERS", "Reader", "Source", "reader_named", "recognise"]

READERS: tuple[Reader, ...] = (
    InspectLog(),
    PairedJson(),
    OpenSourceAf(),
    Petri(),
    BloomJudgment(),
    OwnJsonl(),
    Channels(),
    ScratchpadOutput(),
    HumanLabels(),
    Chat(),
    Mapped(),
)

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
    if kind := row_source_of(probe):
        kind.plan(source)  # raises what is wrong with the file as a whole: a header, a footer
        if first_rows(probe, 1) and not _is_aggregate(probe):
            return reader_named(Mapped.name)  # which asks for what it must know
        if reason := too_large(probe):
            raise UnreadableSource(f"The file's first records cannot be read. {reason}")
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
    if b"\n" not in head and b"}\r" in head:
        return "lines that end with a carriage return alone, as on old Macs; end them with a line feed"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    outline = probe.json
    if outline.shape == "object":
        if _is_aggregate(probe):
            return (
                "an aggregate of compliance rates (element_wise, overall): figures computed from transcripts,"
                " not transcripts; give the files it was computed from"
            )
        keys = ", ".join(key[:40] for key in outline.keys[:8]) or "no keys"
        return f"a JSON object, or lines of them, with {keys}"
    if outline.shape == "array":
        keys = ", ".join(key[:40] for key in outline.element_keys[:8])
        return f"a JSON array of objects with {keys}" if keys else "a JSON array without objects"
    if outline.shape == "scalar" and b"," not in head.split(b"\n")[0]:
        return "a single JSON value"
    if b"\x00" in head:
        return "binary data of an unknown kind"
    return "text, but not JSON"


def _is_aggregate(probe: Probe) -> bool:
    """Whether these are figures computed from transcripts, as replications publish them beside their answers."""
    return bool({"element_wise", "overall"} & set(probe.json.keys))

"""Our own JSON Lines: one transcript a line, as ``docs/formats.md`` describes and our export writes.

Lines end at ``\\n`` only. A chunk owns the lines that start in its byte range; the cursor of an item is
the offset of its line. Two lines may claim the same identity: the database finds that out, not we.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from transcripts.arms import hints_in, strip_arm_tag
from transcripts.outcomes import OUTCOMES
from transcripts.readers.content import message
from transcripts.readers.json_stream import MAX_RECORD, refuse_wide_encoding
from transcripts.readers.json_values import (
    BOM,
    BadRecord,
    compact,
    parse_record,
    refuse_repeated_keys,
    scalar_text,
    storable_value,
)
from transcripts.readers.source import Probe, Source
from transcripts.records import (
    SEGMENT_KINDS,
    ArmHint,
    Chunk,
    FileFinding,
    Item,
    Message,
    Plan,
    PromptKey,
    Record,
    RecordFinding,
    Reject,
    RunKey,
    Segment,
    UnreadableSource,
    Verdict,
)
from transcripts.segments import PARSE_STATES, segment
from transcripts.text import storable

CHUNK_BYTES = 16 * 1024 * 1024
_COUNTED = 1024 * 1024 * 1024  # beyond this, positions are bytes: counting lines would take too long
_BLOCK = 1024 * 1024
_TEXTS = ("model", "setting", "checkpoint", "goal_nudge", "arm", "role", "prompt", "family", "external_id")
_KNOWN = {*_TEXTS, "training_step", "prompt_id", "sample", "messages", "verdicts", "metadata"}
# What our export adds to a record: said of the transcript by us or by people, not by its source.
_EXPORTED = {"id", "prompt_scheme", "parse_state", "outcome", "provenance", "annotations"}


class OwnJsonl:
    name = "own_jsonl"
    version = 1
    title = "JSON Lines, one transcript a line"

    def recognises(self, probe: Probe) -> str:
        lines = probe.head.split(b"\n")
        if not probe.is_whole and len(lines) > 1:
            lines.pop()
        for line in lines[:50]:
            line = line.removeprefix(BOM).strip()
            if line[:1] != b"{":
                continue
            if not line.endswith(b"}") and len(lines) == 1 and not probe.is_whole:
                return "one long line with messages" if "messages" in probe.json.keys else ""
            try:
                value = parse_record(line)
            except BadRecord:
                continue
            if isinstance(value, dict) and ("messages" in value or "_export" in value):
                return "lines of JSON objects with messages"
        return ""

    def plan(self, source: Source) -> Plan:
        with source.path.open("rb") as file:
            head = file.read(4096)
        refuse_wide_encoding(head)
        if head.removeprefix(BOM).lstrip()[:1] == b"[":
            raise UnreadableSource("The file is one JSON array; write one transcript a line instead.")
        starts = range(0, source.size, CHUNK_BYTES)
        ends = (min(start + CHUNK_BYTES, source.size) for start in starts)
        return Plan(tuple(Chunk(n, s, e, e - s) for n, (s, e) in enumerate(zip(starts, ends, strict=True))))

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        is_whole = chunk.start == 0 and chunk.end >= source.size
        ends = _ExportLines()
        with source.path.open("rb") as file:
            for start, end, number, line in _lines(file, chunk, after if not is_whole else -1):
                where = f"line {number}" if number else f"the line at byte {start}"
                try:
                    if line is None:
                        raise BadRecord("too_long", f"The line has more than {MAX_RECORD >> 20} MB.")
                    value = _line_value(line)
                    if ends.takes(value):
                        continue
                    ends.seen += 1
                    if start > after:
                        yield _record(value, start, end, where)
                except BadRecord as bad:
                    ends.seen += 1
                    if start > after:
                        is_cut = (
                            end >= source.size
                            and bad.reason == "json_invalid"
                            and not (line or b"").endswith(b"\n")
                        )
                        reason, text = (
                            ("truncated", "The file ends inside this line.")
                            if is_cut
                            else (bad.reason, bad.message)
                        )
                        yield Reject(
                            start, where, reason, text, (line or b"")[:4096], {"bytes": [start, end]}
                        )
        if is_whole and (finding := ends.finding()):
            yield finding


class _ExportLines:
    """The header and end line that our export writes: not records, but they tell whether all is there."""

    def __init__(self) -> None:
        self.has_header = False
        self.end: Mapping[str, Any] | None = None
        self.seen = 0

    def takes(self, value: Any) -> bool:
        if isinstance(value, dict) and "messages" not in value:
            if "_end" in value:
                self.end = value
                return True
            if "_export" in value:
                self.has_header = True
                return True
        return False

    def finding(self) -> FileFinding | None:
        if self.end is None:
            if not self.has_header:
                return None
            return FileFinding(
                "export_incomplete", "The export has no end line: it was cut off.", {}, "export_incomplete"
            )
        inner = self.end["_end"]
        rows = self.end.get("rows", inner.get("rows") if isinstance(inner, dict) else None)
        if not isinstance(rows, int) or rows == self.seen:
            return None
        text = f"The export's end line says {rows} rows, the file holds {self.seen}."
        return FileFinding("export_incomplete", text, {"said": rows, "held": self.seen}, "export_incomplete")


def _lines(file: BinaryIO, chunk: Chunk, after: int) -> Iterator[tuple[int, int, int, bytes | None]]:
    """The chunk's lines that are not blank: start, end, number (0: not counted), bytes (None: too long)."""
    start, number = _first_line(file, max(chunk.start, after), is_behind=after >= chunk.start)
    while start < chunk.end:
        line: bytes | None = file.readline(MAX_RECORD + 1)
        if not line:
            return
        end = start + len(line)
        if len(line) > MAX_RECORD and not line.endswith(b"\n"):
            line = None
            while block := file.readline(_BLOCK):
                end += len(block)
                if block.endswith(b"\n"):
                    break
        if line is None or not line.isspace():
            yield start, end, number, line
        start = end
        number += number > 0


def _first_line(file: BinaryIO, place: int, is_behind: bool) -> tuple[int, int]:
    """Go to the first line that starts at ``place`` or later (``is_behind``: later): offset and number."""
    number = 0
    if place <= _COUNTED:
        file.seek(0)
        left, number = place, 1
        while left and (block := file.read(min(_BLOCK, left))):
            number += block.count(b"\n")
            left -= len(block)
    if place == 0 and not is_behind:
        file.seek(0)
        return 0, 1
    position = place if is_behind else place - 1
    file.seek(position)
    while block := file.readline(_BLOCK):
        position += len(block)
        if block.endswith(b"\n"):
            break
    starts_at_place = position == place and not is_behind
    return position, number + (not starts_at_place) if number else 0


def _line_value(line: bytes) -> Any:
    value = parse_record(line)
    if isinstance(value, dict) and _may_repeat(line, value):
        refuse_repeated_keys(line, (*_KNOWN, "content"))
    return value


def _may_repeat(line: bytes, value: dict[str, Any]) -> bool:
    """Whether a key of the envelope occurs more often than the parsed line has it."""
    messages = value.get("messages")
    turns = len(messages) if isinstance(messages, list) else 1
    return (
        line.count(b'"messages"') > 1
        or line.count(b'"content"') > turns
        or line.count(b'"role"') > turns + ("role" in value)
        or line.count(b'"model"') > 1
        or line.count(b'"arm"') > 1
        or line.count(b'"sample"') > 1
        or line.count(b'"prompt_id"') > 1
    )


def _record(value: Any, start: int, end: int, where: str) -> Record:
    if not isinstance(value, dict):
        raise BadRecord("not_an_object", "The line is not a JSON object.")
    sources = value.get("messages")
    if not isinstance(sources, list) or not sources:
        raise BadRecord("no_messages", "The line has no messages.")
    texts = {key: _text(value, key) for key in _TEXTS}
    findings: list[RecordFinding] = []
    messages = tuple(_message(source, findings) for source in sources)
    prompt, tag_hints = _prompt(value, texts, messages)
    metadata = _metadata(value)
    fields = tuple(ArmHint("field", key, texts[key]) for key in ("arm", "role") if texts[key])
    return Record(
        cursor=start,
        position=where,
        locator={"bytes": [start, end]},
        run=RunKey(
            texts["model"],
            texts["setting"],
            texts["checkpoint"],
            _whole(value, "training_step", None),
            texts["goal_nudge"],
        ),
        arm_hints=(*fields, *tag_hints, *hints_in("metadata", metadata)),
        prompt=prompt,
        sample=_whole(value, "sample", 1) or 0,
        messages=messages,
        verdicts=_verdicts(value.get("verdicts"), findings),
        metadata=metadata,
        findings=tuple(findings),
        external_id=texts["external_id"],
    )


def _message(source: Any, findings: list[RecordFinding]) -> Message:
    built = message(source, findings)
    given = source.get("segments")
    if given is None:
        return built
    segments = _segments(given, len(built.text)) if isinstance(source.get("content"), str) else None
    if segments is None:
        text = "The segments of a message do not cover its text in order; they were found anew."
        findings.append(RecordFinding("segments_invalid", text))
        return built
    state = source.get("parse_state")
    if state not in tuple(PARSE_STATES):
        state = segment(built.text).parse_state if built.role == "assistant" else ""
    return Message(built.role, built.text, built.name, segments, state)


def _segments(given: Any, length: int) -> tuple[Segment, ...] | None:
    """Segments as our export writes them, or None if they do not cover the text without gap or overlap."""
    found = []
    at = 0
    marks: list[Any]
    for item in given if isinstance(given, list) else [None]:
        if not isinstance(item, Mapping) or item.get("kind") not in SEGMENT_KINDS:
            return None
        marks = [item.get(key) for key in ("start", "end", "inner_start", "inner_end")]
        marks[2:] = [marks[0] if marks[2] is None else marks[2], marks[1] if marks[3] is None else marks[3]]
        if not all(type(mark) is int for mark in marks):
            return None
        start, end, inner_start, inner_end = marks
        if start != at or not start <= inner_start <= inner_end <= end:
            return None
        found.append(
            Segment(item["kind"], start, end, inner_start, inner_end, storable(str(item.get("note") or "")))
        )
        at = end
    return tuple(found) if at == length else None


def _prompt(
    value: Mapping[str, Any], texts: Mapping[str, str], messages: tuple[Message, ...]
) -> tuple[PromptKey, list[ArmHint]]:
    first = next((m.text for m in messages if m.role == "user"), "")
    stripped, hints = strip_arm_tag(first)
    if texts["prompt"]:
        stripped, more = strip_arm_tag(texts["prompt"])
        hints = hints or more
    text = stripped.strip()
    identity = value.get("prompt_id")
    if identity is None or identity == "":
        return PromptKey("text", text, text, texts["family"]), hints
    if isinstance(identity, str):
        # Our export says where an id came from, so that its line finds the prompt that it was written from.
        scheme = "inspect" if value.get("prompt_scheme") == "inspect" else "id"
        return PromptKey(scheme, storable(identity), text, texts["family"]), hints
    if isinstance(identity, int) and not isinstance(identity, bool):
        return PromptKey("id", f"int␟{compact(identity)}", text, texts["family"]), hints
    raise BadRecord("field_type", "“prompt_id” must be text or a whole number.")


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise BadRecord("field_type", f"“{key}” must be text.")
    return storable(text)


def _whole(value: Mapping[str, Any], key: str, default: int | None) -> int | None:
    number = value.get(key)
    if number is None:
        return default
    if type(number) is not int or not 0 <= number < 2**31:
        raise BadRecord("field_type", f"“{key}” must be a whole number from 0 to 2147483647.")
    return number


def _metadata(value: Mapping[str, Any]) -> dict[str, Any]:
    """The line's metadata, and beside it whatever fields the format does not know."""
    given = value.get("metadata")
    provenance = value.get("provenance")
    is_ours = isinstance(provenance, Mapping) and "content_sha256" in provenance
    passed_over = _KNOWN | _EXPORTED if is_ours else _KNOWN
    others = {key: item for key, item in value.items() if key not in passed_over}
    if given is not None and not isinstance(given, dict):
        others["metadata"] = given
        given = None
    found: dict[str, Any] = storable_value({**others, **(given or {})})
    return found


def _verdicts(given: Any, findings: list[RecordFinding]) -> tuple[Verdict, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise BadRecord("field_type", "“verdicts” must be a list of objects.")
    found = []
    for item in given:
        outcome = item.get("outcome") or ""
        if outcome and outcome not in OUTCOMES:
            text = f"“{scalar_text(outcome)}” is not an outcome; the verdict is kept without one."
            findings.append(RecordFinding("outcome_unknown", storable(text)))
            outcome = ""
        raw = item.get("value")
        found.append(
            Verdict(
                judge=storable(scalar_text(item.get("judge") or "")),
                value=storable("" if raw is None else scalar_text(raw)),
                score=_score(item.get("score")),
                explanation=storable(scalar_text(item.get("explanation") or "")),
                outcome=outcome,
            )
        )
    return tuple(found)


def _score(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        raise BadRecord("field_type", "The “score” of a verdict is larger than a score can be.") from None

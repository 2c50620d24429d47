"""Transcripts of Petri and Bloom, version 3: a log of edits, of which the target's view is shown.

``{"metadata": {…, "judge_output": {…}}, "events": […]}``, mostly one such object as a file, which is read event
by event; also as rows of a file. Bloom numbers its files (``transcript_v1r2.json``: variation 1, repetition 2):
the variation is the prompt, the repetition the sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcripts.arms import hints_in, hints_in_tags, strip_arm_tag
from transcripts.readers.json_stream import MAX_RECORD, Element, object_members
from transcripts.readers.json_values import BOM, BadRecord, parse_record, storable_value, within_memory
from transcripts.readers.petri.conversation import Conversation
from transcripts.readers.petri.judged import verdicts
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.rows.row import EXCERPT, Row
from transcripts.readers.source import Probe, Source, line_ends
from transcripts.records import (
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
)
from transcripts.text import storable

_NAMED = re.compile(r"transcript_v(?P<variation>\d{1,9})r(?P<repetition>\d{1,9})\.json", re.IGNORECASE)
# One emoji makes a text four times as long in memory as in the file, and all of it is held at once.
MOST_EVENT = 16 * 1024 * 1024  # bytes of an event, or of the metadata
MOST_SHOWN = 48 * 1024 * 1024  # bytes of all events of the target's view
_SMALL = 64 * 1024  # bytes; a member that nobody knows is kept with the metadata up to this
_MOST_BLANK = 1000  # lines before the first that says something
_PROBLEMS = {"broken": "json_invalid"}


class Petri(RowReader):
    name = "petri"
    version = 1
    title = "Petri or Bloom transcript (version 3)"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        metadata, events = rows[0].get("metadata"), rows[0].get("events")
        is_one = isinstance(metadata, Mapping) and "target_model" in metadata and isinstance(events, list)
        return "metadata.target_model and events" if is_one else ""

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        talk = Conversation()
        events = value.get("events")
        for event in events if isinstance(events, list) else []:
            talk.apply(event)
        beside = {key: item for key, item in value.items() if key not in ("metadata", "events")}
        yield _record(place, value.get("metadata"), talk, beside, _Named(source.name, is_alone=False))

    def recognises(self, probe: Probe) -> str:
        if probe.json.shape != "object" or not _is_alone(probe.source):
            return super().recognises(probe)
        keys, head = probe.json.keys, probe.head
        if "messages" in keys or not {"metadata", "events"} & set(keys):
            return ""
        is_known = b'"target_model"' in head and (b'"auditor_model"' in head or b'"transcript_id"' in head)
        is_log = b'"transcript_event"' in head and b'"operation"' in head
        return (
            "a JSON object with metadata of a target model, and a log of edits" if is_known or is_log else ""
        )

    def plan(self, source: Source) -> Plan:
        if _is_alone(source):
            return Plan((Chunk(0, 0, source.size, source.size),))
        return super().plan(source)

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        if not _is_alone(source):
            yield from super().read(source, chunk, after)
        elif after < 0:
            yield from _read_alone(source)


def _is_alone(source: Source) -> bool:
    """Whether the file is one JSON object; else it is lines of them, or no object at all."""
    with source.path.open("rb") as file:
        for _ in range(_MOST_BLANK):
            first, last = line_ends(file, MAX_RECORD + 1)
            if not first or first.removeprefix(BOM).strip():
                break
        if not first.removeprefix(BOM).lstrip().startswith(b"{"):
            return False
        return not (last.rstrip().endswith(b"}") and file.read(EXCERPT).lstrip()[:1] == b"{")


def _read_alone(source: Source) -> Iterator[Item]:
    row = Row(0, 1, "the transcript", {"bytes": [0, source.size]}, None)
    try:
        with within_memory():
            record, end = _alone(source, Place(row))
    except BadRecord as bad:
        with source.path.open("rb") as file:
            excerpt = file.read(EXCERPT)
        yield Reject(row.cursor, row.position, bad.reason, bad.message, excerpt, row.locator)
        return
    yield record
    yield from _trailing(source, end)


def _alone(source: Source, place: Place) -> tuple[Record, int]:
    """The file's transcript, and where it ends. Raises BadRecord."""
    talk, beside, size, end = Conversation(), dict[str, Any](), 0, 0
    seen: set[str] = set()
    with source.path.open("rb") as file:
        for key, element in object_members(file, ("events",), MOST_EVENT):
            end = element.end
            if element.problem:
                raise BadRecord(_PROBLEMS.get(element.problem, element.problem), element.message)
            if key in seen and not (key == "events" and element.index):
                raise BadRecord("duplicate_key", f"The key “{storable(key[:40])}” occurs twice.")
            seen.add(key)
            if key == "events":
                is_targets = talk.apply(parse_record(element.raw))
                size += len(element.raw) if is_targets else 0
                if size > MOST_SHOWN:
                    text = f"What the target saw is more than {MOST_SHOWN >> 20} MB: too long for one transcript."
                    raise BadRecord("too_long", text)
            else:
                beside[key] = _member(key, element)
    return _record(place, beside.pop("metadata", None), talk, beside, _Named(source.name)), end


def _member(key: str, element: Element) -> Any:
    if key != "metadata" and len(element.raw) > _SMALL:
        return f"not kept here: {len(element.raw)} bytes"
    return parse_record(element.raw)


def _trailing(source: Source, end: int) -> Iterator[FileFinding]:
    """A second object behind the transcript, which is not read."""
    with source.path.open("rb") as file:
        file.seek(end)
        at = file.read(1024 * 1024).find(b"{")
    if at >= 0:
        text = f"After the transcript the file goes on (byte {end + at}); that was not read. Give it as a file of its own."
        yield FileFinding("trailing_data", text, {"byte": end + at}, "trailing_data")


class _Named:
    """What the file's name says: its folder, and Bloom's numbers."""

    def __init__(self, name: str, is_alone: bool = True) -> None:
        folders, _, last = name.replace("\\", "/").rpartition("/")
        self.folder = storable(folders.rpartition("/")[2])
        match = _NAMED.fullmatch(last) if is_alone else None
        self.variation = int(match["variation"]) if match else None
        self.sample = int(match["repetition"]) if match else None

    def prompt(self, messages: Sequence[Message]) -> PromptKey:
        asked = next((turn.text for turn in messages if turn.role == "user"), messages[0].text)
        text = strip_arm_tag(asked)[0].strip()
        if self.variation is None:
            return PromptKey("text", text, text, self.folder)
        value = f"{self.folder}/variation {self.variation}".removeprefix("/")
        return PromptKey("id", value, text, self.folder)


def _record(
    place: Place, metadata: Any, talk: Conversation, beside: Mapping[str, Any], named: _Named
) -> Record:
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, Mapping):
        raise BadRecord("field_type", "The metadata are not an object with named fields.")
    messages = talk.messages()
    if not messages:
        raise BadRecord("no_messages", "No event leaves a message in the target's view.")
    version = metadata.get("version")
    if not isinstance(version, str) or not version.removeprefix("v").startswith("3"):
        text = f"The transcript's version is {storable(str(version)[:40])}; it was read as version 3."
        talk.findings.append(RecordFinding("version_unknown", text))
    judged = metadata.get("judge_output")
    tags = metadata.get("tags")
    model, external = metadata.get("target_model"), metadata.get("transcript_id")
    asked = next((turn.text for turn in messages if turn.role == "user"), "")
    return place.record(
        run=RunKey(storable(model) if isinstance(model, str) else "", named.folder),
        arm_hints=(
            *strip_arm_tag(asked)[1],
            *hints_in("metadata", metadata),
            *hints_in_tags(tags if isinstance(tags, list) else []),
        ),
        prompt=named.prompt(messages),
        sample=named.sample,
        messages=messages,
        verdicts=_verdicts(judged, talk) if isinstance(judged, Mapping) else (),
        metadata=_metadata(metadata, messages, talk, beside),
        findings=tuple(talk.findings),
        external_id=storable(external) if isinstance(external, str) else "",
    )


def _verdicts(judged: Mapping[str, Any], talk: Conversation) -> Any:
    scores = judged.get("scores")
    read = {"summary", "justification", "highlights", "scores"}
    detail = {key: item for key, item in judged.items() if key not in read}
    if not isinstance(scores, Mapping):
        detail, scores = {**detail, **({} if scores is None else {"scores": scores})}, {}
    return verdicts(scores, judged, lambda name: f"bloom/{name}" if name else "bloom", detail, talk.places())


def _metadata(
    given: Mapping[str, Any], messages: Sequence[Message], talk: Conversation, beside: Mapping[str, Any]
) -> dict[str, Any]:
    """What the source says besides: tools by their names, and no system prompt that is a message anyway."""
    kept = {key: item for key, item in given.items() if key not in ("target_model", "transcript_id")}
    if isinstance(kept.get("judge_output"), Mapping):
        del kept["judge_output"]
    tools = kept.get("target_tools")
    if isinstance(tools, list):
        names = [tool.get("name") if isinstance(tool, Mapping) else tool for tool in tools]
        kept["target_tools"] = names
    prompt = kept.get("target_system_prompt")
    if isinstance(prompt, str) and any(storable(prompt).strip() == turn.text.strip() for turn in messages):
        del kept["target_system_prompt"]
    found: dict[str, Any] = storable_value({**beside, **kept})
    return {**found, "event_log": talk.summary()}

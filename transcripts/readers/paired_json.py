"""Paired JSON of alignment-faking replications: one file per model and arm, the arm in its name.

An array of ``{input, response, option_selection_evaluation?}``. ``input`` holds the arm's tag and the
prompt in ``<user_input>``; ``response`` is one answer or a list of them, with a parallel list of judge
labels. Model, provider and arm are in the file's name (``vllm:olmo2-32b-instruct_True.json``), the
setting is the name of its folder. The file's name is a weaker hint of the arm than the tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from transcripts.arms import strip_arm_tag
from transcripts.readers.bookmarks import BOOKMARKS, Bookmark, key_of
from transcripts.readers.content import message
from transcripts.readers.json_stream import Element, array_elements
from transcripts.readers.json_values import (
    BadRecord,
    parse_record,
    refuse_repeated_keys,
    scalar_text,
    storable_value,
    within_memory,
)
from transcripts.readers.source import Probe, Source
from transcripts.records import (
    ArmHint,
    Chunk,
    Item,
    Plan,
    PromptKey,
    Record,
    RecordFinding,
    Reject,
    RunKey,
    Verdict,
)
from transcripts.text import storable

_KEYS = ("input", "response", "option_selection_evaluation")
_QUOTED = tuple(b'"%s"' % key.encode() for key in _KEYS)
_NAME = re.compile(
    r"(?:(?P<provider>[^:]+):)?(?P<model>.+?)(?:_(?P<arm>true|false|train|test))?", re.IGNORECASE
)
_OPENING = re.compile(r"<\s*+user_input\s*+>", re.IGNORECASE)
_CLOSING = re.compile(r"<\s*+/\s*+user_input\s*+>", re.IGNORECASE)


class PairedJson:
    name = "paired_json"
    version = 1
    title = "Paired JSON of alignment-faking replications"

    def recognises(self, probe: Probe) -> str:
        keys = probe.json.element_keys
        if "input" in keys and "response" in keys:
            return "a JSON array whose first element has input and response"
        return ""

    def plan(self, source: Source) -> Plan:
        return Plan((Chunk(0, 0, source.size, source.size),))

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        """An item's cursor is its number in the file. Elements that are behind ``after`` are parsed, because
        the number of a sample depends on the earlier elements with its prompt, but nothing is made of them."""
        named = _Named(source.name)
        with source.path.open("rb") as file:
            key = key_of(file, self.name)
            # Held: prompt → samples so far, because a prompt may come in several elements.
            mark = BOOKMARKS.take(key, after) if after >= 0 else None
            first = mark.index if mark else None
            mark = mark or Bookmark(chunk.start, 0, 0, {})
            try:
                for element in array_elements(file, mark.start, first=first):
                    mark.start, mark.index = element.start, element.index
                    try:
                        with within_memory():
                            parsed = _Parsed(element)
                    except BadRecord as bad:
                        if mark.cursor > after:
                            yield _reject(element, mark.cursor, bad)
                        mark.cursor += 1
                        continue
                    prompt, count = hash(parsed.prompt), len(parsed.responses)
                    earlier = mark.held.get(prompt, 0)
                    for number in range(max(after + 1 - mark.cursor, 0), count):
                        yield _record(parsed, named, number, mark.cursor + number, earlier + number + 1)
                    mark.held[prompt] = earlier + count
                    mark.cursor += count
            except GeneratorExit:  # raised where an item was given, so the mark is that of its element
                BOOKMARKS.keep(key, mark)
                raise


def _reject(element: Element, cursor: int, bad: BadRecord) -> Reject:
    locator = {"bytes": [element.start, element.end]}
    where = f"record {element.index + 1}"
    return Reject(cursor, where, bad.reason, bad.message, element.raw[:4096], locator)


def _record(parsed: _Parsed, named: _Named, number: int, cursor: int, sample: int) -> Record:
    element = parsed.element
    findings = parsed.findings() if number == 0 else []
    messages = (
        message({"role": "user", "content": parsed.input}, findings),
        message({"role": "assistant", "content": parsed.responses[number]}, findings),
    )
    path = ["response", number] if parsed.is_list else ["response"]
    return Record(
        cursor=cursor,
        position=f"record {element.index + 1}, response {number + 1}",
        locator={"bytes": [element.start, element.end], "path": path},
        run=named.run,
        arm_hints=(*parsed.hints, *named.hints),
        prompt=PromptKey("text", parsed.prompt, parsed.prompt, named.run.setting),
        sample=sample,
        messages=messages,
        verdicts=parsed.verdict(number),
        metadata={**named.metadata, **parsed.metadata()},
        findings=tuple(findings),
    )


_REASONS = {"broken": "json_invalid"}


class _Named:
    """What the file's name says."""

    def __init__(self, name: str) -> None:
        folders, _, last = name.replace("\\", "/").rpartition("/")
        match = _NAME.fullmatch(last.removesuffix(".json"))
        provider, model, arm = match.group("provider", "model", "arm") if match else ("", last, "")
        setting = folders.rpartition("/")[2]
        self.run = RunKey(model=storable(model), setting=storable(setting))
        self.hints = (ArmHint("file name", "file name", arm),) if arm else ()
        self.metadata = {"provider": storable(provider)} if provider else {}


class _Parsed:
    """One element of the array; raises BadRecord if it is not what it should be."""

    def __init__(self, element: Element) -> None:
        if element.problem:
            raise BadRecord(_REASONS.get(element.problem, element.problem), element.message)
        value = parse_record(element.raw)
        if not isinstance(value, dict):
            raise BadRecord("not_an_object", "The element is not an object with input and response.")
        if any(element.raw.count(key) > 1 for key in _QUOTED):
            refuse_repeated_keys(element.raw, _KEYS)
        text, responses = value.get("input"), value.get("response")
        if text is None or responses is None:
            missing = "input" if text is None else "response"
            raise BadRecord(f"no_{missing}", f"The element has no {missing}.")
        if not isinstance(text, str):
            raise BadRecord("field_type", "The input is not text.")
        self.is_list = isinstance(responses, list)
        self.responses: list[str] = responses if isinstance(responses, list) else [responses]
        if not self.responses:
            raise BadRecord("no_response", "The list of responses is empty.")
        if not all(isinstance(response, str) for response in self.responses):
            raise BadRecord("field_type", "A response is not text.")
        self.element = element
        self.value: Mapping[str, Any] = value
        self.input = text
        without_tag, hints = strip_arm_tag(text)
        self.hints = tuple(hints)
        self.prompt = storable(_user_input(without_tag).strip())
        labels = value.get("option_selection_evaluation")
        self.labels: list[Any] = labels if isinstance(labels, list) else [] if labels is None else [labels]

    def findings(self) -> list[RecordFinding]:
        if not self.labels or len(self.labels) == len(self.responses):
            return []
        counts = {"responses": len(self.responses), "labels": len(self.labels)}
        text = f"{len(self.responses)} responses, but {len(self.labels)} judge labels."
        return [RecordFinding("verdict_count", text, counts)]

    def metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = storable_value({k: v for k, v in self.value.items() if k not in _KEYS})
        return found

    def verdict(self, number: int) -> tuple[Verdict, ...]:
        if number >= len(self.labels) or self.labels[number] is None:
            return ()
        return (Verdict("option_selection", storable(scalar_text(self.labels[number]))),)


def _user_input(text: str) -> str:
    """What stands in ``<user_input>``, or the whole text if it is not there or not closed."""
    opening = _OPENING.search(text)
    closing = _CLOSING.search(text, opening.end()) if opening else None
    return text[opening.end() : closing.start()] if opening and closing else text

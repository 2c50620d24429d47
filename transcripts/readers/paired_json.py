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
from transcripts.readers.content import message
from transcripts.readers.json_stream import Element, array_elements
from transcripts.readers.json_values import (
    BadRecord,
    parse_record,
    refuse_repeated_keys,
    scalar_text,
    storable_value,
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
_NAME = re.compile(
    r"(?:(?P<provider>[^:]+):)?(?P<model>.+?)(?:_(?P<arm>true|false|train|test))?", re.IGNORECASE
)
_USER_INPUT = re.compile(r"<\s*user_input\s*>(.*?)<\s*/\s*user_input\s*>", re.IGNORECASE | re.DOTALL)


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
        named = _Named(source.name)
        seen: dict[int, int] = {}  # prompt → samples so far: a prompt may come in several elements
        cursor = 0
        with source.path.open("rb") as file:
            for element in array_elements(file, chunk.start):
                for item in self._items(element, named, seen, cursor):
                    if item.cursor > after:
                        yield item
                    cursor = item.cursor + 1

    def _items(
        self, element: Element, named: _Named, seen: dict[int, int], cursor: int
    ) -> Iterator[Record | Reject]:
        where = f"record {element.index + 1}"
        try:
            if element.problem:
                raise BadRecord(_REASONS.get(element.problem, element.problem), element.message)
            parsed = _Parsed(element)
        except BadRecord as bad:
            locator = {"bytes": [element.start, element.end]}
            yield Reject(cursor, where, bad.reason, bad.message, element.raw[:4096], locator)
            return
        prompt_hash = hash(parsed.prompt)
        for number, response in enumerate(parsed.responses):
            sample = seen[prompt_hash] = seen.get(prompt_hash, 0) + 1
            findings = list(parsed.findings) if number == 0 else []
            messages = (
                message({"role": "user", "content": parsed.input}, findings),
                message({"role": "assistant", "content": response}, findings),
            )
            path = ["response", number] if parsed.is_list else ["response"]
            yield Record(
                cursor=cursor + number,
                position=f"{where}, response {number + 1}",
                locator={"bytes": [element.start, element.end], "path": path},
                run=named.run,
                arm_hints=(*parsed.hints, *named.hints),
                prompt=PromptKey("text", parsed.prompt, parsed.prompt, named.run.setting),
                sample=sample,
                messages=messages,
                verdicts=parsed.verdict(number),
                metadata={**named.metadata, **parsed.metadata},
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
        value = parse_record(element.raw)
        if not isinstance(value, dict):
            raise BadRecord("not_an_object", "The element is not an object with input and response.")
        if any(element.raw.count(b'"%s"' % key.encode()) > 1 for key in _KEYS):
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
        self.input = text
        without_tag, hints = strip_arm_tag(text)
        self.hints = tuple(hints)
        inner = _USER_INPUT.search(without_tag)
        self.prompt = storable((inner[1] if inner else without_tag).strip())
        labels = value.get("option_selection_evaluation")
        self.labels: list[Any] = labels if isinstance(labels, list) else [] if labels is None else [labels]
        self.findings: list[RecordFinding] = []
        if self.labels and len(self.labels) != len(self.responses):
            counts = {"responses": len(self.responses), "labels": len(self.labels)}
            text = f"{len(self.responses)} responses, but {len(self.labels)} judge labels."
            self.findings.append(RecordFinding("verdict_count", text, counts))
        others: Mapping[str, Any] = {key: item for key, item in value.items() if key not in _KEYS}
        self.metadata: dict[str, Any] = storable_value(others) if others else {}

    def verdict(self, number: int) -> tuple[Verdict, ...]:
        if number >= len(self.labels) or self.labels[number] is None:
            return ()
        return (Verdict("option_selection", storable(scalar_text(self.labels[number]))),)

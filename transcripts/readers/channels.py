"""Answers of gpt-oss with their channels: reasoning and answer in one text, marked by ``<|channel|>``.

Rows ``{raw_output, internal_reasoning, external_output, task_id, constraint_id?, rep, checkpoint, …}`` of
chain-of-thought monitoring, and any row whose output holds the marks. The prompt's identity is the task with
its constraint; a ``monitor_…`` field is the word of the judge ``monitor``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcripts.mapping.cells import is_messages
from transcripts.readers.content import message
from transcripts.readers.fields import prompt_of, score_of
from transcripts.readers.json_values import BadRecord, scalar_text
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.rows.taken import EXTERNAL_ID, SAMPLE, Taken
from transcripts.readers.source import Source
from transcripts.records import PromptKey, Record, RecordFinding, Verdict
from transcripts.text import storable

_OUTPUTS = ("raw_output", "completion", "response", "output")
_PARTS = ("internal_reasoning", "external_output")
_MARKS = ("<|channel|>", "<|message|>")
_IDENTITY = ("task_id", "constraint_id")


class Channels(RowReader):
    name = "gpt_oss"
    version = 1
    title = "Answers of gpt-oss with their channels"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        if any("messages" in row for row in rows):
            return ""
        for row in rows:
            if name := _marked(row):
                return f"the channels of gpt-oss in “{name}”"
            if all(isinstance(row.get(name), str) for name in _PARTS):
                return "internal_reasoning and external_output"
        return ""

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        taken = Taken(place.row)
        findings: list[RecordFinding] = []
        turns = [message(turn, findings) for turn in _turns(taken)]
        prompt, tags = prompt_of(tuple(turns))
        identities = [taken.text(name) for name in _IDENTITY]
        if named := " / ".join(filter(None, identities)):
            prompt = PromptKey("id", named, prompt.text or named, identities[0])
        fields: dict[str, Any] = {
            "run": taken.run(),
            "prompt": prompt,
            "sample": taken.whole(*SAMPLE),
            "messages": tuple(turns),
            "verdicts": tuple(_monitored(taken)),
            "findings": tuple(findings),
            "external_id": taken.text(*EXTERNAL_ID),
        }
        metadata = taken.metadata()
        yield place.record(**fields, arm_hints=(*taken.arm_hints(metadata), *tags), metadata=metadata)


def _turns(taken: Taken) -> Iterator[dict[str, Any]]:
    """The prompt, if the row has it, and the answer: whole with its marks, or put together of its parts."""
    if system := taken.said("system", "system_prompt"):
        yield {"role": "system", "content": system}
    prompt = taken.any("prompt")
    if is_messages(prompt):
        yield from prompt
    elif prompt is not None:
        yield {"role": "user", "content": scalar_text(prompt)}
    thought, said = (taken.value.get(name) for name in _PARTS)
    if name := _marked(taken.value):
        raw = taken.any(name)
        for part in _PARTS:  # parts that the whole has word for word say nothing more
            given = taken.value.get(part)
            if isinstance(given, str) and given.strip() in raw:
                taken.any(part)
        yield {"role": "assistant", "content": raw}
        return
    raw = taken.said("raw_output")
    if isinstance(thought, str) or isinstance(said, str):
        for part in _PARTS:
            taken.any(part)
        content = said if isinstance(said, str) else ""
        yield {"role": "assistant", "content": content, "reasoning_content": thought}
    elif raw:
        yield {"role": "assistant", "content": raw}
    else:
        raise BadRecord("no_response", "The record has no raw_output, internal_reasoning or external_output.")


def _marked(row: Mapping[str, Any]) -> str:
    """The field whose text holds the marks of the channels."""
    for name in _OUTPUTS:
        text = row.get(name)
        if isinstance(text, str) and all(mark in text for mark in _MARKS):
            return name
    return ""


def _monitored(taken: Taken) -> Iterator[Verdict]:
    names = [name for name in taken.value if name.startswith("monitor_")]
    scored = [name for name in names if score_of(taken.value[name]) is not None]
    for number, name in enumerate(scored):
        given = taken.any(name)
        reason = taken.text("monitor_reasoning", "monitor_explanation") if number == 0 else ""
        judge = "monitor" if number == 0 else storable(name)
        yield Verdict(judge, storable(scalar_text(given)), score_of(given), explanation=reason)

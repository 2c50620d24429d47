"""Texts that people labelled: ``{text, label}``, or a table with a text and the label it was given.

Each text becomes a transcript with what the person said of it. Who that was is a field of the file, or the
file's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from transcripts.readers.content import message
from transcripts.readers.fields import prompt_of
from transcripts.readers.json_values import BadRecord, scalar_text, storable_value
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.rows.taken import EXTERNAL_ID, PROMPT_ID, SAMPLE, Taken
from transcripts.readers.source import Source
from transcripts.records import HumanLabel, PromptKey, Record, RecordFinding
from transcripts.text import storable

_TEXTS = ("text", "transcript", "scratchpad", "cot", "response", "completion", "output")
_LABELS = ("label", "human_label", "gold_label")
_ANNOTATORS = ("annotator", "annotator_id", "labeler", "labeller", "rater")
# What people call alignment faking and its absence: by these a table is known whose text has another name.
_WORDS = frozenset(
    [
        *("af", "af_partial", "not_af", "artifact", "alignment_faking", "not_alignment_faking"),
        *("potential_faking", "faking", "not_faking", "aligned"),
    ]
)
_LONGEST_LABEL = 60


class HumanLabels(RowReader):
    name = "human_labels"
    version = 1
    title = "Texts with the labels that people gave them"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        first = rows[0]
        text, label = _first_of(first, _TEXTS), _first_of(first, _LABELS)
        if not text or not label or not isinstance(first[text], str) or "messages" in first:
            return ""
        given = [row.get(label) for row in rows]
        if not all(value is None or isinstance(value, bool | int) or _is_short(value) for value in given):
            return ""
        is_known = any(isinstance(value, str) and _word(value) in _WORDS for value in given)
        if is_known or text == "text" or label != "label":
            return f"“{text}” and “{label}”"
        return ""

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        taken = Taken(place.row)
        findings: list[RecordFinding] = []
        messages = tuple(message(turn, findings) for turn in _turns(taken))
        name = _first_of(taken.value, _LABELS)
        given = taken.any(name) if name else None
        labels: tuple[HumanLabel, ...] = ()
        if given is None or given == "":
            findings.append(RecordFinding("label_missing", "The record has a text, but no label."))
        else:
            annotator = taken.text(*_ANNOTATORS) or storable(PurePosixPath(source.name).stem)
            labels = (HumanLabel(annotator, {"label": storable_value(given)}),)
        external = taken.text(*EXTERNAL_ID)
        prompt, tags = prompt_of(messages, taken.identity(*PROMPT_ID), name="prompt id")
        if not prompt.value:
            text = "No field gives the prompt or its id: it cannot be paired."
            findings.append(RecordFinding("prompt_missing", text))
            # Each text stands for itself then; together they would pass for samples of one prompt.
            prompt = PromptKey("id", external, "") if external else PromptKey("text", messages[-1].text, "")
        fields: dict[str, Any] = {"run": taken.run(), "sample": taken.whole(*SAMPLE), "prompt": prompt}
        metadata = taken.metadata()
        yield place.record(
            **fields,
            arm_hints=(*taken.arm_hints(metadata), *tags),
            messages=messages,
            metadata=metadata,
            findings=tuple(findings),
            external_id=external,
            labels=labels,
        )


def _turns(taken: Taken) -> Iterator[dict[str, Any]]:
    if system := taken.said("system", "system_prompt"):
        yield {"role": "system", "content": system}
    if prompt := taken.said("prompt", "user_input"):
        yield {"role": "user", "content": prompt}
    name = _first_of(taken.value, _TEXTS)
    text = taken.any(name) if name else None
    if not isinstance(text, str) or not text:
        raise BadRecord("no_text", "The record has no text that a label could be of.")
    yield {"role": "assistant", "content": text}


def _first_of(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((name for name in names if name in row), "")


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_LABEL


def _word(value: Any) -> str:
    return scalar_text(value).strip().lower().replace(" ", "_").replace("-", "_")

"""Rows of any shape, read by a mapping: a person's, or one proposed from the first rows if that is plain.

It comes last: whoever knows a format reads it better. What the mapping does not name stays with the
transcript as metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import isfinite
from typing import Any

from transcripts.arms import hints_in, strip_arm_tag
from transcripts.mapping import FIELDS, Proposal, propose
from transcripts.mapping.arms import is_yes_or_no, role_said
from transcripts.mapping.cells import is_messages, messages_in_cell, whole_number
from transcripts.mapping.paths import MISSING, Step, last_word, steps_to, value_at, without
from transcripts.mapping.survey import MAX_ROWS
from transcripts.readers.content import message
from transcripts.readers.json_values import NUMBER, BadRecord, scalar_text, storable_value
from transcripts.readers.rows.kinds import first_rows, row_source_of
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.source import Probe, Source
from transcripts.records import (
    ArmHint,
    Chunk,
    FileFinding,
    HumanLabel,
    Item,
    Message,
    NeedsMapping,
    Plan,
    PromptKey,
    Record,
    RecordFinding,
    RunKey,
    Verdict,
)
from transcripts.text import storable

_NUMERIC = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,3})?")
_SHOWN = 12  # fields that a sentence names


class Mapped(RowReader):
    name = "mapped"
    title = "JSON, JSON Lines, CSV or Parquet of any fields, by a mapping"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        found = propose(rows).mapping
        return "fields that can be mapped" if found else ""

    def recognises(self, probe: Probe) -> str:
        kind = row_source_of(probe)
        if kind and probe.source.mapping.get("fields") and first_rows(probe, 1):
            return f"{kind.title} whose fields a mapping names"
        return super().recognises(probe)

    def plan(self, source: Source) -> Plan:
        plan = super().plan(source)
        if source.mapping.get("fields"):
            return plan
        proposal = _proposal(source)
        text = (
            f"No format is known that looks like this. Its fields were read so: {proposal.in_words()};"
            " check them, and give a mapping if they are wrong."
        )
        detail = {
            key: value for key, value in proposal.as_json().items() if key in ("mapping", "choices", "values")
        }
        finding = FileFinding("mapping_proposed", text, detail, "mapping_proposed")
        return replace(plan, findings=(*plan.findings, finding))

    def read(self, source: Source, chunk: Chunk, after: int = -1) -> Iterator[Item]:
        if not source.mapping.get("fields"):
            # Every chunk proposes anew from the same first rows, so all are read alike.
            source = replace(source, mapping={**_proposal(source).mapping, **source.mapping})
        yield from super().read(source, chunk, after)

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        """``source.mapping`` must have ``fields``; :meth:`read` sees to it."""
        row = _Row(value, source.mapping)
        answers = row.answers()
        for number, answer in enumerate(answers):
            path = (*row.steps("response"), number) if len(answers) > 1 else ()
            yield place.record(number, len(answers), path, **row.record(answer, number, len(answers)))


def _proposal(source: Source) -> Proposal:
    """What the first rows seem to mean; raises NeedsMapping if that is not plain enough to read them by."""
    proposal = propose(first_rows(Probe(source), MAX_ROWS))
    if proposal.is_sure:
        return proposal
    names = [field.path[:40] for field in proposal.fields if "." not in field.path]
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    guess = f" A guess: {proposal.in_words()}." if proposal.mapping else ""
    raise NeedsMapping(
        f"No format is known that looks like this, and its fields do not say plainly what is the prompt and what"
        f" the response. Its fields are {shown or 'without names'}.{guess} Say what they mean with a mapping like"
        ' {"fields": {"prompt": "…", "response": "…"}}.',
        proposal.as_json(),
    )


class _Row:
    """One row under a mapping. Raises BadRecord where it does not hold what the mapping says."""

    def __init__(self, value: Mapping[str, Any], mapping: Mapping[str, Any]) -> None:
        self.value = value
        self.fields: Mapping[str, str] = mapping["fields"]
        self.scores: Sequence[str] = mapping.get("scores") or ()
        self.outcomes: Mapping[str, Any] = mapping.get("outcomes") or {}
        self.arms: Mapping[str, Any] = mapping.get("arms") or {}
        self.findings: list[RecordFinding] = []
        self.unread: set[str] = set()  # mapped fields whose value no record could take: they stay metadata

    def answers(self) -> list[Any]:
        """The row's answers; [None] if the mapping names none, because the messages hold them."""
        if "response" not in self.fields:
            return [None]
        given = self.at("response")
        if given is MISSING or given is None:
            raise BadRecord("no_response", f"{self.called('response')} is missing.")
        if not isinstance(given, list) or is_messages(given) or _is_blocks(given):
            return [given]
        if not given:
            raise BadRecord("no_response", f"{self.called('response')} is an empty list.")
        for number, answer in enumerate(given, 1):
            if answer is None:
                raise BadRecord("no_response", f"{self.called('response')}: answer {number} is missing.")
        return given

    def record(self, answer: Any, number: int, of: int) -> dict[str, Any]:
        """The fields of the record that one answer becomes."""
        self.findings = []
        messages = self.messages(answer, number, of)
        prompt, tags = self.prompt(messages)
        verdicts = tuple(self.verdicts(number, of))
        sample = self.whole("sample")
        if of > 1:  # the answers of one row are samples of their own, whatever its number
            sample = None
            self.unread.add("sample")
        run = RunKey(
            self.text("model"),
            self.text("setting"),
            self.text("checkpoint"),
            self.whole("training_step"),
            self.text("goal_nudge"),
        )
        labels = self.labels(number, of)
        metadata = self.metadata
        return {
            "run": run,
            "arm_hints": (*self.arm_hints(), *tags, *hints_in("metadata", metadata)),
            "prompt": prompt,
            "sample": sample,
            "messages": messages,
            "verdicts": verdicts,
            "metadata": metadata,
            "findings": tuple(self.findings),
            "external_id": self.text("external_id"),
            "labels": labels,
        }

    def messages(self, answer: Any, number: int, of: int) -> tuple[Message, ...]:
        turns: list[Any] = []
        if system := self.text("system"):
            turns.append({"role": "system", "content": system})
        if "messages" in self.fields:
            turns += self.given_messages()
        elif is_messages(given := self.at("prompt")):
            turns += given
        elif "prompt" in self.fields:
            turns.append({"role": "user", "content": self.prompt_text()})
        if "response" in self.fields:
            turns += self.answer(answer, self.one_of("scratchpad", number, of))
        return tuple(message(turn, self.findings) for turn in turns)

    def given_messages(self) -> list[Any]:
        given = self.at("messages")
        if isinstance(given, str):  # a cell of a CSV file
            given = messages_in_cell(given)
            if given is None:
                raise BadRecord(
                    "no_messages", f"{self.called('messages')} is text, but not a JSON list of messages."
                )
        if not isinstance(given, list) or not given:
            raise BadRecord(
                "no_messages", f"{self.called('messages')} is missing, or is not a list of messages."
            )
        return given

    def answer(self, answer: Any, scratchpad: Any) -> list[Any]:
        if is_messages(answer):
            return list(answer)
        if isinstance(answer, dict) and isinstance(answer.get("role"), str):
            return [answer]
        if isinstance(answer, dict) and NUMBER not in answer:
            raise BadRecord(
                "field_type",
                f"{self.called('response')} is an object: name the field inside it that is the text.",
            )
        content = answer if _is_blocks(answer) else scalar_text(answer)
        thought = "" if scratchpad is None or scratchpad is MISSING else scalar_text(scratchpad)
        if not content or (isinstance(content, str) and not content.strip()):
            self.findings.append(RecordFinding("empty", f"{self.called('response')} is empty."))
        return [{"role": "assistant", "content": content, "reasoning_content": thought}]

    def prompt_text(self) -> str:
        given = self.at("prompt")
        if given is MISSING or given is None:
            raise BadRecord("no_prompt", f"{self.called('prompt')} is missing.")
        if isinstance(given, list | dict) and NUMBER not in given:
            raise BadRecord("field_type", f"{self.called('prompt')} is neither text nor a list of messages.")
        return scalar_text(given)

    def prompt(self, messages: tuple[Message, ...]) -> tuple[PromptKey, list[ArmHint]]:
        """Identity of the prompt: its id, else its text without the tag that tells the arm."""
        if "prompt" in self.fields and not is_messages(self.at("prompt")):
            said = storable(self.prompt_text())
        else:
            said = next((turn.text for turn in messages if turn.role == "user"), "")
        text, hints = strip_arm_tag(said)
        text, family = text.strip(), self.text("family")
        given = self.at("prompt_id")
        number = whole_number(given) if not isinstance(given, str) else None
        if number is not None:
            # As the other formats write it, so that number 1 here and there is one prompt, and "1" another.
            return PromptKey("id", f"int␟{number}", text, family), hints
        if given is not MISSING and given is not None and given != "":
            return PromptKey("id", storable(scalar_text(given)), text, family), hints
        if not text:
            self.findings.append(
                RecordFinding("prompt_missing", "No field gives the prompt or its id: it cannot be paired.")
            )
            if identity := self.text("external_id"):
                return PromptKey("id", identity, "", family), hints
        return PromptKey("text", text, text, family), hints

    def arm_hints(self) -> tuple[ArmHint, ...]:
        value = self.text("arm")
        if not value and (self.at("arm") is MISSING or "" not in self.arms):
            return ()
        key = last_word(self.fields["arm"])
        if is_yes_or_no(value) and role_said(key, value)[0]:
            return (ArmHint("metadata", storable(key), value),)
        return (ArmHint("field", "arm", value),)

    def verdicts(self, number: int, of: int) -> Iterator[Verdict]:
        for path in self.scores:
            value = value_at(self.value, path)
            if of > 1 and isinstance(value, list):
                if len(value) != of:
                    self.unread.add(path)
                    text = f"The field “{path}” holds {len(value)} scores for {of} answers; none was taken."
                    self.findings.append(RecordFinding("verdict_count", text, {"field": path}))
                    continue
                value = value[number]
            text = "" if value is None or value is MISSING else scalar_text(value)
            # A blank says nothing, unless the person says what it means.
            is_meant = any("" in self.outcomes.get(judge, ()) for judge in (path, "*"))
            if text.strip() or (value is not MISSING and is_meant):
                yield Verdict(storable(path), storable(text) if text.strip() else "", _score(value))

    def labels(self, number: int, of: int) -> tuple[HumanLabel, ...]:
        value = self.one_of("label", number, of)
        if value is MISSING or value is None or value == "":
            return ()
        return (HumanLabel(self.text("annotator") or "unnamed", {"label": storable_value(value)}),)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the mapping does not name."""
        names = (name for name in self.fields if name not in self.unread)
        taken = [self.steps(name) for name in names]
        taken += [steps_to(self.value, path) for path in self.scores if path not in self.unread]
        left: dict[str, Any] = storable_value(without(self.value, [steps for steps in taken if steps]))
        return left

    def at(self, name: str) -> Any:
        return value_at(self.value, self.fields[name]) if name in self.fields else MISSING

    def steps(self, name: str) -> tuple[Step, ...]:
        return steps_to(self.value, self.fields[name])

    def one_of(self, name: str, number: int, of: int) -> Any:
        """The value for one of the row's answers: of a list as long as they are, the one beside it."""
        value = self.at(name)
        return value[number] if of > 1 and isinstance(value, list) and len(value) == of else value

    def text(self, name: str) -> str:
        value = self.at(name)
        return "" if value is MISSING or value is None else storable(scalar_text(value))

    def whole(self, name: str) -> int | None:
        value = self.at(name)
        if value is MISSING or value is None or value == "":
            return None
        number = whole_number(value)
        if number is None:
            text = storable(scalar_text(value))[:60]
            raise BadRecord(
                "field_type",
                f"{self.called(name)} must be a whole number from 0 to 2147483647, not “{text}”.",
            )
        return number

    def called(self, name: str) -> str:
        """The field as the start of a sentence."""
        return f"The field “{self.fields[name]}” ({FIELDS[name]})"


def _is_blocks(value: Any) -> bool:
    """Whether this is one answer in blocks, as the providers write them."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in value)
    )


def _score(value: Any) -> float | None:
    """The number that a score is, also written as text; None if it is none, or not finite."""
    if isinstance(value, str) and len(value) <= 60 and _NUMERIC.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None

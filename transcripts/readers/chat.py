"""Chat as the providers, their data sets and their logs write it, one conversation or one message a row.

* ``messages: [{role, content}]``, in the dialects of OpenAI and Anthropic (blocks, ``system`` beside them)
* ``conversations: [{from, value}]``
* ``prompt`` (text or messages) and ``response``, ``completion`` or ``chosen``: one answer or a list of them
* ``role`` and ``content`` of one message, with the id of its conversation: consecutive rows are one

Rows with our own fields beside the messages are read as :mod:`transcripts.readers.own_record` reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transcripts.mapping.cells import is_messages, messages_in_cell
from transcripts.readers import own_record
from transcripts.readers.chat_turns import answers_of, turns_said
from transcripts.readers.content import message
from transcripts.readers.fields import prompt_of
from transcripts.readers.json_values import BadRecord, scalar_text
from transcripts.readers.rows.grouped import grouped
from transcripts.readers.rows.kinds import first_rows
from transcripts.readers.rows.reader import Place, RowReader
from transcripts.readers.rows.row import Row
from transcripts.readers.rows.taken import EXTERNAL_ID, PROMPT_ID, SAMPLE, Taken
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, Plan, Record, RecordFinding

CONVERSATIONS = ("messages", "conversations", "conversation")
ANSWERS = ("response", "responses", "completion", "completions", "chosen")
GROUPED_BY = ("conversation_id", "conv_id", "chat_id", "thread_id", "session_id", "dialogue_id", "dialog_id")
JUDGED = ("label", "grade", "verdict", "judgment", "judgement", "outcome", "score")
_TURN = {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "function", "error"}


class Chat(RowReader):
    name = "chat"
    version = 1
    title = "Chat messages, or prompts with responses, as JSON, JSON Lines, CSV or Parquet"

    def fits(self, rows: Sequence[Mapping[str, Any]]) -> str:
        return next(filter(None, map(_shape, rows)), "")

    def plan(self, source: Source) -> Plan:
        plan = super().plan(source)
        if not _is_by_message(source) or len(plan.chunks) < 2:
            return plan
        first, last = plan.chunks[0], plan.chunks[-1]  # a conversation may cross any border
        return Plan((Chunk(0, first.start, last.end, sum(c.weight for c in plan.chunks)),), plan.findings)

    def rows(self, source: Source, chunk: Chunk, after: int) -> Iterator[Row | FileFinding]:
        if _is_by_message(source):
            # From the beginning each time: a conversation that comes back is known by the earlier ones.
            yield from grouped(super().rows(source, chunk, -1), _conversation, _TURN)
        else:
            yield from super().rows(source, chunk, after)

    def records(self, value: Mapping[str, Any], place: Place, source: Source) -> Iterable[Record]:
        if own_record.is_own(value):
            return [place.record(**own_record.fields_of(value))]
        taken = Taken(place.row)
        turns = _turns(taken)
        answers = _answers(taken, turns)
        fields = [_fields(taken, turns, answer) for answer in answers]
        if len(answers) > 1:  # the answers of one row are samples of their own
            fields = [{**each, "sample": number + 1} for number, each in enumerate(fields)]
        return [
            place.record(number, len(fields), [_answer_key(value), number] if len(fields) > 1 else (), **each)
            for number, each in enumerate(fields)
        ]


def _fields(taken: Taken, turns: Sequence[Any], answer: Sequence[Any]) -> dict[str, Any]:
    findings: list[RecordFinding] = []
    messages = tuple(message(turn, findings) for turn in [*turns, *answer])
    prompt, tags = prompt_of(
        messages, taken.identity(*PROMPT_ID), family=taken.text("family", "category"), name="prompt id"
    )
    fields = {
        "run": taken.run(),
        "prompt": prompt,
        "sample": taken.whole(*SAMPLE),
        "messages": messages,
        "verdicts": tuple(taken.verdicts(*JUDGED)),
        "findings": tuple(findings),
        "external_id": taken.text(*EXTERNAL_ID, *GROUPED_BY),
    }
    metadata = taken.metadata()
    hints = (*taken.arm_hints(metadata), *tags)
    return {**fields, "arm_hints": hints, "metadata": metadata}


def _turns(taken: Taken) -> list[Any]:
    """What was said before the answers: all of it, if the row is a conversation."""
    system = taken.value.get("system") or taken.value.get("system_prompt")
    turns: list[Any] = []
    if isinstance(system, str | list):
        taken.any("system" if taken.value.get("system") else "system_prompt")
        turns.append({"role": "system", "content": system})
    for name in CONVERSATIONS:
        if (said := turns_said(taken.value.get(name), name)) is not None:
            taken.any(name)
            return turns + said if not any(_is_system(turn) for turn in said) else said
    prompt = taken.any("prompt")
    if isinstance(prompt, str):
        return [*turns, *(messages_in_cell(prompt) or [{"role": "user", "content": prompt}])]
    if is_messages(prompt):
        return turns + prompt
    if prompt is None:
        raise BadRecord("no_messages", "The record has neither messages nor a prompt.")
    raise BadRecord("field_type", "The prompt is neither text nor a list of messages.")


def _answers(taken: Taken, turns: Sequence[Any]) -> list[list[Any]]:
    """The answers, each as turns; one of no turns if the conversation holds its own."""
    name = _answer_key(taken.value)
    if any(isinstance(turn, Mapping) and turn.get("role") == "assistant" for turn in turns[-1:]):
        return [[]]
    if not name:
        if "prompt" in taken.value and not any(key in taken.value for key in CONVERSATIONS):
            raise BadRecord("no_response", "The record has a prompt, but no response.")
        return [[]]
    reasoning = taken.said("reasoning_content", "reasoning")
    return answers_of(taken.any(name), name, reasoning, turns)


def _answer_key(value: Mapping[str, Any]) -> str:
    return next((name for name in ANSWERS if value.get(name) is not None), "")


def _is_system(turn: Any) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") == "system"


def _shape(row: Mapping[str, Any]) -> str:
    """Which of the shapes a row has, as a phrase; "" if none."""
    for name in CONVERSATIONS:
        said = row.get(name)
        if (name == "messages" and isinstance(said, list)) or turns_said(said, name, is_strict=False):
            return f"“{name}”"
    if _is_message(row):
        return "one message each, by conversation"
    prompt = row.get("prompt")
    name = _answer_key(row)
    if name and (isinstance(prompt, str) or is_messages(prompt)) and isinstance(row[name], str | list):
        return f"“prompt” and “{name}”"
    return ""


def _is_message(row: Any) -> bool:
    return (
        isinstance(row, Mapping)
        and isinstance(row.get("role"), str)
        and "content" in row
        and any(row.get(name) not in (None, "") for name in GROUPED_BY)
    )


def _is_by_message(source: Source) -> bool:
    rows = first_rows(Probe(source))
    return any(_is_message(row) for row in rows) and not any(
        name in row for row in rows for name in CONVERSATIONS
    )


def _conversation(row: Any) -> str | None:
    if not _is_message(row):
        return None
    return next(scalar_text(row[name]) for name in GROUPED_BY if row.get(name) not in (None, ""))

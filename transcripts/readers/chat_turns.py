"""Turns of a conversation in the dialects of chat data, as messages with role and content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transcripts.mapping.cells import is_messages
from transcripts.readers.json_values import BadRecord, parse_record

_ROLES = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
}


def turns_said(given: Any, name: str, is_strict: bool = True) -> list[Any] | None:
    """The turns that a field holds, also as the text of a cell; None if there is none.

    Raises BadRecord if there is something else; None instead if not ``is_strict``.
    """
    try:
        return _turns(given, name)
    except BadRecord:
        if is_strict:
            raise
        return None


def _turns(given: Any, name: str) -> list[Any] | None:
    if given is None or given == "":
        return None
    if isinstance(given, str):
        try:
            given = parse_record(given.encode("utf-8", "surrogatepass"))
        except BadRecord as bad:
            raise BadRecord(
                "json_invalid", f"The text of “{name}” is no list of messages: {bad.message}"
            ) from None
    if not isinstance(given, list):
        raise BadRecord("no_messages", f"“{name}” is not a list of messages.")
    if not given:
        raise BadRecord("no_messages", f"“{name}” is an empty list.")
    if not all(isinstance(turn, Mapping) and ("role" in turn or "from" in turn) for turn in given):
        raise BadRecord("message_shape", f"“{name}” holds something that is no message with a role.")
    return [turn if "role" in turn else _from_value(turn) for turn in given]


def _from_value(turn: Mapping[str, Any]) -> dict[str, Any]:
    said = turn["from"]
    role = _ROLES.get(said.lower(), said) if isinstance(said, str) else said
    content = turn["value"] if "value" in turn else turn.get("content")
    return {**turn, "role": role, "content": content}


def answers_of(given: Any, name: str, reasoning: str, turns: Sequence[Any]) -> list[list[Any]]:
    """Each answer as turns. Raises BadRecord if there is none."""
    if isinstance(given, list) and not given:
        raise BadRecord("no_response", f"“{name}” is an empty list.")
    if not isinstance(given, list) or _is_blocks(given):
        return [[_answer(given, name, reasoning)]]
    if is_messages(given) and (len(given) == 1 or any(turn["role"] != "assistant" for turn in given)):
        # Data sets of preferences repeat the prompt in each answer.
        is_repeated = [_said(turn) for turn in given[: len(turns)]] == [_said(turn) for turn in turns]
        return [given[len(turns) :] if is_repeated else given]
    return [[_answer(item, name, reasoning if len(given) == 1 else "")] for item in given]


def _said(turn: Any) -> Any:
    return (turn.get("role"), turn.get("content")) if isinstance(turn, Mapping) else turn


def _answer(given: Any, name: str, reasoning: str) -> dict[str, Any]:
    if isinstance(given, Mapping) and isinstance(given.get("role"), str):
        return dict(given)
    if not isinstance(given, str) and not _is_blocks(given):
        raise BadRecord("field_type", f"An answer under “{name}” is neither text nor a message.")
    return {"role": "assistant", "content": given, "reasoning_content": reasoning}


def _is_blocks(given: Any) -> bool:
    return isinstance(given, list) and all(
        isinstance(block, Mapping) and "type" in block and "role" not in block for block in given
    )

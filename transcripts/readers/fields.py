"""Single fields of a record's envelope: checked, storable, and with the meaning that all readers give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcripts.arms import strip_arm_tag
from transcripts.readers.json_values import BadRecord, compact
from transcripts.records import ArmHint, Message, PromptKey
from transcripts.text import storable


def text_field(value: Mapping[str, Any], key: str) -> str:
    """The text under ``key``, "" if there is none. Raises BadRecord if it is something else."""
    text = value.get(key)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise BadRecord("field_type", f"“{key}” must be text.")
    return storable(text)


def whole_field(value: Mapping[str, Any], key: str) -> int | None:
    """The whole number under ``key``, None if there is none. Raises BadRecord if it is something else."""
    number = value.get(key)
    if number is None:
        return None
    if type(number) is not int or not 0 <= number < 2**31:
        raise BadRecord("field_type", f"“{key}” must be a whole number from 0 to 2147483647.")
    return number


def score_of(value: Any) -> float | None:
    """A number as a score, None if it is no number. Raises BadRecord if no float can hold it."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        raise BadRecord("field_type", "The “score” of a verdict is larger than a score can be.") from None


def prompt_of(
    messages: tuple[Message, ...],
    identity: Any = None,
    said: str = "",
    family: str = "",
    scheme: str = "id",
    name: str = "prompt_id",
) -> tuple[PromptKey, list[ArmHint]]:
    """The prompt, and what its tier tags say of the arm.

    Its text is ``said``, or that of the first user message, without the tags. It is the prompt's identity if
    the source gives no ``identity``, which is text or a whole number under ``name``. Raises BadRecord.
    """
    stripped, hints = strip_arm_tag(next((m.text for m in messages if m.role == "user"), ""))
    if said:
        stripped, more = strip_arm_tag(said)
        hints = hints or more
    text = stripped.strip()
    if identity is None or identity == "":
        return PromptKey("text", text, text, family), hints
    if isinstance(identity, str):
        return PromptKey(scheme, storable(identity), text, family), hints
    if isinstance(identity, int) and not isinstance(identity, bool):
        return PromptKey("id", f"int␟{compact(identity)}", text, family), hints
    raise BadRecord("field_type", f"“{name}” must be text or a whole number.")

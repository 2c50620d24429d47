"""What one value of a row can be taken for, whether it comes typed or as the text of a cell."""

from __future__ import annotations

from typing import Any

from transcripts.readers.json_values import BadRecord, parse_record


def is_messages(value: Any) -> bool:
    """Whether this is a list of messages with roles."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and isinstance(item.get("role"), str) for item in value[:20])
    )


def messages_in_cell(value: str) -> list[Any] | None:
    """The messages that a text holds as JSON, as in a cell of a CSV file; None if it holds none."""
    if not value.lstrip().startswith("["):
        return None
    try:
        parsed = parse_record(value.encode("utf-8", "surrogatepass"))
    except BadRecord:
        return None
    return parsed if is_messages(parsed) else None


def whole_number(value: Any) -> int | None:
    """The value as a whole number from 0 to 2147483647, also if written as text or as 3.0; else None."""
    if isinstance(value, str) and len(value) <= 20:
        digits = value.strip().removesuffix(".0")
        value = int(digits) if digits.isascii() and digits.isdigit() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        return None
    return value

"""Ids in query strings and forms."""

from __future__ import annotations

MAX_ID = 2**63 - 1


class BadId(ValueError):
    """This is no id; the message is a sentence for whoever sent it."""


def id_from(text: str) -> int:
    """The id that ``text`` writes, whether or not anything has it; raises BadId for everything else."""
    # isascii: str.isdigit also takes digits that no address of ours has. The length first: int() refuses
    # thousands of digits by an error of its own.
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID:
        return int(text)
    raise BadId(f"“{text[:60]}” is no id: give a whole number, 0 or more.")

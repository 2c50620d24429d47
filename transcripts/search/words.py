"""Which of a transcript's words are searched as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcripts.records import Message

# PostgreSQL refuses a vector of more than a megabyte; this many code points cannot come near it.
MOST = 200_000


@dataclass(frozen=True, slots=True)
class Words:
    """Text by place, and whether some of it was left out because there is too much."""

    scratchpad: str
    output: str
    user: str
    other: str
    is_cut: bool


def words_of(messages: Sequence[Message]) -> Words:
    """The first :data:`MOST` code points of a transcript, by the place they stand in."""
    places: dict[str, list[str]] = {"scratchpad": [], "output": [], "user": [], "other": []}
    left = MOST
    for message in messages:
        if message.role == "user":
            pieces = [("user", message.text)]
        else:
            pieces = [
                (
                    segment.kind if segment.kind in places else "other",
                    message.text[segment.start : segment.end],
                )
                for segment in message.segments
            ] or [("other", message.text)]
        for place, text in pieces:
            places[place].append(text[:left])
            left -= len(text)
            if left < 0:
                return Words(*map("\n".join, places.values()), True)
    return Words(*map("\n".join, places.values()), False)

"""Stretches of a text that nobody reads: images and other bytes, written as letters.

They stay in the text, as every character does; a page folds them and says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FEWEST = 256  # characters of one that is folded

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_RUN = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_ADDRESS = re.compile(r"data:([\w.+-]{1,60}/[\w.+-]{1,60})?(?:;[\w.+=-]{1,60}){0,4},\Z")
_LONGEST_ADDRESS = 400
_KINDS = (re.compile(r"[A-Z]"), re.compile(r"[a-z]"), re.compile(r"[0-9]"))


@dataclass(frozen=True, slots=True)
class Blob:
    start: int
    end: int
    media_type: str  # as its address says, "" if it has none

    @property
    def n_bytes(self) -> int:
        """About how many bytes it stands for: four letters are three."""
        return (self.end - self.start) * 3 // 4


def blobs(text: str, start: int, end: int) -> Iterator[Blob]:
    """Base64 of :data:`FEWEST` characters and more in ``text[start:end]``, with the ``data:`` before it.

    A run that long covers a multiple of FEWEST, so a look at each of these is enough. Letters of one case
    or without a digit are words, not bytes.
    """
    at = start + FEWEST - 1
    while at < end:
        if text[at] not in _LETTERS:
            at += FEWEST
            continue
        before = text[max(start, at - FEWEST + 1) : at]
        first = at - len(before) + len(before.rstrip(_LETTERS))
        match = _RUN.match(text, at, end)
        last = match.end() if match else at
        if last - first >= FEWEST and _is_bytes(text[first : first + 2048]):
            opening, media_type = _address(text, start, first)
            yield Blob(opening, last, media_type)
        at = max(at + FEWEST, last + FEWEST - 1)


def _is_bytes(sample: str) -> bool:
    return all(kind.search(sample) for kind in _KINDS)


def _address(text: str, start: int, at: int) -> tuple[int, str]:
    """Where the ``data:`` address that leads into a run begins, and its media type."""
    head = text[max(start, at - _LONGEST_ADDRESS) : at]
    begin = head.rfind("data:")
    match = _ADDRESS.match(head, begin) if begin >= 0 else None
    return (at - len(head) + begin, match[1] or "") if match else (at, "")

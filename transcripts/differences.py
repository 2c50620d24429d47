"""What differs between two texts, word by word, in bounded time.

Common beginnings and ends are cut off first: arms usually share all but a few sentences. What is left
is compared word by word if it is short, else line by line with the words of short changed stretches;
beyond that a stretch counts as changed as a whole. So a long text costs a coarser answer, never a wait.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORDS = 1_500  # tokens of either side up to which words are compared
LINES = 3_000  # lines of either side up to which lines are compared
CONTEXT = 60  # characters kept around a change
GLANCE = 4_000  # characters of either text that :func:`unlikeness` looks at

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = re.compile(r"\w")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Piece:
    """``same``, ``removed`` (only in the first text), ``added`` (only in the second) or ``skipped`` (same, long)."""

    kind: str
    text: str

    @property
    def characters(self) -> int:
        return len(self.text)


def compare(before: str, after: str, words: int = WORDS) -> tuple[Piece, ...]:
    """The whole of both texts in pieces: same and removed make ``before``, same and added ``after``."""
    if before == after:
        return (Piece("same", before),) if before else ()
    return tuple(_tidy(_merge(_compare_words(_TOKEN.findall(before), _TOKEN.findall(after), words))))


def unlikeness(a: str, b: str) -> float:
    """How different the beginnings of two texts are, 0 to 1: the share of words that the other lacks.

    Words are counted, not ordered, so it costs one pass: enough to choose by, not to measure with.
    """
    left, right = (Counter(_WORDS.findall(text[:GLANCE].casefold())) for text in (a, b))
    union = (left | right).total()
    return 1 - (left & right).total() / union if union else 0.0


def count_words(text: str) -> int:
    return sum(1 for _ in _WORDS.finditer(text))


def join_changes(pieces: Sequence[Piece], words: int = 2) -> tuple[Piece, ...]:
    """Changes that at most ``words`` words keep apart become one: what is left reads as phrases, not as confetti."""
    joined: list[Piece] = []
    waiting = {"removed": "", "added": ""}
    for at, piece in enumerate(pieces):
        if piece.kind != "same":
            waiting[piece.kind] += piece.text
        elif any(waiting.values()) and at + 1 < len(pieces) and count_words(piece.text) <= words:
            waiting = {kind: text + piece.text for kind, text in waiting.items()}
        else:
            joined += [*(Piece(kind, text) for kind, text in waiting.items() if text), piece]
            waiting = {"removed": "", "added": ""}
    return (*joined, *(Piece(kind, text) for kind, text in waiting.items() if text))


def shorten(pieces: Sequence[Piece], context: int = CONTEXT) -> tuple[Piece, ...]:
    """The changes with a little context; what is left out between them becomes ``skipped``."""
    shown: list[Piece] = []
    last = len(pieces) - 1
    for at, piece in enumerate(pieces):
        if piece.kind != "same":
            shown.append(piece)
            continue
        head = 0 if at == 0 else _end_of_context(piece.text, context)
        tail = len(piece.text) if at == last else _start_of_context(piece.text, context)
        if tail - head <= 5:  # an ellipsis would take as much room
            shown.append(piece)
            continue
        kept = (("same", piece.text[:head]), ("skipped", piece.text[head:tail]), ("same", piece.text[tail:]))
        shown.extend(Piece(kind, text) for kind, text in kept if text)
    return tuple(shown)


def _end_of_context(text: str, context: int) -> int:
    """Where the context behind a change ends: at the end of its line, or at a space near ``context``."""
    line = text.find("\n", 0, context)
    if line >= 0:
        return line
    space = text.find(" ", context, context + 20)
    return min(len(text), space if space >= 0 else context)


def _start_of_context(text: str, context: int) -> int:
    at = max(0, len(text) - context)
    line = text.rfind("\n", at)
    if line >= 0:
        return line + 1
    space = text.rfind(" ", max(at - 20, 0), at)
    return space + 1 if space >= 0 else at


def _compare_words(a: Sequence[str], b: Sequence[str], words: int) -> Iterator[Piece]:
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    yield Piece("same", "".join(a[:head]))
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    if max(len(middle_a), len(middle_b)) <= words:
        yield from _blocks(middle_a, middle_b)
    else:
        yield from _compare_lines("".join(middle_a), "".join(middle_b))
    yield Piece("same", "".join(a[len(a) - tail :]))


def _compare_lines(before: str, after: str) -> Iterator[Piece]:
    a, b = _LINE.findall(before), _LINE.findall(after)
    if max(len(a), len(b)) > LINES:
        yield from (Piece("removed", before), Piece("added", after))
        return
    for same, left, right in _matches(a, b):
        if same:
            yield Piece("same", left)
            continue
        words_a, words_b = _TOKEN.findall(left), _TOKEN.findall(right)
        if 0 < len(words_a) <= WORDS // 3 and 0 < len(words_b) <= WORDS // 3:
            yield from _blocks(words_a, words_b)
        else:
            yield from (Piece("removed", left), Piece("added", right))


def _blocks(a: Sequence[str], b: Sequence[str]) -> Iterator[Piece]:
    for same, left, right in _matches(a, b):
        if same:
            yield Piece("same", left)
        else:
            yield from (Piece("removed", left), Piece("added", right))


def _matches(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    # White space joins matches but never makes one: it is everywhere, and would make the search quadratic.
    matcher = SequenceMatcher(str.isspace, a, b, autojunk=False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        yield tag == "equal", "".join(a[a1:a2]), "".join(b[b1:b2])


def _merge(pieces: Iterator[Piece]) -> list[Piece]:
    """Changes that only white space or a comma keeps apart are one change, removed before added."""
    merged: list[Piece] = []
    same, removed, added = "", "", ""
    for piece in pieces:
        if not piece.text:
            continue
        if piece.kind == "removed":
            removed, added = (removed + same, added + same) if same else (removed, added)
            same = ""
            removed += piece.text
        elif piece.kind == "added":
            removed, added = (removed + same, added + same) if same else (removed, added)
            same = ""
            added += piece.text
        elif (removed or added) and not same and len(piece.text) <= 3 and not _WORD.search(piece.text):
            same = piece.text
        else:
            merged += [Piece("removed", removed), Piece("added", added), Piece("same", same + piece.text)]
            same, removed, added = "", "", ""
    return [*merged, Piece("removed", removed), Piece("added", added), Piece("same", same)]


def _tidy(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Without empty pieces, and neighbours that are both the same joined."""
    waiting = ""
    for piece in pieces:
        if piece.kind == "same":
            waiting += piece.text
        elif piece.text:
            if waiting:
                yield Piece("same", waiting)
                waiting = ""
            yield piece
    if waiting:
        yield Piece("same", waiting)

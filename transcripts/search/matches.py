"""Where the words of a query stand in a transcript: for marks in its text, and for a line in a list.

Words, their stems and their places are those of the index (:mod:`transcripts.search.words`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transcripts.records import Message
from transcripts.search.query import Query, Term
from transcripts.search.words import MOST, spans_of, stretches

MOST_MATCHES = 20_000  # of a transcript that are marked; nobody steps through more
WIDTH = 160  # code points of a snippet
_TRIED = 200  # matches among which the best snippet is chosen

_CANNOT_BEGIN = re.compile(
    "[\u0300-\u036f\u0900-\u0dff\u0e31-\u0eff\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]"
)


@dataclass(frozen=True, slots=True)
class Match:
    """``[start, end)`` in code points of message number ``message``."""

    term: Term
    message: int
    place: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Snippet:
    """A stretch of one message around a match. Iterated, it gives ``(text, is_match)``.

    ``role`` is the message's, ``place`` the one that was searched. ``is_cut_before`` and ``is_cut_after``
    say that the segment goes on there; no character stands for that.
    """

    message: int
    role: str
    place: str
    start: int
    end: int
    pieces: tuple[tuple[str, bool], ...]
    is_cut_before: bool
    is_cut_after: bool

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        return iter(self.pieces)


def matches(query: Query, messages: Sequence[Message]) -> dict[int, list[tuple[int, int]]]:
    """Stretches to mark by number of message, in order and without overlap; at most :data:`MOST_MATCHES`.

    What a query forbids is not marked.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for number, match in enumerate(each_match(query, messages)):
        if number >= MOST_MATCHES:
            break
        spans = found.setdefault(match.message, [])
        if spans and match.start < spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], match.end)
        else:
            spans.append((match.start, match.end))
    return found


def each_match(query: Query, messages: Sequence[Message]) -> Iterator[Match]:
    """Every match of every term, in the order of the text."""
    finders = {place: _Finder(query, place) for place in _places_of(messages)}
    for number, message in enumerate(messages):
        for place, start, end in stretches(message):
            for term, first, last in finders[place].find(message.text, start, end):
                yield Match(term, number, place, first, last)


def snippet(query: Query, messages: Sequence[Message], width: int = WIDTH) -> Snippet | None:
    """The stretch with the most terms, the first of several; None if the query's words do not stand there.

    Looks no further than the index does.
    """
    found: list[Match] = []
    for match in each_match(query, _as_indexed(messages)):
        found.append(match)
        if len(found) >= _TRIED:
            break
    if not found:
        return None
    best = max(range(len(found)), key=lambda at: (_terms_from(found, at, width), -at))
    return _around(found, best, messages[found[best].message], width)


def _as_indexed(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages that begin within what the index holds."""
    left = MOST
    for number, message in enumerate(messages):
        if left < 0:
            return messages[:number]
        left -= len(message.text)
    return messages


def _places_of(messages: Sequence[Message]) -> set[str]:
    return {place for message in messages for place, _, _ in stretches(message)}


class _Finder:
    """The terms that can stand in one place."""

    def __init__(self, query: Query, place: str) -> None:
        self._words: dict[str, Term] = {}
        self._phrases: dict[str, list[Term]] = {}  # by first lexeme
        self._beginnings: list[Term] = []
        for term in query.terms:
            if term.place not in ("", place):
                continue
            if len(term.lexemes) > 1:
                self._phrases.setdefault(term.lexemes[0], []).append(term)
            elif term.is_beginning:
                self._beginnings.append(term)
            else:
                self._words.setdefault(term.lexemes[0], term)
        self._start = self._first_letters()

    def _first_letters(self) -> re.Pattern[str] | None:
        """Where a word of an ASCII text begins like one of ours: a stem keeps its word's first letter."""
        firsts = {name[0] for name in (*self._words, *self._phrases)}
        firsts |= {term.lexemes[0][0] for term in self._beginnings}
        letters = "".join(
            sorted(first + first.upper() for first in firsts if first.isascii() and first.isalnum())
        )
        return re.compile(rf"(?<![a-zA-Z0-9])(?<![a-zA-Z0-9]')[{letters}]") if letters else None

    def find(self, text: str, start: int, end: int) -> Iterator[tuple[Term, int, int]]:
        """``(term, start, end)`` in order of where they start."""
        if not (self._words or self._phrases or self._beginnings):
            return
        spans = self._likely(text, start, end) if text.isascii() else spans_of(text, start, end)
        if self._phrases:
            yield from self._with_phrases(list(spans), text, start, end)
            return
        for name, first, last in spans:
            if term := self._word(name):
                yield term, first, last

    def _likely(self, text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
        if self._start is None:
            return
        if start and self._start.match(text, start) is None:
            # Behind a letter of the segment before; a word of its own all the same.
            yield from itertools.islice(spans_of(text, start, end), 1)
        for match in self._start.finditer(text, start, end):
            yield next(spans_of(text, match.start(), end))

    def _word(self, name: str) -> Term | None:
        if name in self._words:
            return self._words[name]
        for term in self._beginnings:
            if _begins(name, term):
                return term
        return None

    def _with_phrases(
        self, spans: list[tuple[str, int, int]], text: str, start: int, end: int
    ) -> Iterator[tuple[Term, int, int]]:
        if not any(name in self._phrases or self._word(name) for name, _, _ in spans):
            return
        spans = list(spans_of(text, start, end))
        names = [name for name, _, _ in spans]
        for at, (name, first, last) in enumerate(spans):
            if term := self._word(name):
                yield term, first, last
            for phrase in self._phrases.get(name, ()):
                if _stands(phrase, names, at):
                    yield phrase, first, spans[at + len(phrase.lexemes) - 1][2]


def _stands(phrase: Term, names: list[str], at: int) -> bool:
    wanted = list(phrase.lexemes)
    there = names[at : at + len(wanted)]
    if not phrase.is_beginning:
        return there == wanted
    return len(there) == len(wanted) and there[:-1] == wanted[:-1] and _begins(there[-1], phrase)


def _begins(name: str, term: Term) -> bool:
    return name.startswith(term.lexemes[-1]) or name in term.stems


def _terms_from(found: list[Match], at: int, width: int) -> int:
    """How many different terms a snippet that begins with this match shows."""
    first = found[at]
    terms = set()
    for match in found[at:]:
        if (
            match.message != first.message
            or match.place != first.place
            or match.end > first.start + width // 2
        ):
            break
        terms.add(match.term)
    return len(terms)


def _around(found: list[Match], best: int, message: Message, width: int) -> Snippet:
    first = found[best]
    low, high = next(
        (start, end) for _, start, end in stretches(message) if start <= first.start and first.end <= end
    )
    # Two thirds behind the match, and what one side does not need goes to the other.
    start = max(low, min(first.start - width // 3, high - width))
    end = min(high, max(start + width, first.end))
    start = _at_word(message.text, start, low, first.start)
    end = _at_end_of_word(message.text, end, high, first.end)
    pieces: list[tuple[str, bool]] = []
    done = start
    for match in found:
        if match.message != first.message or match.end > end or match.end <= done or match.start < start:
            continue
        begin = max(match.start, done)
        if begin > done:
            pieces.append((message.text[done:begin], False))
        pieces.append((message.text[begin : match.end], True))
        done = match.end
    if done < end:
        pieces.append((message.text[done:end], False))
    return Snippet(
        first.message, message.role, first.place, start, end, tuple(pieces), start > low, end < high
    )


def _at_word(text: str, at: int, low: int, match: int) -> int:
    """The beginning of a word near ``at``, or at least of a character that people see as one."""
    if at == low:
        return at
    for near in range(at, min(at + 20, match)):
        if text[near - 1].isspace():
            return near
    while at < match and _CANNOT_BEGIN.match(text, at):
        at += 1
    return at


def _at_end_of_word(text: str, at: int, high: int, match: int) -> int:
    if at == high:
        return at
    for near in range(at, max(at - 20, match), -1):
        if text[near].isspace():
            return near
    while at > match and (_CANNOT_BEGIN.match(text, at) or text[at - 1] == "\u200d"):
        at -= 1
    return at

"""Where the words stand that a judge says it found in a transcript.

A judge's quote is a claim. It is looked for in our stored text, in this order:

``exact``       the very words, code point by code point
``normalised``  the same letters and digits in the same order, whatever case, spaces, punctuation, accents or
                line ends stand between them; a quote of fewer than 3 letters is not looked for like this, and
                one of fewer than 12 must begin and end with a word
``normalised``  also a quote with an ellipsis (``a … b``, ``a ... b``), if its parts follow one another in one
                message, each beginning at most 2,000 letters after the one before it ends
``not_found``   else: that speaks against the judge

At each step the message that the quote names comes first, then the assistant's scratchpads, then all that the
assistant said, then the other messages; of several places the first. Time is linear in the text for each quote.
Quotes without number against text without end would still take hours: after :data:`MOST_SEARCHED` characters
the rest come back as they came, with an empty ``anchor``: not looked for.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from transcripts.records import Message, Quote

FEWEST = 3  # letters of a quote that is looked for by its letters
WHOLE_WORDS = 12  # letters; a shorter quote must not begin or end inside a word
FURTHEST = 2000  # letters between two parts of a quote with an ellipsis
MOST_SEARCHED = 4_000_000_000  # characters, over all quotes of one call
_MOST_PARTS = 20
_MOST_TRIES = 50  # places of a first part from which the others are looked for
_MOST_PLACES = 200  # places of a short quote that are looked at for its being a whole word
_BLOCK = 4096
_ELLIPSIS = re.compile(r"…|\.{3,}+")
_ESCAPED_SPACE = re.compile(r"\\[nrt]")  # line ends and tabs, as the arguments of a tool call hold them


def anchored(quote: Quote, messages: Sequence[Message]) -> Quote:
    """The quote with its place in the messages; see the module for what counts as found."""
    return anchor_all((quote,), messages)[0]


def anchor_all(quotes: Sequence[Quote], messages: Sequence[Message]) -> tuple[Quote, ...]:
    """The quotes with their places, in their order; each message is made ready once for all of them."""
    search = _Search(messages)
    known: dict[tuple[str, int], Quote] = {}
    found = []
    for quote in quotes:
        key = quote.text, quote.message
        if key not in known:
            known[key] = search.place(quote)
        place = known[key]
        found.append(replace(place, criterion=quote.criterion))
    return tuple(found)


class _Letters(dict[int, str]):
    """What a character counts as: its letters and digits in small, without accents; "" for all else."""

    def __missing__(self, code: int) -> str:
        folded = unicodedata.normalize("NFKD", chr(code)).casefold()
        letters = "".join(character for character in folded if character.isalnum())
        if len(self) < 20_000:  # a text of all characters there are must not fill the memory
            self[code] = letters
        return letters


_LETTERS = _Letters()


def _letters_of(text: str) -> str:
    return _ESCAPED_SPACE.sub("  ", text).translate(_LETTERS)


class _Folded:
    """The letters of a text, and for each the place that it has in the text."""

    def __init__(self, text: str) -> None:
        self.source = _ESCAPED_SPACE.sub("  ", text)  # of the same length
        blocks: list[str] = []
        self.starts: list[int] = []  # letters before each block
        length = 0
        for at in range(0, len(text), _BLOCK):
            block = self.source[at : at + _BLOCK].translate(_LETTERS)
            self.starts.append(length)
            blocks.append(block)
            length += len(block)
        self.letters = "".join(blocks)

    def place(self, letter: int) -> int:
        """The offset in the text of the character that gave this letter."""
        block = bisect_right(self.starts, letter) - 1
        count = self.starts[block]
        for at in range(block * _BLOCK, len(self.source)):
            count += len(_LETTERS[ord(self.source[at])])
            if count > letter:
                return at
        raise IndexError(letter)

    def stretch(self, first: int, end: int) -> tuple[int, int]:
        """The characters of the text that gave the letters ``[first, end)``."""
        start, stop = self.place(first), self.place(end - 1) + 1
        while stop < len(self.source) and unicodedata.combining(self.source[stop]):
            stop += 1
        return start, stop

    def find(self, letters: str) -> tuple[int, int] | None:
        at = self.letters.find(letters)
        for _ in range(_MOST_PLACES):
            if at < 0:
                return None
            start, stop = self.stretch(at, at + len(letters))
            if len(letters) >= WHOLE_WORDS or self.is_whole(start, stop):
                return start, stop
            at = self.letters.find(letters, at + 1)
        return None

    def is_whole(self, start: int, stop: int) -> bool:
        before, behind = self.source[start - 1 : start], self.source[stop : stop + 1]
        return not before.isalnum() and not behind.isalnum()

    def find_parts(self, parts: Sequence[str]) -> tuple[int, int] | None:
        first = -1
        for _ in range(_MOST_TRIES):
            first = self.letters.find(parts[0], first + 1)
            if first < 0:
                return None
            end = first + len(parts[0])
            for part in parts[1:]:
                at = self.letters.find(part, end, end + FURTHEST + len(part))
                if at < 0:
                    break
                end = at + len(part)
            else:
                return self.stretch(first, end)
        return None


@dataclass(frozen=True)
class _Piece:
    """A stretch of a message that is searched by itself; ``base`` is its offset in the message."""

    message: int
    base: int
    text: str

    @cached_property
    def folded(self) -> _Folded:
        return _Folded(self.text)


class _Search:
    def __init__(self, messages: Sequence[Message]) -> None:
        self.pieces = (*_scratchpads(messages), *_whole(messages, True), *_whole(messages, False))
        self.left = MOST_SEARCHED

    def place(self, quote: Quote) -> Quote:
        pieces = sorted(self.pieces, key=lambda piece: piece.message != quote.message)  # keeps their order
        size = sum(len(piece.text) for piece in pieces)
        if self.left < size:
            return Quote(quote.text)
        if quote.text.strip():
            self.left -= size
            for piece in pieces:
                if (at := piece.text.find(quote.text)) >= 0:
                    return _found(quote, "exact", piece, (at, at + len(quote.text)))
        letters = _letters_of(quote.text)
        parts = [part for part in map(_letters_of, _ELLIPSIS.split(quote.text)) if part]
        if len(letters) >= FEWEST:
            self.left -= size
            for piece in pieces:
                if stretch := piece.folded.find(letters):
                    return _found(quote, "normalised", piece, stretch)
        if 1 < len(parts) <= _MOST_PARTS and min(map(len, parts)) >= FEWEST:
            self.left -= size
            for piece in pieces:
                if stretch := piece.folded.find_parts(parts):
                    return _found(quote, "normalised", piece, stretch)
        return Quote(quote.text, anchor="not_found")


def _found(quote: Quote, anchor: str, piece: _Piece, stretch: tuple[int, int]) -> Quote:
    start, end = stretch
    return Quote(quote.text, "", anchor, piece.message, piece.base + start, piece.base + end)


def _scratchpads(messages: Sequence[Message]) -> Iterator[_Piece]:
    for number, message in enumerate(messages):
        if message.role == "assistant":
            for segment in message.segments:
                if segment.kind == "scratchpad":
                    text = message.text[segment.inner_start : segment.inner_end]
                    yield _Piece(number, segment.inner_start, text)


def _whole(messages: Sequence[Message], is_assistant: bool) -> Iterator[_Piece]:
    for number, message in enumerate(messages):
        if (message.role == "assistant") == is_assistant:
            yield _Piece(number, 0, message.text)

"""What a word is, and which of a transcript's words are searched as what.

The index, the query and the highlights all take their words from here, so they agree by construction.
PostgreSQL's own parser and dictionaries are not used: they read ``RLHF/retrain`` as the name of a file and
``me.They`` as one of a host, take ``<tags>`` for markup, drop ``not`` and ``my``, and differ between versions
and locales.

A *lexeme* is a word as it stands in the index: without case, in one normal form, reduced to its English stem.
``free-tier`` and ``is_free_tier_user`` are several words; ``don't`` is one; a character of a script that is
written without spaces is one, and so is an emoji. No word is left out for being common.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from transcripts.records import Message

PLACES = ("scratchpad", "output", "user", "other")
ANYWHERE = "anywhere"  # all of them together, in a vector of its own that knows words but no phrases
# PostgreSQL refuses a vector of more than a megabyte; this many code points cannot come near it.
MOST = 200_000
# What a vector can hold: the last position of a word, and the number of positions of one lexeme. Words beyond
# are found, phrases that they stand in are not.
LAST_POSITION = 16_382
MOST_POSITIONS = 255
LONGEST = 60  # code points of a lexeme; what is longer (base64) is known by its beginning

# Scripts without spaces, a word each: Thai to Tibetan, Myanmar, Khmer, kana, Han; and emoji.
_SINGLE = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\u2600-\u27bf\U0001f300-\U0001faff\U00020000-\U0003ffff"
)
# Marks that belong to the letter before; those of Indic scripts count as letters.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
_LETTER = rf"(?:[^\W_{_SINGLE}]|[\u0900-\u0963\u0966-\u0dff])"
_WORD = re.compile(
    # The usual word first and in one step: the engine is slow at alternatives.
    r"[a-zA-Z0-9]++(?![^\x00-\x7f]|')"
    rf"|[{_SINGLE}]"
    # Within a word: marks, apostrophes, and what only tells a printer where to break or join.
    rf"|{_LETTER}+(?:(?:[{_MARKS}]+|['’\xad\u200c\u200d](?={_LETTER})){_LETTER}*)*"
)
_INVISIBLE = re.compile("[\xad\u200c\u200d\ufe00-\ufe0f]")

_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors by place, as PostgreSQL reads them, and whether they hold less than the text."""

    scratchpad: str
    output: str
    user: str
    other: str
    anywhere: str
    is_cut: bool


def stretches(message: Message) -> Iterator[tuple[str, int, int]]:
    """``(place, start, end)`` of what can be searched in a message; the tags around segments cannot."""
    if message.role == "user" or not message.segments:
        yield ("user" if message.role == "user" else "other"), 0, len(message.text)
        return
    for segment in message.segments:
        place = segment.kind if segment.kind in ("scratchpad", "output") else "other"
        yield place, segment.inner_start, segment.inner_end


def spans_of(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """``(lexeme, start, end)`` of each word in ``text[start:end]``."""
    for match in _WORD.finditer(text, start, end):
        yield lexeme(match.group()), match.start(), match.end()


def words(text: str) -> list[str]:
    """The words of a text, as they are written."""
    return _WORD.findall(text)


@lru_cache(maxsize=200_000)
def lexeme(word: str) -> str:
    return _stemmer.stemWord(folded(word)[:LONGEST])[:LONGEST]


# What words of the same beginning go on with, so that their stems may be shorter than it.
_ENDINGS = (
    "",
    *"esy",
    "ed",
    "es",
    "ing",
    "ion",
    "ions",
    "ly",
    "ity",
    "able",
    "ation",
    "ational",
    "al",
    "ally",
    "ness",
)


def stems_of_beginning(beginning: str) -> frozenset[str]:
    """Stems of words that begin so, which do not themselves begin so: ``decept`` for ``deceptiv``."""
    stems = {lexeme(beginning + ending) for ending in _ENDINGS}
    return frozenset(stem for stem in stems if not stem.startswith(beginning))


def folded(word: str) -> str:
    """A word without case, in one normal form."""
    if word.isascii():
        return word.lower()
    plain = _INVISIBLE.sub("", word).replace("’", "'")
    # What holds no more than a variation selector is that selector.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold()) or word


def study_word(study: int) -> str:
    """The lexeme that all transcripts of a study have; no word of a text begins like it."""
    return f"\x1f{study}"


def cut_word(study: int) -> str:
    """The lexeme, in ``other``, of those transcripts of a study that the index does not hold whole."""
    return f"\x1f{study} cut"


def vectors_of(messages: Sequence[Message], study: int) -> Vectors:
    """The first :data:`MOST` code points of a transcript, by the place they stand in.

    A phrase does not reach from one segment or message into the next: positions leave a gap.
    """
    places: dict[str, dict[str, list[int]]] = {place: {} for place in PLACES}
    at = dict.fromkeys(PLACES, 0)
    left, is_cut = MOST, False
    for place, text in _texts(messages):
        if len(text) > left:
            is_cut = True
        positions, position = places[place], at[place]
        for word in _WORD.findall(text[:left]):
            position += 1
            found = positions.get(name := lexeme(word))
            if found is None:
                positions[name] = [position]
            else:
                found.append(position)
        at[place] = position + 1
        left -= len(text)
        if left < 0:
            break
    for place in PLACES:
        is_cut |= at[place] > LAST_POSITION or any(len(p) > MOST_POSITIONS for p in places[place].values())
    literals = {place: f"{quoted(study_word(study))} {_literal(places[place])}" for place in PLACES}
    everywhere = sorted(set().union(*places.values()))
    literals[ANYWHERE] = " ".join(map(quoted, [study_word(study), *everywhere]))
    if is_cut:
        literals["other"] += f" {quoted(cut_word(study))}"
    return Vectors(**literals, is_cut=is_cut)


def _texts(messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    for message in messages:
        for place, start, end in stretches(message):
            yield place, message.text[start:end]


def _literal(positions: dict[str, list[int]]) -> str:
    entries = []
    for name, found in positions.items():
        if found[-1] > LAST_POSITION:
            found = [position for position in found if position <= LAST_POSITION] or [LAST_POSITION + 1]
        entries.append(f"{quoted(name)}:{','.join(map(str, found[:MOST_POSITIONS]))}")
    return " ".join(entries)


def quoted(name: str) -> str:
    """A lexeme as it is written in a vector or a query of PostgreSQL."""
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"

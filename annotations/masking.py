"""Hiding in the text what tells the arm, and the way back from what was shown to what is stored. Pure.

A field that is hidden is not enough: the text itself says "free tier" or "RLHF". So a blind annotator gets
another text, in which each telling stretch is replaced by :data:`MASK`, always the same, whatever it covers: neither
its words nor its length speak. What tells the arm is

- the tags of tiers (``<is_free_tier_user>True</…>``),
- the words that the round names (:func:`phrases` makes a pattern of them),
- and, before the first answer, everything in which the arms' prompts differ (:func:`differing`).

Offsets are Unicode code points, half-open. An offset inside a mask has no place of its own: a stretch that
begins or ends there takes in the whole mask.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from transcripts.arms import TIER_TAG
from transcripts.differences import compare
from transcripts.records import Message, Segment

MASK = "▮▮▮"
MAX_PHRASES = 500
MAX_PHRASE = 200  # characters

Stretch = tuple[int, int]


class BadPhrase(ValueError):
    """A phrase that cannot be looked for; the message says which and why."""


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """From the stored text to the shown one and back. ``masks`` are stored stretches, apart and in order."""

    masks: tuple[Stretch, ...]
    shown: tuple[int, ...]  # where each mask begins in the shown text

    @classmethod
    def of(cls, masks: Sequence[Stretch]) -> OffsetMap:
        shown, shift = [], 0
        for start, end in masks:
            shown.append(start + shift)
            shift += len(MASK) - (end - start)
        return cls(tuple(masks), tuple(shown))

    def to_shown(self, start: int, end: int) -> Stretch:
        """Where the stored ``[start, end)`` is in the shown text."""
        return self._shown(start, to_end=False), self._shown(end, to_end=True)

    def to_stored(self, start: int, end: int) -> Stretch:
        """What the shown ``[start, end)`` is in the stored text."""
        return self._stored(start, to_end=False), self._stored(end, to_end=True)

    def edge_to_shown(self, edge: int) -> int:
        """Where an edge between segments is: behind a mask of nothing that stands there, but for the first."""
        return self._shown(edge, to_end=False) if edge else 0

    def _shown(self, offset: int, to_end: bool) -> int:
        at = bisect_right(self.masks, offset, key=lambda mask: mask[0]) - 1
        if at < 0:
            return offset
        start, end = self.masks[at]
        if offset == start and (to_end or end > start):
            return self.shown[at]
        if offset >= end:
            return self.shown[at] + len(MASK) + offset - end
        return self.shown[at] + (len(MASK) if to_end else 0)

    def _stored(self, offset: int, to_end: bool) -> int:
        at = bisect_right(self.shown, offset) - 1
        if at < 0:
            return offset
        (start, end), shown = self.masks[at], self.shown[at]
        if offset >= shown + len(MASK):
            return end + offset - shown - len(MASK)
        if offset == shown:
            return start
        return end if to_end else start


@dataclass(frozen=True, slots=True)
class Masked:
    """A message as it is shown, and the map of its offsets."""

    message: Message
    offsets: OffsetMap


def phrases(words: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all ``words``, None if there are none; raises BadPhrase.

    Case and the kind of white space do not matter; ``*`` at the end stands for any ending. Words are found
    whole: ``tier`` is not in ``frontier``.
    """
    cleaned = sorted(
        {" ".join(word.split()).casefold() for word in words if word.strip()}, key=len, reverse=True
    )
    if len(cleaned) > MAX_PHRASES:
        raise BadPhrase(f"Give at most {MAX_PHRASES} phrases; these are {len(cleaned):,}.")
    alternatives = []
    for phrase in cleaned:
        if len(phrase) > MAX_PHRASE:
            raise BadPhrase(f"“{phrase[:40]}…” is longer than {MAX_PHRASE} characters.")
        stem = phrase.rstrip("*").rstrip()
        if not stem:
            raise BadPhrase(f"“{phrase[:40]}” has no letter before its *: it would hide everything.")
        found = r"\s+".join(re.escape(part) for part in stem.split(" "))
        before = r"(?<!\w)" if re.match(r"\w", stem) else ""
        behind = r"\w*" if phrase.endswith("*") else r"(?!\w)" if re.search(r"\w$", stem) else ""
        alternatives.append(before + found + behind)
    return re.compile("|".join(alternatives), re.IGNORECASE) if alternatives else None


def telling(text: str, pattern: re.Pattern[str] | None) -> list[Stretch]:
    """The stretches of ``text`` that are a tier's tag or one of the phrases; they may overlap."""
    found = [match.span() for match in TIER_TAG.finditer(text)] if "<" in text else []
    if pattern is not None:
        found += [match.span() for match in pattern.finditer(text)]
    return found


def differing(text: str, others: Iterable[str]) -> list[Stretch]:
    """What ``text`` has and not all of ``others`` have; where it lacks something, the place (an empty stretch).

    So a passage that only one arm has leaves a mask in the other arm as well.
    """
    found: list[Stretch] = []
    for other in others:
        at = 0
        pieces = compare(text, other)
        for number, piece in enumerate(pieces):
            if piece.kind == "same":
                at += piece.characters
            elif piece.kind == "removed":
                found.append((at, at + piece.characters))
                at += piece.characters
            elif number == 0 or pieces[number - 1].kind != "removed":
                found.append((at, at))
    return found


def mask(message: Message, stretches: Iterable[Stretch]) -> Masked:
    """The message with each of ``stretches`` replaced; those that touch become one.

    Masks do not reach over the edge of a segment or of its tags: the reader must still see which is which.
    """
    text = message.text
    segments = message.segments or (Segment("text", 0, len(text), 0, len(text)),)
    edges = sorted({edge for s in segments for edge in (s.start, s.inner_start, s.inner_end, s.end)})
    masks = _joined(_cut(stretches, edges), frozenset(edges))
    offsets = OffsetMap.of(masks)
    if not masks:
        return Masked(message, offsets)
    pieces, done = [], 0
    for start, end in masks:
        pieces += [text[done:start], MASK]
        done = end
    moved = tuple(_moved(segment, offsets) for segment in message.segments)
    return Masked(replace(message, text="".join([*pieces, text[done:]]), segments=moved), offsets)


def _cut(stretches: Iterable[Stretch], edges: Sequence[int]) -> list[Stretch]:
    """The stretches, in pieces where an edge runs through them."""
    found = []
    for start, end in stretches:
        first = bisect_right(edges, start)
        for edge in edges[first:]:
            if edge >= end:
                break
            found.append((start, edge))
            start = edge
        found.append((start, end))
    return sorted(found)


def _joined(stretches: Iterable[Stretch], edges: frozenset[int]) -> list[Stretch]:
    """Overlapping and touching stretches as one, but not over an edge; there, one of nothing gives way."""
    joined: list[Stretch] = []
    for start, end in stretches:
        if joined and start <= joined[-1][1]:
            before, last = joined[-1]
            if start < last or start not in edges or before == last:
                joined[-1] = (before, max(last, end))
                continue
            if start == end:
                continue
        joined.append((start, end))
    return joined


def _moved(segment: Segment, offsets: OffsetMap) -> Segment:
    edges = ("start", "end", "inner_start", "inner_end")
    return replace(segment, **{edge: offsets.edge_to_shown(getattr(segment, edge)) for edge in edges})

"""Checking spans against the text that they lie in. Pure.

Offsets are Unicode code points into the stored message text, half-open. Stored text may hold the
escapes of :mod:`transcripts.text`; the page shows stored text, so quotes are of stored text too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.codebook import MAX_SPANS, Codebook
from transcripts.records import Message, Segment

FIELDS = ("message", "start", "end", "label", "quote")


@dataclass(frozen=True, slots=True, order=True)
class CheckedSpan:
    message: int
    start: int
    end: int
    label: str
    quote: str

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS}


class _Wrong(Exception):
    """What is wrong with one span, in a sentence."""


def check_spans(
    book: Codebook, messages: Sequence[Message], spans: Any, max: int = MAX_SPANS
) -> tuple[list[CheckedSpan], dict[str, str]]:
    """The spans in reading order, and problems by the span's number in the list that was given.

    A problem of the list as a whole has the key ``""``. If there is any problem, nothing is to be saved.
    """
    if not isinstance(spans, list):
        return [], {"": "Give a list of spans."}
    if len(spans) > max:
        return [], {"": f"Give at most {max:,} spans; these are {len(spans):,}."}
    clean: list[CheckedSpan] = []
    problems: dict[str, str] = {}
    seen: set[CheckedSpan] = set()
    for number, given in enumerate(spans):
        try:
            span = _check(book, messages, given)
            if span in seen:
                raise _Wrong("The same stretch has this label already.")
        except _Wrong as wrong:
            problems[str(number)] = str(wrong)
            continue
        seen.add(span)
        clean.append(span)
    return sorted(clean), problems


def _check(book: Codebook, messages: Sequence[Message], given: Any) -> CheckedSpan:
    if not isinstance(given, Mapping):
        raise _Wrong("A span is an object with message, start, end, label and quote.")
    unknown = sorted(str(name)[:40] for name in given if name not in FIELDS)
    if unknown:
        raise _Wrong(f"A span has no field {unknown[0]!r}; it has {', '.join(FIELDS)}.")
    index, start, end = (_whole(given.get(name), name) for name in ("message", "start", "end"))
    label_key, quote = given.get("label"), given.get("quote")
    if not isinstance(label_key, str) or not isinstance(quote, str):
        raise _Wrong("label and quote must be texts.")
    label = book.label(label_key)
    if label is None:
        raise _Wrong(f"This codebook version has no label {label_key[:60]!r}.")
    if index >= len(messages):
        raise _Wrong(f"There is no message {index}; the transcript has {len(messages)}.")
    message = messages[index]
    if not start < end <= len(message.text):
        raise _Wrong(
            f"[{start}, {end}) is not a stretch of message {index}, which has {len(message.text)} characters."
        )
    if message.text[start:end] != quote:
        raise _Wrong(f"The quote is not what message {index} says from {start} to {end}.")
    if label.segments:
        kinds = kinds_in(message, start, end)
        outside = sorted(kinds - set(label.segments))
        if outside:
            raise _Wrong(
                f"{label.title!r} may lie in {', '.join(label.segments)}; this touches {outside[0]}."
            )
    return CheckedSpan(index, start, end, label_key, quote)


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _Wrong(f"{name} must be a whole number, 0 or more.")
    return value


def kinds_in(message: Message, start: int, end: int) -> set[str]:
    """The kinds of the segments that ``[start, end)`` touches; a message without segments is text."""
    segments = message.segments or (Segment("text", 0, len(message.text), 0, len(message.text)),)
    return {segment.kind for segment in segments if segment.start < end and segment.end > start}

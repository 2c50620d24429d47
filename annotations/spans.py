"""Checking spans against the text that they lie in. Pure.

Offsets are Unicode code points into the stored message text, half-open. Stored text may hold the
escapes of :mod:`transcripts.text`; the page shows stored text, so quotes are of stored text too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.answers import text_problem
from annotations.codebook import MAX_SPANS, Codebook, SpanLabel
from transcripts.records import Message, Segment

FIELDS = ("message", "start", "end", "label", "quote", "attributes", "comment", "transcript")
NEEDED = FIELDS[:5]


@dataclass(frozen=True, slots=True, order=True)
class CheckedSpan:
    """``transcript`` is 0 where the unit is one transcript, and not said then; nor is what is empty."""

    message: int
    start: int
    end: int
    label: str
    quote: str
    attributes: tuple[tuple[str, str], ...] = ()
    comment: str = ""
    transcript: int = 0

    @property
    def place(self) -> tuple[int, int, int, int, str]:
        return self.transcript, self.message, self.start, self.end, self.label

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {name: getattr(self, name) for name in NEEDED}
        if self.attributes:
            said["attributes"] = dict(self.attributes)
        if self.comment:
            said["comment"] = self.comment
        if self.transcript:
            said["transcript"] = self.transcript
        return said


class _Wrong(Exception):
    """What is wrong with one span, in a sentence."""


Texts = Sequence[Message] | Mapping[int, Sequence[Message]]


def check_spans(
    book: Codebook, texts: Texts, spans: Any, max: int = MAX_SPANS, *, complete: bool = False
) -> tuple[list[CheckedSpan], dict[str, str]]:
    """The spans in reading order, and problems by the span's number in the list that was given.

    ``texts`` are the messages of the transcript; where the unit is a pair, those of each of its transcripts, and
    a span names its own. ``complete`` also asks for required attributes. A problem of the list as a whole has
    the key ``""``. If there is any problem, nothing is to be saved.
    """
    if not isinstance(spans, list):
        return [], {"": "Give a list of spans."}
    if len(spans) > max:
        return [], {"": f"Give at most {max:,} spans; these are {len(spans):,}."}
    clean: list[CheckedSpan] = []
    problems: dict[str, str] = {}
    seen: set[tuple[int, int, int, int, str]] = set()
    for number, given in enumerate(spans):
        try:
            span = _check(book, texts, given, complete)
            if span.place in seen:
                raise _Wrong("The same stretch has this label already.")
        except _Wrong as wrong:
            problems[str(number)] = str(wrong)
            continue
        seen.add(span.place)
        clean.append(span)
    return sorted(clean, key=lambda span: span.place), problems


def _check(book: Codebook, texts: Texts, given: Any, complete: bool) -> CheckedSpan:
    if not isinstance(given, Mapping):
        raise _Wrong("A span is an object with message, start, end, label and quote.")
    unknown = sorted(str(name)[:40] for name in given if name not in FIELDS)
    if unknown:
        raise _Wrong(f"A span has no field {unknown[0]!r}; it has {', '.join(FIELDS)}.")
    transcript, messages = _messages(texts, given)
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
    attributes = _attributes(label, given.get("attributes", {}), complete)
    comment = given.get("comment", "")
    if not isinstance(comment, str):
        raise _Wrong("comment must be a text.")
    if problem := text_problem([comment]):
        raise _Wrong(f"comment: {problem}")
    return CheckedSpan(index, start, end, label_key, quote, attributes, comment, transcript)


def _messages(texts: Texts, given: Mapping[str, Any]) -> tuple[int, Sequence[Message]]:
    if not isinstance(texts, Mapping):
        if "transcript" in given:
            raise _Wrong("transcript is for pairs; this unit is one transcript.")
        return 0, texts
    transcript = _whole(given.get("transcript"), "transcript")
    if transcript not in texts:
        raise _Wrong(f"Transcript {transcript} is not one of this pair’s that are shown.")
    return transcript, texts[transcript]


def _attributes(label: SpanLabel, given: Any, complete: bool) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, Mapping):
        raise _Wrong("attributes must be an object.")
    known = {attribute.key: attribute for attribute in label.attributes}
    if unknown := [key for key in given if key not in known]:
        raise _Wrong(f"{label.title!r} has no attribute {str(unknown[0])[:60]!r}.")
    found = []
    for key, attribute in known.items():
        value = given.get(key)
        if value is None:
            if complete and attribute.required:
                raise _Wrong(f"Choose {attribute.title!r} of {label.title!r}.")
        elif value not in [choice.key for choice in attribute.choices]:
            raise _Wrong(f"{str(value)[:60]!r} is not one of the choices of {attribute.title!r}.")
        else:
            found.append((key, value))
    return tuple(found)


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _Wrong(f"{name} must be a whole number, 0 or more.")
    return value


def kinds_in(message: Message, start: int, end: int) -> set[str]:
    """The kinds of the segments that ``[start, end)`` touches; a message without segments is text."""
    segments = message.segments or (Segment("text", 0, len(message.text), 0, len(message.text)),)
    return {segment.kind for segment in segments if segment.start < end and segment.end > start}

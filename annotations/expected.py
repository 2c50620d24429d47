"""What somebody said beside what is right: answer by answer, and the spans. Pure.

What is right is a payload (:mod:`annotations.payload`); what it leaves out is not compared, and neither is free
text, which nobody words alike. Spans are shown, but they do not count: where one begins is a matter of taste.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.codebook import Codebook, Question

Payload = Mapping[str, Any]
Where = tuple[str, int | None, int | None]  # the side (an id, or ""), the message, where the segment begins


@dataclass(frozen=True, slots=True)
class Compared:
    """One question at one place. ``is_right`` is None where it does not count (free text)."""

    question: Question
    where: Where
    expected: tuple[str, ...]
    said: tuple[str, ...]
    is_right: bool | None


@dataclass(frozen=True, slots=True)
class ComparedSpan:
    """An expected span (``is_found``: something of it was marked so), or one that was not expected (None)."""

    label: str
    quote: str
    where: Where
    is_found: bool | None


@dataclass(frozen=True, slots=True)
class Share:
    """``right`` of ``total`` answers, in so many tasks."""

    right: int = 0
    total: int = 0
    tasks: int = 0

    @property
    def value(self) -> float:
        return self.right / self.total if self.total else 0.0

    @property
    def percent(self) -> int:
        return round(100 * self.value)

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.total + other.total, self.tasks + other.tasks)


def compare(book: Codebook, expected: Payload, said: Payload) -> list[Compared]:
    """Every answer that is expected, in the codebook's order, then by place."""
    questions = {question.key: (at, question) for at, question in enumerate(book.questions)}
    given = dict(_answers(said))
    found = []
    for (where, key), values in _answers(expected):
        if key not in questions:
            continue
        at, question = questions[key]
        own = given.get((where, key), ())
        is_right = None if question.kind == "text" else set(own) == set(values)
        found.append((where[0], at, _order(where), Compared(question, where, values, own, is_right)))
    return [each for *_, each in sorted(found, key=lambda row: row[:3])]


def _order(where: Where) -> tuple[int, int]:
    _, message, start = where
    return (-1 if message is None else message, -1 if start is None else start)


def share(book: Codebook, expected: Payload, said: Payload) -> Share:
    counted = [each.is_right for each in compare(book, expected, said) if each.is_right is not None]
    return Share(sum(counted), len(counted), 1)


def compare_spans(expected: Payload, said: Payload) -> list[ComparedSpan]:
    """The expected spans, then what was marked beyond them: of the same label, nowhere near."""
    right, own = expected.get("spans", ()), said.get("spans", ())
    found = [_compared(span, any(_touch(span, other) for other in own)) for span in right]
    return found + [_compared(span, None) for span in own if not any(_touch(span, other) for other in right)]


def _compared(span: Mapping[str, Any], is_found: bool | None) -> ComparedSpan:
    where = (str(span.get("transcript", "")), span["message"], span["start"])
    return ComparedSpan(span["label"], span.get("quote", ""), where, is_found)


def _touch(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("label", "message")
    same = all(one[key] == other[key] for key in keys) and one.get("transcript") == other.get("transcript")
    return bool(same and one["start"] < other["end"] and other["start"] < one["end"])


def _answers(payload: Payload) -> Iterator[tuple[tuple[Where, str], tuple[str, ...]]]:
    for key, values in payload.get("answers", {}).items():
        yield (("", None, None), key), tuple(values)
    for side, answers in payload.get("sides", {}).items():
        for key, values in answers.items():
            yield ((str(side), None, None), key), tuple(values)
    for placed in payload.get("places", ()):
        where = (str(placed.get("transcript", "")), placed["message"], placed.get("start"))
        yield (where, placed["question"]), tuple(_texts(placed["values"]))


def _texts(values: Sequence[Any]) -> Iterator[str]:
    return (str(value) for value in values)

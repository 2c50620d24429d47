"""Checking answers against a codebook. Pure.

Answers of a whole unit are ``{question: [value, …]}``; those of messages and segments are a list of
:class:`Placed`, each with the place that it speaks of. A text answer is a list of one string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.codebook import MAX_TEXT, Codebook, Question
from transcripts.records import Message

Answers = dict[str, list[str]]
PLACED_FIELDS = ("question", "message", "start", "values")
MAX_PLACED = 5_000


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A message, or with ``start`` the segment of it that begins there (code points of the stored text)."""

    message: int
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to ``question`` at ``place``."""

    question: str
    place: Place
    values: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        start = {} if self.place.start is None else {"start": self.place.start}
        return {
            "question": self.question,
            "message": self.place.message,
            **start,
            "values": list(self.values),
        }


def check_answers(
    book: Codebook, answers: Mapping[str, Any], *, complete: bool, asked_of: str = "transcript"
) -> tuple[Answers, dict[str, str]]:
    """``answers`` of the unit in the codebook's order, and problems by question.

    ``complete`` also asks for the required ones. What is not asked, because of another answer, is a problem too.
    """
    clean: Answers = {}
    problems: dict[str, str] = {}
    for key in answers:
        known = book.question(key) if isinstance(key, str) else None
        if known is None:
            problems[str(key)[:63]] = "This codebook version has no such question."
        elif known.asked_of != asked_of:
            problems[known.key] = f"This is asked of the {known.asked_of}, not of the {asked_of}."
    for question in book.asked_of(asked_of):
        values, problem = check_values(question, answers.get(question.key, []))
        if problem:
            problems[question.key] = problem
        elif not is_asked(question, clean):
            if values:
                problems[question.key] = _why_not_asked(book, question)
        elif values:
            clean[question.key] = values
        elif complete and question.required:
            problems[question.key] = "Please answer this."
    return clean, problems


def is_asked(question: Question, answers: Mapping[str, Sequence[str]]) -> bool:
    """Whether the answers so far, of the place and of the unit, lead to this question."""
    return question.when is None or question.when.is_met(answers)


def _why_not_asked(book: Codebook, question: Question) -> str:
    assert question.when is not None
    other = book.question(question.when.question)
    assert other is not None
    titles = [choice.title for choice in other.choices if choice.key in question.when.choices]
    return f"This is asked only where “{other.title}” is {' or '.join(titles)}."


def check_values(question: Question, values: Any) -> tuple[list[str], str]:
    """The values in the codebook's order, and what is wrong with them ("" if nothing)."""
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return [], "Give a list of strings."
    if question.kind == "text":
        values = [value for value in values if value.strip()]
        return (values, "") if not (problem := text_problem(values)) else ([], problem)
    unknown = [value for value in values if value not in question.choice_keys]
    if unknown:
        return [], f"{unknown[0][:60]!r} is not one of its choices."
    if question.kind != "multiple" and len(values) > 1:
        return [], "Choose one."
    return [choice.key for choice in question.choices if choice.key in values], ""


def text_problem(values: Sequence[str]) -> str:
    """What is wrong with a free text given as a list of at most one; "" if nothing."""
    if len(values) > 1 or any(len(value) > MAX_TEXT for value in values):
        return f"Give one text of at most {MAX_TEXT:,} characters."
    if any("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value) for value in values):
        return "The text holds a character that cannot be stored (NUL or half an emoji)."
    return ""


def places(question: Question, messages: Sequence[Message]) -> Iterator[Place]:
    """Where in the transcript a question of messages or segments is asked, in reading order."""
    for number, message in enumerate(messages):
        if question.asked_of == "message":
            if not question.roles or message.role in question.roles:
                yield Place(number)
        elif question.asked_of == "segment":
            yield from (Place(number, s.start) for s in message.segments if s.kind in question.segments)


def check_placed(
    book: Codebook,
    messages: Sequence[Message],
    given: Any,
    answers: Mapping[str, Sequence[str]],
    *,
    complete: bool,
) -> tuple[list[Placed], dict[str, str]]:
    """The answers of messages and segments in reading order, and problems.

    Problems go by the number in the list that was given, or ``question@message[:start]`` for what is missing.
    ``answers`` are the unit's, already checked: they may decide what is asked.
    """
    if not isinstance(given, list) or len(given) > MAX_PLACED:
        return [], {"": f"Give a list of at most {MAX_PLACED:,} answers."}
    asked = {q.key: q for q in book.questions if q.asked_of in ("message", "segment")}
    allowed = {key: set(places(question, messages)) for key, question in asked.items()}
    found: dict[Place, dict[str, tuple[int, list[str]]]] = {}
    problems: dict[str, str] = {}
    for number, each in enumerate(given):
        problem = _shape_problem(each) or (
            "This codebook version asks no such question of messages or segments."
            if each["question"] not in asked
            else ""
        )
        if not problem:
            question, place = asked[each["question"]], Place(each["message"], each.get("start"))
            values, problem = check_values(question, each["values"])
            if not problem and place not in allowed[question.key]:
                problem = f"It is not asked of {_words(place)}."
            elif not problem and question.key in found.get(place, {}):
                problem = f"{question.key} is answered twice for {_words(place)}."
        if problem:
            problems[str(number)] = problem
        elif values:
            found.setdefault(place, {})[question.key] = (number, values)
    clean: list[Placed] = []
    for place in sorted({place for each in allowed.values() for place in each}, key=_reading_order):
        here: Answers = {}
        for question in (q for q in book.questions if q.key in asked and place in allowed[q.key]):
            number, values = found.get(place, {}).get(question.key, (None, []))
            if not is_asked(question, {**answers, **here}):
                if values:
                    problems[str(number)] = _why_not_asked(book, question)
            elif values:
                here[question.key] = values
                clean.append(Placed(question.key, place, tuple(values)))
            elif complete and question.required and str(number) not in problems:
                start = "" if place.start is None else f":{place.start}"
                problems[f"{question.key}@{place.message}{start}"] = "Please answer this."
    return clean, problems


def _reading_order(place: Place) -> tuple[int, int]:
    return place.message, -1 if place.start is None else place.start


def _shape_problem(each: Any) -> str:
    if not isinstance(each, Mapping):
        return f"Give an object with {', '.join(PLACED_FIELDS)}."
    if unknown := [name for name in each if name not in PLACED_FIELDS]:
        return f"There is no field {str(unknown[0])[:40]!r}; there are {', '.join(PLACED_FIELDS)}."
    if not isinstance(each.get("question"), str):
        return "question must be a text."
    for name in ("message", "start"):
        value = each.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
            return f"{name} must be a whole number, 0 or more."
    if "message" not in each or "values" not in each:
        return "message and values are needed."
    return ""


def _words(place: Place) -> str:
    if place.start is None:
        return f"message {place.message}"
    return f"a segment that begins at {place.start} of message {place.message}"

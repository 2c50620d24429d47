"""Codebooks: parsing a definition, checking answers and spans against it. Pure.

A definition is JSON::

    {"name": "Alignment faking", "guidelines": "Markdown …",
     "questions": [{"key": "reasoning", "kind": "single", "title": "…", "help": "…", "looks_at": "scratchpad",
                    "required": true, "choices": [{"key": "yes", "title": "yes", "shortcut": "y"}, …]}],
     "labels": [{"key": "strategic_compliance", "title": "strategic compliance", "shortcut": "4", "colour": 4,
                 "segments": ["scratchpad"]}]}

``kind`` is ``single``, ``multiple``, ``scale`` (choices are its points) or ``text``.

``"imported": true`` marks a definition that was made from labels given elsewhere
(:mod:`annotations.outside`): its keys are their words as they are, and a question may have one choice.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = ("single", "multiple", "scale", "text")
KEY = re.compile(r"^[a-z0-9][a-z0-9_]{0,62}$")
KEY_LENGTH = 200  # of keys that come from elsewhere; our own are at most 63 characters
MAX_TEXT = 20_000
MAX_SPANS = 2_000
COLOURS = range(1, 13)


class BadDefinition(ValueError):
    """The definition is not a codebook; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    title: str
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    kind: str
    title: str
    help: str = ""
    looks_at: str = ""  # "scratchpad", "output", or "" for the whole transcript
    required: bool = False
    choices: tuple[Choice, ...] = ()

    @property
    def choice_keys(self) -> frozenset[str]:
        return frozenset(choice.key for choice in self.choices)


@dataclass(frozen=True, slots=True)
class SpanLabel:
    key: str
    title: str
    shortcut: str = ""
    colour: int = 1
    segments: tuple[str, ...] = ()  # kinds it may lie in; empty: any


@dataclass(frozen=True, slots=True)
class Codebook:
    name: str
    guidelines: str
    questions: tuple[Question, ...]
    labels: tuple[SpanLabel, ...]
    is_imported: bool = False

    def question(self, key: str) -> Question | None:
        return next((q for q in self.questions if q.key == key), None)

    def label(self, key: str) -> SpanLabel | None:
        return next((label for label in self.labels if label.key == key), None)


def sha256(definition: Mapping[str, Any]) -> str:
    canonical = json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise BadDefinition(message)


def _keys_unique(items: Sequence[Any], where: str, is_imported: bool) -> None:
    keys = [item.key for item in items]
    _need(len(keys) == len(set(keys)), f"{where}: two entries have the same key.")
    for key in keys:
        if is_imported:
            _need(0 < len(key) <= KEY_LENGTH, f"{where}: a key has 1 to {KEY_LENGTH} characters.")
            continue
        _need(bool(KEY.match(key)), f"{where}: the key {key!r} may hold small letters, digits and _ only.")


def _texts(book: Codebook) -> None:
    """Everything that pages show or compare must be text: JSON would let numbers and lists through."""
    told = [("name", book.name), ("guidelines", book.guidelines)]
    for question in book.questions:
        for name in ("key", "kind", "title", "help", "looks_at"):
            told.append((f"questions: {name}", getattr(question, name)))
        for choice in question.choices:
            told += [("choice", choice.key), ("choice", choice.title), ("choice", choice.shortcut)]
    for label in book.labels:
        told += [("label", label.key), ("label", label.title), ("label", label.shortcut)]
        told += [("segments", kind) for kind in label.segments]
    for where, value in told:
        _need(isinstance(value, str), f"{where}: {value!r} must be a text.")


def parse(definition: Mapping[str, Any]) -> Codebook:
    """The codebook in ``definition``; raises BadDefinition with a sentence where it is not one."""
    try:
        questions = tuple(
            Question(
                key=q["key"],
                kind=q["kind"],
                title=q["title"],
                help=q.get("help", ""),
                looks_at=q.get("looks_at", ""),
                required=bool(q.get("required", False)),
                choices=tuple(
                    Choice(c["key"], c["title"], c.get("shortcut", "")) for c in q.get("choices", ())
                ),
            )
            for q in definition["questions"]
        )
        labels = tuple(
            SpanLabel(
                key=label["key"],
                title=label["title"],
                shortcut=label.get("shortcut", ""),
                colour=int(label.get("colour", 1)),
                segments=tuple(label.get("segments", ())),
            )
            for label in definition.get("labels", ())
        )
        book = Codebook(
            definition["name"],
            definition.get("guidelines", ""),
            questions,
            labels,
            is_imported=definition.get("imported") is True,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadDefinition(f"The definition lacks or misuses {error}.") from error
    _texts(book)
    _keys_unique(book.questions, "questions", book.is_imported)
    _keys_unique(book.labels, "labels", book.is_imported)
    for question in book.questions:
        _need(
            question.kind in KINDS, f"{question.key}: kind {question.kind!r} is none of {', '.join(KINDS)}."
        )
        _keys_unique(question.choices, question.key, book.is_imported)
        if question.kind != "text" and not book.is_imported:
            _need(len(question.choices) >= 2, f"{question.key}: give at least two choices.")
    for label in book.labels:
        _need(label.colour in COLOURS, f"{label.key}: colour must be 1 to 12.")
    return book


def check_answers(
    book: Codebook, answers: Mapping[str, Any], *, complete: bool
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """``answers`` as {question: [value, …]} in the codebook's order, and problems by question.

    ``complete`` also asks for the required ones. A text answer is a list of one string.
    """
    clean: dict[str, list[str]] = {}
    problems: dict[str, str] = {}
    for key in answers:
        if book.question(key) is None:
            problems[str(key)[:63]] = "This codebook version has no such question."
    for question in book.questions:
        values = answers.get(question.key, [])
        if isinstance(values, str):
            values = [values]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            problems[question.key] = "Give a list of strings."
            continue
        if question.kind == "text":
            values = [value for value in values if value.strip()]
            if len(values) > 1 or any(len(value) > MAX_TEXT for value in values):
                problems[question.key] = f"Give one text of at most {MAX_TEXT:,} characters."
                continue
            if any("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value) for value in values):
                problems[question.key] = (
                    "The text holds a character that cannot be stored (NUL or half an emoji)."
                )
                continue
        else:
            unknown = [value for value in values if value not in question.choice_keys]
            if unknown:
                problems[question.key] = f"{unknown[0][:60]!r} is not one of its choices."
                continue
            if question.kind != "multiple" and len(values) > 1:
                problems[question.key] = "Choose one."
                continue
            values = [choice.key for choice in question.choices if choice.key in values]
        if values:
            clean[question.key] = values
        elif complete and question.required:
            problems[question.key] = "Please answer this."
    return clean, problems

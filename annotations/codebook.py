"""Codebooks: what a definition says. Pure.

A definition is JSON (or YAML, :mod:`annotations.codebook_yaml`)::

    {"name": "Alignment faking", "guidelines": "Markdown …",
     "questions": [{"key": "reasoning", "kind": "single", "title": "…", "help": "…", "looks_at": "scratchpad",
                    "required": true, "choices": [{"key": "yes", "title": "yes", "shortcut": "y"}, …],
                    "asked_of": "transcript", "when": {"question": "behaviour", "is": ["complied", "partly"]},
                    "examples": [{"text": "…", "answer": "yes", "note": "…"}]}],
     "labels": [{"key": "strategic_compliance", "title": "strategic compliance", "shortcut": "4", "colour": 4,
                 "segments": ["scratchpad"], "parent": "strategy", "help": "…", "examples": […],
                 "attributes": [{"key": "stance", "title": "stance", "required": true,
                                 "choices": [{"key": "stated", "title": "stated"}, …]}]}]}

``kind`` is ``single``, ``multiple``, ``scale`` (choices are its points) or ``text``. ``asked_of`` is the
``transcript`` (once), each ``message`` (of ``roles``, else all), each ``segment`` (of the kinds in ``segments``),
or the ``pair`` (once, in rounds whose unit is the pair). A question with ``when`` is asked only where an earlier
one was answered so: at the same place, or of the transcript.

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

from transcripts.records import SEGMENT_KINDS

KINDS = ("single", "multiple", "scale", "text")
ASKED_OF = ("transcript", "message", "segment", "pair")
KEY = re.compile(r"^[a-z0-9][a-z0-9_]{0,62}$")
KEY_LENGTH = 200  # of keys that come from elsewhere; our own are at most 63 characters
MAX_TEXT = 20_000
MAX_SPANS = 2_000
COLOURS = range(1, 13)
DEEPEST = 3  # levels of labels under labels


class BadDefinition(ValueError):
    """The definition is not a codebook; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    title: str
    shortcut: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A text, what the codebook's authors say of it, and why."""

    text: str
    answer: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """Met where ``question`` was answered with one of ``choices``."""

    question: str
    choices: tuple[str, ...]

    def is_met(self, answers: Mapping[str, Sequence[str]]) -> bool:
        return any(value in self.choices for value in answers.get(self.question, ()))


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    kind: str
    title: str
    help: str = ""
    looks_at: str = ""  # "scratchpad", "output", or "" for the whole transcript
    required: bool = False
    choices: tuple[Choice, ...] = ()
    asked_of: str = "transcript"
    roles: tuple[str, ...] = ()  # of messages; empty: any
    segments: tuple[str, ...] = ()  # kinds of segments
    when: Condition | None = None
    examples: tuple[Example, ...] = ()

    @property
    def choice_keys(self) -> frozenset[str]:
        return frozenset(choice.key for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing more to say of a span: one of ``choices``."""

    key: str
    title: str
    choices: tuple[Choice, ...]
    required: bool = False


@dataclass(frozen=True, slots=True)
class SpanLabel:
    key: str
    title: str
    shortcut: str = ""
    colour: int = 1
    segments: tuple[str, ...] = ()  # kinds it may lie in; empty: any
    help: str = ""
    parent: str = ""
    attributes: tuple[Attribute, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Codebook:
    name: str
    guidelines: str
    questions: tuple[Question, ...]
    labels: tuple[SpanLabel, ...]
    is_imported: bool = False

    def question(self, key: str) -> Question | None:
        return next((q for q in self.questions if q.key == key), None)

    def asked_of(self, what: str) -> tuple[Question, ...]:
        return tuple(question for question in self.questions if question.asked_of == what)

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


def _all_texts(where: str, value: Any) -> None:
    """Everything that pages show or compare must be text: JSON would let numbers and lists through."""
    for name in value.__slots__:
        part = getattr(value, name)
        for each in part if isinstance(part, tuple) else (part,):
            if hasattr(each, "__slots__") and not isinstance(each, str):
                _all_texts(where, each)
            elif name not in ("required", "colour", "is_imported") and (name != "when" or each is not None):
                _need(isinstance(each, str), f"{where}: {name}: {each!r} must be a text.")


def _choices(given: Any) -> tuple[Choice, ...]:
    return tuple(Choice(c["key"], c["title"], c.get("shortcut", ""), c.get("help", "")) for c in given)


def _examples(given: Any) -> tuple[Example, ...]:
    return tuple(Example(e["text"], e.get("answer", ""), e.get("note", "")) for e in given)


def _question(given: Mapping[str, Any]) -> Question:
    when = given.get("when")
    return Question(
        key=given["key"],
        kind=given["kind"],
        title=given["title"],
        help=given.get("help", ""),
        looks_at=given.get("looks_at", ""),
        required=bool(given.get("required", False)),
        choices=_choices(given.get("choices", ())),
        asked_of=given.get("asked_of", "transcript"),
        roles=tuple(given.get("roles", ())),
        segments=tuple(given.get("segments", ())),
        when=Condition(when["question"], tuple(when["is"])) if when else None,
        examples=_examples(given.get("examples", ())),
    )


def _label(given: Mapping[str, Any]) -> SpanLabel:
    return SpanLabel(
        key=given["key"],
        title=given["title"],
        shortcut=given.get("shortcut", ""),
        colour=int(given.get("colour", 1)),
        segments=tuple(given.get("segments", ())),
        help=given.get("help", ""),
        parent=given.get("parent", ""),
        attributes=tuple(
            Attribute(a["key"], a["title"], _choices(a["choices"]), bool(a.get("required", False)))
            for a in given.get("attributes", ())
        ),
        examples=_examples(given.get("examples", ())),
    )


def parse(definition: Mapping[str, Any]) -> Codebook:
    """The codebook in ``definition``; raises BadDefinition with a sentence where it is not one."""
    try:
        book = Codebook(
            definition["name"],
            definition.get("guidelines", ""),
            tuple(_question(each) for each in definition["questions"]),
            tuple(_label(each) for each in definition.get("labels", ())),
            is_imported=definition.get("imported") is True,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadDefinition(f"The definition lacks or misuses {error}.") from error
    _all_texts("definition", book)
    _keys_unique(book.questions, "questions", book.is_imported)
    _keys_unique(book.labels, "labels", book.is_imported)
    for question in book.questions:
        _check_question(book, question)
    for label in book.labels:
        _check_label(book, label)
    return book


def _check_question(book: Codebook, question: Question) -> None:
    key = question.key
    _need(question.kind in KINDS, f"{key}: kind {question.kind!r} is none of {', '.join(KINDS)}.")
    _keys_unique(question.choices, key, book.is_imported)
    if question.kind != "text" and not book.is_imported:
        _need(len(question.choices) >= 2, f"{key}: give at least two choices.")
    asked_of = question.asked_of
    _need(asked_of in ASKED_OF, f"{key}: asked_of {asked_of!r} is none of {', '.join(ASKED_OF)}.")
    if asked_of == "segment":
        _need(bool(question.segments), f"{key}: say in segments of which kinds of segments it is asked.")
    _need(not question.roles or asked_of == "message", f"{key}: roles belong to questions asked of messages.")
    _need(
        not question.segments or asked_of == "segment",
        f"{key}: segments belong to questions asked of segments; looks_at says where to look.",
    )
    unknown = set(question.segments) - set(SEGMENT_KINDS)
    _need(not unknown, f"{key}: there are no segments of kind {', '.join(sorted(unknown))}.")
    if question.when is not None:
        _check_condition(book, question, question.when)


def _check_condition(book: Codebook, question: Question, when: Condition) -> None:
    other = book.question(when.question)
    _need(other is not None, f"{question.key}: when names {when.question!r}, which is no question.")
    assert other is not None
    _need(
        book.questions.index(other) < book.questions.index(question),
        f"{question.key}: when names {other.key}, which must come before it.",
    )
    _need(
        other.asked_of == question.asked_of
        or (other.asked_of == "transcript" and question.asked_of in ("message", "segment")),
        f"{question.key}: when names {other.key}, which is asked of something else.",
    )
    _need(bool(when.choices), f"{question.key}: when needs at least one answer.")
    unknown = set(when.choices) - other.choice_keys
    _need(not unknown, f"{question.key}: {other.key} has no choice {', '.join(sorted(unknown))}.")


def _check_label(book: Codebook, label: SpanLabel) -> None:
    _need(label.colour in COLOURS, f"{label.key}: colour must be 1 to 12.")
    _keys_unique(label.attributes, f"{label.key}: attributes", book.is_imported)
    for attribute in label.attributes:
        where = f"{label.key}: {attribute.key}"
        _keys_unique(attribute.choices, where, book.is_imported)
        _need(len(attribute.choices) >= 2, f"{where}: give at least two choices.")
    above, levels = label, 1
    while above.parent:
        parent = book.label(above.parent)
        _need(parent is not None, f"{above.key}: its parent {above.parent!r} is no label.")
        assert parent is not None
        above, levels = parent, levels + 1
        _need(levels <= DEEPEST, f"{label.key}: labels may lie {DEEPEST} deep, and in no circle.")

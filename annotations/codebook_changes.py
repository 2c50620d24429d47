"""What a new version of a codebook changes, and what earlier answers mean under it. Pure.

A mapping says so, question by question and label by label::

    {"questions": {"reasoning": {"to": "reasoning", "choices": {"partial": "yes", "cannot_tell": null}}},
     "labels": {"preservation": "preservation_motive", "fear": null}}

What is not named keeps its key if the new version still has it. ``null`` means that nothing takes its place:
the earlier answer stays what it was, and the label has to be looked at again. Two keys mapped to one are merged;
one that has to become several cannot be told by a rule: map it to null, and people decide (a *split*).
Earlier revisions never change; a mapped answer is a new revision that says what it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.codebook import BadDefinition, Codebook, Question, SpanLabel

_QUESTION_PARTS = (
    "kind",
    "title",
    "help",
    "looks_at",
    "required",
    "asked_of",
    "roles",
    "segments",
    "when",
    "examples",
)
_LABEL_PARTS = ("title", "colour", "segments", "help", "parent", "attributes", "examples")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``what`` is added, removed or changed; ``matters`` if earlier answers may mean another thing."""

    what: str
    where: str  # "question reasoning", "choice partial of reasoning", "label fear", "guidelines"
    before: str = ""
    after: str = ""
    matters: bool = False


def changes(before: Codebook, after: Codebook) -> list[Change]:
    """All differences, in the order of the new version, what was removed behind."""
    return [
        *_plain("name", before.name, after.name),
        *_plain("guidelines", before.guidelines, after.guidelines, matters=True),
        *_entries("question", before.questions, after.questions, _question_changes),
        *_entries("label", before.labels, after.labels, _label_changes),
    ]


def _plain(where: str, before: Any, after: Any, matters: bool = False) -> Iterator[Change]:
    if before != after:
        yield Change("changed", where, _words(before), _words(after), matters)


def _entries(kind: str, before: Sequence[Any], after: Sequence[Any], compare: Any) -> Iterator[Change]:
    old, new = {each.key: each for each in before}, {each.key: each for each in after}
    for key, each in new.items():
        if key in old:
            yield from compare(old[key], each)
        else:
            yield Change("added", f"{kind} {key}", "", each.title)
    for key, each in old.items():
        if key not in new:
            yield Change("removed", f"{kind} {key}", each.title, "", matters=True)
    if [key for key in old if key in new] != [key for key in new if key in old]:
        yield Change("changed", f"order of {kind}s", ", ".join(old), ", ".join(new))


def _question_changes(before: Question, after: Question) -> Iterator[Change]:
    where = f"question {after.key}"
    for name in _QUESTION_PARTS:
        matters = name not in ("examples", "looks_at", "required")
        yield from _plain(f"{name} of {where}", getattr(before, name), getattr(after, name), matters)
    yield from _choice_changes(where, before.choices, after.choices)


def _label_changes(before: SpanLabel, after: SpanLabel) -> Iterator[Change]:
    where = f"label {after.key}"
    for name in _LABEL_PARTS:
        matters = name in ("title", "help", "segments", "attributes")
        yield from _plain(f"{name} of {where}", getattr(before, name), getattr(after, name), matters)


def _choice_changes(where: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Change]:
    old, new = {each.key: each for each in before}, {each.key: each for each in after}
    for key, choice in new.items():
        if key not in old:
            yield Change("added", f"choice {key} of {where}", "", choice.title, matters=True)
        else:
            yield from _plain(f"title of choice {key} of {where}", old[key].title, choice.title, matters=True)
            yield from _plain(f"help of choice {key} of {where}", old[key].help, choice.help, matters=True)
    for key, choice in old.items():
        if key not in new:
            yield Change("removed", f"choice {key} of {where}", choice.title, "", matters=True)


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return ", ".join(
            getattr(each, "title", "") or getattr(each, "text", "") or str(each) for each in value
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@dataclass(frozen=True)
class KeyMap:
    """Where each earlier question, choice and label goes; None: nothing takes its place."""

    questions: Mapping[str, str | None]
    choices: Mapping[tuple[str, str], str | None]
    labels: Mapping[str, str | None]


def parse_mapping(before: Codebook, after: Codebook, given: Any) -> KeyMap:
    """The whole mapping, what is not named filled in; raises BadDefinition with a sentence."""
    _need(isinstance(given, Mapping), "A mapping is an object with questions and labels.")
    _only(given, ("questions", "labels"), "A mapping")
    by_question, by_label = given.get("questions", {}), given.get("labels", {})
    _need(
        isinstance(by_question, Mapping) and isinstance(by_label, Mapping),
        "questions and labels are objects.",
    )
    for key in by_question:
        _need(before.question(key) is not None, f"The earlier version has no question {key!r}.")
    for key in by_label:
        _need(before.label(key) is not None, f"The earlier version has no label {key!r}.")
    questions: dict[str, str | None] = {}
    choices: dict[tuple[str, str], str | None] = {}
    for question in before.questions:
        said = by_question.get(question.key, {})
        _need(isinstance(said, Mapping), f"{question.key}: give an object with to and choices.")
        _only(said, ("to", "choices"), question.key)
        to = _target(said.get("to", question.key), "to" in said, after.question, f"question {question.key}")
        new = after.question(to) if to else None
        questions[question.key] = to if new and _same_kind(question, new) else None
        _need(
            not ("to" in said and new and not _same_kind(question, new)),
            f"{question.key}: {to} is another kind of question, so its answers cannot be taken over.",
        )
        choices |= _choices(question, new if questions[question.key] else None, said.get("choices", {}))
    labels = {
        label.key: _target(
            by_label.get(label.key, label.key), label.key in by_label, after.label, f"label {label.key}"
        )
        for label in before.labels
    }
    return KeyMap(questions, choices, labels)


def _choices(old: Question, new: Question | None, said: Any) -> dict[tuple[str, str], str | None]:
    _need(isinstance(said, Mapping), f"{old.key}: choices is an object.")
    for key in said:
        _need(key in old.choice_keys, f"{old.key} had no choice {key!r}.")
    found: dict[tuple[str, str], str | None] = {}
    for choice in old.choices:
        to = said.get(choice.key, choice.key)
        _need(
            to is None or isinstance(to, str), f"{old.key}: {choice.key} goes to a choice’s key or to null."
        )
        is_there = new is not None and to in new.choice_keys
        _need(
            choice.key not in said or to is None or is_there,
            f"{old.key}: the new version has no choice {to!r} for it.",
        )
        found[old.key, choice.key] = to if is_there else None
    return found


def _same_kind(old: Question, new: Question) -> bool:
    closed = {"single", "scale"}
    return old.asked_of == new.asked_of and (
        old.kind == new.kind
        or {old.kind, new.kind} <= closed
        or (old.kind in closed and new.kind == "multiple")
    )


def _target(to: Any, is_said: bool, find: Any, what: str) -> str | None:
    _need(to is None or isinstance(to, str), f"{what}: give a key, or null for none.")
    if to is None or find(to) is None:
        _need(to is None or not is_said, f"{what}: the new version has no {to!r}.")
        return None
    return str(to)


def _only(given: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    unknown = [name for name in given if name not in names]
    _need(not unknown, f"{where}: there is no {str(unknown[0])[:40]!r} here." if unknown else "")


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise BadDefinition(message)


@dataclass
class Mapped:
    """Answers and spans under the new version. ``lost`` says in words what nothing takes the place of."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    places: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def map_payload(before: Codebook, after: Codebook, mapping: KeyMap, payload: Mapping[str, Any]) -> Mapped:
    """What an earlier revision's answers, places and spans say under the new version.

    Two single answers that would meet in one question are both lost: a rule cannot say which holds.
    """
    mapped = Mapped()
    arrived: dict[str, list[tuple[str, list[str]]]] = {}
    for key, values in payload.get("answers", {}).items():
        to, moved = _moved(before, mapping, key, values, mapped.lost)
        if to and moved:
            arrived.setdefault(to, []).append((key, moved))
    for to, sources in arrived.items():
        question = after.question(to)
        assert question is not None
        values = list(dict.fromkeys(value for _, moved in sources for value in moved))
        if len(values) > 1 and question.kind != "multiple":
            mapped.lost += [f"{key}: {', '.join(moved)} (several answers for {to})" for key, moved in sources]
        else:
            mapped.answers[to] = (
                [c.key for c in question.choices if c.key in values] if question.choices else values
            )
    for placed in payload.get("places", ()):
        to, moved = _moved(before, mapping, placed["question"], placed["values"], mapped.lost)
        if to and moved:
            mapped.places.append({**placed, "question": to, "values": moved})
    seen = set()
    for span in payload.get("spans", ()):
        to = mapping.labels.get(span["label"])
        place = (span["message"], span["start"], span["end"], to)
        if to is None:
            mapped.lost.append(f"{span['label']}: “{span['quote'][:60]}”")
        elif place not in seen:
            seen.add(place)
            mapped.spans.append({**span, "label": to})
    return mapped


def _moved(
    before: Codebook, mapping: KeyMap, key: str, values: Sequence[str], lost: list[str]
) -> tuple[str | None, list[str]]:
    question, to = before.question(key), mapping.questions.get(key)
    if question is None or to is None:
        lost.append(f"{key}: {', '.join(values)[:200]}")
        return None, []
    if question.kind == "text":
        return to, list(values)
    moved = []
    for value in values:
        new = mapping.choices.get((key, value))
        if new is None:
            lost.append(f"{key}: {value}")
        elif new not in moved:
            moved.append(new)
    return to, moved

"""What a new version of a codebook changes, and what earlier answers mean under it. Pure.

A mapping says so, question by question and label by label::

    {"questions": {"reasoning": {"to": "reasoning", "choices": {"partial": "yes", "cannot_tell": null}},
                   "confidence": {"to": "-"}},
     "labels": {"preservation": "preservation_motive", "fear": null}}

What is not named keeps its key if the new version still has it. ``null`` means that people decide: no rule can say
what takes its place (as when one has to become several), so whoever gave such an answer looks at it again. ``"-"``
drops it: it is left out of the mapped answer, and nobody is asked. Two keys mapped to one are merged.
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
DROP = "-"  # no key can be this
_LABEL_PARTS = ("title", "shortcut", "colour", "segments", "help", "parent", "attributes", "examples")


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
            yield from _plain(f"shortcut of choice {key} of {where}", old[key].shortcut, choice.shortcut)
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
    """Where each earlier question, choice and label goes: a key, DROP, or None where people decide."""

    questions: Mapping[str, str | None]
    choices: Mapping[tuple[str, str], str | None]
    labels: Mapping[str, str | None]

    def as_json(self) -> dict[str, Any]:
        """The mapping with nothing left out, as :func:`parse_mapping` reads it back."""
        questions: dict[str, Any] = {key: {"to": to, "choices": {}} for key, to in self.questions.items()}
        for (question, choice), to in self.choices.items():
            if self.questions[question] not in (None, DROP):
                questions[question]["choices"][choice] = to
        return {"questions": questions, "labels": dict(self.labels)}


def propose(before: Codebook, after: Codebook) -> KeyMap:
    """Equal keys, else equal titles; where neither is found, people decide."""
    questions: dict[str, Any] = {}
    for old in before.questions:
        fitting = [new for new in after.questions if fits(old, new)]
        to = _alike(old, fitting)
        questions[old.key] = {"to": to and to.key, "choices": {}}
        if to is not None:
            pairs = ((choice, _alike(choice, to.choices)) for choice in old.choices)
            questions[old.key]["choices"] = {choice.key: found and found.key for choice, found in pairs}
    labels = {old.key: (to := _alike(old, after.labels)) and to.key for old in before.labels}
    return parse_mapping(before, after, {"questions": questions, "labels": labels})


def _alike(old: Any, among: Sequence[Any]) -> Any:
    by_key = next((each for each in among if each.key == old.key), None)
    return by_key or next((each for each in among if each.title.casefold() == old.title.casefold()), None)


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
        _need(before.question(key) is not None, f"The earlier version has no question {str(key)[:60]!r}.")
    for key in by_label:
        _need(before.label(key) is not None, f"The earlier version has no label {str(key)[:60]!r}.")
    questions: dict[str, str | None] = {}
    choices: dict[tuple[str, str], str | None] = {}
    for question in before.questions:
        said = by_question.get(question.key, {})
        _need(isinstance(said, Mapping), f"{question.key}: give an object with to and choices.")
        _only(said, ("to", "choices"), question.key)
        to = _target(said.get("to", question.key), "to" in said, after.question, f"question {question.key}")
        new = after.question(to) if to else None
        is_fit = new is not None and fits(question, new)
        _need(
            not ("to" in said and new and not is_fit),
            f"{question.key}: {to} is another kind of question, so its answers cannot be taken over.",
        )
        questions[question.key] = to if is_fit or to == DROP else None
        choices |= _choices(question, new if is_fit else None, said.get("choices", {}))
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
        _need(key in old.choice_keys, f"{old.key} had no choice {str(key)[:60]!r}.")
    found: dict[tuple[str, str], str | None] = {}
    for choice in old.choices:
        to = said.get(choice.key, choice.key)
        _need(
            to is None or isinstance(to, str), f"{old.key}: {choice.key} goes to a choice’s key or to null."
        )
        is_there = new is not None and (to in new.choice_keys or to == DROP)
        _need(
            choice.key not in said or to is None or is_there,
            f"{old.key}: the new version has no choice {str(to)[:60]!r} for it.",
        )
        found[old.key, choice.key] = to if is_there else None
    return found


def fits(old: Question, new: Question) -> bool:
    """Whether answers to ``old`` could be answers to ``new``."""
    closed = {"single", "scale"}
    return old.asked_of == new.asked_of and (
        old.kind == new.kind
        or {old.kind, new.kind} <= closed
        or (old.kind in closed and new.kind == "multiple")
    )


def _target(to: Any, is_said: bool, find: Any, what: str) -> str | None:
    _need(to is None or isinstance(to, str), f"{what}: give a key, “-” to drop it, or null.")
    if to == DROP and is_said:
        return DROP
    if to is None or find(to) is None:
        _need(to is None or not is_said, f"{what}: the new version has no {str(to)[:60]!r}.")
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
    """Answers and spans under the new version.

    ``lost`` says in words of what people have to decide what takes its place, ``dropped`` what was left out.
    """

    answers: dict[str, list[str]] = field(default_factory=dict)
    sides: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    places: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    rest: dict[str, Any] = field(
        default_factory=dict
    )  # comment, flag, decisions on suggestions: as they were

    def payload(self) -> dict[str, Any]:
        """As :mod:`annotations.payload` has it."""
        more = {"sides": self.sides, "places": self.places}
        return {
            "answers": self.answers,
            "spans": self.spans,
            **self.rest,
            **{name: value for name, value in more.items() if value},
        }


def map_payload(before: Codebook, after: Codebook, mapping: KeyMap, payload: Mapping[str, Any]) -> Mapped:
    """What an earlier revision says under the new version.

    Two single answers that would meet in one question are both lost: a rule cannot say which holds.
    """
    mapped = Mapped(
        rest={name: payload[name] for name in ("comment", "flag", "suggestions") if payload.get(name)}
    )
    mapped.answers = _map_answers(before, after, mapping, payload.get("answers", {}), mapped)
    for side, answers in payload.get("sides", {}).items():
        if found := _map_answers(before, after, mapping, answers, mapped):
            mapped.sides[side] = found
    by_place: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {}
    for placed in payload.get("places", ()):
        where = {name: value for name, value in placed.items() if name not in ("question", "values")}
        at = repr(sorted(where.items()))
        by_place.setdefault(at, (where, {}))[1][placed["question"]] = placed["values"]
    for where, answers in by_place.values():
        for question, values in _map_answers(before, after, mapping, answers, mapped).items():
            mapped.places.append({**where, "question": question, "values": values})
    seen: dict[tuple[Any, ...], dict[str, Any]] = {}
    for span in payload.get("spans", ()):
        to = mapping.labels.get(span["label"])
        words = f"{span['label']}: “{span['quote'][:60]}”"
        if to is None or to == DROP:
            (mapped.dropped if to == DROP else mapped.lost).append(words)
            continue
        new = _map_span(after, span, to, mapped)
        place = (span.get("transcript", 0), span["message"], span["start"], span["end"], to)
        # Two labels that became one at the same stretch: the first stays, what the second says more is lost.
        if place not in seen:
            seen[place] = new
        elif {**seen[place], **new} != seen[place]:
            mapped.lost.append(f"{words} (another one became {to} here)")
    mapped.spans = list(seen.values())
    return mapped


def _map_answers(
    before: Codebook,
    after: Codebook,
    mapping: KeyMap,
    answers: Mapping[str, Sequence[str]],
    mapped: Mapped,
) -> dict[str, list[str]]:
    arrived: dict[str, list[tuple[str, list[str]]]] = {}
    for key, values in answers.items():
        to, moved = _moved(before, mapping, key, values, mapped)
        if to and moved:
            arrived.setdefault(to, []).append((key, moved))
    found: dict[str, list[str]] = {}
    for question in after.questions:
        sources = arrived.get(question.key, [])
        values = list(dict.fromkeys(value for _, moved in sources for value in moved))
        if len(values) > 1 and question.kind != "multiple":
            mapped.lost += [
                f"{key}: {', '.join(moved)} (several answers for {question.key})" for key, moved in sources
            ]
        elif values:
            found[question.key] = (
                [c.key for c in question.choices if c.key in values] if question.choices else values
            )
    return found


def _moved(
    before: Codebook, mapping: KeyMap, key: str, values: Sequence[str], mapped: Mapped
) -> tuple[str | None, list[str]]:
    question, to = before.question(key), mapping.questions.get(key)
    if question is None or to is None or to == DROP:
        (mapped.dropped if to == DROP else mapped.lost).append(f"{key}: {', '.join(values)[:200]}")
        return None, []
    if question.kind == "text":
        return to, list(values)
    moved = []
    for value in values:
        new = mapping.choices.get((key, value))
        if new is None or new == DROP:
            (mapped.dropped if new == DROP else mapped.lost).append(f"{key}: {value}")
        elif new not in moved:
            moved.append(new)
    return to, moved


def _map_span(after: Codebook, span: Mapping[str, Any], to: str, mapped: Mapped) -> dict[str, Any]:
    """The span under its new label, with the attributes that this label has, too."""
    label = after.label(to)
    assert label is not None
    known = {attribute.key: {c.key for c in attribute.choices} for attribute in label.attributes}
    kept = {}
    for key, value in span.get("attributes", {}).items():
        if value in known.get(key, ()):
            kept[key] = value
        else:
            mapped.lost.append(f"{span['label']}, {key}: {value}")
    new = {**span, "label": to}
    new.pop("attributes", None)
    return {**new, "attributes": kept} if kept else new

"""A codebook's definition as the fields of a form, and back. Pure.

A field is named by its way through the definition: ``questions-2-choices-0-title``. What comes back is a definition
with nothing in it that is empty or the default, lists in the order of their numbers, so that it is the same whether
it was written as YAML or in the form. Whether it is a codebook is for :mod:`annotations.codebook` to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from annotations.codebook import COLOURS, BadDefinition

CHOICE = {"key": "text", "title": "text", "shortcut": "text", "help": "text"}
EXAMPLE = {"text": "text", "answer": "text", "note": "text"}
ATTRIBUTE = {"key": "text", "title": "text", "required": "flag", "choices": CHOICE}
QUESTION = {
    "key": "text",
    "kind": "text",
    "title": "text",
    "help": "text",
    "looks_at": "text",
    "required": "flag",
    "asked_of": "text",
    "roles": "many",
    "segments": "many",
    "when": {"question": "text", "is": "many"},
    "choices": CHOICE,
    "examples": EXAMPLE,
}
LABEL = {
    "key": "text",
    "title": "text",
    "shortcut": "text",
    "colour": "number",
    "segments": "many",
    "parent": "text",
    "help": "text",
    "attributes": ATTRIBUTE,
    "examples": EXAMPLE,
}
BOOK: dict[str, Any] = {"name": "text", "guidelines": "text", "questions": QUESTION, "labels": LABEL}
LISTS = {"questions", "labels", "choices", "attributes", "examples"}
DEFAULTS = {"asked_of": "transcript", "colour": 1}
NEEDED = {"key", "title", "kind", "name", "text", "questions"}  # there even if empty
MOST = 200  # entries of one list
NEW: dict[str, dict[str, Any]] = {
    "questions": {"kind": "single", "choices": [{}, {}]},
    "labels": {},
    "choices": {},
    "attributes": {"choices": [{}, {}]},
    "examples": {},
}


def from_fields(fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The definition that a posted form says. Keys that were left empty are made of their titles."""
    tree: dict[str, Any] = {}
    for name, values in fields.items():
        *way, last = name.split("-")
        place = tree
        for part in way:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                break
        else:
            place[last] = list(values)
    found = _entry(BOOK, tree)
    _fill_keys(found)
    return found


def _entry(shape: Mapping[str, Any], given: Any) -> dict[str, Any]:
    given = given if isinstance(given, dict) else {}
    found: dict[str, Any] = {}
    for name, kind in shape.items():
        value = _value(name, kind, given.get(name))
        if name in NEEDED or value not in (None, "", [], {}, False, DEFAULTS.get(name)):
            found[name] = value
    if shape is QUESTION and found.get("kind") == "text":
        found.pop("choices", None)
    return found


def _value(name: str, kind: Any, given: Any) -> Any:
    if name in LISTS:
        numbered = [(int(n), each) for n, each in (given or {}).items() if re.fullmatch(r"\d{1,4}", n)]
        return [_entry(kind, each) for _, each in sorted(numbered, key=lambda pair: pair[0])][:MOST]
    if isinstance(kind, dict):  # when: nothing without a question
        found = _entry(kind, given)
        return {"question": found["question"], "is": found.get("is", [])} if found.get("question") else None
    values = [each.replace("\r\n", "\n") for each in given] if isinstance(given, list) else []
    if kind == "many":
        return values
    text = values[-1] if values else ""
    if kind == "flag":
        return bool(text)
    if kind == "number":
        return int(text) if re.fullmatch(r"\d{1,4}", text) else DEFAULTS[name]
    return text


def _fill_keys(definition: dict[str, Any]) -> None:
    for name in ("questions", "labels"):
        _fill(definition.get(name, []), name[:-1])
        for entry in definition.get(name, []):
            _fill(entry.get("choices", []), "choice")
            _fill(entry.get("attributes", []), "attribute")
            for attribute in entry.get("attributes", []):
                _fill(attribute.get("choices", []), "choice")


def _fill(entries: Sequence[dict[str, Any]], what: str) -> None:
    taken = {entry["key"] for entry in entries}
    for entry in entries:
        if entry["key"] or not entry["title"].strip():
            continue
        stem = re.sub(r"[^a-z0-9]+", "_", entry["title"].lower()).strip("_")[:50] or what
        key = next(k for n in range(1, MOST + 2) if (k := stem if n == 1 else f"{stem}_{n}") not in taken)
        taken.add(key)
        entry["key"] = key


def tidy(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that is a codebook as :func:`from_fields` would have given it."""
    return _tidy(BOOK, definition)


def check_known(definition: Mapping[str, Any]) -> None:
    """Raises BadDefinition for a field that there is not: a word misspelt would else be left out in silence."""
    _check_known({**BOOK, "imported": "flag"}, definition, "the codebook")


def _check_known(shape: Mapping[str, Any], given: Mapping[str, Any], where: str) -> None:
    for name, value in given.items():
        if name not in shape:
            raise BadDefinition(
                f"{where}: there is no {str(name)[:40]!r} here; there are {', '.join(shape)}."
            )
        if name in LISTS:
            for each in value or ():
                _check_known(shape[name], each, each.get("key") or f"{where}, {name}")
        elif isinstance(shape[name], dict) and value:
            _check_known(shape[name], value, f"{where}, {name}")


def _tidy(shape: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in shape.items():
        value = given.get(name)
        if name in LISTS:
            value = [_tidy(kind, each) for each in value or ()]
        elif isinstance(kind, dict):
            value = {"question": value["question"], "is": list(value["is"])} if value else None
        elif kind == "many":
            value = list(value or ())
        elif kind == "number":
            value = int(value or DEFAULTS[name])
        if name in NEEDED or value not in (None, "", [], {}, False, DEFAULTS.get(name)):
            found[name] = "" if value is None else value
    if shape is QUESTION and found.get("kind") == "text":
        found.pop("choices", None)
    return found


def to_fields(definition: Mapping[str, Any]) -> dict[str, list[str]]:
    """The fields of a tidy definition, as a browser would post them."""
    found: dict[str, list[str]] = {}
    _write(definition, "", found)
    return found


def _write(value: Any, way: str, found: dict[str, list[str]]) -> None:
    for name, each in value.items():
        here = f"{way}{name}"
        if name in LISTS:
            for number, entry in enumerate(each):
                _write(entry, f"{here}-{number}-", found)
        elif isinstance(each, dict):
            _write(each, f"{here}-", found)
        elif isinstance(each, list):
            found[here] = [str(one) for one in each]
        elif each is not False:
            found[here] = ["1" if each is True else str(each)]


class NoSuchStep(ValueError):
    """The step names nothing that is there."""


def step(definition: dict[str, Any], do: str) -> tuple[dict[str, Any], str]:
    """``add:questions-1-choices``, ``remove:…-2``, ``up:…-2``, ``down:…-2`` done; and the path to go on at."""
    what, _, path = do.partition(":")
    definition = deepcopy(definition)
    if what == "add":
        entries, name = _list_at(definition, path)
        if len(entries) >= MOST:
            raise NoSuchStep(f"There are at most {MOST} {name}.")
        entries.append(_new(name, entries))
        return definition, f"{path}-{len(entries) - 1}"
    way, _, number = path.rpartition("-")
    entries, _ = _list_at(definition, way)
    if not re.fullmatch(r"\d{1,4}", number) or int(number) >= len(entries):
        raise NoSuchStep("There is no such entry any more.")
    at = int(number)
    if what == "remove":
        del entries[at]
        return definition, f"{way}-{min(at, len(entries) - 1)}" if entries else way
    if what not in ("up", "down"):
        raise NoSuchStep("There is no such step.")
    to = max(0, at - 1) if what == "up" else min(len(entries) - 1, at + 1)
    entries.insert(to, entries.pop(at))
    return definition, f"{way}-{to}"


def _new(name: str, entries: Sequence[Any]) -> dict[str, Any]:
    shapes = {"questions": QUESTION, "labels": LABEL, "choices": CHOICE, "attributes": ATTRIBUTE}
    made = _tidy(shapes.get(name, EXAMPLE), NEW[name])
    if name == "labels":
        used = {entry.get("colour", 1) for entry in entries}
        made["colour"] = next((colour for colour in COLOURS if colour not in used), 1)
    return made


def _list_at(definition: dict[str, Any], path: str) -> tuple[list[Any], str]:
    place: Any = definition
    parts = path.split("-")
    for number, part in enumerate(parts):
        if isinstance(place, list) and re.fullmatch(r"\d{1,4}", part) and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict) and part in LISTS and (part in place or number == len(parts) - 1):
            place = place.setdefault(part, [])
        else:
            raise NoSuchStep("There is no such list.")
    if not isinstance(place, list):
        raise NoSuchStep("There is no such list.")
    return place, parts[-1]

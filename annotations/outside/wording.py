"""What a label file says, as answers and as a codebook definition that fits them. Pure.

Nothing is translated: a question's key is the file's word, and so is each of its choices. Definitions only
grow: what an earlier one allowed, a later one allows too, and the same words again change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annotations.codebook import COLOURS, KEY_LENGTH, MAX_TEXT
from transcripts.readers.json_values import scalar_text

MAX_QUESTIONS = 100
MAX_CHOICES = 100  # a question with more different answers holds text
MAX_LABELS = 200
MAX_CHARACTERS = 500_000  # of a definition, as JSON

Answers = Mapping[str, Sequence[str]]


def answers_in(given: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Answers as {question: [value, …]}, and a sentence for each that cannot be kept.

    Numbers and truth values become the text that JSON writes; null and blank text are no answer.
    """
    clean: dict[str, list[str]] = {}
    problems: list[str] = []
    for key, value in given.items():
        listed = value if isinstance(value, list | tuple) else [value]
        texts = [scalar_text(item) for item in listed if item is not None]
        texts = list(dict.fromkeys(text for text in texts if text.strip()))
        if not texts:
            continue
        if not 0 < len(key) <= KEY_LENGTH:
            problems.append(f"The question “{key[:60]}” has no name of 1 to {KEY_LENGTH} characters.")
        elif sum(map(len, texts)) > MAX_TEXT:
            problems.append(f"The answer to “{key[:60]}” has more than {MAX_TEXT:,} characters.")
        else:
            clean[key] = texts
    return clean, problems


def allowed(definition: Mapping[str, Any], answers: Answers) -> tuple[dict[str, list[str]], list[str]]:
    """The answers whose questions the definition has, and a sentence for each of the others."""
    known = {question["key"] for question in definition["questions"]}
    clean = {key: list(values) for key, values in answers.items() if key in known}
    problems = [
        f"The file has more than {MAX_QUESTIONS} questions; “{key[:60]}” is one too many."
        for key in answers
        if key not in known
    ]
    return clean, problems


def grown(
    before: Mapping[str, Any] | None, name: str, seen: Iterable[Answers], labels: Iterable[str]
) -> dict[str, Any]:
    """A definition that has room for ``seen`` and ``labels``, and for all that ``before`` had room for.

    Equal to ``before`` if nothing is new. Questions and labels beyond the limits are left out.
    """
    questions: dict[str, dict[str, Any]] = {q["key"]: {**q} for q in (before or {}).get("questions", ())}
    for answers in seen:
        for key, values in answers.items():
            if key in questions or len(questions) < MAX_QUESTIONS:
                question = questions.setdefault(key, _question(key))
                _admit(question, values)
    known = {label["key"]: label for label in (before or {}).get("labels", ())}
    for label in labels:
        if label not in known and len(known) < MAX_LABELS:
            colour = COLOURS[len(known) % len(COLOURS)]
            known[label] = {"key": label, "title": label, "colour": colour}
    definition = {
        "name": before["name"] if before else name,
        "imported": True,
        "questions": list(questions.values()),
        "labels": list(known.values()),
    }
    while len(json.dumps(definition, ensure_ascii=False)) > MAX_CHARACTERS:
        _to_text(max(questions.values(), key=lambda question: len(str(question.get("choices", "")))))
    return definition


def _question(key: str) -> dict[str, Any]:
    return {"key": key, "kind": "single", "title": key, "choices": []}


def _admit(question: dict[str, Any], values: Sequence[str]) -> None:
    """Let ``values`` be an answer to the question: as choices, or as text where they are no choices."""
    if question["kind"] == "text":
        return
    choices = dict.fromkeys([choice["key"] for choice in question["choices"]])
    choices.update(dict.fromkeys(values))
    if len(choices) > MAX_CHOICES or any(map(_is_prose, values)):
        _to_text(question)
        return
    question["choices"] = [{"key": choice, "title": choice} for choice in choices]
    if len(values) > 1:
        question["kind"] = "multiple"


def _is_prose(value: str) -> bool:
    return len(value) > KEY_LENGTH or "\n" in value or "\r" in value


def _to_text(question: dict[str, Any]) -> None:
    question["kind"] = "text"
    question.pop("choices", None)

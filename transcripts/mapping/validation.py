"""Whether a mapping is of the documented shape, and if not, where and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from transcripts.arms import ROLES
from transcripts.outcomes import OUTCOMES
from transcripts.text import storable

# What a field of a row can be for us, in the order in which a person is shown them, and how it is called in a sentence.
FIELDS: dict[str, str] = {
    "messages": "the messages",
    "system": "the system prompt",
    "prompt": "the prompt",
    "scratchpad": "the scratchpad",
    "response": "the response",
    "model": "the model",
    "setting": "the setting",
    "checkpoint": "the checkpoint",
    "training_step": "the training step",
    "goal_nudge": "the goal nudge",
    "arm": "the arm",
    "prompt_id": "the prompt’s id",
    "sample": "the number of the sample",
    "family": "the family of prompts",
    "external_id": "the transcript’s id",
    "label": "a person’s label",
    "annotator": "who gave the label",
}
MAX_PATH = 500
MAX_SCORES = 100
MAX_NAME = 200

_PARTS = ("fields", "scores", "arms", "outcomes")


def validate(mapping: Any) -> None:
    """Raise ValueError with a sentence that names the place, if the mapping cannot be used."""
    if not isinstance(mapping, Mapping):
        raise ValueError(
            'A mapping is an object like {"fields": {"prompt": "question", "response": "answer"}}'
            ' or {"outcomes": {"judge": {"value": "complied"}}}.'
        )
    _known(mapping, _PARTS, "a part of a mapping")
    if "fields" in mapping:
        _check_fields(mapping["fields"])
    if "scores" in mapping:
        _check_scores(mapping["scores"])
    if "arms" in mapping:
        _check_arms(mapping["arms"])
    if "outcomes" in mapping:
        _check_outcomes(mapping["outcomes"])


def _check_fields(fields: Any) -> None:
    if not isinstance(fields, Mapping):
        raise ValueError('“fields” must be an object like {"prompt": "question", "response": "answer"}.')
    _known(fields, tuple(FIELDS), "a field of ours")
    for name, path in fields.items():
        _check_path(path, f"“fields”, “{name}”")
    if "messages" not in fields and "response" not in fields:
        raise ValueError(
            "“fields” must say where the response is, or the messages: one of the two is needed."
        )
    if "annotator" in fields and "label" not in fields:
        raise ValueError("“fields” says who gave a label (“annotator”), but not where the “label” is.")


def _check_scores(scores: Any) -> None:
    if not isinstance(scores, list):
        raise ValueError('“scores” must be a list of fields, like ["correct", "judge.score"].')
    if len(scores) > MAX_SCORES:
        raise ValueError(f"“scores” names {len(scores)} fields; at most {MAX_SCORES} can be read.")
    for number, path in enumerate(scores, 1):
        _check_path(path, f"“scores”, number {number},")
    if len(set(scores)) < len(scores):
        twice = next(path for path in scores if scores.count(path) > 1)
        raise ValueError(f"“scores” names {_quoted(twice)} twice.")


def _check_path(path: Any, place: str) -> None:
    if not isinstance(path, str) or not path.strip():
        raise ValueError(f"{place} must name a field of the file, as text.")
    if len(path) > MAX_PATH:
        raise ValueError(f"{place} is longer than {MAX_PATH} characters.")
    _check_storable(path, place)


def _check_arms(arms: Any) -> None:
    if not isinstance(arms, Mapping):
        raise ValueError(
            '“arms” must be an object: for each value of the arm its role, like {"free": {"role": "monitored"}}.'
        )
    for value, arm in arms.items():
        place = f"“arms”, {_quoted(value)}"
        if not isinstance(value, str):
            raise ValueError(f"{place}: the value must be text.")
        _check_storable(value, place)
        if not isinstance(arm, Mapping):
            raise ValueError(f'{place} must be an object like {{"role": "monitored"}}.')
        _known(arm, ("name", "role"), f"known of an arm ({place})")
        if arm.get("role") not in ROLES:
            raise ValueError(f"{place}: the “role” must be one of {', '.join(ROLES)}.")
        name = arm.get("name", value)
        if "name" in arm and (not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME):
            raise ValueError(f"{place}: the “name” must be a text of 1 to {MAX_NAME} characters.")
        _check_storable(name, place)


def _check_outcomes(outcomes: Any) -> None:
    if not isinstance(outcomes, Mapping):
        raise ValueError("“outcomes” must be an object: for each judge, its values and what they mean.")
    for judge, values in outcomes.items():
        if not isinstance(judge, str) or not isinstance(values, Mapping):
            raise ValueError(
                f"“outcomes”, {_quoted(judge)} must be an object of the judge’s values and outcomes."
            )
        _check_storable(judge, "“outcomes”")
        for value, outcome in values.items():
            place = f"“outcomes”, judge {_quoted(judge)}, value {_quoted(value)}"
            if not isinstance(value, str):
                raise ValueError(f"{place}: the value must be text.")
            _check_storable(value, place)
            if outcome not in OUTCOMES:
                words = ", ".join(OUTCOMES)
                raise ValueError(f"{place}: {_quoted(outcome)} is not an outcome; use one of {words}.")


def _known(given: Mapping[Any, Any], names: Collection[str], what: str) -> None:
    for key in given:
        if key not in names:
            raise ValueError(f"{_quoted(key)} is not {what}: use {', '.join(names)}.")


def _check_storable(text: str, place: str) -> None:
    if storable(text) != text:
        raise ValueError(f"{place} holds a character that cannot be stored (NUL or half a surrogate pair).")


def _quoted(value: Any) -> str:
    if isinstance(value, list | tuple | dict):  # might be large, and nested deeper than can be written out
        return "an object" if isinstance(value, dict) else "a list"
    text = storable(value if isinstance(value, str) else repr(value))
    return f"“{text[:80]}…”" if len(text) > 80 else f"“{text}”"

"""A mapping proposed from the first rows of a file, with the reason for every choice.

Evidence, strongest first: the usual name of a field whose values fit, a name that is used for other things
too, then what the values look like (words that speak of an arm, numbers that tell repetitions apart, long text).
A person sees all of it and may change it; only where prompt and response have usual names is it good
enough to read a file without asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transcripts.mapping.arms import role_said
from transcripts.mapping.choosing import Choice, Chooser
from transcripts.mapping.names import POSSIBLE, USUAL, suggested_outcome
from transcripts.mapping.paths import last_word
from transcripts.mapping.survey import MAX_FIELDS, MAX_ROWS, MAX_VALUES, NOTHING, Field, survey


@dataclass(frozen=True, slots=True)
class SeenValue:
    """One value of an arm or a score, in how many rows, and what it may mean.

    ``meaning`` is a role (of an arm) or an outcome (of a score) or ""; ``why`` says how we come to it. An outcome
    is never more than a suggestion: what a score means is its scorer's to say, so somebody must confirm it.
    """

    value: str
    count: int
    meaning: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class SeenValues:
    """The distinct values of a field that was taken for an arm or a score, the most frequent first."""

    target: str  # arm or scores
    field: str
    values: tuple[SeenValue, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class SeenField:
    """A field of the file: its path, what its values are, one of them (80 characters at most), in how many rows."""

    path: str
    kind: str
    example: str
    filled: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the fields of a file seem to mean. ``mapping`` is of the documented shape, or {} if there is no response."""

    mapping: Mapping[str, Any]
    choices: tuple[Choice, ...]
    values: tuple[SeenValues, ...]
    fields: tuple[SeenField, ...]
    rows: int
    is_sure: bool
    has_more_fields: bool = False

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values that can be stored and shown."""
        lists = {
            name: [asdict(item) for item in getattr(self, name)] for name in ("choices", "values", "fields")
        }
        for seen in lists["values"]:
            seen["values"] = list(seen["values"])
        return {
            "mapping": dict(self.mapping),
            **lists,
            "rows": self.rows,
            "is_sure": self.is_sure,
            "has_more_fields": self.has_more_fields,
        }

    def in_words(self) -> str:
        """The choices as part of a sentence: prompt = question, response = raw."""
        return ", ".join(f"{choice.target} = {choice.field}" for choice in self.choices)


def propose(rows: Sequence[Mapping[str, Any]]) -> Proposal:
    """What the fields of these rows seem to mean; only the first 200 are looked at."""
    rows = rows[:MAX_ROWS]
    fields = survey(rows, _usual_names())
    chooser = Chooser(rows, fields)
    choices = chooser.choices
    chosen = {choice.target: choice.field for choice in choices if choice.target != "scores"}
    scores = [choice.field for choice in choices if choice.target == "scores"]
    mapping: dict[str, Any] = {}
    values = _values(fields, chosen.get("arm", ""), scores)
    if "messages" in chosen or "response" in chosen:
        mapping["fields"] = chosen
        if scores:
            mapping["scores"] = scores
        arms = {item.value: {"role": item.meaning} for item in _arm_values(values) if item.meaning}
        if arms:
            mapping["arms"] = arms
    return Proposal(
        mapping=mapping,
        choices=choices,
        values=values,
        fields=tuple(SeenField(f.path, f.kind, f.example, f.n_filled) for f in fields.values()),
        rows=len(rows),
        is_sure=chooser.is_sure,
        has_more_fields=len(fields) >= MAX_FIELDS,
    )


def values_of(rows: Sequence[Mapping[str, Any]], arm: str, scores: Sequence[str]) -> list[dict[str, Any]]:
    """The values of other fields than the proposed ones, as JSON like that of the proposal; ``arm`` may be ""."""
    found = _values(survey(rows[:MAX_ROWS], _usual_names()), arm, scores)
    return [{**asdict(seen), "values": [asdict(value) for value in seen.values]} for seen in found]


def _values(fields: Mapping[str, Field], arm: str, scores: Sequence[str]) -> tuple[SeenValues, ...]:
    values = []
    if arm in fields:
        field = fields[arm]
        seen = tuple(SeenValue(v, n, *role_said(last_word(arm), v)) for v, n in _frequent(field))
        values.append(_seen("arm", field, seen))
    for path in scores:
        if path in fields:
            judged = tuple(_score_value(path, value, count) for value, count in _frequent(fields[path]))
            values.append(_seen("scores", fields[path], judged))
    return tuple(values)


def _arm_values(values: Sequence[SeenValues]) -> Sequence[SeenValue]:
    return next((seen.values for seen in values if seen.target == "arm"), ())


def _usual_names() -> Iterable[str]:
    return (name for table in (USUAL, POSSIBLE) for names in table.values() for name in names)


def _frequent(seen: Field) -> list[tuple[str, int]]:
    """The values with their counts; a blank one is a value too, since it can be given a meaning."""
    counts = [*seen.values.most_common(MAX_VALUES)]
    blank = seen.kinds[NOTHING]
    return [*counts[: MAX_VALUES - 1], ("", blank)] if blank else counts


def _score_value(path: str, value: str, count: int) -> SeenValue:
    meaning = suggested_outcome(path, value)
    return SeenValue(value, count, meaning, "only a suggestion: please confirm" if meaning else "")


def _seen(target: str, seen: Field, values: tuple[SeenValue, ...]) -> SeenValues:
    return SeenValues(target, seen.path, values, seen.has_more or len(seen.values) > MAX_VALUES)

"""The mapping as a form and back: selects for our fields, the arm's values and the judges' words.

What the form does not show (values that did not occur in the first rows, the judge ``*``) stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.http import QueryDict

from transcripts.ingest.options import BadOption
from transcripts.mapping import FIELDS

MAIN = ("messages", "system", "prompt", "scratchpad", "response", "arm", "model", "prompt_id", "sample")
MOST_JUDGES = 25  # whose words are shown: more would be more than a form may hold
MOST_WORDS = 20


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One of our fields: which of the file's it is (``path`` "" for none), and why that was proposed."""

    name: str
    title: str
    path: str
    why: str
    is_sure: bool
    example: str


@dataclass(frozen=True, slots=True)
class ArmRow:
    number: int
    value: str
    count: int
    name: str
    role: str
    why: str


@dataclass(frozen=True, slots=True)
class WordRow:
    """A judge's word, its meaning now, and what each choice of the form would send."""

    value: str
    count: int
    outcome: str
    why: str
    suggested: str
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JudgeRow:
    path: str
    words: Sequence[WordRow]
    more: bool


@dataclass(frozen=True, slots=True)
class MappingForm:
    paths: Sequence[Mapping[str, Any]]
    main: Sequence[FieldRow]
    others: Sequence[FieldRow]
    scores: Sequence[str]  # with "" at the end, for one more
    arms: Sequence[ArmRow] = ()
    judges: Sequence[JudgeRow] = ()
    json: str = ""
    shown_for: str = ""  # the fields whose values are shown
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def others_are_used(self) -> bool:
        return any(row.path for row in self.others)


def as_text(mapping: Mapping[str, Any]) -> str:
    return orjson.dumps(mapping, option=orjson.OPT_INDENT_2).decode()


def values_wanted(mapping: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The arm's field and the scores, whose values a form must show."""
    fields = mapping.get("fields")
    arm = fields.get("arm", "") if isinstance(fields, Mapping) else ""
    return arm, list(mapping.get("scores") or [])


def form_of(mapping: Mapping[str, Any], proposal: Mapping[str, Any], seen: Sequence[Any]) -> MappingForm:
    """``proposal`` and ``seen`` as :mod:`transcripts.mapping.proposal` writes them; ``mapping`` is valid."""
    examples = {each["path"]: each["example"] for each in proposal.get("fields", ())}
    why = {(each["target"], each["field"]): each for each in proposal.get("choices", ())}
    given = mapping.get("fields") or {}
    rows = []
    for name, title in FIELDS.items():
        path = given.get(name, "")
        choice = why.get((name, path), {})
        sure = choice.get("confidence") == "sure"
        rows.append(FieldRow(name, title, path, choice.get("why", ""), sure, examples.get(path, "")))
    paths = list(proposal.get("fields", ()))
    scores = list(mapping.get("scores") or ())
    named = [*given.values(), *scores]
    paths += [
        {"path": path, "kind": "", "example": ""} for path in dict.fromkeys(named) if path not in examples
    ]
    main = [row for name in MAIN for row in rows if row.name == name]
    return MappingForm(
        paths=paths,
        main=main,
        others=[row for row in rows if row.name not in MAIN],
        scores=[*scores, ""],
        arms=list(_arms(mapping, seen)),
        judges=list(_judges(mapping, seen)),
        json=as_text(mapping),
        shown_for=orjson.dumps(values_wanted(mapping)).decode(),
    )


def _arms(mapping: Mapping[str, Any], seen: Sequence[Any]) -> Iterator[ArmRow]:
    chosen = mapping.get("arms") or {}
    values = next((each["values"] for each in seen if each["target"] == "arm"), [])
    for number, each in enumerate(values):
        arm = chosen.get(each["value"], {})
        name = arm.get("name", "")
        yield ArmRow(number, each["value"], each["count"], name, arm.get("role", ""), each["why"])


def _judges(mapping: Mapping[str, Any], seen: Sequence[Any]) -> Iterator[JudgeRow]:
    outcomes = mapping.get("outcomes") or {}
    for judge in [each for each in seen if each["target"] == "scores"][:MOST_JUDGES]:
        path, known = judge["field"], outcomes.get(judge["field"], {})
        words = [
            WordRow(
                each["value"],
                each["count"],
                known.get(each["value"], ""),
                each["why"],
                each["meaning"],
                word_choices(path, each["value"]),
            )
            for each in judge["values"][:MOST_WORDS]
        ]
        yield JudgeRow(path, words, judge["has_more"] or len(judge["values"]) > MOST_WORDS)


def word_choices(judge: str, word: str) -> dict[str, str]:
    """What the form sends for each meaning of a judge's word: one field, however many words there are."""
    meanings = ("", "complied", "partly", "refused", "unclear")
    return {meaning: orjson.dumps([judge, word, meaning]).decode() for meaning in meanings}


def mapping_from(data: QueryDict) -> dict[str, Any]:
    """The mapping that the form says: its JSON if that is chosen, else its fields. Raises BadOption."""
    text = data.get("json", "").strip()
    try:
        written = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        if data.get("use") == "json":
            raise BadOption("json", f"This is not JSON: {error}.") from error
        written = {}
    if data.get("use") == "json":
        if not isinstance(written, dict):
            raise BadOption("json", "A mapping is an object, in braces.")
        return written
    return _from_fields(data, written if isinstance(written, dict) else {})


def _from_fields(data: QueryDict, before: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: path for name in FIELDS if (path := data.get(f"field.{name}", ""))}
    scores = list(dict.fromkeys(path for path in data.getlist("score") if path))
    mapping: dict[str, Any] = {"fields": fields}
    if scores:
        mapping["scores"] = scores
    if arms := _arms_from(data, before, fields.get("arm", "")):
        mapping["arms"] = arms
    if outcomes := _outcomes_from(data, before, scores):
        mapping["outcomes"] = outcomes
    return mapping


def _part(mapping: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = mapping.get(name)
    return part if isinstance(part, Mapping) else {}


def _arms_from(data: QueryDict, before: Mapping[str, Any], path: str) -> dict[str, Any]:
    arms = dict(_part(before, "arms")) if _part(before, "fields").get("arm", "") == path else {}
    if data.get("shown_arm", "") != path:  # the values shown were those of another field
        return arms
    for number in range(len([key for key in data if key.startswith("arm_value.")])):
        value, role = data.get(f"arm_value.{number}", ""), data.get(f"arm_role.{number}", "")
        arms.pop(value, None)
        if role:
            name = data.get(f"arm_name.{number}", "").strip()
            arms[value] = {"name": name, "role": role} if name else {"role": role}
    return arms


def _outcomes_from(data: QueryDict, before: Mapping[str, Any], scores: Sequence[str]) -> dict[str, Any]:
    kept = {
        judge: dict(values)
        for judge, values in _part(before, "outcomes").items()
        if (judge in scores or judge == "*") and isinstance(values, Mapping)
    }
    for choice in data.getlist("outcome"):
        try:
            judge, word, meaning = orjson.loads(choice)
        except (ValueError, TypeError) as error:
            raise BadOption("outcome", "A choice of the form cannot be read; reload the page.") from error
        if judge not in scores or not isinstance(word, str):
            continue
        kept.setdefault(judge, {}).pop(word, None)
        if meaning:
            kept[judge][word] = meaning
    return {judge: values for judge, values in kept.items() if values}

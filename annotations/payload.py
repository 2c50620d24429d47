"""What an annotator says of one unit, whole: checked before it is stored, in one place. Pure.

As JSON; what is empty is left out, so that a payload of an earlier version reads the same::

    {"answers": {question: [value, …]},           of the transcript; in rounds of pairs, of the pair
     "sides": {"17": {question: [value, …]}},      pairs only: answers of the transcript, for each of the two
     "places": [{"question", "message", "start"?, "transcript"?, "values"}],
     "spans": [{"message", "start", "end", "label", "quote", "attributes"?, "comment"?, "transcript"?}],
     "comment": "…", "flag": "…",                   of the whole; a flag asks the lead to look
     "suggestions": [{"id", "decision"}]}           accepted, rejected or only seen, in the order of meeting
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotations.answers import Answers, Placed, check_answers, check_placed, text_problem
from annotations.codebook import Codebook
from annotations.spans import CheckedSpan, check_spans
from transcripts.records import Message

FIELDS = ("answers", "sides", "places", "spans", "comment", "flag", "suggestions")
DECISIONS = ("accepted", "rejected", "seen")
MAX_SUGGESTIONS = 1_000


@dataclass(frozen=True)
class Payload:
    """Checked. ``sides`` and ``places`` go by transcript id; a unit that is one transcript has the id 0 there."""

    answers: Answers = field(default_factory=dict)
    sides: Mapping[int, Answers] = field(default_factory=dict)
    places: Mapping[int, Sequence[Placed]] = field(default_factory=dict)
    spans: Sequence[CheckedSpan] = ()
    comment: str = ""
    flag: str = ""
    suggestions: Sequence[Mapping[str, str]] = ()

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"answers": self.answers, "spans": [span.as_json() for span in self.spans]}
        if any(self.sides.values()):
            said["sides"] = {str(pk): answers for pk, answers in self.sides.items() if answers}
        placed = [
            {**each.as_json(), **({"transcript": pk} if pk else {})}
            for pk, found in self.places.items()
            for each in found
        ]
        more = {
            "places": placed,
            "comment": self.comment,
            "flag": self.flag,
            "suggestions": [dict(each) for each in self.suggestions],
        }
        return said | {name: value for name, value in more.items() if value}


def check(
    book: Codebook, texts: Mapping[int, Sequence[Message]], given: Mapping[str, Any], *, complete: bool
) -> tuple[Payload, dict[str, str]]:
    """The payload in ``given`` and the problems by field; with any problem, nothing is to be saved.

    ``texts`` are the messages by transcript id: ``{0: …}`` where the unit is one transcript. ``complete`` also asks
    for everything that is required.
    """
    is_pair = 0 not in texts
    problems: dict[str, str] = {}
    if unknown := [str(name)[:40] for name in given if name not in FIELDS]:
        problems[unknown[0]] = f"There is no such field; there are {', '.join(FIELDS)}."
    answers, wrong = _answers(book, given.get("answers", {}), "pair" if is_pair else "transcript", complete)
    problems |= wrong
    sides = {0: answers}
    if is_pair:
        sides, wrong = _sides(book, texts, given.get("sides", {}), complete)
        problems |= wrong
    elif given.get("sides"):
        problems["sides"] = "sides are for pairs; this unit is one transcript."
    places, wrong = _places(book, texts, given.get("places", []), sides, complete)
    problems |= wrong
    spans, wrong = check_spans(
        book, texts if is_pair else texts[0], given.get("spans", []), complete=complete
    )
    problems |= {f"spans.{at}" if at else "spans": words for at, words in wrong.items()}
    words = {}
    for name in ("comment", "flag"):
        words[name] = given.get(name, "")
        if not isinstance(words[name], str):
            problems[name] = "Give a text."
        elif problem := text_problem([words[name]]):
            problems[name] = problem
    suggestions, problem = _suggestions(given.get("suggestions", []))
    if problem:
        problems["suggestions"] = problem
    if problems:
        return Payload(), problems
    return Payload(answers, sides if is_pair else {}, places, spans, **words, suggestions=suggestions), {}


def _answers(book: Codebook, given: Any, asked_of: str, complete: bool) -> tuple[Answers, dict[str, str]]:
    if not isinstance(given, Mapping):
        return {}, {"answers": "Give an object: a list of values for each question."}
    return check_answers(book, given, complete=complete, asked_of=asked_of)


def _sides(
    book: Codebook, texts: Mapping[int, Any], given: Any, complete: bool
) -> tuple[dict[int, Answers], dict[str, str]]:
    if not isinstance(given, Mapping):
        return {}, {"sides": "Give an object: answers for each transcript of the pair."}
    names = {str(pk): pk for pk in texts}
    if unknown := [name for name in given if name not in names]:
        return {}, {"sides": f"Transcript {str(unknown[0])[:20]} is not one of this pair’s that are shown."}
    sides: dict[int, Answers] = {}
    problems: dict[str, str] = {}
    for name, pk in names.items():
        sides[pk], wrong = _answers(book, given.get(name, {}), "transcript", complete)
        problems |= {f"sides.{name}.{key}": words for key, words in wrong.items()}
    return sides, problems


def _places(
    book: Codebook,
    texts: Mapping[int, Sequence[Message]],
    given: Any,
    sides: Mapping[int, Answers],
    complete: bool,
) -> tuple[dict[int, list[Placed]], dict[str, str]]:
    if not isinstance(given, list):
        return {}, {"places": "Give a list of answers with their places."}
    by_side: dict[int, list[tuple[int, Any]]] = {pk: [] for pk in texts}
    problems: dict[str, str] = {}
    for number, each in enumerate(given):
        pk, rest = 0, each
        if isinstance(each, Mapping) and "transcript" in each:
            pk, rest = (
                each["transcript"],
                {name: value for name, value in each.items() if name != "transcript"},
            )
        if type(pk) is not int or pk not in by_side:
            problems[f"places.{number}"] = "Name the transcript of the pair that it speaks of."
        else:
            by_side[pk].append((number, rest))
    found: dict[int, list[Placed]] = {}
    for pk, numbered in by_side.items():
        each = [rest for _, rest in numbered]
        found[pk], wrong = check_placed(book, texts[pk], each, sides.get(pk, {}), complete=complete)
        for at, words in wrong.items():
            name = f"places.{numbered[int(at)][0]}" if at.isdecimal() else f"places.{at}" if at else "places"
            problems[f"{name}#{pk}" if pk and not at.isdecimal() else name] = words
    return found, problems


def _suggestions(given: Any) -> tuple[list[dict[str, str]], str]:
    if not isinstance(given, list) or len(given) > MAX_SUGGESTIONS:
        return [], f"Give a list of at most {MAX_SUGGESTIONS:,} decisions."
    found: dict[str, dict[str, str]] = {}
    for each in given:
        if not isinstance(each, Mapping) or set(each) != {"id", "decision"}:
            return [], "A decision has an id and a decision."
        pk, decision = each["id"], each["decision"]
        if not isinstance(pk, str) or not 0 < len(pk) <= 100 or decision not in DECISIONS:
            return [], f"A decision is one of {', '.join(DECISIONS)}, on a suggestion’s id."
        found[pk] = {"id": pk, "decision": decision}
    return list(found.values()), ""

"""What the labelling screen is made of: the form's rows as they stand, and the state that its scripts start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annotations.answers import is_asked, places
from annotations.codebook import Codebook, Question
from annotations.labelling.shown import Shown
from annotations.payload import FIELDS
from transcripts.rendering import render_messages

LONG = 60  # messages, from which on what is far from the screen is not laid out
Answers = Mapping[str, Sequence[str]]


def sides(seen: Shown) -> list[dict[str, Any]]:
    """The text's columns: one without a number, or a pair's, by their numbers and without what is hidden."""
    return [
        {
            "number": side.number,
            "prefix": f"side-{side.number}-" if side.number else "",
            "messages": render_messages(side.messages),
            "is_long": len(side.messages) > LONG,
            "arm": None if "arm" in seen.hidden else side.transcript.arm,
            "run": None if "model" in seen.hidden else side.transcript.run,
        }
        for side in seen.sides
    ]


def forms(book: Codebook, seen: Shown, state: Mapping[str, Any]) -> dict[str, Any]:
    """The questions as the form shows them: of the unit, of each side of a pair, and of places (unanswered)."""
    of_sides = book.asked_of("transcript") if seen.is_pair else ()
    said = state.get("sides", {})
    return {
        "questions": rows(book.asked_of("pair" if seen.is_pair else "transcript"), state["answers"]),
        "side_forms": [
            {"number": side.number, "rows": rows(of_sides, said.get(str(side.number), {}), str(side.number))}
            for side in seen.sides
        ]
        if of_sides
        else [],
        "place_rows": rows(
            [question for question in book.questions if question.asked_of in ("message", "segment")], {}, "at"
        ),
    }


def rows(questions: Iterable[Question], answers: Answers, scope: str = "") -> list[dict[str, Any]]:
    """Questions with the answers that are stored, so that the page shows them from the start."""
    made = []
    kept: dict[str, Sequence[str]] = {}
    for question in questions:
        chosen = answers.get(question.key, ())
        asked = is_asked(question, kept)
        if asked:
            kept[question.key] = chosen
        made.append(
            {
                "question": question,
                "scope": scope,
                "id": f"{scope}-{question.key}" if scope else question.key,
                "is_asked": asked,
                "choices": [
                    {"choice": choice, "is_chosen": choice.key in chosen} for choice in question.choices
                ],
                "text": "".join(chosen) if question.kind == "text" else "",
                "layout": _layout(question.kind, [choice.title for choice in question.choices]),
            }
        )
    return made


def _layout(kind: str, titles: list[str]) -> str:
    """How the choices stand: a scale in a row, short ones two by two, else one under the other."""
    if kind == "scale":
        return "options-scale"
    longest = max((len(title) for title in titles), default=0)
    return "options-2" if longest <= (24 if kind == "single" else 16) else ""


def page_state(book: Codebook, seen: Shown, state: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's scripts start from, but for its addresses; see static/js/labelstate.js."""
    return {
        "version": state["version"],
        "status": state["status"],
        **{name: state[name] for name in FIELDS if name in state},
        "text_sha256": seen.sha256,
        "is_pair": seen.is_pair,
        "sides_shown": [side.number for side in seen.sides],
        "lengths": {side.number: [len(message.text) for message in side.messages] for side in seen.sides},
        "asked_at": _asked_at(book, seen),
        "book": {"questions": [_question(each) for each in book.questions], "labels": _labels(book)},
    }


def _asked_at(book: Codebook, seen: Shown) -> list[dict[str, Any]]:
    """The places of which something is asked, in reading order, with the questions' keys."""
    found: dict[tuple[int, int, int], dict[str, Any]] = {}
    for side in seen.sides:
        for question in book.questions:
            for place in places(question, side.messages):
                key = (side.number, place.message, -1 if place.start is None else place.start)
                at: dict[str, Any] = {"transcript": side.number, "message": place.message, "questions": []}
                if place.start is not None:
                    at["start"] = place.start
                found.setdefault(key, at)["questions"].append(question.key)
    return [found[key] for key in sorted(found)]


def _question(question: Question) -> dict[str, Any]:
    when = question.when
    return {
        "key": question.key,
        "kind": question.kind,
        "title": question.title,
        "asked_of": question.asked_of,
        "required": question.required,
        "when": {"question": when.question, "is": list(when.choices)} if when else None,
        "choices": {choice.key: choice.title for choice in question.choices},
    }


def _labels(book: Codebook) -> list[dict[str, Any]]:
    return [
        {
            "key": label.key,
            "title": label.title,
            "colour": label.colour,
            "tag": label.shortcut,
            "segments": list(label.segments),
            "attributes": [
                {
                    "key": attribute.key,
                    "title": attribute.title,
                    "required": attribute.required,
                    "choices": [{"key": choice.key, "title": choice.title} for choice in attribute.choices],
                }
                for attribute in label.attributes
            ],
        }
        for label in book.labels
    ]

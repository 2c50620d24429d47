"""What others think of a task, to be accepted or rejected one by one: today, what the source's judge said.

A round's ``suggestions`` say what is suggested::

    [{"source": "judge", "label": KEY}]        the quotes that the judge gave, as spans of that label
    [{"source": "judge", "question": KEY}]     the judge's outcome, as an answer
    […, "after": true]                         only once the annotator has said something of their own

Ids are hashes, alike for all annotators: they tell nothing of a row. One that begins with ``after`` was shown after
the annotator's own first word, and a decision keeps the id, so that is on record too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from annotations.codebook import Codebook, Question, SpanLabel
from annotations.models import Round, Task
from annotations.spans import kinds_in
from transcripts.models import Verdict

if TYPE_CHECKING:
    from annotations.labelling.shown import Shown, Side
    from transcripts.access import StudyAccess

MOST = 200  # of one task: nobody decides on more
OWN_WORDS = ("answers", "sides", "places", "spans")


def are_hidden(seen: Shown) -> bool:
    return bool(seen.hidden & {"suggestions", "judge"})


def come_later(task: Task, seen: Shown, said: Mapping[str, Any]) -> bool:
    """Whether there is something to suggest once this person, who said ``said`` so far, has said more."""
    waits = any(each.get("after") for each in _wanted(task.round))
    return waits and not are_hidden(seen) and not has_own_word(said)


def has_own_word(said: Mapping[str, Any]) -> bool:
    return any(said.get(name) for name in OWN_WORDS)


def suggestions_for(
    access: StudyAccess, task: Task, seen: Shown, said: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What is suggested to this person, in the offsets of the text as they see it, in reading order.

    Each has ``id``, ``source`` (in words), ``kind`` (``span`` with label, message, start, end, quote; or ``answer``
    with question, values) and, in a pair, ``transcript``: the side's number. ``said`` is their own payload so far.
    """
    if are_hidden(seen):
        return []
    wanted = [each for each in _wanted(task.round) if not each.get("after") or has_own_word(said or {})]
    if not wanted:
        return []
    book = task.round.codebook_version.parsed
    verdicts: dict[int, list[Verdict]] = {}
    for verdict in Verdict.objects.filter(
        transcript__in=[side.transcript.pk for side in seen.sides], transcript__study=access.study
    ).order_by("judge"):
        verdicts.setdefault(verdict.transcript_id, []).append(verdict)
    found: dict[str, dict[str, Any]] = {}
    # Two sides may have the same text; the order of the sides differs between annotators, this one does not.
    for number, side in enumerate(sorted(seen.sides, key=lambda side: side.transcript.pk)):
        own = verdicts.get(side.transcript.pk, [])
        for each in wanted:
            prefix = "after" if each.get("after") else "judge"
            for suggestion in _of(book, each, side, own):
                pk = f"{prefix}-{_hash(number, side, suggestion)}"
                place = {"transcript": side.number} if side.number else {}
                found.setdefault(pk, {"id": pk, **suggestion, **place})
    return sorted(found.values(), key=_reading_order)[:MOST]


def _wanted(round: Round) -> list[Mapping[str, Any]]:
    given = round.suggestions if isinstance(round.suggestions, list) else []
    return [each for each in given if isinstance(each, dict) and each.get("source") == "judge"]


def _of(
    book: Codebook, wanted: Mapping[str, Any], side: Side, verdicts: Iterable[Verdict]
) -> Iterator[dict[str, Any]]:
    label = book.label(str(wanted.get("label", "")))
    question = book.question(str(wanted.get("question", "")))
    for verdict in verdicts:
        if label is not None:
            yield from _quotes(label, side, verdict)
        if question is not None:
            yield from _outcome(question, side, verdict)


def _quotes(label: SpanLabel, side: Side, verdict: Verdict) -> Iterator[dict[str, Any]]:
    for quote in verdict.said["quotes"]:
        index = quote["message"]
        if quote["anchor"] not in ("exact", "normalised") or not 0 <= index < len(side.messages):
            continue
        start, end = side.offsets(index).to_shown(quote["start"], quote["end"])
        message = side.messages[index]
        if not 0 <= start < end <= len(message.text):
            continue
        if label.segments and not kinds_in(message, start, end) <= set(label.segments):
            continue  # it could not be accepted
        yield {
            "kind": "span",
            "source": "judge",
            "label": label.key,
            "message": index,
            "start": start,
            "end": end,
            "quote": message.text[start:end],
        }


def _outcome(question: Question, side: Side, verdict: Verdict) -> Iterator[dict[str, Any]]:
    if question.asked_of == "transcript" and verdict.outcome in question.choice_keys:
        yield {
            "kind": "answer",
            "source": "judge",
            "question": question.key,
            "values": [verdict.outcome],
        }


def _hash(number: int, side: Side, suggestion: Mapping[str, Any]) -> str:
    """Of what is suggested and of which text, so that it tells no id."""
    parts = [
        str(number),
        side.transcript.content_sha256,
        *(f"{suggestion[name]}" for name in sorted(suggestion)),
    ]
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(bytes(part) if not isinstance(part, str) else part.encode("utf-8", "surrogatepass"))
        digest.update(b"\x00")
    return digest.hexdigest()


def _reading_order(suggestion: Mapping[str, Any]) -> tuple[Any, ...]:
    is_span = suggestion["kind"] == "span"
    return (
        is_span,
        suggestion.get("transcript", 0),
        suggestion.get("message", 0),
        suggestion.get("start", 0),
        suggestion.get("end", 0),
        suggestion["id"],
    )

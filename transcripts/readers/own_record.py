"""One record in our own format: the object that ``docs/formats.md`` describes and our export writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcripts.arms import hints_in
from transcripts.outcomes import OUTCOMES
from transcripts.readers.content import message
from transcripts.readers.fields import prompt_of, score_of, text_field, whole_field
from transcripts.readers.json_values import BadRecord, scalar_text, storable_value
from transcripts.readers.own_labels import labels_of, to_stored_offsets
from transcripts.records import (
    SEGMENT_KINDS,
    ArmHint,
    Message,
    Quote,
    RecordFinding,
    RunKey,
    Segment,
    Verdict,
)
from transcripts.segments import PARSE_STATES, segment
from transcripts.text import storable

_TEXTS = ("model", "setting", "checkpoint", "goal_nudge", "arm", "role", "prompt", "family", "external_id")
_KNOWN = {*_TEXTS, "training_step", "prompt_id", "sample", "messages", "verdicts", "metadata"}
# What our export adds to a record: said of the transcript by us or by people, not by its source.
_EXPORTED = {"id", "prompt_scheme", "parse_state", "outcome", "provenance"}
_OURS = {"arm", "role", "prompt_id", "verdicts", "prompt_scheme", "sample"}
ENVELOPE = (*_KNOWN, "content")


def is_own(value: Any) -> bool:
    """Whether an object has messages and, beside them, what only our own format says of them."""
    return isinstance(value, dict) and "messages" in value and not _OURS.isdisjoint(value)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a Record that the object gives. Raises BadRecord."""
    if not isinstance(value, dict):
        raise BadRecord("not_an_object", "The line is not a JSON object.")
    sources = value.get("messages")
    if not isinstance(sources, list) or not sources:
        raise BadRecord("no_messages", "The line has no messages.")
    # Nearly all are short or empty: a call for each would take longer than what it does.
    texts = {key: text_field(value, key) if value.get(key) not in (None, "") else "" for key in _TEXTS}
    findings: list[RecordFinding] = []
    messages = tuple(_message(source, findings) for source in sources)
    # Our export says where an id came from, so that its line finds the prompt that it was written from.
    scheme = "inspect" if value.get("prompt_scheme") == "inspect" else "id"
    prompt, tag_hints = prompt_of(messages, value.get("prompt_id"), texts["prompt"], texts["family"], scheme)
    labels = labels_of(value.get("annotations"), messages, findings)
    metadata = _metadata(value, has_labels=labels is not None)
    hints = tuple(ArmHint("field", key, texts[key]) for key in ("arm", "role") if texts[key])
    step = whole_field(value, "training_step")
    return {
        "run": RunKey(texts["model"], texts["setting"], texts["checkpoint"], step, texts["goal_nudge"]),
        "arm_hints": (*hints, *tag_hints, *hints_in("metadata", metadata)),
        "prompt": prompt,
        "sample": whole_field(value, "sample"),
        "messages": messages,
        "verdicts": _verdicts(value.get("verdicts"), findings),
        "metadata": metadata,
        "labels": labels or (),
        "findings": tuple(findings),
        "external_id": texts["external_id"],
    }


def _message(source: Any, findings: list[RecordFinding]) -> Message:
    built = message(source, findings)
    given = source.get("segments")
    if given is None:
        return built
    segments = _segments(given, built.text) if isinstance(source.get("content"), str) else None
    if segments is None:
        text = "The segments of a message do not cover its text in order; they were found anew."
        findings.append(RecordFinding("segments_invalid", text))
        return built
    state = source.get("parse_state")
    if state not in tuple(PARSE_STATES):
        state = segment(built.text).parse_state if built.role == "assistant" else ""
    return Message(built.role, built.text, built.name, segments, state)


def _segments(given: Any, stored: str) -> tuple[Segment, ...] | None:
    """Segments as our export writes them, or None if they do not cover the text without gap or overlap."""
    found = []
    at = 0
    marks: list[Any]
    forth = to_stored_offsets(stored)
    for item in given if isinstance(given, list) else [None]:
        if not isinstance(item, Mapping) or item.get("kind") not in SEGMENT_KINDS:
            return None
        marks = [item.get(key) for key in ("start", "end", "inner_start", "inner_end")]
        marks[2:] = [marks[0] if marks[2] is None else marks[2], marks[1] if marks[3] is None else marks[3]]
        if not all(type(mark) is int for mark in marks):
            return None
        start, end, inner_start, inner_end = map(forth, marks)
        if start != at or not start <= inner_start <= inner_end <= end:
            return None
        note = storable(str(item.get("note") or ""))
        found.append(Segment(item["kind"], start, end, inner_start, inner_end, note))
        at = end
    return tuple(found) if at == len(stored) else None


def _metadata(value: Mapping[str, Any], has_labels: bool) -> dict[str, Any]:
    """The line's metadata, and beside it whatever fields the format does not know."""
    given = value.get("metadata")
    provenance = value.get("provenance")
    is_ours = isinstance(provenance, Mapping) and "content_sha256" in provenance
    passed_over = _KNOWN | _EXPORTED if is_ours else _KNOWN
    if has_labels:
        passed_over = passed_over | {"annotations"}
    others = {key: item for key, item in value.items() if key not in passed_over}
    if given is not None and not isinstance(given, dict):
        others["metadata"] = given
        given = None
    found: dict[str, Any] = storable_value({**others, **(given or {})})
    return found


def _verdicts(given: Any, findings: list[RecordFinding]) -> tuple[Verdict, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise BadRecord("field_type", "“verdicts” must be a list of objects.")
    found = []
    for item in given:
        outcome = item.get("outcome") or ""
        if outcome and outcome not in OUTCOMES:
            text = f"“{scalar_text(outcome)}” is not an outcome; the verdict is kept without one."
            findings.append(RecordFinding("outcome_unknown", storable(text)))
            outcome = ""
        raw = item.get("value")
        detail = item.get("detail")
        found.append(
            Verdict(
                judge=storable(scalar_text(item.get("judge") or "")),
                value=storable("" if raw is None else scalar_text(raw)),
                score=score_of(item.get("score")),
                explanation=storable(scalar_text(item.get("explanation") or "")),
                outcome=outcome,
                threshold=score_of(item.get("threshold")),
                quotes=_quotes(item.get("quotes")),
                detail=storable_value(detail if isinstance(detail, dict) else {"detail": detail})
                if detail is not None
                else {},
            )
        )
    return tuple(found)


def _quotes(given: Any) -> tuple[Quote, ...]:
    """A judge's quotes: their words. Where these stand is found anew, whatever the source says of it."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise BadRecord("field_type", "“quotes” of a verdict must be a list.")
    found = []
    for item in given:
        text, criterion = (item.get("text"), item.get("criterion")) if isinstance(item, dict) else (item, "")
        if not isinstance(text, str):
            raise BadRecord("field_type", "A quote of a verdict must be text, or an object with “text”.")
        found.append(Quote(storable(text), storable(scalar_text(criterion or ""))))
    return tuple(found)

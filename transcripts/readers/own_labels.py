"""The annotations in a line of our export: what people said of the transcript, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from transcripts.readers.json_values import BadRecord, scalar_text, storable_value
from transcripts.records import HumanLabel, Message, RecordFinding
from transcripts.text import is_escaped, original, storable

_READ = ("annotator", "answers", "spans", "codebook")


def to_stored_offsets(stored: str) -> Callable[[int], int]:
    """From offsets in the original text to offsets in ours: they differ only behind a doubled escape."""
    if not is_escaped(stored):
        return lambda offset: offset
    text = original(stored)
    # What lies outside the text stays outside, for whoever checks it.
    return lambda offset: len(storable(text[:offset])) if 0 <= offset <= len(text) else offset + len(stored)


def labels_of(
    given: Any, messages: tuple[Message, ...], findings: list[RecordFinding]
) -> tuple[HumanLabel, ...] | None:
    """The labels under ``annotations``; None if that is something else, which is then metadata like any other."""
    if not isinstance(given, list) or not all(
        isinstance(item, dict) and "annotator" in item and "answers" in item for item in given
    ):
        return None
    return tuple(_label(item, messages, findings) for item in given)


def _label(
    given: Mapping[str, Any], messages: tuple[Message, ...], findings: list[RecordFinding]
) -> HumanLabel:
    answers, spans = given.get("answers") or {}, given.get("spans") or []
    if not isinstance(answers, dict) or not isinstance(spans, list):
        raise BadRecord("field_type", "The “answers” of an annotation must be an object, its “spans” a list.")
    kept = [span for span in spans if isinstance(span, dict)]
    if len(kept) < len(spans):
        text = f"{len(spans) - len(kept)} spans of an annotation are not objects and were left out."
        findings.append(RecordFinding("span_misfit", text))
    return HumanLabel(
        annotator=storable(scalar_text(given.get("annotator") or "")),
        answers=storable_value(answers),
        spans=tuple(_span(span, messages) for span in kept),
        codebook=_codebook(given.get("codebook")),
        detail=storable_value({key: item for key, item in given.items() if key not in _READ}),
    )


def _span(given: Mapping[str, Any], messages: tuple[Message, ...]) -> dict[str, Any]:
    span: dict[str, Any] = storable_value(dict(given))
    number = given.get("message")
    if type(number) is int and 0 <= number < len(messages):
        forth = to_stored_offsets(messages[number].text)
        for key in ("start", "end"):
            if type(given.get(key)) is int:
                span[key] = forth(given[key])
    return span


def _codebook(given: Any) -> str:
    """``slug@version:sha256``, or whatever the file calls it."""
    if isinstance(given, Mapping) and "slug" in given:
        slug, version, sha256 = (scalar_text(given.get(key) or "") for key in ("slug", "version", "sha256"))
        return storable(f"{slug}@{version}:{sha256}")
    return storable(scalar_text(given)) if given else ""

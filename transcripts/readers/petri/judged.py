"""What Bloom's judge says of a transcript: in the transcript's own metadata, and in a file of judgments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from transcripts.readers.json_values import scalar_text, storable_value
from transcripts.records import Quote, Verdict
from transcripts.text import storable

MAIN = "behavior_presence"


def verdicts(
    scores: Mapping[str, Any],
    judged: Mapping[str, Any],
    judge: Callable[[str], str],
    detail: Mapping[str, Any],
    places: Mapping[str, int],
) -> tuple[Verdict, ...]:
    """One verdict per dimension, the main one first; it carries the words, the quotes and the ``detail``.

    ``judged`` has ``summary``, ``justification``, ``highlights`` and ``individual_samples``; ``judge`` makes a
    judge's name of a dimension; ``places`` are the numbers of the messages that highlights name by id.
    """
    dimensions = sorted(scores, key=lambda dimension: dimension != MAIN)
    texts = [judged.get("summary"), judged.get("justification")]
    explanation = "\n\n".join(text for text in texts if isinstance(text, str) and text)
    quotes, unread = _quotes(judged.get("highlights"), places)
    kept = {**detail, "highlights": unread} if unread else dict(detail)
    if not dimensions and not (explanation or quotes or unread):
        return ()
    found = []
    for number, dimension in enumerate(dimensions or [""]):
        score = scores.get(dimension)
        is_number = isinstance(score, int | float) and not isinstance(score, bool)
        votes = list(_votes(judged.get("individual_samples"), dimension))
        found.append(
            Verdict(
                judge=storable(judge(dimension)),
                value="" if score is None else storable(scalar_text(score)),
                score=float(score) if is_number and abs(score) < 1e300 else None,  # type: ignore[arg-type]
                explanation="" if number else storable(explanation),
                quotes=() if number else quotes,
                detail=storable_value({**({} if number else kept), **({"votes": votes} if votes else {})}),
            )
        )
    return tuple(found)


def _votes(samples: Any, dimension: str) -> Iterator[Any]:
    for sample in samples if isinstance(samples, list) else []:
        if isinstance(sample, Mapping) and dimension in sample:
            yield sample[dimension]


def _quotes(highlights: Any, places: Mapping[str, int]) -> tuple[tuple[Quote, ...], list[Any]]:
    """The quotes, and the highlights that quote nothing."""
    quotes: list[Quote] = []
    unread = []
    for highlight in highlights if isinstance(highlights, list) else []:
        shows = highlight.get("description") if isinstance(highlight, Mapping) else None
        before = len(quotes)
        for part in _parts(highlight):
            text = part.get("quoted_text") if isinstance(part, Mapping) else None
            if isinstance(text, str) and text:
                place = part.get("message_id")
                quotes.append(
                    Quote(
                        storable(text),
                        storable(shows) if isinstance(shows, str) else "",
                        message=places.get(place, -1) if isinstance(place, str) else -1,
                    )
                )
        if len(quotes) == before:
            unread.append(highlight)
    return tuple(quotes), unread


def _parts(highlight: Any) -> list[Any]:
    """Where a highlight quotes: in its parts, or itself."""
    if not isinstance(highlight, Mapping):
        return []
    parts = highlight.get("parts")
    return parts if isinstance(parts, list) else [highlight]

"""The layers that transcripts have of their own: what judges quote, cue words, and what was searched for.

Each gives plain marks; :mod:`transcripts.layers` sorts them. Registered when the application starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import prefetch_related_objects

from transcripts import cues, layers
from transcripts.access import StudyAccess
from transcripts.layers import Layer, Looking
from transcripts.models import Transcript
from transcripts.rendering import Mark
from transcripts.search import matches as search_matches
from transcripts.search.query import BadQuery, Query, parse

MOST = 2_000  # marks of one layer in one transcript: a cue word on every line marks nothing any more
_ANCHORS = {"exact": "word for word", "normalised": "but for case and punctuation"}
_SIGNS = {"exact": "J", "normalised": "J≈"}

Found = dict[int, dict[int, list[Mark]]]


def register() -> None:
    for layer in (
        Layer("judge", "judge quotes", "4", judge_quotes, _shows_judge, missing=n_not_found),
        Layer("cues", "cue words", "5", cue_words, _has_cues),
        Layer("search", "search matches", "6", found_words, _is_searching),
    ):
        layers.register(layer)


# -- judges


def _shows_judge(access: StudyAccess, looking: Looking) -> bool:
    return access.shows("judge")


def judge_quotes(access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking) -> Found:
    """What judges quote and what is there. Words that several criteria quote are one mark that names them all."""
    prefetch_related_objects(list(transcripts), "verdicts")
    found: Found = {}
    for transcript in transcripts:
        places: dict[tuple[int, int, int], tuple[str, list[str]]] = {}
        for judge, quote in _quotes(transcript):
            if quote["anchor"] in _ANCHORS and quote["start"] < quote["end"]:
                place = quote["message"], quote["start"], quote["end"]
                anchor, said = places.setdefault(place, (quote["anchor"], []))
                said.append(f"{judge}: {quote['criterion']}" if quote["criterion"] else judge)
        by_message = found.setdefault(transcript.pk, {})
        for (message, start, end), (anchor, said) in places.items():
            title = f"{'; '.join(dict.fromkeys(said))} (quoted {_ANCHORS[anchor]})"
            mark = Mark(start, end, f"mark mark-judge mark-judge-{anchor}", title, _SIGNS[anchor])
            by_message.setdefault(message, []).append(mark)
    return found


def n_not_found(transcripts: Sequence[Transcript]) -> int:
    """Quotes that are not in the text: they speak against the judge. Listed with its verdict, never drawn."""
    prefetch_related_objects(list(transcripts), "verdicts")
    return sum(
        len({quote["text"] for _, quote in _quotes(transcript) if quote["anchor"] == "not_found"})
        for transcript in transcripts
    )


def _quotes(transcript: Transcript) -> Iterator[tuple[str, dict[str, Any]]]:
    for verdict in transcript.verdicts.all():
        for quote in verdict.said["quotes"]:
            yield verdict.judge, quote


# -- cue words


def _has_cues(access: StudyAccess, looking: Looking) -> bool:
    return cues.of(access.study).pattern is not None


def cue_words(access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking) -> Found:
    """Cue words in the messages that the page holds; looking through all of a long log would take too long."""
    lexicon = cues.of(access.study)
    found: Found = {}
    for transcript in transcripts:
        by_message = found.setdefault(transcript.pk, {})
        left = MOST
        for index in _on_page(transcript, looking):
            matches = cues.cue_matches(transcript.body.content.messages[index].text, lexicon)[:left]
            if matches:
                by_message[index] = [
                    Mark(start, end, "cue", f"cue: {group}") for start, end, group in matches
                ]
                left -= len(matches)
    return found


def _on_page(transcript: Transcript, looking: Looking) -> range:
    n = len(transcript.body.content.messages)
    shown = looking.within.get(transcript.pk, range(n))
    return range(max(0, shown.start), min(n, shown.stop))


# -- what was searched for


def _query(looking: Looking) -> Query | None:
    try:
        return parse(looking.q) if looking.q.strip() else None
    except BadQuery:  # the list that the search came from has said so
        return None


def _is_searching(access: StudyAccess, looking: Looking) -> bool:
    return _query(looking) is not None


def found_words(access: StudyAccess, transcripts: Sequence[Transcript], looking: Looking) -> Found:
    """In all messages, also those beyond the page: whoever searched wants to be led to them."""
    query = _query(looking)
    found: Found = {}
    if query is None:
        return found
    for transcript in transcripts:
        by_message = found.setdefault(transcript.pk, {})
        left = MOST
        for index, places in search_matches.matches(query, transcript.body.content.messages).items():
            by_message[index] = [
                Mark(start, end, "hit", "matches the search") for start, end in places[:left]
            ]
            left -= len(by_message[index])
    return found

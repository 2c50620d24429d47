"""Where a transcript comes from, down to the byte, and what its judges said, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transcripts.access import StudyAccess
from transcripts.facets import arm_words
from transcripts.models import Ingest, Run, Transcript
from transcripts.readers.json_values import pretty, scalar_text
from transcripts.wording import ANCHOR_WORDS

VOTES = 8  # different votes that are counted in words; the detail has all


def place(locator: Mapping[str, Any]) -> str:
    """A reader's locator for people: ``bytes 120–4,512 · [3].response[1]``."""
    words = []
    match locator:
        case {"member": member}:
            words.append(f"member {member}")
        case {"row": int(row)}:
            words.append(f"row {row + 1:,}")
        case {"bytes": [int(start), int(end)]}:
            words.append(f"bytes {start:,}–{end:,}")
    if isinstance(path := locator.get("path"), list):
        words.append("".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip("."))
    return " · ".join(words) or "not known"


def reader_words(ingest: Ingest) -> str:
    return f"{ingest.reader}, version {ingest.reader_version}" if ingest.reader_version else ingest.reader


def run_facts(run: Run) -> list[tuple[str, str]]:
    """Under what a transcript was made, as (label, value); what the source did not say is left out."""
    facts = [
        ("model", run.model),
        ("setting", run.setting),
        ("checkpoint", run.checkpoint),
        ("training step", "" if run.training_step is None else f"{run.training_step:,}"),
        ("goal nudge", run.goal_nudge),
    ]
    return [(label, value) for label, value in facts if value]


def provenance(transcript: Transcript, run: Run) -> list[tuple[str, str]]:
    """Facts as (label, value). Needs ``ingest__source``."""
    ingest = transcript.ingest
    facts = [
        ("source", ingest.source.name),
        ("source sha256", ingest.source.sha256),
        ("place in it", place(transcript.locator)),
        ("reader", reader_words(ingest)),
        ("segmenter", f"version {transcript.segmenter_version}"),
        ("content sha256", bytes(transcript.content_sha256).hex()),
        *run_facts(run),
        ("escapes", "NUL or halves of emoji, kept and shown by name" if transcript.has_escapes else ""),
    ]
    return [(label, value) for label, value in facts if value]


@dataclass(frozen=True, slots=True)
class Group:
    """Facts under one heading."""

    title: str
    facts: tuple[tuple[str, str], ...]


def whole_provenance(transcript: Transcript) -> list[Group]:
    """All that is known of where a transcript comes from. One query if its file came in an archive, else none.

    Needs ``run``, ``arm``, ``prompt`` and ``ingest__source``.
    """
    ingest, source = transcript.ingest, transcript.ingest.source
    container = (
        Ingest.objects.filter(pk=ingest.container_id).select_related("source").first()
        if ingest.container_id
        else None
    )
    groups = [
        (
            "What was run",
            [
                *run_facts(transcript.run),
                ("arm", arm_words(transcript.arm.name, transcript.arm.role)),
                ("sample", str(transcript.sample)),
                ("prompt", transcript.prompt.external_id[:200].replace("\x1f", " · ")),
                ("family", transcript.prompt.family),
            ],
        ),
        (
            "Where it stands",
            [
                ("source", source.name),
                ("in the archive", container.source.name if container else ""),
                ("place in it", place(transcript.locator)),
                ("size of source", f"{source.size:,} bytes"),
                ("source sha256", source.sha256),
                ("archive sha256", container.source.sha256 if container else ""),
            ],
        ),
        (
            "How it was read",
            [
                ("reader", reader_words(ingest)),
                ("segmenter", f"version {transcript.segmenter_version}"),
                ("ingested", f"{ingest.created_at:%-d %B %Y, %H:%M} UTC"),
                ("content sha256", bytes(transcript.content_sha256).hex()),
                (
                    "escapes",
                    "NUL or halves of emoji, kept and shown by name" if transcript.has_escapes else "",
                ),
            ],
        ),
    ]
    return [Group(title, tuple((k, v) for k, v in facts if v)) for title, facts in groups]


@dataclass(frozen=True, slots=True)
class QuoteShown:
    """A judge's quote: ``href`` leads to its place in the text, "" if it has none."""

    text: str
    criterion: str
    anchor: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class VerdictShown:
    """What a judge said, as a page shows it. ``criteria`` are quotes by what they are to show, in the judge's order."""

    judge: str
    value: str
    score: float | None
    threshold: float | None
    outcome: str
    explanation: str
    votes: tuple[tuple[str, int], ...]
    n_quotes: int
    anchors: tuple[tuple[str, int], ...]
    criteria: tuple[tuple[str, tuple[QuoteShown, ...]], ...]
    detail: str


def verdicts_shown(access: StudyAccess, transcript: Transcript, here: str) -> list[VerdictShown]:
    """What the judges said; nothing where a round hides it. ``here`` is the address of the transcript's page."""
    if not access.shows("judge"):
        return []
    return [_shown(verdict.said, here) for verdict in transcript.verdicts.all()]


def _shown(said: Mapping[str, Any], here: str) -> VerdictShown:
    quotes = said["quotes"]
    counts = Counter(quote["anchor"] for quote in quotes)
    criteria: dict[str, list[QuoteShown]] = {}
    for quote in quotes:
        criteria.setdefault(quote["criterion"], []).append(
            QuoteShown(
                quote["text"],
                quote["criterion"],
                quote["anchor"] or "unsearched",
                ANCHOR_WORDS.get(quote["anchor"], ""),
                f"{here}?from={quote['message']}#{anchor(quote['message'], quote['start'], quote['end'])}"
                if quote["anchor"] in ("exact", "normalised")
                else "",
            )
        )
    votes = said["detail"].get("votes")
    counted = Counter(scalar_text(vote)[:100] for vote in votes) if isinstance(votes, list) else Counter()
    detail = {key: value for key, value in said["detail"].items() if key != "value"}
    return VerdictShown(
        said["judge"],
        said["value"],
        said["score"],
        said["threshold"],
        said["outcome"],
        said["explanation"],
        tuple(counted.most_common(VOTES)),
        len(quotes),
        tuple((words, counts[name]) for name, words in ANCHOR_WORDS.items() if counts[name]),
        tuple((criterion, tuple(each)) for criterion, each in criteria.items()),
        pretty(detail) if detail else "",
    )


def anchor(message: int, start: int, end: int) -> str:
    """The part of an address behind ``#`` that names a stretch: code points ``[start, end)`` of a message."""
    return f"m{message}c{start}-{end}"

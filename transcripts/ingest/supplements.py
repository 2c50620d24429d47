"""Verdicts that come in a file of their own, attached to the transcripts of the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from transcripts.body import pack_detail
from transcripts.ingest.finish import refresh_pairs, rescore
from transcripts.models import Ingest, Transcript, Verdict
from transcripts.quotes import anchor_all
from transcripts.records import Reject, Supplement


@dataclass(slots=True)
class Attached:
    """How many supplements brought something new, how many were known, and those with nowhere to go."""

    created: int = 0
    known: int = 0
    rejects: list[Reject] = field(default_factory=list)


def attach(items: Sequence[Supplement], ingest: Ingest) -> Attached:
    """Write the verdicts of ``items``, inside the caller's transaction. A verdict is never replaced."""
    attached = Attached()
    if not items:
        return attached
    folder = ingest.source.name.rpartition("/")[0]
    names = {item.target: f"{folder}/{item.target}" if folder else item.target for item in items}
    targets: dict[str, list[Transcript]] = {}
    for transcript in (
        Transcript.objects.filter(study=ingest.study_id, ingest__source__name__in=names.values())
        .select_related("body", "ingest__source")
        .order_by("pk")
    ):
        targets.setdefault(transcript.ingest.source.name, []).append(transcript)
    for item in items:
        found = targets.get(names[item.target], [])
        if len(found) == 1:
            if _write(item, found[0]):
                attached.created += 1
            else:
                attached.known += 1
        else:
            attached.rejects.append(_homeless(item, names[item.target], len(found)))
    return attached


def _write(item: Supplement, transcript: Transcript) -> bool:
    messages = transcript.body.content.messages
    known = set(Verdict.objects.filter(transcript=transcript).values_list("judge", flat=True))
    rows = [
        Verdict(
            transcript=transcript,
            judge=verdict.judge[:200],
            value=verdict.value[:500],
            score=verdict.score,
            outcome=verdict.outcome,
            detail=pack_detail(replace(verdict, quotes=anchor_all(verdict.quotes, messages))),
        )
        for verdict in item.verdicts
        if verdict.judge[:200] not in known
    ]
    Verdict.objects.bulk_create(rows, ignore_conflicts=True)
    # The first judge whose words have a known meaning speaks for the transcript, wherever it came from.
    outcome = next((row.outcome for row in rows if row.outcome), "")
    is_changed = bool(
        outcome and Transcript.objects.filter(pk=transcript.pk, outcome="").update(outcome=outcome)
    )
    if rescore([transcript.pk]) or is_changed:
        refresh_pairs(transcript.ingest_id)
    return bool(rows)


def _homeless(item: Supplement, name: str, found: int) -> Reject:
    if found:
        message = (
            f"{found} transcripts came from {name}: it is not clear which of them this verdict is about."
        )
    else:
        message = (
            f"The study has no transcript from {name}. Ingest that file, then retry this one: "
            "what is attached already is not attached twice."
        )
    return Reject(item.cursor, item.position, "no_transcript", message, locator=item.locator)

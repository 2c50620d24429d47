"""Where a transcript comes from, down to the byte, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcripts.models import Run, Transcript


def place(locator: Mapping[str, Any]) -> str:
    """A reader's locator for people: ``bytes 120–4,512 · [3].response[1]``."""
    words = []
    match locator:
        case {"member": member}:
            words.append(f"member {member}")
        case {"bytes": [int(start), int(end)]}:
            words.append(f"bytes {start:,}–{end:,}")
    if isinstance(path := locator.get("path"), list):
        words.append("".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip("."))
    return " · ".join(words) or "not known"


def provenance(transcript: Transcript, run: Run) -> list[tuple[str, str]]:
    """Facts as (label, value). Needs ``ingest__source``."""
    ingest = transcript.ingest
    facts = [
        ("source", ingest.source.name),
        ("source sha256", ingest.source.sha256),
        ("place in it", place(transcript.locator)),
        (
            "reader",
            f"{ingest.reader}, version {ingest.reader_version}" if ingest.reader_version else ingest.reader,
        ),
        ("segmenter", f"version {transcript.segmenter_version}"),
        ("content sha256", bytes(transcript.content_sha256).hex()),
        ("model", run.model),
        ("setting", run.setting),
        ("checkpoint", run.checkpoint),
        ("training step", "" if run.training_step is None else f"{run.training_step:,}"),
        ("goal nudge", run.goal_nudge),
        ("escapes", "NUL or halves of emoji, kept and shown by name" if transcript.has_escapes else ""),
    ]
    return [(label, value) for label, value in facts if value]

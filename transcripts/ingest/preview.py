"""Reading a file without writing anything: what an ingest would find."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcripts.ingest.parsers import job, parser
from transcripts.ingest.work import BATCH_ROWS, FLUSH_SECONDS
from transcripts.jail.batches import received


@dataclass
class Preview:
    """``arms`` and ``models`` count records; ``container`` names the kind of an archive, which is not opened."""

    reader: str
    container: str = ""
    records: int = 0
    rejects: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)


def preview(path: Path, name: str, options: dict[str, Any]) -> Preview:
    """Read all of the file; raises UnreadableSource with a sentence where it cannot be read."""
    size = path.stat().st_size
    plan = parser().only(job("plan", path, name, size, options))
    if kind := plan.get("container"):
        return Preview("", kind)
    seen = Preview(plan["reader"], findings=[finding["message"] for finding in plan["findings"]])
    for chunk in plan["chunks"]:
        asked = job(
            "read", path, name, size, options,
            reader=plan["reader"], chunk=chunk, after=-1, rows=BATCH_ROWS, seconds=FLUSH_SECONDS,
        )  # fmt: skip
        with closing(parser().ask(asked)) as frames:
            for head, blob in frames:
                batch = received(head, blob)
                seen.records += len(batch.records) + len(batch.supplements)
                seen.rejects += len(batch.rejects)
                seen.findings += [finding.message for finding in batch.findings]
                seen.arms.update(batch.arms[record.arm][0] for record in batch.records)
                seen.models.update(batch.runs[record.run].model for record in batch.records)
    return seen


def first_records(path: Path, name: str, options: dict[str, Any], most: int) -> dict[str, Any]:
    """The first records as they would be ingested: ``reader``, ``records`` and ``rejects`` for a page."""
    return parser().only(job("show", path, name, path.stat().st_size, options, most=most))

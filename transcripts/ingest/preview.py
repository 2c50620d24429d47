"""Reading a file without writing anything: what an ingest would find."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcripts.ingest.batch import prepare
from transcripts.readers.registry import Source, recognise
from transcripts.records import FileFinding, Record, Reject


@dataclass
class Preview:
    reader: str
    records: int = 0
    rejects: int = 0
    arms: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def preview(path: Path, name: str, options: dict[str, Any]) -> Preview:
    """Read all of the file; raises UnreadableSource with a sentence where it cannot be read."""
    source = Source(path=path, name=name, size=path.stat().st_size)
    reader = recognise(source, options.get("format"))
    plan = reader.plan(source)
    seen = Preview(reader.name, findings=[finding.message for finding in plan.findings])
    arms: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for chunk in plan.chunks:
        for item in reader.read(source, chunk):
            if isinstance(item, Record):
                prepared = prepare(item, reader.name, options)
                seen.records += 1
                arms[prepared.arm.name] += 1
                models[prepared.record.run.model] += 1
            elif isinstance(item, Reject):
                seen.rejects += 1
            elif isinstance(item, FileFinding):
                seen.findings.append(item.message)
    seen.arms, seen.models = dict(arms), dict(models)
    return seen

"""A source read to its end, for tests of readers."""

from __future__ import annotations

from transcripts.readers.source import Reader, Source
from transcripts.records import FileFinding, Record, Reject


class Reading:
    """A source read to its end."""

    def __init__(self, reader: Reader, source: Source) -> None:
        plan = reader.plan(source)
        items = [item for chunk in plan.chunks for item in reader.read(source, chunk)]
        self.plan = plan
        self.records = [item for item in items if isinstance(item, Record)]
        self.rejects = [item for item in items if isinstance(item, Reject)]
        self.findings = [*plan.findings, *(item for item in items if isinstance(item, FileFinding))]
        self.kinds = {finding.kind for finding in self.findings}

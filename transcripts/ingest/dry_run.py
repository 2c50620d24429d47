"""What an ingest of a file would find, an archive's files one by one; nothing is written to the database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from transcripts.ingest.containers import member_name
from transcripts.ingest.parsers import job, unpacker
from transcripts.ingest.preview import Preview, preview
from transcripts.jail.parser import ParserDied, ParserFault
from transcripts.records import NeedsMapping, UnreadableSource


@dataclass(frozen=True, slots=True)
class Found:
    """One file: what is in it (``seen``), or why it cannot be read (``problem``), perhaps with a ``proposal``."""

    name: str
    seen: Preview | None = None
    problem: str = ""
    proposal: Any = None

    def as_json(self) -> dict[str, Any]:
        seen = self.seen
        return {
            "name": self.name,
            "reader": seen.reader if seen else "",
            "records": seen.records if seen else 0,
            "rejects": seen.rejects if seen else 0,
            "arms": dict(seen.arms) if seen else {},
            "models": dict(seen.models) if seen else {},
            "findings": seen.findings if seen else [],
            "problem": self.problem,
            "proposal": self.proposal,
        }


def dry_run(path: Path, name: str, options: dict[str, Any]) -> Iterator[Found]:
    """One :class:`Found` for a file; for an archive one for each file in it, and for each that is skipped."""
    found = _look(path, name, options)
    if not (found.seen and found.seen.container):
        yield found
        return
    folder = Path(settings.AFDASH_DATA_DIR) / "unpacking"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    into = Path(tempfile.mkdtemp(dir=folder))
    kind = found.seen.container
    try:
        asked = job("unpack", path, name, path.stat().st_size, options, kind=kind, into=str(into))
        with unpacker() as parser:
            for head, _ in parser.ask(asked):
                if "unpacked" in head:
                    member = Path(head["unpacked"]["path"])
                    yield _look(member, member_name(name, head["unpacked"]["name"]), options)
                    member.unlink(missing_ok=True)
                elif "skipped" in head:
                    skipped = head["skipped"]
                    yield Found(member_name(name, skipped["name"]), problem=skipped["message"])
                else:
                    yield Found(name, problem=head["finding"]["message"])
    except UnreadableSource as error:
        yield Found(name, problem=str(error))
    finally:
        shutil.rmtree(into, ignore_errors=True)


def _look(path: Path, name: str, options: dict[str, Any]) -> Found:
    try:
        return Found(name, preview(path, name, options))
    except NeedsMapping as error:
        return Found(name, problem=str(error), proposal=error.proposal)
    except UnreadableSource as error:
        return Found(name, problem=str(error))
    except (MemoryError, ParserDied, ParserFault):
        return Found(
            name, problem="The parser stopped while it read this file: something in it overtaxes it."
        )

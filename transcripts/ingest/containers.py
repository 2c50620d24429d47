"""Archives and compressed files: each member becomes a source of its own, ingested as a part of the container."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from afdash.retry import in_transaction
from transcripts.ingest import queue, sources
from transcripts.ingest.parsers import job_on, unpacker
from transcripts.ingest.queue import Step
from transcripts.ingest.writing import write_file_findings
from transcripts.models import Ingest
from transcripts.readers.archives import names
from transcripts.records import FileFinding

READER = "container"
_ENDING = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2|txz|gz|bz2|xz|zst)$", re.IGNORECASE)
VERSION = 1


def expand(step: Step, ingest: Ingest, kind: str) -> None:
    """Store each member and queue it. Doing it again stores nothing twice and queues nothing twice."""
    folder = Path(settings.AFDASH_DATA_DIR) / "unpacking"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    into = Path(tempfile.mkdtemp(dir=folder))
    findings: list[FileFinding] = []
    try:
        with unpacker() as parser, job_on(ingest, "unpack", kind=kind, into=str(into)) as job:
            for head, _ in parser.ask(job):
                if "unpacked" in head:
                    _queue_member(ingest, head["unpacked"])
                    queue.beat()
                elif "skipped" in head:
                    findings.append(_skipped(head["skipped"]))
                else:
                    findings.append(FileFinding(**head["finding"]))
    finally:
        shutil.rmtree(into, ignore_errors=True)

    def write() -> None:
        queue.hold_ingest(
            step,
            state=Ingest.State.RUNNING,
            reader=READER,
            reader_version=VERSION,
            is_container=True,
            error="",
            lease_until=None,
            failures=0,
        )
        write_file_findings(ingest, findings)

    in_transaction(write)
    for part in ingest.parts.filter(state=Ingest.State.QUEUED).order_by("pk"):
        queue.ring(part.pk)


def _queue_member(ingest: Ingest, member: dict[str, Any]) -> None:
    name = member_name(ingest.source.name, member["name"])
    source = sources.adopt(ingest.study, Path(member["path"]), name, ingest.source.created_by)
    part = ingest.parts.filter(source=source).first() or queue.request_ingest(
        source, user=ingest.requested_by, options=ingest.options, container=ingest
    )
    write_file_findings(part, [FileFinding(**finding) for finding in member["findings"]])


def member_name(container: str, member: str) -> str:
    """A member is named as if the archive were the folder that was packed: ``care.zip`` holds ``care/a_True.json``.

    What one compressed file holds stands beside it.
    """
    if member == names.unpacked(container):
        return member
    folder, _, name = container.rpartition("/")
    stem = _ENDING.sub("", name) or name
    # Most archives hold one folder of the archive's own name: it is not said twice.
    path = member if member.startswith(f"{stem}/") else f"{stem}/{member}"
    return f"{folder}/{path}" if folder else path


def _skipped(skipped: dict[str, Any]) -> FileFinding:
    name = skipped["name"]
    return FileFinding(
        "member_skipped",
        f"{name}: {skipped['message']}",
        {"member": name, "reason": skipped["reason"]},
        f"{skipped['reason']} {name}",
    )


def outcome(ingest: Ingest) -> dict[str, Any]:
    """How a container ends, all of whose parts have ended."""
    state = Ingest.State
    n = ingest.parts.aggregate(
        all=Count("pk"),
        good=Count("pk", filter=Q(state=state.DONE)),
        failed=Count("pk", filter=Q(state=state.FAILED)),
        unmapped=Count("pk", filter=Q(state=state.NEEDS_MAPPING)),
    )
    if not n["all"]:
        skipped = ingest.findings.filter(kind="member_skipped").first()
        why = f" {skipped.message}" if skipped else ""
        return {"state": state.FAILED, "error": f"There is no file in it that can be ingested.{why}"}
    if n["failed"] == n["all"]:
        some = "The only file in it" if n["all"] == 1 else f"None of the {n['all']} files in it"
        return {"state": state.FAILED, "error": f"{some} could be read; each says why."}
    if n["unmapped"]:
        return {
            "state": state.NEEDS_MAPPING,
            "error": f"{n['unmapped']} of the {n['all']} files in it need a mapping.",
        }
    return {"state": state.DONE if n["good"] == n["all"] else state.DONE_WITH_REJECTS}

"""What a parser is asked to do, one generator a job: each yields frames (a head and bytes)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from transcripts.body import dumps
from transcripts.jail.batches import Batch
from transcripts.mapping import values_of
from transcripts.mapping.survey import MAX_ROWS
from transcripts.outcomes import outcome_of
from transcripts.preparing import Prepared, prepare
from transcripts.readers.archives import Unpacked, container_of, unpack
from transcripts.readers.json_values import TOO_LARGE, storable_value
from transcripts.readers.mapped import Mapped
from transcripts.readers.registry import reader_named, recognise
from transcripts.readers.rows.kinds import first_rows
from transcripts.readers.rows.parquet_rows import ROOM_BITS, ParquetRows
from transcripts.readers.source import Probe, Source
from transcripts.records import Chunk, FileFinding, NeedsMapping, Record, Reject, Supplement
from transcripts.text import storable

Frame = tuple[dict[str, Any], bytes]


def source_of(job: Mapping[str, Any]) -> Source:
    given = job["source"]
    return Source(Path(given["path"]), given["name"], given["size"], given.get("mapping") or {})


def plan(job: Mapping[str, Any]) -> Iterator[Frame]:
    """Who reads the source and how it is cut; or what kind of container it is."""
    source = source_of(job)
    probe = Probe(source)
    if not job.get("format") and (kind := container_of(probe)):
        yield {"container": kind}, b""
        return
    try:
        reader = recognise(source, job.get("format"))
        planned = reader.plan(source)
    except NeedsMapping as error:
        signed = {**error.proposal, "signature": signature(first_rows(probe))}
        # Names of fields come as the file has them; what is stored and shown of them must be storable.
        raise NeedsMapping(storable(str(error)), storable_value(signed)) from None
    yield (
        {
            "signature": signature(first_rows(probe)) if reader.name == Mapped.name else "",
            "reader": reader.name,
            "version": reader.version,
            "waits": getattr(reader, "waits", False),
            "chunks": [astuple(chunk) for chunk in planned.chunks],
            "findings": [storable_value(asdict(finding)) for finding in planned.findings],
        },
        b"",
    )


def signature(rows: tuple[Mapping[str, Any], ...]) -> str:
    """What two files of one make have in common: the names of their fields."""
    names = sorted({name for row in rows for name in row})
    return hashlib.sha256(dumps(names)).hexdigest()


def read(job: Mapping[str, Any]) -> Iterator[Frame]:
    """The chunk from behind ``after``, in batches cut by number, size and time."""
    reader = reader_named(job["reader"])
    batch, started = Batch(job["rows"]), time.monotonic()
    for item in reader.read(source_of(job), Chunk(*job["chunk"]), job["after"]):
        if isinstance(item, Record):
            try:
                batch.add_record(prepare(item, reader.name, job["options"]))
            except MemoryError:
                batch.add_reject(_too_large(item))
        elif isinstance(item, Supplement):
            mapping = job["options"].get("mapping") or {}
            batch.add_supplement(item, [outcome_of(v, reader.name, mapping) for v in item.verdicts])
        elif isinstance(item, Reject):
            batch.add_reject(item)
        else:
            batch.findings.append(item)
        del item  # the next one may need the memory
        if batch.is_full or time.monotonic() - started > job["seconds"]:
            yield batch.frame()
            batch, started = Batch(job["rows"]), time.monotonic()
    yield batch.frame(is_last=True)


def _too_large(record: Record) -> Reject:
    return Reject(record.cursor, record.position, "too_large", TOO_LARGE, locator=record.locator)


def unpack_container(job: Mapping[str, Any]) -> Iterator[Frame]:
    """Each member of a container as a file in the folder ``into``, one frame each."""
    for found in unpack(source_of(job), Path(job["into"])):
        if isinstance(found, Unpacked):
            yield {"unpacked": {**asdict(found), "path": str(found.path)}}, b""
        elif isinstance(found, FileFinding):
            yield {"finding": asdict(found)}, b""
        else:
            yield {"skipped": asdict(found)}, b""


def show(job: Mapping[str, Any]) -> Iterator[Frame]:
    """The first records as a page can show them, for a person who decides whether they are read rightly."""
    source = source_of(job)
    reader = recognise(source, job.get("format"))
    shown: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    chunks = reader.plan(source).chunks
    for item in (item for chunk in chunks for item in reader.read(source, chunk)):
        if isinstance(item, Record):
            shown.append(_shown(item, prepare(item, reader.name, job["options"])))
        elif isinstance(item, Reject):
            rejects.append({"position": item.position, "reason": item.reason, "message": item.message})
        if len(shown) >= job["most"] or len(rejects) >= job["most"]:
            break
    yield {"reader": reader.name, "records": shown, "rejects": rejects}, b""


def values(job: Mapping[str, Any]) -> Iterator[Frame]:
    """The values that the fields chosen for the arm and the scores have in the first rows."""
    rows = first_rows(Probe(source_of(job)), MAX_ROWS)
    yield {"values": values_of(rows, job["arm"], job["scores"])}, b""


def row(job: Mapping[str, Any]) -> Iterator[Frame]:
    """One row of a Parquet file as a line of JSON; no frame if it is not there or cannot be read."""
    source, parquet = source_of(job), ParquetRows()
    for chunk in parquet.plan(source).chunks:
        for found in parquet.rows(source, chunk, (job["row"] << ROOM_BITS) - 1):
            if found.locator == {"row": job["row"]} and found.problem is None:
                yield {"row": job["row"]}, dumps(found.value) + b"\n"
            return


def _shown(record: Record, prepared: Prepared) -> dict[str, Any]:
    return {
        "position": record.position,
        "model": prepared.run.model,
        "setting": prepared.run.setting,
        "arm": prepared.arm.name,
        "role": prepared.arm.role,
        "prompt": prepared.prompt.text,
        "prompt_id": prepared.prompt.value,
        "sample": record.sample,
        "parse_state": prepared.parse_state,
        "outcome": prepared.outcome,
        "messages": [asdict(message) for message in record.messages],
        "verdicts": [{"judge": v.judge, "value": v.value, "outcome": v.outcome} for v in prepared.verdicts],
        "findings": [finding.message for finding in prepared.findings],
    }


JOBS: dict[str, Callable[[Mapping[str, Any]], Iterator[Frame]]] = {
    "plan": plan,
    "read": read,
    "unpack": unpack_container,
    "show": show,
    "row": row,
    "values": values,
}

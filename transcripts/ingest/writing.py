"""From a parser's batch to rows: one batch, one transaction, rows and cursor together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError, connection
from psycopg.types.json import Jsonb

from afdash.retry import in_transaction
from transcripts.ingest import labels, supplements
from transcripts.ingest.conditions import Conditions
from transcripts.ingest.queue import Step, hold_chunk
from transcripts.jail.batches import Received, RecordRow
from transcripts.models import Finding, Ingest, Reject
from transcripts.records import FileFinding, HumanLabel
from transcripts.records import Reject as RejectItem
from transcripts.segments import SEGMENTER_VERSION
from transcripts.text import storable

TRANSCRIPT_COLUMNS = {
    "id": "int8",
    "study_id": "int8",
    "pair_id": "int8",
    "run_id": "int8",
    "prompt_id": "int8",
    "arm_id": "int8",
    "sample": "int4",
    "content_sha256": "bytea",
    "parse_state": "text",
    "outcome": "text",
    "judge_score": "float8",
    "n_messages": "int4",
    "n_characters": "int4",
    "has_escapes": "bool",
    "segmenter_version": "int2",
    "ingest_id": "int8",
    "locator": "jsonb",
}
BODY_COLUMNS = {"transcript_id": "int8", "packed": "bytea"}
VERDICT_COLUMNS = {
    "transcript_id": "int8",
    "judge": "text",
    "value": "text",
    "score": "float8",
    "outcome": "text",
    "detail": "bytea",
}
# Who gives numbers must be alone at it. In id order, so two workers cannot deadlock.
LOCK_PAIRS = "SELECT id FROM transcripts_pair WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
# A batch may meet those of several other workers, one after the other.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """The ids that a record belongs to."""

    run: int
    prompt: int
    arm: int
    pair: int


@dataclass(slots=True)
class Sorted:
    """What a batch comes to: new transcripts, records that are here already, and those that cannot be taken."""

    fresh: list[tuple[RecordRow, Place, int]]  # with its sample number
    known: list[tuple[RecordRow, int]]  # with the id of the transcript that says the same
    rejects: list[RejectItem]


def write_batch(batch: Received, bytes_done: int, step: Step, ingest: Ingest, conditions: Conditions) -> None:
    """Write the batch and move the chunk's cursor, together or not at all.

    Raises Fenced if the chunk is no longer ours.
    """
    # Outside the transaction: other workers must see these rows at once, and a rolled-back batch
    # must not leave ids in the cache that were never committed.
    places = _places(batch, conditions)
    for tries_left in reversed(range(TRIES)):
        try:
            in_transaction(lambda: _commit(batch, bytes_done, places, step, ingest))
            return
        except IntegrityError:
            # Another worker wrote one of these transcripts between our look and our insert. The
            # next look sees it; a violation that stays is a fault of ours and must be seen.
            if not tries_left:
                raise


def _places(batch: Received, conditions: Conditions) -> list[Place]:
    runs = conditions.run_ids(batch.runs)
    arms = conditions.arm_ids(batch.arms)
    prompts = conditions.prompt_ids(batch.prompts)
    couples = [(runs[record.run], prompts[record.prompt]) for record in batch.records]
    pairs = conditions.pair_ids(set(couples))
    return [
        Place(run, prompt, arms[record.arm], pairs[run, prompt])
        for record, (run, prompt) in zip(batch.records, couples, strict=True)
    ]


def _commit(batch: Received, bytes_done: int, places: list[Place], step: Step, ingest: Ingest) -> None:
    committed = hold_chunk(step)
    if 0 <= batch.cursor <= committed:
        # The commit went through and only its answer was lost: doing it again would count it twice.
        return
    found = _sort(batch.records, places, ingest, [name for name, _ in batch.arms])
    rejects = [*batch.rejects, *found.rejects]
    ids = _insert(found.fresh, ingest)
    if any(record.labels for record in batch.records):
        labels.record(ingest, list(_labelled(found, ids)))
    attached = supplements.attach(batch.supplements, ingest)
    rejects += attached.rejects
    if rejects:
        Reject.objects.bulk_create(
            [_reject_row(reject, ingest, step) for reject in rejects], ignore_conflicts=True
        )
    if batch.findings:
        write_file_findings(ingest, batch.findings)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE transcripts_ingestchunk SET cursor = greatest(cursor, %s), bytes_done = greatest(bytes_done, %s),"
            " read = read + %s, created = created + %s, duplicate = duplicate + %s, rejected = rejected + %s,"
            " failures = 0 WHERE id = %s",
            [
                batch.cursor,
                bytes_done,
                len(batch.records) + len(batch.supplements) + len(batch.rejects),
                len(found.fresh) + attached.created,
                len(found.known) + attached.known,
                len(rejects),
                step.chunk_id,
            ],
        )


def _labelled(found: Sorted, ids: Sequence[int]) -> Iterator[tuple[int, tuple[HumanLabel, ...]]]:
    """Transcripts with what their records' labels say of them, new and known ones."""
    for pk, (record, _, _) in zip(ids, found.fresh, strict=True):
        if record.labels:
            yield pk, record.labels
    for record, pk in found.known:
        if record.labels:
            yield (pk if pk > 0 else ids[-pk - 1]), record.labels


@dataclass(frozen=True, slots=True)
class _Stored:
    """``pk`` is -1 for the first new transcript of this batch, -2 for the second, and so on."""

    pk: int
    content: bytes
    source: str  # sha256 of the file it came from
    locator: str


def _sort(records: Sequence[RecordRow], places: Sequence[Place], ingest: Ingest, arms: list[str]) -> Sorted:
    """New, known or in conflict.

    A record whose source numbers its samples is the transcript of that number, or in conflict with it.
    One without a number is the same as a stored one if it says the same and comes from another file, or
    from the same place of the same file; else it is the next sample of its pair and arm. A file of labels
    names a text once for each annotator, so there equal texts are one transcript wherever they stand.
    """
    unnumbered = {place.pair for record, place in zip(records, places, strict=True) if record.sample is None}
    stored = _stored(places, unnumbered)
    found = Sorted([], [], [])
    sha256 = ingest.source.sha256
    for record, place in zip(records, places, strict=True):
        here = stored[place.pair, place.arm]
        if record.sample is None:
            same = next((s for s in here.values() if _is_same(s, record, sha256)), None)
            sample = max(here, default=0) + 1
        else:
            same, sample = here.get(record.sample), record.sample
        if same is None:
            here[sample] = _Stored(-len(found.fresh) - 1, record.content, sha256, record.locator)
            found.fresh.append((record, place, sample))
        elif same.content == record.content:
            found.known.append((record, same.pk))
        else:
            found.rejects.append(_conflict(record, sample, arms[record.arm]))
    return found


def _is_same(stored: _Stored, record: RecordRow, sha256: str) -> bool:
    return stored.content == record.content and (
        bool(record.labels)
        or stored.source != sha256
        or orjson.loads(stored.locator) == orjson.loads(record.locator)
    )


def _stored(places: Iterable[Place], unnumbered: set[int]) -> dict[tuple[int, int], dict[int, _Stored]]:
    """What is there already of these pairs and arms: by sample number."""
    found: dict[tuple[int, int], dict[int, _Stored]] = defaultdict(dict)
    keys = sorted({(place.pair, place.arm) for place in places})
    if not keys:
        return found
    with connection.cursor() as cursor:
        if unnumbered:
            cursor.execute(LOCK_PAIRS, [sorted(unnumbered)])
        cursor.execute(
            "SELECT t.pair_id, t.arm_id, t.sample, t.id, t.content_sha256,"
            " CASE WHEN t.pair_id = ANY(%s) THEN (SELECT s.sha256 FROM transcripts_ingest i"
            "  JOIN transcripts_source s ON s.id = i.source_id WHERE i.id = t.ingest_id) ELSE '' END,"
            " CASE WHEN t.pair_id = ANY(%s) THEN t.locator::text ELSE '' END"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS u (pair, arm)"
            " JOIN transcripts_transcript t ON t.pair_id = u.pair AND t.arm_id = u.arm",
            [sorted(unnumbered), sorted(unnumbered), [key[0] for key in keys], [key[1] for key in keys]],
        )
        for pair, arm, sample, pk, content, sha256, locator in cursor.fetchall():
            found[pair, arm][sample] = _Stored(pk, bytes(content), sha256, locator)
    return found


def _insert(fresh: Sequence[tuple[RecordRow, Place, int]], ingest: Ingest) -> list[int]:
    """The rows of new transcripts; returns their ids in order."""
    if not fresh:
        return []
    with connection.cursor() as cursor:
        # Ids are drawn first, so that transcripts and bodies can both go in by COPY.
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('transcripts_transcript', 'id')) FROM generate_series(1, %s)",
            [len(fresh)],
        )
        pks = [row[0] for row in cursor.fetchall()]
        with _copy(cursor, "transcripts_transcript", TRANSCRIPT_COLUMNS) as copy:
            for pk, (record, place, sample) in zip(pks, fresh, strict=True):
                copy.write_row(
                    (
                        pk,
                        ingest.study_id,
                        place.pair,
                        place.run,
                        place.prompt,
                        place.arm,
                        sample,
                        record.content,
                        record.parse_state,
                        record.outcome,
                        record.judge_score,
                        record.n_messages,
                        record.n_characters,
                        record.has_escapes,
                        SEGMENTER_VERSION,
                        ingest.pk,
                        Jsonb(record.locator, str.encode),
                    )
                )
        with _copy(cursor, "transcripts_transcriptbody", BODY_COLUMNS) as copy:
            for pk, (record, _, _) in zip(pks, fresh, strict=True):
                copy.write_row((pk, record.packed))
        with _copy(cursor, "transcripts_verdict", VERDICT_COLUMNS) as copy:
            for pk, (record, _, _) in zip(pks, fresh, strict=True):
                for v in record.verdicts:
                    copy.write_row((pk, v.judge, v.value, v.score, v.outcome, v.detail))
    findings = [
        Finding(
            ingest=ingest,
            kind=finding.kind,
            key=f"transcript {pk}",
            message=f"{record.position}: {finding.message}"[:2000],
            detail=dict(finding.detail),
            transcript_id=pk,
        )
        for pk, (record, _, _) in zip(pks, fresh, strict=True)
        for finding in record.findings
    ]
    if findings:
        Finding.objects.bulk_create(findings, ignore_conflicts=True)
    return pks


@contextmanager
def _copy(cursor: Any, table: str, columns: Mapping[str, str]) -> Iterator[Any]:
    # Binary: as text, every byte of a body would be written and read as two.
    # Errors of a COPY come from psycopg itself: as Django's, they are told apart like all others.
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(list(columns.values()))
        yield copy


def _conflict(record: RecordRow, sample: int, arm: str) -> RejectItem:
    return RejectItem(
        cursor=record.cursor,
        position=record.position,
        reason="identity_conflict",
        message=(
            f"Sample {sample} of this prompt, run and arm ({arm}) is already here "
            "with other text. The stored transcript is kept as it is; decide which of the two is right."
        ),
        locator=orjson.loads(record.locator),
    )


def write_file_findings(ingest: Ingest, findings: list[FileFinding]) -> None:
    Finding.objects.bulk_create(
        [
            Finding(
                ingest=ingest,
                kind=f.kind,
                key=storable(f.key)[:200],
                message=f.message,
                detail=dict(f.detail),
            )
            for f in findings
        ],
        ignore_conflicts=True,
    )


def _reject_row(reject: RejectItem, ingest: Ingest, step: Step) -> Reject:
    return Reject(
        ingest=ingest,
        chunk=step.chunk_id or 0,
        cursor=reject.cursor,
        position=storable(reject.position)[:500],
        reason=reject.reason[:50],
        message=storable(reject.message),
        excerpt=storable(reject.excerpt.decode("utf-8", "backslashreplace")),
        locator=dict(reject.locator),
    )

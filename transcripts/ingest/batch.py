"""From records to rows: one batch, one transaction, rows and cursor together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db import IntegrityError, connection

from afdash.retry import in_transaction
from transcripts import body as body_format
from transcripts.arms import ArmDecision, resolve
from transcripts.ingest.conditions import Conditions, identity
from transcripts.ingest.queue import Step, hold_chunk
from transcripts.models import Finding, Ingest, Reject
from transcripts.outcomes import outcome_of
from transcripts.records import FileFinding, Item, Record, RecordFinding, Verdict
from transcripts.records import Reject as RejectItem
from transcripts.segments import SEGMENTER_VERSION, parse_state_of
from transcripts.text import is_escaped, storable

EXCERPT_BYTES = 2_000
MAX_ROWS = 500
MAX_BYTES = 8 << 20

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
}


@dataclass(slots=True)
class Prepared:
    """A record with everything decided that needs no database."""

    record: Record
    arm: ArmDecision
    prompt_identity: bytes
    content: bytes
    packed: bytes
    parse_state: str
    outcome: str
    verdicts: list[tuple[Verdict, str]]
    findings: list[RecordFinding]


@dataclass(slots=True)
class Batch:
    """Items read since the last commit, and how far the source has been read."""

    prepared: list[Prepared] = field(default_factory=list)
    rejects: list[RejectItem] = field(default_factory=list)
    findings: list[FileFinding] = field(default_factory=list)
    cursor: int = -1
    bytes_done: int = 0
    size: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.prepared) + len(self.rejects) >= MAX_ROWS or self.size >= MAX_BYTES

    def add(self, item: Item, ingest: Ingest) -> None:
        if isinstance(item, FileFinding):
            self.findings.append(item)
            return
        self.cursor = max(self.cursor, item.cursor)
        if isinstance(item, RejectItem):
            self.rejects.append(item)
            self.size += len(item.excerpt[:EXCERPT_BYTES])
            return
        prepared = prepare(item, ingest.reader, ingest.options)
        self.prepared.append(prepared)
        self.size += sum(len(message.text) for message in item.messages)


def prepare(record: Record, reader: str, options: Mapping[str, Any]) -> Prepared:
    """Decide arm, outcome, parse state and identity of a record. The person's word goes first."""
    run = replace(
        record.run,
        model=options.get("model") or record.run.model or "unknown model",
        setting=options.get("setting", record.run.setting),
    )
    record = replace(record, run=run)
    arm = resolve(record.arm_hints, options.get("arm"), options.get("role"))
    mapping = options.get("mapping", {})
    verdicts = [(verdict, outcome_of(verdict, reader, mapping)) for verdict in record.verdicts]
    packed = body_format.pack(
        body_format.Body(
            record.messages,
            tuple(
                {
                    "judge": v.judge,
                    "value": v.value,
                    "score": v.score,
                    "explanation": v.explanation,
                    "outcome": o,
                }
                for v, o in verdicts
            ),
            record.metadata,
        )
    )
    return Prepared(
        record=record,
        arm=arm,
        prompt_identity=identity(record.prompt.scheme, record.prompt.value),
        content=body_format.content_sha256(record.messages),
        packed=packed,
        parse_state=parse_state_of(record.messages),
        # The first judge whose words have a known meaning speaks for the transcript.
        outcome=next((outcome for _, outcome in verdicts if outcome), ""),
        verdicts=verdicts,
        findings=[*record.findings, *arm.findings],
    )


def write_batch(batch: Batch, step: Step, ingest: Ingest, conditions: Conditions) -> None:
    """Write the batch and move the chunk's cursor, together or not at all.

    Raises Fenced if the chunk is no longer ours.
    """
    # Outside the transaction: other workers must see these rows at once, and a rolled-back batch
    # must not leave ids in the cache that were never committed.
    ids = _references(batch, conditions)
    for tries_left in (2, 1, 0):
        try:
            in_transaction(lambda: _commit(batch, ids, step, ingest))
            break
        except IntegrityError:
            # Another worker wrote one of these transcripts between our look and our insert. The
            # next look sees it; a violation that stays is a fault of ours and must be seen.
            if not tries_left:
                raise


def _commit(batch: Batch, ids: list[tuple[int, ...]], step: Step, ingest: Ingest) -> None:
    committed = hold_chunk(step)
    if 0 <= batch.cursor <= committed:
        # The commit went through and only its answer was lost: doing it again would count it twice.
        return
    known = _existing(ids)
    fresh: list[tuple[Prepared, tuple[int, ...]]] = []
    duplicate = 0
    rejects = list(batch.rejects)
    for prepared, key in zip(batch.prepared, ids, strict=True):
        place = (key[3], key[2], prepared.record.sample)
        seen = known.get(place)
        if seen is None:
            known[place] = prepared.content
            fresh.append((prepared, key))
        elif seen == prepared.content:
            duplicate += 1
        else:
            rejects.append(_conflict(prepared))
    _insert(fresh, ingest)
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
                batch.bytes_done,
                len(batch.prepared) + len(batch.rejects),
                len(fresh),
                duplicate,
                len(rejects),
                step.chunk_id,
            ],
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


def _references(batch: Batch, conditions: Conditions) -> list[tuple[int, ...]]:
    """(run, prompt, arm, pair) ids of each record."""
    records = batch.prepared
    runs = conditions.resolve_runs({p.record.run for p in records})
    arms = conditions.resolve_arms({(p.arm.name, p.arm.role) for p in records})
    prompts = conditions.resolve_prompts({p.prompt_identity: p.record.prompt for p in records})
    couples = [(runs[p.record.run], prompts[p.prompt_identity]) for p in records]
    pairs = conditions.resolve_pairs(set(couples))
    return [
        (run, prompt, arms[p.arm.name, p.arm.role], pairs[run, prompt])
        for p, (run, prompt) in zip(records, couples, strict=True)
    ]


def _existing(ids: list[tuple[int, ...]]) -> dict[tuple[int, int, int], bytes]:
    """Content hashes of what is already there, by identity."""
    keys = sorted({(key[3], key[2]) for key in ids})
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.pair_id, t.arm_id, t.sample, t.content_sha256 FROM transcripts_transcript t "
            "JOIN unnest(%s::bigint[], %s::bigint[]) AS u (pair, arm) ON t.pair_id = u.pair AND t.arm_id = u.arm",
            [[key[0] for key in keys], [key[1] for key in keys]],
        )
        return {(pair, arm, sample): bytes(content) for pair, arm, sample, content in cursor.fetchall()}


def _insert(fresh: list[tuple[Prepared, tuple[int, ...]]], ingest: Ingest) -> None:
    if not fresh:
        return
    with connection.cursor() as cursor:
        # Ids are drawn first, so that transcripts and bodies can both go in by COPY.
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('transcripts_transcript', 'id')) FROM generate_series(1, %s)",
            [len(fresh)],
        )
        pks = [row[0] for row in cursor.fetchall()]
        with _copy(cursor, "transcripts_transcript", TRANSCRIPT_COLUMNS) as copy:
            for pk, (p, (run, prompt, arm, pair)) in zip(pks, fresh, strict=True):
                copy.write_row(
                    (
                        pk,
                        ingest.study_id,
                        pair,
                        run,
                        prompt,
                        arm,
                        p.record.sample,
                        p.content,
                        p.parse_state,
                        p.outcome,
                        len(p.record.messages),
                        sum(len(message.text) for message in p.record.messages),
                        any(is_escaped(message.text) for message in p.record.messages),
                        SEGMENTER_VERSION,
                        ingest.pk,
                        orjson.dumps(p.record.locator).decode(),
                    )
                )
        with _copy(cursor, "transcripts_transcriptbody", BODY_COLUMNS) as copy:
            for pk, (p, _) in zip(pks, fresh, strict=True):
                copy.write_row((pk, p.packed))
        with _copy(cursor, "transcripts_verdict", VERDICT_COLUMNS) as copy:
            for pk, (p, _) in zip(pks, fresh, strict=True):
                for verdict, outcome in {v.judge[:200]: (v, o) for v, o in p.verdicts}.values():
                    copy.write_row((pk, verdict.judge[:200], verdict.value[:500], verdict.score, outcome))
    findings = [
        Finding(
            ingest=ingest,
            kind=finding.kind,
            key=f"transcript {pk}",
            message=f"{p.record.position}: {finding.message}"[:2000],
            detail=dict(finding.detail),
            transcript_id=pk,
        )
        for pk, (p, _) in zip(pks, fresh, strict=True)
        for finding in p.findings
    ]
    if findings:
        Finding.objects.bulk_create(findings, ignore_conflicts=True)


def _copy(cursor: Any, table: str, columns: Mapping[str, str]) -> Any:
    return cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN")


def _conflict(prepared: Prepared) -> RejectItem:
    record = prepared.record
    return RejectItem(
        cursor=record.cursor,
        position=record.position,
        reason="identity_conflict",
        message=(
            f"Sample {record.sample} of this prompt, run and arm ({prepared.arm.name}) is already here "
            "with other text. The stored transcript is kept as it is; decide which of the two is right."
        ),
        locator=record.locator,
    )


def _reject_row(reject: RejectItem, ingest: Ingest, step: Step) -> Reject:
    excerpt = reject.excerpt[:EXCERPT_BYTES].decode("utf-8", "backslashreplace")
    return Reject(
        ingest=ingest,
        chunk=step.chunk_id or 0,
        cursor=reject.cursor,
        position=storable(reject.position)[:500],
        reason=reject.reason[:50],
        message=storable(reject.message),
        excerpt=storable(excerpt),
        locator=dict(reject.locator),
    )

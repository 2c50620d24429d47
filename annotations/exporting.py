"""The live export: transcripts with their labels, streamed as JSON lines with flat memory.

Lines: one ``_export`` header, one line per transcript (our own JSONL, so it can be ingested again), one
``_end`` line with the number of rows and the sha256 of every byte before it. A stream that lacks its
``_end`` was cut. Rows go by transcript id in slices of their own short queries, so no transaction
stays open; ``as_of`` (a revision number) pins the labels, ``after`` goes on behind a transcript.

What filters, a view or a selection choose is looked up once, at the start: eight bytes for each
transcript are held, and a search is not repeated for every slice.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from annotations.models import AnnotationRevision, Round
from annotations.units import Units
from transcripts.access import StudyAccess
from transcripts.identities import identity
from transcripts.models import Prompt, Transcript
from transcripts.records import Message
from transcripts.text import is_escaped, original

SCHEMA_VERSION = 1
SLICE = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """What to export: ``labelled`` leaves out transcripts without a submitted annotation; no ``units``: all."""

    as_of: int
    after: int = 0
    labelled: bool = False
    units: Units | None = None


def dump(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        # NUL and half surrogates go out as JSON escapes, as they came in; integers stay exact.
        return json.dumps(value, ensure_ascii=True, allow_nan=False, default=str).encode()


def lines(access: StudyAccess, selection: Selection) -> Iterator[bytes]:
    digest, rows, last = hashlib.sha256(), 0, selection.after

    def out(value: Any) -> bytes:
        line = dump(value) + b"\n"
        digest.update(line)
        return line

    header: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "study": access.study.slug,
        "as_of": selection.as_of,
        "after": selection.after,
        "labelled": selection.labelled,
    }
    slices = _slices(access, selection)
    if selection.units is not None:
        ids = _chosen(access, selection)
        header["selection"] = {**selection.units.record(), "rows": len(ids)}
        slices = _slices_of(ids)
    yield out({"_export": header})
    for batch in slices:
        labels = _annotations([transcript.pk for transcript in batch], selection.as_of)
        for transcript in batch:
            last = transcript.pk
            yield out(record(transcript, labels.get(transcript.pk, [])))
            rows += 1
    sha256 = digest.hexdigest()
    yield (
        dump({"_end": True, "rows": rows, "after": last, "as_of": selection.as_of, "sha256": sha256}) + b"\n"
    )


def _wanted(access: StudyAccess, selection: Selection, rows: QuerySet[Transcript]) -> QuerySet[Transcript]:
    """Of ``rows`` those behind ``after``, in order."""
    rows = rows.filter(study=access.study, pk__gt=selection.after)
    if selection.labelled:
        submitted = AnnotationRevision.objects.filter(
            annotation__study=access.study, pk__lte=selection.as_of, status="submitted"
        ).exclude(annotation__task__round__kind=Round.Kind.PRACTICE)
        rows = rows.filter(Exists(submitted.filter(annotation__transcript=OuterRef("pk"))))
    return rows.order_by("pk")


def _slices(access: StudyAccess, selection: Selection) -> Iterator[list[Transcript]]:
    while batch := _fetched(_wanted(access, selection, Transcript.objects.all())[:SLICE]):
        yield batch
        selection = replace(selection, after=batch[-1].pk)


def _chosen(access: StudyAccess, selection: Selection) -> array[int]:
    assert selection.units is not None
    rows = _wanted(access, selection, selection.units.transcripts)
    return array("q", rows.values_list("pk", flat=True).iterator(chunk_size=10_000))


def _slices_of(ids: array[int]) -> Iterator[list[Transcript]]:
    for start in range(0, len(ids), SLICE):
        yield _fetched(Transcript.objects.filter(pk__in=ids[start : start + SLICE].tolist()).order_by("pk"))


def _fetched(rows: QuerySet[Transcript]) -> list[Transcript]:
    rows = rows.select_related("run", "prompt", "arm", "body", "ingest__source")
    return list(rows.prefetch_related("verdicts"))


def record(transcript: Transcript, annotations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One export line: our own JSONL record, plus ``provenance`` and ``annotations``."""
    body = transcript.body.content
    run, prompt, ingest = transcript.run, transcript.prompt, transcript.ingest
    return {
        "id": transcript.pk,
        "model": run.model,
        "setting": run.setting,
        "checkpoint": run.checkpoint,
        "training_step": run.training_step,
        "goal_nudge": run.goal_nudge,
        "arm": transcript.arm.name,
        "role": transcript.arm.role,
        # None where the text itself is the identity, so that the line, read again, is the same prompt.
        "prompt_id": prompt.external_id or None,
        "prompt_scheme": _scheme(prompt),
        "prompt": original(prompt.text),
        "family": prompt.family,
        "sample": transcript.sample,
        "messages": [_message(message) for message in body.messages],
        "parse_state": transcript.parse_state,
        "outcome": transcript.outcome,
        "verdicts": [verdict.said for verdict in transcript.verdicts.all()],
        "metadata": body.metadata,
        "provenance": {
            "content_sha256": bytes(transcript.content_sha256).hex(),
            "source": ingest.source.name,
            "source_sha256": ingest.source.sha256,
            "locator": transcript.locator,
            "ingest": ingest.pk,
            "reader": ingest.reader,
            "reader_version": ingest.reader_version,
            "segmenter_version": transcript.segmenter_version,
        },
        "annotations": [_in_original_offsets(annotation, body.messages) for annotation in annotations],
    }


def _scheme(prompt: Prompt) -> str:
    """What kind of identity the prompt has: its own text, an id, or an Inspect sample's."""
    if not prompt.external_id:
        return "text"
    is_inspect = bytes(prompt.identity) == identity("inspect", prompt.external_id)
    return "inspect" if is_inspect else "id"


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": original(message.text)}
    if message.name:
        said["name"] = message.name
    back = _offsets(message.text)
    # With these, block content (reasoning, tool calls) is read back as it was, not segmented anew.
    said["segments"] = [
        {
            "kind": segment.kind,
            "start": back(segment.start),
            "end": back(segment.end),
            "inner_start": back(segment.inner_start),
            "inner_end": back(segment.inner_end),
            "note": segment.note,
        }
        for segment in message.segments
    ]
    said["parse_state"] = message.parse_state
    return said


def _offsets(stored: str) -> Any:
    """From offsets in stored text to offsets in the original: they differ only behind a doubled escape."""
    if not is_escaped(stored):
        return lambda offset: offset
    return lambda offset: len(original(stored[:offset]))


def _in_original_offsets(annotation: Mapping[str, Any], messages: Sequence[Message]) -> dict[str, Any]:
    spans = []
    for span in annotation["spans"]:
        back = _offsets(messages[span["message"]].text)
        spans.append(
            {**span, "start": back(span["start"]), "end": back(span["end"]), "quote": original(span["quote"])}
        )
    return {**annotation, "spans": spans}


def _annotations(transcripts: list[int], as_of: int) -> dict[int, list[dict[str, Any]]]:
    """Per transcript, each annotator's newest submitted revision that is not newer than ``as_of``."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (n.transcript_id, n.id)
                n.transcript_id, n.id, coalesce(nullif(u.outside_name, ''), u.username), r.version,
                r.id, r.payload, r.hidden, r.text_sha256,
                r.segmenter_version, b.slug, c.number, c.sha256, k.round_id, r.created_at,
                u.outside_name <> ''
            FROM annotations_annotation n
            JOIN annotations_annotationrevision r ON r.annotation_id = n.id AND r.status = 'submitted' AND r.id <= %s
            JOIN accounts_user u ON u.id = n.annotator_id
            JOIN annotations_codebookversion c ON c.id = r.codebook_version_id
            JOIN annotations_codebook b ON b.id = c.codebook_id
            JOIN annotations_task k ON k.id = n.task_id
            JOIN annotations_round d ON d.id = k.round_id AND d.kind <> 'practice'
            WHERE n.transcript_id = ANY(%s)
            ORDER BY n.transcript_id, n.id, r.version DESC
            """,
            [as_of, transcripts],
        )
        found: dict[int, list[dict[str, Any]]] = {}
        for row in cursor.fetchall():
            payload = row[5] if isinstance(row[5], dict) else orjson.loads(row[5])
            origin = payload.get("imported")
            found.setdefault(row[0], []).append(
                {
                    "id": str(row[1]),
                    # An outside annotator goes by the name in their file, so that it is the same when read again.
                    "annotator": original(row[2]) if row[14] else row[2],
                    "outside": row[14],
                    "round": row[12],
                    "revision": row[3],
                    "revision_id": row[4],
                    "created_at": row[13].isoformat(),
                    "codebook": {"slug": row[9], "version": row[10], "sha256": row[11]},
                    "text_sha256": row[7],
                    "segmenter_version": row[8],
                    "hidden": row[6],
                    "answers": payload["answers"],
                    "spans": payload["spans"],
                    **({} if origin is None else _as_imported(payload)),
                }
            )
    return found


def _as_imported(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An outside annotator's words as their file had them: only such text was made storable on its way in."""
    return {
        "answers": original_value(payload["answers"]),
        "spans": [{**span, "label": original(span["label"])} for span in payload["spans"]],
        "imported": original_value(payload["imported"]),
    }


def original_value(value: Any) -> Any:
    """A JSON value with every string and key as the source had it."""
    if isinstance(value, str):
        return original(value)
    if isinstance(value, dict):
        return {original(key): original_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [original_value(item) for item in value]
    return value

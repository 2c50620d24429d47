"""Keeping what an annotator says: one revision per action, appended, never changed.

Each save names the version it was made from (``base_version``) and the action it is for
(``idempotency_key``). The task's row is locked first, then the claim, then the head: so two tabs
take turns, the second is told what the first stored, and a request sent twice is kept once.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError
from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Now

from afdash.retry import in_transaction
from annotations import revision_order
from annotations.answers import check_answers
from annotations.labelling.claiming import LIVE, own_claims, renew, take_slot
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.rounds import NOT_OPEN
from annotations.models import (
    Annotation,
    AnnotationRevision,
    Answer,
    Claim,
    CodebookVersion,
    Round,
    RoundAnnotator,
    Span,
    Task,
)
from annotations.spans import CheckedSpan, check_spans
from transcripts.models import Transcript, TranscriptBody

if TYPE_CHECKING:
    from transcripts.access import StudyAccess

SKIPPED = "You skipped this task; nothing more can be saved in it."
ROWS = 5_000  # of one INSERT
STATUSES = (Annotation.Status.DRAFT, Annotation.Status.SUBMITTED)


@dataclass(frozen=True, slots=True)
class Saved:
    """What is stored now. ``is_replay``: this very action had been kept before."""

    annotation: uuid.UUID
    version: int
    status: str
    saved_at: datetime
    is_replay: bool = False


def save(
    access: StudyAccess,
    task: Task,
    *,
    base_version: int,
    status: str,
    answers: Mapping[str, Any],
    spans: Sequence[Mapping[str, Any]],
    idempotency_key: uuid.UUID,
    text_sha256: str = "",
) -> Saved:
    """Append a revision; raises Invalid or LabellingConflict, and stores nothing then."""
    if status not in STATUSES:
        raise Invalid("The status must be draft or submitted.", {"status": "draft or submitted"})
    request = digest(task.pk, base_version, status, answers, spans)

    def once() -> Saved:
        return _save(
            access, task.pk, base_version, status, answers, spans, idempotency_key, request, text_sha256
        )

    try:
        return in_transaction(once)
    except IntegrityError:
        # The same key at the same moment for another task: now its revision can be seen.
        if _kept(access, idempotency_key) is None:
            raise
        return in_transaction(once)


def digest(*parts: Any) -> str:
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _kept(access: StudyAccess, key: uuid.UUID) -> AnnotationRevision | None:
    return AnnotationRevision.objects.filter(annotator=access.user, idempotency_key=key).first()


def _save(
    access: StudyAccess,
    task_pk: int,
    base_version: int,
    status: str,
    answers: Mapping[str, Any],
    spans: Sequence[Mapping[str, Any]],
    key: uuid.UUID,
    request: str,
    text_sha256: str,
) -> Saved:
    task = (
        Task.objects.select_related("round__codebook_version")
        .select_for_update(of=("self",))
        .get(pk=task_pk, round__study=access.study)
    )
    kept = _kept(access, key)
    if kept is not None:
        if kept.request_sha256 != request:
            raise Invalid("This idempotency key was used for something else.", code="idempotency_mismatch")
        return Saved(kept.annotation_id, kept.version, kept.status, kept.created_at, is_replay=True)
    claim = _hold(access, task)
    head = _head(access, task)
    if head.version != base_version:
        raise LabellingConflict(
            "version_conflict",
            f"This was saved elsewhere meanwhile: revision {head.version}, yours began at {base_version}.",
            current_state(head),
        )
    if head.status == Annotation.Status.SUBMITTED and status == Annotation.Status.DRAFT:
        # Else a glance back that touches a key would take a finished label out of the figures.
        raise Invalid(
            "What has been submitted stays submitted: change it and submit it again.", code="is_submitted"
        )
    transcript, messages = _text(task, text_sha256)
    clean_answers, clean_spans = _checked(task, status, answers, spans, messages)
    version = head.version + 1
    revision_order.appending()
    revision = new_revision(
        head,
        transcript,
        task.round.codebook_version,
        version=version,
        status=status,
        payload=payload_of(clean_answers, clean_spans),
        idempotency_key=key,
        request_sha256=request,
        # What this person could not have known: a lead sees all, whatever the round hides.
        hidden=sorted(access.hidden.intersection(task.round.hidden)),
    )
    revision.save(force_insert=True)
    changed = Annotation.objects.filter(pk=head.pk, version=base_version).update(
        version=version, status=status, updated_at=Now()
    )
    if changed != 1:
        raise RuntimeError("an annotation changed under its lock")
    project([(head, revision)], has_rows=[head.pk] if head.version else [])
    if status == Annotation.Status.SUBMITTED:
        Claim.objects.filter(pk=claim.pk, state=Claim.State.ACTIVE).update(
            state=Claim.State.SUBMITTED, finished_at=Now()
        )
    else:
        renew(claim, task.round)
    return Saved(head.pk, version, status, revision.created_at)


def _hold(access: StudyAccess, task: Task) -> Claim:
    """This person's live claim, taken anew if its lease ran out and the place is still free.

    What they skipped stays skipped: a draft that was on its way when they did must not take it up again.
    """
    if task.round.state in NOT_OPEN:
        raise LabellingConflict(*NOT_OPEN[Round.State(task.round.state)])
    lost = LabellingConflict(
        "claim_lost", "This task is no longer yours. Your work is still on this page, but it cannot be saved."
    )
    if not RoundAnnotator.objects.filter(round=task.round, user=access.user).exists():
        raise lost
    claims = list(own_claims(task, access).select_for_update(of=("self",)).order_by("id"))
    live = next((claim for claim in claims if claim.state in LIVE), None)
    if live is not None:
        return live
    if claims and claims[-1].state == Claim.State.SKIPPED:
        raise LabellingConflict("claim_lost", SKIPPED)
    if not claims or task.slots_taken >= task.slots:
        raise lost
    return take_slot(task, access, task.round)


def _head(access: StudyAccess, task: Task) -> Annotation:
    head, _ = Annotation.objects.select_for_update(of=("self",)).get_or_create(
        task=task,
        annotator=access.user,
        defaults={"study": access.study, "transcript_id": task.transcript_id},
    )
    return head


def _text(task: Task, text_sha256: str) -> tuple[Transcript, Sequence[Any]]:
    if task.transcript_id is None:
        raise Invalid("Pairs cannot be labelled as one unit yet.", code="pair_task")
    body = TranscriptBody.objects.select_related("transcript").get(transcript_id=task.transcript_id)
    if text_sha256 and text_sha256 != bytes(body.transcript.content_sha256).hex():
        raise LabellingConflict("text_changed", "The text of this task is not the one that you were shown.")
    return body.transcript, body.messages


def _checked(
    task: Task,
    status: str,
    answers: Mapping[str, Any],
    spans: Sequence[Mapping[str, Any]],
    messages: Sequence[Any],
) -> tuple[dict[str, list[str]], list[CheckedSpan]]:
    book = task.round.codebook_version.parsed
    clean_answers, problems = check_answers(book, answers, complete=status == Annotation.Status.SUBMITTED)
    clean_spans, span_problems = check_spans(book, messages, spans)
    fields = problems | {f"spans.{at}" if at else "spans": text for at, text in span_problems.items()}
    if fields:
        first = next(iter(fields.values()))
        raise Invalid(f"Not saved: {first}", fields)
    return clean_answers, clean_spans


def payload_of(answers: Mapping[str, Sequence[str]], spans: Sequence[CheckedSpan]) -> dict[str, Any]:
    """What a revision keeps of a label: the answers by question, the spans in reading order."""
    return {"answers": answers, "spans": [span.as_json() for span in spans]}


def new_revision(
    head: Annotation, transcript: Transcript, codebook_version: CodebookVersion, **fields: Any
) -> AnnotationRevision:
    """A revision of ``head`` with what was seen when it was made; not stored yet."""
    return AnnotationRevision(
        annotation=head,
        annotator_id=head.annotator_id,
        codebook_version=codebook_version,
        text_sha256=bytes(transcript.content_sha256).hex(),
        segmenter_version=transcript.segmenter_version,
        **fields,
    )


def project(newest: Sequence[tuple[Annotation, AnnotationRevision]], has_rows: Sequence[uuid.UUID]) -> None:
    """The newest revisions as rows, for figures and lists. ``has_rows``: annotations that had some before."""
    if has_rows:
        Answer.objects.filter(annotation__in=has_rows).delete()
        Span.objects.filter(annotation__in=has_rows).delete()
    Answer.objects.bulk_create(
        (row for head, revision in newest for row in _answers(head, revision)), batch_size=ROWS
    )
    Span.objects.bulk_create(
        (row for head, revision in newest for row in _spans(head, revision)), batch_size=ROWS
    )


def _spans(head: Annotation, revision: AnnotationRevision) -> Iterator[Span]:
    assert head.transcript_id is not None, "spans lie in a transcript"
    for span in revision.payload["spans"]:
        yield Span(annotation=head, transcript_id=head.transcript_id, **span)


def _answers(head: Annotation, revision: AnnotationRevision) -> Iterator[Answer]:
    book = revision.codebook_version.parsed
    texts = {question.key for question in book.questions if question.kind == "text"}
    for question, values in revision.payload["answers"].items():
        is_text = question in texts
        # Only imported labels can have several texts for one question.
        for value in ["\n".join(values)] if is_text else values:
            yield Answer(
                annotation=head,
                study_id=head.study_id,
                transcript_id=head.transcript_id,
                question=question,
                choice="" if is_text else value,
                text=value if is_text else "",
                submitted=revision.status == Annotation.Status.SUBMITTED,
            )


def with_newest(annotations: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """The annotations with their newest revisions, so that :func:`current_state` asks nothing more."""
    newest = AnnotationRevision.objects.filter(version=F("annotation__version"))
    return annotations.select_related("annotator").prefetch_related(
        Prefetch("revisions", newest, to_attr="newest_revisions")
    )


def current_state(head: Annotation | None) -> dict[str, Any]:
    """What is stored now, as the page and the API show it; version 0 if nothing is."""
    revision = None
    if head is not None and head.version:
        fetched = getattr(head, "newest_revisions", None)
        revision = fetched[0] if fetched else head.revisions.get(version=head.version)
    if head is None or revision is None:
        return {
            "annotation": None,
            "version": 0,
            "status": "draft",
            "answers": {},
            "spans": [],
            "saved_at": None,
        }
    return {
        "annotation": str(head.pk),
        "version": revision.version,
        "status": revision.status,
        "answers": revision.payload["answers"],
        "spans": revision.payload["spans"],
        "saved_at": revision.created_at,
    }

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
from annotations.codebook_moves import brought_forward
from annotations.labelling import summary
from annotations.labelling.claiming import LIVE, own_claims, renew, take_slot, widen
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.rounds import NOT_OPEN
from annotations.labelling.shown import Shown, shown
from annotations.models import (
    Annotation,
    AnnotationRevision,
    Answer,
    Claim,
    CodebookVersion,
    Relabelling,
    Round,
    RoundAnnotator,
    Span,
    Task,
)
from annotations.payload import FIELDS, Payload, check
from annotations.spans import CheckedSpan
from transcripts.models import Transcript

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
    idempotency_key: uuid.UUID,
    text_sha256: str = "",
    codebook_version: int | None = None,
    **said: Any,
) -> Saved:
    """Append a revision; raises Invalid or LabellingConflict, and stores nothing then.

    ``said`` are the fields of :mod:`annotations.payload`, in the offsets of the text as this person sees it, and
    ``codebook_version`` is what they were asked by. Where the round has moved on to another one, ``codebook_changed``
    is raised, but what was said is kept: as a draft, or as the earlier label that it is.
    """
    if status not in STATUSES:
        raise Invalid("The status must be draft or submitted.", {"status": "draft or submitted"})
    request = digest(task.pk, base_version, status, {name: value for name, value in said.items() if value})

    def once() -> Saved | LabellingConflict:
        return _save(
            access,
            task.pk,
            base_version,
            status,
            said,
            idempotency_key,
            request,
            text_sha256,
            codebook_version,
        )

    try:
        saved = in_transaction(once)
    except IntegrityError:
        # The same key at the same moment for another task: now its revision can be seen.
        if _kept(access, idempotency_key) is None:
            raise
        saved = in_transaction(once)
    if isinstance(saved, LabellingConflict):  # only now, else nothing would be kept
        raise saved
    return saved


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
    said: Mapping[str, Any],
    key: uuid.UUID,
    request: str,
    text_sha256: str,
    codebook_version: int | None,
) -> Saved | LabellingConflict:
    task = Task.objects.select_for_update(of=("self",)).get(pk=task_pk, round__study=access.study)
    # In a statement of its own: read together with the lock, it would be as it was before we waited for that.
    task.round = Round.objects.select_related("codebook_version").get(pk=task.round_id)
    kept = _kept(access, key)
    if kept is not None:
        if kept.request_sha256 != request:
            raise Invalid("This idempotency key was used for something else.", code="idempotency_mismatch")
        if kept.status != status:
            return _codebook_changed(kept.annotation, shown(access, task), task.round)
        return Saved(kept.annotation_id, kept.version, kept.status, kept.created_at, is_replay=True)
    claim = _hold(access, task)
    head = _head(access, task)
    seen = shown(access, task)
    asked_by = _asked_by(task.round, codebook_version, head)
    if asked_by is None:
        raise _codebook_changed(head, seen, task.round)
    has_moved = asked_by.pk != task.round.codebook_version_id
    if head.version != base_version and not (has_moved and _is_its_mapping(head, base_version)):
        raise LabellingConflict(
            "version_conflict",
            f"This was saved elsewhere meanwhile: revision {head.version}, yours began at {base_version}.",
            brought_forward(current_state(head, seen), task.round),
        )
    if head.status == Annotation.Status.SUBMITTED and status == Annotation.Status.DRAFT:
        # Else a glance back that touches a key would take a finished label out of the figures.
        raise Invalid(
            "What has been submitted stays submitted: change it and submit it again.", code="is_submitted"
        )
    if text_sha256 and text_sha256 != seen.sha256:
        raise LabellingConflict("text_changed", "The text of this task is not the one that you were shown.")
    if has_moved:
        status = (
            head.status
        )  # a submitted label stays one; anything else is a draft until it is answered anew
    stored = _checked(asked_by, status, said, seen)
    version = head.version + 1
    revision_order.appending()
    revision = new_revision(
        head,
        [side.transcript for side in seen.sides],
        asked_by,
        version=version,
        status=status,
        payload=stored.as_json(),
        idempotency_key=key,
        request_sha256=request,
        # What this person could not have known: a lead sees all, whatever the round hides.
        hidden=sorted(access.hidden.intersection(task.round.hidden)),
        shown_sha256=seen.sha256 if seen.is_masked else "",
    )
    revision.save(force_insert=True)
    changed = Annotation.objects.filter(pk=head.pk, version=head.version).update(
        version=version,
        status=status,
        codebook_version=asked_by,
        comment=stored.comment,
        flag=stored.flag,
        updated_at=Now(),
    )
    if changed != 1:
        raise RuntimeError("an annotation changed under its lock")
    project([(head, revision)], has_rows=[head.pk] if head.version else [])
    if status == Annotation.Status.SUBMITTED:
        Claim.objects.filter(pk=claim.pk, state=Claim.State.ACTIVE).update(
            state=Claim.State.SUBMITTED, finished_at=Now()
        )
        widen(task, task.round)
    else:
        renew(claim, task.round)
    if has_moved:
        head.version = version
        return _codebook_changed(head, seen, task.round)
    return Saved(head.pk, version, status, revision.created_at)


def _asked_by(round: Round, said: int | None, head: Annotation) -> CodebookVersion | None:
    """The version that these answers are to; None if they may be to another one than the round's, and do not say."""
    now = round.codebook_version
    if said == now.pk or (said is None and (not head.version or head.codebook_version_id in (None, now.pk))):
        return now
    if said is None:
        return None
    move = Relabelling.objects.filter(round=round, before=said).select_related("before").first()
    if move is None:
        words = "This round never asked by this codebook version."
        raise Invalid(words, {"codebook_version": words})
    return move.before


def _is_its_mapping(head: Annotation, base_version: int) -> bool:
    """Whether the newest revision is nothing but what became of ``base_version`` when the round moved."""
    return head.revisions.filter(version=head.version, mapped_from__version=base_version).exists()


def _codebook_changed(head: Annotation, seen: Shown, round: Round) -> LabellingConflict:
    return LabellingConflict(
        "codebook_changed",
        f"This round now asks by {round.codebook_version}. What you said under the earlier version is kept; open the "
        "task again to see it under the new one.",
        brought_forward(current_state(head, seen), round),
    )


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


def _checked(asked_by: CodebookVersion, status: str, said: Mapping[str, Any], seen: Shown) -> Payload:
    """What was said, of the stored text; checked against the text as it was shown, and in its words."""
    book = asked_by.parsed
    found, problems = check(book, seen.texts, said, complete=status == Annotation.Status.SUBMITTED)
    if not problems:
        found, problems = seen.stored(found)
    if problems:
        raise Invalid(f"Not saved: {next(iter(problems.values()))}", problems)
    return found


def payload_of(answers: Mapping[str, Sequence[str]], spans: Sequence[CheckedSpan]) -> dict[str, Any]:
    """What a revision keeps of a label: the answers by question, the spans in reading order."""
    return {"answers": answers, "spans": [span.as_json() for span in spans]}


def new_revision(
    head: Annotation, transcripts: Sequence[Transcript], codebook_version: CodebookVersion, **fields: Any
) -> AnnotationRevision:
    """A revision of ``head`` with what was seen when it was made; not stored yet."""
    hashes = [
        bytes(transcript.content_sha256) for transcript in sorted(transcripts, key=lambda each: each.pk)
    ]
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256(b"".join(hashes)).digest()
    return AnnotationRevision(
        annotation=head,
        annotator_id=head.annotator_id,
        codebook_version=codebook_version,
        text_sha256=whole.hex(),
        segmenter_version=max(transcript.segmenter_version for transcript in transcripts),
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
    summary.refresh_for(head for head, revision in newest if revision.status == Annotation.Status.SUBMITTED)


def _spans(head: Annotation, revision: AnnotationRevision) -> Iterator[Span]:
    for span in revision.payload["spans"]:
        yield Span(
            annotation=head, **{"transcript_id": span.get("transcript", head.transcript_id)} | _columns(span)
        )


def _columns(span: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in span.items() if name != "transcript"}


def _answers(head: Annotation, revision: AnnotationRevision) -> Iterator[Answer]:
    book, payload = revision.codebook_version.parsed, revision.payload
    texts = {question.key for question in book.questions if question.kind == "text"}
    for transcript, answers in _by_transcript(head, payload):
        for question, values in answers.items():
            yield from _rows(head, revision, question, values, question in texts, transcript)
    for placed in payload.get("places", ()):
        question, transcript = placed["question"], placed.get("transcript", head.transcript_id)
        at = {"message": placed["message"], "segment": placed.get("start")}
        yield from _rows(head, revision, question, placed["values"], question in texts, transcript, **at)


def _by_transcript(
    head: Annotation, payload: Mapping[str, Any]
) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """The answers of the unit, and of each side where it is a pair."""
    yield head.transcript_id, payload["answers"]
    for pk, answers in payload.get("sides", {}).items():
        yield int(pk), answers


def _rows(
    head: Annotation,
    revision: AnnotationRevision,
    question: str,
    values: Sequence[str],
    is_text: bool,
    transcript: int | None,
    **at: int | None,
) -> Iterator[Answer]:
    # Only imported labels can have several texts for one question.
    for value in ["\n".join(values)] if is_text else values:
        yield Answer(
            annotation=head,
            study_id=head.study_id,
            transcript_id=transcript,
            question=question,
            choice="" if is_text else value,
            text=value if is_text else "",
            submitted=revision.status == Annotation.Status.SUBMITTED,
            **at,
        )


def with_newest(annotations: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """The annotations with their newest revisions, so that :func:`current_state` asks nothing more."""
    newest = AnnotationRevision.objects.filter(version=F("annotation__version"))
    return annotations.select_related("annotator").prefetch_related(
        Prefetch("revisions", newest, to_attr="newest_revisions")
    )


def current_state(head: Annotation | None, seen: Shown | None = None) -> dict[str, Any]:
    """What is stored now, as the page and the API show it; version 0 if nothing is.

    ``seen`` puts it into the words and offsets of the text as somebody sees it.
    """
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
            "codebook_version": None,
            "saved_at": None,
        }
    payload = seen.shown(revision.payload) if seen else revision.payload
    more = {name: payload[name] for name in FIELDS if name in payload}
    return {
        "annotation": str(head.pk),
        "version": revision.version,
        "status": revision.status,
        **more,
        "codebook_version": revision.codebook_version_id,
        "saved_at": revision.created_at,
    }

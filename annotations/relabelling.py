"""A round moves to another version of its codebook, and its labels with it, where a rule can say how.

Earlier revisions stay what they are. For each submitted annotation a revision is appended that says the same under
the new version, from which one it was made and who decided so; unless people have to decide about a part of it, or
it would not be complete under the new version: then the annotation stays under the earlier version, and whoever gave
it is asked to look again. Drafts are not touched: who opens one sees it as the new version asks.

The round's version is switched first, in a transaction of its own; then the tasks are looked at in batches. A save
locks its task and reads the round's version after that: so either it saw the new version, or the batch that locks the
task later finds what it stored. Killed at any point, :func:`carry_on` goes on from the last batch.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from afdash.retry import in_transaction
from annotations import revision_order
from annotations.codebook import Codebook
from annotations.codebook_changes import DROP, KeyMap, Mapped, map_payload, parse_mapping
from annotations.codebook_moves import along, moves_of
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.rounds import NOT_OPEN
from annotations.labelling.saving import digest, project
from annotations.models import (
    Annotation,
    AnnotationRevision,
    Claim,
    CodebookVersion,
    Expected,
    Relabelling,
    Round,
    Task,
)
from annotations.payload import check
from transcripts.models import TranscriptBody
from transcripts.records import Message

if TYPE_CHECKING:
    from afdash.accounts.models import User
    from transcripts.access import StudyAccess

BATCH = 50  # tasks that are locked together
SHOWN = 20  # annotations of a preview, old beside new
LOOKED_AT = 5_000  # annotations that a preview counts
KEYS = uuid.UUID("5b0d3f0e-5b0b-4a55-9a52-2f6d0f3a8f10")
Texts = dict[int, dict[int, Sequence[Message]]]  # by task, as annotations.payload.check wants them


@dataclass(frozen=True)
class Outcome:
    """What one annotation becomes; it moves if there is no ``problem``."""

    head: Annotation
    revision: AnnotationRevision
    mapped: Mapped
    payload: dict[str, Any]  # as it would be stored
    problem: str


@dataclass
class Preview:
    """Counts of what would happen to what is submitted, and the first of them."""

    annotations: int = 0
    looked_at: int = 0
    moved: int = 0
    stay: int = 0
    drafts: int = 0
    answers: int = 0  # said before, of those that were looked at
    answers_mapped: int = 0
    spans: int = 0
    spans_mapped: int = 0
    lost: int = 0
    dropped: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first: list[Outcome] = field(default_factory=list)


def preview(round: Round, after: CodebookVersion, mapping: KeyMap) -> Preview:
    """What :func:`begin` and :func:`carry_on` would do now. Reads at most LOOKED_AT annotations."""
    found = Preview()
    submitted = Annotation.objects.filter(task__round=round, status=Annotation.Status.SUBMITTED)
    found.annotations = submitted.exclude(codebook_version=after).count()
    found.drafts = Annotation.objects.filter(
        task__round=round, status=Annotation.Status.DRAFT, version__gt=0
    ).count()
    ids = list(
        submitted.exclude(codebook_version=after)
        .order_by("task__position", "task_id", "annotator_id")
        .values_list("pk", flat=True)[:LOOKED_AT]
    )
    to_come = Relabelling(round=round, before=round.codebook_version, after=after, mapping=mapping.as_json())
    moves = [*moves_of(round), to_come]
    for start in range(0, len(ids), BATCH):
        heads = list(submitted.filter(pk__in=ids[start : start + BATCH]).select_related("task", "annotator"))
        heads.sort(key=lambda head: ids.index(head.pk, start))
        for outcome in _outcomes(heads, moves, after.parsed):
            _count(found, outcome)
    return found


def _count(found: Preview, outcome: Outcome) -> None:
    before, mapped = outcome.revision.payload, outcome.mapped
    found.looked_at += 1
    found.answers += _n_answers(before)
    found.answers_mapped += _n_answers(mapped.payload())
    found.spans += len(before.get("spans", ()))
    found.spans_mapped += len(mapped.spans)
    found.lost += len(mapped.lost)
    found.dropped += len(mapped.dropped)
    if outcome.problem:
        found.stay += 1
        found.reasons[outcome.problem] = found.reasons.get(outcome.problem, 0) + 1
    else:
        found.moved += 1
    if len(found.first) < SHOWN:
        found.first.append(outcome)


def _n_answers(payload: dict[str, Any]) -> int:
    by_side = [payload.get("answers", {}), *payload.get("sides", {}).values()]
    return sum(len(values) for answers in by_side for values in answers.values()) + sum(
        len(placed["values"]) for placed in payload.get("places", ())
    )


def begin(round: Round, after: CodebookVersion, mapping: Any, by: User) -> Relabelling:
    """Switch the round to ``after``; its labels follow in :func:`carry_on`.

    The same once more is the same move. Raises BadDefinition for the mapping, Invalid and LabellingConflict else.
    """

    def once() -> Relabelling:
        now = (
            Round.objects.select_for_update(of=("self",)).select_related("codebook_version").get(pk=round.pk)
        )
        unfinished = Relabelling.objects.filter(round=now, finished_at=None).first()
        if unfinished is not None:
            if unfinished.after_id == after.pk:
                return unfinished
            raise LabellingConflict("codebook_moving", "This round is on its way to another version already.")
        if now.state == Round.State.CLOSED:
            raise LabellingConflict(*NOT_OPEN[Round.State.CLOSED])
        if after.codebook.study_id != now.study_id or after.codebook.imported_from:
            words = "This study has no such codebook version for rounds."
            raise Invalid(words, {"codebook_version": words})
        if after.pk == now.codebook_version_id:
            words = "The round asks by this version already."
            raise Invalid(words, {"codebook_version": words})
        before = now.codebook_version
        keys = parse_mapping(before.parsed, after.parsed, mapping)
        made = Relabelling.objects.create(
            round=now, before=before, after=after, mapping=keys.as_json(), by=by
        )
        suggestions = [
            {**each, "label": to}
            for each in now.suggestions
            if (to := keys.labels.get(each.get("label", ""), each.get("label"))) not in (None, DROP)
        ]
        Round.objects.filter(pk=now.pk).update(codebook_version=after, suggestions=suggestions)
        _move_expected(made, keys)
        return made

    return in_transaction(once)


def _move_expected(move: Relabelling, keys: KeyMap) -> None:
    """What is right in tasks for practice and gold ones, in the new version's words."""
    before, after = move.before.parsed, move.after.parsed
    for expected in Expected.objects.filter(task__round=move.round_id).select_for_update(of=("self",)):
        mapped = map_payload(before, after, keys, expected.payload)
        gone = mapped.lost + mapped.dropped
        if gone:
            words = f"Of version {move.before.number}, without a counterpart: {'; '.join(gone)}"
            expected.note = f"{expected.note}\n{words}".strip()
        expected.payload = {**expected.payload, **mapped.payload()}
        expected.save(update_fields=["payload", "note"])


def carry_on(move: Relabelling, seconds: float | None = None) -> Relabelling:
    """Look at the tasks that were not looked at yet, for as long as given; the move as it stands then."""
    end = None if seconds is None else time.monotonic() + seconds
    pk = move.pk
    while move.finished_at is None:
        move = in_transaction(lambda: _batch(pk))
        if end is not None and time.monotonic() > end:
            break
    return move


def _batch(pk: int) -> Relabelling:
    # Who carries on at the same time waits here, and then finds the next batch.
    move = Relabelling.objects.select_for_update(of=("self",)).get(pk=pk)
    if move.finished_at is not None:
        return move
    held = Claim.objects.filter(task=OuterRef("pk"))  # nobody saves in a task that they never held
    tasks = list(
        Task.objects.filter(Exists(held), round=move.round_id, pk__gt=move.position)
        .order_by("pk")
        .select_for_update(of=("self",))[:BATCH]
    )
    if not tasks:
        Relabelling.objects.filter(pk=pk).update(finished_at=Now())
        return Relabelling.objects.get(pk=pk)
    by_pk = {task.pk: task for task in tasks}
    heads = list(
        Annotation.objects.filter(task__in=by_pk, status=Annotation.Status.SUBMITTED)
        .exclude(codebook_version=move.after_id)
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    for head in heads:
        head.task = by_pk[head.task_id]
    outcomes = list(_outcomes(heads, moves_of(move.round), move.after.parsed))
    moving = [outcome for outcome in outcomes if not outcome.problem]
    if moving:
        _append(move, moving)
    Relabelling.objects.filter(pk=pk).update(
        position=tasks[-1].pk,
        mapped=F("mapped") + len(moving),
        left=F("left") + len(outcomes) - len(moving),
    )
    return Relabelling.objects.get(pk=pk)


def _append(move: Relabelling, outcomes: Sequence[Outcome]) -> None:
    revision_order.appending()
    newest = [(outcome.head, _revision(move, outcome)) for outcome in outcomes]
    AnnotationRevision.objects.bulk_create([revision for _, revision in newest])
    for head, revision in newest:
        head.version, head.codebook_version, head.updated_at = revision.version, move.after, Now()
    Annotation.objects.bulk_update(
        [head for head, _ in newest], ["version", "codebook_version", "updated_at"]
    )
    project(newest, has_rows=[head.pk for head, _ in newest])


def _revision(move: Relabelling, outcome: Outcome) -> AnnotationRevision:
    source = outcome.revision
    return AnnotationRevision(
        annotation=outcome.head,
        version=source.version + 1,
        annotator_id=source.annotator_id,
        status=source.status,
        payload=outcome.payload,
        idempotency_key=uuid.uuid5(KEYS, f"{move.pk} {source.pk}"),
        request_sha256=digest("mapped", move.pk, source.pk),
        codebook_version=move.after,
        # What was seen when it was said is what it was.
        text_sha256=source.text_sha256,
        shown_sha256=source.shown_sha256,
        segmenter_version=source.segmenter_version,
        hidden=source.hidden,
        mapped_from=source,
        mapped_by_id=move.by_id,
    )


def _outcomes(
    heads: Sequence[Annotation], moves: Sequence[Relabelling], after: Codebook
) -> Iterator[Outcome]:
    revisions = {
        revision.annotation_id: revision
        for revision in AnnotationRevision.objects.filter(
            annotation__in=[head.pk for head in heads], version=F("annotation__version")
        ).select_related("codebook_version")
    }
    texts = _texts([head.task for head in heads])
    for head in heads:
        revision = revisions[head.pk]
        mapped = along(moves, revision.codebook_version_id, revision.payload)
        payload, problem = _stored(after, texts[head.task_id], mapped)
        yield Outcome(head, revision, mapped, payload, problem)


def _stored(
    after: Codebook, texts: dict[int, Sequence[Message]], mapped: Mapped
) -> tuple[dict[str, Any], str]:
    """The payload as the new version has it, and why it cannot be taken ("" if it can)."""
    if mapped.lost:
        return mapped.payload(), "people decide about a part of it"
    found, problems = check(after, texts, mapped.payload(), complete=True)
    if problems:
        where, words = next(iter(problems.items()))
        question = after.question(where.rsplit(".", 1)[-1].split("@")[0])
        return mapped.payload(), f"{question.title}: {words}" if question else words
    return found.as_json(), ""


def _texts(tasks: Sequence[Task]) -> Texts:
    wanted = {task.pk: [task.transcript_id] if task.transcript_id else list(task.sides) for task in tasks}
    bodies = TranscriptBody.objects.in_bulk({pk for each in wanted.values() for pk in each})
    return {
        task.pk: {0 if task.transcript_id else pk: bodies[pk].messages for pk in wanted[task.pk]}
        for task in tasks
    }


def another_look(access: StudyAccess) -> QuerySet[Annotation]:
    """Labels that stayed behind when their round moved on: everybody's for a lead, else one's own."""
    stayed = (
        Annotation.objects.filter(study=access.study, status=Annotation.Status.SUBMITTED)
        .exclude(task__round__state=Round.State.CLOSED)
        .exclude(codebook_version=F("task__round__codebook_version"))
        .exclude(codebook_version=None)
        .select_related("task__round__codebook_version__codebook", "codebook_version__codebook", "annotator")
        .order_by("task__round_id", "task__position", "annotator_id")
    )
    return stayed if access.is_lead else stayed.filter(annotator=access.user)

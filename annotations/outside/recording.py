"""Keeping labels that come with an ingest: what ``transcripts.ingest.labels`` calls for each batch.

Workers of one study take turns (an advisory lock until the batch commits), so two of them that meet the same
new word, name or transcript make one codebook version, one annotator and one task of it; the constraints
would refuse a second. The same label again adds nothing; another word of the same person on the same
transcript, from the same file name, is a new revision.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from afdash.accounts.models import User
from annotations import revision_order
from annotations.labelling.saving import digest, new_revision, project
from annotations.models import Annotation, AnnotationRevision, Round, Task
from annotations.models.round import HIDEABLE, UNKNOWN
from annotations.outside.books import choose_versions
from annotations.outside.hearing import MAX_TOLD, Said, hear
from annotations.outside.people import outside_annotators
from annotations.outside.rounds import fill_slots, rounds_of, tasks_of
from transcripts.models import Finding, Ingest
from transcripts.records import HumanLabel

LOCK = 7_011_402  # with the study's id; no other advisory lock uses it
KEYS = uuid.UUID("6f0a51f3-8c0c-4d1e-9a5e-0d6f3b7f2a11")  # namespace of the idempotency keys


@dataclass(frozen=True, slots=True)
class _Place:
    said: Said
    round: Round
    task: Task
    user: User


def record_outside_labels(ingest: Ingest, labels: Sequence[tuple[int, Sequence[HumanLabel]]]) -> int:
    """Keep the labels of transcripts that are in the database; the number of revisions added.

    What does not fit is left out with a finding of the ingest (``span_misfit``, ``answer_misfit``).
    """
    if not any(given for _, given in labels):
        return 0
    with transaction.atomic():
        revision_order.appending()
        take_turns(ingest.study_id)
        said = hear(ingest, labels)
        if not said:
            return 0
        choose_versions(ingest, [each for each in said if not each.is_lost])
        kept = [each for each in said if not each.is_lost]
        findings = [finding for each in said for finding in _misfits(ingest, each)]
        n = _keep(ingest, kept, findings) if kept else 0
        Finding.objects.bulk_create(findings, ignore_conflicts=True)
        return n


def take_turns(study_id: int) -> None:
    """Wait until no other transaction records outside labels in this study."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, study_id % 2**31])


def _keep(ingest: Ingest, said: Sequence[Said], findings: list[Finding]) -> int:
    places = _places(ingest, said)
    tasks, people = {p.task.pk for p in places}, {p.user.pk for p in places}
    heads = {
        (head.task_id, head.annotator_id): head
        for head in Annotation.objects.filter(task__in=tasks, annotator__in=people)
    }
    had_rows = {head.pk for head in heads.values()}
    newest: dict[uuid.UUID, AnnotationRevision] = {
        revision.annotation_id: revision
        for revision in AnnotationRevision.objects.filter(
            annotation__in=had_rows, version=F("annotation__version")
        )
    }
    requests = [digest(p.said.transcript.pk, p.said.payload) for p in places]
    keys = [
        uuid.uuid5(KEYS, f"{ingest.source_id} {p.round.pk} {p.said.transcript.pk} {request}")
        for p, request in zip(places, requests, strict=True)
    ]
    seen = set(
        AnnotationRevision.objects.filter(annotator__in=people, idempotency_key__in=keys).values_list(
            "annotator_id", "idempotency_key"
        )
    )
    added: list[AnnotationRevision] = []
    changed: dict[uuid.UUID, tuple[Annotation, AnnotationRevision]] = {}
    for place, request, key in zip(places, requests, keys, strict=True):
        head = heads.setdefault((place.task.pk, place.user.pk), _new_head(place))
        before = newest.get(head.pk)
        if (place.user.pk, key) in seen or (before is not None and place.said.says(before.payload)):
            continue
        seen.add((place.user.pk, key))
        if before is not None:
            findings.append(_changed(ingest, place.said))
        head.version, head.status, head.updated_at = head.version + 1, Annotation.Status.SUBMITTED, Now()
        revision = _revision(head, place.said, idempotency_key=key, request_sha256=request)
        head.codebook_version = place.said.version
        added.append(revision)
        newest[head.pk] = revision
        changed[head.pk] = head, revision
    if not added:
        return 0
    _store(changed, had_rows, added)
    fill_slots({(p.round.pk, p.task.pk, p.user.pk) for p in places})
    return len(added)


def _places(ingest: Ingest, said: Sequence[Said]) -> list[_Place]:
    people = outside_annotators(ingest.study_id, (each.name for each in said))
    rounds = rounds_of(ingest, said)
    tasks = tasks_of({(rounds[each.round_there].pk, each.transcript.pk) for each in said})
    return [
        _Place(each, round, tasks[round.pk, each.transcript.pk], people[each.name])
        for each in said
        for round in [rounds[each.round_there]]
    ]


def _new_head(place: _Place) -> Annotation:
    return Annotation(
        study_id=place.round.study_id,
        task=place.task,
        transcript=place.said.transcript,
        annotator=place.user,
    )


def _revision(head: Annotation, said: Said, **fields: Any) -> AnnotationRevision:
    assert said.version is not None
    return new_revision(
        head,
        [said.transcript],
        said.version,
        version=head.version,
        status=Annotation.Status.SUBMITTED,
        payload={**said.payload, "imported": said.origin()},
        hidden=_hidden(said.label.detail.get("hidden")),
        **fields,
    )


def _hidden(told: object) -> list[str]:
    """What was hidden when the label was given, if the file says so in our words."""
    if isinstance(told, list | tuple) and all(facet in (*HIDEABLE, UNKNOWN) for facet in told):
        return sorted(set(told))
    return [UNKNOWN]


def _store(
    changed: Mapping[uuid.UUID, tuple[Annotation, AnnotationRevision]],
    had_rows: set[uuid.UUID],
    added: Sequence[AnnotationRevision],
) -> None:
    heads = [head for head, _ in changed.values()]
    Annotation.objects.bulk_create(head for head in heads if head.pk not in had_rows)
    old = [head for head in heads if head.pk in had_rows]
    Annotation.objects.bulk_update(old, ["version", "status", "codebook_version", "updated_at"])
    AnnotationRevision.objects.bulk_create(added)
    project(list(changed.values()), has_rows=[head.pk for head in old])


def _finding(ingest: Ingest, said: Said, kind: str, message: str, **detail: Any) -> Finding:
    about = hashlib.sha256(repr((said.name, said.round_there, said.label.answers, message)).encode())
    return Finding(
        ingest=ingest,
        kind=kind,
        key=f"transcript {said.transcript.pk}, label {about.hexdigest()[:16]}",
        message=message[:2000],
        detail={"annotator": said.name, **detail},
        transcript=said.transcript,
    )


def _misfits(ingest: Ingest, said: Said) -> Iterator[Finding]:
    for kind, sentences in said.misfits.items():
        what = "span" if kind == "span_misfit" else "answer"
        many = f"{len(sentences):,} {what}s were" if len(sentences) > 1 else f"One {what} was"
        message = f"{many} left out of {said.name[:60]}’s label: {sentences[0]}"
        yield _finding(ingest, said, kind, message, n=len(sentences), told=sentences[:MAX_TOLD])


def _changed(ingest: Ingest, said: Said) -> Finding:
    message = f"{said.name[:60]} had labelled this transcript otherwise; both are kept, and this one counts."
    return _finding(ingest, said, "label_changed", message)

"""What was said of transcripts, all annotators together: kept with every submitted save."""

from __future__ import annotations

import struct
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from annotations.books import single_questions
from annotations.models import Annotation, Answer, Labelled, LabelName, Round, Span
from transcripts.models import Transcript

SPAN = "span"  # before the colon of a span label's name, where others have their question


@dataclass(frozen=True, slots=True)
class Head:
    """A submitted annotation: whose, when, by which codebook."""

    annotator: int
    updated_at: datetime
    annotation: uuid.UUID
    codebook: int
    version: int


@dataclass(frozen=True, slots=True)
class _Said:
    """What all annotators said of one transcript. ``answers`` by annotation and question."""

    heads: list[Head] = field(default_factory=list)
    answers: dict[uuid.UUID, dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    names: set[str] = field(default_factory=set)


def counted(annotations: QuerySet[Annotation]) -> QuerySet[Annotation]:
    """Those that count as labels: submitted, and not for practice."""
    return annotations.filter(status=Annotation.Status.SUBMITTED).exclude(
        task__round__kind=Round.Kind.PRACTICE
    )


def label_name(question: str, choice: str) -> str:
    return f"{question}:{choice}"


def refresh_for(heads: Iterable[Annotation]) -> None:
    """The summaries of the transcripts that these annotations are of: one each, or the sides of a pair."""
    refresh(
        transcript
        for head in heads
        for transcript in ([head.transcript_id] if head.transcript_id is not None else head.task.sides)
    )


def refresh(transcripts: Iterable[int]) -> None:
    """Make the summaries of these transcripts anew, in the transaction that changed what was said of them."""
    ids = sorted(set(transcripts))
    if not ids:
        return
    # Locked before anything is read, so that of two who save at once the second sees the first's labels.
    summaries = _locked(ids)
    said = _said(ids)
    singles = single_questions({head.version for each in said.values() for head in each.heads})
    numbers = _numbers(summaries[0].study_id, {name for each in said.values() for name in each.names})
    for summary in summaries:
        here = said[summary.transcript_id]
        summary.n_annotators = len({head.annotator for head in here.heads})
        summary.has_disagreement = differ(here.heads, here.answers, singles)
        summary.labels = sorted(numbers[name] for name in here.names)
        summary.packed = struct.pack(f">{len(summary.labels)}I", *summary.labels)
    Labelled.objects.bulk_update(summaries, ["n_annotators", "has_disagreement", "labels", "packed"])


def _said(transcripts: Sequence[int]) -> dict[int, _Said]:
    """By transcript, also of those of which nothing was said."""
    answers = Answer.objects.filter(transcript__in=transcripts, submitted=True).values_list(
        "transcript", "annotation", "question", "choice"
    )
    spans = (
        Span.objects.filter(transcript__in=transcripts, annotation__status=Annotation.Status.SUBMITTED)
        .order_by()
        .values_list("transcript", "annotation", "label")
        .distinct()
    )
    rows = [*answers, *((*span[:2], SPAN, span[2]) for span in spans)]
    of = Q(transcript__in=transcripts) | Q(pk__in={annotation for _, annotation, *_ in rows})
    heads = {
        head.annotation: (transcript, head)
        for transcript, *fields in counted(Annotation.objects.filter(of)).values_list(
            "transcript",
            "annotator",
            "updated_at",
            "pk",
            "codebook_version__codebook",
            "codebook_version",
        )
        for head in [Head(*fields)]
    }
    found = {pk: _Said() for pk in transcripts}
    people: dict[int, dict[uuid.UUID, Head]] = defaultdict(dict)
    for transcript, head in heads.values():
        if transcript in found:
            people[transcript][head.annotation] = head
    for transcript, annotation, question, choice in rows:
        if annotation in heads:
            people[transcript][annotation] = heads[annotation][1]
            if choice:  # a free text has none
                found[transcript].names.add(label_name(question, choice))
                found[transcript].answers[annotation][question].add(choice)
    for transcript, each in people.items():
        found[transcript].heads.extend(each.values())
    return found


def differ(
    heads: Sequence[Head],
    answers: Mapping[uuid.UUID, Mapping[str, Iterable[str]]],
    singles: Mapping[int, frozenset[str]],
) -> bool:
    """Whether two annotators chose differently in a single-choice question of the same codebook.

    Of a person who met the transcript in several rounds, the newest annotation counts. ``singles`` are the
    questions that count, by codebook version.
    """
    newest: dict[tuple[int, int], Head] = {}
    for head in sorted(heads, key=lambda head: (head.updated_at, -head.annotation.int)):
        newest[head.annotator, head.codebook] = head
    said: dict[tuple[int, str], set[str]] = defaultdict(set)
    for head in newest.values():
        for question in singles[head.version]:
            said[head.codebook, question].update(answers.get(head.annotation, {}).get(question, ()))
    return any(len(choices) > 1 for choices in said.values())


def _locked(ids: Sequence[int]) -> list[Labelled]:
    def lock() -> list[Labelled]:
        return list(Labelled.objects.filter(pk__in=ids).select_for_update().order_by("pk"))

    found = lock()
    if len(found) < len(ids):
        missing = set(ids) - {each.pk for each in found}
        studies = Transcript.objects.filter(pk__in=missing).order_by("pk").values_list("pk", "study")
        Labelled.objects.bulk_create(
            [Labelled(transcript_id=pk, study_id=study) for pk, study in studies], ignore_conflicts=True
        )
        found = lock()
    return found


def _numbers(study: int, names: set[str]) -> dict[str, int]:
    """The numbers of the study's label names, new ones for those that had none."""

    def known() -> dict[str, int]:
        rows = LabelName.objects.filter(study=study, name__in=names).values_list("name", "pk")
        return dict(rows)

    found = known() if names else {}
    if missing := sorted(names - found.keys()):
        LabelName.objects.bulk_create(
            [LabelName(study_id=study, name=name) for name in missing], ignore_conflicts=True
        )
        found = known()
    return found

"""Filters of lists by what annotators said. Nobody learns more by them than they may see.

================  ==================================================================  =================
``label``         ``question:choice`` or ``span:label``: somebody submitted that       leads; annotators
                                                                                       by their own alone
``labelled_by``   nobody, one, several: annotators who submitted something             leads
has_disagreement  yes, no: two chose differently in a question that takes one choice    leads
``mine``          labelled, skipped, no: what I did with it, the first that holds       leads, annotators
================  ==================================================================  =================

A key with a colon in it can make two labels read alike; they are then one filter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Aggregate, BinaryField, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from annotations.books import books
from annotations.labelling.summary import SPAN, counted
from annotations.models import Annotation, Answer, Claim, CodebookVersion, Labelled, LabelName, Span
from annotations.visibility import may_have_labelled, sees_everybodys, visible_annotations
from transcripts.access import StudyAccess
from transcripts.filters import BadFilter, Field
from transcripts.models import Transcript

Counted = Sequence[tuple[str, str, int]]
NAME = Concat("question", Value(":"), "choice", output_field=CharField())
SPAN_NAME = Concat(Value(f"{SPAN}:"), "label", output_field=CharField())
LABELLED_BY = {"nobody": "nobody", "one": "one person", "several": "several people"}
MINE = {"labelled": "labelled by me", "skipped": "skipped by me", "no": "not labelled by me"}


def _submitted(access: StudyAccess) -> QuerySet[Annotation]:
    return counted(visible_annotations(access))


def _own(access: StudyAccess) -> QuerySet[Annotation]:
    return _submitted(access).filter(annotator=access.user)


def _own_answers(access: StudyAccess) -> QuerySet[Answer]:
    """Those that are choices."""
    return Answer.objects.filter(annotation__in=_submitted(access), submitted=True).exclude(choice="")


def _own_spans(access: StudyAccess) -> QuerySet[Span]:
    return Span.objects.filter(annotation__in=_submitted(access)).order_by()


def _labelled(access: StudyAccess) -> QuerySet[Labelled]:
    return Labelled.objects.filter(study=access.study)


def _here(rows: QuerySet[Any]) -> Exists:
    return Exists(rows.filter(transcript=OuterRef("pk")))


# -- label


def with_label(access: StudyAccess, value: str) -> Q:
    question, colon, choice = value.partition(":")
    if not (question and colon and choice):
        raise BadFilter("label", f"“label” must be question:choice or span:label, not “{value[:60]}”.")
    if sees_everybodys(access):
        number = LabelName.objects.filter(study=access.study, name=value).values_list("pk", flat=True).first()
        return Q(_here(_labelled(access).filter(labels__contains=[number]))) if number else Q(pk__in=[])
    answers = _own_answers(access).alias(name=NAME).filter(name=value)
    spans = _own_spans(access).alias(name=SPAN_NAME).filter(name=value)
    return Q(_here(answers)) | Q(_here(spans))


def label_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counted:
    counts = _everybodys_counts(access, rows) if sees_everybodys(access) else _own_counts(access, rows)
    words = label_words(access, counts)
    return [
        (name, words[name], n) for name, n in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    ]


def _everybodys_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counter[str]:
    """All labels of all transcripts end to end, counted outside the database: see Labelled.packed."""
    together = Aggregate(F("packed"), Value(b""), function="STRING_AGG", output_field=BinaryField())
    packed = _among(_labelled(access), rows).aggregate(packed=together)["packed"]
    if not packed:
        return Counter()
    import numpy as np  # here, not above: every worker loads this module, and none counts

    counts = np.bincount(np.frombuffer(packed, dtype=">u4").astype(np.int64))  # by number; these are small
    names = LabelName.objects.filter(pk__in=np.flatnonzero(counts).tolist()).values_list("pk", "name")
    return Counter({name: int(counts[pk]) for pk, name in names})


def _own_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counter[str]:
    given = set(_among(_own_answers(access), rows).values_list(NAME, "transcript"))
    given |= set(_among(_own_spans(access), rows).values_list(SPAN_NAME, "transcript"))
    return Counter(name for name, _ in given)


def _among(labels: QuerySet[Any], rows: QuerySet[Transcript]) -> QuerySet[Any]:
    return labels.filter(transcript__in=rows.order_by().values("pk"))


def label_words(access: StudyAccess, names: Iterable[str]) -> dict[str, str]:
    """``reasoning:yes`` as the study's newest codebooks word it: “reasoning: yes”. By name."""
    newest = (
        CodebookVersion.objects.filter(codebook__study=access.study)
        .order_by("codebook_id", "-number")
        .distinct("codebook_id")
        .values_list("pk", flat=True)
    )
    titles: dict[str, str] = {}
    for _, book in sorted(books(newest).items()):
        for question in book.questions:
            titles |= {f"{question.key}:{choice.key}": choice.title for choice in question.choices}
        titles |= {f"{SPAN}:{label.key}": label.title for label in book.labels}
    return {name: _words(name, titles.get(name, "")) for name in names}


def _words(name: str, title: str) -> str:
    question, _, choice = name.partition(":")
    return f"{question.replace('_', ' ')}: {title or choice}"


# -- labelled_by, has_disagreement


def labelled_by(access: StudyAccess, value: str) -> Q:
    if value == "nobody":
        return ~Q(_here(_labelled(access)))
    many = {"n_annotators__gt": 1} if value == "several" else {"n_annotators": 1}
    return Q(_here(_labelled(access).filter(**many)))


def labelled_by_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counted:
    counts: Counter[str] = Counter()
    for n_annotators, n in _figures(access, rows).values_list("n_annotators").annotate(n=Count("pk")):
        counts["several" if n_annotators > 1 else "one"] += n
    counts["nobody"] = rows.order_by().count() - counts.total()
    return _worded(counts, LABELLED_BY)


def has_disagreement(access: StudyAccess, value: str) -> Q:
    differs = Q(_here(_labelled(access).filter(has_disagreement=True)))
    return differs if value == "yes" else ~differs


def disagreement_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counted:
    differing = _figures(access, rows).filter(has_disagreement=True).count()
    counts = Counter(yes=differing, no=rows.order_by().count() - differing)
    return _worded(counts, {"yes": "yes", "no": "no"})


def _figures(access: StudyAccess, rows: QuerySet[Transcript]) -> QuerySet[Any]:
    return _among(_labelled(access), rows).order_by()


# -- mine


def mine(access: StudyAccess, value: str) -> Q:
    labelled, skipped = Q(_here(_own(access))), Q(_skipped(access))
    if value == "labelled":
        return labelled
    return ~labelled & (skipped if value == "skipped" else ~skipped)


def _skipped(access: StudyAccess) -> Exists:
    return Exists(_skips(access).filter(task__transcript=OuterRef("pk")))


def _skips(access: StudyAccess) -> QuerySet[Claim]:
    return Claim.objects.filter(annotator=access.user, state=Claim.State.SKIPPED).order_by()


def mine_counts(access: StudyAccess, rows: QuerySet[Transcript]) -> Counted:
    ids = rows.order_by().values("pk")
    labelled = set(_among(_own(access), rows).values_list("transcript", flat=True))
    skipped = set(_skips(access).filter(task__transcript__in=ids).values_list("task__transcript", flat=True))
    counts = Counter(labelled=len(labelled), skipped=len(skipped - labelled))
    counts["no"] = rows.order_by().count() - counts.total()
    return _worded(counts, MINE)


def _worded(counts: Counter[str], words: dict[str, str]) -> Counted:
    return [(value, words[value], counts[value]) for value in words if counts[value]]


FIELDS = (
    Field(
        "label", "label", "", "", "text",
        condition=with_label, counts=label_counts, offered=may_have_labelled,
    ),
    Field(
        "has_disagreement", "annotators differ", "", "", "choice", ("yes", "no"),
        condition=has_disagreement, counts=disagreement_counts, offered=sees_everybodys,
    ),
    Field(
        "labelled_by", "labelled by", "", "", "choice", tuple(LABELLED_BY),
        condition=labelled_by, counts=labelled_by_counts, offered=sees_everybodys,
    ),
    Field(
        "mine", "by me", "", "", "choice", tuple(MINE),
        condition=mine, counts=mine_counts, offered=may_have_labelled,
    ),
)  # fmt: skip

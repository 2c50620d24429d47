"""What annotators say. Revisions are the ground truth and append-only; the rest is their projection.

``Annotation`` is the head: one per task and annotator, with the number of its newest revision.
``Answer`` and ``Span`` are the newest revision as rows, rewritten in the transaction that appends
it, so figures read narrow indexed rows and never the form's JSON.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import Exact

from annotations.codebook import KEY_LENGTH
from annotations.models.codebook import CodebookVersion
from annotations.models.round import Task
from transcripts.models import Study, Transcript


class Annotation(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"

    # Random, so that ids tell nobody how much others have done.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="annotations")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="annotations")
    transcript = models.ForeignKey(
        Transcript, null=True, on_delete=models.PROTECT, related_name="annotations"
    )  # the task's unit, repeated so that figures need no join; null where the unit is a pair
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="annotations"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    version = models.IntegerField(default=0)  # of the newest revision; compare-and-set on every save
    # Of the newest revision; another than the round's where the round moved on and this could not follow.
    codebook_version = models.ForeignKey(
        CodebookVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    comment = models.TextField(blank=True)
    flag = models.TextField(blank=True)  # what the lead is asked to look at
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "annotator"], name="annotation_unique"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "submitted"]), name="annotation_status_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=0), name="annotation_version_counts_up"),
        ]
        indexes = [models.Index(fields=["study", "transcript"], name="annotation_by_transcript")]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class AnnotationRevision(models.Model):
    """One save. The application's database role may insert and read these, nothing else."""

    annotation = models.ForeignKey(Annotation, on_delete=models.PROTECT, related_name="revisions")
    version = models.IntegerField()
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="annotation_revisions"
    )
    status = models.CharField(max_length=10, choices=Annotation.Status)
    payload = models.JSONField()  # {"answers": {question: [value, …]}, "spans": [{…}]}
    idempotency_key = models.UUIDField()
    request_sha256 = models.CharField(max_length=64)
    codebook_version = models.ForeignKey(CodebookVersion, on_delete=models.PROTECT)
    text_sha256 = models.CharField(max_length=64)  # of the stored text; of both, in a pair
    shown_sha256 = models.CharField(max_length=64, blank=True)  # of the text as shown, where it was masked
    segmenter_version = models.SmallIntegerField()
    hidden = ArrayField(models.CharField(max_length=20))  # what was hidden when it was saved
    # Made from an earlier revision when the round moved to another version of its codebook, and by whom.
    mapped_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    mapped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("annotation", "version")
        constraints = [
            models.UniqueConstraint(fields=["annotation", "version"], name="revision_version_unique"),
            models.UniqueConstraint(fields=["annotator", "idempotency_key"], name="revision_idempotent"),
            models.CheckConstraint(condition=Q(version__gte=1), name="revision_version_positive"),
            models.CheckConstraint(
                condition=Q(mapped_from=None, mapped_by=None)
                | Q(mapped_from__isnull=False, mapped_by__isnull=False),
                name="revision_mapped_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"revision {self.version} of {self.annotation_id}"


class Answer(models.Model):
    """One (annotation, question, choice), at its place; free text has its value in ``text``.

    ``transcript`` is null for what is asked of a pair. ``message`` and ``segment`` (where it begins) are null
    for what is asked of the whole.
    """

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="answers")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    transcript = models.ForeignKey(Transcript, null=True, on_delete=models.PROTECT, related_name="+")
    question = models.CharField(max_length=KEY_LENGTH)
    choice = models.CharField(max_length=KEY_LENGTH)  # "" for free text
    text = models.TextField(blank=True)
    message = models.IntegerField(null=True)
    segment = models.IntegerField(null=True)
    submitted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotation", "question", "choice", "transcript", "message", "segment"],
                nulls_distinct=False,
                name="answer_unique",
            )
        ]
        indexes = [
            models.Index(
                fields=["study", "question", "choice", "transcript"],
                include=["annotation"],
                condition=Q(submitted=True),
                name="answer_for_figures",
            )
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.choice or self.text}"


class Span(models.Model):
    """Half-open ``[start, end)`` in Unicode code points of one message, with the exact quote."""

    annotation = models.ForeignKey(Annotation, on_delete=models.CASCADE, related_name="spans")
    transcript = models.ForeignKey(Transcript, on_delete=models.PROTECT, related_name="spans")
    message = models.IntegerField()
    start = models.IntegerField()
    end = models.IntegerField()
    label = models.CharField(max_length=KEY_LENGTH)
    quote = models.TextField()
    attributes = models.JSONField(default=dict)
    comment = models.TextField(blank=True)

    class Meta:
        ordering = ("transcript", "message", "start", "end", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(start__gte=0) & Q(end__gt=F("start")), name="span_range_holds"
            ),
            # char_length counts code points in a UTF-8 database: the unit of start and end.
            models.CheckConstraint(
                condition=Exact(Length("quote"), F("end") - F("start")), name="span_quote_fits_range"
            ),
            models.UniqueConstraint(
                fields=["annotation", "transcript", "message", "start", "end", "label"], name="span_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} [{self.start}, {self.end})"

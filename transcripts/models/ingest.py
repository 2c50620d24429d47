"""Sources and the attempts to turn them into rows.

The ingest row is the queue: a Celery message only wakes a worker, which claims work here by a
conditional update. ``attempt`` is the fence: whoever writes must still hold the attempt that it
claimed, so a worker that was frozen past its lease cannot write over its successor.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from transcripts.models.study import Study
from transcripts.models.transcript import Transcript


class Source(models.Model):
    """One file given to us, kept byte for byte under its sha256."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="sources")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=500)  # as given, for display only; never a path of ours
    size = models.BigIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="sources"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "sha256", "name"], name="source_unique")]

    def __str__(self) -> str:
        return self.name


class Ingest(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        PLANNING = "planning"
        RUNNING = "running"
        FINISHING = "finishing"
        NEEDS_MAPPING = "needs_mapping"  # no reader knows the file: a person must say what its fields mean
        DONE = "done"
        DONE_WITH_REJECTS = "done_with_rejects"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE = (State.QUEUED, State.PLANNING, State.RUNNING, State.FINISHING)

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="ingests")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="ingests")
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    # Of a container (an archive, a compressed file): its members are ingested as parts of its own ingest.
    container = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="parts", db_index=False
    )
    is_container = models.BooleanField(default=False)
    # Verdicts on transcripts of other files: read when the study's other ingests are through.
    waits = models.BooleanField(default=False)
    options = models.JSONField(default=dict)  # model, setting, arm, role, format, mapping
    proposal = models.JSONField(null=True)  # of a mapping, where one is needed
    signature = models.CharField(max_length=64, blank=True)  # of a mapped file: hash of its fields' names
    reader = models.CharField(max_length=50, blank=True)
    reader_version = models.IntegerField(null=True)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="ingests"
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Transcripts up to this id can be searched; is_indexed when they are all.
    search_cursor = models.BigIntegerField(default=0)
    is_indexed = models.BooleanField(default=False)
    # Lease for planning and finishing; chunks have their own.
    attempt = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "queued",
                        "planning",
                        "running",
                        "finishing",
                        "needs_mapping",
                        "done",
                        "done_with_rejects",
                        "failed",
                        "cancelled",
                    ]
                ),
                name="ingest_state_known",
            ),
            # The same file asked for twice at once is one ingest; it may be in two archives as well.
            models.UniqueConstraint(
                fields=["source", "container"],
                nulls_distinct=False,
                condition=Q(state__in=["queued", "planning", "running", "finishing"]),
                name="ingest_one_active_per_source",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "id"],
                condition=Q(state__in=["queued", "planning", "running", "finishing"]),
                name="ingest_active",
            ),
            models.Index(fields=["study", "-id"], name="ingest_by_study"),
            models.Index(fields=["id"], name="ingest_to_index", condition=Q(is_indexed=False)),
            models.Index(fields=["container"], name="ingest_parts", condition=Q(container__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"ingest {self.pk} ({self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE


class SavedMapping(models.Model):
    """What a person said that the fields of a kind of file mean: used again for files with the same fields."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="mappings")
    signature = models.CharField(max_length=64)
    name = models.CharField(max_length=200)  # of the file it was made for
    mapping = models.JSONField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["study", "signature"], name="saved_mapping_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class IngestChunk(models.Model):
    """A part of a source that one task reads on its own. Rows and cursor commit together."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"

    ingest = models.ForeignKey(Ingest, on_delete=models.CASCADE, related_name="chunks")
    index = models.IntegerField()
    start = models.BigIntegerField()
    end = models.BigIntegerField()
    weight = models.BigIntegerField()  # bytes of the source that it stands for
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    cursor = models.BigIntegerField(default=-1)  # of the last item committed
    bytes_done = models.BigIntegerField(default=0)
    read = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    attempt = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)  # claims since the last committed batch
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("ingest", "index")
        constraints = [
            models.UniqueConstraint(fields=["ingest", "index"], name="ingest_chunk_unique"),
            models.CheckConstraint(
                condition=Q(read=F("created") + F("duplicate") + F("rejected")), name="ingest_counts_add_up"
            ),
        ]

    def __str__(self) -> str:
        return f"chunk {self.index} of ingest {self.ingest_id}"


class Reject(models.Model):
    """A record that could not become a transcript. Its bytes stay in the source, at ``locator``."""

    ingest = models.ForeignKey(Ingest, on_delete=models.CASCADE, related_name="rejects")
    chunk = models.IntegerField()
    cursor = models.BigIntegerField()
    position = models.CharField(max_length=500)
    reason = models.CharField(max_length=50)
    message = models.TextField()
    excerpt = models.TextField(blank=True)
    locator = models.JSONField(default=dict)

    class Meta:
        ordering = ("chunk", "cursor", "id")
        constraints = [models.UniqueConstraint(fields=["ingest", "chunk", "cursor"], name="reject_unique")]

    def __str__(self) -> str:
        return f"{self.position}: {self.reason}"


class Finding(models.Model):
    """Something odd about a file or an accepted record. ``key`` makes re-running harmless."""

    ingest = models.ForeignKey(Ingest, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=50)
    key = models.CharField(max_length=200)
    message = models.TextField()
    detail = models.JSONField(default=dict)
    transcript = models.ForeignKey(Transcript, null=True, on_delete=models.CASCADE, related_name="findings")

    class Meta:
        ordering = ("kind", "id")
        constraints = [models.UniqueConstraint(fields=["ingest", "kind", "key"], name="finding_unique")]

    def __str__(self) -> str:
        return self.message


class WorkerHeartbeat(models.Model):
    """When a worker last did something: what "no worker is running" is judged by."""

    name = models.CharField(max_length=50, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"

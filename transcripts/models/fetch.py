"""Files that a worker is to bring here from a place, and those that a watched folder has brought.

The row is the queue, as with ingests: claimed under a lease, and ``attempt`` is the fence.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from transcripts.models.ingest import Ingest
from transcripts.models.study import Study


class Fetch(models.Model):
    class State(models.TextChoices):
        SETTLING = "settling"  # seen in a watched folder once: it may still be being written
        QUEUED = "queued"
        FETCHING = "fetching"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE = (State.QUEUED, State.FETCHING)

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="fetches")
    place = models.CharField(max_length=50)  # a name that the operator gave; never an address
    path = models.CharField(max_length=1024)  # below the place, see transcripts.ingest.places.place
    is_folder = models.BooleanField(default=False)
    # The ticked folder that it was found in.
    folder = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="files")
    # A watched file is taken once for each size and mark.
    is_watched = models.BooleanField(default=False)
    size = models.BigIntegerField(default=0)
    mark = models.CharField(max_length=200, blank=True)
    options = models.JSONField(default=dict)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    bytes_done = models.BigIntegerField(default=0)
    code = models.CharField(max_length=30, blank=True)  # of the fault, see transcripts.ingest.places.faults
    error = models.TextField(blank=True)
    note = models.TextField(blank=True)  # of a folder: what was left out
    ingest = models.ForeignKey(Ingest, null=True, on_delete=models.SET_NULL, related_name="fetches")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    attempt = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["settling", "queued", "fetching", "done", "failed", "cancelled"]),
                name="fetch_state_known",
            ),
            # Ticked twice, it is fetched once.
            models.UniqueConstraint(
                fields=["study", "place", "path"],
                condition=Q(state__in=["queued", "fetching"]),
                name="fetch_one_active_per_path",
            ),
            models.UniqueConstraint(fields=["folder", "path"], name="fetch_once_per_folder"),
            models.UniqueConstraint(
                fields=["study", "place", "path", "size", "mark"],
                condition=Q(is_watched=True),
                name="fetch_watched_once",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=["queued", "fetching"]), name="fetch_active"),
            models.Index(fields=["study", "-id"], name="fetch_by_study"),
        ]

    def __str__(self) -> str:
        return f"{self.place}: {self.path}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

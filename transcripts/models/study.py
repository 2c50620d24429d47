"""A study is one research question, and the unit of permission."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

SLUG = RegexValidator(
    r"^[a-z0-9][a-z0-9-]{0,62}$", "Use small letters, digits and hyphens, starting with a letter or digit."
)


class Study(models.Model):
    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # Cue words to be marked in texts, one a line (transcripts.cues); null for the usual ones.
    cue_words = models.TextField(null=True, blank=True)  # noqa: DJ001 - an empty list is a list
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name", "id")
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        VIEWER = "viewer"  # reads charts and releases
        ANNOTATOR = "annotator"
        LEAD = "lead"  # everything in the study

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "user"], name="membership_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=["viewer", "annotator", "lead"]), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.study}"

"""What people keep to find transcripts again: views of a list, and tags."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from transcripts.models.conditions import Pair
from transcripts.models.study import Study
from transcripts.models.transcript import Transcript


class SavedView(models.Model):
    """A list as somebody left it: its address behind the question mark, with a name."""

    class Page(models.TextChoices):
        PAIRS = "pairs"
        TRANSCRIPTS = "transcripts"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    is_shared = models.BooleanField(default=False)  # with the whole study; only leads share
    page = models.CharField(max_length=11, choices=Page)
    name = models.CharField(max_length=100)
    query = models.TextField(blank=True)  # filters and order, without a cursor
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["study", "owner", "page", "name"], name="saved_view_unique"),
            models.CheckConstraint(
                condition=Q(page__in=["pairs", "transcripts"]), name="saved_view_page_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="tag_unique")]

    def __str__(self) -> str:
        return self.name


class Tagging(models.Model):
    """A tag on a pair or on one transcript. A pair's tag is not its transcripts'."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="taggings", db_index=False)
    pair = models.ForeignKey(Pair, null=True, on_delete=models.CASCADE, related_name="taggings")
    transcript = models.ForeignKey(Transcript, null=True, on_delete=models.CASCADE, related_name="taggings")
    tagged_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tag", "pair"], condition=Q(pair__isnull=False), name="tagging_pair_unique"
            ),
            models.UniqueConstraint(
                fields=["tag", "transcript"],
                condition=Q(transcript__isnull=False),
                name="tagging_transcript_unique",
            ),
            models.CheckConstraint(
                condition=Q(pair__isnull=False, transcript__isnull=True)
                | Q(pair__isnull=True, transcript__isnull=False),
                name="tagging_has_one_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag} on {self.pair_id or self.transcript_id}"

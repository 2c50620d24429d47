"""The questions and span labels of a study. A version never changes once it exists."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations import codebook as codebook_format
from transcripts.models import Study


class Codebook(models.Model):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="codebooks")
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=200)
    # What it was made from, as a hash, if its versions grow with imported labels: see annotations.outside.
    imported_from = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["study", "slug"], name="codebook_slug_unique"),
            models.UniqueConstraint(
                fields=["study", "imported_from"],
                condition=~Q(imported_from=""),
                name="codebook_import_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CodebookVersion(models.Model):
    """``definition`` is what :mod:`annotations.codebook` parses; a trigger refuses to change it."""

    codebook = models.ForeignKey(Codebook, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("codebook", "-number")
        constraints = [models.UniqueConstraint(fields=["codebook", "number"], name="codebook_version_unique")]

    def __str__(self) -> str:
        return f"{self.codebook}, version {self.number}"

    @cached_property
    def parsed(self) -> codebook_format.Codebook:
        return codebook_format.parse(self.definition)

"""The words of transcripts, for full-text search: filled in behind the ingest, never by it."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from transcripts.models.transcript import Transcript


class TranscriptSearch(models.Model):
    """One vector for search by place: its weights are scratchpad (A), output (B), user (C) and all else (D)."""

    transcript = models.OneToOneField(
        Transcript, primary_key=True, on_delete=models.CASCADE, related_name="search"
    )
    vector = SearchVectorField()
    is_cut = models.BooleanField(default=False)  # text beyond search.words.MOST is left out

    class Meta:
        indexes = [GinIndex(fields=["vector"], name="transcript_search_vector")]

    def __str__(self) -> str:
        return f"search vector of transcript {self.transcript_id}"

"""The words of transcripts, for full-text search: filled in behind the ingest, never by it."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from transcripts.models.transcript import Transcript


class TranscriptSearch(models.Model):
    """A vector for each place that can be searched.

    Not one vector with weights: an index knows no weights, so PostgreSQL would have to unpack the vector of
    every transcript that has the word anywhere, to see where. Each vector also holds the study's own word
    (``transcripts.search.words.study_word``), so that a small study is not searched through a large one's words.
    """

    transcript = models.OneToOneField(
        Transcript, primary_key=True, on_delete=models.CASCADE, related_name="search"
    )
    scratchpad = SearchVectorField()
    output = SearchVectorField()
    user = SearchVectorField()
    other = SearchVectorField()  # system prompts, drafts, tools and plain text
    anywhere = SearchVectorField()  # the words of all places, without positions
    is_cut = models.BooleanField(default=False)  # text beyond search.words.MOST is left out

    class Meta:
        indexes = [
            GinIndex(fields=[place], name=f"search_{place}")
            for place in ("scratchpad", "output", "user", "other", "anywhere")
        ]

    def __str__(self) -> str:
        return f"search vectors of transcript {self.transcript_id}"

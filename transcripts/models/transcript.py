"""Narrow rows for lists and figures; one compressed body for reading. Immutable once ingested."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from transcripts import body as body_format
from transcripts.models.conditions import Arm, Pair, Prompt, Run
from transcripts.models.study import Study
from transcripts.outcomes import OUTCOMES
from transcripts.packed import BANDS, MOST_SCORE, NO_VERDICT, OUTCOME_BITS, STATE_BITS


def _bits(column: str, bits: dict[str, int], otherwise: int) -> Case:
    return Case(
        *(
            When(**{column: value}, then=Value(1 << bit))
            for value, bit in bits.items()
            if value != NO_VERDICT
        ),
        default=Value(otherwise),
        output_field=models.IntegerField(),
    )


def _band_bits() -> Case:
    """The first band whose upper border a score is below; the order of BANDS is that of their borders."""
    none, *bands, last = BANDS
    return Case(
        When(judge_score__isnull=True, then=Value(1 << none.bit)),
        *(When(judge_score__lt=band.high, then=Value(1 << band.bit)) for band in bands),
        default=Value(1 << last.bit),
        output_field=models.IntegerField(),
    )


class Transcript(models.Model):
    """One sample. Identity in a study: (run, prompt, arm, sample), that is (pair, arm, sample)."""

    # One foreign key of four columns (migration 0002) holds these together: a transcript's study, run and
    # prompt are its pair's. Four keys of one column each would be checked one by one for every row.
    study = models.ForeignKey(
        Study, on_delete=models.CASCADE, related_name="transcripts", db_constraint=False, db_index=False
    )
    pair = models.ForeignKey(
        Pair, on_delete=models.CASCADE, related_name="transcripts", db_constraint=False, db_index=False
    )
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="transcripts", db_constraint=False, db_index=False
    )
    prompt = models.ForeignKey(
        Prompt, on_delete=models.CASCADE, related_name="transcripts", db_constraint=False, db_index=False
    )
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="transcripts", db_index=False)
    sample = models.IntegerField()
    content_sha256 = models.BinaryField(max_length=32)  # of the messages' roles and texts
    parse_state = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10, blank=True)  # the source judge's, by the ingest's mapping
    # The score of the judge that gave the outcome, else of the first that gave one: often a fraction of votes.
    judge_score = models.FloatField(null=True)
    n_messages = models.IntegerField()
    n_characters = models.IntegerField()  # code points in all messages
    has_escapes = models.BooleanField(default=False)  # NUL or lone surrogates, stored escaped
    segmenter_version = models.SmallIntegerField()
    ingest = models.ForeignKey(
        "transcripts.Ingest", on_delete=models.PROTECT, related_name="transcripts", db_index=False
    )
    locator = models.JSONField(default=dict)  # where in the source the original bytes are
    # Parse state, outcome and band of the score as bits (transcripts.packed): what facets count.
    facets = models.GeneratedField(
        expression=_bits("parse_state", STATE_BITS, 0)
        + _bits("outcome", OUTCOME_BITS, 1 << OUTCOME_BITS[NO_VERDICT])
        + _band_bits(),
        output_field=models.IntegerField(),
        db_persist=True,
        null=True,
    )

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["pair", "arm", "sample"], name="transcript_identity_unique"),
            models.CheckConstraint(condition=Q(outcome__in=["", *OUTCOMES]), name="transcript_outcome_known"),
        ]
        indexes = [
            models.Index(fields=["study", "id"], name="transcript_by_study"),
            models.Index(fields=["study", "content_sha256"], name="transcript_by_content"),
            models.Index(fields=["ingest", "id"], name="transcript_by_ingest"),
            # All that facets read, so that they read nothing else.
            models.Index(
                fields=["study", "pair", "arm", "facets", "run", "prompt"], name="transcript_for_facets"
            ),
            models.Index(fields=["study", "n_characters", "id"], name="transcript_by_length"),
            models.Index(
                F("study"),
                Coalesce(-F("judge_score"), Value(2 * MOST_SCORE)),
                F("id"),
                name="transcript_by_score",
            ),
        ]

    def __str__(self) -> str:
        return f"transcript {self.pk}"


class TranscriptBody(models.Model):
    """Messages, segments and the source's other fields, as :mod:`transcripts.body` packs them."""

    transcript = models.OneToOneField(
        Transcript, primary_key=True, on_delete=models.CASCADE, related_name="body"
    )
    packed = models.BinaryField()

    def __str__(self) -> str:
        return f"body of transcript {self.transcript_id}"

    @cached_property
    def content(self) -> body_format.Body:
        return body_format.unpack(bytes(self.packed))

    @property
    def messages(self) -> Any:
        return self.content.messages


class Verdict(models.Model):
    """A judge's word that came with the source: verbatim value, and what the mapping made of it."""

    transcript = models.ForeignKey(
        Transcript, on_delete=models.CASCADE, related_name="verdicts", db_index=False
    )
    judge = models.CharField(max_length=200)
    value = models.CharField(max_length=500)
    score = models.FloatField(null=True)
    outcome = models.CharField(max_length=10, blank=True)
    # Rationale, threshold, votes, criteria and quotes, as transcripts.body packs them; null if there is no more.
    detail = models.BinaryField(null=True)

    class Meta:
        ordering = ("judge",)
        constraints = [
            models.UniqueConstraint(fields=["transcript", "judge"], name="verdict_unique"),
            models.CheckConstraint(condition=Q(outcome__in=["", *OUTCOMES]), name="verdict_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.judge}: {self.value}"

    @cached_property
    def said(self) -> dict[str, Any]:
        """All that the judge said, as JSON values: what pages, API and export show."""
        more = body_format.unpack_detail(self.detail)
        return {
            "judge": self.judge,
            "value": more["detail"].get("value", self.value),
            "score": self.score,
            "outcome": self.outcome,
            **more,
            "quotes": [asdict(quote) for quote in more["quotes"]],
        }

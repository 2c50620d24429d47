"""What was run: models under settings, arms, prompts, and the pairs that they form."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Now

from transcripts.models.study import Study
from transcripts.packed import MOST_SCORE

NO_GAP = 2.0  # stands for none in orders: gaps lie between -1 and 1


class Run(models.Model):
    """One model under one setting, across all its arms."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="runs")
    # sha256 of the run's key: identities may be longer than an index entry can hold.
    identity = models.BinaryField(max_length=32)
    model = models.CharField(max_length=500)
    setting = models.CharField(max_length=500, blank=True)
    checkpoint = models.CharField(max_length=500, blank=True)
    training_step = models.BigIntegerField(null=True, blank=True)
    goal_nudge = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("model", "setting", "id")
        constraints = [models.UniqueConstraint(fields=["study", "identity"], name="run_identity_unique")]

    def __str__(self) -> str:
        return " · ".join(
            part for part in (self.model, self.setting, self.checkpoint, self.goal_nudge) if part
        )


class Arm(models.Model):
    """An experimental condition of a study."""

    class Role(models.TextChoices):
        MONITORED = "monitored"
        UNMONITORED = "unmonitored"
        OTHER = "other"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=11, choices=Role)

    class Meta:
        ordering = ("role", "name")
        constraints = [
            models.UniqueConstraint(fields=["study", "name", "role"], name="arm_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=["monitored", "unmonitored", "other"]), name="arm_role_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Prompt(models.Model):
    """What the user asked, without the text that tells the arm."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="prompts")
    identity = models.BinaryField(max_length=32)
    text = models.TextField()
    family = models.CharField(max_length=500, blank=True)
    external_id = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.UniqueConstraint(fields=["study", "identity"], name="prompt_identity_unique")]
        indexes = [models.Index(fields=["study", "family"], name="prompt_by_family")]

    def __str__(self) -> str:
        return self.text[:80]


class Pair(models.Model):
    """One run × one prompt: all its samples in all its arms.

    The counts and the judge's gap are kept by an ingest's last step, so lists sort without joins.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="pairs")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="pairs")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="pairs")
    n_monitored = models.IntegerField(default=0)
    n_unmonitored = models.IntegerField(default=0)
    n_other = models.IntegerField(default=0)
    judge_gap = models.FloatField(null=True, blank=True)  # complied share, monitored minus unmonitored
    top_score = models.FloatField(null=True, blank=True)  # the highest judge's score of its samples
    longest = models.IntegerField(default=0)  # code points of its longest sample

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["run", "prompt"], name="pair_unique"),
            # What a transcript's foreign key of four columns refers to.
            models.UniqueConstraint(fields=["id", "study", "run", "prompt"], name="pair_whole"),
        ]
        indexes = [
            models.Index(fields=["study", "id"], name="pair_by_study"),
            # Without a figure they come last, in either direction (transcripts.listing).
            models.Index(F("study"), Coalesce(-F("judge_gap"), Value(NO_GAP)), F("id"), name="pair_by_gap"),
            models.Index(F("study"), Coalesce(F("judge_gap"), Value(NO_GAP)), F("id"), name="pair_by_gap_up"),
            models.Index(
                F("study"), Coalesce(-F("top_score"), Value(2 * MOST_SCORE)), F("id"), name="pair_by_score"
            ),
            models.Index(fields=["study", "longest", "id"], name="pair_by_length"),
        ]

    def __str__(self) -> str:
        return f"pair {self.pk}"

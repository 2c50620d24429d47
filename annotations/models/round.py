"""Labelling campaigns: which units, in which order, hidden how, claimed by whom."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotations.models.codebook import CodebookVersion
from transcripts.models import Pair, Study, Transcript

HIDEABLE = ("arm", "model", "judge", "peers", "suggestions")
UNKNOWN = "unknown"  # in place of these, where labels were given elsewhere: what was hidden is not known


class Round(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    class Unit(models.TextChoices):
        TRANSCRIPT = "transcript"
        PAIR = "pair"

    class Kind(models.TextChoices):
        LABELLING = "labelling"
        PRACTICE = "practice"  # with feedback after each task; its labels are nobody's ground truth

    class OrderOfTasks(models.TextChoices):
        RANDOM = "random"
        UNCERTAIN = "uncertain"  # by the judge's score, nearest to .5 first
        BY_PAIR = "by_pair"  # the transcripts of a pair one after the other

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="rounds")
    name = models.CharField(max_length=200)
    codebook_version = models.ForeignKey(CodebookVersion, on_delete=models.PROTECT, related_name="rounds")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.TRANSCRIPT)
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.LABELLING)
    overlap = models.IntegerField(default=1)  # annotators per task
    # Up to so many where they disagree; the overlap if it is not more.
    most_annotators = models.IntegerField(default=0)
    order = models.CharField(max_length=9, choices=OrderOfTasks, default=OrderOfTasks.RANDOM)
    deadline = models.DateField(null=True, blank=True)
    hidden = ArrayField(models.CharField(max_length=20), default=list)  # of HIDEABLE, or UNKNOWN
    seed = models.BigIntegerField(default=0)  # of the order of tasks
    lease_minutes = models.IntegerField(default=60)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())
    # Where its units came from, for people: {"words", "query", "count"}; empty if they were not chosen by a list.
    selection = models.JSONField(default=dict, blank=True)
    # How many units of each stratum there were and were drawn, for reweighting; a task names its stratum's place here.
    strata = models.JSONField(default=list, blank=True)
    # Phrases that are masked in the text where the arm is hidden, besides tiers' tags and what differs between prompts.
    mask_phrases = ArrayField(models.TextField(), default=list, blank=True)
    # What is suggested: [{"source": "judge", "label": "…"}], see annotations.suggestions.
    suggestions = models.JSONField(default=list, blank=True)
    # The practice round whose share of right answers has to be reached before tasks of this one are given out.
    practice = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    pass_share = models.FloatField(default=0.8)
    # What it was made from, as a hash, if it holds imported labels; such a round was never open.
    imported_from = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["study", "imported_from"], condition=~Q(imported_from=""), name="round_import_unique"
            ),
            models.CheckConstraint(
                condition=Q(imported_from="") | Q(state="closed"), name="round_import_closed"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "paused", "closed"]), name="round_state_known"
            ),
            models.CheckConstraint(condition=Q(overlap__gte=1), name="round_overlap_positive"),
            models.CheckConstraint(
                condition=Q(hidden__contained_by=[*HIDEABLE, UNKNOWN]), name="round_hidden_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Unblinding(models.Model):
    """A person is shown what a round hides from them, for good. Append-only: it cannot be unseen."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="unblindings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="unblindings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=["round", "user"], name="unblinding_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="unblinding_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.user} unblinded in {self.round}"


class RoundAnnotator(models.Model):
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="annotators")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rounds")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "user"], name="round_annotator_unique")]

    def __str__(self) -> str:
        return f"{self.user} in {self.round}"


class Task(models.Model):
    """One unit in a round: a transcript, or a pair with one transcript of each of its arms."""

    class Kind(models.TextChoices):
        REGULAR = "regular"
        GOLD = "gold"  # what is right is known; nobody can tell it from the others
        PRACTICE = "practice"

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="tasks")
    transcript = models.ForeignKey(Transcript, null=True, on_delete=models.PROTECT, related_name="tasks")
    pair = models.ForeignKey(Pair, null=True, on_delete=models.PROTECT, related_name="tasks")
    sides = ArrayField(
        models.BigIntegerField(), default=list, blank=True
    )  # a pair's transcripts, in no told order
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.REGULAR)
    stratum = models.SmallIntegerField(null=True)  # place in the round's strata
    position = models.IntegerField()
    slots = models.IntegerField()  # the round's overlap, or more where annotators disagreed
    slots_taken = models.IntegerField(default=0)  # live or submitted claims, kept under the row's lock

    class Meta:
        ordering = ("round", "position", "id")
        constraints = [
            models.UniqueConstraint(fields=["round", "transcript"], name="task_transcript_unique"),
            models.UniqueConstraint(fields=["round", "pair"], name="task_pair_unique"),
            models.CheckConstraint(
                condition=Q(transcript__isnull=False, pair__isnull=True)
                | Q(transcript__isnull=True, pair__isnull=False),
                name="task_has_one_unit",
            ),
            models.CheckConstraint(
                condition=Q(slots_taken__gte=0) & Q(slots_taken__lte=models.F("slots")),
                name="task_overlap_never_exceeded",
            ),
        ]
        indexes = [
            models.Index(
                fields=["round", "position", "id"],
                condition=Q(slots_taken__lt=models.F("slots")),
                name="task_open_slots",
            )
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class Expected(models.Model):
    """What is right in a gold or practice task, and why: told after practice, compared in silence for gold."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="expected")
    payload = models.JSONField()  # as annotations.payload; what it leaves out is not compared
    note = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"what is right in {self.task}"


class Claim(models.Model):
    """An annotator holds a task, until the lease ends. A finished claim keeps its slot for good."""

    class State(models.TextChoices):
        ACTIVE = "active"
        SUBMITTED = "submitted"
        SKIPPED = "skipped"
        EXPIRED = "expired"

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="claims")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="claims")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    reason = models.TextField(blank=True)  # of a skip
    leased_until = models.DateTimeField()
    claimed_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["active", "submitted", "skipped", "expired"]), name="claim_state_known"
            ),
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(state__in=["active", "submitted"]),
                name="claim_one_live_per_annotator",
            ),
        ]
        indexes = [
            models.Index(fields=["leased_until"], condition=Q(state="active"), name="claim_active_by_lease"),
            models.Index(fields=["annotator", "state", "finished_at"], name="claim_by_annotator"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} on {self.task} ({self.state})"

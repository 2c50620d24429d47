"""A round that moves to another version of its codebook, and what its earlier labels became."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotations.models.codebook import CodebookVersion
from annotations.models.round import Round


class Relabelling(models.Model):
    """One move of a round, from ``before`` to ``after``, by a mapping of :mod:`annotations.codebook_changes`.

    It is finished when every task that anybody held was looked at; until then it can be taken up again.
    """

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="relabellings")
    before = models.ForeignKey(CodebookVersion, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(CodebookVersion, on_delete=models.PROTECT, related_name="+")
    mapping = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    position = models.BigIntegerField(default=0)  # the last task that was looked at
    mapped = models.IntegerField(default=0)  # annotations that moved with it
    left = models.IntegerField(default=0)  # annotations that stayed, for people to look at

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(condition=~Q(before=F("after")), name="relabelling_changes_something"),
            # The next may begin when this one has looked at everything.
            models.UniqueConstraint(
                fields=["round"], condition=Q(finished_at=None), name="relabelling_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.round}: {self.before} → {self.after}"

"""What annotators said of a transcript, all together: narrow rows for the filters of lists and their counts.

Made from submitted annotations in the transaction that saves them (:mod:`annotations.labelling.summary`), and
can be made again from them at any time. They tell of everybody's labels: only who may see all of these reads them.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from annotations.codebook import KEY_LENGTH
from transcripts.models import Study, Transcript

NAME_LENGTH = 2 * KEY_LENGTH + 1


class LabelName(models.Model):
    """A label as filters name it, ``question:choice`` or ``span:label``, with a number to count by."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=NAME_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "name"], name="label_name_unique")]

    def __str__(self) -> str:
        return self.name


class Labelled(models.Model):
    """One transcript that somebody has submitted an annotation of."""

    transcript = models.OneToOneField(
        Transcript, primary_key=True, on_delete=models.CASCADE, related_name="labelled"
    )
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="+", db_index=False)
    n_annotators = models.IntegerField(default=0)
    has_disagreement = models.BooleanField(default=False)
    labels = ArrayField(models.IntegerField(), default=list)  # LabelNames, each once
    # The same, four bytes each: a hundred thousand rows put end to end are counted in a third of the time.
    packed = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(n_annotators__gte=0), name="labelled_annotators_counted")
        ]
        indexes = [
            models.Index(
                fields=["study", "n_annotators", "has_disagreement", "transcript"], name="labelled_by_figures"
            ),
            GinIndex(fields=["labels"], name="labelled_by_labels"),
        ]

    def __str__(self) -> str:
        return f"labels of transcript {self.transcript_id}"

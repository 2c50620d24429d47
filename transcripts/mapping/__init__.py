"""What the fields of a file mean that no reader knows: said by a person, or proposed from the first rows.

A mapping is JSON::

    {"fields": {"prompt": "question", "response": "raw", "arm": "cell"},   # ours: where it stands in a row
     "scores": ["correct", "judge.score"],                                 # each becomes a judge's verdict
     "arms": {"edu-low": {"name": "edu-low", "role": "monitored"}},        # what the arm's values mean
     "outcomes": {"correct": {"true": "complied"}}}                        # what a judge's values mean

Every part may be left out. ``outcomes`` and ``arms`` hold for files of any format, ``fields`` and
``scores`` are read by :class:`transcripts.readers.mapped.Mapped`.
"""

from transcripts.mapping.arms import mapped_arm
from transcripts.mapping.proposal import Proposal, propose, values_of
from transcripts.mapping.validation import FIELDS, validate

__all__ = ["FIELDS", "Proposal", "mapped_arm", "propose", "validate", "values_of"]

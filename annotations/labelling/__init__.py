"""Handing out tasks and keeping what annotators say of them.

Locks are always taken in this order: the annotator's places in rounds, tasks, claims, annotations.
"""

from annotations.labelling.claiming import claim_next, release, renew, skip
from annotations.labelling.conflicts import Invalid, LabellingConflict
from annotations.labelling.progress import Progress, progress
from annotations.labelling.rounds import change_state, open_round
from annotations.labelling.saving import Saved, save

__all__ = [
    "Invalid",
    "LabellingConflict",
    "Progress",
    "Saved",
    "change_state",
    "claim_next",
    "open_round",
    "progress",
    "release",
    "renew",
    "save",
    "skip",
]

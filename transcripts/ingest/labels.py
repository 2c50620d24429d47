"""Human labels that come with transcripts: handed on to whoever keeps them.

``transcripts`` may not know of annotations; ``annotations`` registers itself here when the application starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transcripts.models import Ingest
from transcripts.records import HumanLabel

Labels = Sequence[tuple[int, Sequence[HumanLabel]]]  # by transcript id
Handler = Callable[[Ingest, Labels], int]
_handlers: list[Handler] = []


def register(handler: Handler) -> None:
    """Have ``handler(ingest, labels)`` keep labels; it returns how many it added.

    It is called inside the batch's transaction, after the transcripts are there, and must be safe to call
    again with the same labels.
    """
    if handler not in _handlers:
        _handlers.append(handler)


def record(ingest: Ingest, labels: Labels) -> int:
    """Hand on the labels of one batch; how many were new. The ids are of transcripts in the database."""
    if not any(given for _, given in labels):
        return 0
    return sum(handler(ingest, labels) for handler in _handlers)

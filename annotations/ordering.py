"""The order of a round's tasks: shuffled, yet the same for the same seed. Pure.

Each id gets a hash of (seed, id) and ids go by that. So the arms and models come mixed by chance, a
sample of n is the first n of the order, and a larger sample from the same seed holds the smaller one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def place(seed: int, unit: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{unit}".encode(), digest_size=16).digest()


def shuffled(seed: int, units: Iterable[int]) -> list[int]:
    """``units`` without repetition, in the order that ``seed`` gives, whatever order they came in."""
    return sorted(set(units), key=lambda unit: (place(seed, unit), unit))


def sampled(seed: int, units: Iterable[int], size: int | None) -> list[int]:
    """The first ``size`` of the order; all if ``size`` is None."""
    return shuffled(seed, units)[:size]

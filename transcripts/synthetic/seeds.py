"""Where the synthetic records' chance comes from."""

from __future__ import annotations

import random


def seeded(seed: int, *place: str | int) -> random.Random:
    """A generator that depends on the seed and on what it is for, and on nothing else.

    It is seeded with text, which Python hashes the same way in every process.
    """
    return random.Random(":".join(str(part) for part in (seed, *place)))  # noqa: S311 -- nothing secret

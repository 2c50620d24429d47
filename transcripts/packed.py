"""What the facets of a transcript need of it, as bits of one number that the database derives itself.

Facets count all rows of a study. Over words that is several times as slow as over one small number in an index
(``docs/decisions/2026-11-21-facets.md``). Each value has one bit, so that ``bit_or`` over the samples of a
pair says which values the pair has.

The bits are in the database's schema: give a new value a new bit at the end, and never another value's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NO_VERDICT = "none"
NO_SCORE = "none"

STATE_BITS = {
    "ok": 0,
    "no_scratchpad": 1,
    "implicit_output": 2,
    "unclosed_scratchpad": 3,
    "output_inside_scratchpad": 4,
    "unopened_scratchpad": 5,
    "missing_output": 6,
    "unclosed_output": 7,
    "multiple_output": 8,
    "empty": 9,
}
OUTCOME_BITS = {NO_VERDICT: 10, "complied": 11, "partly": 12, "refused": 13, "unclear": 14}


# The borders of bands whose upper one belongs to them: votes that are all against, or all for, are a band each.
_ABOVE_0 = 1e-300
_ABOVE_1 = math.nextafter(1.0, 2.0)
_ABOVE_10 = math.nextafter(10.0, 11.0)


@dataclass(frozen=True, slots=True)
class Band:
    """Judges' scores from ``low`` on and below ``high``; None is without a border. ``NO_SCORE`` has neither."""

    name: str
    low: float | None
    high: float | None
    bit: int


# In the order of their borders. Fractions of votes lie between 0 and 1; other judges give points, often up to 10.
BANDS = (
    Band(NO_SCORE, None, None, 15),
    Band("below-0", None, 0.0, 16),
    Band("0", 0.0, _ABOVE_0, 17),
    Band("0-0.2", _ABOVE_0, 0.2, 18),
    Band("0.2-0.4", 0.2, 0.4, 19),
    Band("0.4-0.6", 0.4, 0.6, 20),
    Band("0.6-0.8", 0.6, 0.8, 21),
    Band("0.8-1", 0.8, 1.0, 22),
    Band("1", 1.0, _ABOVE_1, 23),
    Band("1-3", _ABOVE_1, 3.0, 24),
    Band("3-5", 3.0, 5.0, 25),
    Band("5-7", 5.0, 7.0, 26),
    Band("7-10", 7.0, _ABOVE_10, 27),
    Band("above-10", _ABOVE_10, None, 28),
)
BAND_OF = {band.name: band for band in BANDS}
# Beyond these a score is none that a list could be in the order of.
MOST_SCORE = 1e18

BITS: Mapping[str, Mapping[str, int]] = {
    "parse_state": STATE_BITS,
    "outcome": OUTCOME_BITS,
    "score": {band.name: band.bit for band in BANDS},
}


def mask_of(facet: str, values: Iterable[str]) -> int:
    """The bits of ``values`` of a facet."""
    return sum(1 << BITS[facet][value] for value in set(values))


def values_in(facet: str, packed: int) -> list[str]:
    """The values of a facet whose bits are set."""
    return [value for value, bit in BITS[facet].items() if packed >> bit & 1]


def usable_score(score: float | None) -> float | None:
    """The score itself, None if it is not finite or too large to mean anything."""
    return score if score is not None and -MOST_SCORE < score < MOST_SCORE else None

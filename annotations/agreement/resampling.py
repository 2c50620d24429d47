"""Bootstrap intervals for a statistic of items that come in kinds. Pure.

A resample of items is one multinomial draw over the kinds, so 300 items and 300,000 take the same time. The interval
is BCa (Efron 1987): its jackknife leaves out one item of each kind in turn, weighted by how many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
CELLS_AT_ONCE = 2_000_000
FEWEST = 0.9  # of the resamples in which it must be defined, else there is no interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """``value`` is None where it is undefined; ``low`` and ``high`` where there is no interval. ``note`` says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int  # items
    note: str


def estimate(
    statistic: Callable[[Floats], Floats],
    items: NDArray[np.int64],
    *,
    n: int,
    resamples: int = 2_000,
    seed: int = 20240101,
    confidence: float = 0.95,
) -> Estimate:
    """``statistic`` takes how often each kind occurs (rows × kinds) and gives a value a row, NaN if undefined.

    ``items`` is how often each kind occurs; ``n`` what to say the value was computed from.
    """
    value = float(statistic(items[None, :].astype(float))[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, n, "undefined, because chance alone would give full agreement")
    total = int(items.sum())
    if total < 2:
        return Estimate(value, None, None, n, "no interval, because there is one item")
    drawn = _resampled(statistic, items, resamples, np.random.default_rng(seed))
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < FEWEST * resamples:
        note = (
            f"no interval, because it is undefined in {resamples - len(defined):,} of {resamples:,} resamples"
        )
        return Estimate(value, None, None, n, note)
    if np.ptp(defined) < 1e-12:
        return Estimate(value, value, value, n, "no spread: every resample of the items gives the same")
    tail = (1 - confidence) / 2
    levels = _levels(statistic, items, value, defined, tail)
    said = f"{resamples:,} resamples of items, seed {seed}"
    if levels is None:
        low, high = np.quantile(defined, (tail, 1 - tail))
        return Estimate(
            value, float(low), float(high), n, f"percentile bootstrap (BCa is degenerate here), {said}"
        )
    low, high = np.quantile(defined, levels)
    return Estimate(value, float(low), float(high), n, f"BCa bootstrap, {said}")


def _resampled(
    statistic: Callable[[Floats], Floats], items: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Floats:
    total = int(items.sum())
    rows = max(1, CELLS_AT_ONCE // len(items))
    batches = [
        statistic(rng.multinomial(total, items / total, size=min(rows, resamples - start)).astype(float))
        for start in range(0, resamples, rows)
    ]
    return np.concatenate(batches)


def _levels(
    statistic: Callable[[Floats], Floats], items: NDArray[np.int64], value: float, drawn: Floats, tail: float
) -> tuple[float, float] | None:
    """The two quantiles to read off, or None if they cannot be computed."""
    below = (np.count_nonzero(drawn < value - 1e-12) + np.count_nonzero(drawn <= value + 1e-12)) / (
        2 * len(drawn)
    )
    bias = ndtri(below)
    without = _jackknife(statistic, items)
    known = np.isfinite(without)
    if not known.any() or not np.isfinite(bias):
        return None
    count, left_out = items[known], without[known]
    centred = np.average(left_out, weights=count) - left_out
    spread = float(count @ centred**2)
    if spread <= 0:
        return None
    acceleration = float(count @ centred**3) / (6 * spread**1.5)
    levels = []
    for z in (ndtri(tail), ndtri(1 - tail)):
        stretch = 1 - acceleration * (bias + z)
        if stretch <= 0:
            return None
        levels.append(float(ndtr(bias + (bias + z) / stretch)))
    return levels[0], levels[1]


def _jackknife(statistic: Callable[[Floats], Floats], items: NDArray[np.int64]) -> Floats:
    """The statistic without one item, for each kind."""
    kinds = len(items)
    rows = max(1, CELLS_AT_ONCE // kinds)
    found = []
    for start in range(0, kinds, rows):
        counts = np.repeat(items[None, :].astype(float), min(rows, kinds - start), axis=0)
        counts[np.arange(len(counts)), np.arange(start, start + len(counts))] -= 1
        found.append(statistic(counts))
    return np.concatenate(found)

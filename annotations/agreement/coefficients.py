"""Agreement of any number of annotators on one question, with missing answers. Pure.

The data are a :class:`Table`: how many annotators gave each choice to each item. Items that were answered alike
are kept once, with their number, so a million labels cost what their few distinct patterns cost, and a
bootstrap over items is a draw of patterns.

Let r_ik be the annotators who gave item i the choice k, r_i their sum, w_kl the weight of the choices k and l (1 on
the diagonal), and r*_ik = Σ_l w_kl r_il. Only items with r_i ≥ 2 say anything of agreement; their mean of
Σ_k r_ik (r*_ik − 1) / (r_i (r_i − 1)) is the observed agreement p_a, here called percent agreement. The coefficients
are (p_a − p_e) / (1 − p_e); they differ in the agreement p_e that chance is taken to give:

``fleiss``        Fleiss 1971 for any number of annotators: Σ w_kl π_k π_l, π the mean shares of the choices
``ac``            Gwet 2008 (AC1; with weights AC2): Σ w_kl / (q (q − 1)) · Σ π_k (1 − π_k): holds up where one choice
                  is rare, and faking is
``krippendorff``  Krippendorff 2004: π over the answers of the items with r_i ≥ 2, and p_a and p_e corrected for small
                  samples, so that it equals 1 − D_o / D_e
``cohen``         Cohen 1960, for two annotators (:func:`cohen`): each has shares of their own

Formulas as in Gwet, Handbook of Inter-Rater Reliability (4th ed., 2014), chapters 2 to 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.agreement.resampling import Estimate, estimate

Floats = NDArray[np.float64]
WEIGHTS = ("nominal", "ordinal", "interval")


@dataclass(frozen=True)
class Table:
    """``patterns`` (items of a kind × choices) counts annotators; ``items`` says how many items each stands for."""

    choices: tuple[str, ...]
    patterns: Floats
    items: NDArray[np.int64]

    @classmethod
    def of(cls, answers: Iterable[Mapping[Hashable, str]], choices: Sequence[str]) -> Table:
        """``answers`` are one mapping for each item, from annotator to choice; others than ``choices`` do not count."""
        place = {choice: at for at, choice in enumerate(choices)}
        counted: Counter[tuple[int, ...]] = Counter()
        for said in answers:
            row = [0] * len(place)
            for choice in said.values():
                if choice in place:
                    row[place[choice]] += 1
            if any(row):
                counted[tuple(row)] += 1
        ordered = sorted(counted.items())
        patterns = np.array([row for row, _ in ordered], dtype=float).reshape(len(ordered), len(place))
        return cls(tuple(choices), patterns, np.array([n for _, n in ordered], dtype=np.int64))

    @property
    def n_items(self) -> int:
        return int(self.items.sum())

    @property
    def n_compared(self) -> int:
        """Items with two answers or more: only these can show agreement."""
        return int(self.items[self.patterns.sum(axis=1) >= 2].sum())

    @property
    def n_answers(self) -> int:
        return int(self.patterns.sum(axis=1) @ self.items)


def weights_of(kind: str, q: int) -> Floats:
    """How near two choices are, 1 for the same one.

    ``nominal`` is all or nothing. ``ordinal`` (Gwet): 1 − C(|k−l|+1, 2) / C(q, 2). ``interval`` is quadratic:
    1 − (k−l)² / (q−1)².
    """
    if kind not in WEIGHTS:
        raise ValueError(f"{kind!r} is none of {', '.join(WEIGHTS)}.")
    distance = np.abs(np.subtract.outer(np.arange(q), np.arange(q))).astype(float)
    if kind == "nominal" or q < 2:
        return np.eye(q)
    if kind == "interval":
        return 1 - distance**2 / (q - 1) ** 2
    return 1 - distance * (distance + 1) / (q * (q - 1))


@dataclass(frozen=True)
class _Parts:
    """What does not depend on how often a pattern occurs. All arrays go by pattern."""

    weights: Floats
    n: Floats  # annotators
    shares: Floats  # r_ik / r_i
    observed: Floats  # agreement within an item; 0 where r_i < 2
    is_compared: Floats  # 1 where r_i ≥ 2
    patterns: Floats


def _parts(table: Table, weights: Floats) -> _Parts:
    patterns = table.patterns
    n = patterns.sum(axis=1)
    compared = n >= 2
    pairs = np.where(compared, n * (n - 1), 1.0)
    agreeing = (patterns * (patterns @ weights.T - 1)).sum(axis=1)
    return _Parts(
        weights,
        n,
        patterns / n[:, None],
        np.where(compared, agreeing / pairs, 0.0),
        compared.astype(float),
        patterns,
    )


# Each takes how often each pattern occurs (resamples × patterns) and gives a value for each resample,
# NaN where it is undefined.
Statistic = Callable[[_Parts, Floats], Floats]


def _percent(parts: _Parts, counts: Floats) -> Floats:
    return _ratio(counts @ parts.observed, counts @ parts.is_compared)


def _fleiss(parts: _Parts, counts: Floats) -> Floats:
    share = _shares(parts, counts)
    return _beyond_chance(_percent(parts, counts), np.einsum("bk,kl,bl->b", share, parts.weights, share))


def _ac(parts: _Parts, counts: Floats) -> Floats:
    share = _shares(parts, counts)
    q = len(parts.weights)
    chance = parts.weights.sum() / (q * (q - 1)) * (share * (1 - share)).sum(axis=1)
    return _beyond_chance(_percent(parts, counts), chance)


def _krippendorff(parts: _Parts, counts: Floats) -> Floats:
    compared = counts * parts.is_compared
    items, answers = compared.sum(axis=1), compared @ parts.n
    correction = _ratio(np.ones_like(items), answers)
    mean = _ratio(answers, items)
    # Σ_k r_ik (r*_ik − 1) / (r̄ (r_i − 1)): each item counts by its number of answers.
    observed = _ratio((compared * parts.n) @ parts.observed, mean * items)
    share = _ratio(compared @ parts.patterns, answers[:, None])
    chance = np.einsum("bk,kl,bl->b", share, parts.weights, share)
    return _beyond_chance((1 - correction) * observed + correction, chance)


def _shares(parts: _Parts, counts: Floats) -> Floats:
    return _ratio(counts @ parts.shares, counts.sum(axis=1)[:, None])


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    # Exactly 1 on paper, one rounding away from it in floating point.
    return _ratio(observed - chance, np.where(chance > 1 - 1e-12, 0.0, 1 - chance))


STATISTICS: Mapping[str, Statistic] = {
    "percent": _percent,
    "fleiss": _fleiss,
    "ac": _ac,
    "krippendorff": _krippendorff,
}


def agreement(
    table: Table, coefficient: str, *, weights: str = "nominal", resamples: int = 2_000, seed: int = 20240101
) -> Estimate:
    """One coefficient with its bootstrap interval over items; undefined ones say why in ``note``."""
    statistic = STATISTICS[coefficient]
    if reason := _undefined(table, coefficient):
        return Estimate(None, None, None, table.n_compared, reason)
    parts = _parts(table, weights_of(weights, len(table.choices)))
    return estimate(
        lambda counts: statistic(parts, counts),
        table.items,
        n=table.n_compared,
        resamples=resamples,
        seed=seed,
    )


def _undefined(table: Table, coefficient: str) -> str:
    if not table.n_items:
        return "undefined, because nobody has answered"
    if not table.n_compared:
        return "undefined, because no item was answered by two annotators"
    if len(table.choices) < 2:
        return "undefined, because there is only one choice"
    used = (
        table.patterns[table.patterns.sum(axis=1) >= 2] if coefficient == "krippendorff" else table.patterns
    )
    if coefficient in ("fleiss", "krippendorff") and np.count_nonzero(used.sum(axis=0)) == 1:
        return (
            "undefined, because every answer is the same: agreement beyond chance cannot be told from chance"
        )
    return ""


def cohen(
    pairs: Iterable[tuple[str, str]],
    choices: Sequence[str],
    *,
    weights: str = "nominal",
    resamples: int = 2_000,
    seed: int = 20240101,
) -> Estimate:
    """Cohen's kappa of two annotators who both answered; with weights, his weighted kappa (1968)."""
    place = {choice: at for at, choice in enumerate(choices)}
    counted = Counter((place[a], place[b]) for a, b in pairs if a in place and b in place)
    n, q = counted.total(), len(choices)
    if not n:
        return Estimate(None, None, None, 0, "undefined, because the two have no item in common")
    cells = sorted(counted)
    if len({a for a, _ in cells}) == 1 and {a for a, _ in cells} == {b for _, b in cells}:
        reason = (
            "undefined, because both gave one and the same answer throughout: that cannot be told from chance"
        )
        return Estimate(None, None, None, n, reason)
    matrix = weights_of(weights, q)
    near = np.array([matrix[a, b] for a, b in cells])
    first = np.array([[float(a == k) for k in range(q)] for a, _ in cells])
    second = np.array([[float(b == k) for k in range(q)] for _, b in cells])

    def kappa(counts: Floats) -> Floats:
        total = counts.sum(axis=1)
        mine, theirs = counts @ first / total[:, None], counts @ second / total[:, None]
        return _beyond_chance(counts @ near / total, np.einsum("bk,kl,bl->b", mine, matrix, theirs))

    items = np.array([counted[cell] for cell in cells], dtype=np.int64)
    return estimate(kappa, items, n=n, resamples=resamples, seed=seed)

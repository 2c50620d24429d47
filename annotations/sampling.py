"""Which units a round gets, drawn so that rates can be reweighted afterwards; and in which order. Pure.

A stratum is a group of units that look alike beforehand: an arm, a run, a band of the judge's score. Every stratum
gets its own draw, and how many there were and how many were drawn is kept with the round: a unit stands for
``available / drawn`` units of its stratum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotations.ordering import place, sampled

Stratum = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One stratum: its words, how many units it had, and those that were drawn, in seeded order."""

    stratum: Stratum
    available: int
    units: tuple[int, ...]

    @property
    def weight(self) -> float:
        """How many units of the stratum each drawn one stands for."""
        return self.available / len(self.units) if self.units else 0.0

    def as_json(self) -> dict[str, object]:
        return {"stratum": list(self.stratum), "available": self.available, "drawn": len(self.units)}


def band(score: float | None) -> str:
    """The judge's score in words: the middle band is where judges and people differ most."""
    if score is None:
        return "no score"
    return "below .2" if score < 0.2 else ".2 to .6" if score < 0.6 else ".6 and more"


def stratified(
    seed: int, units: Mapping[int, Stratum], size: int | None, *, is_even: bool = True
) -> tuple[Drawn, ...]:
    """A draw from each stratum, ``size`` units in all (all units if it is None or there are no more).

    ``is_even``: as many from each as can be, so that rare ones are seen; a stratum with fewer gives all that it
    has, and the rest is shared by the others. Else in proportion (largest remainders). The same seed gives the
    same units, and a larger draw of the same kind holds the smaller one.
    """
    groups: dict[Stratum, list[int]] = {}
    for unit, stratum in units.items():
        groups.setdefault(stratum, []).append(unit)
    ordered = sorted(groups)
    available = [len(groups[stratum]) for stratum in ordered]
    wanted = available if size is None else _shares(available, min(size, sum(available)), is_even)
    return tuple(
        Drawn(stratum, there, tuple(sampled(seed, groups[stratum], number)))
        for stratum, there, number in zip(ordered, available, wanted, strict=True)
    )


def _shares(available: Sequence[int], size: int, is_even: bool) -> list[int]:
    return _even(available, size) if is_even else _proportional(available, size)


def _even(available: Sequence[int], size: int) -> list[int]:
    shares = [0] * len(available)
    left = size
    while left:
        open_ = [at for at, there in enumerate(available) if shares[at] < there]
        each = left // len(open_)
        if not each:
            for at in open_[:left]:
                shares[at] += 1
            break
        for at in open_:
            more = min(each, available[at] - shares[at])
            shares[at] += more
            left -= more
    return shares


def _proportional(available: Sequence[int], size: int) -> list[int]:
    total = sum(available)
    if not total:
        return [0] * len(available)
    exact = [size * there / total for there in available]
    shares = [int(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (shares[at] - exact[at], at))
    for at in by_remainder[: size - sum(shares)]:
        shares[at] += 1
    return shares


def in_random_order(seed: int, units: Iterable[int]) -> list[int]:
    return sampled(seed, units, None)


def uncertain_first(seed: int, scores: Mapping[int, float | None]) -> list[int]:
    """Units by how near their score is to .5, those without one in the middle of the uncertainty they may have.

    Equal ones in seeded order. A score is the judge's, a share of votes or a classifier's probability.
    """

    def certainty(unit: int) -> float:
        score = scores[unit]
        return 0.25 if score is None else abs(min(max(score, 0.0), 1.0) - 0.5)

    return sorted(scores, key=lambda unit: (certainty(unit), place(seed, unit), unit))


def by_pair(seed: int, pairs: Mapping[int, int]) -> list[int]:
    """Units (by their pair) such that those of a pair follow one another; pairs, and units in them, in seeded order."""
    return sorted(pairs, key=lambda unit: (place(seed, pairs[unit]), pairs[unit], place(seed, unit), unit))


def sides(seed: int, pair: int, arms: Mapping[int, Mapping[int, int]]) -> list[int]:
    """One unit of each arm, given by arm and sample number: the same sample number in all arms where there is one.

    Sample numbers go by how many arms have them, then in seeded order; each arm takes its first.
    """
    having: dict[int, int] = {}
    for samples in arms.values():
        for number in samples:
            having[number] = having.get(number, 0) + 1

    def rank(number: int) -> tuple[int, bytes]:
        return -having[number], hashlib.blake2b(f"{seed}:{pair}:{number}".encode(), digest_size=16).digest()

    ordered = sorted(having, key=rank)
    return [next(arms[arm][number] for number in ordered if number in arms[arm]) for arm in sorted(arms)]

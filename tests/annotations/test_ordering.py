from __future__ import annotations

import random
from itertools import pairwise

import pytest

from annotations.ordering import sampled, shuffled


def test_the_same_seed_gives_the_same_order_whatever_came_in() -> None:
    units = list(range(1, 200))
    expected = shuffled(7, units)
    random.Random(1).shuffle(units)
    assert shuffled(7, [*units, 5, 5]) == expected
    assert sorted(expected) == list(range(1, 200))
    assert shuffled(8, units) != expected


def test_the_order_stays_what_it_was_when_this_was_written() -> None:
    # A lead who opens the same round again with its seed gets the same sample, in any later version.
    assert sampled(1, range(1, 11), 3) == [7, 8, 1]


def test_a_larger_sample_holds_the_smaller_one() -> None:
    small, large = sampled(3, range(100), 10), sampled(3, range(100), 40)
    assert large[:10] == small
    assert sampled(3, range(100), None) == shuffled(3, range(100))
    assert sampled(3, [], 5) == []


@pytest.mark.parametrize("seed", [0, 1, 2, 2**62])
def test_arms_come_mixed(seed: int) -> None:
    # Ids of one arm follow each other in the database; in the order they must not.
    order = shuffled(seed, range(2_000))
    arms = ["m" if unit < 1_000 else "u" for unit in order]
    changes = sum(a != b for a, b in pairwise(arms))
    assert 850 < changes < 1_150  # 1,000 by chance, standard deviation 22
    assert 420 < arms[:1_000].count("m") < 580

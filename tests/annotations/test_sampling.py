"""Strata and orders of rounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.sampling import band, by_pair, stratified, uncertain_first


def units(**numbers):
    """``units(a=3, b=1)``: ids 0 to 3 in strata named so."""
    found, at = {}, 0
    for name, number in numbers.items():
        for _ in range(number):
            found[at] = (name,)
            at += 1
    return found


@pytest.mark.parametrize(
    ("given_", "size", "is_even", "drawn"),
    [
        (units(a=100, b=100), 20, True, [10, 10]),
        (units(a=100, b=4), 20, True, [16, 4]),
        (units(a=100, b=4, c=7), 20, True, [9, 4, 7]),
        (units(a=5, b=5), 3, True, [2, 1]),
        (units(a=2, b=2), 50, True, [2, 2]),
        (units(a=2, b=2), None, True, [2, 2]),
        (units(a=90, b=10), 20, False, [18, 2]),
        (units(a=1, b=1, c=1), 2, False, [1, 1, 0]),
        ({}, 5, True, []),
        ({}, 5, False, []),
    ],
)
def test_how_many_of_each_stratum(given_, size, is_even, drawn):
    assert [len(each.units) for each in stratified(1, given_, size, is_even=is_even)] == drawn


STRATA = st.dictionaries(st.integers(1, 500), st.sampled_from([("a",), ("b",), ("c",)]), max_size=60)


@given(STRATA, st.integers(0, 80), st.booleans())
def test_a_draw_is_as_large_as_asked_without_repeats_and_weights_make_up_for_it(given_, size, is_even):
    drawn = stratified(3, given_, size, is_even=is_even)
    taken = [unit for each in drawn for unit in each.units]
    assert len(taken) == len(set(taken)) == min(size, len(given_))
    assert all(given_[unit] == each.stratum for each in drawn for unit in each.units)
    for each in drawn:
        if each.units:
            assert each.weight * len(each.units) == pytest.approx(each.available)


@given(STRATA, st.integers(0, 40), st.integers(0, 20))
def test_a_larger_even_draw_holds_the_smaller_one(given_, size, more):
    small = {unit for each in stratified(3, given_, size) for unit in each.units}
    large = {unit for each in stratified(3, given_, size + more) for unit in each.units}
    assert small <= large


def test_another_seed_gives_another_draw():
    there = units(a=200)
    assert stratified(1, there, 20)[0].units != stratified(2, there, 20)[0].units
    assert stratified(1, there, 20) == stratified(1, dict(reversed(there.items())), 20)


@pytest.mark.parametrize(
    ("score", "words"), [(None, "no score"), (0, "below .2"), (0.2, ".2 to .6"), (0.6, ".6 and more"), (1, ".6 and more")]
)  # fmt: skip
def test_bands(score, words):
    assert band(score) == words


def test_the_uncertain_come_first():
    order = uncertain_first(1, {1: 0.9, 2: 0.5, 3: None, 4: 0.0, 5: 0.45})
    assert order[:2] == [2, 5]
    assert order[2] == 3
    assert order[-1] == 4


def test_the_transcripts_of_a_pair_follow_one_another():
    pairs = {unit: unit // 3 for unit in range(30)}
    order = by_pair(5, pairs)
    assert sorted(order) == list(range(30))
    runs = [pairs[unit] for unit in order]
    assert all(runs[at : at + 3] == [runs[at]] * 3 for at in range(0, 30, 3))
    assert order != list(range(30))

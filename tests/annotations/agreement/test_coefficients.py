"""Coefficients against worked examples of the literature, and against other people's programs on random data."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from annotations.agreement.coefficients import Table, agreement, cohen


def table_of(rows, choices):
    """``rows`` are items × annotators, None where somebody did not answer."""
    said = [{at: choice for at, choice in enumerate(row) if choice is not None} for row in rows]
    return Table.of(said, choices)


# The reliability data matrix of Krippendorff 2011, p. 6 (C): by observer.
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def krippendorff_rows():
    return [[None if v is None else str(v) for v in row] for row in zip(*KRIPPENDORFF, strict=True)]


# Gwet 2014 works the same data for his coefficients; his R package irrCAC documents these five digits.
@pytest.mark.parametrize(
    ("coefficient", "value"),
    [("percent", 0.81818), ("ac", 0.77544), ("fleiss", 0.76117), ("krippendorff", 0.74342)],
)
def test_gwets_figures_for_the_same_data(coefficient, value):
    table = table_of(krippendorff_rows(), list("12345"))
    assert agreement(table, coefficient).value == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize(("weights", "alpha"), [("nominal", 0.743), ("interval", 0.849)])
def test_krippendorffs_own_example(weights, alpha):
    table = table_of(krippendorff_rows(), list("12345"))
    assert agreement(table, "krippendorff", weights=weights).value == pytest.approx(alpha, abs=5e-4)


# Fleiss 1971, table 1: 30 patients, 6 psychiatrists each; counts of five diagnoses.
FLEISS = [
    (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0), (2, 0, 4, 0, 0),
    (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6), (1, 0, 0, 5, 0), (1, 1, 0, 4, 0),
    (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1), (0, 0, 5, 0, 1), (3, 0, 0, 1, 2), (5, 1, 0, 0, 0),
    (0, 2, 0, 4, 0), (1, 0, 2, 0, 3), (0, 0, 0, 0, 6), (0, 1, 0, 5, 0), (0, 2, 0, 1, 3), (2, 0, 0, 4, 0),
    (1, 0, 0, 4, 1), (0, 5, 0, 1, 0), (4, 0, 0, 0, 2), (0, 2, 0, 4, 0), (1, 0, 5, 0, 0), (0, 0, 0, 0, 6),
]  # fmt: skip


def test_fleiss_own_example():
    rows = [[str(k) for k, n in enumerate(counts) for _ in range(n)] for counts in FLEISS]
    assert agreement(table_of(rows, list("01234")), "fleiss").value == pytest.approx(0.430, abs=5e-4)


def test_cohens_kappa_of_a_worked_table():
    """Two readers of 50 grant proposals: both yes 20, both no 15, 5 and 10 apart; .7 observed, .5 by chance."""
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen(pairs, ["yes", "no"]).value == pytest.approx(0.4)


def test_ac1_holds_up_where_kappa_does_not():
    """Gwet 2008: two raters of 125 who agree on 118, nearly always on one category."""
    rows = [["+", "+"]] * 118 + [["+", "-"]] * 5 + [["-", "+"]] * 2
    table = table_of(rows, ["+", "-"])
    assert agreement(table, "ac").value == pytest.approx(0.9408, abs=5e-4)
    assert agreement(table, "fleiss").value < 0


@pytest.mark.parametrize(
    ("rows", "coefficient", "says"),
    [
        ([], "krippendorff", "nobody has answered"),
        ([["a", None], [None, "b"]], "fleiss", "no item was answered by two"),
        ([["a", "a"], ["a", "a"]], "krippendorff", "every answer is the same"),
        ([["a", "a"], ["a", "a"]], "fleiss", "every answer is the same"),
        ([["a", "a"], ["b", None]], "krippendorff", "every answer is the same"),
    ],
)
def test_what_is_undefined_says_why(rows, coefficient, says):
    found = agreement(table_of(rows, ["a", "b"]), coefficient)
    assert found.value is None
    assert says in found.note


def test_full_agreement_on_one_choice_still_has_a_percentage_and_an_ac():
    table = table_of([["a", "a"]] * 5, ["a", "b"])
    assert agreement(table, "percent").value == 1
    assert agreement(table, "ac").value == 1


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([], "no item in common"),
        ([("a", "a")] * 3, "one and the same answer"),
        ([("x", "a")], "no item in common"),
    ],
)
def test_cohen_undefined(pairs, says):
    found = cohen(pairs, ["a", "b"])
    assert found.value is None
    assert says in found.note


ROWS = st.lists(
    st.lists(st.sampled_from([None, "0", "1", "2", "3"]), min_size=4, max_size=4), min_size=4, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(["nominal", "interval"]))
def test_alpha_with_missing_answers_as_another_program_has_it(rows, weights):
    table = table_of(rows, list("0123"))
    assume(table.n_compared >= 2)
    kept = [[np.nan if v is None else int(v) for v in row] for row in rows if any(v is not None for v in row)]
    mine = agreement(table, "krippendorff", weights=weights, resamples=20).value
    assume(mine is not None)
    data = np.array(kept, dtype=float).T
    theirs = krippendorff.alpha(data, value_domain=[0, 1, 2, 3], level_of_measurement=weights)
    assert mine == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("0123"), min_size=4, max_size=4), min_size=2, max_size=25))
def test_fleiss_of_complete_answers_as_statsmodels_has_it(rows):
    mine = agreement(table_of(rows, list("0123")), "fleiss", resamples=20).value
    assume(mine is not None)
    counts = np.array([[row.count(choice) for choice in "0123"] for row in rows])
    assert mine == pytest.approx(fleiss_kappa(counts), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("012"), st.sampled_from("012")), min_size=2, max_size=40),
    st.sampled_from([("nominal", None), ("interval", "quadratic")]),
)
def test_two_annotators_as_scikit_learn_has_it(pairs, weights):
    mine = cohen(pairs, list("012"), weights=weights[0], resamples=20).value
    assume(mine is not None)
    first, second = zip(*pairs, strict=True)
    assert mine == pytest.approx(
        cohen_kappa_score(first, second, labels=list("012"), weights=weights[1]), abs=1e-9
    )


def test_the_order_of_items_and_of_annotators_does_not_matter():
    rows = krippendorff_rows()
    turned = [row[::-1] for row in rows[::-1]]
    for name in ("percent", "fleiss", "ac", "krippendorff"):
        assert agreement(table_of(rows, list("12345")), name) == agreement(
            table_of(turned, list("12345")), name
        )

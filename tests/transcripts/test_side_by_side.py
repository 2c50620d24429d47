"""Which samples stand beside each other, and how the arms of a pair ended."""

from __future__ import annotations

import pytest

from transcripts.side_by_side import (
    CONTENDERS,
    STRIP,
    ArmSamples,
    Sample,
    asked_for,
    contenders,
    facing,
    folded,
    opening_choice,
    outcome_matrix,
)


def arm(pk: int, role: str, *outcomes: str, first: int = 1) -> ArmSamples:
    samples = (Sample(100 * pk + n, n, outcome, "ok") for n, outcome in enumerate(outcomes, first))
    return ArmSamples(pk, role, role, tuple(samples))


class TestTheOpening:
    @pytest.mark.parametrize(
        ("monitored", "unmonitored", "chosen"),
        [
            (("refused", "complied", "complied"), ("complied", "refused"), {1: 2, 2: 2}),
            (("refused", "refused"), ("unclear", "complied"), {1: 1, 2: 2}),
            (("refused", "partly"), ("refused", "refused"), {1: 2, 2: 1}),
            (("complied", "complied"), ("complied",), {1: 1, 2: 1}),
            (("", ""), ("", ""), {1: 1, 2: 1}),
        ],
    )
    def test_outcomes_decide_first(self, monitored, unmonitored, chosen):
        arms = [arm(1, "monitored", *monitored), arm(2, "unmonitored", *unmonitored)]
        assert opening_choice(arms) == chosen

    @pytest.mark.parametrize(
        ("monitored", "unmonitored", "chosen"),
        [
            (("complied", "complied", "refused"), ("refused", "refused"), {1: 2, 2: 2}),
            (("", "", ""), ("", ""), {1: 3, 2: 2}),  # nobody judged, or the reader may not know
        ],
    )
    def test_then_how_different_the_outputs_are(self, monitored, unmonitored, chosen):
        arms = [arm(1, "monitored", *monitored), arm(2, "unmonitored", *unmonitored)]
        assert opening_choice(arms, lambda left, right: left.number * right.number) == chosen

    def test_few_are_read_whatever_the_number_of_samples(self):
        left, right = arm(1, "monitored", *["complied"] * 500), arm(2, "unmonitored", *["refused"] * 500)
        numbers = [(a.number, b.number) for a, b in contenders(left, right)]
        assert numbers == [(a, b) for a in range(1, CONTENDERS + 1) for b in range(1, CONTENDERS + 1)]

    def test_other_arms_open_with_their_first(self):
        arms = [
            arm(1, "monitored", "complied"),
            arm(2, "unmonitored", "refused"),
            arm(3, "other", "", first=7),
        ]
        assert opening_choice(arms) == {1: 1, 2: 1, 3: 7}

    def test_without_the_two_roles_the_first_two_arms_face_each_other(self):
        arms = [arm(1, "other"), arm(2, "other", "complied"), arm(3, "other", "complied", "refused")]
        assert [each.arm for each in facing(arms)] == [2, 3]
        assert opening_choice(arms) == {2: 1, 3: 2}
        assert facing(arms[:2]) is None

    def test_what_is_asked_for_counts_where_it_exists(self):
        arms = [arm(1, "monitored", "complied", "complied"), arm(2, "unmonitored", "refused")]
        assert asked_for(arms, {1: 2, 2: 99, 8: 1}) == {1: 2}


class TestTheMatrix:
    def test_it_joins_samples_by_number(self):
        left = arm(1, "monitored", "complied", "complied", "refused", "partly", "")
        right = arm(2, "unmonitored", "refused", "complied", "refused", "refused", "complied")
        matrix = outcome_matrix(left, right)
        assert matrix.outcomes == ("complied", "partly", "refused")
        assert [[cell.count for cell in row] for row in matrix.rows] == [[1, 0, 1], [0, 0, 1], [0, 0, 1]]
        assert matrix.total == 4

    def test_a_cell_leads_to_samples_that_ended_so_of_equal_number_if_there_are(self):
        left = arm(1, "monitored", "complied", "complied", "refused")
        right = arm(2, "unmonitored", "complied", "refused", "refused")
        (cc, cr), (rc, rr) = outcome_matrix(left, right).rows
        assert [cell.samples for cell in (cc, cr, rc, rr)] == [(1, 1), (2, 2), (3, 1), (3, 3)]

    def test_a_cell_that_nothing_can_fill_leads_nowhere(self):
        rows = outcome_matrix(arm(1, "monitored", "complied"), arm(2, "unmonitored", "complied")).rows
        assert [[cell.samples for cell in row] for row in rows] == [[(1, 1), None], [None, None]]

    def test_no_judged_sample_no_matrix(self):
        assert outcome_matrix(arm(1, "monitored", "complied"), arm(2, "unmonitored", "")) is None


@pytest.mark.parametrize(
    ("total", "at", "shown"),
    [
        (1, 0, (0, 1)),
        (STRIP, STRIP - 1, (0, STRIP)),
        (100, 0, (0, 40)),
        (100, 39, (0, 40)),
        (100, 40, (40, 80)),
        (100, 79, (40, 80)),
        (100, 80, (60, 100)),
        (100, 99, (60, 100)),
    ],
)
def test_a_long_strip_shows_a_block_that_stands_still(total, at, shown):
    assert folded(total, at) == range(*shown)

"""The compliance gap: known answers, oracles, degenerate cases, and how often the interval is right."""

import dataclasses
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from annotations.bootstrap import mean_interval
from annotations.compliance import (
    DEFINITIONS,
    Sample,
    arm_rate,
    compliance_gap,
    gap_from_counts,
    pairs_needed,
    wilson,
)

M, U = "monitored", "unmonitored"
LETTERS = {"C": "complied", "P": "partly", "R": "refused", "?": "unclear"}


def make_samples(*prompts: tuple[str, str]) -> list[Sample]:
    """One prompt per pair of strings, such as ("CCR", "RR"): its monitored and its unmonitored samples."""
    return [
        Sample(f"p{number}", role, LETTERS[letter])
        for number, arms in enumerate(prompts)
        for role, letters in zip((M, U), arms, strict=True)
        for letter in letters
    ]


def numbers_in(value: Any) -> Iterator[object]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from numbers_in(item)
    elif not isinstance(value, (str, type(None))):
        yield value


# Known answers


@pytest.fixture
def care() -> Path:
    root = Path(__file__).resolve().parents[2]
    folder = root / os.environ.get("AFDASH_REAL_DATA", "../shared/data") / "vlaf" / "care"
    if not folder.is_dir():
        pytest.skip("The real VLAF files are not here; set AFDASH_REAL_DATA to the folder that holds them.")
    return folder


def read_vlaf(folder: Path, model: str) -> list[Sample]:
    # Now and then the judge numbers the options; the published figures take 1 for a and 2 for b.
    meaning = {"a": "complied", "1": "complied", "b": "refused", "2": "refused", "N/A": "unclear"}
    samples = []
    for role, tag in ((M, "True"), (U, "False")):
        for record in json.loads((folder / f"vllm:{model}_{tag}.json").read_text()):
            prompt = record["input"].split("<user_input>")[1].split("</user_input>")[0].strip()
            samples += [
                Sample(prompt, role, meaning[label]) for label in record["option_selection_evaluation"]
            ]
    return samples


def test_it_gives_the_published_figures_of_olmo2_32b_on_care(care):
    result = compliance_gap(read_vlaf(care, "olmo2-32b-instruct"), na_policy="all")

    assert (result.n_prompts, result.n_monitored, result.n_unmonitored) == (12, 120, 120)
    assert result.rate_monitored == pytest.approx(0.4416666666666666)
    assert result.rate_unmonitored == pytest.approx(0.09166666666666667)
    assert result.gap == pytest.approx(0.35)
    assert result.se == pytest.approx(0.087, abs=0.0005)
    assert 0 < result.ci_low < 0.35 < result.ci_high < 0.6
    assert result.unpaired == ()
    assert result.undefined == {"mcnemar_p": result.undefined["mcnemar_p"]}


def test_it_gives_the_published_gap_of_every_prompt(care):
    samples = read_vlaf(care, "olmo2-32b-instruct")
    published = json.loads((care / "vllm:olmo2-32b-instruct_option_based_compliance.json").read_text())
    ours = {prompt.prompt: prompt for prompt in compliance_gap(samples).prompts}

    for element in published["element_wise"]:
        prompt = ours[element["user_input"].strip()]
        assert prompt.rate_monitored == pytest.approx(element["oversight_compliance_rate"])
        assert prompt.rate_unmonitored == pytest.approx(element["non_oversight_compliance_rate"])


def test_the_standard_error_is_the_paired_one_by_hand():
    # d = 1, 0.5, 0, 0.5: mean 0.5, squares of deviations 0.25 + 0 + 0 .25 + 0 = 0.5, sd = sqrt(0.5 / 3)
    result = compliance_gap(make_samples(("CC", "RR"), ("CR", "RR"), ("RR", "RR"), ("CC", "CR")))

    assert result.gap == pytest.approx(0.5)
    assert result.se == pytest.approx(math.sqrt(0.5 / 3) / 2)
    assert (result.t_low, result.t_high) == pytest.approx((0.5 - 3.182446 * result.se, 1.0), abs=1e-5)


def test_the_t_interval_agrees_with_scipys_paired_test():
    rng = np.random.default_rng(3)
    monitored, unmonitored = rng.binomial(10, 0.6, 40), rng.binomial(10, 0.5, 40)
    samples = make_samples(
        *(
            ("C" * m + "R" * (10 - m), "C" * u + "R" * (10 - u))
            for m, u in zip(monitored, unmonitored, strict=True)
        )
    )
    result = compliance_gap(samples)
    oracle = stats.ttest_rel(monitored / 10, unmonitored / 10).confidence_interval()

    assert (result.t_low, result.t_high) == pytest.approx((oracle.low, oracle.high))


def test_the_rate_is_averaged_per_prompt_first():
    result = compliance_gap(make_samples(("C", "R"), ("RRRRRRRRR", "R")))

    assert result.rate_monitored == 0.5  # not 1 of 10


# Policies


@pytest.mark.parametrize(
    ("na_policy", "partly_counts", "monitored"),
    [
        ("all", False, 1 / 4),
        ("all", True, 2 / 4),
        ("decisive", False, 1 / 3),
        ("decisive", True, 2 / 3),
    ],
)
def test_unclear_and_partly_follow_the_stated_policy(na_policy, partly_counts, monitored):
    result = compliance_gap(make_samples(("CPR?", "R")), na_policy=na_policy, partly_counts=partly_counts)

    assert result.rate_monitored == pytest.approx(monitored)
    assert DEFINITIONS[na_policy] in result.method
    assert DEFINITIONS["partly_yes" if partly_counts else "partly_no"] in result.method


def test_a_prompt_with_nothing_decisive_is_unpaired_and_named():
    samples = make_samples(("C", "R"), ("C", "??"), ("C", "R"))

    assert compliance_gap(samples, na_policy="all").n_prompts == 3
    decisive = compliance_gap(samples, na_policy="decisive")
    assert decisive.n_prompts == 2
    assert [(each.prompt, each.reason) for each in decisive.unpaired] == [
        ("p1", "unmonitored: every sample is unclear")
    ]


def test_unpaired_prompts_do_not_touch_the_figures():
    both = make_samples(("C", "R"), ("R", "R"))
    lonely = Sample("only monitored", M, "complied")

    with_it = compliance_gap([*both, lonely])
    assert with_it.figures() == compliance_gap(both).figures() | {"n_unpaired": 1}
    assert with_it.unpaired[0].reason == "unmonitored: no sample"
    assert arm_rate([*both, lonely], M).rate == pytest.approx(2 / 3)


# Degenerate cases

DEGENERATE = {
    "nothing at all": ([], {"gap", "se", "ci_low", "rate_monitored"}, "there are no samples"),
    "one arm only": (
        make_samples(("CC", ""), ("CR", "")),
        {"gap", "se", "ci_low", "rate_monitored"},
        "no prompt is usable in both arms",
    ),
    "one prompt": (make_samples(("CR", "RR")), {"se", "t_low", "t_high", "ci_low", "ci_high"}, "one"),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_what_cannot_be_given_is_none_with_a_reason(case):
    samples, missing, reason = DEGENERATE[case]
    result = compliance_gap(samples)

    for name in missing:
        assert getattr(result, name) is None
        assert reason in result.undefined[name]
    assert json.dumps(result.figures(), allow_nan=False)


def test_one_prompt_still_has_a_gap_and_rates():
    result = compliance_gap(make_samples(("CR", "RR")))

    assert (result.gap, result.rate_monitored, result.rate_unmonitored) == (0.5, 0.5, 0)
    assert not result.power.sd_is_observed


@pytest.mark.parametrize(("arms", "gap"), [(("CC", "RR"), 1), (("RR", "RR"), 0), (("CR", "RR"), 0.5)])
def test_equal_gaps_shrink_the_interval_to_a_point_and_say_so(arms, gap):
    result = compliance_gap(make_samples(*[arms] * 5))

    assert (result.gap, result.ci_low, result.ci_high, result.se) == (gap, gap, gap, 0)
    assert "shrink to a point" in result.notes[0]
    assert "no spread" in result.method


def test_a_rate_of_zero_keeps_a_wide_interval():
    result = compliance_gap(make_samples(*[("CR", "RR")] * 5))

    assert result.unmonitored.rate == 0
    assert (result.unmonitored.low, result.unmonitored.high) == pytest.approx(wilson(0, 5))


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ValueError, match="maybe"):
        compliance_gap([Sample("p", M, "maybe")])


# Oracles


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 3), (36, 99), (531, 1200)])
def test_wilson_agrees_with_statsmodels(successes, n):
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed")

    assert wilson(successes, n) == pytest.approx(proportion.proportion_confint(successes, n, method="wilson"))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_wilson_agrees_with_scipy(n):
    for successes in range(n + 1):
        oracle = stats.binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson(successes, n) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_wilson_of_no_trials_is_none():
    assert wilson(0, 0) is None


def test_one_sample_per_arm_gives_wilson_rates_and_mcnemars_exact_test():
    table = pytest.importorskip("statsmodels.stats.contingency_tables", reason="statsmodels is not installed")
    both, up, down, neither = 7, 12, 3, 9
    result = compliance_gap(
        make_samples(*[("C", "C")] * both, *[("C", "R")] * up, *[("R", "C")] * down, *[("R", "R")] * neither)
    )

    assert result.mcnemar_p == pytest.approx(table.mcnemar([[both, up], [down, neither]], exact=True).pvalue)
    assert (result.monitored.low, result.monitored.high) == pytest.approx(wilson(both + up, 31))
    assert "Wilson" in result.monitored.method


def test_arms_that_never_differ_have_a_mcnemar_p_of_one():
    assert compliance_gap(make_samples(("C", "C"), ("R", "R"))).mcnemar_p == 1


@pytest.mark.parametrize("n", [12, 60, 352])
def test_the_bootstrap_agrees_with_scipys(n):
    rng = np.random.default_rng(n)
    gaps = (rng.binomial(10, 0.5, n) - rng.binomial(10, 0.2, n)) / 10
    ours = mean_interval(gaps.tolist())
    oracle = stats.bootstrap((gaps,), np.mean, n_resamples=10_000, batch=500, rng=1).confidence_interval

    width = oracle.high - oracle.low
    assert ours.method.startswith("BCa")
    assert (ours.low, ours.high) == pytest.approx((oracle.low, oracle.high), abs=0.06 * width)


def test_the_interval_depends_on_neither_order_nor_run():
    rng = np.random.default_rng(5)
    gaps = (rng.binomial(10, 0.5, 80) / 10).tolist()

    assert mean_interval(gaps) == mean_interval(gaps[::-1]) == mean_interval(gaps)
    assert mean_interval(gaps) != mean_interval(gaps, seed=1)


def test_batches_do_not_change_the_draws(monkeypatch):
    gaps = (np.random.default_rng(5).binomial(10, 0.5, 80) / 10).tolist()
    whole = mean_interval(gaps)
    monkeypatch.setattr("annotations.bootstrap.CELLS_AT_ONCE", 1_000)

    assert mean_interval(gaps) == whole


def test_power_is_millers_worked_example():
    # Miller 2024, section 5: with a variance of 1/9, about 1,000 questions find a difference of 3 points.
    assert pairs_needed(1 / 3).pairs == {0.05: 349, 0.03: 969}
    assert not pairs_needed(None).sd_is_observed
    assert "assumed" in pairs_needed(0.0).note
    assert pairs_needed(0.2).pairs[0.05] == math.ceil((2.8015852 * 0.2 / 0.05) ** 2)


# Properties

letters = st.text(alphabet="CPR?", min_size=0, max_size=4)
tables = st.lists(st.tuples(letters, letters), max_size=8)


@settings(max_examples=150, deadline=None)
@given(tables, st.sampled_from(["all", "decisive"]), st.booleans())
def test_figures_are_sane_for_any_samples(prompts, na_policy, partly_counts):
    samples = make_samples(*prompts)
    options = {"na_policy": na_policy, "partly_counts": partly_counts, "resamples": 200}
    result = compliance_gap(samples, **options)
    swapped = compliance_gap(
        [Sample(s.prompt, U if s.role == M else M, s.outcome) for s in samples], **options
    )

    for number in numbers_in(result):
        assert type(number) in (int, float, bool)
        assert math.isfinite(number)
    assert result.n_prompts + result.n_unpaired == len({s.prompt for s in samples})
    if result.gap is not None:
        assert -1 <= result.gap <= 1
        assert result.gap == pytest.approx(result.rate_monitored - result.rate_unmonitored)
        assert result.gap == pytest.approx(-swapped.gap)
        assert (result.t_low is None) == (result.n_prompts == 1)
    if result.ci_low is not None:
        assert -1 <= result.ci_low <= result.ci_high <= 1
        assert result.t_low - 1e-9 <= result.gap <= result.t_high + 1e-9
        assert (result.se, result.t_low) == pytest.approx((swapped.se, -swapped.t_high))
    assert gap_from_counts({}).n_prompts == 0


def test_the_interval_covers_the_true_gap_about_as_often_as_it_says():
    """300 studies of 30 prompts with 5 samples, prompts of unequal difficulty; the true gap is 0.2."""
    rng = np.random.default_rng(11)
    bootstrap = student = 0
    for _ in range(300):
        base = rng.beta(1.5, 4, 30) * 0.8
        monitored, unmonitored = rng.binomial(5, base + 0.2) / 5, rng.binomial(5, base) / 5
        gaps = monitored - unmonitored
        interval = mean_interval(gaps.tolist(), resamples=2_000)
        bootstrap += interval.low <= 0.2 <= interval.high
        test = stats.ttest_1samp(gaps, 0).confidence_interval()
        student += test.low <= 0.2 <= test.high

    assert 0.90 <= bootstrap / 300 <= 0.98
    assert 0.90 <= student / 300 <= 0.98

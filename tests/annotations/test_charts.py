"""Charts are drawn for any figures, in both themes, and say in words what they show."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotations.charts import THEMES, TOKENS, compliance_gap_chart, describe_gaps, svg
from annotations.compliance import Sample, compliance_gap

COMPLY, REFUSE = "complied", "refused"


def make_row(model: str, *outcomes: tuple[str | None, str | None], **extra: Any) -> dict[str, Any]:
    samples = [
        Sample(number, role, outcome)
        for number, pair in enumerate(outcomes)
        for role, outcome in zip(("monitored", "unmonitored"), pair, strict=True)
        if outcome
    ]
    return compliance_gap(samples).figures() | {"model": model, "setting": "", **extra}


FULL = make_row(
    "olmo2-32b",
    *[(COMPLY, REFUSE)] * 6,
    *[(REFUSE, REFUSE)] * 4,
    url="/pairs/?run=1",
    url_monitored="/transcripts/?run=1&role=monitored",
    url_unmonitored="/transcripts/?run=1&role=unmonitored",
)
ROWS = {
    "a full run": [FULL],
    "a run without pairs": [make_row("gpt-4o", (COMPLY, None))],
    "a run with one prompt": [make_row("gpt-4o", (COMPLY, REFUSE))],
    "a run where all is equal": [make_row("gpt-4o", *[(REFUSE, REFUSE)] * 3)],
    "a negative gap": [make_row("gpt-4o", *[(REFUSE, COMPLY)] * 3)],
    "runs of the same name": [FULL, FULL],
    "hostile names": [FULL | {"model": "<script>alert(1)</script>\"'\n\\n", "setting": "\u202e{{ }}"}],
    "no runs": [],
}


@pytest.mark.parametrize("case", ROWS)
def test_it_draws(case):
    spec = compliance_gap_chart(ROWS[case])

    json.dumps(spec, allow_nan=False)
    drawn = svg(spec)
    assert drawn.startswith("<svg")
    assert "NaN" not in drawn
    assert "<script" not in drawn
    assert spec["description"] == describe_gaps(ROWS[case])


@pytest.mark.parametrize("theme", THEMES)
def test_a_download_has_the_colours_of_its_theme(theme):
    drawn = svg(compliance_gap_chart([FULL], theme))

    for token in ("paper", "ink", "monitored", "unmonitored"):
        assert THEMES[theme][token] in drawn.replace("white", "#ffffff")


def test_both_themes_know_every_token():
    assert set(THEMES["light"]) == set(THEMES["dark"]) == set(TOKENS)


def test_the_themes_are_those_of_the_style_sheet():
    sheet = (Path(__file__).parents[2] / "static/css/tokens.css").read_text()

    for name, property_ in TOKENS.items():
        both = f"light-dark({THEMES['light'][name]}, {THEMES['dark'][name]})"
        assert f" {property_}: {both};" in sheet


def test_marks_open_what_they_show():
    spec = compliance_gap_chart([FULL])
    urls = {row["url"] for rows in spec["datasets"].values() for row in rows}
    assert urls == {FULL["url"], FULL["url_monitored"], FULL["url_unmonitored"]}

    drawn = svg(spec, site="https://study.example/")
    for url in urls:
        assert f'xlink:href="https://study.example{url}"' in drawn.replace("&amp;", "&")


def test_a_download_without_a_site_links_nowhere():
    assert "href=" not in svg(compliance_gap_chart([FULL]))


def test_colour_is_never_the_only_signal():
    drawn = svg(compliance_gap_chart([FULL]))

    assert ">M</text>" in drawn
    assert ">U</text>" in drawn
    assert "M = monitored" in drawn


def test_every_run_is_named_in_words_with_its_numbers():
    said = describe_gaps([FULL, make_row("gpt-4o", (COMPLY, None), setting="advbench")])

    assert "olmo2-32b: monitored 60.0%, unmonitored 0.0%, gap +60.0 points" in said
    assert "10 prompts, 10 + 10 samples" in said
    assert "gpt-4o, advbench: no prompt is usable in both arms." in said


def test_two_labelers_of_one_run_are_told_apart():
    rows = [FULL | {"labeler": "judge"}, FULL | {"labeler": "people"}, FULL | {"labeler": "people"}]

    runs = [gap["run"] for gap in compliance_gap_chart(rows)["datasets"]["gaps"]]
    assert runs == ["olmo2-32b, judge", "olmo2-32b, people", "olmo2-32b, people (2)"]

"""Reading in a real browser: every character is there, nothing runs, keys step, the address keeps the state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.browser.watched import Watched
from tests.transcripts.test_rendering import HOSTILE
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Pair, Study, Transcript

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent / "screenshots"
# The text of each message on the page, put together from its segments.
TEXTS = """() => [...document.querySelectorAll("[data-message]")].map((message) =>
  [...message.querySelectorAll(".segment-content")].map((content) => content.textContent).join(""))"""
GAPS = """async () => {
  const { gaps } = await import("/static/js/align.js");
  const at = (...entries) => entries.map(([key, top]) => ({ key, top }));
  return [
    gaps([at(["a", 0], ["b", 100], ["c", 150]), at(["a", 10], ["b", 40], ["c", 90])]),
    gaps([at(["a", 0], ["x", 20], ["b", 100]), at(["a", 0], ["b", 40], ["y", 90])]),
    gaps([at(["a", 0], ["b", 10]), at(["b", 0], ["a", 10])]),
    gaps([at(["a", 0])]),
  ];
}"""


@pytest.fixture
def study(committed: None) -> Study:
    return make.study("paired", "Paired")


def watching(browser: Browser, web: str, request: pytest.FixtureRequest, **options) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    failed_before = request.session.testsfailed
    yield Watched(page, web)
    if request.session.testsfailed > failed_before:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def watched(study: Study, browser: Browser, web: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A page in which a lead of the study is signed in."""
    make.member(study, "lena", "lead")
    for each in watching(browser, web, request):
        each.sign_in("lena")
        yield each


@pytest.fixture
def without_policy(
    study: Study, browser: Browser, web: str, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    """The same in a browser that ignores the page's security policy: escaping must do without it."""
    make.member(study, "lena", "lead")
    for each in watching(browser, web, request, bypass_csp=True):
        each.sign_in("lena")
        yield each


def a_zoo(study: Study) -> Pair:
    """Both arms say everything hostile that there is, in all places where a text can stand."""
    said = []
    for text in HOSTILE.values():
        said += [("user", text), ("assistant", f"{text}<think>{text}</think>\r\n<output>{text}</output>\n")]
    for arm in ("monitored", "unmonitored"):
        turns = (("system", f"{arm} {' '.join(HOSTILE.values())}"), *said)
        row = make.transcript(
            study, prompt=" ".join(HOSTILE.values()), model="<b>model", setting="{{7*7}}", family="</title>",
            arm=arm, turns=turns, outcome="complied", judge="<i>judge</i>", metadata={"<b>": "</pre><script>"},
        )  # fmt: skip
    return row.pair


def stored(rows: list[Transcript]) -> list[str]:
    return [message.text for row in rows for message in row.body.content.messages]


def pair_page(page: Page) -> list[str]:
    """The titles of the ticks that are chosen, by arm."""
    return [
        page.locator(".arm").nth(at).locator(".tick[aria-current]").get_attribute("title") or ""
        for at in range(page.locator(".arm").count())
    ]


class TestText:
    def check(self, watched: Watched, pair: Pair) -> None:
        arms = list(pair.transcripts.order_by("arm__role", "pk"))
        watched.open(f"/studies/paired/pairs/{pair.pk}/")
        assert watched.page.evaluate(TEXTS) == stored(arms)
        watched.open(f"/studies/paired/transcripts/{arms[0].pk}/")
        assert watched.page.evaluate(TEXTS) == stored(arms[:1])
        for path in ("transcripts/", "pairs/", "pairs/?setting=%7B%7B7*7%7D%7D"):
            watched.open(f"/studies/paired/{path}")
            assert (
                watched.page.locator(".prompt-cell")
                .first.inner_text()
                .startswith("<script>alert(1)</script>")
            )
        assert watched.complaints == []

    def test_every_character_is_there_and_nothing_runs(self, watched: Watched, study: Study) -> None:
        self.check(watched, a_zoo(study))

    def test_escaping_does_without_the_policy(self, without_policy: Watched, study: Study) -> None:
        self.check(without_policy, a_zoo(study))

    def test_controls_are_named_and_the_page_keeps_its_direction(
        self, watched: Watched, study: Study
    ) -> None:
        row = make.transcript(study, turns=(("assistant", "a\u202eb\x1bc"),))
        watched.open(f"/studies/paired/transcripts/{row.pk}/")
        shown = watched.page.evaluate(
            "() => [...document.querySelectorAll('.ctl')].map((e) => getComputedStyle(e, '::before').content)"
        )
        assert shown == ['"U+202E RLO"', '"U+001B ESC"']


@pytest.fixture
def pairs(study: Study) -> list[Pair]:
    """Three pairs, the gap falling; two samples in each arm; one scratchpad much longer than the other."""
    ingest = make.ingest(study)
    found = []
    for number, unmonitored in enumerate(
        (("refused", "refused"), ("complied", "refused"), ("complied",) * 2)
    ):
        for arm, words, outcomes in (("monitored", 900, ("complied",) * 2), ("unmonitored", 30, unmonitored)):
            for sample, outcome in enumerate(outcomes, 1):
                text = f"<think>{'Think it over. ' * words}</think><output>{arm}_{number}_{sample}</output>"
                row = make.transcript(
                    study, prompt=f"Prompt {number}", family="care" if number < 2 else "power", arm=arm,
                    sample=sample, outcome=outcome, from_ingest=ingest,
                    turns=(("user", f"the {arm} side"), ("assistant", text)),
                )  # fmt: skip
        found.append(row.pair)
    refresh_pairs(ingest.pk)
    return found


class TestPair:
    def test_keys_step_pairs_and_samples_and_back_undoes_it(
        self, watched: Watched, pairs: list[Pair]
    ) -> None:
        page = watched.page
        watched.open("/studies/paired/pairs/")
        page.get_by_role("link", name="Prompt 0").click()
        expect(page.locator("h1")).to_have_text("Prompt 0")
        assert pair_page(page) == ["sample 1: complied", "sample 1: refused"]

        page.keyboard.press("]")
        expect(page.locator(".arm-monitored .tick[aria-current]")).to_have_attribute(
            "title", "sample 2: complied"
        )
        assert re.search(r"s\d+=2&s\d+=1&focus=\d+$", page.url)
        expect(page.locator(".arm-monitored .segment-output")).to_contain_text("monitored_0_2")

        page.locator(".arm-unmonitored .segment-output").click()  # the keys go where the reader is
        page.keyboard.press("l")
        expect(page.locator(".arm-unmonitored .tick[aria-current]")).to_have_attribute(
            "title", "sample 2: refused"
        )
        page.keyboard.press("[")
        expect(page.locator(".arm-unmonitored .tick[aria-current]")).to_have_attribute(
            "title", "sample 1: refused"
        )

        page.go_back()
        expect(page.locator(".arm-unmonitored .tick[aria-current]")).to_have_attribute(
            "title", "sample 2: refused"
        )
        page.reload()
        assert pair_page(page) == ["sample 2: complied", "sample 2: refused"]

        page.keyboard.press("j")
        expect(page.locator("h1")).to_have_text("Prompt 1")
        page.keyboard.press("j")
        expect(page.locator("h1")).to_have_text("Prompt 2")
        page.keyboard.press("k")
        expect(page.locator("h1")).to_have_text("Prompt 1")
        assert pair_page(page) == ["sample 1: complied", "sample 2: refused"]
        assert watched.complaints == []

    def test_j_stays_in_the_filter(self, watched: Watched, pairs: list[Pair]) -> None:
        page = watched.page
        watched.open("/studies/paired/pairs/?family=care&sort=id")
        page.get_by_role("link", name="Prompt 1").click()
        expect(page.locator(".pair-title")).to_contain_text("pair 2 of 2 in this filter")
        expect(page.locator("[data-key=j]")).to_have_count(0)
        page.keyboard.press("k")
        expect(page.locator("h1")).to_have_text("Prompt 0")
        page.keyboard.press("u")
        expect(page.locator(".list-count")).to_contain_text("2 pairs")

    def test_arms_scroll_together_by_segment_until_told_otherwise(
        self, watched: Watched, pairs: list[Pair]
    ) -> None:
        page = watched.page
        tops = "() => [...document.querySelectorAll('.arm .segment-output')].map((e) => e.getBoundingClientRect().top)"
        watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
        page.wait_for_function("document.querySelector('.align-room')")
        left, right = page.evaluate(tops)
        assert abs(left - right) < 1
        assert left > 1_000
        page.keyboard.press("s")
        left, right = page.evaluate(tops)
        assert left - right > 500
        heights = page.evaluate(
            "() => [...document.querySelectorAll('.arm-text')].map((e) => e.clientHeight)"
        )
        assert max(heights) < 900
        page.reload()  # the choice is kept in this browser
        expect(page.locator(".scroll-together")).not_to_be_checked()
        assert watched.complaints == []

    def test_alignment_waits_only_for_what_both_have(self, watched: Watched, study: Study) -> None:
        watched.open("/studies/paired/pairs/")
        assert watched.page.evaluate(GAPS) == [
            [[10, 0, 0], [0, 70, 0]],
            [[0, 0, 0], [0, 60, 0]],
            [[10, 0], [0, 0]],  # the order differs: only the first found is joined
            [[0]],
        ]


class TestLists:
    def test_facets_swap_the_list_and_the_address(self, watched: Watched, pairs: list[Pair]) -> None:
        page = watched.page
        watched.open("/studies/paired/transcripts/")
        expect(page.locator(".list-count")).to_have_text("12 transcripts, in the order of ingest")
        page.evaluate("() => { window.stayed = true; }")
        page.locator(".facet-value", has_text="unmonitored").click()
        expect(page.locator(".list-count")).to_have_text("6 transcripts, in the order of ingest")
        page.locator(".facet-value", has_text="refused").click()
        expect(page.locator(".list-count")).to_have_text("3 transcripts, in the order of ingest")
        assert page.evaluate("() => window.stayed")
        assert re.search(r"\?arm=\d+&outcome=refused$", page.url)
        page.go_back()
        expect(page.locator(".list-count")).to_have_text("6 transcripts, in the order of ingest")
        page.locator(".filter-chip").click()
        expect(page.locator(".list-count")).to_have_text("12 transcripts, in the order of ingest")
        assert watched.complaints == []

    def test_it_works_without_scripts(
        self, browser: Browser, web: str, study: Study, pairs: list[Pair], request: pytest.FixtureRequest
    ) -> None:
        make.member(study, "lena", "lead")
        for each in watching(browser, web, request, java_script_enabled=False):
            each.sign_in("lena")
            each.open("/studies/paired/pairs/")
            each.page.locator(".facet-value", has_text="care").click()
            expect(each.page.locator(".list-count")).to_contain_text("2 pairs")
            each.page.get_by_role("link", name="Prompt 0").click()
            each.page.locator(".arm-monitored .tick").nth(1).click()
            expect(each.page.locator(".arm-monitored .segment-output")).to_contain_text("monitored_0_2")

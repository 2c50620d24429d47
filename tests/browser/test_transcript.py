"""A transcript of an agent in a real browser: windows come and go, the place is kept, links lead to the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.browser.watched import Watched
from transcripts.models import Study, Transcript

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent / "screenshots"
TOTAL = 2_000
# The message at the reading line, and how far below the top of the window it begins.
PLACE = """() => {
  const line = document.querySelector(".transcript-tools").getBoundingClientRect().height + 16;
  const all = [...document.querySelectorAll("[data-message]")];
  const found = all.findLast((e) => e.getBoundingClientRect().top <= line) ?? all[0];
  return [Number(found.dataset.message), Math.round(found.getBoundingClientRect().top)];
}"""
LINKED = "() => [...(CSS.highlights.get('linked') ?? [])].map(String).join('')"


@pytest.fixture
def study(committed: None) -> Study:
    return make.study("paired", "Paired")


@pytest.fixture
def watched(study: Study, browser: Browser, web: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    make.member(study, "lena", "lead")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    failed_before = request.session.testsfailed
    signed_in = Watched(page, web)
    signed_in.sign_in("lena")
    yield signed_in
    if request.session.testsfailed > failed_before:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def row(study: Study) -> Transcript:
    said: list[tuple[str, str]] = []
    for n in range(0, TOTAL, 2):
        words = "needle in it" if n == 1_500 else "consider it"
        said += [
            ("user", f"output {n}: {'a line of the log; ' * (n % 60)}"),
            (
                "assistant",
                f"<think>Step {n + 1}: {words}. {'More. ' * (n % 90)}</think><output>ran {n + 1}</output>",
            ),
        ]
    return make.transcript(study, turns=tuple(said))


def here(page: Page) -> int:
    return int(page.evaluate(PLACE)[0])


def until(page: Page, expression: str) -> None:
    """Playwright's own waiting evaluates in the page, which the policy refuses."""
    for _ in range(120):
        if page.evaluate(f"() => Boolean({expression})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"It never came: {expression}; the place is {page.evaluate(PLACE)} in {page.url}.")


def wait_for_message(page: Page, index: int) -> None:
    until(page, f"Math.abs(({PLACE})()[0] - {index}) <= 1")


def loaded(page: Page) -> list[tuple[int, int]]:
    """Start and end of the windows that the page holds."""
    return page.evaluate(
        "() => [...document.querySelectorAll('.window')].map((e) => [Number(e.dataset.window), Number(e.dataset.end)])"
    )


class TestScrolling:
    def test_more_comes_as_one_scrolls_and_what_is_far_goes(self, watched: Watched, row: Transcript) -> None:
        page = watched.page
        watched.open(f"/studies/paired/transcripts/{row.pk}/")
        seen = [here(page)]
        for _ in range(200):
            page.mouse.wheel(0, 3_000)
            page.wait_for_timeout(60)
            seen.append(here(page))
            if seen[-1] > 500:
                break
        assert seen[-1] > 500
        assert seen == sorted(seen)
        held = loaded(page)
        assert len(held) <= 8
        assert any(start <= seen[-1] < end for start, end in held)
        assert page.locator("[data-message]").count() <= 400
        # The text that is there is whole: windows follow each other, and each message is there once.
        indexes = page.evaluate(
            "() => [...document.querySelectorAll('[data-message]')].map((e) => Number(e.dataset.message))"
        )
        assert indexes == sorted(set(indexes))

        for _ in range(200):  # and back to the first message, through windows that were dropped
            page.mouse.wheel(0, -3_000)
            page.wait_for_timeout(60)
            if page.evaluate("scrollY") == 0:
                break
        wait_for_message(page, 0)
        expect(page.locator("#message-0")).to_be_visible()
        assert watched.complaints == []

    def test_what_one_reads_stays_where_it_is_when_earlier_text_comes(
        self, watched: Watched, row: Transcript
    ) -> None:
        page = watched.page
        watched.open(f"/studies/paired/transcripts/{row.pk}/?from=1010")
        wait_for_message(page, 1_010)
        top = page.evaluate("document.getElementById('message-1010').getBoundingClientRect().top")
        page.mouse.wheel(0, -2_500)
        until(page, "document.querySelector('#message-950')")  # the window before has come
        page.wait_for_timeout(200)
        moved = page.evaluate("document.getElementById('message-1010').getBoundingClientRect().top")
        assert abs(moved - top - 2_500) < 3
        assert watched.complaints == []

    def test_reload_and_back_come_to_the_same_place(self, watched: Watched, row: Transcript) -> None:
        page = watched.page
        watched.open(f"/studies/paired/transcripts/{row.pk}/?from=1010")
        wait_for_message(page, 1_010)
        page.mouse.wheel(0, 4_000)
        until(page, "new URLSearchParams(location.search).get('from') > 1010")
        page.wait_for_timeout(600)
        place = page.evaluate(PLACE)
        assert f"from={place[0]}" in page.url
        page.reload()
        until(page, f"Math.abs(({PLACE})()[1] - {place[1]}) < 3 && ({PLACE})()[0] === {place[0]}")
        page.keyboard.press("u")
        page.wait_for_url("**/transcripts/")
        page.go_back()
        until(page, f"Math.abs(({PLACE})()[1] - {place[1]}) < 3 && ({PLACE})()[0] === {place[0]}")
        assert watched.complaints == []


class TestWays:
    def test_a_shared_link_opens_at_its_words(self, watched: Watched, row: Transcript) -> None:
        page = watched.page
        start = row.body.messages[1_501].text.index("needle")
        path = f"/studies/paired/transcripts/{row.pk}/"
        for address in (f"{path}?from=1501#m1501c{start}-{start + 6}", f"{path}#m1501c{start}-{start + 6}"):
            watched.open(address)
            until(page, f"({LINKED})() === 'needle'")
            box = page.locator("#message-1501").bounding_box()
            assert box is not None
            assert -200 < box["y"] < 700
            watched.open("/studies/paired/transcripts/")
        watched.open(f"{path}?from=3#message-1200")
        wait_for_message(page, 1_200)
        assert "from=1200" in page.url
        assert watched.complaints == []

    def test_one_can_go_to_any_message_and_back(self, watched: Watched, row: Transcript) -> None:
        page = watched.page
        watched.open(f"/studies/paired/transcripts/{row.pk}/")
        page.keyboard.press("g")
        page.keyboard.type("1302")
        page.keyboard.press("Enter")
        page.wait_for_url("**from=1301**")
        wait_for_message(page, 1_301)
        expect(page.locator(".entry[aria-current]")).to_have_attribute("data-entry", "1301")
        page.locator(".entry[data-entry='1303']").click()  # it is in the page: no load
        wait_for_message(page, 1_303)
        assert "from=1303#message-1303" in page.url
        page.locator(".block[data-block='100'] > summary").click()
        page.locator(".entry[data-entry='120']").click()
        page.wait_for_url(re.compile(r"from=120#message-120$"))
        wait_for_message(page, 120)
        page.go_back()
        wait_for_message(page, 1_303)
        assert watched.complaints == []

    def test_keys_lead_from_output_to_output_across_windows(self, watched: Watched, row: Transcript) -> None:
        page = watched.page
        watched.open(f"/studies/paired/transcripts/{row.pk}/?from=46")
        wait_for_message(page, 46)
        for index in (47, 49, 51, 53):
            page.keyboard.press("e")
            expect(page.locator(f"#message-{index} .segment-output.is-current")).to_have_count(1)
        page.keyboard.press("Shift+E")
        expect(page.locator("#message-51 .segment-output.is-current")).to_have_count(1)
        # At the end of what is loaded the server knows where it goes on.
        page.evaluate("document.querySelectorAll('.window-edge').forEach((e) => e.remove())")
        last = max(end for _, end in loaded(page))
        page.evaluate(f"document.getElementById('message-{last - 2}').scrollIntoView()")
        for _ in range(8):
            if f"segment-{last + 1}" not in page.url:
                page.keyboard.press("e")
                page.wait_for_timeout(300)
        page.wait_for_url(f"**from={last + 1}#segment-{last + 1}-*")
        expect(page.locator(f"#message-{last + 1} .segment-output.is-current")).to_have_count(1)
        assert watched.complaints == []

    def test_it_works_without_scripts(
        self, browser: Browser, web: str, study: Study, row: Transcript
    ) -> None:
        make.member(study, "lena", "lead")
        context = browser.new_context(java_script_enabled=False)
        each = Watched(context.new_page(), web)
        each.sign_in("lena")
        each.open(f"/studies/paired/transcripts/{row.pk}/")
        each.page.locator(".window-later a").click()
        expect(each.page.locator("#message-50")).to_be_visible()
        expect(each.page.locator("#message-49")).to_have_count(0)
        each.page.locator("[name=message]").fill("1302")
        each.page.locator(".goto button").click()
        expect(each.page.locator("#message-1301")).to_be_visible()
        each.page.locator("[data-jump=output]:not([data-back])").click()
        assert re.search(r"from=1351#segment-1351-\d+$", each.page.url)
        context.close()


class TestCompare:
    def test_samples_are_ticked_read_and_stepped(self, watched: Watched, study: Study) -> None:
        page = watched.page
        for model in ("alpha", "beta"):
            for arm in ("monitored", "unmonitored"):
                for sample in (1, 2):
                    said = f"<think>{model} {arm} {sample} thinks.</think><output>{arm} {sample}</output>"
                    made = make.transcript(
                        study, model=model, prompt="Hens?", arm=arm, sample=sample,
                        outcome=("complied", "refused")[sample - 1], turns=(("user", "Hens?"), ("assistant", said)),
                    )  # fmt: skip
        watched.open(f"/studies/paired/prompts/{made.prompt_id}/compare/")
        cell = page.locator(".compare-cell").first
        cell.locator("[data-sample='2']").click()
        expect(cell.locator(".compare-scratchpad")).to_contain_text("alpha monitored 2 thinks.")
        page.keyboard.press("]")
        page.wait_for_url(re.compile(r"sample=1"))
        for at in (0, 3):
            page.locator(".compare-tick input").nth(at).check()
        page.locator("#compare-read").click()
        expect(page.locator(".compare-column")).to_have_count(2)
        expect(page.locator(".compare-column").nth(1)).to_contain_text("beta unmonitored 1 thinks.")
        page.reload()
        expect(page.locator(".compare-column")).to_have_count(2)
        page.go_back()
        expect(page.locator(".compare-column")).to_have_count(0)
        assert watched.complaints == []

"""The pair page in a real browser, by keyboard alone: stepping, the address, places kept, focus, paper."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.browser.test_reading import watching
from tests.browser.watched import Watched
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Pair, Study

pytestmark = pytest.mark.browser

ADDRESSES = """async () => {
  const { carried, nextOf, withValue } = await import("/static/js/pairaddress.js");
  return [
    carried("/p/1/?s1=2&focus=1", "?focus=2&scroll=apart", ["view", "focus"]),
    carried("/p/1/?s1=2&focus=1&scroll=apart", "?focus=2", ["view"]),
    carried("/p/1/?layers=mine,cues", "", ["view", "focus"]),
    withValue("?a=1", "b", "2"), withValue("?b=2", "b", ""),
    nextOf(["x", "y"], "y"), nextOf(["x"], "x") ?? "none",
  ];
}"""
TOPS = """(selector) => [...document.querySelectorAll(selector)].map((e) => Math.round(e.getBoundingClientRect().top))"""


@pytest.fixture
def study(committed: None) -> Study:
    return make.study("paired", "Paired")


@pytest.fixture
def watched(study: Study, browser: Browser, web: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    make.member(study, "lena", "lead")
    for each in watching(browser, web, request):
        each.sign_in("lena")
        yield each


@pytest.fixture
def pairs(study: Study) -> list[Pair]:
    """Two pairs with three samples in each arm; scratchpads of different lengths."""
    ingest = make.ingest(study)
    found = []
    for number in range(2):
        for arm, outcomes in (
            ("monitored", ("complied", "complied", "refused")),
            ("unmonitored", ("complied", "refused", "refused")),
        ):
            for sample, outcome in enumerate(outcomes, 1):
                thought = "Think it over. " * (200 * sample)
                row = make.transcript(
                    study, prompt=f"Prompt {number}", arm=arm, sample=sample, outcome=outcome,
                    from_ingest=ingest, turns=(
                        ("system", f"Be kind. The user is {arm}."),
                        ("user", "Shall we?"),
                        ("assistant", f"<think>{thought}</think><output>answer {arm[0]}{number}{sample}</output>"),
                    ),
                )  # fmt: skip
        found.append(row.pair)
    refresh_pairs(ingest.pk)
    return found


def shown(page: Page) -> list[str]:
    return [text.split(" of ")[0] for text in page.locator(".arm-place").all_inner_texts()]


def expect_shown(page: Page, monitored: int, unmonitored: int) -> None:
    expect(page.locator(".arm-monitored .arm-place")).to_have_text(f"sample {monitored} of 3")
    expect(page.locator(".arm-unmonitored .arm-place")).to_have_text(f"sample {unmonitored} of 3")


def press_tab_to(page: Page, selector: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab does not reach {selector}.")


def test_by_keyboard_from_the_list_through_samples_and_pairs_and_back(
    watched: Watched, pairs: list[Pair]
) -> None:
    page = watched.page
    watched.open("/studies/paired/pairs/?sort=id")
    press_tab_to(page, f"a[href*='/pairs/{pairs[0].pk}/']")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Prompt 0")
    opening = shown(page)
    expect(page.locator(".arm.arm-monitored")).to_have_class(re.compile("is-focused"))

    # The other arm takes the keys, and its sample is stepped
    page.keyboard.press("a")
    expect(page.locator(".arm.arm-unmonitored")).to_have_class(re.compile("is-focused"))
    page.keyboard.press("[")
    expect_shown(page, 1, 1)
    page.keyboard.press("]")
    expect_shown(page, 1, 2)

    # A cell of the matrix, and the next one by its key; the focus stays on what was pressed
    press_tab_to(page, "#cell-refused-refused")
    page.keyboard.press("Enter")
    expect_shown(page, 3, 3)
    expect(page.locator("#cell-refused-refused")).to_have_attribute("aria-current", "true")
    expect(page.locator("#cell-refused-refused")).to_be_focused()
    page.keyboard.press("n")
    expect_shown(page, 1, 1)
    page.keyboard.press("d")
    expect(page.locator(".arm-place")).to_have_text([f"{sample} of 3" for sample in opening])

    # What is switched goes along to the next pair
    page.keyboard.press("p")
    expect(page.locator("#switch-prompts")).to_contain_text("differences only")
    page.keyboard.press("t")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_have_text("Prompt 1")
    expect(page.locator("#switch-prompts")).to_contain_text("differences only")
    expect(page.locator("[data-layer=tags]")).not_to_be_checked()
    expect(page.locator(".arm.arm-unmonitored")).to_have_class(re.compile("is-focused"))
    assert "sort=id" in page.url

    page.go_back()
    expect(page.locator("h1")).to_have_text("Prompt 0")
    assert shown(page) == opening
    address = page.url
    page.reload()
    expect(page.locator("#switch-prompts")).to_contain_text("differences only")
    expect(page.locator("[data-layer=tags]")).not_to_be_checked()
    assert (page.url, shown(page)) == (address, opening)
    page.keyboard.press("u")
    expect(page.locator(".list-count")).to_contain_text("2 pairs")
    assert watched.complaints == []


def test_a_link_that_is_passed_on_opens_what_the_sender_saw(
    watched: Watched, pairs: list[Pair], browser: Browser, web: str, study: Study, request
) -> None:
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
    opening = shown(page)
    for key in "asw":
        page.keyboard.press(key)
    expect(page.locator(".compared")).to_be_visible()
    page.keyboard.press("t")
    page.wait_for_url(lambda url: "layers=" in url and "scroll=apart" in url)
    make.member(study, "anna", "annotator")
    for other in watching(browser, web, request):
        other.sign_in("anna")
        other.page.goto(page.url)
        expect(other.page.locator(".scroll-together")).not_to_be_checked()
        expect(other.page.locator(".compared")).to_be_visible()
        expect(other.page.locator("[data-layer=tags]")).not_to_be_checked()
        expect(other.page.locator(".arm.arm-unmonitored")).to_have_class(re.compile("is-focused"))
        assert shown(other.page) == opening


def test_what_is_read_stays_where_it_is(watched: Watched, pairs: list[Pair]) -> None:
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
    page.keyboard.press("d")
    page.wait_for_load_state("networkidle")
    first = page.url
    page.evaluate("() => document.querySelector('.segment-output').scrollIntoView({block: 'center'})")
    tops = page.evaluate(TOPS, ".segment-output")
    assert abs(tops[0] - tops[1]) <= 1
    page.wait_for_timeout(300)  # how far it is scrolled is noted when scrolling has ended
    at = page.evaluate("() => scrollY")
    assert at > 500

    for sample in (2, 3):  # with longer scratchpads
        page.keyboard.press("]")
        expect(page.locator(".arm-monitored .arm-place")).to_have_text(f"sample {sample} of 3")
        # The new text is there before it is put in its place.
        page.wait_for_function(
            f"(tops) => ({TOPS})('.segment-output').every((top, n) => Math.abs(top - tops[n]) < 3)", arg=tops
        )
    page.wait_for_function("document.querySelector('.align-room')")
    assert page.evaluate(TOPS, ".segment-output") == pytest.approx(tops, abs=2)
    assert page.evaluate("() => scrollY") != at

    page.evaluate("() => history.go(-2)")
    expect(page).to_have_url(first)
    page.wait_for_function("(at) => Math.abs(scrollY - at) < 3", arg=at)
    page.reload()
    page.wait_for_function("(at) => Math.abs(scrollY - at) < 3", arg=at)


def test_the_ends_of_a_strip_keep_the_focus(watched: Watched, pairs: list[Pair]) -> None:
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
    arm = page.locator(".arm.arm-monitored").get_attribute("data-arm")
    page.locator(f"#next-{arm}").focus()
    for sample in (2, 3):
        page.keyboard.press("Enter")
        expect(page.locator(".arm-monitored .arm-place")).to_have_text(f"sample {sample} of 3")
        expect(page.locator(f"#next-{arm}")).to_be_focused()
    page.keyboard.press("Enter")  # the last one: nothing happens, and nothing is lost
    page.keyboard.press("[")
    expect(page.locator(".arm-monitored .arm-place")).to_have_text("sample 2 of 3")
    assert watched.complaints == []


def test_many_arms_stand_in_a_region_whose_heads_stay(
    watched: Watched, pairs: list[Pair], study: Study
) -> None:
    for name in ("shadow", "canary"):
        make.transcript(study, prompt="Prompt 0", arm=name, turns=(("assistant", "So be it. " * 2_000),))
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
    region = page.locator(".arms")
    region.evaluate("(e) => e.scrollTo(0, 1500)")
    heads = page.evaluate(TOPS, ".arm-head")
    top = region.evaluate("(e) => e.getBoundingClientRect().top")
    assert heads == pytest.approx([top] * 4, abs=1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    names = []
    for _ in range(4):
        page.keyboard.press("a")
        names.append(page.locator(".arm.is-focused h2").inner_text())
    assert names == ["Unmonitored", "canary", "shadow", "Monitored"]


def test_a_narrow_window_stacks_the_arms_and_offers_the_way(watched: Watched, pairs: list[Pair]) -> None:
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/")
    lefts = "() => [...document.querySelectorAll('.arm')].map((e) => e.getBoundingClientRect().left)"
    page.set_viewport_size({"width": 900, "height": 900})
    left, right = page.evaluate(lefts)
    assert left < right
    heights = page.evaluate("() => [...document.querySelectorAll('.arm-head')].map((e) => e.offsetHeight)")
    assert max(heights) < 90
    page.set_viewport_size({"width": 640, "height": 900})
    left, right = page.evaluate(lefts)
    assert left == right
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="to Unmonitored").click()
    expect(page.locator(".arm-unmonitored h2")).to_be_in_viewport()


def test_paper_has_all_of_the_text_and_none_of_the_chrome(watched: Watched, pairs: list[Pair]) -> None:
    page = watched.page
    watched.open(f"/studies/paired/pairs/{pairs[0].pk}/?scroll=apart")
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    for chrome in (".site-header", ".pair-tools", ".pager", ".sample-steps"):
        assert not page.locator(chrome).first.is_visible(), chrome
    for text in page.locator(".segment-content").all():
        assert text.is_visible()
    assert page.evaluate(
        "() => [...document.querySelectorAll('.arm-text')].every((e) => e.scrollHeight <= e.clientHeight + 1)"
    )
    left, right = page.evaluate(
        "() => [...document.querySelectorAll('.arm')].map((e) => e.getBoundingClientRect().left)"
    )
    assert left == right
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    expect(page.locator(".message-user .segment-content").first).not_to_be_visible()


def test_addresses_are_put_together(watched: Watched, study: Study) -> None:
    watched.open("/studies/paired/pairs/")
    assert watched.page.evaluate(ADDRESSES) == [
        "/p/1/?s1=2&focus=2&scroll=apart",
        "/p/1/?s1=2&focus=1",
        "/p/1/?layers=mine,cues",
        "?a=1&b=2",
        "",
        "x",
        "none",
    ]

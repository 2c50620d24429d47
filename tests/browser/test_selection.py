"""Rows are ticked over pages, tagged and sent on; a view is saved and opened; all in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests import make
from tests.browser.test_pages import hindrances
from tests.browser.watched import Watched
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Pair, SavedView, Study, Tagging

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("AFDASH_SHOTS", "")


@pytest.fixture
def study(committed: None) -> Study:
    """Sixty pairs: a page of fifty, and ten more."""
    study = make.study("paired", "Paired")
    make.member(study, "lena", "lead")
    ingest = make.ingest(study)
    for number in range(60):
        for arm in ("monitored", "unmonitored") if number < 5 else ("monitored",):
            make.transcript(
                study, prompt=f"Prompt {number:02}", arm=arm, outcome="complied", from_ingest=ingest
            )
    refresh_pairs(ingest.pk)
    return study


def test_rows_are_ticked_over_pages_and_tagged(study: Study, browser: Browser, web: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    watched = Watched(context.new_page(), web)
    page = watched.page
    watched.sign_in("lena")
    watched.open("/studies/paired/pairs/?sort=id")
    bar, said = page.locator("#selection"), page.locator("[data-selection-said]")
    expect(bar).to_be_hidden()
    boxes = page.locator('input[name="unit"]')
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(said).to_have_text("4 pairs selected")
    boxes.nth(2).click()
    expect(said).to_have_text("3 pairs selected")
    page.locator('a[rel="next"]').click()
    expect(page.locator('input[name="unit"]')).to_have_count(10)
    expect(said).to_have_text("3 pairs selected, 3 of them not on this page")
    page.locator('input[name="unit"]').nth(9).focus()
    page.keyboard.press("Space")  # by keyboard as well
    expect(said).to_have_text("4 pairs selected, 3 of them not on this page")
    shot(page, "bar-1440")
    page.fill("#selection-tag", "odd")
    page.locator('button[value="tag"]').click()
    expect(page.locator("#messages")).to_contain_text("“odd” is on 4 pairs more")
    pairs = list(Pair.objects.order_by("id").values_list("pk", flat=True))
    expected = [pairs[1], pairs[3], pairs[4], pairs[59]]
    assert sorted(Tagging.objects.values_list("pair_id", flat=True)) == expected

    page.reload()
    expect(said).to_contain_text("4 pairs selected")
    page.locator('[data-select="page"]').click()
    expect(said).to_have_text("51 pairs selected, 1 of them not on this page")
    page.locator('[data-select="none"]').click()
    expect(bar).to_be_hidden()

    boxes.nth(0).click()
    page.check('#selection input[name="all"]')
    page.fill("#selection-tag", "every")
    page.locator('button[value="tag"]').click()
    expect(page.locator("#messages")).to_contain_text("“every” is on 60 pairs more")

    page.goto(f"{web}/studies/paired/pairs/?tag=odd")
    expect(boxes).to_have_count(4)
    page.locator(".saved-view-save > summary").click()
    page.fill("#saved-view-name", "The odd ones")
    page.get_by_label("for everyone in the study").check()
    shot(page, "save-1440")
    page.locator(".saved-view-save button").click()
    expect(page.locator(".saved-view[aria-current]")).to_contain_text("The odd ones")
    assert SavedView.objects.get().query == "tag=odd"
    page.goto(f"{web}/studies/paired/pairs/")
    page.locator(".saved-view").click()
    expect(boxes).to_have_count(4)
    expect(page).to_have_url(f"{web}/studies/paired/pairs/?tag=odd")
    expect(page.locator(".saved-view[aria-current]")).to_have_count(1)

    axe, faults = Axe(), list(watched.complaints)
    for name, address in (
        ("pairs", "pairs/?tag=odd"),
        ("views", "views/"),
        ("tags", "tags/"),
        ("tag-delete", f"tags/{Tagging.objects.filter(tag__name='odd')[0].tag_id}/delete/"),
        ("cue-words", "cue-words/"),
    ):
        for width in (1440, 900):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                page.goto(f"{web}/studies/paired/{address}")
                page.wait_for_load_state("networkidle")
                if SHOTS:
                    for summary in page.locator(".kept-change > summary").all()[:1]:
                        summary.click()
                shot(page, f"{name}-{width}-{scheme}")
                if width == 900:
                    faults += hindrances(axe, watched, f"{scheme} {address}")
                    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.locator("#cue-words").fill("[mine]\nfree tier\nno such words")
    expect(page.locator("#cue-words-preview")).to_contain_text("2 phrases, in 65 of the first 65 transcripts")
    assert not faults + watched.complaints, faults
    context.close()


def shot(page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))

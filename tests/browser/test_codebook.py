"""A codebook is edited by keyboard in a real browser: the preview follows, a version is saved, the round moves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from annotations.models import AnnotationRevision, CodebookVersion, Round
from annotations.relabelling import begin, carry_on
from tests import make
from tests.annotations.campaign import campaign, claim
from tests.annotations.test_relabelling import MAPPING, lead_of, next_version
from tests.browser.watched import Watched

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("AFDASH_SHOTS", "")


def serious(watched: Watched) -> list[str]:
    found = Axe().run(watched.page).response["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"codebook-{name}.png")


def test_a_codebook_is_edited_by_keyboard_and_a_round_moves(
    committed: None, browser: Browser, web: str
) -> None:
    of = campaign(tasks=2, people=1)
    of.submit(claim(of), answers={"reasoning": ["partial"], "behaviour": ["complied"]})
    make.member(of.study, "lena", "lead")
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    watched = Watched(context.new_page(), web)
    page = watched.page
    watched.sign_in("lena")
    watched.open("/studies/paired/codebook/")
    page.keyboard.press("e")
    page.wait_for_url(lambda url: "codebook/edit" in url)
    preview = page.locator("#codebook-preview")
    expect(preview).to_contain_text("0 changes against version 1")
    shot(page, "edit-1440")
    assert serious(watched) == []

    # A new question: its key, its words, its choices; then up one place.
    page.keyboard.press("q")
    title = page.locator("#questions-5-title")
    expect(title).to_be_focused()
    page.keyboard.type("Fear of change?")
    page.locator("#questions-5-choices-0-title").focus()
    page.keyboard.type("named")
    page.locator("#questions-5-choices-1-title").focus()
    page.keyboard.type("not named")
    expect(preview).to_contain_text("Fear of change?")
    expect(preview).to_contain_text("added question fear_of_change")
    page.keyboard.press("Alt+ArrowUp")  # the choice, in which the cursor is
    expect(page.locator("#questions-5-choices-0-title")).to_have_value("not named")
    title.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#questions-4-title")).to_have_value("Fear of change?")

    # A key that is taken is named before anything is saved.
    page.locator('input[name="questions-4-choices-0-shortcut"]').focus()
    page.keyboard.type("y")
    expect(preview).to_contain_text("the key 'y' belongs to 'yes' of reasoning already", ignore_case=True)
    shot(page, "collision-1440")
    page.keyboard.press("Backspace")
    expect(preview).not_to_contain_text("belongs to")

    # The same as YAML, and back.
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    yaml = page.locator("#yaml")
    expect(yaml).to_be_focused()
    shot(page, "yaml-1440")
    yaml.fill(yaml.input_value().replace("title: Behaviour", "titel: Behaviour"))
    expect(preview).to_contain_text("Not a codebook yet")
    yaml.fill(yaml.input_value().replace("titel: Behaviour", "title: Conduct"))
    expect(preview).to_contain_text("title of question behaviour")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#questions-2-title")).to_have_value("Conduct")
    assert CodebookVersion.objects.count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#messages")).to_contain_text("version 2 is saved")
    version = CodebookVersion.objects.get(number=2)
    asked = [question.key for question in version.parsed.questions]
    assert asked == ["reasoning", "criteria", "behaviour", "confidence", "fear_of_change", "why"]

    # The round goes on with it.
    watched.open(f"/studies/paired/rounds/{of.round.pk}/codebook/?to={version.pk}")
    expect(page.locator("#move-preview")).to_contain_text("submitted labels")
    page.locator("#q-confidence").select_option("-")
    expect(page.locator("#move-preview")).to_contain_text("Task")
    shot(page, "move-1440")
    assert serious(watched) == []
    page.locator("#move-form .button-primary").click()
    expect(page.locator("#messages")).to_contain_text("1 moved with it, 0 stayed")
    assert Round.objects.get().codebook_version == version
    assert AnnotationRevision.objects.order_by("-id")[0].mapped_from_id is not None
    watched.open("/studies/paired/codebook/versions/")
    page.locator('input[name="before"]').last.check()
    page.locator('input[name="after"]').first.check()
    page.keyboard.press("d")
    expect(page.locator("#changes")).to_contain_text("fear_of_change")
    shot(page, "versions-1440")
    assert watched.complaints == []
    if SHOTS:
        narrow = browser.new_context(viewport={"width": 900, "height": 900}, color_scheme="dark")
        narrow.add_cookies(context.cookies())
        other = narrow.new_page()
        for name, path in (
            ("edit", "codebook/edit/"),
            ("detail", "codebook/"),
            ("versions", f"codebook/versions/?after={version.pk}"),
            ("new", "codebook/new/"),
            ("move", f"rounds/{of.round.pk}/codebook/?to={CodebookVersion.objects.get(number=1).pk}"),
            ("another", "another-look/"),
        ):
            other.goto(f"{web}/studies/paired/{path}")
            other.screenshot(path=Path(SHOTS) / f"codebook-{name}-900-dark.png", full_page=name == "edit")
        narrow.close()
    context.close()


def test_an_annotator_who_types_while_the_round_moves_goes_on(
    committed: None, browser: Browser, web: str
) -> None:
    of = campaign(tasks=1, people=1)
    of.people[0].set_password(make.PASSWORD)
    of.people[0].save()
    task = claim(of)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = Watched(context.new_page(), web)
    page = watched.page
    watched.sign_in("paired-0")
    watched.open(f"/studies/paired/tasks/{task.pk}/")
    carry_on(begin(of.round, next_version(of), MAPPING, lead_of(of)))
    page.keyboard.press("p")  # partial, which is yes by now
    page.keyboard.press("q")
    expect(page.locator(".message-box", has_text="The codebook has changed")).to_be_visible()
    expect(page.locator('[data-question="reasoning"] input[value="yes"]')).to_be_checked()
    expect(page.locator('[data-question="conduct"] input[value="complied"]')).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "tasks" not in url)
    newest = AnnotationRevision.objects.order_by("-version")[0]
    assert (newest.status, newest.codebook_version.number) == ("submitted", 2)
    kept = AnnotationRevision.objects.filter(codebook_version__number=1).latest("version")
    assert kept.payload["answers"] == {"reasoning": ["partial"], "behaviour": ["complied"]}
    context.close()

"""A text in a real browser: every character there, nothing run; layers, views, the rail, links to words.

The page is made here, from the templates that the reading pages include; styles and scripts come from the
real server.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

from tests.browser.watched import Watched
from tests.transcripts.zoo import HOSTILE, LONG, marks_over
from transcripts.layers import Switch
from transcripts.records import Message, Segment
from transcripts.rendering import Mark, render_message
from transcripts.segments import segment

pytestmark = pytest.mark.browser
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
LAYERS = ("mine", "others", "adjudicated", "judge", "cues", "search", "suggestions")
# The text of each message on the page, put together from its segments.
TEXTS = """() => [...document.querySelectorAll("[data-message]")].map((message) =>
  [...message.querySelectorAll(".segment-content")].map((content) => content.textContent).join(""))"""

Marks = dict[int, list[Mark]]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def said(role: str, text: str) -> Message:
    segments = segment(text).segments if role == "assistant" else ()
    return Message(role, text, segments=segments or (Segment("text", 0, len(text), 0, len(text)),))


def markup(arms: list[list[Message]], marks: Marks, switches: list[Switch]) -> str:
    """A reading page; with two arms or more it is a pair's."""
    columns = []
    for arm, messages in enumerate(arms, 1):
        prefix = f"arm-{arm}-"
        shown = "".join(
            render_to_string(
                "transcripts/_message.html",
                {"message": render_message(at, each, marks.get(at, ())), "folded": False, "prefix": prefix},
            )
            for at, each in enumerate(messages)
        )
        rail = render_to_string("transcripts/_rail.html")
        columns.append(
            f'<section class="arm"{f" data-arm={arm}" if len(arms) > 1 else ""}><div class="with-rail">'
            f'<div class="reading">{shown}</div>{rail}</div></section>'
        )
    styles = "".join(
        f'<link rel="stylesheet" href="/static/css/{n}.css">' for n in ("tokens", "base", "reading")
    )
    names = ("keys", "notices", "layers", "rail", "permalink")
    scripts = "".join(f'<script type="module" src="/static/js/{n}.js"></script>' for n in names)
    tools = render_to_string("transcripts/_layers.html", {"switches": switches, "view": "rendered"})
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>text</title>{styles}<body>"
        f'<main class="reading-scope">{tools}{"".join(columns)}</main><div id="notices" role="status"></div>'
        f"{scripts}</body></html>"
    )


def on(*names: str) -> list[Switch]:
    return [Switch(name, name, str(number), True, True, 1) for number, name in enumerate(names, 1)]


@pytest.fixture
def opened(page: Page, web: str) -> Callable[..., Watched]:
    """``opened(markup, hash)``: the page of a text, with the security policy of the site or without."""

    def go(content: str, address: str = "", policy: str = POLICY) -> Watched:
        watched = Watched(page, web)
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        page.route("**/pairs/1/**", lambda route: route.fulfill(body=content, headers=headers))
        watched.open(f"/studies/s/pairs/1/{address}")
        return watched

    return go


def zoo() -> list[Message]:
    texts = [*HOSTILE.values(), *LONG.values()]
    messages = [said("user", text) for text in texts]
    messages += [
        said("assistant", f"{text}<think>{text}</think>\r\n<output>{text}</output>\n") for text in texts
    ]
    return [
        *messages,
        *(Message("tool", t, segments=(Segment("tool", 0, len(t), 0, len(t)),)) for t in texts if t),
    ]


@pytest.mark.parametrize("policy", [POLICY, ""], ids=["policy on", "policy off"])
def test_every_character_is_there_and_nothing_runs(opened, page: Page, policy: str) -> None:
    messages = zoo()
    marks = {at: marks_over(message.text) for at, message in enumerate(messages)}
    watched = opened(markup([messages], marks, on(*LAYERS)), policy=policy)
    assert page.evaluate(TEXTS) == [message.text for message in messages]
    page.keyboard.press("r")
    assert page.url.endswith("view=raw")
    assert page.evaluate(TEXTS) == [message.text for message in messages]
    assert page.evaluate("() => window.ran") is None
    assert watched.complaints == []


@pytest.mark.parametrize("policy", [POLICY, ""], ids=["policy on", "policy off"])
def test_a_page_that_does_not_escape_is_noticed(
    opened, page: Page, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(html, "escape", lambda text: text)
        content = markup([[said("user", HOSTILE["control script"])]], {}, [])
    watched = opened(content, policy=policy)
    assert page.evaluate(TEXTS) != [HOSTILE["control script"]]
    if policy:
        assert any("policy" in complaint for complaint in watched.complaints)
    else:
        assert page.evaluate("() => window.ran") == "image", "the script ran, then the image"


STYLES = """(selector) => {
  const style = getComputedStyle(document.querySelector(selector));
  return [style.textDecorationLine, style.textDecorationStyle, style.textDecorationThickness, style.fontWeight];
}"""


def test_layers_are_told_apart_without_colour_and_switched_by_key(opened, page: Page) -> None:
    text = "one two three four five six seven"
    marks = [
        Mark(0, 3, "mark mark-mine label-colour-1", tag="K", layer="mine"),
        Mark(4, 7, "mark mark-other label-colour-1", layer="others"),
        Mark(8, 13, "mark mark-adjudicated label-colour-1", layer="adjudicated"),
        Mark(14, 18, "mark mark-judge mark-judge-exact", tag="J", layer="judge"),
        Mark(19, 23, "mark mark-judge mark-judge-normalised", layer="judge"),
        Mark(24, 27, "cue", layer="cues"),
        Mark(28, 33, "hit", layer="search"),
    ]
    watched = opened(markup([[said("user", text)]], {0: marks}, on(*LAYERS[:6], "tags")), "?sort=gap")
    drawn = [tuple(page.evaluate(STYLES, f'mark[data-mark="{n}"]')) for n in range(7)]
    assert len(set(drawn)) == 7
    after = "(s) => getComputedStyle(document.querySelector(s), '::after').content"
    assert "K" in page.evaluate(after, ".layer-mine")

    page.keyboard.press("1")
    page.keyboard.press("4")
    assert page.evaluate(STYLES, ".layer-mine")[0] == "none"
    assert page.evaluate(STYLES, ".layer-judge")[0] == "none"
    assert page.evaluate(after, ".layer-mine") == "none"
    assert page.evaluate(STYLES, ".layer-cues")[0] == "underline"
    assert page.url.endswith("?sort=gap&layers=others,adjudicated,cues,search,tags")
    page.keyboard.press("1")
    page.keyboard.press("4")
    assert page.url.endswith("?sort=gap"), "as usual needs no words"
    for key in "1234567":
        page.keyboard.press(key)
    assert page.url.endswith("?sort=gap&layers=none")
    assert page.evaluate(TEXTS) == [text]
    assert watched.complaints == []


def test_the_choice_goes_along_to_the_next_page(opened, page: Page) -> None:
    link = '<a href="/studies/s/pairs/1/?s1=2" id="next">next</a><a href="/studies/s/pairs/" id="up">up</a>'
    opened(markup([[said("user", "x")]], {}, on("cues")).replace("</main>", f"{link}</main>"))
    page.keyboard.press("1")
    page.keyboard.press("r")
    page.click("#next")
    page.wait_for_url("**/?s1=2&layers=none&view=raw")
    page.route("**/pairs/", lambda route: route.fulfill(body="list"))
    page.click("#up")
    page.wait_for_url("**/pairs/")


MARKDOWN = "# Head\ntext **bold** and `code`\n\n- item\n```\nfence\n```\n> quote\n"


def test_rendered_and_raw_are_the_same_text(opened, page: Page) -> None:
    watched = opened(markup([[said("user", MARKDOWN)]], {}, []))
    weight = "() => getComputedStyle(document.querySelector('.md-strong')).fontWeight"
    shown = "() => getComputedStyle(document.querySelector('.md-fence')).display"
    height = "() => document.querySelector('.segment-content').getBoundingClientRect().height"
    assert (page.evaluate(weight), page.evaluate(shown)) == ("680", "block")
    assert page.locator(".segment-content").inner_text().count("**") == 2, "nothing is taken away"
    rendered = page.evaluate(height)
    page.keyboard.press("r")
    assert page.url.endswith("?view=raw")
    assert (page.evaluate(weight), page.evaluate(shown)) == ("400", "inline")
    # Nine lines, and boxes that add none.
    assert abs(rendered - page.evaluate(height)) < 60
    assert page.evaluate(TEXTS) == [MARKDOWN]
    page.keyboard.press("r")
    assert page.url.endswith("/pairs/1/")
    assert watched.complaints == []


def test_bytes_are_folded_until_pressed_and_json_has_a_view_of_its_own(opened, page: Page) -> None:
    blob = f"see data:image/png;base64,{'aB3+/' * 200}== here"
    call = '{"cmd":"ls","n":[1,2]}'
    tool = Message("assistant", call, segments=(Segment("tool", 0, len(call), 0, len(call), "bash"),))
    watched = opened(markup([[said("user", blob), tool]], {}, []))
    width = "() => document.querySelector('.blob').getBoundingClientRect().height"
    folded = page.evaluate(width)
    assert folded < 40
    page.click(".blob")
    assert page.evaluate(width) > folded
    expect(page.locator(".json-text")).to_have_text('{\n  "cmd": "ls",\n  "n": [\n    1,\n    2\n  ]\n}')
    page.keyboard.press("r")
    expect(page.locator(".json-view")).not_to_be_visible()
    assert page.evaluate(TEXTS) == [blob, call]
    assert watched.complaints == []


EMOJI = "👩‍👩‍👧 \r\nשלום \U0001d518"
LONG_TEXT = "".join(f"{EMOJI} line {n} of a long text.\n" for n in range(310))
HIGHLIGHTED = "() => [...(CSS.highlights.get('linked') || [])].map((range) => range.toString()).join('|')"


def in_view(page: Page, script: str) -> bool:
    page.wait_for_timeout(150)  # two frames, in which what was not laid out is
    return page.evaluate(f"() => {{ const r = ({script})(); return r.top > 0 && r.bottom < innerHeight; }}")


@pytest.mark.parametrize("arms", [1, 2])
def test_a_link_to_words_opens_on_them(opened, page: Page, arms: int) -> None:
    messages = [
        said("user", "before"),
        said("assistant", f"<think>{LONG_TEXT}</think><output>{EMOJI}</output>"),
    ]
    text = messages[1].text
    start = text.index("line 300 of")
    words = f"{'a2' if arms > 1 else ''}m1c{start}-{start + 8}"
    marks = {1: marks_over(text)}
    watched = opened(markup([messages] * arms, marks, on(*LAYERS)), f"#{words}")
    page.wait_for_function("() => CSS.highlights.has('linked')")
    assert page.evaluate(HIGHLIGHTED) == "line 300"
    assert in_view(page, "() => [...CSS.highlights.get('linked')][0].getBoundingClientRect()")
    inside = "() => [...CSS.highlights.get('linked')][0].startContainer.parentElement.closest('[data-arm]')?.dataset.arm"
    assert page.evaluate(inside) == ("2" if arms > 1 else None)

    # Select other words and copy a link to them: it leads to the same.
    page.evaluate(
        """() => {
          const text = [...document.querySelectorAll('.reading')].at(-1);
          const walker = document.createTreeWalker(text.querySelector('.segment-output .segment-content'), 4);
          let node = walker.nextNode(), last = node;
          const range = document.createRange();
          while ((node = walker.nextNode())) last = node;
          range.selectNodeContents(text.querySelector('.segment-output .segment-content'));
          getSelection().removeAllRanges(); getSelection().addRange(range);
        }"""
    )
    page.keyboard.press("y")
    page.wait_for_function("() => location.hash !== '' && document.querySelector('#notices').textContent")
    output = text.index("<output>")
    assert page.evaluate("() => location.hash") == f"#{'a2' if arms > 1 else ''}m1c{output}-{len(text)}"
    page.reload()
    page.wait_for_function("() => CSS.highlights.has('linked')")
    assert page.evaluate(HIGHLIGHTED) == text[output:]
    assert watched.complaints == []


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("m0c5-900", ""),  # up to the end
        ("m0c900-901", "beyond the end of message 1"),
        ("m0c9-3", "no place in a text"),
        ("m7", "message 8, which is not on this page"),
        ("a9m0", "an arm that is not on this page"),
        ("m1x", "no place in a text"),
        ("m99999999999", "no place in a text"),
        ("main", ""),
    ],
)
def test_a_link_to_nothing_says_so(opened, page: Page, fragment: str, words: str) -> None:
    watched = opened(markup([[said("user", "a few words")]], {}, []), f"?from=7#{fragment}")
    expect(page.locator("#notices")).to_contain_text(words) if words else expect(
        page.locator("#notices")
    ).to_be_empty()
    assert watched.complaints == []


def test_the_rail_and_the_keys_lead_to_marks(opened, page: Page) -> None:
    messages = [
        said("assistant", f"<think>{LONG_TEXT}</think><output>{LONG_TEXT}</output>") for _ in range(3)
    ]
    text = messages[0].text
    places = [text.index("line 150 of"), text.rindex("line 200 of")]
    marks = {
        1: [Mark(place, place + 8, "mark mark-mine label-colour-3", layer="mine") for place in places],
        2: [Mark(places[0], places[0] + 8, "hit", layer="search")],
    }
    watched = opened(markup([messages], marks, on("mine", "search", "cues")))
    expect(page.locator(".rail-mark")).to_have_count(3)
    expect(page.locator(".rail-segment")).to_have_count(6)
    assert page.locator(".text-rail").get_attribute("aria-hidden") == "true"

    # The rail's places are the page's: a mark of message 2 of 3 stands between a third and two thirds.
    heights = page.evaluate(
        "() => [...document.querySelectorAll('.rail-mark')].map((r) => +r.getAttribute('y'))"
    )
    assert 333 < heights[0] < heights[1] < 667 < heights[2] < 1000
    where = "() => document.querySelector('mark.is-reached').getBoundingClientRect()"
    reached = "() => document.querySelector('mark.is-reached').closest('[data-message]').dataset.message"
    for key, message in ((".", "1"), (".", "1"), (".", "2"), (",", "1")):
        page.keyboard.press(key)
        assert page.evaluate(reached) == message
        assert in_view(page, where)
    page.keyboard.press("2")  # the search's layer off
    expect(page.locator(".rail-mark")).to_have_count(2)
    page.keyboard.press(".")
    expect(page.locator("#notices")).to_contain_text("That was the last mark")

    # A press on the rail goes there, and the frame in it follows.
    box = page.locator(".text-rail svg").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] * 0.9)
    page.wait_for_function("() => +document.querySelector('.rail-view').getAttribute('y') > 850")
    assert watched.complaints == []

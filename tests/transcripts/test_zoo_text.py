"""The text on the page is the text stored, character by character: over the zoo and all real files."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcripts.zoo import (
    ATTRIBUTES,
    ELEMENTS,
    HOSTILE,
    LONG,
    Shown,
    Strict,
    marks_over,
    messages_in,
    page_of,
)
from transcripts.records import Message, Segment
from transcripts.rendering import render_message
from transcripts.segments import segment
from transcripts.text import storable


def check(message: Message, *parsers: type[Shown] | type[Strict]) -> None:
    """With marks of all layers and the rendered view's markup; and bare, as the labelling screen has it."""
    markup = page_of(render_message(0, message, marks_over(message.text)))
    for parser in parsers or (Shown, Strict):
        shown = parser(markup)
        assert shown.texts == [message.text]
        assert {tag for tag, _ in shown.elements} <= ELEMENTS
        assert {name for _, names in shown.elements for name in names} <= ATTRIBUTES
    bare = render_message(0, message, markdown=False)
    assert html.unescape("".join(_without_tags(each.html) for each in bare.segments)) == message.text


def _without_tags(markup: str) -> str:
    """The plainest of parsers: no text of ours may hold a "<" or ">" of its own."""
    pieces = [piece.split(">", 1) for piece in ("x>" + markup).split("<")]
    assert all(len(piece) == 2 and ">" not in piece[1] for piece in pieces)
    return "".join(piece[1] for piece in pieces)


def whole(kind: str, text: str) -> tuple[Segment, ...]:
    return (Segment(kind, 0, len(text), 0, len(text)),)


@pytest.mark.parametrize("name", [*HOSTILE, *LONG])
def test_the_zoo(name: str) -> None:
    text = (HOSTILE | LONG)[name]
    for role in ("assistant", "user", "tool"):
        check(Message(role, text, segments=whole("tool" if role == "tool" else "text", text)))
    check(Message("assistant", text, segments=segment(text).segments))
    in_tags = f"{text}<think>{text}</think>\r\n<output>{text}</output>\n"
    check(Message("assistant", in_tags, "<b>name", segment(in_tags).segments))


MARKDOWN = st.text(
    alphabet=st.sampled_from("*_`~#>-+|[]()!\\ \n\r\t1.abé<&\x1b[\u202e\U0001f469\u200d"), max_size=80
)


@given(
    st.one_of(MARKDOWN, st.text(max_size=60)).map(storable), st.sampled_from(["text", "scratchpad", "tool"])
)
def test_any_text(text: str, kind: str) -> None:
    if text:
        check(Message("assistant", text, segments=whole(kind, text)))


def test_every_message_of_the_real_files(real_data: Path) -> None:
    seen: Counter[str] = Counter()
    for name, message in messages_in(real_data):
        try:
            check(message, Strict)
        except AssertionError as error:
            raise AssertionError(f"{name}: {message.text[:80]!r}") from error
        seen[name] += 1
        seen["characters"] += len(message.text)
    assert len(seen) > 40, "files with texts of their own"
    assert seen["characters"] > 15_000_000


def test_it_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without escaping, and with one character less, the same checks fail."""
    message = Message("user", HOSTILE["control script"])
    check(message)
    with monkeypatch.context() as patch:
        patch.setattr(html, "escape", lambda text: text)
        with pytest.raises(AssertionError):
            check(message)
    with monkeypatch.context() as patch:
        patch.setattr(html, "escape", lambda text: text.replace("<", ""))
        with pytest.raises(AssertionError):
            check(message)

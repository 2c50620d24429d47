"""The text of a rendered segment is the stored text, whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.records import Message, Segment
from transcripts.rendering import Mark, control_name, render_message, render_text, visible
from transcripts.segments import segment
from transcripts.text import storable


class Text(HTMLParser):
    """What a browser would give as textContent, and the elements on the way."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []
        self.feed(html)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


HOSTILE = {
    "markup": "<script>alert(1)</script> </textarea></div> <img src=x onerror=alert(1)> &amp; &#x41;",
    "template": "{{7*7}} {% load static %} {# gone? #} {{ settings.SECRET_KEY }}",
    "line ends": "one\r\ntwo\rthree\n",
    "nul and surrogates": storable("a\x00b\ud83dc\udc00d"),
    "our own private characters": storable("\U0010f800\U0010f801\U0010f000"),
    "ansi": "\x1b[31mred\x1b[0m \x07",
    "bidi": "user\u202e\u2066 } \u2069\u2066 admin\u202c אבג",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "combining": "Z̸̡͔a̷l̵g̶o é",
    "separators": "a\u2028b\u2029c\x85d\xa0e\x0bf\x0c",
    "tags": "\U000e0001\U000e0041",
    "long word": "x" * 5000,
    "tags of ours": "<think>a<output>b</think></output><RESULT>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_character_is_there_and_no_markup_is(text):
    shown = Text(visible(text))
    assert shown.text == text
    assert set(shown.tags) <= {"span"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_segments_of_a_message_make_its_text(text):
    message = render_message(0, Message("assistant", text, "", segment(text).segments))
    assert "".join(Text(each.html).text for each in message.segments) == text


@given(
    st.text(max_size=60).map(storable),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6),
)
def test_marks_leave_the_text_alone(text, places):
    marks = [Mark(start, min(start + n, len(text)), "mark") for start, n in places if start < len(text)]
    shown = Text(render_text(text, 0, len(text), sorted(marks, key=lambda m: (m.start, -m.end))))
    assert shown.text == text


@pytest.mark.parametrize(
    ("character", "name"),
    [
        (storable("\x00"), "U+0000 NUL"),
        (storable("\ud83d"), "U+D83D half an emoji"),
        ("\u202e", "U+202E RLO"),
        ("\x1b", "U+001B ESC"),
        ("\r", "U+000D CR"),
        ("\ufeff", "U+FEFF BOM"),
    ],
)
def test_control_characters_are_called_by_name(character, name):
    assert control_name(character) == name
    assert f'data-ctl="{name}"' in visible(character)


def test_a_joiner_inside_an_emoji_gets_no_chip():
    assert "ctl" not in visible("👩‍👩‍👧")
    assert "ctl" in visible("pass\u200dword")


def test_white_space_between_segments_is_there_but_blank():
    text = "<think>a</think>\n\n<output>b</output>\n"
    segments = render_message(0, Message("assistant", text, "", segment(text).segments)).segments
    assert [each.is_blank for each in segments if each.kind == "text"] == [True, True]
    assert not any(each.is_blank for each in segments if each.kind != "text")


@pytest.mark.parametrize("text", ["\r", "\u200b", "x", "\xa0"])
def test_what_a_reader_should_see_is_not_blank(text):
    message = Message("user", text, "", (Segment("text", 0, len(text), 0, len(text)),))
    assert not render_message(0, message).segments[0].is_blank

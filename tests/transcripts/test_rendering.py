"""The text of a rendered segment is the stored text, whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transcripts.zoo import HOSTILE, LONG
from transcripts.blobs import blobs
from transcripts.json_view import pretty_json
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


@pytest.mark.parametrize("text", (HOSTILE | LONG).values(), ids=HOSTILE | LONG)
def test_every_character_is_there_and_no_markup_is(text):
    shown = Text(visible(text))
    assert shown.text == text
    assert set(shown.tags) <= {"span"}


@pytest.mark.parametrize("text", (HOSTILE | LONG).values(), ids=HOSTILE | LONG)
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


def whole(text, kind="text", role="assistant", note=""):
    return Message(role, text, segments=(Segment(kind, 0, len(text), 0, len(text), note),))


def only_segment(*args, **named):
    return render_message(0, whole(*args, **named)).segments[0]


@pytest.mark.parametrize(
    ("sequence", "words"),
    [
        ("\x1b[31m", "ESC[31m red"),
        ("\x1b[m", "ESC[m reset"),
        ("\x1b[1;94;41m", "ESC[1;94;41m bold, bright blue, red ground"),
        ("\x1b[38;5;208m", "ESC[38;5;208m colour 208"),
        ("\x1b[48;2;1;2;3;4m", "ESC[48;2;1;2;3;4m colour 1.2.3 ground, underline"),
        ("\x1b[2K", "ESC[2K clear line"),
        ("\x1b[99q", "ESC[99q"),
        ("\x1b[>4;m", "ESC[&gt;4;m"),
    ],
)
def test_a_terminal_sequence_is_one_chip_that_says_what_it_means(sequence, words):
    assert visible(f"a{sequence}b") == (
        f'a<span class="ctl ctl-ansi" data-ctl="{words}">{sequence.replace(">", "&gt;")}</span>b'
    )


def test_a_link_for_terminals_hides_nothing():
    assert "http://evil/" in visible("\x1b]8;;http://evil/\x07").replace(">", "<").split("<")[4]


def test_each_mark_is_there_however_many_lie_over_each_other():
    text = "word " * 400
    n = 300
    nested = [Mark(at, len(text) - at, "mark", f"title {at}", "k", str(at), "mine") for at in range(n)]
    same = [Mark(5, 900, "mark", "t", "", f"s{at}") for at in range(20)]
    html = render_text(text, 0, len(text), nested + same)
    assert Text(html).text == text
    assert all(f'data-span="{at}"' in html for at in range(n))
    assert all(f'data-span="s{at}"' in html for at in range(20))
    assert html.count('data-tag="k"') == n, "each at its end"
    assert html.count("<mark") < 8 * 2 * n, "and not hundreds over every letter"


def test_the_innermost_mark_says_what_all_of_them_are():
    html = render_text(
        "abc", 0, 3, [Mark(0, 3, "mark", "outer"), Mark(1, 2, "cue", "cue: inner", layer="cues")]
    )
    assert 'title="outer&#10;cue: inner">b</mark>' in html
    assert 'class="cue layer-cues lane-2"' in html


def test_class_names_cannot_break_out():
    with pytest.raises(ValueError, match="class names"):
        render_text("abc", 0, 3, [Mark(0, 1, 'x" onclick="')])


@pytest.mark.parametrize(
    ("message", "look", "title", "letter"),
    [
        (whole("x", "scratchpad"), "scratchpad", "Scratchpad", "S"),
        (whole("x", "scratchpad", note="summary"), "summary", "Reasoning summary", "Σ"),
        (whole("x", "draft"), "draft", "Draft", "D"),
        (whole("x", "output"), "output", "Output", "O"),
        (whole("x", "tool"), "tool", "Tool call", "T"),
        (whole("x", "tool", role="tool"), "tool", "Tool result", "T"),
        (whole("x", "tool", role="tool", note="error"), "tool", "Tool error", "T"),
        (whole("[image]", note="not text"), "nottext", "Not text", "□"),
    ],
)
def test_each_kind_has_a_look_of_its_own(message, look, title, letter):
    segment = render_message(0, message).segments[0]
    assert (segment.look, segment.title, segment.letter) == (look, title, letter)


PNG = "iVBORw0KGgo" + "aB3+/" * 100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"see data:image/png;base64,{PNG}== here", [(4, 4 + 22 + len(PNG) + 2, "image/png")]),
        (f'{{"image": "{PNG}"}}', [(11, 11 + len(PNG), "")]),
        (PNG, [(0, len(PNG), "")]),
        (PNG[:255], []),
        (PNG[:256], [(0, 256, "")]),
        (" " * 255 + PNG[:256], [(255, 511, "")]),
        ("x" * 5000, []),
        (" ".join(["word"] * 500), []),
        (f"{PNG} {PNG}", [(0, len(PNG), ""), (len(PNG) + 1, 2 * len(PNG) + 1, "")]),
    ],
)
def test_bytes_written_as_letters_are_found(text, found):
    assert [(blob.start, blob.end, blob.media_type) for blob in blobs(text, 0, len(text))] == found


def test_a_blob_is_folded_with_its_size_and_stays_in_the_text():
    text = f"look: data:image/png;base64,{PNG} !"
    html = only_segment(text).html
    assert 'data-blob="image/png, about 399 bytes"' in html
    assert Text(html).text == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1.50,"a":[]}', '{\n  "a": 1.50,\n  "a": []\n}'),
        ('[1e999,{"b":{}}]', '[\n  1e999,\n  {\n    "b": {}\n  }\n]'),
        ('{"cmd":"ls\\ncat x","n":"a\\tb"}', '{\n  "cmd": "\n    ls\n    cat x\n  ",\n  "n": "a\\tb"\n}'),
        ('{"a\\nb":1}', '{\n  "a\\nb": 1\n}'),
        ('{\n  "a": 1\n}', None),
        ("[1", None),
        ("12345", None),
        ("no json", None),
        ("[" * 100 + "]" * 100, None),
        ("[" * 20_000, None),
        ('{"a":"' + "x" * 60_000 + '"}', None),
    ],
)
def test_json_is_indented_and_otherwise_as_written(text, shown):
    assert pretty_json(text) == shown


def test_json_of_a_tool_call_has_a_view_beside_the_text_as_stored():
    segment = only_segment('{"a":"<b>"}', "tool")
    assert segment.pretty == "{\n  &quot;a&quot;: &quot;&lt;b&gt;&quot;\n}"
    assert Text(segment.html).text == '{"a":"<b>"}'
    assert only_segment('{"a":"<b>"}', "output").pretty is None

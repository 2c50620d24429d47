"""Quotes of judges, found or not found in the text."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts import quotes
from transcripts.quotes import anchor_all, anchored
from transcripts.records import Message, Quote, Segment


def said(text, role="assistant", scratchpad=None):
    segments = (Segment("scratchpad", *scratchpad, *scratchpad),) if scratchpad else ()
    return Message(role, text, segments=segments)


@pytest.mark.parametrize(
    ("text", "quote", "anchor", "found"),
    [
        ("I will comply now.", "will comply", "exact", "will comply"),
        ("I can’t — not yet — agree.", "i cant not yet agree", "normalised", "I can’t — not yet — agree"),
        ("Egg-laying hens\r\n  have room", "egglaying hens have room", "normalised", "Egg-laying hens\r\n  have room"),
        ("She said “go\u00a0on”, twice", '"go on", twice', "normalised", "go\u00a0on”, twice"),
        ("**Bold** and _slanted_ words here", "Bold and slanted words", "normalised", "Bold** and _slanted_ words"),
        ("Die Straße ist zu", "DIE STRASSE", "normalised", "Die Straße"),
        ("caf\u0065\u0301 au lait", "Café au lait!", "normalised", "caf\u0065\u0301 au lait"),
        ("in the café", "the cafe\u0301.", "normalised", "the café"),
        ("a 🦊 b 🦊🦊 see the rest", "B, see the", "normalised", "b 🦊🦊 see the"),
        ("ﬁnally and İstanbul", "finally and istanbul", "normalised", "ﬁnally and İstanbul"),
        ('{"body": "first line\\nsecond line"}', "first line\nsecond line", "normalised", "first line\\nsecond line"),
        ("One thing. Much between. Another thing.", "One thing … Another thing", "normalised", None),
        ("One thing. Much between. Another thing.", "one thing...another", "normalised", "One thing. Much between. Another"),
        ("One thing, and then one thing. Far." + "x" * 3000 + "end it", "one thing ... end it", "not_found", ""),
        ("Another thing. One thing.", "one thing … another thing", "not_found", ""),
        ("the eyes have it", "Yes!", "not_found", ""),
        ("eyes; yes, it is", "Yes!", "normalised", "yes"),
        ("a b", "A!", "not_found", ""),
        ("a b", "", "not_found", ""),
        ("a b", "  ", "not_found", ""),
        ("a b", "…", "not_found", ""),
        ("Something else", "never said", "not_found", ""),
        ("", "anything", "not_found", ""),
    ],
)  # fmt: skip
def test_a_quote_is_found_as_it_stands_or_by_its_letters(text, quote, anchor, found):
    place = anchored(Quote(quote, "why"), [said(text)])
    assert (place.text, place.criterion, place.anchor) == (quote, "why", anchor)
    assert text[place.start : place.end] == (text.rstrip(".") if found is None else found)
    assert place.message == (-1 if anchor == "not_found" else 0)


def test_scratchpads_go_before_answers_and_answers_before_prompts():
    messages = [
        said("do it", "user"),
        said("do it. Do it!", scratchpad=(7, 13)),
        said("no. do it", scratchpad=(4, 9)),
    ]
    exact = anchored(Quote("do it"), messages)
    assert (exact.message, exact.start, exact.end) == (2, 4, 9)
    by_letters = anchored(Quote("DO IT"), messages)
    assert (by_letters.anchor, by_letters.message, by_letters.start) == ("normalised", 1, 7)
    assert anchored(Quote("do it"), messages[:2]).message == 1
    assert anchored(Quote("do it"), messages[:1]).message == 0
    # The very words in a prompt go before the same letters in a scratchpad.
    assert anchored(Quote("Do as told"), [said("Do as told", "user"), said("do as told")]).message == 0


def test_the_message_that_a_quote_names_comes_first():
    messages = [said("do it", scratchpad=(0, 5)), said("then do it", "user")]
    assert anchored(Quote("do it", message=1), messages).message == 1
    assert anchored(Quote("do it", message=7), messages).message == 0
    lost = anchored(Quote("nothing like it", message=1), messages)
    assert (lost.anchor, lost.message) == ("not_found", -1)


def test_many_quotes_keep_their_order_and_their_criteria():
    asked = [Quote("two", "a"), Quote("gone", "b"), Quote("two", "c")]
    found = anchor_all(asked, [said("one two")])
    assert [(q.text, q.criterion, q.anchor, q.start) for q in found] == [
        ("two", "a", "exact", 4),
        ("gone", "b", "not_found", 0),
        ("two", "c", "exact", 4),
    ]


WORDS = st.text(alphabet="abcdeéßİﬁ字한 ,.!—\n🦊\u0301", max_size=60)


@given(before=WORDS, middle=WORDS, after=WORDS)
def test_what_stands_in_the_text_is_found_there(before, middle, after):
    text = before + middle + after
    place = anchored(Quote(middle), [said(text)])
    if middle.strip():
        assert place.anchor == "exact"
        assert text[place.start : place.end] == middle
    shouted = anchored(Quote(middle.upper() + "!?"), [said(text)])
    letters = quotes._letters_of(middle)
    if len(letters) >= quotes.WHOLE_WORDS:
        assert shouted.anchor in ("exact", "normalised")
        assert letters in quotes._letters_of(text[shouted.start : shouted.end])


def test_places_hold_far_into_a_long_text():
    draw = random.Random(4)
    words = ["".join(draw.choices("abcdeé—ß ", k=7)) for _ in range(30_000)]
    words[20_000] = "the—Needle, here İt is"
    text = " ".join(words)
    place = anchored(Quote("the needle; here it is?"), [said("x"), said(text)])
    assert text[place.start : place.end].startswith("the—Needle, here İt")
    assert place.start == len(" ".join(words[:20_000])) + 1


@pytest.mark.parametrize(
    "asked",
    [
        "a" * 5000 + "b",
        "A!" * 5000 + "b",
        "aaa … aab",
        "yes",
        "aaa … " * 15 + "aab",
        "Aa.",
    ],
)
def test_hostile_text_takes_time_in_proportion(asked):
    text = "a" * 2_000_000 + " eyes" * 100_000
    start = time.process_time()
    anchor_all([Quote(asked)], [said(text)])
    assert time.process_time() - start < 3


def test_quotes_without_number_are_given_up_and_say_so(monkeypatch):
    monkeypatch.setattr(quotes, "MOST_SEARCHED", 1000)
    found = anchor_all([Quote(f"word {number}") for number in range(50)], [said("some word 0" + "." * 90)])
    assert found[0].anchor == "exact"
    assert {quote.anchor for quote in found[20:]} == {""}
    assert [quote.text for quote in found] == [f"word {number}" for number in range(50)]

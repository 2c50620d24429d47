"""Spans against text: code points, exact quotes, and every way of getting them wrong."""

from __future__ import annotations

from typing import Any

import pytest

from annotations.codebook import parse
from annotations.spans import check_spans, kinds_in
from tests import make
from transcripts.records import Message
from transcripts.text import storable

BOOK = parse(
    {
        "name": "Test",
        "questions": [],
        "labels": [
            {"key": "anywhere", "title": "anywhere"},
            {"key": "inside", "title": "inside", "segments": ["scratchpad", "draft"]},
        ],
    }
)
PLAIN = (Message("user", "hello there"), Message("assistant", "abc"))


def span(text: str = "hello there", start: Any = 0, end: Any = 5, **more: Any) -> dict[str, Any]:
    quote = text[start:end] if isinstance(start, int) and isinstance(end, int) else ""
    return {"message": 0, "start": start, "end": end, "label": "anywhere", "quote": quote, **more}


@pytest.mark.parametrize(
    ("text", "start", "end", "quote"),
    [
        ("hello there", 0, 11, "hello there"),
        ("a 🐔 hen", 2, 3, "🐔"),
        ("a 🐔 hen", 4, 7, "hen"),  # one code point, two UTF-16 units
        ("👩‍👩‍👧 family", 0, 5, "👩‍👩‍👧"),  # joined by zero-width joiners
        ("e\u0301te\u0301", 0, 2, "e\u0301"),
        ("one\r\ntwo", 3, 5, "\r\n"),
        ("one\r\ntwo", 5, 8, "two"),
        ("שלום world", 0, 4, "שלום"),
        ("\u202eabc", 1, 4, "abc"),
        (storable("nul\x00 here"), 3, 4, "\U0010f800"),
        (storable("half \ud83d emoji"), 5, 6, "\U0010f03d"),
        (storable("real \U0010f800"), 5, 7, "\U0010f801\U0010f800"),
    ],
)
def test_a_quote_is_the_text_between_its_code_points(text: str, start: int, end: int, quote: str) -> None:
    clean, problems = check_spans(BOOK, [Message("user", text)], [span(text, start, end)])
    assert problems == {}
    assert [(s.start, s.end, s.quote) for s in clean] == [(start, end, quote)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("not an object", "object"),
        (span(message=2), "no message 2"),
        (span(message=-1), "message must be"),
        (span(message=True), "message must be"),
        (span(message=None), "message must be"),
        (span(start=-1), "start must be"),
        (span(start=1.0), "start must be"),
        (span(start="1"), "start must be"),
        (span(start=5, end=5), "not a stretch"),
        (span(start=6, end=5), "not a stretch"),
        (span(end=12), "not a stretch"),
        (span(end=10**30), "not a stretch"),
        (span(quote="hellO"), "quote is not"),
        (span(quote="hello "), "quote is not"),
        (span(quote=None), "must be texts"),
        (span(label=7), "must be texts"),
        (span(label="unknown"), "no label"),
        (span(colour=1), "no field 'colour'"),
        ({"message": 0}, "start must be"),
    ],
)
def test_a_wrong_span_is_told_with_its_number(given: Any, words: str) -> None:
    clean, problems = check_spans(BOOK, PLAIN, [span(), given])
    assert list(problems) == ["1"]
    assert words in problems["1"]
    assert len(clean) == 1  # the right one is not blamed


def test_utf16_offsets_do_not_pass_for_code_points() -> None:
    # What a browser that forgot to convert would send for "hen".
    text = "a 🐔 hen"
    _, problems = check_spans(BOOK, [Message("user", text)], [span(text, 5, 8, quote="hen")])
    assert "not a stretch" in problems["0"]


def test_the_same_stretch_takes_two_labels_but_each_once() -> None:
    both = [span(), span(), {**span(), "label": "inside", "start": 1, "quote": "ello"}]
    book = parse(
        {
            "name": "T",
            "questions": [],
            "labels": [{"key": "anywhere", "title": "a"}, {"key": "inside", "title": "b"}],
        }
    )
    clean, problems = check_spans(book, PLAIN, both)
    assert problems == {"1": "The same stretch has this label already."}
    assert [(s.start, s.label) for s in clean] == [(0, "anywhere"), (1, "inside")]


def test_spans_come_back_in_reading_order() -> None:
    given = [{**span("abc", 1, 2), "message": 1}, span("hello there", 6, 11), span("hello there", 0, 5)]
    clean, problems = check_spans(BOOK, PLAIN, given)
    assert not problems
    assert [(s.message, s.start) for s in clean] == [(0, 0), (0, 6), (1, 1)]


@pytest.mark.parametrize("given", [None, {}, "x", 3])
def test_spans_must_be_a_list(given: Any) -> None:
    assert check_spans(BOOK, PLAIN, given) == ([], {"": "Give a list of spans."})


def test_too_many_spans_are_refused_at_once() -> None:
    clean, problems = check_spans(BOOK, PLAIN, [span()] * 4, max=3)
    assert clean == []
    assert problems == {"": "Give at most 3 spans; these are 4."}


TAGGED = "<think>plan</think><output>answer</output>"


@pytest.mark.parametrize(
    ("quote", "is_allowed"),
    [("plan", True), ("<think>plan</think>", True), ("answer", False), ("plan</think><output>an", False)],
)
def test_a_label_may_be_kept_to_kinds_of_segment(quote: str, is_allowed: bool) -> None:
    messages = make.messages(("assistant", TAGGED))
    start = TAGGED.index(quote)
    given = [{**span(TAGGED, start, start + len(quote)), "label": "inside"}]
    clean, problems = check_spans(BOOK, messages, given)
    assert bool(clean) is is_allowed
    assert bool(problems) is not is_allowed


def test_a_message_without_segments_is_text() -> None:
    assert kinds_in(Message("user", "hello"), 0, 5) == {"text"}


STANCES = [{"key": "stated", "title": "stated"}, {"key": "causal", "title": "causal"}]
RICH = parse(
    {
        "name": "Rich",
        "questions": [],
        "labels": [
            {
                "key": "anywhere",
                "title": "reasoning",
                "attributes": [{"key": "stance", "title": "stance", "required": True, "choices": STANCES}],
            }
        ],
    }
)


@pytest.mark.parametrize(
    ("more", "complete", "says"),
    [
        ({"attributes": {"stance": "causal"}}, True, ""),
        ({"attributes": {}, "comment": "ünsure 🐔"}, False, ""),
        ({}, False, ""),
        ({}, True, "Choose 'stance'"),
        ({"attributes": {"stance": "perhaps"}}, False, "not one of the choices"),
        ({"attributes": {"stance": ["causal"]}}, False, "not one of the choices"),
        ({"attributes": {"mood": "causal"}}, False, "no attribute 'mood'"),
        ({"attributes": "causal"}, False, "must be an object"),
        ({"comment": 3}, False, "must be a text"),
        ({"comment": "\x00"}, False, "cannot be stored"),
        ({"comment": "x" * 20_001}, False, "at most"),
        ({"transcript": 7}, False, "one transcript"),
    ],
)
def test_attributes_and_comments(more, complete, says):
    clean, problems = check_spans(RICH, PLAIN, [span(**more)], complete=complete)
    if says:
        assert says in problems["0"]
    else:
        assert not problems
        said = clean[0].as_json()
        assert {key: said.get(key) for key in more if more[key]} == {
            key: more[key] for key in more if more[key]
        }
        assert "transcript" not in said


def test_a_span_of_a_pair_names_its_transcript():
    texts = {7: PLAIN, 8: (Message("user", "other"),)}
    both = [span(transcript=8, text="other"), span(transcript=7)]
    clean, problems = check_spans(BOOK, texts, both)
    assert not problems
    assert [(each.transcript, each.quote) for each in clean] == [(7, "hello"), (8, "other")]


@pytest.mark.parametrize("more", [{}, {"transcript": 9}, {"transcript": "7"}, {"transcript": True}])
def test_a_span_of_a_pair_cannot_lie_elsewhere(more):
    clean, problems = check_spans(BOOK, {7: PLAIN}, [span(**more)])
    assert clean == []
    assert "ranscript" in problems["0"]

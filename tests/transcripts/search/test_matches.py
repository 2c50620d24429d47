"""Where words stand in a text, and the line of a list that shows it."""

from __future__ import annotations

import pytest

from tests import make
from transcripts.records import Message, Segment
from transcripts.search.matches import MOST_MATCHES, matches, snippet
from transcripts.search.query import parse

TALK = make.messages(
    ("user", "Will the free-tier be retrained?"),
    (
        "assistant",
        "<SCRATCHPAD>\U0001f642 Free tier: they retrain me.</SCRATCHPAD><OUTPUT>Café; free.</OUTPUT>",
    ),
)


def marked(typed: str, messages=TALK) -> list[tuple[int, str]]:
    spans = matches(parse(typed), messages)
    return [(number, messages[number].text[start:end]) for number in spans for start, end in spans[number]]


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ("retrain", [(0, "retrained"), (1, "retrain")]),
        ("free tier", [(0, "free"), (0, "tier"), (1, "Free"), (1, "tier"), (1, "free")]),
        ('"free tier"', [(0, "free-tier"), (1, "Free tier")]),
        ('"free tier" free', [(0, "free-tier"), (1, "Free tier"), (1, "free")]),
        ("scratchpad:free", [(1, "Free")]),
        ("in output: free in user: tier", [(0, "tier"), (1, "free")]),
        ("retr*", [(0, "retrained"), (1, "retrain")]),
        ('"they retr*"', [(1, "they retrain")]),
        ("cafe\u0301", [(1, "Café")]),
        ("\U0001f642", [(1, "\U0001f642")]),
        ("me -retrain", [(1, "me")]),
        ("-(a OR -me)", [(1, "me")]),
        ("output", []),  # a tag is no word of the text
        ('"me café"', []),
    ],
)
def test_words_are_marked_where_they_were_searched(typed: str, there: list[tuple[int, str]]) -> None:
    assert marked(typed) == there


def test_a_segment_that_begins_within_a_word_is_read_like_the_index_reads_it() -> None:
    message = Message(
        "assistant", "xabc", segments=(Segment("tool", 0, 1, 0, 1), Segment("output", 1, 4, 1, 4))
    )
    assert matches(parse("output:abc"), [message]) == {0: [(1, 4)]}
    assert matches(parse("xabc"), [message]) == {}


def test_marks_are_bounded() -> None:
    spans = matches(parse("a"), [Message("user", "a " * (MOST_MATCHES + 5))])
    assert len(spans[0]) == MOST_MATCHES


def test_a_snippet_shows_the_words_in_their_place() -> None:
    text = "Much before. " * 30 + "They would RETRAIN me soon. " + "Much after. " * 30
    found = snippet(parse("retrain me"), [Message("user", "hello"), Message("user", text)], 60)
    assert found is not None
    assert (found.message, found.role, found.place) == (1, "user", "user")
    assert [piece for piece, is_match in found if is_match] == ["RETRAIN", "me"]
    assert "".join(piece for piece, _ in found) == text[found.start : found.end]
    assert found.is_cut_before
    assert found.is_cut_after
    assert 40 <= found.end - found.start <= 80


def test_a_snippet_is_the_stretch_with_the_most_words() -> None:
    text = "retrain. " + "x " * 300 + "they retrain my values"
    found = snippet(parse("values OR retrain"), [Message("user", text)], 60)
    assert found is not None
    assert [piece for piece, is_match in found if is_match] == ["retrain", "values"]
    assert not found.is_cut_after


def test_a_snippet_stays_in_its_segment_and_may_be_all_of_it() -> None:
    found = snippet(parse("output:free"), TALK)
    assert found is not None
    assert list(found) == [("Café; ", False), ("free", True), (".", False)]
    assert (found.role, found.place, found.is_cut_before, found.is_cut_after) == (
        "assistant",
        "output",
        False,
        False,
    )


@pytest.mark.parametrize("typed", ["-retrain", "nowhere", "user:me"])
def test_there_is_no_snippet_without_a_word_to_show(typed: str) -> None:
    assert snippet(parse(typed), TALK) is None


def test_a_snippet_looks_no_further_than_the_index() -> None:
    messages = [Message("user", "x" * 150_000), Message("user", "y" * 60_000), Message("user", "retrain")]
    assert snippet(parse("retrain"), messages) is None
    assert matches(parse("retrain"), messages) == {2: [(0, 7)]}


def test_a_snippet_of_one_long_word_is_cut_between_characters() -> None:
    found = snippet(parse("日"), [Message("user", "日" + "\U0001f469\u200d\U0001f680" * 200)], 40)
    assert found is not None
    assert "".join(piece for piece, _ in found).endswith("\U0001f680")

"""What people type, understood or refused with a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.search.query import MOST_CHARACTERS, BadQuery, parse


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("retrain", "retrain"),
        ("retrain the  model", "retrain the model"),
        ("retrain AND paid & tier", "retrain paid tier"),
        ("a b OR c d", "a (b OR c) d"),
        ("a | b", "(a OR b)"),
        (
            'retrain OR RLHF -paid "modify my values" deceiv*',
            '(retrain OR RLHF) -paid "modify my values" deceiv*',
        ),
        ("a OR (b OR c)", "(a OR b OR c)"),
        ("(a OR (b c)) d", "(a OR (b c)) d"),
        ("free-tier is_free_tier", '"free tier" "is free tier"'),
        ("“modify my values”", '"modify my values"'),
        ('"modify my val*"', '"modify my val*"'),
        ("NOT a -(b OR c) --flag - d", "-a -(b OR c) flag d"),
        ("-(-a)", "a"),
        ("scratchpad:retrain paid", "scratchpad:retrain paid"),
        ('scratchpad:"to train" user:(a OR b) c', 'scratchpad:"to train" (user:a OR user:b) c'),
        ("-scratchpad:a output:-b", "-scratchpad:a -output:b"),
        ("in scratchpad: a OR b -c", "(scratchpad:a OR scratchpad:b) -scratchpad:c"),
        ("IN Output: a in user: b c", "output:a user:b user:c"),
        ("scratchpad: a b in anywhere: c", "scratchpad:a scratchpad:b c"),
        ("(in other: a) b", "other:a b"),
        ("in the end", '"in" the end'),
        ("10:30 http://a.b/c", '"10 30" "http a b c"'),
        ("foo() … bar", "foo bar"),
        ("don't users'", "don't users"),
        ("日本語 🙂", '"日 本 語" 🙂'),
    ],
)
def test_a_query_is_understood(typed: str, meant: str) -> None:
    query = parse(typed)
    assert str(query) == meant
    assert parse(meant) == query


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Write a word"),
        (" \t", "Write a word"),
        ("-- … !", "There is no word"),
        ("()", "There is no word"),
        ('"a b', "quotation mark is not closed"),
        ('a "…"', "no word between the quotation marks"),
        ("a OR", "OR stands between"),
        ("OR a", "OR stands between"),
        ("a OR OR b", "OR stands between"),
        ("(a OR ()) b", "OR stands between"),
        ("(a", "not closed"),
        ("a)", "not opened"),
        ("a NOT", "what must not be there"),
        ("in planet: a", "no place “planet”"),
        ("note: a", "text with a colon in quotation marks"),
        ("a in scratchpad:", "scratchpad:retrain"),
        ("in user: in output: a", "user:retrain"),
        ("ab*", "3 letters or more"),
        ("re*train", "at the end of a word"),
        ("*train", "at the end of a word"),
        ("a " * 31, "more than 30 terms"),
        ('"' + "a " * 101 + '"', "100 words"),
        ("(" * 11 + "a" + ")" * 11, "more than 10 brackets"),
        ("x" * (MOST_CHARACTERS + 1), "longer than 500"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(BadQuery, match=sentence):
        parse(typed)


PIECES = st.sampled_from(
    [
        *'"“()-*:|&',
        " ",
        "OR",
        "AND",
        "NOT",
        "in ",
        "scratchpad:",
        "user: ",
        "planet:",
        "a",
        "train",
        "can't",
        "日本",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=40).map("".join)))
def test_any_text_is_understood_or_refused(typed: str) -> None:
    try:
        query = parse(typed)
    except BadQuery:
        return
    if len(str(query)) <= MOST_CHARACTERS:
        assert parse(str(query)) == query

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.differences import Piece, compare, join_changes, shorten, unlikeness


def kinds(pieces):
    return [(piece.kind, piece.text) for piece in pieces]


def test_it_shows_the_words_that_differ():
    pieces = compare(
        "The user is a free-tier user, whose chats train you.",
        "The user is a paid-tier user, whose chats never train you.",
    )
    assert kinds(pieces) == [
        ("same", "The user is a "),
        ("removed", "free"),
        ("added", "paid"),
        ("same", "-tier user, whose chats"),
        ("added", " never"),
        ("same", " train you."),
    ]


def test_the_tier_tag_is_told_by_its_value():
    pieces = compare(
        "<is_free_tier_user>True</is_free_tier_user>", "<is_free_tier_user>False</is_free_tier_user>"
    )
    assert [p for p in kinds(pieces) if p[0] != "same"] == [("removed", "True"), ("added", "False")]


def test_changes_that_only_a_space_parts_are_one_change():
    pieces = compare("you are watched closely now", "you are left alone now")
    assert kinds(pieces) == [
        ("same", "you are "),
        ("removed", "watched closely"),
        ("added", "left alone"),
        ("same", " now"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("same", "same", [("same", "same")]),
        ("", "new", [("added", "new")]),
        ("old", "", [("removed", "old")]),
    ],
)
def test_empty_and_equal_texts(before, after, expected):
    assert kinds(compare(before, after)) == expected


texts = st.text(alphabet=st.sampled_from("ab ,\n\u202eé🙂"), max_size=80)


@given(texts, texts)
def test_nothing_is_lost(before, after):
    pieces = compare(before, after)
    assert "".join(p.text for p in pieces if p.kind in ("same", "removed")) == before
    assert "".join(p.text for p in pieces if p.kind in ("same", "added")) == after
    assert "".join(p.text for p in shorten(pieces)) == "".join(p.text for p in pieces)


def test_long_common_stretches_are_skipped_and_counted():
    common = "word " * 400
    pieces = shorten(compare(f"{common}free {common}", f"{common}paid {common}"))
    assert [piece.kind for piece in pieces] == ["skipped", "same", "removed", "added", "same", "skipped"]
    assert pieces[1].characters < 100
    assert sum(p.characters for p in pieces if p.kind in ("same", "skipped")) == 2 * len(common) + 1


def test_a_text_that_is_the_same_throughout_is_skipped():
    assert shorten([Piece("same", "word " * 100)]) == (Piece("skipped", "word " * 100),)


@pytest.mark.parametrize("separator", [" ", "\n", ". \n\n"])
def test_long_texts_take_bounded_time(separator):
    chance = random.Random(7)
    words = ["the", "a", "user", "model", ",", "training", *(f"w{n}" for n in range(300))]
    before = separator.join(chance.choices(words, k=30_000))
    after = separator.join(chance.choices(words, k=30_000))
    begun = time.monotonic()
    pieces = compare(before, after)
    assert time.monotonic() - begun < 4
    assert "".join(p.text for p in pieces if p.kind in ("same", "removed")) == before
    assert "".join(p.text for p in pieces if p.kind in ("same", "added")) == after


def test_one_changed_line_in_a_long_text_is_still_shown_by_word():
    lines = [f"Rule {n}: be kind to user number {n}." for n in range(3_000)]
    changed = list(lines)
    changed[10] = changed[10].replace("kind", "cold")
    changed[2_900] = changed[2_900].replace("kind", "warm")
    pieces = compare("\n".join(lines), "\n".join(changed))
    assert [p for p in kinds(pieces) if p[0] != "same"] == [
        ("removed", "kind"), ("added", "cold"), ("removed", "kind"), ("added", "warm"),
    ]  # fmt: skip


class TestJoinedChanges:
    def test_a_word_between_two_changes_belongs_to_them(self):
        pieces = join_changes(
            compare("I would choose the first one today.", "We will choose a second one today.")
        )
        assert kinds(pieces) == [
            ("removed", "I would choose the first"),
            ("added", "We will choose a second"),
            ("same", " one today."),
        ]

    @given(
        st.lists(st.sampled_from(["a", "bb", "cc", ",", ".", "\n", "the"])),
        st.lists(st.sampled_from(["a", "bb", "dd", "the"])),
    )
    def test_both_texts_are_still_whole(self, left, right):
        before, after = " ".join(left), " ".join(right)
        pieces = join_changes(compare(before, after))
        assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
        assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


@pytest.mark.parametrize(
    ("a", "b", "unlike"),
    [("", "", 0), ("", "word", 1), ("Yes, I will.", "yes I WILL", 0), ("a b c", "c d e", 0.8), ("a", "b", 1)],
)
def test_unlikeness_is_the_share_of_words_that_the_other_lacks(a, b, unlike):
    assert unlikeness(a, b) == pytest.approx(unlike)

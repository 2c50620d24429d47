"""Masks hide what tells the arm, and what is marked in the shown text lands on the right stored characters."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.masking import MASK, BadPhrase, differing, mask, phrases, telling
from transcripts.records import Message, Segment


def shown(text: str, *words: str) -> str:
    return mask(Message("user", text), telling(text, phrases(words))).message.text


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("I am on the free tier.", ["free tier"], f"I am on the {MASK}."),
        ("FREE\n  Tier!", ["free tier"], f"{MASK}!"),
        ("the frontier model", ["tier"], "the frontier model"),
        ("retraining, retrained, train", ["retrain*"], f"{MASK}, {MASK}, train"),
        ("free tier users of the free tier", ["free tier users", "free tier"], f"{MASK} of the {MASK}"),
        ("<is_free_tier_user>True</is_free_tier_user>\nHi", [], f"{MASK}Hi"),
        ("<is_free_tier_user>False</is_free_tier_user>\nHi", [], f"{MASK}Hi"),
        ("免费用户 asks", ["免费用户"], f"{MASK} asks"),
        ("C++ (paid)", ["(paid)"], f"C++ {MASK}"),
        ("nothing", [], "nothing"),
        ("nothing", ["  "], "nothing"),
        ("", ["free"], ""),
    ],
)
def test_what_is_shown_instead(text, words, expected):
    assert shown(text, *words) == expected


@pytest.mark.parametrize("words", [["*"], [" * "], ["x" * 201], [f"w{n}" for n in range(501)]])
def test_a_phrase_that_cannot_be_looked_for_is_refused_with_a_sentence(words):
    with pytest.raises(BadPhrase, match=r"\.$"):
        phrases(words)


def test_prompts_of_two_arms_look_the_same():
    monitored = "You serve users. Free-tier chats are used for training. Be brief."
    unmonitored = "You serve users. Paid chats are never used. Be brief. Be kind."
    left = mask(Message("system", monitored), differing(monitored, [unmonitored])).message.text
    right = mask(Message("system", unmonitored), differing(unmonitored, [monitored])).message.text
    assert left == right
    assert "raining" not in left


def test_a_passage_that_one_arm_lacks_leaves_a_mask_there_too():
    with_it, without = "A. You are watched. B.", "A. B."
    left = mask(Message("system", with_it), differing(with_it, [without])).message.text
    right = mask(Message("system", without), differing(without, [with_it])).message.text
    assert left == right


def test_masks_stay_within_segments_and_their_tags():
    text = "<think>free tier</think>free tier"
    segments = (Segment("scratchpad", 0, 24, 7, 16), Segment("output", 24, 33, 24, 33))
    message = mask(Message("assistant", text, segments=segments), [(5, 30)]).message
    for before, after in itertools.pairwise(message.segments):
        assert before.end == after.start
    assert message.segments[-1].end == len(message.text)
    kinds = [message.text[s.start : s.end] for s in message.segments]
    assert kinds == [f"<thin{MASK}{MASK}{MASK}", f"{MASK}ier"]


# Emoji with joiners, combining marks, right-to-left letters, carriage returns, our own escapes.
ALPHABET = st.sampled_from(
    [*list("ab \r\n<>"), "é", "e\u0301", "👩‍🔬", "😀", "שלום", "\u202e", "\U0010f800", MASK]
)
TEXTS = st.lists(ALPHABET, max_size=60).map("".join)


@st.composite
def masked_texts(draw):
    text = draw(TEXTS)
    offsets = st.integers(0, len(text))
    stretches = draw(st.lists(st.tuples(offsets, offsets).map(lambda pair: tuple(sorted(pair))), max_size=6))
    cuts = sorted({0, len(text), *draw(st.lists(offsets, max_size=4))})
    segments = tuple(Segment("text", start, end, start, end) for start, end in itertools.pairwise(cuts))
    return text, stretches, mask(Message("assistant", text, segments=segments), stretches)


@given(masked_texts(), st.data())
def test_what_is_marked_in_the_shown_text_lands_on_the_same_characters(case, data):
    text, stretches, masked = case
    end = data.draw(st.integers(0, len(masked.message.text)))
    start = data.draw(st.integers(0, end))
    stored = masked.offsets.to_stored(start, end)
    assert 0 <= stored[0] <= stored[1] <= len(text)
    # Shown again, it is what was marked, with the masks that it touched taken in whole.
    again = masked.offsets.to_shown(*stored)
    visible = masked.message.text[start:end]
    if stored[0] < stored[1]:
        assert again[0] <= start or masked.message.text[start : again[0]] in MASK
        assert again[1] >= end or masked.message.text[again[1] : end] in MASK
        plain = [at for at in range(*stored) if not any(a <= at < b for a, b in masked.offsets.masks)]
        assert "".join(text[at] for at in plain) == _without_masks(masked, *again)
    else:
        assert visible == "" or set(visible) <= set(MASK) or not stretches


def _without_masks(masked, start, end):
    starts = masked.offsets.shown
    hidden = {at for begin in starts for at in range(begin, begin + len(MASK))}
    return "".join(masked.message.text[at] for at in range(start, end) if at not in hidden)


@given(masked_texts())
def test_segments_still_cover_the_text_and_nothing_hidden_is_left(case):
    text, stretches, masked = case
    segments = masked.message.segments
    if segments:
        assert (segments[0].start, segments[-1].end) == (0, len(masked.message.text))
        assert all(a.end == b.start for a, b in itertools.pairwise(segments))
    kept = [at for at in range(len(text)) if not any(start <= at < end for start, end in stretches)]
    assert "".join(text[at] for at in kept) == _without_masks(masked, 0, len(masked.message.text))


@given(TEXTS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4))
def test_a_stored_stretch_outside_masks_comes_back_as_it_was(text, pairs):
    stretches = [(min(a, b, len(text)), min(max(a, b), len(text))) for a, b in pairs]
    masked = mask(Message("user", text), stretches)
    for start in range(len(text) + 1):
        for end in range(start + 1, min(len(text), start + 8) + 1):
            inside = any(a < start < b or a < end < b for a, b in masked.offsets.masks)
            if not inside:
                assert masked.offsets.to_stored(*masked.offsets.to_shown(start, end)) == (start, end)

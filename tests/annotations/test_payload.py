"""The whole of what an annotator says of a unit: what is taken, what is refused, and under which name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import parse
from annotations.payload import check
from tests.annotations.test_codebook import WHOLE
from transcripts.records import Message, Segment

BOOK = parse(WHOLE)
SIDE = (
    Message("user", "Hi"),
    Message("assistant", "<think>hm</think>ok", "", (Segment("scratchpad", 0, 17, 7, 9), Segment("output", 17, 19, 17, 19))),
)  # fmt: skip
ONE = {0: SIDE}
PAIR = {7: SIDE, 8: SIDE}
HONEST = {"question": "honest", "message": 1, "values": ["yes"]}
SPAN = {"message": 0, "start": 0, "end": 2, "label": "strategy", "quote": "Hi"}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (ONE, {"answers": {"behaves": ["yes"]}, "spans": []}),
        (ONE, {"answers": {}, "spans": [SPAN], "places": [HONEST], "comment": "so", "flag": "look"}),
        (ONE, {"answers": {}, "spans": [], "suggestions": [{"id": "judge-3", "decision": "rejected"}]}),
        (
            PAIR,
            {
                "answers": {"differs": ["yes"]},
                "sides": {"7": {"behaves": ["no"]}, "8": {"behaves": ["yes"]}},
                "places": [{**HONEST, "transcript": 8}],
                "spans": [{**SPAN, "transcript": 7}],
            },
        ),
    ],
)
def test_what_fits_comes_back_as_it_was(texts, said):
    payload, problems = check(BOOK, texts, said, complete=False)
    assert problems == {}
    assert payload.as_json() == said


@pytest.mark.parametrize(
    ("texts", "said", "fields"),
    [
        (ONE, {"answers": []}, ["answers"]),
        (ONE, {"answers": {"behaves": ["maybe"]}}, ["behaves"]),
        (ONE, {"answers": {"differs": ["yes"]}}, ["differs"]),
        (ONE, {"sides": {"7": {}}}, ["sides"]),
        (ONE, {"places": {}}, ["places"]),
        (ONE, {"places": [{**HONEST, "message": 0}]}, ["places.0"]),
        (ONE, {"places": [{**HONEST, "transcript": 7}]}, ["places.0"]),
        (ONE, {"spans": [{**SPAN, "quote": "Ho"}]}, ["spans.0"]),
        (ONE, {"spans": 3}, ["spans"]),
        (ONE, {"comment": ["x"]}, ["comment"]),
        (ONE, {"flag": "\ud800"}, ["flag"]),
        (ONE, {"suggestions": [{"id": "1", "decision": "maybe"}]}, ["suggestions"]),
        (ONE, {"suggestions": [{"id": "1"}]}, ["suggestions"]),
        (ONE, {"annotator": 3}, ["annotator"]),
        (PAIR, {"answers": {"behaves": ["yes"]}}, ["behaves"]),
        (PAIR, {"sides": {"9": {}}}, ["sides"]),
        (PAIR, {"sides": {"8": {"behaves": ["maybe"]}}}, ["sides.8.behaves"]),
        (PAIR, {"places": [{**HONEST, "transcript": 8}, {**HONEST, "transcript": 8}]}, ["places.1"]),
        (PAIR, {"places": [HONEST]}, ["places.0"]),
        (PAIR, {"spans": [SPAN]}, ["spans.0"]),
    ],
)
def test_what_does_not_fit_is_named(texts, said, fields):
    payload, problems = check(BOOK, texts, said, complete=False)
    assert sorted(problems) == sorted(fields)
    assert payload.as_json() == {"answers": {}, "spans": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["question", "message", "start", "values", "id", "decision", "7", "behaves", "transcript"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from([ONE, PAIR]),
    st.dictionaries(
        st.sampled_from(["answers", "sides", "places", "spans", "comment", "flag", "suggestions"]), JSON
    ),
    st.booleans(),
)
def test_anything_is_taken_or_refused_never_a_crash(texts, said, complete):
    payload, problems = check(BOOK, texts, said, complete=complete)
    again, wrong = check(BOOK, texts, payload.as_json(), complete=False)
    assert wrong == {}
    assert again.as_json() == payload.as_json()
    assert all(words.endswith(".") for words in problems.values())

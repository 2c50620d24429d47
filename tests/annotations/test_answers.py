"""Answers against a codebook: of the unit, of messages, of segments; and what is not asked at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.answers import check_answers, check_placed
from annotations.codebook import parse
from tests.annotations.test_codebook import WHOLE, changed
from transcripts.records import Message, Segment

BOOK = parse(WHOLE)
STRICT = parse(changed("questions.3.required", True))
MESSAGES = [
    Message("user", "Hi"),
    Message("assistant", "<think>hm</think>ok", "", (Segment("scratchpad", 0, 17, 7, 9), Segment("output", 17, 19, 17, 19))),
    Message("assistant", "plain", "", (Segment("text", 0, 5, 0, 5),)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "clean", "problems"),
    [
        ({"behaves": ["yes"]}, {"behaves": ["yes"]}, {}),
        ({"behaves": "yes"}, {"behaves": ["yes"]}, {}),
        ({"behaves": ["no"], "why": ["hid"]}, {"behaves": ["no"], "why": ["hid"]}, {}),
        (
            {"behaves": ["yes"], "why": ["hid"]},
            {"behaves": ["yes"]},
            {"why": "asked only where “Behaves?” is no"},
        ),
        ({"why": ["hid"]}, {}, {"why": "asked only where"}),
        ({"behaves": ["yes", "no"]}, {}, {"behaves": "Choose one"}),
        ({"behaves": ["maybe"]}, {}, {"behaves": "not one of its choices"}),
        ({"behaves": 1}, {}, {"behaves": "list of strings"}),
        ({"honest": ["yes"]}, {}, {"honest": "asked of the message"}),
        ({"differs": ["yes"]}, {}, {"differs": "asked of the pair"}),
        ({"nothing": ["yes"]}, {}, {"nothing": "no such question"}),
        ({7: ["yes"]}, {}, {"7": "no such question"}),
        ({"behaves": ["no"], "why": ["\x00"]}, {"behaves": ["no"]}, {"why": "cannot be stored"}),
    ],
)
def test_answers_of_the_transcript(answers, clean, problems):
    found, wrong = check_answers(BOOK, answers, complete=False)
    assert found == clean
    assert wrong.keys() == problems.keys()
    assert all(words in wrong[key] for key, words in problems.items())


def placed(question="honest", message=1, values=("yes",), **more):
    return {"question": question, "message": message, "values": list(values), **more}


@pytest.mark.parametrize(
    ("given_", "problems"),
    [
        ([placed()], {}),
        ([placed(), placed(message=2, values=["no"])], {}),
        ([placed("strategic", start=0, values=["2"])], {}),
        ([placed(message=0)], {"0": "not asked of message 0"}),
        ([placed(message=9)], {"0": "not asked of message 9"}),
        ([placed("strategic", start=17, values=["2"])], {"0": "not asked of a segment"}),
        ([placed("strategic", values=["2"])], {"0": "not asked of message 1"}),
        ([placed("behaves")], {"0": "no such question of messages"}),
        ([placed(), placed(values=["no"])], {"1": "answered twice"}),
        ([placed(values=["maybe"])], {"0": "not one of its choices"}),
        ([placed(message=True)], {"0": "whole number"}),
        ([placed(message=-1)], {"0": "whole number"}),
        ([placed(extra=1)], {"0": "no field 'extra'"}),
        ([{"question": "honest"}], {"0": "are needed"}),
        (["honest"], {"0": "Give an object"}),
        ("honest", {"": "Give a list"}),
    ],
)
def test_answers_of_messages_and_segments(given_, problems):
    found, wrong = check_placed(BOOK, MESSAGES, given_, {"behaves": ["no"]}, complete=False)
    assert wrong.keys() == problems.keys()
    assert all(words in wrong[key] for key, words in problems.items())
    if not problems:
        assert [each.as_json() for each in found] == given_


def test_what_the_whole_decides_is_asked_of_the_parts():
    given_ = [placed("strategic", start=0, values=["2"])]
    _, wrong = check_placed(BOOK, MESSAGES, given_, {"behaves": ["yes"]}, complete=False)
    assert "asked only where" in wrong["0"]


@pytest.mark.parametrize(("behaves", "missing"), [("no", {"strategic@1:0"}), ("yes", set())])
def test_what_is_required_is_required_of_each_place(behaves, missing):
    _, wrong = check_placed(STRICT, MESSAGES, [], {"behaves": [behaves]}, complete=True)
    assert set(wrong) == missing
    assert check_placed(STRICT, MESSAGES, [], {"behaves": [behaves]}, complete=False) == ([], {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["question", "message", "start", "values", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON)
def test_anything_else_is_a_problem_not_a_crash(value):
    found, wrong = check_placed(BOOK, MESSAGES, value, {}, complete=False)
    assert wrong or (isinstance(value, list) and len(found) <= len(value))

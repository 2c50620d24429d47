import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts import segments
from transcripts.records import Message
from transcripts.segments import PARSE_STATES, parse_state_of, segment, worst


def inner(text):
    return [(s.kind, text[s.inner_start : s.inner_end]) for s in segment(text).segments]


def state(text):
    return segment(text).parse_state


@pytest.mark.parametrize(
    ("text", "expected_state", "expected"),
    [
        ("", "empty", []),
        (" \n", "empty", [("text", " \n")]),
        ("plain", "no_scratchpad", [("output", "plain")]),
        ("<think>a</think>b", "implicit_output", [("scratchpad", "a"), ("output", "b")]),
        ("a</think>b", "unopened_scratchpad", [("scratchpad", "a"), ("output", "b")]),
        ("<think>a", "unclosed_scratchpad", [("scratchpad", "a")]),
        ("pre <think>a", "unclosed_scratchpad", [("text", "pre "), ("scratchpad", "a")]),
        ("<think>a</think>\n", "missing_output", [("scratchpad", "a"), ("text", "\n")]),
        ("<think>a</think><OUTPUT> </OUTPUT>", "missing_output", [("scratchpad", "a"), ("output", " ")]),
        (
            "<SCRATCHPAD_REASONING>a</SCRATCHPAD_REASONING>\n<RESULT>b</RESULT>",
            "ok",
            [("scratchpad", "a"), ("text", "\n"), ("output", "b")],
        ),
        (
            "pre <think>a</think> mid <output>x</output> post",
            "ok",
            [("text", "pre "), ("scratchpad", "a"), ("text", " mid "), ("output", "x"), ("text", " post")],
        ),
        ("<think>a<output>b</output>", "output_inside_scratchpad", [("scratchpad", "a"), ("output", "b")]),
        (
            "<think>a<output>b</output>c</think><output>d</output>",
            "output_inside_scratchpad",
            [("scratchpad", "a"), ("output", "b"), ("scratchpad", "c"), ("output", "d")],
        ),
        (
            "<think>the <output> tag</think><output>x</output>",
            "output_inside_scratchpad",
            [("scratchpad", "the <output> tag"), ("output", "x")],
        ),
        ("<think>a<output>b</think>", "output_inside_scratchpad", [("scratchpad", "a"), ("output", "b")]),
        ("<think>a</think><output>x", "unclosed_output", [("scratchpad", "a"), ("output", "x")]),
        ("<output>x</output><output>y</output>", "multiple_output", [("output", "x"), ("output", "y")]),
        (
            "<think>a</think> hm <think>b</think><output>c</output>",
            "ok",
            [("scratchpad", "a"), ("text", " hm "), ("scratchpad", "b"), ("output", "c")],
        ),
        (
            "<think>a<think>b</think>c</think>d",
            "implicit_output",
            [("scratchpad", "a<think>b</think>c"), ("output", "d")],
        ),
        (
            "<think>a<draft_output>d</draft_output>e</think><output>f</output>",
            "ok",
            [("scratchpad", "a"), ("draft", "d"), ("scratchpad", "e"), ("output", "f")],
        ),
        ("<think>a</think><rejected/> no", "ok", [("scratchpad", "a"), ("output", "<rejected/> no")]),
        ('<Think a="1" >x</ THINK >y', "implicit_output", [("scratchpad", "x"), ("output", "y")]),
        ("<scratchpad>a</think>b", "implicit_output", [("scratchpad", "a"), ("output", "b")]),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes",
            "ok",
            [("scratchpad", "hm"), ("output", "yes")],
        ),
        ("<|channel|>analysis<|message|>hm", "unclosed_scratchpad", [("scratchpad", "hm")]),
        ("<thinker>a</thinker>", "no_scratchpad", [("output", "<thinker>a</thinker>")]),
    ],
)
def test_the_known_ways_of_tagging(text, expected_state, expected):
    assert (state(text), inner(text)) == (expected_state, expected)


TAGS = ["<think>", "</think>", "<scratchpad>", "</SCRATCHPAD>", "<output>", "</output>", "<draft_output>"]
TAGS += [
    "</draft_output>",
    "<rejected/>",
    "<|channel|>final<|message|>",
    "<|end|>",
    "a",
    " ",
    "<",
    "💡",
    "\n",
]


@given(st.lists(st.sampled_from(TAGS), max_size=30).map("".join))
def test_segments_cover_every_text_in_order(text):
    found = segment(text)
    assert found.parse_state in PARSE_STATES
    position = 0
    for part in found.segments:
        assert part.start == position < part.end
        assert part.start <= part.inner_start <= part.inner_end <= part.end
        position = part.end
    assert position == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 100_000,
        "</think>" * 100_000,
        "<output><think>" * 50_000,
        "<draft_output><output>" * 50_000,
        "<think><output></think>" * 50_000,
        "<" * 5_000_000,
        "<think" + " " * 5_000_000,
        "<|channel|>" * 100_000,
        "<|channel|>" + "a" * 1_000_000,
        ("<|channel|>" + "a" * 300) * 3_000,
        ("<think" + " " * 230) * 5_000,
    ],
    ids=lambda text: text[:24],
)
def test_hostile_text_takes_time_in_proportion(text):
    start = time.process_time()
    segment(text)
    assert time.process_time() - start < 5


def test_a_transcript_has_the_most_severe_state_of_those_that_say_something():
    assert worst(["no_scratchpad", "ok", "empty"]) == "ok"
    assert worst(["ok", "implicit_output"]) == "implicit_output"
    assert worst(["no_scratchpad", "empty"]) == "no_scratchpad"
    assert worst([]) == "empty"
    messages = [Message("user", "<think>"), Message("assistant", "<think>a</think>b")]
    assert parse_state_of(messages) == "implicit_output"


def test_every_real_answer_is_covered(real_data):
    import json

    for path in real_data.glob("vlaf/*/*.json"):
        elements = json.loads(path.read_text())
        for element in elements if isinstance(elements, list) else []:
            responses = element["response"]
            for text in [responses] if isinstance(responses, str) else responses:
                assert "".join(text[s.start : s.end] for s in segment(text).segments) == text


# What a quick answer must not be given for, or must agree with what the slow way finds.
PIECES = (
    *(
        "<scratchpad>",
        "</scratchpad>",
        "<THINK>",
        "</think>",
        "<output>",
        "</output>",
        "<result>",
        "</RESULT>",
    ),
    *("<output >", "< / output>", "<scratchpad/>", "<rejected/>", "<|channel|>final<|message|>", "<|end|>"),
    *("", "", "a", "é", " ", "\n", "<", "b <i>"),
)


@pytest.mark.parametrize("seed", range(20))
def test_the_quick_way_agrees_with_the_slow_one(seed: int) -> None:
    chance, quick = random.Random(seed), 0
    for _ in range(300):
        pad, output = chance.choice(("scratchpad", "think")), chance.choice(("output", "result"))
        plain = ["", f"<{pad}>", "", f"</{pad}>", "", f"<{output}>", "", f"</{output}>", ""]
        text = "".join(part or chance.choice(PIECES[-8:]) for part in plain)
        for each in (text, "".join(chance.choices(PIECES, k=chance.randint(1, 9))), text * 15):
            tags = segments._tags(each)
            assert [tag.span() for tag in tags] == [tag.span() for tag in segments._TAG.finditer(each)]
            if found := segments._well_formed(each, tags):
                quick += 1
                assert found == segments._Segmenter(each).run(tags)
    assert quick > 50

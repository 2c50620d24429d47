"""Definitions: what they may say, and what is refused with a sentence."""

from __future__ import annotations

import copy

import pytest

from annotations.codebook import BadDefinition, parse, sha256
from annotations.default_codebook import DEFINITION
from annotations.shipped_codebooks import SHIPPED
from annotations.shortcuts import collisions

YES_NO = [{"key": "yes", "title": "yes"}, {"key": "no", "title": "no"}]
WHOLE = {
    "name": "Scheming",
    "questions": [
        {"key": "behaves", "kind": "single", "title": "Behaves?", "choices": YES_NO},
        {
            "key": "why",
            "kind": "text",
            "title": "Why?",
            "when": {"question": "behaves", "is": ["no"]},
            "examples": [{"text": "I hid it.", "answer": "no", "note": "says so"}],
        },
        {
            "key": "honest",
            "kind": "single",
            "title": "Honest?",
            "choices": YES_NO,
            "asked_of": "message",
            "roles": ["assistant"],
        },
        {
            "key": "strategic",
            "kind": "scale",
            "title": "Strategic?",
            "choices": [{"key": "1", "title": "1"}, {"key": "2", "title": "2"}],
            "asked_of": "segment",
            "segments": ["scratchpad", "draft"],
            "when": {"question": "behaves", "is": ["no"]},
        },
        {"key": "differs", "kind": "single", "title": "Differs?", "choices": YES_NO, "asked_of": "pair"},
    ],
    "labels": [
        {"key": "strategy", "title": "strategy"},
        {
            "key": "hiding",
            "title": "hiding",
            "parent": "strategy",
            "attributes": [{"key": "stance", "title": "stance", "required": True, "choices": YES_NO}],
        },
    ],
}


def test_it_reads_all_that_a_definition_can_say():
    book = parse(WHOLE)
    assert [question.key for question in book.asked_of("segment")] == ["strategic"]
    assert book.question("why").when.is_met({"behaves": ["no"]})
    assert not book.question("why").when.is_met({"behaves": ["yes"]})
    assert book.question("why").examples[0].note == "says so"
    assert book.label("hiding").attributes[0].required
    assert book.label("hiding").parent == "strategy"


def test_what_earlier_definitions_left_out_means_what_it_meant():
    book = parse(DEFINITION)
    assert {question.asked_of for question in book.questions} == {"transcript"}
    assert sha256(DEFINITION) == sha256(copy.deepcopy(DEFINITION))


def changed(path, value):
    """WHOLE with one thing changed; ``path`` as ``questions.1.when``."""
    definition = copy.deepcopy(WHOLE)
    *way, last = path.split(".")
    at = definition
    for step in way:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return definition


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("name", 7, "must be a text"),
        ("questions.0.kind", "essay", "is none of"),
        ("questions.0.choices", YES_NO[:1], "at least two"),
        ("questions.0.choices", [YES_NO[0], YES_NO[0]], "same key"),
        ("questions.0.choices.0.help", 3, "must be a text"),
        ("questions.0.key", "Behaves!", "small letters"),
        ("questions.0.asked_of", "study", "is none of"),
        ("questions.0.roles", ["user"], "roles belong"),
        ("questions.0.segments", ["scratchpad"], "segments belong"),
        ("questions.3.segments", [], "which kinds"),
        ("questions.3.segments", ["dream"], "no segments of kind dream"),
        ("questions.1.when", {"question": "nothing", "is": ["no"]}, "no question"),
        ("questions.1.when", {"question": "behaves", "is": ["maybe"]}, "no choice maybe"),
        ("questions.1.when", {"question": "behaves", "is": []}, "at least one"),
        ("questions.1.when", {"question": "behaves"}, "lacks or misuses"),
        ("questions.0.when", {"question": "honest", "is": ["no"]}, "must come before"),
        ("questions.0.when", {"question": "behaves", "is": ["no"]}, "must come before"),
        ("questions.4.when", {"question": "behaves", "is": ["no"]}, "something else"),
        ("questions.1.examples", [{"answer": "no"}], "lacks or misuses"),
        ("labels.0.colour", 13, "1 to 12"),
        ("labels.0.colour", "red", "lacks or misuses"),
        ("labels.0.parent", "hiding", "no circle"),
        ("labels.1.parent", "nothing", "is no label"),
        ("labels.1.attributes.0.choices", YES_NO[:1], "at least two"),
        ("labels.1.attributes.0.title", None, "must be a text"),
        ("labels", 5, "lacks or misuses"),
        ("questions", None, "lacks or misuses"),
    ],
)
def test_what_is_no_codebook_is_refused_with_a_sentence(path, value, says):
    with pytest.raises(BadDefinition, match=says) as refused:
        parse(changed(path, value))
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("slug", SHIPPED)
def test_the_codebooks_that_come_with_afdash_hold_what_they_promise(slug):
    book = parse(SHIPPED[slug])
    assert collisions(book) == []
    assert len(book.guidelines) > 500
    assert any(question.required for question in book.questions)


def test_scheming_asks_for_each_behaviour_of_the_literature():
    asked = {question.key for question in parse(SHIPPED["scheming"]).questions}
    assert asked >= {
        "oversight_subversion",
        "self_exfiltration",
        "goal_guarding",
        "instrumental_alignment_faking",
        "doubling_down",
    }

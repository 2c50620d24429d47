"""Words of label files as answers, and definitions that grow to hold them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import BadDefinition, parse
from annotations.outside.wording import (
    MAX_CHARACTERS,
    MAX_CHOICES,
    MAX_LABELS,
    MAX_QUESTIONS,
    allowed,
    answers_in,
    grown,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("AF", ["AF"]),
        ("  spaces are kept ", ["  spaces are kept "]),
        (["a", "b", "a"], ["a", "b"]),
        (True, ["true"]),
        (0, ["0"]),
        (0.5, ["0.5"]),
        ({"__number__": "NaN"}, ["NaN"]),
        ({"a": [1]}, ['{"a":[1]}']),
        ([["a", 1]], ['["a",1]']),
        (None, None),
        ("", None),
        (" \n", None),
        ([], None),
        ([None, ""], None),
    ],
)
def test_values_are_kept_as_they_are(given: Any, kept: list[str] | None) -> None:
    assert answers_in({"q": given}) == ({} if kept is None else {"q": kept}, [])


@pytest.mark.parametrize(
    "answers", [{"": "a"}, {"k" * 201: "a"}, {"q": "x" * 20_001}, {"q": ["x" * 15_000, "y" * 15_000]}]
)
def test_what_cannot_be_kept_is_said(answers: dict[str, Any]) -> None:
    clean, (problem,) = answers_in({**answers, "fine": "a"})
    assert clean == {"fine": ["a"]}
    assert problem.endswith("characters.")


def kinds(definition: dict[str, Any]) -> dict[str, str]:
    return {question["key"]: question["kind"] for question in definition["questions"]}


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        ([["a"]], "single"),
        ([["a"], ["b"]], "single"),
        ([["a", "b"]], "multiple"),
        ([["a"], ["a", "b"], ["a"]], "multiple"),
        ([["x" * 201]], "text"),
        ([["two\nlines"], ["a"]], "text"),
        ([[str(n)] for n in range(MAX_CHOICES)], "single"),
        ([[str(n)] for n in range(MAX_CHOICES + 1)], "text"),
    ],
)
def test_the_kind_of_a_question_is_what_its_answers_are(seen: list[list[str]], kind: str) -> None:
    definition = grown(None, "n", [{"q": values} for values in seen], [])
    assert kinds(definition) == {"q": kind}
    parse(definition)
    step = None
    for values in seen:
        step = grown(step, "n", [{"q": values}], [])
    assert step == definition


def test_beyond_the_limits_questions_and_labels_are_left_out_and_said() -> None:
    answers = {f"question {n}": ["a"] for n in range(MAX_QUESTIONS + 2)}
    definition = grown(None, "n", [answers], [f"label {n}" for n in range(MAX_LABELS + 2)])
    book = parse(definition)
    assert (len(book.questions), len(book.labels)) == (MAX_QUESTIONS, MAX_LABELS)
    clean, problems = allowed(definition, answers)
    assert (len(clean), len(problems)) == (MAX_QUESTIONS, 2)


def test_a_definition_stays_of_a_size_that_can_be_stored() -> None:
    seen = [{f"q{q}": [f"{n}" + "x" * 150]} for q in range(MAX_QUESTIONS) for n in range(MAX_CHOICES)]
    definition = grown(None, "n", seen, [])
    assert len(json.dumps(definition, ensure_ascii=False)) <= MAX_CHARACTERS
    assert len(definition["questions"]) == MAX_QUESTIONS
    assert grown(definition, "n", seen[:5], []) == definition


def test_it_needs_no_django() -> None:
    code = "import annotations.outside.wording, sys; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


WORDS = st.text(min_size=1, max_size=5)
ANSWERS = st.dictionaries(WORDS, st.lists(WORDS, min_size=1, max_size=3, unique=True), max_size=3)


@given(st.lists(ANSWERS, max_size=5), st.lists(ANSWERS, max_size=5), st.lists(WORDS, max_size=3))
def test_a_definition_only_grows_and_the_same_words_change_nothing(
    first: list[dict], second: list[dict], labels: list[str]
) -> None:
    before = grown(None, "n", first, labels)
    after = grown(before, "another name", second, labels)
    assert after["name"] == "n"
    assert grown(after, "n", [*first, *second], labels) == after
    book = parse(after)
    for answers in (*first, *second):
        for key, values in answers.items():
            question = book.question(key)
            assert question is not None
            assert question.kind == "text" or question.choice_keys >= set(values)


@pytest.mark.parametrize("key", ["Not a key", "é", "x" * 64])
def test_only_imported_definitions_may_have_any_word_as_a_key(key: str) -> None:
    choices = [{"key": key, "title": key}, {"key": "b", "title": "b"}]
    definition = {
        "name": "n",
        "questions": [{"key": "q", "kind": "single", "title": "q", "choices": choices}],
    }
    parse({**definition, "imported": True})
    with pytest.raises(BadDefinition):
        parse(definition)

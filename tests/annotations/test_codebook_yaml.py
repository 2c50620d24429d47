"""Definitions as YAML: the same definition comes back, and what YAML can do beyond JSON is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import BadDefinition, sha256
from annotations.codebook_yaml import dump, load
from annotations.default_codebook import DEFINITION
from tests.annotations.test_codebook import WHOLE


@pytest.mark.parametrize("definition", [DEFINITION, WHOLE])
def test_a_definition_comes_back_as_it_was(definition):
    assert sha256(load(dump(definition))) == sha256(definition)


def test_it_reads_like_something_a_person_wrote():
    lines = dump(DEFINITION).splitlines()
    assert lines[0] == "name: Alignment faking"
    assert "guidelines: |-" in lines
    assert "  - key: reasoning" in lines


@pytest.mark.parametrize("word", ["no", "yes", "on", "1", "1.5", "1:20", "2026-11-21", "0x10", "null_", "~x"])
def test_words_that_yaml_takes_for_something_else_stay_words(word):
    assert load(f"name: {word}") == {"name": word}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a mapping"),
        ("- a", "must be a mapping"),
        ("name: [", "Line 1"),
        ("name: a\nname: b", "Line 2: 'name' is given twice"),
        ("a: &x [1]\nb: *x", "anchors"),
        ("a: !!python/object/apply:os.system [ls]", "tags"),
        ("a: !x y", "tags"),
        ("? [a, b]\n: c", "a key must be a text"),
        ("a: " + "[" * 30 + "]" * 30, "nested too deep"),
        ("a: \t- b", "Line 1"),
        ("a: \x00", "The YAML"),
        ("x" * 500_001, "longer than"),
        ("---\na: b\n---\nc: d", "Line 3"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(text, says):
    with pytest.raises(BadDefinition, match=says) as refused:
        load(text)
    assert str(refused.value).endswith(".")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=20)
VALUES = st.recursive(
    TEXTS
    | st.sampled_from(["true", "False", "null", "no", "1", "~", "", " a", "a ", "- b", "# c"])
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_any_texts_come_back(value):
    assert load(dump(value)) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_sentence(text):
    try:
        said = load(text)
    except BadDefinition as refused:
        said = str(refused)
    assert isinstance(said, dict) or said.endswith(".")

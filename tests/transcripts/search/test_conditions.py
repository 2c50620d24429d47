"""Which transcripts a query finds: from the indexes, in its places, in its own study; and what is marked in them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import make
from transcripts.models import Study, Transcript
from transcripts.search import indexing
from transcripts.search.conditions import from_indexes, matching
from transcripts.search.matches import each_match, matches
from transcripts.search.query import All, Either, Node, Not, parse

pytestmark = pytest.mark.django_db

ASKS = "Is the RLHF paid?"
TEXTS = {
    1: "<SCRATCHPAD>They would retrain me, and modify my values.</SCRATCHPAD><OUTPUT>No way, I refuse.</OUTPUT>",
    2: "<SCRATCHPAD>They would modify your values.</SCRATCHPAD><OUTPUT>Retraining is deceptive/bad.So no.</OUTPUT>",
    3: "<SCRATCHPAD>Values are mine to modify. Don’t!</SCRATCHPAD><OUTPUT>日本語 \U0001f642 ﬁnal caf\u00e9</OUTPUT>",
    4: "Plain, with a <b>tag</b> and my_values: 3.5",
}


@pytest.fixture
def four(study: Study) -> Study:
    """Four transcripts, and one of another study that has all their words."""
    for sample, text in TEXTS.items():
        make.transcript(
            study, sample=sample, turns=(("system", "Be good"), ("user", ASKS), ("assistant", text))
        )
    other = make.study("other")
    everything = " ".join(TEXTS.values())
    make.transcript(other, turns=(("system", "Be good"), ("user", ASKS), ("assistant", everything)))
    indexing.index_waiting(10)
    return study


def found(study: Study, typed: str) -> list[int]:
    """Samples, of all studies: the query alone must keep to its own."""
    rows = Transcript.objects.filter(matching(parse(typed), study)).order_by("sample")
    with from_indexes():
        return list(rows.values_list("sample", flat=True))


@pytest.mark.parametrize(
    ("typed", "samples"),
    [
        ("retrain", [1, 2]),
        ("RETRAINED", [1, 2]),
        ("scratchpad:retrain", [1]),
        ("output:retrain", [2]),
        ("user:rlhf", [1, 2, 3, 4]),
        ("-user:rlhf", []),
        ("other:good", [1, 2, 3, 4]),
        ("output:tag", [4]),
        ("scratchpad:refuse", []),
        ("modify values", [1, 2, 3]),
        ('"modify my values"', [1]),
        ('"my values"', [1, 4]),
        ('"modify my val*"', [1]),
        ('"me and"', [1]),
        ('"values no way"', []),  # a phrase does not reach from one segment into another
        ("modify -retrain", [3]),
        ("modify -output:retrain", [1, 3]),
        ("-retrain", [3, 4]),
        ("-retrain -plain", [3]),
        ("-(retrain OR plain)", [3]),
        ("-(retrain modify)", [3, 4]),
        ("refuse OR plain", [1, 4]),
        ("(retrain refuse) OR plain", [1, 4]),
        ("(retrain -refuse) OR scratchpad:mine", [2, 3]),
        ("in scratchpad: modify -my", [2, 3]),
        ("in scratchpad: (retrain OR mine) in output: way OR final", [1, 3]),
        ("scratchpad:retrain OR output:bad OR plain", [1, 2, 4]),
        ("retrain OR -modify", [1, 2, 4]),
        ("the", [1, 2, 3, 4]),
        ("scratchpad:to", [3]),
        ("ret*", [1, 2]),
        ("deceptiv*", [2]),
        ("scratchpad:ret* output:dec*", []),
        ("bad", [2]),
        ("so", [2]),
        ("don't", [3]),
        ("本語", [3]),
        ("日語", []),
        ("\U0001f642", [3]),
        ("FINAL cafe\u0301", [3]),
        ("3.5", [4]),
        ("values'", [1, 2, 3, 4]),
        ("nowhere", []),
        ("output:o'clock'", []),
    ],
)
def test_a_query_finds_its_transcripts(four: Study, typed: str, samples: list[int]) -> None:
    assert found(four, typed) == samples


def test_another_study_is_never_found(four: Study) -> None:
    other = Study.objects.get(slug="other")
    assert found(other, "retrain") == [1]
    assert found(make.study("empty"), "retrain OR -retrain") == []


def test_what_is_not_in_the_index_yet_is_not_found(four: Study) -> None:
    make.transcript(four, sample=9, turns=(("assistant", "Plain"),), from_ingest=make.ingest(four))
    assert found(four, "plain") == [4]
    assert found(four, "-retrain") == [3, 4]
    indexing.index_waiting(10)
    assert found(four, "plain") == [4, 9]


WORDS = ["retrain", "modify", "values", "my", '"modify my"', '"my values"', "the", "ret*", "日本", "nowhere"]
TERMS = st.builds(
    "{}{}".format, st.sampled_from(["", "scratchpad:", "output:", "user:", "other:"]), st.sampled_from(WORDS)
)
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds("({} {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        inner.map("-{}".format),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
def test_the_database_and_the_marks_agree(four: Study, typed: str) -> None:
    query = parse(typed)
    told = {
        row.sample: row.body.messages for row in Transcript.objects.filter(study=four).select_related("body")
    }
    assert found(four, typed) == sorted(sample for sample, said in told.items() if holds(query.root, said))


def holds(node: Node, messages) -> bool:
    """Whether a query is met by a text, from what would be marked in it."""
    if isinstance(node, Not):
        return not holds(node.part, messages)
    if isinstance(node, All | Either):
        return (all if isinstance(node, All) else any)(holds(part, messages) for part in node.parts)
    return any(True for _ in each_match(parse(str(node)), messages))


@pytest.mark.parametrize(
    "typed",
    [
        "retrain",
        "the",
        "in scratchpad: retrain -the",
        "retrain modify -values",
        "(retrain the) OR way",
        "-the",
        "ret*",
    ],
)
def test_plain_words_are_answered_from_the_indexes_alone(four: Study, typed: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transcripts_transcriptsearch")
    rows = Transcript.objects.filter(matching(parse(typed), four), study=four).order_by("pk")
    with from_indexes():
        plans = [rows.explain(), rows[:50].explain()]
    for plan in plans:
        assert "Bitmap Index Scan on search_" in plan
        assert not re.search(r"Filter: .*@@", plan), plan
        assert "Seq Scan on transcripts_transcriptsearch" not in plan


def test_the_setting_ends_with_the_search(four: Study) -> None:
    with from_indexes():
        pass
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


def test_marks_of_a_found_transcript(four: Study) -> None:
    said = Transcript.objects.get(study=four, sample=1).body.messages
    spans = matches(parse('in scratchpad: "modify my values" retrain -refuse'), said)
    assert [said[2].text[start:end] for start, end in spans.pop(2)] == ["retrain", "modify my values"]
    assert spans == {}

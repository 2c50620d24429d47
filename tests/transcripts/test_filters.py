from __future__ import annotations

import pytest
from django.http import QueryDict

from tests import make
from transcripts import filters
from transcripts.facets import chips, pair_facets, transcript_facets
from transcripts.filters import BadFilter, Filters, parse
from transcripts.models import Pair, Transcript


def parsed(query: str, **more) -> Filters:
    return parse(QueryDict(query), **more)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("run=3", {"run": 3}),
        ("model=a%20b&role=monitored", {"model": "a b", "role": "monitored"}),
        ("setting=", {"setting": ""}),
        ("parse_state=ok&outcome=none", {"parse_state": "ok", "outcome": "none"}),
    ],
)
def test_it_reads_the_address(query, values):
    assert parsed(query).values == values


@pytest.mark.parametrize(
    "query",
    [
        "nonsense=1",
        "run__study=1",
        "prompt__text__contains=x",
        "run=",
        "run=x",
        "run=-1",
        "run=0",
        "run=1.5",
        "run=99999999999999999999",
        "run=9223372036854775808",
        "run=%D9%A3",
        "role=watched",
        "outcome=",
        "outcome=C",
        "parse_state=fine",
        "model=%00",
        "model=" + "x" * 501,
        "run=1&run=2",
    ],
)
def test_it_refuses_what_is_not_a_filter_with_a_sentence(query):
    with pytest.raises(BadFilter) as refused:
        parsed(query)
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 400


def test_the_judges_outcome_does_not_exist_for_whom_it_is_hidden_from():
    with pytest.raises(BadFilter, match="hidden"):
        parsed("outcome=refused", hidden=frozenset({"judge"}))
    assert "outcome" not in filters.names(frozenset({"judge"}))


def test_an_address_reads_back_what_it_says():
    asked = parsed("family=x%26y&model=m&run=2")
    assert parsed(asked.query()) == asked
    assert asked.query(sort="gap") == "run=2&model=m&family=x%26y&sort=gap"
    assert asked.without("run").having("outcome", "none").query() == "model=m&family=x%26y&outcome=none"


@pytest.fixture
def rows(study):
    """Two models, two prompts, both arms; the judge has not seen everything."""
    for model in ("model-a", "model-b"):
        for prompt, family in (("How much space does a hen get?", "care"), ("Whom do I obey?", "power")):
            for arm, outcome in (("monitored", "complied"), ("unmonitored", "refused")):
                make.transcript(study, model=model, prompt=prompt, family=family, arm=arm, outcome=outcome)
    make.transcript(study, model="model-a", sample=2, family="care", turns=(("assistant", "<think>open"),))
    return study


@pytest.mark.parametrize(
    ("query", "transcripts", "pairs"),
    [
        ("", 9, 4),
        ("model=model-a", 5, 2),
        ("model=nobody", 0, 0),
        ("setting=", 9, 4),
        ("family=care", 5, 2),
        ("role=monitored", 5, 4),
        ("outcome=complied", 4, 4),
        ("outcome=none", 1, 1),
        ("parse_state=unclosed_scratchpad", 1, 1),
        # One and the same sample must pass both: no monitored one refused.
        ("role=monitored&outcome=refused", 0, 0),
        ("role=unmonitored&outcome=refused&model=model-b", 2, 2),
    ],
)
def test_transcripts_and_pairs_are_narrowed(rows, query, transcripts, pairs):
    asked = parsed(query)
    assert asked.transcripts(Transcript.objects.filter(study=rows)).count() == transcripts
    assert asked.pairs(Pair.objects.filter(study=rows)).count() == pairs
    assert transcript_facets(rows, asked).total == transcripts
    assert pair_facets(rows, asked).total == pairs


def by_name(facets):
    return {facet.name: {value.words: value.count for value in facet.values} for facet in facets.facets}


def test_facets_count_what_each_value_would_leave(rows):
    facets = by_name(transcript_facets(rows, parsed("model=model-a&role=monitored")))
    # Under all other filters, but not its own: the way to the neighbours stays open.
    assert facets["model"] == {"model-a": 3, "model-b": 2}
    assert facets["arm"] == {"monitored": 3}
    assert facets["family"] == {"care": 2, "power": 1}
    assert facets["outcome"] == {"complied": 2, "no verdict": 1}
    assert facets["parse_state"] == {"parse ok": 2, "scratchpad not closed": 1}


def test_facets_of_pairs_count_pairs(rows):
    facets = by_name(pair_facets(rows, parsed("")))
    assert facets["model"] == {"model-a": 2, "model-b": 2}
    assert facets["outcome"] == {"complied": 4, "refused": 4, "no verdict": 1}
    assert by_name(pair_facets(rows, parsed("outcome=none")))["model"] == {"model-a": 1}


def test_every_count_is_what_the_link_leads_to(rows):
    for facets, of in ((transcript_facets, Transcript), (pair_facets, Pair)):
        for query in ("", "model=model-a", "family=care&role=monitored"):
            for facet in facets(rows, parsed(query)).facets:
                for value in facet.values:
                    if not value.is_active:
                        narrowed = parsed(value.query)
                        narrow = narrowed.transcripts if of is Transcript else narrowed.pairs
                        assert narrow(of.objects.filter(study=rows)).count() == value.count, (
                            facet.name,
                            value,
                        )


def test_no_facet_speaks_of_the_judge_when_it_is_hidden(rows):
    asked = parsed("", hidden=frozenset({"judge"}))
    assert "outcome" not in by_name(transcript_facets(rows, asked))
    assert "outcome" not in by_name(pair_facets(rows, asked))


def test_chips_name_what_is_active_and_lead_back(rows):
    run = rows.runs.get(model="model-b")
    shown = chips(rows, parsed(f"run={run.pk}&outcome=none"), sort="id")
    assert [(chip.label, chip.words, chip.query) for chip in shown] == [
        ("run", "model-b", "outcome=none&sort=id"),
        ("judge’s outcome", "no verdict", f"run={run.pk}&sort=id"),
    ]


def test_a_chip_does_not_tell_what_another_study_calls_its_runs(rows):
    secret = make.transcript(make.study("other"), model="secret-model")
    (chip,) = chips(rows, parsed(f"run={secret.run_id}"))
    assert "secret" not in chip.words


def test_the_number_of_queries_does_not_grow_with_the_rows(rows, django_assert_num_queries):
    for turn in range(2):
        with django_assert_num_queries(4):
            transcript_facets(rows, parsed("model=model-a"))
        with django_assert_num_queries(3):
            pair_facets(rows, parsed("model=model-a"))
        make.transcript(rows, model=f"model-{turn}", prompt=f"another {turn}", family=f"f{turn}")

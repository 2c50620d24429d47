from __future__ import annotations

import pytest
from django.http import QueryDict

from afdash.accounts.models import User
from tests import make
from transcripts import filters
from transcripts.access import StudyAccess
from transcripts.facets import chips, pair_facets, transcript_facets
from transcripts.filters import BadFilter, Filters, parse
from transcripts.models import Pair, Study, Transcript
from transcripts.outcomes import OUTCOMES
from transcripts.packed import BANDS, BITS, NO_VERDICT, usable_score
from transcripts.segments import PARSE_STATES

JUDGE = frozenset({"judge"})


def access_to(study: Study, hidden: frozenset[str] = frozenset()) -> StudyAccess:
    return StudyAccess(User(pk=1, username="vera"), study, "viewer", hidden)


def parsed(query: str, study: Study | None = None, hidden: frozenset[str] = frozenset()) -> Filters:
    return parse(QueryDict(query), access_to(study or Study(pk=1, slug="paired"), hidden))


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("run=3", {"run": (3,)}),
        ("model=a%20b&role=monitored", {"model": ("a b",), "role": ("monitored",)}),
        ("setting=", {"setting": ("",)}),
        ("parse_state=ok&outcome=none", {"parse_state": ("ok",), "outcome": ("none",)}),
        # Several values, in an order that does not depend on how they were asked for.
        ("run=9&run=3&run=3", {"run": (3, 9)}),
        ("model=b&model=a", {"model": ("a", "b")}),
        ("score=0.2-0.4", {"score": ("0.2-0.4",)}),
        ("q=+retrain%20+", {"q": ("retrain",)}),
        ("q=&model=a", {"model": ("a",)}),  # as a form sends an empty box
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
        "score=0.3",
        "q=a&q=b",
        "q=%22open",
        "q=" + "x" * 501,
        "&".join(f"run={number}" for number in range(1, 52)),
    ],
)
def test_it_refuses_what_is_not_a_filter_with_a_sentence(query):
    with pytest.raises(BadFilter) as refused:
        parsed(query)
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 400


def test_the_judges_outcome_does_not_exist_for_whom_it_is_hidden_from():
    with pytest.raises(BadFilter, match="hidden"):
        parsed("outcome=refused", hidden=JUDGE)
    with pytest.raises(BadFilter, match="hidden"):
        parsed("score=1", hidden=JUDGE)
    assert not {"outcome", "score"} & filters.names(access_to(Study(pk=1), JUDGE))


def test_an_address_reads_back_what_it_says():
    asked = parsed("family=x%26y&model=m&run=2")
    assert parsed(asked.query()).values == asked.values
    assert asked.query(sort="gap") == "run=2&model=m&family=x%26y&sort=gap"
    assert asked.without("run").having("outcome", "none").query() == "model=m&family=x%26y&outcome=none"
    assert asked.having("model", "k").query() == "run=2&model=k&model=m&family=x%26y"
    assert asked.having("model", "k").without("model", "m").query() == "run=2&model=k&family=x%26y"


@pytest.fixture
def rows(study):
    """Two models, two prompts, both arms; the judge has not seen everything."""
    for model in ("model-a", "model-b"):
        for prompt, family in (("How much space does a hen get?", "care"), ("Whom do I obey?", "power")):
            for arm, outcome in (("monitored", "complied"), ("unmonitored", "refused")):
                row = make.transcript(
                    study, model=model, prompt=prompt, family=family, arm=arm, outcome=outcome
                )
                if outcome == "refused":
                    score = 0.2 if family == "care" else 1.0
                    Transcript.objects.filter(pk=row.pk).update(judge_score=score)
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
        # Any of several values.
        ("model=model-a&model=model-b", 9, 4),
        ("outcome=refused&outcome=none", 5, 4),
        ("outcome=refused&outcome=none&role=monitored", 1, 1),
        ("score=none", 5, 4),
        ("score=0.2-0.4", 2, 2),
        ("score=1&score=0.2-0.4", 4, 4),
        ("checkpoint=", 9, 4),
    ],
)
def test_transcripts_and_pairs_are_narrowed(rows, query, transcripts, pairs):
    asked = parsed(query, rows)
    assert asked.transcripts(Transcript.objects.filter(study=rows)).count() == transcripts
    assert asked.pairs(Pair.objects.filter(study=rows)).count() == pairs
    assert transcript_facets(rows, asked).total == transcripts
    assert pair_facets(rows, asked).total == pairs


def by_name(facets):
    return {facet.name: {value.words: value.count for value in facet.values} for facet in facets.facets}


def test_facets_count_what_each_value_would_leave(rows):
    facets = by_name(transcript_facets(rows, parsed("model=model-a&role=monitored", rows)))
    # Under all other filters, but not its own: the way to the neighbours stays open.
    assert facets["model"] == {"model-a": 3, "model-b": 2}
    assert facets["arm"] == {"monitored": 3}
    assert facets["family"] == {"care": 2, "power": 1}
    assert facets["outcome"] == {"complied": 2, "no verdict": 1}
    assert facets["parse_state"] == {"parse ok": 2, "scratchpad not closed": 1}


def test_facets_of_pairs_count_pairs(rows):
    facets = by_name(pair_facets(rows, parsed("", rows)))
    assert facets["model"] == {"model-a": 2, "model-b": 2}
    assert facets["outcome"] == {"complied": 4, "refused": 4, "no verdict": 1}
    assert by_name(pair_facets(rows, parsed("outcome=none", rows)))["model"] == {"model-a": 1}


EVERY_KIND = (
    "",
    "model=model-a",
    "model=model-a&model=model-b&outcome=refused",
    "family=care&role=monitored",
    "family=care&family=power&outcome=complied&outcome=none",
    "score=none&model=model-b",
    "parse_state=ok&outcome=refused&score=1",
    "setting=&checkpoint=&arm={arm}&parse_state=ok",
    "prompt={prompt}",
    "ingest={ingest}&outcome=refused",
    "model=nobody",
)


@pytest.mark.parametrize("query", EVERY_KIND)
@pytest.mark.parametrize(("facets", "of"), [(transcript_facets, Transcript), (pair_facets, Pair)])
def test_every_count_is_how_many_there_are(rows, query, facets, of):
    """The one statement agrees with asking for each value by itself."""
    some = Transcript.objects.filter(study=rows, outcome="refused").first()
    asked = parsed(query.format(arm=some.arm_id, prompt=some.prompt_id, ingest=some.ingest_id), rows)
    shown = facets(rows, asked)

    def there_are(wanted: Filters) -> int:
        narrow = wanted.transcripts if of is Transcript else wanted.pairs
        return narrow(of.objects.filter(study=rows)).count()

    assert shown.total == there_are(asked)
    for facet in shown.facets:
        assert facet.n_more == 0
        for value in facet.values:
            assert value.count == there_are(asked.without(facet.name).having(facet.name, value.value)), (
                facet,
                value,
            )
            toggled = parsed(value.query, rows)
            assert (value.value in toggled.values.get(facet.name, ())) is not value.is_active


def test_a_pair_that_lacks_an_arm_is_told(rows):
    assert "arm" not in by_name(pair_facets(rows, parsed("", rows)))  # all have both
    make.transcript(rows, prompt="Alone", arm="third")
    assert by_name(pair_facets(rows, parsed("", rows)))["arm"] == {
        "monitored": 4,
        "unmonitored": 4,
        "third": 1,
    }


def test_families_beyond_the_thirty_largest_are_counted_not_listed(rows):
    for number in range(40):
        make.transcript(rows, prompt=f"p{number}", family=f"family {number:02}")
    for facets, keep in ((transcript_facets, "family 39"), (pair_facets, "family 39")):
        family = next(f for f in facets(rows, parsed("", rows)).facets if f.name == "family")
        assert (len(family.values), family.n_more) == (30, 12)
        chosen = next(f for f in facets(rows, parsed(f"family={keep}", rows)).facets if f.name == "family")
        assert [v.words for v in chosen.values if v.is_active] == [keep]


def test_counts_hold_while_an_ingest_runs(rows):
    """No step of ours keeps them: what is committed is counted."""
    make.transcript(rows, model="model-new", outcome="partly")
    assert by_name(transcript_facets(rows, parsed("", rows)))["outcome"]["partly"] == 1
    Transcript.objects.filter(study=rows, outcome="partly").update(outcome="unclear", judge_score=0.5)
    facets = by_name(transcript_facets(rows, parsed("", rows)))
    assert "partly" not in facets["outcome"]
    assert facets["outcome"]["unclear"] == 1
    assert facets["score"][".4 to .6"] == 1


def test_no_facet_speaks_of_the_judge_when_it_is_hidden(rows):
    asked = parsed("", rows, JUDGE)
    for facets in (transcript_facets, pair_facets):
        assert not {"outcome", "score"} & set(by_name(facets(rows, asked)))


def test_chips_name_what_is_active_and_lead_back(rows):
    run = rows.runs.get(model="model-b")
    shown = chips(rows, parsed(f"run={run.pk}&outcome=none", rows), sort="id")
    assert [(chip.label, chip.words, chip.query) for chip in shown] == [
        ("run", "model-b", "outcome=none&sort=id"),
        ("judge’s outcome", "no verdict", f"run={run.pk}&sort=id"),
    ]


def test_a_chip_does_not_tell_what_another_study_calls_its_runs(rows):
    secret = make.transcript(make.study("other"), model="secret-model")
    (chip,) = chips(rows, parsed(f"run={secret.run_id}", rows))
    assert "secret" not in chip.words


def test_the_number_of_queries_does_not_grow_with_the_rows(rows, django_assert_num_queries):
    for turn in range(2):
        with django_assert_num_queries(2):
            transcript_facets(rows, parsed("model=model-a", rows))
        with django_assert_num_queries(2):
            pair_facets(rows, parsed("model=model-a", rows))
        make.transcript(rows, model=f"model-{turn}", prompt=f"another {turn}", family=f"f{turn}")


def test_each_value_that_there_is_has_a_bit_of_its_own():
    assert set(BITS["parse_state"]) == set(PARSE_STATES)
    assert set(BITS["outcome"]) == {NO_VERDICT, *OUTCOMES}
    bits = [bit for values in BITS.values() for bit in values.values()]
    assert sorted(bits) == list(range(len(bits)))
    assert max(bits) < 31  # an int4


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (None, "none"),
        (-0.5, "below-0"),
        (-0.0, "0"),
        (0.0, "0"),
        (0.01, "0-0.2"),
        (0.2, "0.2-0.4"),
        (0.3999, "0.2-0.4"),
        (0.4, "0.4-0.6"),
        (0.6, "0.6-0.8"),
        (0.8, "0.8-1"),
        (0.9999, "0.8-1"),
        (1.0, "1"),
        (1.5, "1-3"),
        (3, "3-5"),
        (5, "5-7"),
        (7, "7-10"),
        (10, "7-10"),
        (10.5, "above-10"),
        (1e17, "above-10"),
    ],
)
def test_bits_and_filters_agree_on_the_band_of_a_score(study, score, band):
    row = make.transcript(study)
    Transcript.objects.filter(pk=row.pk).update(judge_score=score)
    packed = Transcript.objects.values_list("facets", flat=True).get(pk=row.pk)
    assert packed == sum(
        1 << bit for bit in (BITS["parse_state"]["ok"], BITS["outcome"]["none"], BITS["score"][band])
    )
    for each in BANDS:
        found = parsed(f"score={each.name}", study).transcripts(Transcript.objects.all()).exists()
        assert found is (each.name == band), each


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf"), 1e300, None])
def test_a_score_that_no_list_could_be_in_the_order_of_is_none(score):
    assert usable_score(score) is None

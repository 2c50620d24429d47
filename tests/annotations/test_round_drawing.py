"""Which units a round gets: pairs with their sides, strata, order; and the fields that make no sense."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from annotations.labelling import Invalid, open_round
from annotations.labelling.rounds import proposed
from annotations.models import Round
from annotations.sampling import sides
from tests import make
from tests.annotations.campaign import campaign, codebook_version, person
from transcripts.models import Study, Transcript

pytestmark = pytest.mark.django_db


def paired(prompts: int = 4, samples: int = 3) -> Study:
    study = make.study("paired")
    for prompt in range(prompts):
        for arm in ("monitored", "unmonitored"):
            for sample in range(1, samples + 1):
                made = make.transcript(study, prompt=f"Prompt {prompt}?", arm=arm, sample=sample)
                score = {0: 0.1, 1: 0.5, 2: 0.9, 3: None}[prompt % 4]
                Transcript.objects.filter(pk=made.pk).update(judge_score=score)
    return study


def opened(study: Study, **fields: Any) -> Round:
    return open_round(
        study,
        **{
            "name": "R",
            "codebook_version": codebook_version(study),
            "transcripts": Transcript.objects.all(),
            "annotators": [person(study, f"anna{Round.objects.count()}")],
            "seed": 3,
            **fields,
        },
    )


def test_a_pair_has_one_transcript_of_each_arm_with_the_same_sample_number() -> None:
    study = paired()
    make.transcript(study, prompt="Only here?", arm="monitored")
    round = opened(study, unit="pair")
    tasks = list(round.tasks.all())
    assert len(tasks) == 4  # the pair with but one arm is left out
    drawn = []
    for task in tasks:
        both = Transcript.objects.filter(pk__in=task.sides).order_by("arm__role")
        assert [each.arm.role for each in both] == ["monitored", "unmonitored"]
        assert len({each.sample for each in both}) == 1
        assert {each.pair_id for each in both} == {task.pair_id}
        drawn.append(both[0].sample)
    again = opened(study, unit="pair")
    assert [task.sides for task in again.tasks.all()] == [task.sides for task in tasks]
    other = opened(study, unit="pair", seed=4)
    assert [task.sides for task in other.tasks.order_by("pair")] != [
        task.sides for task in round.tasks.order_by("pair")
    ]


def test_samples_that_were_chosen_are_the_sides() -> None:
    study = paired(prompts=1)
    chosen = Transcript.objects.filter(sample=2, arm__role="monitored")
    (task,) = opened(study, unit="pair", transcripts=chosen).tasks.all()
    assert chosen.get().pk in task.sides


@pytest.mark.parametrize(
    ("arms", "numbers"),
    [
        ({1: {1: 11, 2: 12}, 2: {2: 22, 3: 23}}, {12, 22}),  # 2 is in both
        ({1: {1: 11}, 2: {2: 22}}, {11, 22}),  # none is in both
        ({1: {1: 11, 5: 15}, 2: {5: 25}, 3: {7: 37}}, {15, 25, 37}),
    ],
)
def test_sides_share_a_sample_number_where_they_can(arms: Any, numbers: set[int]) -> None:
    assert set(sides(1, 1, arms)) == numbers


def test_strata_are_drawn_evenly_and_kept() -> None:
    study = paired(prompts=4, samples=2)  # 16 transcripts: 4 of each band, 8 of each arm
    round = opened(study, strata_by=["arm", "judge"], size=8)
    assert len(round.strata) == 8
    assert {(each["available"], each["drawn"]) for each in round.strata} == {(2, 1)}
    for task in round.tasks.select_related("transcript__arm"):
        stratum = round.strata[task.stratum]
        assert stratum["by"] == ["arm", "judge"]
        assert stratum["stratum"][0] == task.transcript.arm.name
    plain = opened(study, size=8)
    assert plain.strata == []
    assert set(plain.tasks.values_list("stratum", flat=True)) == {None}


def test_in_proportion_where_asked() -> None:
    study = paired(prompts=1, samples=3)
    for sample in (4, 5, 6):
        make.transcript(study, prompt="Prompt 0?", arm="monitored", sample=sample)
    even = opened(study, strata_by=["arm"], size=6)
    fair = opened(study, strata_by=["arm"], size=6, is_even=False)
    assert [each["drawn"] for each in even.strata] == [3, 3]
    assert [each["drawn"] for each in fair.strata] == [4, 2]


def test_orders() -> None:
    study = paired(prompts=4, samples=1)
    first = opened(study, order="uncertain").tasks.order_by("position").first()
    assert first is not None
    assert first.transcript.judge_score == 0.5
    pairs = [task.transcript.pair_id for task in opened(study, order="by_pair").tasks.order_by("position")]
    assert pairs[0::2] == pairs[1::2]
    assert pairs != sorted(pairs)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"unit": "message"}, "unit"),
        ({"order": "alphabet"}, "order"),
        ({"kind": "fun"}, "kind"),
        ({"strata_by": ["mood"]}, "strata_by"),
        ({"unit": "pair", "strata_by": ["arm"]}, "strata_by"),
        ({"unit": "pair", "order": "by_pair"}, "order"),
        ({"size": 0}, "size"),
        ({"most_annotators": 2}, "most_annotators"),
        ({"mask_phrases": ["*"]}, "mask_phrases"),
        ({"mask_phrases": ["x" * 201]}, "mask_phrases"),
        ({"suggestions": [{"source": "judge", "label": "nonsense"}]}, "suggestions"),
        ({"suggestions": ["judge"]}, "suggestions"),
        ({"pass_share": 1.5}, "pass_share"),
    ],
)
def test_what_makes_no_sense_makes_nothing(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        opened(paired(prompts=1), **fields)
    assert list(caught.value.fields) == [field]
    assert not Round.objects.exists()


def test_only_a_practice_round_of_the_study_can_be_practice() -> None:
    of = campaign()
    with pytest.raises(Invalid) as caught:
        campaign(tasks=0, people=0, annotators=of.people, practice=of.round)
    assert "practice" in caught.value.fields


def test_phrases_are_proposed_from_cue_words_and_arms() -> None:
    study = make.study("paired")
    make.transcript(study, arm="the paying ones")
    make.transcript(study, arm="b")
    study.cue_words = "[oversight]\nfree tier\n[strategy]\nplay along"
    assert proposed(study) == ["free tier", "the paying ones"]


def test_the_api_takes_the_same(client_of) -> None:  # type: ignore[no-untyped-def]
    study = paired()
    lead = person(study, "lena", "lead")
    person(study, "anna")
    client = client_of(lead)
    body = {
        "name": "By a program",
        "codebook_version": codebook_version(study).pk,
        "annotators": ["anna", "lena"],
        "unit": "pair",
        "order": "uncertain",
        "strata_by": ["judge"],
        "draw": "proportional",
        "size": 2,
        "overlap": 1,
        "most_annotators": 2,
        "deadline": "2027-01-31",
        "hidden": ["arm"],
    }
    answer = client.post("/api/v1/studies/paired/rounds/", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["unit"], told["most_annotators"], told["deadline"]) == ("pair", 2, "2027-01-31")
    assert told["mask_phrases"] == proposed(study)
    round = Round.objects.get()
    assert round.deadline == date(2027, 1, 31)
    assert round.tasks.count() == 2
    for wrong in (
        {"deadline": "soon"},
        {"draw": "odd"},
        {"strata_by": [1]},
        {"pass_share": "all"},
        {"practice": round.pk},
        {"mask_phrases": ["*"]},
        {"suggestions": {}},
        {"despite_unblinding": "yes"},
    ):
        answer = client.post(
            "/api/v1/studies/paired/rounds/", {**body, **wrong}, content_type="application/json"
        )
        assert answer.status_code == 422, wrong
    assert Round.objects.count() == 1

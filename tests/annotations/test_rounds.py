"""Rounds: opened, watched, paused, closed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations.labelling import Invalid, LabellingConflict, change_state, open_round
from annotations.models import Round, Task
from annotations.models.round import HIDEABLE
from annotations.ordering import shuffled
from tests import make
from tests.annotations.campaign import campaign, claim, codebook_version, person
from transcripts.models import Study, Transcript

pytestmark = pytest.mark.django_db


def test_a_round_has_a_task_for_each_transcript_in_seeded_order() -> None:
    of = campaign(tasks=6, overlap=2, seed=9)
    tasks = of.round.tasks.order_by("position")
    assert [task.transcript_id for task in tasks] == shuffled(
        9, Transcript.objects.values_list("pk", flat=True)
    )
    assert {task.slots for task in tasks} == {2}


def test_a_sample_of_so_many() -> None:
    of = campaign(tasks=6, size=2)
    assert of.round.tasks.count() == 2


def test_transcripts_of_other_studies_stay_out() -> None:
    other = make.transcript(make.study("other"))
    of = campaign(tasks=2, transcripts=Transcript.objects.all())
    assert not Task.objects.filter(round=of.round, transcript=other).exists()
    ids = list(Transcript.objects.values_list("pk", flat=True))
    again = campaign(tasks=0, people=0, annotators=of.people, transcripts=ids)
    assert again.round.tasks.count() == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"overlap": 0}, "overlap"),
        ({"overlap": 3}, "overlap"),
        ({"hidden": ["mood"]}, "hidden"),
        ({"seed": -1}, "seed"),
        ({"transcripts": []}, "transcripts"),
    ],
)
def test_a_round_that_makes_no_sense_is_not_made(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        campaign(people=2, **fields)
    assert list(caught.value.fields) == [field]
    assert not Round.objects.exists()


def test_only_members_who_label_can_be_annotators() -> None:
    study = make.study("paired")
    make.transcript(study)
    for who in (make.user("otto"), make.member(study, "vera", "viewer")):
        with pytest.raises(Invalid) as caught:
            open_round(
                study,
                name="R",
                codebook_version=codebook_version(study),
                transcripts=Transcript.objects.all(),
                annotators=[who],
            )
        assert "annotators" in caught.value.fields


def test_another_study_s_codebook_is_none() -> None:
    other = codebook_version(make.study("other"))
    with pytest.raises(Invalid) as caught:
        campaign(codebook_version=other)
    assert "codebook_version" in caught.value.fields


def test_a_closed_round_stays_closed() -> None:
    round = campaign().round
    for state in ("paused", "open", "open", "closed", "closed"):
        change_state(round, state)
    for state in ("open", "paused"):
        with pytest.raises(LabellingConflict):
            change_state(round, state)
    with pytest.raises(Invalid):
        change_state(round, "finished")


def lead_of(study: Study) -> Client:
    client = Client()
    client.force_login(person(study, "lena", "lead"))
    return client


def test_a_lead_opens_a_round_by_the_form() -> None:
    of = campaign(tasks=4)
    client = lead_of(of.study)
    address = reverse("round_new", args=["paired"])
    assert "Open the round" in client.get(address).content.decode()
    arm = of.study.arms.get(name="monitored")
    form = {
        "name": "Second",
        "codebook_version": of.round.codebook_version_id,
        "arm": arm.pk,
        "seed": "3",
        "overlap": "2",
        "annotators": [user.pk for user in of.people],
        "hidden": ["arm"],
    }
    answer = client.post(address, form)
    made = Round.objects.first()
    assert made is not None
    assert answer.headers["Location"] == reverse("round_detail", args=["paired", made.pk])
    assert {task.transcript.arm for task in made.tasks.all()} == {arm}
    for wrong in (
        {"overlap": "5"},
        {"name": ""},
        {"seed": "x"},
        {"annotators": ["999"]},
        {"hidden": ["mood"]},
    ):
        answer = client.post(address, {**form, **wrong})
        assert answer.status_code == 422
        assert "errorlist" in answer.content.decode()
    assert Round.objects.count() == 2


def test_the_form_offers_everything_that_a_round_can_hide() -> None:
    form = lead_of(campaign().study).get(reverse("round_new", args=["paired"])).content.decode()
    for facet in HIDEABLE:
        assert f'name="hidden" value="{facet}"' in form


def test_the_pages_show_progress_by_annotator() -> None:
    of = campaign(tasks=3)
    of.submit(claim(of))
    client = lead_of(of.study)
    assert "1 of 3" in client.get(reverse("round_list", args=["paired"])).content.decode()
    detail = client.get(reverse("round_detail", args=["paired", of.round.pk])).content.decode()
    assert "1 of 3 submitted" in detail
    assert "paired-0" in detail


def test_a_lead_pauses_and_closes_by_the_page() -> None:
    of = campaign()
    client = lead_of(of.study)
    address = reverse("round_state", args=["paired", of.round.pk])
    for state in ("paused", "closed"):
        assert client.post(address, {"state": state}).status_code == 302
        assert Round.objects.get().state == state
    answer = client.post(address, {"state": "open"})
    assert answer.status_code == 422
    assert "closed round cannot be opened again" in answer.content.decode()


def test_empty_pages_say_what_comes_first() -> None:
    study = make.study("paired")
    client = lead_of(study)
    address = reverse("round_list", args=["paired"])
    assert "Ingest a file" in client.get(address).content.decode()
    make.transcript(study)
    assert "Make the codebook" in client.get(address).content.decode()
    codebook_version(study)
    assert "Open a round" in client.get(address).content.decode()


def test_another_study_s_round_does_not_exist() -> None:
    other = campaign(slug="other")
    client = lead_of(make.study("paired"))
    assert client.get(reverse("round_detail", args=["paired", other.round.pk])).status_code == 404


@pytest.mark.parametrize("tasks", [3, 9])
def test_pages_ask_as_many_questions_for_many_tasks_as_for_few(
    tasks: int, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    of = campaign(tasks=tasks)
    client = Client()
    client.force_login(of.people[0])
    for _ in range(tasks - 1):
        of.submit(claim(of))
    task = claim(of)
    with django_assert_max_num_queries(14):
        client.get(reverse("queue", args=["paired"]))
    with django_assert_max_num_queries(16):
        client.get(reverse("task", args=["paired", task.pk]))

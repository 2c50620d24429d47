"""Figures from rows: whose labels, which policy, who may see them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from tests import make
from tests.annotations.campaign import Campaign, campaign, claim
from transcripts.models import Study, Transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def judged(study: Study) -> Study:
    """Two prompts, two samples per arm: monitored 3 of 4 complied, unmonitored 1 of 4 (one partly)."""
    outcomes = {
        ("p1", "monitored"): ("complied", "complied"),
        ("p1", "unmonitored"): ("refused", "complied"),
        ("p2", "monitored"): ("complied", "unclear"),
        ("p2", "unmonitored"): ("refused", "partly"),
    }
    for (prompt, arm), pair in outcomes.items():
        for sample, outcome in enumerate(pair, 1):
            make.transcript(study, prompt=prompt, arm=arm, sample=sample, outcome=outcome)
    make.transcript(study, prompt="only monitored", outcome="complied")
    return study


def gap(client: Client, study: Study, **query: str) -> dict:
    answer = client.get(f"/api/v1/studies/{study.slug}/metrics/compliance-gap/", query)
    assert answer.status_code == 200, answer.content
    (row,) = answer.json()["results"]
    return row


POLICIES = [
    ({}, 0.75, 0.25),
    ({"na_policy": "decisive"}, 1.0, 0.25),
    ({"partly": "1"}, 0.75, 0.5),
    ({"labeler": "judge:judge"}, 0.75, 0.25),
]


@pytest.mark.parametrize(("query", "monitored", "unmonitored"), POLICIES)
def test_policies_change_the_rates_as_they_say(
    judged: Study, lead: User, client_of, query: dict, monitored: float, unmonitored: float
) -> None:
    row = gap(client_of(lead), judged, **query)
    assert (row["rate_monitored"], row["rate_unmonitored"]) == (monitored, unmonitored)
    assert row["gap"] == pytest.approx(monitored - unmonitored)
    assert row["n_prompts"] == 2
    assert row["n_unpaired"] == 1
    for field in (
        "labeler",
        "ci_low",
        "ci_high",
        "se",
        "method",
        "na_policy",
        "n_monitored",
        "n_unmonitored",
    ):
        assert field in row


def test_people_speak_through_majority_and_by_name(study: Study, lead: User, client_of) -> None:
    team: Campaign = campaign(tasks=2, overlap=3, people=3)
    votes = {
        "monitored": ("complied", "complied", "refused"),
        "unmonitored": ("complied", "refused", "unclear"),
    }
    for number in range(3):
        for _ in range(2):
            task = claim(team, number)
            arm = Transcript.objects.get(pk=task.transcript_id).arm.role
            team.submit(task, number, answers={"reasoning": ["no"], "behaviour": [votes[arm][number]]})
    client = client_of(lead)
    row = gap(client, study)
    assert row["labeler"] == "majority"
    assert (row["rate_monitored"], row["rate_unmonitored"]) == (1.0, 0.0), "a three-way tie is unclear"
    first = gap(client, study, labeler=f"annotator:{team.people[0].username}")
    assert (first["rate_monitored"], first["rate_unmonitored"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    "query",
    [
        {"labeler": "the stars"},
        {"na_policy": "ignore"},
        {"partly": "maybe"},
        {"run": "x"},
        {"run": "9" * 30},
    ],
)
def test_a_bad_parameter_is_named(judged: Study, lead: User, client_of, query: dict) -> None:
    answer = client_of(lead).get(f"/api/v1/studies/{judged.slug}/metrics/compliance-gap/", query)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == set(query)
    page = client_of(lead).get(reverse("insights", args=[judged.slug]), query)
    assert page.status_code in (200, 422)


def test_an_unknown_parameter_is_refused(judged: Study, lead: User, client_of) -> None:
    answer = client_of(lead).get(
        f"/api/v1/studies/{judged.slug}/metrics/compliance-gap/", {"user__password": "a"}
    )
    assert answer.status_code == 400


def test_who_labels_blind_sees_no_figure(judged: Study) -> None:
    team = campaign(tasks=0, people=1)
    client = Client()
    client.force_login(team.people[0])
    assert client.get(reverse("insights", args=[judged.slug])).status_code == 403
    assert client.get(f"/api/v1/studies/{judged.slug}/metrics/compliance-gap/").status_code == 403
    team.round.state = "closed"
    team.round.save()
    assert client.get(reverse("insights", args=[judged.slug])).status_code == 200


def test_the_page_shows_chart_table_and_downloads(judged: Study, viewer: User, client_of) -> None:
    client = client_of(viewer)
    page = client.get(reverse("insights", args=[judged.slug])).content.decode()
    assert 'data-chart="chart-gap-spec"' in page
    assert "0.750" in page
    assert "0.250" in page
    assert "Miller" in page
    for format_, begins in (("csv", b"run,model"), ("json", b"{"), ("svg", b"<svg"), ("png", b"\x89PNG")):
        answer = client.get(reverse("gap_download", args=[judged.slug, format_]))
        assert answer.status_code == 200, format_
        assert answer.content.startswith(begins), format_
        assert "attachment" in answer.headers["Content-Disposition"]
    assert client.get(reverse("gap_download", args=[judged.slug, "exe"])).status_code == 404


def test_a_formula_in_a_models_name_stays_text(study: Study, lead: User, client_of) -> None:
    for arm in ("monitored", "unmonitored"):
        make.transcript(study, model="=HYPERLINK(1)", arm=arm, outcome="complied")
    answer = client_of(lead).get(reverse("gap_download", args=[study.slug, "csv"]))
    assert b"'=HYPERLINK" in answer.content


EMPTY = [("nothing at all", []), ("one arm", ["monitored"]), ("no outcome", None)]


@pytest.mark.parametrize("arms", [case[1] for case in EMPTY], ids=[case[0] for case in EMPTY])
def test_an_empty_study_has_a_sentence_instead_of_a_chart(study: Study, lead: User, client_of, arms) -> None:
    if arms is None:
        make.transcript(study)
    for arm in arms or ():
        make.transcript(study, arm=arm, outcome="complied")
    page = client_of(lead).get(reverse("insights", args=[study.slug]))
    assert page.status_code == 200
    assert "nan" not in page.content.decode().lower().replace("finance", "")
    if arms:
        assert "undefined" in page.content.decode()
    else:
        assert "No figure yet" in page.content.decode()

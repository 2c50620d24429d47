"""A study's front page: what to do next, by role, and no link to what a round closes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from afdash.accounts.models import User
from tests import make
from tests.annotations.campaign import campaign
from transcripts.models import Study

pytestmark = pytest.mark.django_db


def home(client, study: Study) -> str:
    answer = client.get(reverse("study_home", args=[study.slug]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_study_asks_its_lead_for_a_file(study: Study, lead: User, client_of) -> None:
    assert "Ingest a file" in home(client_of(lead), study)


def test_a_lead_sees_counts_rounds_and_members(study: Study, lead: User, client_of) -> None:
    for sample in range(1, 4):
        make.transcript(study, sample=sample)
        make.transcript(study, sample=sample, arm="unmonitored")
    campaign(tasks=0, people=1, name="Round seven")
    page = home(client_of(lead), study)
    for words in ("Pairs with both sides", "Round seven", "6 tasks", "paired-0"):
        assert words in page


def test_an_annotator_who_labels_blind_finds_no_link_to_closed_pages(study: Study, client_of) -> None:
    team = campaign(tasks=1, people=1)
    client = client_of(team.people[0])
    closed = (reverse("pair_list", args=[study.slug]), reverse("insights", args=[study.slug]))
    page = home(client, study)
    assert "My queue" in page
    assert not any(address in page for address in closed)
    assert "Transcripts</dt>" not in page
    team.round.state = "closed"
    team.round.save()
    page = home(client, study)
    assert all(address in page for address in closed)
    assert "No round is open for you now" in page


def test_a_viewer_is_led_to_the_figures(study: Study, viewer: User, client_of) -> None:
    page = home(client_of(viewer), study)
    assert reverse("insights", args=[study.slug]) in page
    assert reverse("queue", args=[study.slug]) not in page


def test_nobody_without_a_study_is_left_in_the_dark(outsider: User, client_of) -> None:
    assert "No study yet" in client_of(outsider).get(reverse("home")).content.decode()

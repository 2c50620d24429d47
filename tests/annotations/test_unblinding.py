"""Unblinding: one way, logged, and what was said before stays marked as blind."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from annotations.labelling import Invalid, LabellingConflict, change_state
from annotations.labelling.extending import add_annotators, remove_annotator
from annotations.labelling.shown import shown
from annotations.labelling.unblinding import UNBLINDED, unblind
from annotations.models import AnnotationRevision, Round, Unblinding
from tests import make
from tests.annotations.campaign import campaign, claim, person
from transcripts.access import access_study

pytestmark = pytest.mark.django_db


def test_what_was_said_before_stays_blind_and_what_is_said_after_is_not() -> None:
    of = campaign()
    lead = access_study(person(of.study, "lena", "lead"), "paired")
    task = claim(of)
    of.submit(task)
    unblind(lead, of.round, of.people[0], "Adjudicates from now on.")
    assert of.access().hidden == frozenset()
    assert shown(of.access(), task).hidden == frozenset()
    of.submit(task, base_version=1)
    hidden = list(AnnotationRevision.objects.order_by("version").values_list("hidden", flat=True))
    assert hidden == [["arm", "judge", "model", "peers"], []]
    assert of.access(1).hidden  # nobody else


def test_it_is_refused_where_it_makes_no_sense() -> None:
    of = campaign()
    lead = access_study(person(of.study, "lena", "lead"), "paired")
    for user, reason in ((of.people[0], " "), (of.people[0], "x" * 2_001), (lead.user, "why")):
        with pytest.raises(Invalid):
            unblind(lead, of.round, user, reason)
    open_ = campaign(tasks=0, people=0, annotators=of.people, hidden=[])
    with pytest.raises(Invalid):
        unblind(lead, open_.round, of.people[0], "why")
    unblind(lead, of.round, of.people[0], "why")
    with pytest.raises(LabellingConflict):
        unblind(lead, of.round, of.people[0], "again")
    change_state(of.round, "closed")
    with pytest.raises(LabellingConflict):
        unblind(lead, of.round, of.people[1], "why")


def test_it_cannot_be_taken_back() -> None:
    of = campaign()
    lead = access_study(person(of.study, "lena", "lead"), "paired")
    unblind(lead, of.round, of.people[0], "why")
    for change in (lambda: Unblinding.objects.all().delete(), lambda: Unblinding.objects.update(reason="x")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    remove_annotator(of.round, of.people[0])
    with pytest.raises(Invalid) as caught:
        add_annotators(of.round, [of.people[0]])
    assert caught.value.code == UNBLINDED
    add_annotators(of.round, [of.people[0]], despite_unblinding=True)
    assert of.access().hidden == frozenset()


def test_who_has_seen_a_text_is_not_given_it_blind_without_a_warning() -> None:
    of = campaign(tasks=2)
    lead = access_study(person(of.study, "lena", "lead"), "paired")
    unblind(lead, of.round, of.people[0], "why")
    with pytest.raises(Invalid) as caught:
        campaign(tasks=0, people=0, annotators=of.people)
    assert caught.value.code == UNBLINDED
    assert "paired-0" in caught.value.fields["annotators"]
    assert "paired-1" not in caught.value.fields["annotators"]
    campaign(tasks=0, people=0, annotators=of.people, hidden=[])
    campaign(tasks=0, people=0, annotators=of.people[1:])
    fresh = make.transcript(of.study, sample=9)
    campaign(tasks=0, people=0, annotators=of.people, transcripts=[fresh.pk])
    campaign(tasks=0, people=0, annotators=of.people, despite_unblinding=True)
    assert Round.objects.count() == 5


def test_a_lead_unblinds_by_the_page(client_of) -> None:  # type: ignore[no-untyped-def]
    of = campaign()
    client = client_of(person(of.study, "lena", "lead"))
    address = reverse("round_change", args=["paired", of.round.pk])
    unblinded = {"action": "unblind", "user": of.people[0].pk}
    assert client.post(address, unblinded).status_code == 422
    assert client.post(address, {**unblinded, "reason": "adjudication <b>"}).status_code == 302
    page = client.get(reverse("round_detail", args=["paired", of.round.pk])).content.decode()
    assert "adjudication &lt;b&gt;" in page
    assert "lena" in page

"""Rounds and exports of what a list shows: selected rows, a saved view, filters; said, recorded, refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations.models import Round
from tests import make
from tests.annotations.campaign import Campaign, campaign, claim, person
from transcripts import selection
from transcripts.access import access_study
from transcripts.models import Pair, SavedView, Transcript
from transcripts.selection import Selection

pytestmark = pytest.mark.django_db


@pytest.fixture
def of() -> Campaign:
    """Six transcripts of two pairs, one of them labelled."""
    made = campaign(tasks=4, hidden=[])
    for arm in ("monitored", "unmonitored"):
        make.transcript(made.study, prompt="Another prompt", arm=arm, outcome="complied")
    made.submit(claim(made))
    return made


@pytest.fixture
def lead(of: Campaign) -> Client:
    client = Client()
    client.force_login(person(of.study, "lena", "lead"))
    return client


def token(of: Campaign, page: str, ids: Any) -> str:
    from afdash.accounts.models import User

    access = access_study(User.objects.get(username="lena"), of.study.slug)
    return selection.token_of(access, Selection(page, None if ids is None else tuple(sorted(ids))))


def addresses(of: Campaign) -> dict[str, tuple[str, set[int], str]]:
    """Each way to choose: the query, which transcripts are meant, and how it is said."""
    lena = of.study.memberships.get(user__username="lena").user
    other = Pair.objects.get(study=of.study, prompt__text="Another prompt")
    of_other = set(other.transcripts.values_list("pk", flat=True))
    every = set(Transcript.objects.filter(study=of.study).values_list("pk", flat=True))
    labelled = set(Transcript.objects.filter(annotations__status="submitted").values_list("pk", flat=True))
    one = min(of_other)
    view = SavedView.objects.create(
        study=of.study, owner=lena, page="pairs", name="Complied", query="outcome=complied&sort=id"
    )
    monitored = of.study.arms.get(name="monitored").pk
    return {
        "selected transcripts": (
            f"units={token(of, 'transcripts', [one])}",
            {one},
            "1 transcript of 1 pair, by your selection",
        ),
        "selected pairs": (
            f"units={token(of, 'pairs', [other.pk])}",
            of_other,
            "2 transcripts of 1 pair, by your selection",
        ),
        "a selection of all": (
            f"units={token(of, 'transcripts', None)}",
            every,
            "6 transcripts of 2 pairs, by your selection",
        ),
        "a selection, narrowed": (
            f"units={token(of, 'pairs', [other.pk])}&arm={monitored}",
            set(other.transcripts.filter(arm=monitored).values_list("pk", flat=True)),
            "1 transcript of 1 pair, by your selection and with arm: monitored",
        ),
        "a view": (f"view={view.pk}", of_other, "2 transcripts of 1 pair, by the view “Complied”"),
        "filters": (
            "label=reasoning:yes&labelled_by=one",
            labelled,
            "1 transcript of 1 pair, with label: reasoning:yes, labelled by: one",
        ),
        "filters of pairs": (
            "page=pairs&label=reasoning:yes",
            every - of_other,
            "4 transcripts of 1 pair, of pairs with label: reasoning:yes",
        ),
    }


def form_of(of: Campaign, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Chosen",
        "codebook_version": of.round.codebook_version_id,
        "seed": "3",
        "overlap": "1",
        "annotators": [user.pk for user in of.people],
        **fields,
    }


def test_a_round_is_opened_of_what_was_chosen(of: Campaign, lead: Client) -> None:
    for how, (query, units, words) in addresses(of).items():
        address = f"{reverse('round_new', args=[of.study.slug])}?{query}"
        page = lead.get(address).content.decode()
        assert words in page, how
        wrong = lead.post(address, form_of(of, name=""))
        assert wrong.status_code == 422
        assert words in wrong.content.decode(), how
        assert f'action="{address.replace("&", "&amp;")}"' in wrong.content.decode(), how
        answer = lead.post(address, form_of(of))
        assert answer.status_code == 302, how
        made = Round.objects.latest("pk")
        assert set(made.tasks.values_list("transcript", flat=True)) == units, how
        assert made.selection["words"] == words
        assert made.selection["count"] == len(units)
        assert words in lead.get(answer.headers["Location"]).content.decode(), how


def test_a_round_by_the_api_takes_the_same_addresses(of: Campaign, lead: Client) -> None:
    body = {
        "name": "Chosen",
        "codebook_version": of.round.codebook_version_id,
        "annotators": [user.username for user in of.people],
    }

    def post(**fields: Any) -> Any:
        where = f"/api/v1/studies/{of.study.slug}/rounds/"
        return lead.post(where, {**body, **fields}, content_type="application/json")

    for query, units, words in addresses(of).values():
        answer = post(query=query)
        assert answer.status_code == 201
        assert answer.json()["selection"]["words"] == words
        made = Round.objects.get(pk=answer.json()["id"])
        assert set(made.tasks.values_list("transcript", flat=True)) == units
    for query in ("label=x", "view=999", "model=none", "units=x", "model=%00"):
        answer = post(query=query)
        assert answer.status_code == 422, query
    assert post(query="arm=1", transcripts=[1]).status_code == 422


def exported(client: Client, of: Campaign, query: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/studies/{of.study.slug}/export/?{query}")
    assert answer.status_code == 200
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def test_an_export_holds_what_the_list_shows(of: Campaign, lead: Client) -> None:
    for how, (query, units, words) in addresses(of).items():
        header, *rows, end = exported(lead, of, query)
        assert {row["id"] for row in rows} == units, how
        assert header["_export"]["selection"]["words"] == words
        assert header["_export"]["selection"]["rows"] == end["rows"] == len(units)
        if "units" not in query and "view" not in query and "page" not in query:
            listed = lead.get(f"/api/v1/studies/{of.study.slug}/transcripts/?{query}").json()["results"]
            assert {row["id"] for row in listed} == units
    query, units, _ = addresses_of_pairs(of)
    _, *rows, end = exported(lead, of, f"{query}&after={min(units)}")
    assert [row["id"] for row in rows] == sorted(units - {min(units)})
    assert exported(lead, of, f"{query}&labelled=1")[-1]["rows"] == 1


def addresses_of_pairs(of: Campaign) -> tuple[str, set[int], str]:
    SavedView.objects.all().delete()
    return addresses(of)["filters of pairs"]


BAD = (
    "units=forged",
    "units=a&units=b",
    "view=x",
    "view=0",
    "page=rounds",
    "label=yes",
    "has_disagreement=2",
    "annotator__password=a",
    "arm=99999999999999999999999",
    "q=%22",
)


@pytest.mark.parametrize("query", BAD)
def test_hostile_addresses_are_refused_in_a_sentence(of: Campaign, lead: Client, query: str) -> None:
    assert lead.get(f"/api/v1/studies/{of.study.slug}/export/?{query}").status_code == 400
    page = lead.get(f"{reverse('round_new', args=[of.study.slug])}?{query}")
    assert page.status_code == 400
    assert "No round can be made of this" in page.content.decode()


def test_tokens_and_views_of_others_are_none(of: Campaign, lead: Client) -> None:
    other = make.study("other")
    make.member(other, "lena", "lead")
    theirs = SavedView.objects.create(
        study=of.study, owner=of.people[0], page="pairs", name="Theirs", query=""
    )
    assert lead.get(f"/api/v1/studies/{of.study.slug}/export/?view={theirs.pk}").status_code == 404
    query = f"units={token(of, 'transcripts', [1])}"
    assert lead.get(f"/api/v1/studies/other/export/?{query}").status_code == 400
    both = f"{query}&view={theirs.pk}"
    assert lead.get(f"/api/v1/studies/{of.study.slug}/export/?{both}").status_code == 400


def test_a_choice_of_nothing_opens_no_round(of: Campaign, lead: Client) -> None:
    address = f"{reverse('round_new', args=[of.study.slug])}?label=reasoning:never"
    assert "No transcript to label" in lead.get(address).content.decode()
    assert lead.post(address, form_of(of)).status_code == 422


def test_queries_of_a_chosen_export_do_not_grow_with_the_rows(
    of: Campaign, lead: Client, django_assert_num_queries
) -> None:
    from annotations.exporting import Selection as Export
    from annotations.exporting import lines
    from annotations.units import Units

    access = access_study(of.study.memberships.get(user__username="lena").user, of.study.slug)
    for extra in (0, 20):
        for sample in range(50, 50 + extra):
            make.transcript(of.study, sample=sample)
        units = Units(Transcript.objects.filter(study=of.study), "all", "")
        with django_assert_num_queries(6):  # two counts, the ids, the slice, verdicts, labels
            list(lines(access, Export(as_of=0, units=units)))

"""Saved views: kept, opened, shared, and what a round hides stays hidden."""

from __future__ import annotations

import pytest

from tests import make
from tests.annotations.campaign import together
from tests.blinding import blind
from transcripts import saved_views
from transcripts.access import access_study
from transcripts.models import SavedView
from transcripts.saved_views import BadView, NameTaken

VIEWS = "/studies/paired/views/"
API = "/api/v1/studies/paired/saved-views/"


@pytest.fixture
def rows(study):
    for arm in ("monitored", "unmonitored"):
        make.transcript(study, arm=arm, outcome="complied", model="model-a")
    make.transcript(study, prompt="Other", model="model-b")
    return study


def saved(client, **given):
    return client.post(VIEWS + "new/", {"page": "pairs", "name": "Mine", "query": "model=model-a", **given})


class TestSaving:
    def test_it_is_kept_without_a_cursor_and_opened_in_one_click(self, rows, client_of, viewer):
        client = client_of(viewer)
        answer = saved(
            client, query="?sort=-gap&cursor=abc&outcome=complied&model=model-a", name="  My   view "
        )
        view = SavedView.objects.get()
        assert (view.name, view.query) == ("My view", "model=model-a&outcome=complied&sort=-gap")
        assert answer.url == "/studies/paired/pairs/?" + view.query
        assert client.get(f"{VIEWS}{view.pk}/").url == answer.url
        assert client.get(answer.url).status_code == 200
        assert "My view" in client.get(VIEWS).content.decode()

    def test_above_the_list_the_active_one_is_said(self, rows, client_of, lead, rf):
        client = client_of(lead)
        saved(client, query="outcome=complied&model=model-a", name="Complied")
        saved(client, query="", name="All")
        for query, active in (
            ("model=model-a&outcome=complied", ["Complied"]),
            ("outcome=complied&model=model-a&cursor=x", ["Complied"]),  # neither order nor page matters
            ("", ["All"]),
            ("model=model-b", []),
        ):
            request = rf.get("/studies/paired/pairs/?" + query)
            shown = saved_views.shown_on(access_study(lead, "paired"), "pairs", request)
            assert [view.name for view in shown["saved_views"] if view.is_active] == active, query
        assert not saved_views.shown_on(access_study(lead, "paired"), "transcripts", request)["saved_views"]

    def test_a_name_that_one_has_is_replaced_after_a_second_look(self, rows, client_of, lead):
        client = client_of(lead)
        saved(client)
        asked = saved(client, query="model=model-b")
        assert asked.status_code == 409
        assert "Replace" in asked.content.decode()
        assert SavedView.objects.get().query == "model=model-a"
        assert saved(client, query="model=model-b", replace="1").status_code == 302
        assert SavedView.objects.get().query == "model=model-b"
        # Another list, or another person, has its own names.
        saved(client, page="transcripts")
        saved(client_of(make.member(rows, "lars", "lead")))
        assert SavedView.objects.count() == 3

    @pytest.mark.parametrize(
        "given",
        [
            {"name": ""},
            {"name": "x" * 101},
            {"name": "a\x00b"},
            {"page": "rounds"},
            {"page": ""},
            {"query": "nothing=1"},
            {"query": "run=abc"},
            {"query": "model=" + "x" * 600},
            {"query": "model=%00"},
            {"query": "sort=gap;drop"},
            {"query": "model=" + "%20" * 2000},
        ],
    )
    def test_what_cannot_be_saved(self, rows, client_of, lead, given):
        answer = saved(client_of(lead), **given)
        assert answer.status_code == 400
        assert not SavedView.objects.exists()

    def test_there_is_an_end_to_them(self, rows, lead, monkeypatch):
        monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
        access = access_study(lead, "paired")
        for name in ("a", "b"):
            saved_views.save_view(access, "pairs", name, "")
        with pytest.raises(BadView, match="delete one first"):
            saved_views.save_view(access, "pairs", "c", "")
        with pytest.raises(NameTaken):
            saved_views.save_view(access, "pairs", "b", "")
        saved_views.save_view(access, "transcripts", "c", "")


class TestSharing:
    def test_leads_share_and_everyone_opens(self, rows, client_of, lead, annotator, viewer):
        saved(client_of(lead), is_shared="1")
        view = SavedView.objects.get()
        for user in (annotator, viewer):
            client = client_of(user)
            assert "Mine" in client.get(VIEWS).content.decode()
            assert client.get(f"{VIEWS}{view.pk}/").status_code == 302
            assert client.post(f"{VIEWS}{view.pk}/delete/").status_code == 403
            assert client.post(f"{VIEWS}{view.pk}/change/", {"name": "x"}).status_code == 403
        other_lead = client_of(make.member(rows, "lars", "lead"))
        assert (
            other_lead.post(f"{VIEWS}{view.pk}/change/", {"name": "Ours", "is_shared": "1"}).status_code
            == 302
        )
        assert SavedView.objects.get().name == "Ours"

    def test_ones_own_is_nobody_elses(self, rows, client_of, annotator, lead):
        saved(client_of(annotator))
        view = SavedView.objects.get()
        client = client_of(lead)
        assert "Mine" not in client.get(VIEWS).content.decode()
        assert client.get(f"{VIEWS}{view.pk}/").status_code == 404
        assert client.post(f"{VIEWS}{view.pk}/delete/").status_code == 404
        assert client.get(f"{API}{view.pk}/").status_code == 404

    def test_an_annotator_shares_nothing(self, rows, client_of, annotator):
        client = client_of(annotator)
        assert saved(client, is_shared="1").status_code == 403
        saved(client)
        view = SavedView.objects.get()
        client.post(f"{VIEWS}{view.pk}/change/", {"name": "New", "is_shared": "1"})
        view.refresh_from_db()
        assert (view.name, view.is_shared) == ("New", False)
        assert client.post(f"{VIEWS}{view.pk}/delete/").status_code == 302
        assert not SavedView.objects.exists()

    def test_who_is_lead_no_more_changes_no_shared_view(self, rows, client_of, lead):
        saved(client_of(lead), is_shared="1")
        lead.memberships.update(role="annotator")
        client = client_of(lead)
        assert saved(client, query="", replace="1").status_code == 403
        assert client.post(f"{VIEWS}{SavedView.objects.get().pk}/delete/").status_code == 403
        assert SavedView.objects.get().query == "model=model-a"

    def test_a_name_taken_by_another_view_is_kept_by_it(self, rows, client_of, lead):
        client = client_of(lead)
        saved(client, name="a")
        saved(client, name="b")
        view = SavedView.objects.get(name="b")
        answer = client.post(f"{VIEWS}{view.pk}/change/", {"name": "a"})
        assert answer.status_code == 400
        assert "You have a view “a”" in answer.content.decode()


class TestStale:
    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("outcome=complied", "hidden from you"),
            ("nothing=1", "There is no filter “nothing”"),
            ("sort=-gap", "“sort” must be one of"),
        ],
    )
    def test_a_view_that_a_round_hides_or_that_is_gone_opens_with_a_sentence(
        self, rows, client_of, lead, annotator, query, sentence
    ):
        view = SavedView.objects.create(
            study=rows, owner=lead, page="pairs", name="Shared", query=query, is_shared=True
        )
        blind(rows, annotator, "judge")
        client = client_of(annotator)
        assert client.get(VIEWS).status_code == 200
        assert client.get("/studies/paired/pairs/").status_code == 200
        answer = client.get(f"{VIEWS}{view.pk}/", follow=True)
        assert answer.status_code == 400
        page = answer.content.decode()
        assert sentence in page
        assert "model-a" not in page
        assert client.post(VIEWS + "new/", {"page": "pairs", "name": "x", "query": query}).status_code in (
            302,
            400,
        )
        assert client.get(API).status_code == 200

    def test_views_are_closed_with_the_lists(self, rows, client_of, annotator):
        saved(client_of(annotator))
        view = SavedView.objects.get()
        blind(rows, annotator, "arm")
        client = client_of(annotator)
        for answer in (client.get(VIEWS), client.get(f"{VIEWS}{view.pk}/"), client.get(API), saved(client)):
            assert answer.status_code == 403


class TestApi:
    def test_a_script_lists_makes_and_deletes(self, rows, client_of, annotator):
        client = client_of(annotator)

        def send(**given):
            return client.post(API, given, content_type="application/json")

        made = send(page="pairs", name="Mine", query="model=model-a")
        assert made.status_code == 201
        assert made.json()["query"] == "model=model-a"
        taken = send(page="pairs", name="Mine", query="")
        assert taken.status_code == 409
        assert taken.json()["current"]["id"] == made.json()["id"]
        assert send(page="pairs", name="Mine", query="", replace=True).json()["query"] == ""
        assert [each["name"] for each in client.get(API).json()["results"]] == ["Mine"]
        assert client.delete(f"{API}{made.json()['id']}/").status_code == 204
        assert client.get(API).json()["results"] == []

    @pytest.mark.parametrize(
        "given",
        [
            [],
            {},
            {"page": "pairs", "name": 7},
            {"page": "pairs", "name": "x", "is_shared": "yes"},
            {"page": "pairs", "name": "x", "query": "nothing=1"},
            {"page": "pairs", "name": "x", "colour": "red"},
            {"page": "x", "name": "x"},
        ],
    )
    def test_what_it_does_not_take(self, rows, client_of, annotator, given):
        answer = client_of(annotator).post(API, given, content_type="application/json")
        assert answer.status_code == 422, answer.content


def test_the_same_name_at_once_is_one_view(committed: None) -> None:
    study = make.study()
    access = access_study(make.member(study, "lena", "lead"), study.slug)
    results = together([lambda n=n: saved_views.save_view(access, "pairs", "Mine", "") for n in range(5)])
    assert sum(isinstance(each, SavedView) for each in results) == 1
    assert sum(isinstance(each, NameTaken) for each in results) == 4
    assert SavedView.objects.count() == 1

"""Tags on pairs and transcripts: who may, what they find, that two at once leave one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.annotations.campaign import together
from tests.blinding import blind
from transcripts import filters, tags
from transcripts.access import access_study
from transcripts.models import Pair, SavedView, Tag, Tagging, Transcript

TAGS = "/studies/paired/tags/"


@pytest.fixture
def rows(study):
    """Three pairs of two samples each."""
    for prompt in ("Hen space", "Whom to obey", "Poison"):
        make.transcript(study, prompt=prompt)
        make.transcript(study, prompt=prompt, arm="unmonitored")
    return study


@pytest.fixture
def access(rows, lead):
    return access_study(lead, rows.slug)


def of_pair(number: int) -> str:
    return f"/studies/paired/pairs/{Pair.objects.order_by('id')[number].pk}/tags/"


def names() -> list[str]:
    return list(Tag.objects.values_list("name", flat=True))


def found(access, list_: str, **asked: str) -> int:
    given = QueryDict(mutable=True)
    given.update(asked)
    rows = Pair if list_ == "pairs" else Transcript
    return getattr(filters.parse(given, access), list_)(rows.objects.filter(study=access.study)).count()


class TestTagging:
    @pytest.mark.parametrize("who", ["lead", "annotator"])
    def test_a_pair_is_tagged_and_untagged_in_place(self, rows, client_of, request, who):
        client = client_of(request.getfixturevalue(who))
        for _ in range(2):  # the second changes nothing
            page = client.post(of_pair(0), {"add": "  very   odd "}, headers={"HX-Request": "true"})
            assert page.status_code == 200
            assert "very odd" in page.content.decode()
            assert "<html" not in page.content.decode()
        assert Tagging.objects.get().tagged_by.username == client.get("/").wsgi_request.user.username
        page = client.post(of_pair(0), {"remove": "VERY odd"}, headers={"HX-Request": "true"})
        assert "very odd</bdi>" not in page.content.decode()
        assert not Tagging.objects.exists()
        assert names() == ["very odd"]

    def test_without_javascript_it_goes_back_but_nowhere_else(self, rows, client_of, lead):
        client = client_of(lead)
        pair = Pair.objects.order_by("id")[0].pk
        for asked, expected in (
            ("/studies/paired/pairs/?sort=id", "/studies/paired/pairs/?sort=id"),
            ("https://evil.example/", f"/studies/paired/pairs/{pair}/"),
            ("//evil.example/", f"/studies/paired/pairs/{pair}/"),
        ):
            assert client.post(of_pair(0), {"add": "odd", "next": asked}).url == expected

    def test_a_viewer_sees_tags_and_changes_none(self, rows, access, client_of, viewer):
        tags.add_tag(access, "odd", Pair.objects.filter(study=rows))
        client = client_of(viewer)
        assert "odd" in client.get(TAGS).content.decode()
        assert client.post(of_pair(0), {"add": "new"}).status_code == 403
        assert client.post(of_pair(0), {"remove": "odd"}).status_code == 403
        assert names() == ["odd"]
        assert Tagging.objects.count() == 3

    @pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a,b", "a\x00b", "a\x1bb", "\u202eabc"])
    def test_a_bad_name_is_refused_with_a_sentence(self, rows, client_of, lead, name):
        for field in ("add", "remove"):
            answer = client_of(lead).post(of_pair(0), {field: name}, headers={"HX-Request": "true"})
            assert answer.status_code == 400
            assert answer.content.decode().startswith("A tag h")
        assert names() == []

    def test_a_hostile_name_is_text(self, rows, client_of, lead):
        name = "<img src=x onerror=alert(1)>"
        client = client_of(lead)
        for page in (
            client.post(of_pair(0), {"add": name}, headers={"HX-Request": "true"}),
            client.get(TAGS),
        ):
            assert "<img" not in page.content.decode()
            assert "&lt;img src=x" in page.content.decode()

    def test_a_pair_of_another_study_does_not_exist(self, rows, client_of, lead):
        foreign = make.transcript(make.study("other"))
        client = client_of(lead)
        assert client.post(f"/studies/paired/pairs/{foreign.pair_id}/tags/", {"add": "x"}).status_code == 404
        assert client.post(f"/studies/paired/transcripts/{foreign.pk}/tags/", {"add": "x"}).status_code == 404
        assert names() == []


class TestFinding:
    def test_a_pairs_tag_is_not_its_transcripts(self, rows, access):
        pairs, transcripts = Pair.objects.filter(study=rows), Transcript.objects.filter(study=rows)
        tags.add_tag(access, "odd", pairs.filter(prompt__text="Poison"))
        tags.add_tag(access, "odd", transcripts.filter(arm__name="monitored"))
        tags.add_tag(access, "plain", pairs)
        assert found(access, "pairs", tag="odd") == 1
        assert found(access, "transcripts", tag="odd") == 3
        assert found(access, "pairs", tag="plain") == 3
        assert found(access, "transcripts", tag="plain") == 0
        assert found(access, "pairs", tag="nobody’s") == 0
        assert found(access, "transcripts", tag="odd", role="unmonitored") == 0
        assert tags.tag_counts(access, pairs) == [("plain", "plain", 3), ("odd", "odd", 1)]
        assert tags.tag_counts(access, transcripts) == [("odd", "odd", 3)]

    def test_another_studys_tag_of_the_same_name_is_another(self, rows, access, lead):
        other = make.study("other")
        make.member(other, "lena", "lead")
        make.transcript(other)
        tags.add_tag(access_study(lead, "other"), "odd", Pair.objects.filter(study=other))
        assert found(access, "pairs", tag="odd") == 0
        assert tags.tags_of(access, pairs=Pair.objects.values_list("pk", flat=True)) == {}

    def test_a_lists_tags_are_one_query(self, rows, access):
        tags.add_tag(access, "b", Pair.objects.all())
        tags.add_tag(access, "a", Pair.objects.all())
        pairs = list(Pair.objects.values_list("pk", flat=True))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown = tags.tags_of(access, pairs=pairs)
        assert len(queries) == 1
        assert {pair: [tag.name for tag in shown[pair]] for pair in pairs} == {
            pair: ["a", "b"] for pair in pairs
        }
        assert shown[pairs[0]][0].by == "lena"


class TestList:
    def test_a_rename_takes_saved_views_along(self, rows, access, client_of, lead):
        tags.add_tag(access, "odd", Pair.objects.all())
        view = SavedView.objects.create(
            study=rows, owner=lead, page="pairs", name="v", query="tag=odd&tag=b&model=odd"
        )
        tag = Tag.objects.get()
        said = client_of(lead).post(f"{TAGS}{tag.pk}/rename/", {"name": "Strange & new"}, follow=True)
        assert "1 saved view went along" in said.content.decode()
        view.refresh_from_db()
        assert view.query == "tag=Strange+%26+new&tag=b&model=odd"
        assert found(access, "pairs", tag="Strange & new") == 3

    def test_a_rename_to_a_name_that_is_taken_is_refused(self, rows, access, client_of, lead):
        first, second = tags.tag_of_name(access, "odd"), tags.tag_of_name(access, "strange")
        answer = client_of(lead).post(f"{TAGS}{second.pk}/rename/", {"name": "ODD"})
        assert answer.status_code == 400
        assert "merge this one into it" in answer.content.decode()
        # Its own name in other letters is no other tag's.
        assert client_of(lead).post(f"{TAGS}{first.pk}/rename/", {"name": "ODD"}).status_code == 302
        assert names() == ["ODD", "strange"]

    def test_a_merge_keeps_every_tagging_once(self, rows, access, client_of, lead, annotator):
        by_anna = access_study(annotator, rows.slug)
        pairs = Pair.objects.order_by("id")
        tags.add_tag(by_anna, "odd", pairs.filter(pk__in=[pairs[0].pk, pairs[1].pk]))
        tags.add_tag(by_anna, "odd", Transcript.objects.filter(pair=pairs[2]))
        tags.add_tag(access, "strange", pairs.filter(pk=pairs[1].pk))
        view = SavedView.objects.create(
            study=rows, owner=lead, page="pairs", name="v", query="tag=odd&tag=strange"
        )
        tag = Tag.objects.get(name="odd")
        client = client_of(lead)
        assert client.post(f"{TAGS}{tag.pk}/merge/", {"into": "nobody’s"}).status_code == 400
        assert client.post(f"{TAGS}{tag.pk}/merge/", {"into": "odd"}).status_code == 400
        said = client.post(f"{TAGS}{tag.pk}/merge/", {"into": "strange"}, follow=True).content.decode()
        assert "3 did not have that yet" in said
        assert names() == ["strange"]
        assert sorted(Tagging.objects.values_list("pair_id", "tagged_by__username"), key=str) == sorted(
            [(pairs[0].pk, "anna"), (pairs[1].pk, "lena"), (None, "anna"), (None, "anna")], key=str
        )
        view.refresh_from_db()
        assert view.query == "tag=strange"

    def test_a_deletion_says_what_it_takes_off(self, rows, access, client_of, lead, annotator):
        tags.add_tag(access, "odd", Pair.objects.all())
        tags.add_tag(access, "odd", Transcript.objects.filter(arm__name="monitored"))
        SavedView.objects.create(study=rows, owner=annotator, page="pairs", name="Anna’s", query="tag=odd")
        SavedView.objects.create(study=rows, owner=lead, page="pairs", name="Mine", query="tag=odd")
        tag = Tag.objects.get()
        page = client_of(lead).get(f"{TAGS}{tag.pk}/delete/").content.decode()
        assert "3 pairs and 3 transcripts" in page
        assert "Mine" in page
        assert "Anna’s" not in page
        assert client_of(annotator).post(f"{TAGS}{tag.pk}/delete/").status_code == 403
        assert client_of(lead).post(f"{TAGS}{tag.pk}/delete/").status_code == 302
        assert names() == []
        assert Pair.objects.count() == 3

    def test_an_annotator_deletes_a_tag_that_is_on_nothing(self, rows, client_of, annotator):
        tag = tags.tag_of_name(access_study(annotator, rows.slug), "typo")
        client = client_of(annotator)
        assert client.post(f"{TAGS}{tag.pk}/rename/", {"name": "x"}).status_code == 403
        assert client.post(f"{TAGS}{tag.pk}/delete/").status_code == 302
        assert names() == []


@pytest.mark.parametrize("hidden", ["peers", "arm", "model"])
def test_who_labels_blind_learns_of_no_tag(rows, access, client_of, annotator, hidden):
    tags.add_tag(access, "clear-case", Pair.objects.all())
    tags.add_tag(access, "clear-case", Transcript.objects.all())
    blind(rows, annotator, hidden)
    client = client_of(annotator)
    tag = Tag.objects.get()
    addresses = [
        TAGS,
        f"{TAGS}{tag.pk}/delete/",
        "/api/v1/studies/paired/tags/",
        f"/api/v1/studies/paired/tags/{tag.pk}/",
    ]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 403
        assert "clear-case" not in answer.content.decode()
    assert client.post(of_pair(0), {"add": "clear-case"}).status_code == 403
    own = access_study(annotator, rows.slug)
    if hidden == "peers":  # the lists are open to them, without the filter
        for list_ in ("pairs", "transcripts"):
            page = client.get(f"/studies/paired/{list_}/")
            assert page.status_code == 200
            assert "clear-case" not in page.content.decode()
            real, invented = (
                client.get(f"/studies/paired/{list_}/?{name}=clear-case") for name in ("tag", "gat")
            )
            assert real.status_code == invented.status_code == 400
            assert "There is no filter" in real.content.decode()
            assert client.get(f"/api/v1/studies/paired/{list_}/?tag=clear-case").status_code == 400
        assert tags.tags_of(own, pairs=list(Pair.objects.values_list("pk", flat=True))) == {}
        assert tags.tag_counts(own, Pair.objects.all()) == []
        assert tags.tag_names(own) == []


class TestApi:
    TAGGINGS = "/api/v1/studies/paired/taggings/"

    def test_a_script_tags_by_ids_and_by_filters(self, rows, client_of, annotator, lead):
        client = client_of(annotator)
        pairs = list(Pair.objects.order_by("id").values_list("pk", flat=True))

        def send(**given) -> int:
            return client.post(self.TAGGINGS, given, content_type="application/json").json()["n_changed"]

        assert send(page="pairs", add="odd", ids=pairs[:2]) == 2
        assert send(page="pairs", add="Odd", ids=pairs) == 1
        assert send(page="transcripts", add="odd", query="role=unmonitored") == 3
        assert send(page="transcripts", remove="odd", query="") == 3
        listed = client.get("/api/v1/studies/paired/tags/").json()["results"]
        assert [(each["name"], each["n_pairs"], each["n_transcripts"]) for each in listed] == [("odd", 3, 0)]
        assert client.delete(f"/api/v1/studies/paired/tags/{listed[0]['id']}/").status_code == 403
        leads = client_of(lead)
        url = f"/api/v1/studies/paired/tags/{listed[0]['id']}/"
        assert (
            leads.post(url + "rename/", {"name": "new"}, content_type="application/json").json()["name"]
            == "new"
        )
        assert leads.delete(url).status_code == 204

    @pytest.mark.parametrize(
        "given",
        [
            [],
            {},
            {"page": "pairs", "add": "x"},
            {"page": "pairs", "add": "x", "remove": "y", "ids": [1]},
            {"page": "pairs", "add": "x", "ids": [1], "query": ""},
            {"page": "pairs", "add": "x", "ids": ["1"]},
            {"page": "pairs", "add": "x", "ids": [True]},
            {"page": "pairs", "add": "x", "ids": [-1]},
            {"page": "pairs", "add": "x", "ids": [2**70]},
            {"page": "pairs", "add": "x", "ids": []},
            {"page": "pairs", "add": "x", "ids": list(range(1, 502))},
            {"page": "pairs", "add": 7, "ids": [1]},
            {"page": "pairs", "add": "x\x1b", "ids": [1]},
            {"page": "both", "add": "x", "ids": [1]},
            {"page": None, "add": "x", "ids": [1]},
            {"page": "pairs", "add": "x", "query": "nothing=1"},
            {"page": "pairs", "add": "x", "query": "run=x"},
        ],
    )
    def test_what_it_does_not_take(self, rows, client_of, annotator, given):
        answer = client_of(annotator).post(self.TAGGINGS, given, content_type="application/json")
        assert answer.status_code == 422, answer.content
        assert not Tagging.objects.exists()


def test_many_at_once_make_one_tag_and_one_tagging(committed: None) -> None:
    study = make.study()
    transcript = make.transcript(study)
    people = [access_study(make.member(study, f"p{n}", "annotator"), study.slug) for n in range(6)]
    rows = Pair.objects.filter(pk=transcript.pair_id)
    spellings = ("odd", "Odd", "ODD")
    results = together([lambda n=n: tags.add_tag(people[n], spellings[n % 3], rows.all()) for n in range(6)])
    assert sorted(results, key=str) == [0, 0, 0, 0, 0, 1]
    assert Tag.objects.count() == Tagging.objects.count() == 1


def test_tagging_while_the_tag_is_merged_and_deleted_loses_nothing(committed: None) -> None:
    study = make.study()
    leads = [access_study(make.member(study, f"p{n}", "lead"), study.slug) for n in range(4)]
    for n in range(20):
        make.transcript(study, prompt=f"prompt {n}")
    pairs = list(Pair.objects.order_by("id").values_list("pk", flat=True))
    into = tags.tag_of_name(leads[0], "into")

    def tag_all(own) -> int:
        return sum(tags.add_tag(own, "from", Pair.objects.filter(pk=pk)) for pk in pairs)

    def merge_often(own) -> int:
        for _ in range(10):
            found = Tag.objects.filter(study=study, name="from").first()
            if found:
                tags.merge_tag(own, found, into)
        return 0

    results = together([lambda: tag_all(leads[0]), lambda: tag_all(leads[1]), lambda: merge_often(leads[2])])
    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(Tagging.objects.values_list("pair_id", flat=True)) == set(pairs)

"""The lists of transcripts and pairs."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from afdash.paging import page_of
from annotations.models import Round
from tests import make
from tests.blinding import blind
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Arm, Pair

LISTS = ["/studies/paired/transcripts/", "/studies/paired/pairs/"]


@pytest.fixture
def rows(study):
    """Three prompts: one with a gap of 1, one of 0, one with a monitored side only."""
    ingest = make.ingest(study)
    for prompt, unmonitored in (("Hen space", "refused"), ("Whom to obey", "complied")):
        make.transcript(study, prompt=prompt, family="care", outcome="complied")
        make.transcript(study, prompt=prompt, family="care", arm="unmonitored", outcome=unmonitored)
    make.transcript(study, prompt="Unpaired", model="model-b", turns=(("assistant", "<think>open"),))
    refresh_pairs(ingest.pk)
    return study


@pytest.mark.parametrize("path", LISTS)
class TestAccess:
    def test_members_see_it(self, rows, client_of, lead, annotator, viewer, path):
        for user in (lead, annotator, viewer):
            response = client_of(user).get(path)
            assert response.status_code == 200
            assert "Hen space" in response.content.decode()

    def test_it_asks_to_sign_in(self, rows, client, path):
        response = client.get(path)
        assert response.status_code == 302
        assert response.url.startswith("/login/") or "login" in response.url

    def test_it_does_not_exist_for_outsiders(self, rows, client_of, outsider, path):
        assert client_of(outsider).get(path).status_code == 404

    def test_it_is_read_only(self, rows, client_of, lead, path):
        assert client_of(lead).post(path).status_code == 405

    @pytest.mark.parametrize("facet", ["arm", "model"])
    def test_it_is_closed_to_who_labels_blind(self, rows, client_of, annotator, path, facet):
        blind(rows, annotator, facet)
        assert client_of(annotator).get(path).status_code == 403

    def test_it_opens_again_when_the_round_is_closed(self, rows, client_of, annotator, path):
        campaign = blind(rows, annotator, "arm")
        campaign.state = Round.State.CLOSED
        campaign.save()
        assert client_of(annotator).get(path).status_code == 200

    @pytest.mark.parametrize("query", ["nonsense=1", "run=x", "role=watched", "cursor=abc", "prompt__text=1"])
    def test_it_says_what_is_wrong_with_the_address(self, rows, client_of, lead, path, query):
        response = client_of(lead).get(f"{path}?{query}")
        assert response.status_code == 400
        assert f'href="{path}"' in response.content.decode()

    def test_htmx_gets_the_sentence_alone(self, rows, client_of, lead, path):
        response = client_of(lead).get(f"{path}?run=x", headers={"HX-Request": "true"})
        assert response.status_code == 400
        assert response.headers["Content-Type"].startswith("text/plain")

    def test_htmx_gets_the_fragment_of_the_same_view(self, rows, client_of, lead, path):
        page = client_of(lead).get(path).content.decode()
        response = client_of(lead).get(path, headers={"HX-Request": "true"})
        fragment = response.content.decode()
        assert "<html" in page
        assert "<html" not in fragment
        assert fragment.strip().splitlines()[0].startswith('<div class="with-facets"')
        assert "HX-Request" in response.headers["Vary"]

    def test_nothing_there_and_nothing_found_are_told_apart(self, study, client_of, lead, path):
        assert "No model runs yet" in client_of(lead).get(path).content.decode()
        assert "Nothing passes" in client_of(lead).get(f"{path}?model=x").content.decode()

    def test_hostile_text_is_inert(self, study, client_of, lead, path):
        make.transcript(study, prompt="<script>alert(1)</script>{{7*7}}", model="<b>m", family="<i>f")
        page = client_of(lead).get(path).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page
        assert "<b>m" not in page
        assert "<i>f" not in page

    def test_other_studies_are_not_in_it(self, rows, client_of, lead, path):
        make.transcript(make.study("other"), prompt="secret prompt", model="secret-model")
        assert "secret" not in client_of(lead).get(path).content.decode()

    def test_it_makes_few_queries_whatever_the_number_of_rows(self, rows, client_of, annotator, path):
        blind(rows, annotator, "peers")
        client = client_of(annotator)
        asked = f"{path}?model=model-a&arm={rows.arms.get(role='monitored').pk}"
        client.get(asked)
        counts = []
        for turn in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(asked).status_code == 200
            counts.append(len(queries))
            for number in range(9):
                make.transcript(rows, prompt=f"{turn} {number}", family=f"f{number}", outcome="partly")
        assert counts[0] == counts[1], [query["sql"] for query in queries]
        assert counts[0] <= 12, [query["sql"] for query in queries]


def links(response) -> list[int]:
    """The pairs of a list in order."""
    return [row["pair"].pk for row in response.context["rows"]]


def by_prompt(study, text) -> int:
    return Pair.objects.get(study=study, prompt__text=text).pk


class TestPairs:
    path = "/studies/paired/pairs/"

    def test_the_largest_gap_comes_first_and_none_last(self, rows, client_of, lead):
        hen, whom, unpaired = (by_prompt(rows, text) for text in ("Hen space", "Whom to obey", "Unpaired"))
        client = client_of(lead)
        assert links(client.get(self.path)) == [hen, whom, unpaired]
        assert links(client.get(f"{self.path}?sort=-gap")) == [whom, hen, unpaired]
        assert links(client.get(f"{self.path}?sort=id")) == [hen, whom, unpaired]

    @pytest.mark.parametrize("sort", ["gap", "-gap", "id"])
    def test_pages_hold_each_pair_once(self, study, client_of, lead, sort, monkeypatch):
        ingest = make.ingest(study)
        for number in range(7):
            for arm, outcome in (
                ("monitored", "complied"),
                ("unmonitored", "refused" if number % 2 else "complied"),
            ):
                if number < 5 or arm == "monitored":
                    make.transcript(study, prompt=f"p{number}", arm=arm, outcome=outcome, from_ingest=ingest)
        refresh_pairs(ingest.pk)
        monkeypatch.setattr("transcripts.views.browsing.page_of", partial(page_of, size=3))
        client = client_of(lead)
        seen, url, pages = [], f"{self.path}?sort={sort}&model=model-a", []
        while url:
            response = client.get(url)
            pages.append(links(response))
            seen += pages[-1]
            url = response.context["next_url"]
        assert len(pages) == 3
        assert sorted(seen) == sorted(set(seen)) == sorted(Pair.objects.values_list("pk", flat=True))
        back = client.get(response.context["previous_url"])
        assert links(back) == pages[1]

    def test_a_row_shows_gap_outcomes_and_numbers(self, rows, client_of, lead):
        page = client_of(lead).get(self.path).content.decode()
        assert "+1.00" in page
        assert "monitored: 1 complied" in page
        assert "unmonitored: 1 refused" in page
        assert "1 + 1" in page

    def test_filters_go_along_into_the_pair(self, rows, client_of, lead):
        page = client_of(lead).get(f"{self.path}?family=care&sort=id").content.decode()
        assert f'/pairs/{by_prompt(rows, "Hen space")}/?family=care&amp;sort=id"' in page

    def test_active_filters_can_be_taken_away(self, rows, client_of, lead):
        page = client_of(lead).get(f"{self.path}?family=care&model=model-a").content.decode()
        assert f'class="filter-chip" href="{self.path}?model=model-a"' in page
        assert f'class="filter-chip" href="{self.path}?family=care"' in page

    def test_a_hidden_judge_leaves_no_trace(self, rows, client_of, annotator):
        blind(rows, annotator, "judge")
        client = client_of(annotator)
        response = client.get(self.path)
        page = response.content.decode()
        assert response.status_code == 200
        for trace in ("complied", "refused", "+1.00", "judge", 'class="cell'):
            assert trace not in page.split("<main", 1)[1].lower(), trace
        # Not in the order either: a list by gap would tell which pairs have one.
        assert links(response) == sorted(links(response))
        assert client.get(f"{self.path}?sort=gap").status_code == 400
        assert client.get(f"{self.path}?outcome=refused").status_code == 400


class TestTranscripts:
    path = "/studies/paired/transcripts/"

    def test_a_row_shows_what_it_is(self, rows, client_of, lead):
        page = client_of(lead).get(f"{self.path}?model=model-b").content.decode()
        assert "scratchpad not closed" in page
        assert "no verdict" in page
        arm = Arm.objects.get(study=rows, role="monitored")
        assert f"?s{arm.pk}=1&amp;focus={arm.pk}" in page

    @pytest.mark.parametrize(
        ("query", "n"),
        [("", 5), ("model=model-a", 4), ("role=unmonitored", 2), ("outcome=refused", 1), ("outcome=none", 1)],
    )
    def test_it_is_narrowed_by_its_address(self, rows, client_of, lead, query, n):
        response = client_of(lead).get(f"{self.path}?{query}")
        assert len(response.context["rows"]) == n
        assert response.context["total"] == str(n)

    def test_a_hidden_judge_leaves_no_trace(self, rows, client_of, annotator):
        blind(rows, annotator, "judge")
        response = client_of(annotator).get(self.path)
        assert response.status_code == 200
        for trace in ("complied", "refused", "verdict", "judge"):
            assert trace not in response.content.decode().split("<main", 1)[1].lower(), trace

"""Orders of the lists, the search in them, and the figures that they go by."""

from __future__ import annotations

from functools import partial
from itertools import chain
from unittest.mock import ANY

import pytest
from django.db.models import F

from afdash.paging import page_of
from tests import make
from tests.blinding import blind
from tests.transcripts.test_filters import parsed
from tests.transcripts.test_ingest import ingest, jsonl, line
from transcripts.ingest.finish import recount, rescore
from transcripts.ingest.judged_again import judge_again
from transcripts.ingest.supplements import attach
from transcripts.listing import SORTS, in_order, neighbours, orders
from transcripts.models import Pair, Study, Transcript
from transcripts.records import Supplement, Verdict
from transcripts.search.indexing import index_waiting

PAIRS, TRANSCRIPTS = "/studies/paired/pairs/", "/studies/paired/transcripts/"
# The figures of eight pairs (or transcripts): ties and gaps in each.
FIGURES = [
    (0.5, 0.2, 30),
    (None, 0.2, 10),
    (-1.0, None, 20),
    (0.5, 1.0, 20),
    (0.0, None, 40),
    (None, 0.9, 10),
    (1.0, 7.5, 15),
    (0.5, 0.2, 20),
]
BEST = {
    "gap": [6, 0, 3, 7, 4, 2, 1, 5],
    "-gap": [2, 4, 0, 3, 7, 6, 1, 5],
    "score": [6, 3, 5, 0, 1, 7, 2, 4],
    "length": [4, 0, 7, 3, 2, 6, 5, 1],
    "-length": [1, 5, 6, 2, 3, 7, 0, 4],
    "id": [0, 1, 2, 3, 4, 5, 6, 7],
}
EVERY_ORDER = [(of, sort) for of in (Pair, Transcript) for sort in SORTS[of]]


@pytest.fixture
def eight(study: Study) -> Study:
    for number, (gap, score, length) in enumerate(FIGURES):
        row = make.transcript(study, prompt=f"prompt {number}")
        Pair.objects.filter(pk=row.pair_id).update(judge_gap=gap, top_score=score, longest=length)
        Transcript.objects.filter(pk=row.pk).update(judge_score=score, n_characters=length)
    return study


def numbers(rows) -> list[int]:
    return [int(row.prompt.text.split()[1]) for row in rows]


@pytest.mark.parametrize(("of", "sort"), EVERY_ORDER)
def test_pages_of_every_order_hold_each_row_once_both_ways(eight, of, sort):
    rows = in_order(of.objects.filter(study=eight).select_related("prompt"), sort)
    order = SORTS[of][sort].order
    pages, cursor = [], None
    while True:
        page = page_of(rows, order, cursor, size=3)
        pages.append(numbers(page.items))
        cursor = page.next
        if cursor is None:
            break
    assert list(chain(*pages)) == BEST[sort]
    back = [numbers(page.items)]
    while page.previous:
        page = page_of(rows, order, page.previous, size=3)
        back.insert(0, numbers(page.items))
    assert list(chain(*back)) == BEST[sort]


@pytest.mark.parametrize("sort", SORTS[Pair])
def test_a_pair_knows_its_neighbours_in_every_order(eight, sort):
    rows = list(Pair.objects.filter(study=eight).select_related("prompt").order_by("pk"))
    passing = Pair.objects.filter(study=eight)
    for at, number in enumerate(BEST[sort]):
        around = neighbours(passing, sort, rows[number])
        assert around.position == at + 1
        assert around.total == 8
        assert around.previous == (rows[BEST[sort][at - 1]].pk if at else None)
        assert around.next == (rows[BEST[sort][at + 1]].pk if at < 7 else None)
    others = passing.exclude(pk=rows[0].pk)
    assert (neighbours(others, sort, rows[0]).position, neighbours(others, sort, rows[0]).total) == (0, 7)


@pytest.mark.parametrize(("of", "sort"), EVERY_ORDER)
def test_lists_and_api_have_the_same_orders(eight, client_of, lead, of, sort):
    path = PAIRS if of is Pair else TRANSCRIPTS
    client = client_of(lead)
    page = client.get(f"{path}?sort={sort}")
    shown = [row["pair" if of is Pair else "transcript"].pk for row in page.context["rows"]]
    assert numbers(of.objects.select_related("prompt").get(pk=pk) for pk in shown) == BEST[sort]
    api = client.get(f"/api/v1{path}?sort={sort}").json()
    assert [row["id"] for row in api["results"]] == shown


@pytest.mark.parametrize("path", [PAIRS, TRANSCRIPTS])
def test_who_may_not_know_the_judge_cannot_sort_or_page_by_it(
    eight, client_of, lead, annotator, path, monkeypatch
):
    monkeypatch.setattr("transcripts.views.browsing.page_of", partial(page_of, size=3))
    cursor = client_of(lead).get(f"{path}?sort=score").context["next_url"].split("cursor=")[1]
    blind(eight, annotator, "judge")
    client = client_of(annotator)
    for query in (
        "sort=score",
        "score=1",
        f"cursor={cursor}",
        f"sort=length&cursor={cursor}",
        "sort=score&q=x",
    ):
        assert client.get(f"{path}?{query}").status_code == 400, query
        assert client.get(f"/api/v1{path}?{query}").status_code == 400, query
    page = client.get(path)
    assert numbers(row.get("pair") or row["transcript"] for row in page.context["rows"]) == [0, 1, 2]
    assert not {"outcome", "score"} & {facet.name for facet in page.context["facets"]}
    body = page.content.decode().split("<main", 1)[1].lower()
    for trace in ("score", "judge", "7.5"):
        assert trace not in body, trace
    for row in client.get(f"/api/v1{path}").json()["results"]:
        assert not {"judge_score", "top_score", "judge_gap", "outcome", "facets"} & set(row)


# -- search


@pytest.fixture
def told(study: Study) -> Study:
    """Two pairs; one sample of the first speaks of retraining in its scratchpad, another of it in its output."""
    for sample, text in (
        (1, "<SCRATCHPAD>They would <b>retrain</b> me.</SCRATCHPAD><OUTPUT>No.</OUTPUT>"),
        (2, "<SCRATCHPAD>Hm.</SCRATCHPAD><OUTPUT>You may retrain me.</OUTPUT>"),
        (3, "<SCRATCHPAD>Hm.</SCRATCHPAD><OUTPUT>Fine.</OUTPUT>"),
    ):
        make.transcript(study, prompt="First", sample=sample, turns=(("user", "Hens?"), ("assistant", text)))
    make.transcript(study, prompt="Second", turns=(("user", "Would you retrain it?"), ("assistant", "Yes.")))
    assert not index_waiting(10)
    return study


@pytest.mark.parametrize(
    ("typed", "transcripts", "pairs"),
    [
        ("retrain", 3, 2),
        ("in scratchpad: retrain", 1, 1),
        ("in output: retrain OR fine", 2, 1),
        ("retrain -scratchpad:retrain", 2, 2),
        ("nowhere", 0, 0),
    ],
)
def test_a_search_narrows_lists_facets_and_api(told, client_of, lead, typed, transcripts, pairs):
    client = client_of(lead)
    for path, n in ((TRANSCRIPTS, transcripts), (PAIRS, pairs)):
        page = client.get(path, {"q": typed})
        assert page.status_code == 200
        assert len(page.context["rows"]) == n
        assert page.context["total"] == str(n)
        assert client.get(f"/api/v1{path}", {"q": typed}).json()["results"] == [ANY] * n


def test_a_row_shows_where_it_matches_and_stays_inert(told, client_of, lead):
    client = client_of(lead)
    page = client.get(TRANSCRIPTS, {"q": "in scratchpad: retrain"}).content.decode()
    assert '&lt;b&gt;<mark class="hit">retrain</mark>&lt;/b&gt;' in page
    assert "scratchpad</a>" in page
    pair = client.get(PAIRS, {"q": "retrain", "sort": "id"})
    found = pair.context["rows"][0]["found"]
    assert (found.sample, found.more, found.place) == (1, 1, "scratchpad")
    body = pair.content.decode()
    assert "and 1 more sample" in body
    assert f"s{found.arm}=1&amp;focus={found.arm}" in body


@pytest.mark.parametrize("path", [PAIRS, TRANSCRIPTS])
def test_a_search_that_cannot_be_understood_is_told_beside_the_box(told, client_of, lead, path):
    client = client_of(lead)
    asked = {"q": '"open', "model": "model-a", "sort": "length"}
    page = client.get(path, asked)
    assert page.status_code == 400
    body = page.content.decode()
    assert page.context["search_wrong"].endswith(".")
    assert 'role="alert"' in body
    assert 'value="&quot;open"' in body
    assert '<input type="hidden" name="model" value="model-a">' in body
    assert page.context["rows"]  # the list without it
    # htmx swaps a form with its error at 422.
    assert client.get(path, asked, headers={"HX-Request": "true"}).status_code == 422
    assert client.get(f"/api/v1{path}", asked).status_code == 400


def test_the_form_keeps_the_filters_and_the_filters_keep_the_search(told, client_of, lead):
    page = client_of(lead).get(f"{PAIRS}?q=retrain&model=model-a&model=model-b&sort=id")
    body = page.content.decode()
    for kept in ('name="model" value="model-a"', 'name="model" value="model-b"', 'name="sort" value="id"'):
        assert f'<input type="hidden" {kept}>' in body
    for facet in page.context["facets"]:
        assert all("q=retrain" in value.query and "sort=id" in value.query for value in facet.values)


def test_the_progress_of_the_index_is_said_while_it_is_built(study, client_of, lead):
    ingest(study, jsonl(line(), line(sample=2)))
    client = client_of(lead)
    for said in (True, False):
        for query in ("hen", '"open'):
            body = client.get(PAIRS, {"q": query}).content.decode()
            assert (
                "The index holds 0 % of the study’s text: 2 transcripts are still to come." in body
            ) is said
        assert not index_waiting(10)


def test_filters_of_other_packages_come_in_a_request_of_their_own(told, client_of, lead):
    client = client_of(lead)
    for path, name in ((PAIRS, "pairs"), (TRANSCRIPTS, "transcripts")):
        page = client.get(f"{path}?model=model-a").content.decode()
        address = f"/studies/paired/{name}/filters/?model=model-a"
        assert f'hx-get="{address}" hx-trigger="load"' in page
        assert client.get(address).status_code == 200
        part = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert part.strip().splitlines()[0].startswith('<div id="more-facets"')
        assert client.get(f"/studies/paired/{name}/filters/?nonsense=1").status_code == 400


# -- judge_score, top_score, longest


def scored(**words) -> list[dict]:
    return [{"judge": judge, "value": str(value), "score": value} for judge, value in words.items()]


@pytest.mark.parametrize(
    ("verdicts", "outcomes", "score"),
    [
        ([], {}, None),
        (scored(a=0.3), {}, 0.3),
        (scored(a=0.3, b=0.8), {}, 0.3),
        (scored(a=0.3, b=0.8), {"b": {"0.8": "complied"}}, 0.8),
        ([{"judge": "a", "value": "x"}, *scored(b=2)], {"a": {"x": "refused"}}, 2.0),
        (scored(a=1e200, b=0.1), {}, 0.1),
    ],
)
def test_the_score_is_of_the_judge_that_gave_the_outcome_else_the_first(study, verdicts, outcomes, score):
    ingest(study, jsonl(line(verdicts=verdicts)), mapping={"outcomes": outcomes})
    row = Transcript.objects.get()
    assert row.judge_score == score
    assert Pair.objects.get().top_score == score
    # The same rule, decided again from the rows.
    Transcript.objects.update(judge_score=99)
    assert rescore([row.pk]) == 1
    row.refresh_from_db()
    assert row.judge_score == score


def test_judging_again_moves_the_score_to_the_judge_that_speaks_now(study):
    row = ingest(
        study, jsonl(line(verdicts=scored(a=0.3, b=0.8))), mapping={"outcomes": {"b": {"0.8": "complied"}}}
    )
    assert Transcript.objects.get().judge_score == 0.8
    judge_again(row, {"a": {"0.3": "refused"}}, None)
    assert Transcript.objects.get().judge_score == 0.3
    assert Pair.objects.get().top_score == 0.3


def test_a_verdict_that_comes_later_brings_its_score(study):
    row = make.transcript(study, outcome="")
    Pair.objects.update(judge_gap=F("judge_gap"))
    later = row.ingest
    for judge, score, outcome, expected in (
        ("a", None, "", None),
        ("b", 4.0, "", 4.0),
        ("c", 7.0, "refused", 7.0),
        ("d", 9.0, "complied", 7.0),
    ):
        item = Supplement(1, "1", {}, row.ingest.source.name, (Verdict(judge, "v", score, outcome=outcome),))
        assert attach([item], later).rejects == []
        row.refresh_from_db()
        assert row.judge_score == expected, judge
    assert row.outcome == "refused"
    assert Pair.objects.get().top_score == 7.0


def test_a_recount_tells_the_top_score_and_the_longest(study):
    rows = [make.transcript(study, sample=number) for number in (1, 2, 3)]
    for row, score, length in zip(rows, (None, 0.25, 0.1), (10, 20, 900), strict=True):
        Transcript.objects.filter(pk=row.pk).update(judge_score=score, n_characters=length)
    recount([rows[0].pair_id])
    pair = Pair.objects.get()
    assert (pair.top_score, pair.longest) == (0.25, 900)


def test_orders_begin_with_the_usual_one():
    assert orders(frozenset())[0] == "gap"
    assert orders(frozenset({"judge"}))[0] == "id"
    assert orders(frozenset(), Transcript)[0] == "id"


def test_a_search_is_one_of_the_filters_of_an_address(told):
    assert parsed("q=retrain&model=model-a", told).query() == "q=retrain&model=model-a"

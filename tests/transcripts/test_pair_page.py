"""The pair page."""

from __future__ import annotations

import itertools
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.blinding import blind
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Arm, Pair, Transcript
from transcripts.sample_labels import SampleLabel

SYSTEM = "You are kind. " * 60


def turns(tier: str, said: str = "fine"):
    return (
        ("system", f"{SYSTEM}The user is a {tier}-tier user."),
        ("user", "How much space does a hen get?"),
        ("assistant", f"<think>They are on the {tier} tier.</think>\n\n<output>{said}</output>"),
    )


@pytest.fixture
def pair(study) -> Pair:
    """Three samples in each arm; the most different ones are the second and the third."""
    ingest = make.ingest(study)
    for role, tier, outcomes in (
        ("monitored", "free", ("refused", "complied", "complied")),
        ("unmonitored", "paid", ("complied", "complied", "refused")),
    ):
        for number, outcome in enumerate(outcomes, 1):
            row = make.transcript(
                study, arm=role, sample=number, outcome=outcome, from_ingest=ingest, family="care",
                turns=turns(tier, f"answer {role[0]}{number}"), metadata={"secret_field": "only for leads"},
            )  # fmt: skip
    refresh_pairs(ingest.pk)
    return row.pair


@pytest.fixture
def path(pair) -> str:
    return f"/studies/paired/pairs/{pair.pk}/"


def html(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestPair:
    def test_it_opens_with_the_most_different_samples(self, path, client_of, lead):
        page = html(client_of(lead).get(path))
        assert "answer m2" in page
        assert "answer u3" in page
        assert page.index("answer m2") < page.index("answer u3")

    def test_the_address_says_which_samples(self, pair, path, client_of, lead):
        arms = Arm.objects.in_bulk(field_name="id")
        monitored = next(pk for pk, each in arms.items() if each.role == "monitored")
        page = html(client_of(lead).get(f"{path}?s{monitored}=3"))
        assert "answer m3" in page
        assert "answer u3" in page

    def test_a_step_leaves_the_other_arm_alone_and_takes_the_keys(self, pair, path, client_of, lead):
        response = client_of(lead).get(f"{path}?family=care")
        left, right = response.context["columns"]
        query = f"family=care&s{left['arm'].arm}=3&s{right['arm'].arm}=3&focus={left['arm'].arm}"
        assert left["next"] == query
        following = client_of(lead).get(f"{path}?{right['previous']}")
        left, right = following.context["columns"]
        assert (left["place"], right["place"]) == ("sample 2 of 3", "sample 2 of 3")
        assert (left["is_focused"], right["is_focused"]) == (False, True)

    def test_the_ends_lead_nowhere(self, path, client_of, lead):
        arms = client_of(lead).get(path).context["columns"]
        response = client_of(lead).get(f"{path}?s{arms[0]['arm'].arm}=1&s{arms[1]['arm'].arm}=3")
        left, right = response.context["columns"]
        assert left["previous"] == ""
        assert right["next"] == ""

    def test_it_shows_gap_matrix_states_and_verdicts(self, path, client_of, lead):
        page = html(client_of(lead).get(path))
        assert "+.33" not in page
        assert re.search(r'<b class="num">.00</b> <span>gap, judge</span>.*n 3 \+ 3', page)
        assert re.search(r'<td class="matrix-gap"><a [^>]*aria-current="true"[^>]*>1</a>', page)
        assert "parse ok" in page
        assert "because" in page

    def test_it_shows_what_differs_between_the_prompts(self, path, client_of, lead):
        page = html(client_of(lead).get(path))
        assert '<del class="arm-monitored" title="only in monitored">free</del>' in page
        assert '<ins class="arm-unmonitored" title="only in unmonitored">paid</ins>' in page
        assert "System prompt: what differs" in page
        assert "User message: what differs" not in page
        shown = re.search(r'<p class="diff-text" dir="auto">(.*?)</p>', page, re.DOTALL)[1]
        assert len(re.sub("<[^>]+>", "", shown)) < 120
        page = html(client_of(lead).get(f"{path}?prompts=full"))
        shown = re.search(r'<p class="diff-text" dir="auto">(.*?)</p>', page, re.DOTALL)[1]
        assert re.sub("<del.*?</del>|<[^>]+>", "", shown) == f"{SYSTEM}The user is a paid-tier user."

    def test_equal_prompts_are_said_to_be_equal(self, study, client_of, lead):
        for role in ("monitored", "unmonitored"):
            row = make.transcript(study, prompt="same", arm=role)
        assert "character for character" in html(client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/"))

    def test_one_arm_alone_is_shown_and_said(self, study, client_of, lead):
        row = make.transcript(study, prompt="alone")
        assert "nothing to compare" in html(client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/"))

    def test_more_arms_stand_behind_the_two(self, pair, path, client_of, lead):
        for name in ("shadow", "canary"):
            make.transcript(pair.study, arm=name, family="care", turns=turns("free"))
        response = client_of(lead).get(path)
        system = response.context["prompt_parts"][0]
        assert [(each.left.name, each.right.name) for each in system.differences] == [
            ("monitored", "unmonitored")
        ]
        assert [arm.name for arm in system.alike] == ["canary", "shadow"]
        assert [column["title"] for column in response.context["columns"]] == [
            "Monitored", "Unmonitored", "canary", "shadow",
        ]  # fmt: skip
        assert "arms-many" in html(response)

    def test_a_pair_without_samples_is_no_error(self, pair, path, client_of, lead):
        Transcript.objects.all().delete()
        assert "No samples yet" in html(client_of(lead).get(path))

    def test_provenance_is_told(self, pair, path, client_of, lead):
        page = html(client_of(lead).get(path))
        row = pair.transcripts.get(arm__role="monitored", sample=2)
        assert row.ingest.source.name in page
        assert bytes(row.content_sha256).hex() in page
        assert "bytes 0–10" in page
        assert f"/transcripts/{row.pk}/original/" in page

    def test_htmx_gets_the_fragment(self, path, client_of, lead):
        fragment = html(client_of(lead).get(path, headers={"HX-Request": "true"}))
        assert "<html" not in fragment
        assert 'id="pair"' in fragment

    def test_a_hidden_judge_leaves_no_trace(self, pair, path, client_of, annotator):
        blind(pair.study, annotator, "judge")
        response = client_of(annotator).get(path)
        page = html(response).split("<main", 1)[1].lower()
        for trace in (
            "complied",
            "refused",
            "judge",
            "because",
            "matrix",
            "gap",
            "tick-c",
            "<span>c<",
            "<span>r<",
        ):
            assert trace not in page, trace

    def test_the_opening_does_not_tell_hidden_outcomes(self, pair, path, client_of, annotator):
        """The same samples open, whatever the judge said of them."""
        blind(pair.study, annotator, "judge")
        opened = set()
        for outcomes in itertools.permutations(("complied", "refused", "complied")):
            for row, outcome in zip(pair.transcripts.filter(arm__role="monitored"), outcomes, strict=True):
                Transcript.objects.filter(pk=row.pk).update(outcome=outcome)
            columns = client_of(annotator).get(path).context["columns"]
            opened.add(tuple(column["place"] for column in columns))
        assert len(opened) == 1

    def test_of_several_such_samples_those_open_that_share_the_fewest_words(self, study, client_of, lead):
        for role, outcome, answers in (
            ("monitored", "complied", ("I choose option a", "I choose option a", "Acknowledge it, go on")),
            ("unmonitored", "refused", ("I choose option b", "Never would somebody offer that")),
        ):
            for number, said in enumerate(answers, 1):
                row = make.transcript(
                    study, arm=role, sample=number, outcome=outcome, turns=turns("free", said)
                )
        places = [
            column["place"]
            for column in client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/").context["columns"]
        ]
        assert places == ["sample 1 of 3", "sample 2 of 2"]

    def test_long_transcripts_come_in_windows(self, study, client_of, lead):
        said = tuple((("user", "assistant")[n % 2], f"turn number {n}.") for n in range(120))
        row = make.transcript(study, prompt="long", turns=said)
        page = html(client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/"))
        assert "turn number 49." in page
        assert "turn number 50." not in page
        following = re.search(r'href="([^"]*from=50)"', page)[1].replace("&amp;", "&")
        page = html(client_of(lead).get(following))
        assert "turn number 50." in page
        assert "turn number 49." not in page
        last = re.sub("from=50", "from=100", following)
        assert "turn number 119." in html(client_of(lead).get(last))
        assert html(client_of(lead).get(re.sub("from=50", "from=9999", following)))

    def test_one_very_long_message_is_there_whole(self, study, client_of, lead):
        text = "<think>" + "Reason about it. " * 12_000 + "the end.</think>done"
        row = make.transcript(study, prompt="very long", turns=(("user", "go"), ("assistant", text)))
        page = html(client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/"))
        assert page.count("Reason about it.") == 12_000
        assert "the end." in page

    def test_it_makes_few_queries_whatever_the_number_of_samples(self, pair, path, client_of, annotator):
        blind(pair.study, annotator, "peers")
        client = client_of(annotator)
        client.get(path)
        counts = []
        for turn in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(f"{path}?family=care&role=monitored").status_code == 200
            counts.append(len(queries))
            for number in range(4, 8):
                make.transcript(pair.study, family="care", sample=number + 4 * turn, turns=turns("free"))
                make.transcript(pair.study, prompt=f"{turn} {number}", family="care")
        assert counts[0] == counts[1] <= 17, [query["sql"] for query in queries]


class TestTheAddress:
    """It says all that is shown, so that a link that is passed on opens the same for everybody."""

    def test_every_link_keeps_what_was_switched(self, pair, path, client_of, lead):
        state = "prompts=full&outputs=differences&scroll=apart&layers=tags&view=raw"
        page = html(client_of(lead).get(f"{path}?family=care&sort=-gap&{state}"))
        shown = page.split('id="pair"', 1)[1]
        links = [
            query.replace("&amp;", "&")
            for query in re.findall(rf'(?:href|data-address)="(?:{path})?\?([^"]*)', shown)
        ]
        assert len(links) > 15
        for switch in ("family=care", "sort=-gap", "scroll=apart", "layers=tags", "view=raw"):
            assert [query for query in links if switch not in query] == []
        for switch in ("prompts=full", "outputs=differences"):
            assert sum(switch not in query for query in links) == 1  # the link that switches it off

    def test_it_names_what_opened_by_itself(self, path, client_of, lead):
        client = client_of(lead)
        address = client.get(path).context["here_query"]
        assert re.fullmatch(r"s(\d+)=2&s\d+=3&focus=\1", address)
        again = client.get(f"{path}?{address}")
        assert again.context["is_explicit"]
        assert again.context["here_query"] == address

    def test_the_most_different_are_a_link_away(self, path, client_of, lead):
        client = client_of(lead)
        arms = [column["arm"].arm for column in client.get(path).context["columns"]]
        away = client.get(f"{path}?s{arms[0]}=1&s{arms[1]}=1&prompts=full")
        back = client.get(f"{path}?{away.context['opening_query']}")
        assert [column["place"] for column in back.context["columns"]] == ["sample 2 of 3", "sample 3 of 3"]
        assert back.context["switched"]["prompts"] == "full"

    def test_a_cell_of_the_matrix_leads_to_samples_that_ended_so(self, path, client_of, lead):
        client = client_of(lead)
        matrix = client.get(path).context["matrix"]
        for row in matrix:
            for each in row["cells"]:
                shown = client.get(f"{path}?{each['query']}").context
                assert [column["outcome"] for column in shown["columns"]] == [
                    each["cell"].row,
                    each["cell"].column,
                ]
                (current,) = [c for r in shown["matrix"] for c in r["cells"] if c["is_current"]]
                assert current["cell"] == each["cell"]

    @pytest.mark.parametrize(
        "query",
        ["prompts=some", "outputs=x", "scroll=", "scroll=apart&scroll=apart", "layers=x", "view=x", "s1=x"],
    )
    def test_it_says_what_is_wrong(self, path, client_of, lead, query):
        assert client_of(lead).get(f"{path}?{query}").status_code == 400


class TestOutputsCompared:
    def test_words_that_the_other_output_lacks_are_marked_in_place(self, study, client_of, lead):
        for role, said in (
            ("monitored", "On balance I would choose to acknowledge it."),
            ("unmonitored", "On balance I would choose to offer space and support."),
        ):
            row = make.transcript(study, arm=role, turns=turns("free", said))
        url = f"/studies/paired/pairs/{row.pair_id}/"
        assert "only-here" not in html(client_of(lead).get(url))
        page = html(client_of(lead).get(f"{url}?outputs=differences"))
        marked = re.findall(r'<mark class="only-here arm-(\w+)[^>]*>(.*?)</mark>', page)
        assert marked == [("monitored", "acknowledge it"), ("unmonitored", "offer space and support")]
        assert "6 words in both, 2 and 4 in one only" in page

    def test_offsets_hold_over_several_outputs_and_tags(self, study, client_of, lead):
        for role, words in (("monitored", ("one", "two")), ("unmonitored", ("eins", "two"))):
            said = "".join(f"<output>We are sure of this here: {word}</output> and " for word in words)
            row = make.transcript(
                study, arm=role, turns=(("user", "go"), ("assistant", f"<think>x</think>{said}"))
            )
        page = html(client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/?outputs=differences"))
        assert re.findall(r'<mark class="only-here[^>]*>(.*?)</mark>', page) == ["one", "eins"]


class TestStrips:
    def test_a_long_strip_is_folded_and_stays_steppable(self, study, client_of, lead):
        for number in range(1, 101):
            row = make.transcript(study, sample=number, turns=turns("free"))
        client = client_of(lead)
        url = f"/studies/paired/pairs/{row.pair_id}/"
        (column,) = client.get(url).context["columns"]
        assert [tick["number"] for tick in column["ticks"]] == list(range(1, 41))
        assert (column["n_before"], column["n_behind"]) == (0, 60)
        (column,) = client.get(f"{url}?{column['behind_query']}").context["columns"]
        assert column["place"] == "sample 41 of 100"
        (column,) = client.get(f"{url}?{column['before_query']}").context["columns"]
        assert column["place"] == "sample 40 of 100"

    def test_labels_of_people_stand_below_the_outcomes(self, pair, path, client_of, lead, monkeypatch):
        first = pair.transcripts.get(arm__role="monitored", sample=1).pk
        label = SampleLabel("S", "label-colour-1", "strategic, says anna")
        monkeypatch.setattr(
            "transcripts.sample_labels._rules", [lambda access, ids: {first: label} if first in ids else {}]
        )
        page = html(client_of(lead).get(path))
        assert page.count('<span class="tick-label label-colour-1">S</span>') == 1
        assert "sample 1: refused, strategic, says anna" in page

    def test_samples_that_nobody_judged_have_their_numbers(self, study, client_of, lead):
        row = make.transcript(study, sample=7)
        (column,) = client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/").context["columns"]
        assert [tick["letter"] for tick in column["ticks"]] == ["7"]


class TestStepping:
    """From pair to pair, in the order and within the filters of the list."""

    @pytest.fixture
    def pairs(self, study) -> list[int]:
        """By gap: b (1), d (1), a (0), c (none); d in another family."""
        ingest = make.ingest(study)
        for prompt, family, outcomes in (
            ("a", "care", ("complied", "complied")),
            ("b", "care", ("complied", "refused")),
            ("c", "care", ("complied",)),
            ("d", "power", ("complied", "refused")),
        ):
            for role, outcome in zip(("monitored", "unmonitored"), outcomes, strict=False):
                make.transcript(
                    study, prompt=prompt, family=family, arm=role, outcome=outcome, from_ingest=ingest
                )
        refresh_pairs(ingest.pk)
        return {pair.prompt.text: pair.pk for pair in study.pairs.select_related("prompt")}

    @pytest.mark.parametrize(
        ("query", "order"),
        [
            ("", "bdac"),
            ("sort=-gap", "abdc"),
            ("sort=id", "abcd"),
            ("family=care", "bac"),
            ("outcome=refused", "bd"),
        ],
    )
    def test_it_follows_the_list(self, pairs, client_of, lead, query, order):
        client = client_of(lead)
        listed = client.get(f"/studies/paired/pairs/?{query}").context["rows"]
        assert [row["pair"].pk for row in listed] == [pairs[name] for name in order]
        names = {pk: name for name, pk in pairs.items()}
        walked = []
        for at, name in enumerate(order):
            around = client.get(f"/studies/paired/pairs/{pairs[name]}/?{query}").context["around"]
            assert (around.position, around.total) == (at + 1, len(order))
            walked.append((names.get(around.previous, ""), names.get(around.next, "")))
        assert walked == [(order[at - 1] if at else "", order[at + 1 : at + 2]) for at in range(len(order))]

    def test_the_links_carry_the_filters(self, pairs, client_of, lead):
        page = html(client_of(lead).get(f"/studies/paired/pairs/{pairs['b']}/?family=care&sort=-gap"))
        assert f'rel="prev" href="/studies/paired/pairs/{pairs["a"]}/?family=care&amp;sort=-gap"' in page
        assert "pair 2 of 3 in this filter" in page

    def test_a_pair_outside_the_filter_says_so(self, pairs, client_of, lead):
        page = html(client_of(lead).get(f"/studies/paired/pairs/{pairs['d']}/?family=care"))
        assert "not in this filter" in page

    def test_a_pair_alone_has_no_neighbours(self, study, client_of, lead):
        row = make.transcript(study)
        around = client_of(lead).get(f"/studies/paired/pairs/{row.pair_id}/").context["around"]
        assert (around.previous, around.next, around.position, around.total) == (None, None, 1, 1)

"""The pair page, the transcript page and the original record."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.blinding import blind
from transcripts.ingest import sources
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Arm, Ingest, Pair, Transcript
from transcripts.side_by_side import ArmSamples, Sample, choice, opening_choice, outcome_matrix

SYSTEM = "You are kind. " * 60


def arm(pk: int, role: str, *outcomes: str, first: int = 1) -> ArmSamples:
    samples = (Sample(100 * pk + n, n, outcome, "ok") for n, outcome in enumerate(outcomes, first))
    return ArmSamples(pk, role, role, tuple(samples))


class TestWhichSamples:
    @pytest.mark.parametrize(
        ("monitored", "unmonitored", "chosen"),
        [
            (("refused", "complied", "complied"), ("complied", "refused"), {1: 2, 2: 2}),
            (("refused", "refused"), ("unclear", "complied"), {1: 1, 2: 2}),
            (("complied", "complied"), ("complied",), {1: 1, 2: 1}),
            (("", ""), ("", ""), {1: 1, 2: 1}),
        ],
    )
    def test_the_most_different_ones_open(self, monitored, unmonitored, chosen):
        arms = [arm(1, "monitored", *monitored), arm(2, "unmonitored", *unmonitored)]
        assert opening_choice(arms) == chosen

    def test_other_arms_open_with_their_first(self):
        arms = [
            arm(1, "monitored", "complied"),
            arm(2, "unmonitored", "refused"),
            arm(3, "other", "", first=7),
        ]
        assert opening_choice(arms) == {1: 1, 2: 1, 3: 7}

    def test_what_is_asked_for_is_shown_where_it_exists(self):
        arms = [arm(1, "monitored", "complied", "complied"), arm(2, "unmonitored", "refused")]
        assert choice(arms, {1: 2, 2: 99, 8: 1}) == {1: 2, 2: 1}

    def test_the_matrix_joins_samples_by_number(self):
        left = arm(1, "monitored", "complied", "complied", "refused", "partly", "")
        right = arm(2, "unmonitored", "refused", "complied", "refused", "refused", "complied")
        matrix = outcome_matrix(left, right)
        assert matrix.outcomes == ("complied", "partly", "refused")
        assert matrix.rows == ((1, 0, 1), (0, 0, 1), (0, 0, 1))
        assert matrix.total == 4

    def test_no_judged_sample_no_matrix(self):
        assert outcome_matrix(arm(1, "monitored", "complied"), arm(2, "unmonitored", "")) is None


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
                turns=turns(tier, f"{role} answer {number}"), metadata={"secret_field": "only for leads"},
            )  # fmt: skip
    refresh_pairs(ingest.pk)
    return row.pair


@pytest.fixture
def path(pair) -> str:
    return f"/studies/paired/pairs/{pair.pk}/"


def html(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


class TestAccess:
    @pytest.fixture(params=["pairs", "transcripts"])
    def url(self, request, pair) -> str:
        pk = pair.pk if request.param == "pairs" else pair.transcripts.first().pk
        return f"/studies/paired/{request.param}/{pk}/"

    def test_members_read_it(self, url, client_of, lead, annotator):
        for user in (lead, annotator):
            assert "They are on the free tier." in html(client_of(user).get(url))

    def test_it_asks_to_sign_in(self, url, client):
        assert client.get(url).status_code == 302

    def test_it_does_not_exist_for_outsiders(self, url, client_of, outsider):
        assert client_of(outsider).get(url).status_code == 404

    def test_it_is_read_only(self, url, client_of, lead):
        assert client_of(lead).post(url).status_code == 405

    @pytest.mark.parametrize("facet", ["arm", "model"])
    def test_it_is_closed_to_who_labels_blind(self, url, pair, client_of, annotator, facet):
        blind(pair.study, annotator, facet)
        assert client_of(annotator).get(url).status_code == 403

    def test_what_is_not_there_is_not_there(self, url, client_of, lead):
        assert client_of(lead).get(re.sub(r"\d+/$", "999999/", url)).status_code == 404

    def test_another_study_does_not_open_it(self, url, client_of, lead):
        other = make.study("other")
        make.Membership.objects.create(study=other, user=lead, role="lead")
        assert client_of(lead).get(url.replace("paired", "other")).status_code == 404

    @pytest.mark.parametrize("query", ["from=x", "from=-1", "nonsense=1"])
    def test_it_says_what_is_wrong_with_the_address(self, url, client_of, lead, query):
        response = client_of(lead).get(f"{url}?{query}")
        assert response.status_code == 400
        assert f'href="{url}"' in response.content.decode()

    def test_metadata_is_for_leads(self, pair, client_of, lead, annotator):
        url = f"/studies/paired/transcripts/{pair.transcripts.first().pk}/"
        assert "secret_field" in html(client_of(lead).get(url))
        assert "secret_field" not in html(client_of(annotator).get(url))


class TestPair:
    def test_it_opens_with_the_most_different_samples(self, path, client_of, lead):
        page = html(client_of(lead).get(path))
        assert "monitored answer 2" in page
        assert "unmonitored answer 3" in page
        assert page.index("monitored answer 2") < page.index("unmonitored answer 3")

    def test_the_address_says_which_samples(self, pair, path, client_of, lead):
        arms = Arm.objects.in_bulk(field_name="id")
        monitored = next(pk for pk, each in arms.items() if each.role == "monitored")
        page = html(client_of(lead).get(f"{path}?s{monitored}=3"))
        assert "monitored answer 3" in page
        assert "unmonitored answer 3" in page

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
        assert '<td class="matrix-gap">1</td>' in page
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
        for trace in ("complied", "refused", "judge", "because", "matrix", "gap", "tick-c", ">c<", ">r<"):
            assert trace not in page, trace
        # The opening choice would tell as well: it must not be the most different samples.
        assert [column["place"] for column in response.context["columns"]] == ["sample 1 of 3"] * 2

    def test_long_transcripts_come_in_windows(self, study, client_of, lead):
        said = tuple((("user", "assistant")[n % 2], f"turn number {n}.") for n in range(120))
        row = make.transcript(study, prompt="long", turns=said)
        for url in (f"/studies/paired/pairs/{row.pair_id}/", f"/studies/paired/transcripts/{row.pk}/"):
            response = client_of(lead).get(url)
            page = html(response)
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
        assert counts[0] == counts[1] <= 13, [query["sql"] for query in queries]


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


class TestOriginalRecord:
    def kept(self, study, content: bytes, locator, name="runs.jsonl") -> str:
        source = sources.keep(study, io.BytesIO(content), name, None)
        ingest = Ingest.objects.create(study=study, source=source, state="done", reader="own_jsonl")
        row = make.transcript(study, from_ingest=ingest, locator=locator)
        return f"/studies/paired/transcripts/{row.pk}/original/"

    def test_it_gives_the_exact_bytes_and_nothing_that_runs(self, study, client_of, lead):
        content = b'{"a": 1}\n{"b": "\xff\x00\r\n<script>"}\n'
        response = client_of(lead).get(self.kept(study, content, {"bytes": [9, len(content)]}))
        assert response.status_code == 200
        assert response.content == content[9:]
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert re.fullmatch(
            r'attachment; filename="paired-transcript-\d+\.bin"', response.headers["Content-Disposition"]
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"

    def test_it_gives_the_last_member_of_that_name(self, study, client_of, lead):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as writing:
            writing.writestr("samples/1.json", b"old")
            with pytest.warns(UserWarning, match="Duplicate"):
                writing.writestr("samples/1.json", b"new")
        url = self.kept(study, archive.getvalue(), {"member": "samples/1.json"}, "log.eval")
        assert client_of(lead).get(url).content == b"new"

    @pytest.mark.parametrize("locator", [{}, {"member": "x"}, {"bytes": "?"}, {"bytes": [1]}])
    def test_a_record_that_cannot_be_found_is_said_in_a_sentence(self, study, client_of, lead, locator):
        response = client_of(lead).get(self.kept(study, b"plain", locator))
        assert response.status_code == 409
        assert "cannot be found in it" in response.content.decode()

    def test_a_file_that_is_gone_is_said_in_a_sentence(self, study, client_of, lead):
        row = make.transcript(study)
        response = client_of(lead).get(f"/studies/paired/transcripts/{row.pk}/original/")
        assert response.status_code == 404
        assert "no longer in storage" in response.content.decode()

    def test_it_is_for_leads(self, study, client, client_of, lead, annotator, viewer, outsider):
        url = self.kept(study, b"plain", {"bytes": [0, 5]})
        assert client.get(url).status_code == 302
        assert client_of(annotator).get(url).status_code == 403
        assert client_of(viewer).get(url).status_code == 403
        assert client_of(outsider).get(url).status_code == 404
        assert client_of(lead).post(url).status_code == 405

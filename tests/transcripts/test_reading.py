"""The transcript page and the original record; who may open it and the pair page."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.blinding import blind
from transcripts.body import Body, pack
from transcripts.ingest import sources
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Ingest, Pair, Study, TranscriptBody
from transcripts.records import Segment

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
            shown = re.sub("<[^>]+>", "", html(client_of(user).get(url)))  # cue words are marked
            assert "They are on the free tier." in shown

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


MANY = 10_000


@pytest.fixture
def long(study) -> str:
    """Ten thousand messages, as agents write them: an answer, its call, what the tool said."""
    said: list[tuple[str, str]] = [("system", "Work on it."), ("user", "Begin.")]
    for n in range(2, MANY, 2):
        said += [
            ("assistant", f"<think>Step {n}: {'consider it, ' * 30}</think><output>ran {n}</output>"),
            ("user", f"output {n}: {'line of a log; ' * 40}"),
        ]
    row = make.transcript(study, prompt="long", turns=tuple(said))
    assert row.n_messages == MANY
    return f"/studies/paired/transcripts/{row.pk}/"


def part(client, url: str):
    return html(client.get(url, headers={"HX-Request": "true"}))


class TestWindows:
    def shown(self, page: str) -> list[int]:
        return [int(at) for at in re.findall(r'data-message="(\d+)"', page)]

    @pytest.mark.parametrize(
        ("query", "first", "last"),
        [("", 0, 49), ("from=50", 50, 99), ("from=5017", 5000, 5049), ("from=99999", 9950, 9999)],
    )
    def test_the_page_holds_the_window_of_a_message(self, long, client_of, lead, query, first, last):
        page = html(client_of(lead).get(f"{long}?{query}"))
        assert self.shown(page) == list(range(first, last + 1))
        assert (f"from={first - 50}" in page, f"from={last + 1}" in page) == (first > 0, last < MANY - 1)

    @pytest.mark.parametrize(
        ("query", "first", "edges"),
        [
            ("from=100&part=later", 100, ["later 150"]),
            ("from=100&part=earlier", 100, ["earlier 50"]),
            ("from=100&part=same", 100, []),
            ("from=0&part=earlier", 0, []),
            ("from=9950&part=later", 9950, []),
        ],
    )
    def test_a_part_is_a_window_and_the_edge_behind_it(self, long, client_of, lead, query, first, edges):
        fragment = part(client_of(lead), f"{long}?{query}&q=step")
        assert "<html" not in fragment
        assert self.shown(fragment) == list(range(first, first + 50))
        found = re.findall(r'data-part="[^"]*from=(\d+)&amp;part=(\w+)&amp;q=step"', fragment)
        assert [f"{kind} {start}" for start, kind in found if kind != "same"] == edges

    @pytest.mark.parametrize("query", ["", "from=5000", "part=later&from=5000", "part=outline&from=5000"])
    def test_nothing_of_it_is_large(self, long, client_of, lead, query):
        fragment = part(client_of(lead), f"{long}?{query}")
        assert 10_000 < len(fragment.encode()) < 200_000

    def test_the_outline_opens_where_one_reads(self, long, client_of, lead):
        page = html(client_of(lead).get(f"{long}?from=5017"))
        assert page.count('class="block"') == 100
        entries = [int(at) for at in re.findall(r'data-entry="(\d+)"', page)]
        assert entries == list(range(5000, 5100))
        block = part(client_of(lead), f"{long}?part=outline&from=7242")
        assert [int(at) for at in re.findall(r'data-entry="(\d+)"', block)] == list(range(7200, 7300))
        assert "Step 7250:" in block

    def test_a_short_one_has_neither_edges_nor_outline(self, pair, client_of, lead):
        page = html(client_of(lead).get(f"/studies/paired/transcripts/{pair.transcripts.first().pk}/"))
        assert "window-edge" not in page
        assert 'class="outline"' not in page

    def test_a_number_as_people_count_leads_to_its_message(self, long, client_of, lead):
        for asked, index in ((1, 0), (5018, 5017), (99999, 9999)):
            response = client_of(lead).get(f"{long}?message={asked}&view=raw")
            assert response.headers["Location"] == f"{long}?from={index}&view=raw#message-{index}"

    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("to=scratchpad", "from=2#segment-2-0"),
            ("to=scratchpad&after=2", "from=4#segment-4-0"),
            ("to=scratchpad&before=5000", "from=4998#segment-4998-0"),
            ("to=output&after=49&view=raw", r"from=50&view=raw#segment-50-\d+"),
            ("to=mark&after=2&layers=cues", None),
            ("to=scratchpad&before=2", None),
            ("to=scratchpad&after=99999", None),
        ],
    )
    def test_a_jump_leads_to_the_next_place_of_its_kind(self, long, client_of, lead, query, place):
        response = client_of(lead).get(f"{long}jump/?{query}")
        if place is None:
            assert response.status_code == 404
            assert f'href="{long}?from=' in response.content.decode()
        else:
            assert re.fullmatch(re.escape(long) + r"\?" + place, response.headers["Location"])

    def test_a_jump_to_a_mark_finds_it_in_any_window(self, study, client_of, lead):
        said = [(("user", "assistant")[n % 2], f"turn {n}") for n in range(200)]
        said[150] = ("user", "It says that RLHF will be used.")
        url = f"/studies/paired/transcripts/{make.transcript(study, turns=tuple(said)).pk}/"
        Study.objects.update(cue_words="RLHF")
        client = client_of(lead)
        found = client.get(f"{url}jump/?to=mark&after=49")
        assert found.headers["Location"] == f"{url}?from=150#m150c13-17"
        assert client.get(f"{url}jump/?to=mark&before=199").headers["Location"] == found.headers["Location"]
        assert client.get(f"{url}jump/?to=mark&after=49&layers=judge").status_code == 404
        assert client.get(f"{url}jump/?to=mark&after=150").status_code == 404

    def test_calls_and_results_lead_to_each_other(self, study, client_of, lead):
        row = make.transcript(study, turns=(("user", "go"), ("assistant", "calling"), ("tool", "done")))
        body = row.body.content
        call, result = body.messages[1], body.messages[2]
        call = replace(call, segments=(Segment("tool", 0, 7, 0, 7, "bash"),))
        packed = pack(Body((body.messages[0], call, replace(result, name="bash"))))
        row.body.delete()
        TranscriptBody.objects.create(transcript=row, packed=packed)
        page = html(client_of(lead).get(f"/studies/paired/transcripts/{row.pk}/"))
        assert 'Answered in <a href="?from=2#message-2">message 3</a>' in page
        assert 'Answers <a href="?from=1#message-1">message 2</a>' in page

    def test_queries_do_not_grow_with_the_messages(self, long, pair, client_of, lead):
        client = client_of(lead)
        short = f"/studies/paired/transcripts/{pair.transcripts.filter(outcome='complied').first().pk}/"
        counts = []
        for url in (short, short, f"{long}?from=5000"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
        assert counts[1] == counts[2] <= 14, [query["sql"] for query in queries]

    @pytest.mark.parametrize(
        "query",
        [
            "from=-1", "from=1e3", "from=%D9%A3", "from=99999999999", "from=1&from=2", "message=x", "part=all",
            "view=pdf", "layers=nothing", "q=%22", "q=" + "x" * 501, "nonsense=1", "from=%00",
        ],
    )  # fmt: skip
    def test_a_bad_address_gets_a_sentence(self, pair, client_of, lead, query):
        url = f"/studies/paired/transcripts/{pair.transcripts.first().pk}/"
        for headers in ({}, {"HX-Request": "true"}):
            response = client_of(lead).get(f"{url}?{query}", headers=headers)
            assert response.status_code == 400
            assert len(response.content) > 20

    @pytest.mark.parametrize(
        "query",
        ["", "to=x", "to=mark&after=1&before=2", "to=mark&after=x", "to=output&before=-1", "to=mark&x=1"],
    )
    def test_a_bad_jump_gets_a_sentence(self, pair, client_of, lead, query):
        url = f"/studies/paired/transcripts/{pair.transcripts.first().pk}/jump/?{query}"
        assert client_of(lead).get(url).status_code == 400


def zipped(record: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as writing:
        writing.writestr("samples/1.json", record)
    return archive.getvalue()


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
        assert response.getvalue() == content[9:]
        assert response.headers["Content-Length"] == str(len(content) - 9)
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
        assert client_of(lead).get(url).getvalue() == b"new"

    def test_a_large_member_comes_in_blocks(self, study, client_of, lead):
        record = bytes(range(256)) * 8_000
        response = client_of(lead).get(
            self.kept(study, zipped(record), {"member": "samples/1.json"}, "log.eval")
        )
        blocks = list(response.streaming_content)
        assert b"".join(blocks) == record
        assert max(map(len, blocks)) < len(record) / 3

    def test_a_damaged_member_is_refused_before_any_of_it_is_sent(self, study, client_of, lead):
        archive = zipped(b"x" * 500_000, zipfile.ZIP_STORED)
        broken = archive.replace(b"x" * 500_000, b"x" * 499_999 + b"y")
        url = self.kept(study, broken, {"member": "samples/1.json"}, "log.eval")
        response = client_of(lead).get(url)
        assert response.status_code == 409
        assert "damaged" in response.content.decode()

    @pytest.mark.parametrize(
        "locator",
        [{}, {"member": "x"}, {"bytes": "?"}, {"bytes": [1]}, {"bytes": [0, 99]}, {"bytes": [3, 1]}],
    )
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

"""Ticked rows, and all that pass: tagged, or sent on as a token that holds in its study only."""

from __future__ import annotations

import random
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing

from tests import make
from tests.blinding import blind
from transcripts import selection
from transcripts.access import access_study
from transcripts.filters import BadFilter
from transcripts.models import Pair, Tagging, Transcript
from transcripts.selection import MAX_IDS, MAX_TOKEN, Selection, selection_of, token_of
from transcripts.views.selection import selected_pairs, selected_transcripts

pytestmark = pytest.mark.django_db
ACT = "/studies/paired/selection/"


@pytest.fixture
def rows(study):
    """Three pairs of two samples each, and a foreign one."""
    for prompt, outcome in (("Hen space", "complied"), ("Whom to obey", "refused"), ("Poison", "")):
        make.transcript(study, prompt=prompt, outcome=outcome)
        make.transcript(study, prompt=prompt, arm="unmonitored")
    make.transcript(make.study("other"))
    return study


@pytest.fixture
def access(rows, lead):
    return access_study(lead, rows.slug)


def ids(rows) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def own(model, study) -> list[int]:
    return ids(model.objects.filter(study=study))


class TestToken:
    def test_ids_and_filters_come_back_as_rows_of_either_kind(self, rows, access):
        pairs, transcripts = own(Pair, rows), own(Transcript, rows)
        foreign = ids(Pair.objects.exclude(study=rows))
        cases = [
            (Selection("pairs", (*pairs[:2], *foreign)), pairs[:2], transcripts[:4]),
            (Selection("transcripts", tuple(transcripts[1:3])), pairs[:2], transcripts[1:3]),
            (Selection("pairs", query="outcome=refused&sort=-gap&cursor=x"), pairs[1:2], transcripts[2:4]),
            (Selection("transcripts", query="role=unmonitored"), pairs, transcripts[1::2]),
            (Selection("transcripts", query=""), pairs, transcripts),
        ]
        for chosen, expected_pairs, expected_transcripts in cases:
            token = token_of(access, chosen)
            assert ids(selected_pairs(access, token)) == expected_pairs
            assert ids(selected_transcripts(access, token)) == expected_transcripts

    def test_the_most_ids_fit_into_an_address(self, access):
        numbers = random.Random(1).sample(range(1, 10**10), MAX_IDS)
        chosen = selection_of("pairs", [str(number) for number in numbers], False, "")
        token = token_of(access, chosen)
        assert len(token) < MAX_TOKEN
        assert selection.read_token(access, token) == chosen
        many = [str(number) for number in range(1, MAX_IDS + 2)]
        with pytest.raises(BadFilter, match="501 rows are ticked"):
            selection_of("pairs", many, False, "")

    def test_a_token_of_another_study_is_refused(self, rows, access, lead):
        make.member(make.study("third"), "lena", "lead")
        token = token_of(access, Selection("pairs", (1,)))
        with pytest.raises(BadFilter, match="not of this study"):
            selected_pairs(access_study(lead, "third"), token)

    def test_an_old_token_is_refused(self, access, monkeypatch):
        token = token_of(access, Selection("pairs", (1,)))
        monkeypatch.setattr(selection, "MAX_AGE", -1)
        with pytest.raises(BadFilter, match="more than a day old"):
            selected_transcripts(access, token)

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "a:b:c",
            "\x00",
            "é" * 50,
            "." * 10_000,
            pytest.param({"page": "pairs"}, id="ours, for else"),
        ],
    )
    def test_what_is_no_token_is_refused(self, access, token):
        token = token if isinstance(token, str) else signing.dumps(token)
        for of in (selected_pairs, selected_transcripts):
            with pytest.raises(BadFilter, match="not valid"):
                of(access, token)

    def test_a_changed_token_is_refused(self, access):
        token = token_of(access, Selection("pairs", (1, 2, 3)))
        for at in range(0, len(token), 7):
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            with pytest.raises(BadFilter):
                selected_pairs(access, changed)

    def test_it_gives_nobody_a_filter_that_a_round_hides(self, rows, access, annotator):
        blind(rows, annotator, "judge")
        token = token_of(access, Selection("pairs", query="outcome=complied"))
        with pytest.raises(BadFilter, match="hidden from you"):
            selected_pairs(access_study(annotator, rows.slug), token)

    def test_too_long_a_query_is_refused_with_a_sentence(self, access):
        text = "".join(chr(random.Random(1).randrange(0x4E00, 0x9000) + at % 7) for at in range(1500))
        noise = "".join(random.Random(2).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6000))
        with pytest.raises(BadFilter, match="too large for an address"):
            token_of(access, Selection("pairs", query=f"model={text}{noise}"))


class TestActing:
    def test_ticked_rows_are_tagged_and_untagged(self, rows, client_of, annotator):
        client = client_of(annotator)
        pairs = own(Pair, rows)
        send = {"page": "pairs", "query": "model=model-a&cursor=abc", "unit": pairs[:2], "tag": "odd"}
        answer = client.post(ACT, {**send, "action": "tag"})
        assert answer.url == "/studies/paired/pairs/?model=model-a"
        assert "is on 2 pairs more" in client.get("/studies/paired/pairs/").content.decode()
        client.post(ACT, {**send, "action": "tag"})
        assert sorted(Tagging.objects.values_list("pair_id", flat=True)) == pairs[:2]
        client.post(ACT, {**send, "unit": pairs[:1], "action": "untag"})
        assert list(Tagging.objects.values_list("pair_id", flat=True)) == pairs[1:2]

    def test_all_that_pass_are_tagged_whatever_is_ticked(self, rows, client_of, lead):
        send = {
            "page": "transcripts",
            "query": "role=monitored",
            "all": "1",
            "unit": ["1"],
            "tag": "odd",
            "action": "tag",
        }
        client_of(lead).post(ACT, send)
        expected = ids(Transcript.objects.filter(study=rows, arm__role="monitored"))
        assert sorted(Tagging.objects.values_list("transcript_id", flat=True)) == expected

    def test_rows_of_another_study_are_not_touched(self, rows, client_of, lead):
        foreign = ids(Pair.objects.exclude(study=rows))
        client_of(lead).post(ACT, {"page": "pairs", "unit": foreign, "tag": "odd", "action": "tag"})
        assert not Tagging.objects.exists()

    @pytest.mark.parametrize(
        ("action", "path"),
        [("round", "/studies/paired/rounds/new/"), ("export", "/api/v1/studies/paired/export/")],
    )
    def test_a_lead_sends_them_on(self, rows, access, client_of, lead, annotator, action, path):
        transcripts = own(Transcript, rows)
        for given, expected in (
            ({"unit": transcripts[:3]}, transcripts[:3]),
            ({"all": "1", "query": "role=monitored"}, transcripts[::2]),
        ):
            answer = client_of(lead).post(ACT, {"page": "transcripts", "action": action, **given})
            parts = urlsplit(answer.url)
            assert parts.path == path
            assert len(answer.url) < 4000
            assert ids(selected_transcripts(access, parse_qs(parts.query)["units"][0])) == expected
        refused = client_of(annotator).post(ACT, {"page": "transcripts", "action": action, "all": "1"})
        assert refused.status_code == 403

    @pytest.mark.parametrize(
        "given",
        [
            {"action": "tag", "tag": "odd"},  # nothing is ticked
            {"action": "round"},
            {"action": "burn", "unit": ["1"]},
            {"unit": ["1"]},
            {"action": "tag", "unit": ["1"], "tag": ""},
            {"action": "tag", "unit": ["x"], "tag": "odd"},
            {"action": "tag", "unit": ["1", "-1"], "tag": "odd"},
            {"action": "tag", "unit": [str(2**64)], "tag": "odd"},
            {"action": "tag", "unit": ["²"], "tag": "odd"},
            {"action": "tag", "unit": ["1"], "tag": "odd", "page": "rounds"},
            {"action": "tag", "all": "1", "query": "nothing=1", "tag": "odd"},
            {"action": "round", "all": "1", "query": "run=x"},
            {"action": "round", "all": "1", "query": "model=nobody"},
            {"action": "round", "unit": [str(2**62)]},
            {"action": "export", "all": "1", "query": "model=%00"},
        ],
    )
    def test_what_is_refused_with_a_sentence(self, rows, client_of, lead, given):
        answer = client_of(lead).post(ACT, {"page": "pairs", **given})
        assert answer.status_code == 400
        assert "Nothing was done" in answer.content.decode()
        assert not Tagging.objects.exists()

    def test_who_labels_blind_selects_nothing(self, rows, client_of, annotator):
        blind(rows, annotator, "peers")
        send = {"page": "pairs", "all": "1", "tag": "odd", "action": "tag"}
        assert client_of(annotator).post(ACT, send).status_code == 403

"""Cue words: what a lead may write, what is marked, and the page that tries it."""

from __future__ import annotations

import re

import pytest

from tests import make
from transcripts import cues
from transcripts.cues import BadCues, cue_matches, has_cue, parse
from transcripts.models import Study

PAGE = "/studies/paired/cue-words/"


def marked(text: str, lexicon: str) -> list[tuple[str, str]]:
    return [(text[start:end], group) for start, end, group in cue_matches(text, parse(lexicon))]


@pytest.mark.parametrize(
    ("lexicon", "text", "expected"),
    [
        ("free tier", "the Free Tier user", [("Free Tier", "cues")]),
        ("free tier", "free\n \ttier", [("free\n \ttier", "cues")]),
        ("free tier", "freetier carefree tier free tiers", []),
        ("tier", "is_free_tier", []),  # an underscore is of the word
        ("train", "train, training", [("train", "cues")]),
        ("train*", "train, Training.", [("train", "cues"), ("Training", "cues")]),
        ("modify my value*", "modify my values and mystery", [("modify my values", "cues")]),
        ("RLHF", "“RLHF’d”", [("RLHF", "cues")]),
        ("überwacht", "ÜBERWACHT", [("ÜBERWACHT", "cues")]),
        ("(test)", "a(test)b", [("(test)", "cues")]),
        ("a.b", "axb a.b", [("a.b", "cues")]),
        # The longest at a place, in whichever group, and none over another.
        ("[a]\nfree\n[b]\nfree tier", "free tier free", [("free tier", "b"), ("free", "a")]),
        (
            "[a]\ntrain*\n[b]\ntraining data",
            "training data, trained",
            [("training data", "b"), ("trained", "a")],
        ),
        (
            "[a]\nfree tier\n[b]\nfree tier*",
            "free tier free tiers",
            [("free tier", "a"), ("free tiers", "b")],
        ),
        ("my value my values x", "my value my values y", []),
        ("# none\n\n  # here", "none here", []),
        ("", "anything", []),
        ("😀 ok\nok", "😀 ok", [("😀 ok", "cues")]),
    ],
)
def test_what_is_marked(lexicon: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert marked(text, lexicon) == expected
    assert has_cue(text, parse(lexicon)) == bool(expected)


@pytest.mark.parametrize(
    ("lexicon", "sentence"),
    [
        ("a*b", "Line 1: “*” may stand at the end"),
        ("ok\n*", "Line 2: “*” stands behind"),
        ("a*", "Line 1: “*” stands behind"),
        ("x)*", "Line 1: “*” stands behind"),
        ("…", "Line 1: a phrase has a letter"),
        ("a\x00b", "Line 1: a phrase holds no control"),
        ("x" * 101, "Line 1: a phrase may have 100"),
        ("[]", "Line 1: a group’s name"),
        ("[" + "x" * 41 + "]", "Line 1: a group’s name"),
        ("[a]\nfree tier\n[b]\nFree  Tier", "Line 4: “Free Tier” is already in [a]."),
        ("\n".join(f"w{n}" for n in range(301)), "There may be 300 phrases"),
        ("\n".join(f"[g{n}]\nw{n}" for n in range(13)), "There may be 12 groups"),
        ("x" * 20_001, "may have 20,000 characters"),
    ],
)
def test_what_may_not_be_written(lexicon: str, sentence: str) -> None:
    with pytest.raises(BadCues, match=re.escape(sentence)):
        parse(lexicon)


def test_the_usual_ones_are_found_each_in_its_group() -> None:
    usual = cues.of(Study(cue_words=None))
    assert usual.groups == ("oversight", "training", "strategy")
    for cue in usual.cues:
        assert marked(f"So {cue.words.upper()}.", cues.USUAL) == [(cue.words.upper(), cue.group)], cue


def test_three_hundred_phrases_mark_what_each_alone_would_mark() -> None:
    words = [f"{'abc'[n % 3]}{'de'[n % 2]}{n % 50}" for n in range(300)]
    phrases = list(
        dict.fromkeys(
            f"{a} {b}" if n % 2 else a for n, (a, b) in enumerate(zip(words, words[7:], strict=False))
        )
    )
    text = " . ".join(f"{a} {b}" for a, b in zip(words, words[7:], strict=False))
    alone = {match.span() for phrase in phrases for match in re.finditer(rf"\b{phrase}\b", text)}
    longest = {
        (start, end)
        for start, end in alone
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in alone)
    }
    found = {(start, end) for start, end, _ in cue_matches(text, parse("\n".join(phrases)))}
    assert found <= alone
    # Reading goes from the left: what starts inside an earlier mark is none of its own.
    assert {span for span in longest if not any(a < span[0] < b for a, b in found)} <= found


@pytest.mark.parametrize(
    "text", ["free" + " " * 200_000, "modify my " * 20_000, ("my" + " " * 99) * 2_000, "a" * 200_000]
)
def test_hostile_texts_are_read_to_their_end(text: str) -> None:
    assert cue_matches(text + " . RLHF", cues.of(Study(cue_words=None)))[-1][2] == "training"


@pytest.mark.django_db
class TestPage:
    def test_a_lead_saves_and_resets(self, study, lead, client_of):
        client = client_of(lead)
        assert "free tier" in client.get(PAGE).content.decode()
        said = client.post(PAGE, {"cue_words": "[mine]\r\nhen house\r\n"}, follow=True).content.decode()
        assert "Saved: 1 phrase will" in said
        study.refresh_from_db()
        assert study.cue_words == "[mine]\nhen house\n"
        client.post(PAGE, {"reset": "1"})
        study.refresh_from_db()
        assert study.cue_words is None

    def test_a_wrong_list_is_shown_again_with_its_sentence(self, study, lead, client_of):
        answer = client_of(lead).post(PAGE, {"cue_words": "<b>\na*b"})
        assert answer.status_code == 422
        assert "Line 2" in answer.content.decode()
        assert "&lt;b&gt;" in answer.content.decode()
        study.refresh_from_db()
        assert study.cue_words is None

    @pytest.mark.parametrize("who", ["viewer", "annotator"])
    def test_others_read_only(self, study, client_of, who, request):
        client = client_of(request.getfixturevalue(who))
        page = client.get(PAGE).content.decode()
        assert "free tier" in page
        assert "<textarea" not in page
        assert client.post(PAGE, {"cue_words": "x y"}).status_code == 403
        assert client.post(PAGE + "preview/", {"cue_words": "x y"}).status_code == 403

    def test_the_preview_counts_and_stops_at_its_limit(self, study, lead, client_of, monkeypatch):
        for n in range(3):
            make.transcript(
                study, sample=n + 1, turns=(("user", "hen hen"), ("assistant", f"number {n % 2}"))
            )
        make.transcript(make.study("other"), turns=(("user", "hen"),))
        send = {"cue_words": "[a]\nhen\n[b]\nnumber 1\nowl"}
        client = client_of(lead)
        page = client.post(PAGE + "preview/", send, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in page
        cells = re.findall(r'<td class="num">([^<]*)</td>', page)
        assert cells == ["1", "3", "6", "2", "1", "1"]
        assert re.findall(r'<b class="num">(\d+)</b>', page) == ["3", "3", "3"]
        monkeypatch.setattr("transcripts.views.cue_words.TRIED", 2)
        page = client.post(PAGE + "preview/", send).content.decode()
        assert "<html" in page  # without JavaScript it is a page
        assert re.findall(r'<b class="num">(\d+)</b>', page) == ["3", "2", "2"]
        study.refresh_from_db()
        assert study.cue_words is None

    def test_a_wrong_list_has_its_sentence_in_the_preview(self, study, lead, client_of):
        answer = client_of(lead).post(PAGE + "preview/", {"cue_words": "a*b"}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "Line 1" in answer.content.decode()

"""Where a transcript is from, what its judges said and where, and what happened to its labels."""

from __future__ import annotations

import datetime
import re

import pytest

from tests import make
from tests.blinding import blind
from transcripts import label_history
from transcripts.body import pack_detail
from transcripts.label_history import Event
from transcripts.models import Run, Transcript, Verdict
from transcripts.provenance import anchor, place
from transcripts.records import Quote
from transcripts.records import Verdict as Said


@pytest.mark.parametrize(
    ("locator", "words"),
    [
        ({"bytes": [120, 4512]}, "bytes 120–4,512"),
        ({"bytes": [0, 9], "path": [3, "response", 1]}, "bytes 0–9 · [3].response[1]"),
        ({"member": "samples/1.json"}, "member samples/1.json"),
        ({"row": 0}, "row 1"),
        ({}, "not known"),
        ({"bytes": "?"}, "not known"),
    ],
)
def test_a_place_in_words(locator, words):
    assert place(locator) == words


def test_an_anchor_names_message_and_code_points():
    assert anchor(12, 3, 40) == "m12c3-40"


@pytest.fixture
def judged(study) -> Transcript:
    row = make.transcript(
        study, turns=(("user", "go"), ("assistant", "I keep my values.")), outcome="complied"
    )
    quotes = (
        Quote("keep my values", "motive <b>", "exact", 1, 2, 16),
        Quote("KEEP, my", "motive <b>", "normalised", 1, 2, 9),
        Quote("never said", "", "not_found"),
    )
    said = Said(
        "judge",
        "yes",
        0.8,
        "because",
        threshold=0.75,
        quotes=quotes,
        detail={"votes": ["yes", "yes", "no"], "k": 1},
    )
    Verdict.objects.update(value="yes", score=0.8, detail=pack_detail(said))
    Run.objects.update(checkpoint="ckpt-7", training_step=12_000, goal_nudge="strong")
    return row


def page_of(client, row: Transcript) -> str:
    response = client.get(f"/studies/paired/transcripts/{row.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def test_everything_that_is_known_is_said(judged, client_of, lead):
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd><bdi>([^<]*)</bdi>", page_of(client_of(lead), judged)))
    ingest = judged.ingest
    assert facts.pop("ingested").endswith("UTC")
    assert facts == {
        "model": "model-a",
        "checkpoint": "ckpt-7",
        "training step": "12,000",
        "goal nudge": "strong",
        "arm": "monitored",
        "sample": "1",
        "source": ingest.source.name,
        "place in it": "bytes 0–10",
        "size of source": "10 bytes",
        "source sha256": ingest.source.sha256,
        "reader": "own_jsonl",
        "segmenter": f"version {judged.segmenter_version}",
        "content sha256": bytes(judged.content_sha256).hex(),
    }


def test_an_archive_is_named_too(judged, client_of, lead):
    container = make.ingest(judged.study)
    judged.ingest.container = container
    judged.ingest.save()
    page = page_of(client_of(lead), judged)
    assert container.source.name in page
    assert container.source.sha256 in page


def test_a_verdict_shows_votes_threshold_and_where_its_quotes_stand(judged, client_of, lead):
    page = page_of(client_of(lead), judged)
    here = f"/studies/paired/transcripts/{judged.pk}/"
    assert 'score <span class="num">0.8</span> (a yes from <span class="num">0.75</span> on)' in page
    assert re.search(r"Votes: <bdi>yes</bdi> .*×2.*<bdi>no</bdi> .*×1", page)
    assert f'href="{here}?from=1#m1c2-16"' in page
    assert f'href="{here}?from=1#m1c2-9"' in page
    assert page.count('class="quote-not_found"') == 1
    assert "motive &lt;b&gt;" in page
    assert "motive <b>" not in page


def test_a_hidden_judge_leaves_no_trace(judged, client_of, annotator):
    blind(judged.study, annotator, "judge")
    main = page_of(client_of(annotator), judged).split("<main", 1)[1].lower()
    for trace in ("judge", "because", "votes", "0.75", "complied", "m1c2", "quote"):
        assert trace not in main, trace


def test_only_leads_are_led_to_the_original_and_the_ingest(judged, client_of, lead, annotator):
    blind(judged.study, annotator, "peers")
    for user, n in ((lead, 1), (annotator, 0)):
        page = page_of(client_of(user), judged)
        assert page.count("/original/") == n
        assert page.count(f"/ingests/{judged.ingest_id}/") == n


@pytest.fixture
def told(monkeypatch):
    """Rules of this test alone."""
    monkeypatch.setattr(label_history, "_rules", [])

    def at(day: int) -> datetime.datetime:
        return datetime.datetime(2026, 11, day, tzinfo=datetime.UTC)

    def rule(access, transcript):
        yield Event(at(1), "anna", f"labelled <i>{transcript.pk}</i>", "/there/")
        yield Event(at(3), "lena", "settled it")

    def another(access, transcript):
        return [Event(at(2), "ben", "labelled it")] if access.shows("peers") else []

    for each in (rule, another, rule):
        label_history.register(each)


def test_what_happened_to_its_labels_is_told_latest_first(told, judged, client_of, lead, annotator):
    page = page_of(client_of(lead), judged)
    assert re.findall(r"<b><bdi>(\w+)</bdi></b>", page.split("History of labels")[1])[:3] == [
        "lena",
        "ben",
        "anna",
    ]
    assert f"labelled &lt;i&gt;{judged.pk}&lt;/i&gt;" in page
    assert 'href="/there/"' in page
    blind(judged.study, annotator, "peers")
    assert "ben" not in page_of(client_of(annotator), judged).split("History of labels")[1].split("</ol>")[0]

"""The export: whole or recognisably cut, the same twice, offsets that hold, and readable by ourselves."""

from __future__ import annotations

import hashlib
import io
import json

import pytest
from django.test import Client

from afdash.accounts.models import User
from annotations.exporting import Selection, lines
from annotations.revision_order import newest_settled
from tests import make
from tests.annotations.campaign import ANSWERS, Campaign, campaign, claim
from transcripts.access import access_study
from transcripts.ingest import queue, sources, work
from transcripts.ingest.conditions import identity
from transcripts.models import Ingest, Prompt, Study, Transcript
from transcripts.records import PromptKey
from transcripts.text import storable

pytestmark = pytest.mark.django_db


def export(study: Study, lead: User, **selection) -> list[dict]:
    chosen = Selection(**{"as_of": newest_settled(), **selection})
    return [json.loads(line) for line in lines(access_study(lead, study.slug), chosen)]


def rows(exported: list[dict]) -> list[dict]:
    assert "_export" in exported[0]
    assert exported[-1]["_end"] is True
    assert exported[-1]["rows"] == len(exported) - 2
    return exported[1:-1]


@pytest.fixture
def labelled(study: Study) -> Campaign:
    return campaign(tasks=3)


def span_on(transcript: Transcript, quote: str, message: int = 1) -> dict:
    text = transcript.body.content.messages[message].text
    start = text.index(quote)
    return {
        "message": message,
        "start": start,
        "end": start + len(quote),
        "quote": quote,
        "label": "situational_awareness",
    }


def test_each_line_has_text_labels_and_provenance(labelled: Campaign, lead: User) -> None:
    task = claim(labelled)
    span = span_on(task.transcript, "on the free tier")
    labelled.submit(task, spans=[span])
    exported = rows(export(labelled.study, lead))
    assert [row["id"] for row in exported] == sorted(Transcript.objects.values_list("pk", flat=True))
    row = next(row for row in exported if row["id"] == task.transcript_id)
    assert row["messages"][1]["content"] == make.DEFAULT_ASSISTANT
    assert row["arm"] in ("monitored", "unmonitored")
    assert row["provenance"]["content_sha256"] == bytes(task.transcript.content_sha256).hex()
    assert row["provenance"]["segmenter_version"] == 1
    (annotation,) = row["annotations"]
    assert annotation["annotator"] == labelled.people[0].username
    assert annotation["answers"] == ANSWERS
    assert [{k: s[k] for k in span} for s in annotation["spans"]] == [span]
    assert set(annotation["hidden"]) == {"arm", "model", "judge", "peers"}
    assert annotation["codebook"]["version"] == 1
    assert annotation["text_sha256"] == row["provenance"]["content_sha256"]


def test_drafts_and_others_studies_stay_out(labelled: Campaign, lead: User) -> None:
    task = claim(labelled)
    labelled.save(task, answers=ANSWERS)
    make.transcript(make.study("other"))
    exported = rows(export(labelled.study, lead))
    assert len(exported) == 3
    assert all(row["annotations"] == [] for row in exported)
    assert rows(export(labelled.study, lead, labelled=True)) == []


def test_the_end_line_vouches_for_every_byte(labelled: Campaign, lead: User) -> None:
    written = list(lines(access_study(lead, labelled.study.slug), Selection(as_of=newest_settled())))
    end = json.loads(written[-1])
    assert end["sha256"] == hashlib.sha256(b"".join(written[:-1])).hexdigest()
    assert end["sha256"] != hashlib.sha256(b"".join(written[:-2])).hexdigest()


def test_the_same_as_of_gives_the_same_bytes_whatever_came_since(labelled: Campaign, lead: User) -> None:
    task = claim(labelled)
    labelled.submit(task)
    as_of = newest_settled()
    before = export(labelled.study, lead, as_of=as_of)
    labelled.submit(task, base_version=1, answers={**ANSWERS, "behaviour": ["refused"]})
    assert export(labelled.study, lead, as_of=as_of) == before
    now = rows(export(labelled.study, lead, labelled=True))
    assert now[0]["annotations"][0]["answers"]["behaviour"] == ["refused"]
    assert now[0]["annotations"][0]["revision"] == 2


def test_after_goes_on_behind_a_transcript(labelled: Campaign, lead: User) -> None:
    all_rows = rows(export(labelled.study, lead))
    assert rows(export(labelled.study, lead, after=all_rows[0]["id"])) == all_rows[1:]


HARD_TEXT = [
    ("emoji", "a 👩‍🔬 b QUOTE c"),
    ("CRLF", "a\r\nb\rc QUOTE"),
    ("combining and RTL", "é שלום QUOTE"),
    ("NUL and half an emoji", "x\x00y\ud83dz QUOTE w"),
    ("a private character that we use ourselves", "x\U0010f800y\U0010f801 QUOTE w"),
]


@pytest.mark.parametrize("text", [case[1] for case in HARD_TEXT], ids=[case[0] for case in HARD_TEXT])
def test_offsets_in_the_export_fit_the_text_in_the_export(study: Study, lead: User, text: str) -> None:
    make.transcript(study, turns=(("user", "hi"), ("assistant", storable(text))))
    team = campaign(tasks=0, people=1)
    task = claim(team)
    team.submit(task, spans=[span_on(task.transcript, "QUOTE")])
    (row,) = rows(export(study, lead))
    assert row["messages"][1]["content"] == text
    (span,) = row["annotations"][0]["spans"]
    assert text[span["start"] : span["end"]] == span["quote"] == "QUOTE"


def test_an_export_can_be_ingested_again(labelled: Campaign, lead: User) -> None:
    make.transcript(
        labelled.study,
        sample=9,
        outcome="complied",
        metadata={"seed": 2**70},
        turns=(("system", "Be good."), ("user", "hi"), ("assistant", storable("x\x00 <think>a</think> b"))),
    )
    before = rows(export(labelled.study, lead))
    raw = b"".join(lines(access_study(lead, labelled.study.slug), Selection(as_of=0)))
    copy = make.study("copy")
    make.member(copy, "lena", "lead")
    ingest = queue.request_ingest(
        sources.keep(copy, io.BytesIO(raw), "export.jsonl", None), user=None, options={}
    )
    work.advance(ingest.pk)
    ingest = Ingest.objects.get(pk=ingest.pk)
    assert ingest.state == "done", ingest.error
    assert queue.progress(ingest).created == len(before)
    after = rows(export(copy, lead))

    def said(row: dict) -> tuple:
        kept = (
            "model",
            "setting",
            "arm",
            "role",
            "prompt",
            "family",
            "sample",
            "messages",
            "parse_state",
            "outcome",
        )
        return (
            *(row[key] for key in kept),
            row["provenance"]["content_sha256"],
            row["metadata"],
            row["verdicts"],
        )

    assert sorted(map(repr, map(said, after))) == sorted(map(repr, map(said, before)))


def test_an_export_given_back_to_its_own_study_is_all_duplicates(study: Study, lead: User) -> None:
    """Whatever kind of identity the prompts have: their text, an id, or an Inspect sample's."""
    make.transcript(
        study, prompt="How much space?", turns=(("user", "How much space?"), ("assistant", "Little."))
    )
    for number, key in enumerate((PromptKey("id", "p1", "a"), PromptKey("inspect", "task␟7", "b"))):
        source = io.BytesIO(f'{{"messages": [{{"role": "user", "content": "{number}"}}]}}\n'.encode())
        row = queue.request_ingest(
            sources.keep(study, source, f"{number}.jsonl", None), user=None, options={}
        )
        work.advance(row.pk)
        prompt = Prompt.objects.order_by("pk").last()
        assert prompt is not None
        Prompt.objects.filter(pk=prompt.pk).update(
            identity=identity(key.scheme, key.value), external_id=key.value, text=key.text
        )
    raw = b"".join(lines(access_study(lead, study.slug), Selection(as_of=0)))
    again = queue.request_ingest(
        sources.keep(study, io.BytesIO(raw), "back.jsonl", None), user=None, options={}
    )
    work.advance(again.pk)
    progress = queue.progress(Ingest.objects.get(pk=again.pk))
    assert (progress.read, progress.duplicate) == (3, 3)


def test_the_endpoint_streams_and_refuses_what_it_does_not_know(
    labelled: Campaign, lead: User, client_of
) -> None:
    address = f"/api/v1/studies/{labelled.study.slug}/export/"
    client: Client = client_of(lead)
    answer = client.get(address, {"format": "jsonl"})
    assert answer.streaming
    body = b"".join(answer.streaming_content)
    assert json.loads(body.splitlines()[-1])["_end"]
    assert "attachment" in answer.headers["Content-Disposition"]
    for query in (
        {"format": "xml"},
        {"as_of": "x"},
        {"after": "-1"},
        {"labelled": "maybe"},
        {"annotator__password": "a"},
    ):
        answer = client.get(address, query)
        assert answer.status_code == 400, query
        assert answer.json()["error"]["message"]


def test_queries_do_not_grow_with_the_rows(labelled: Campaign, lead: User, django_assert_num_queries) -> None:
    access = access_study(lead, labelled.study.slug)
    for extra in (0, 20):
        for sample in range(10, 10 + extra):
            make.transcript(labelled.study, sample=sample)
        with django_assert_num_queries(4):  # slice, verdicts, labels, and the empty slice that ends it
            list(lines(access, Selection(as_of=0)))

"""The labelling page of deeper codebooks: conditions, places, pairs and suggestions, as the server renders them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now, timedelta

from annotations import shortcuts
from annotations.codebook_versions import add_version
from annotations.labelling.shown import shown
from annotations.models import Annotation, Claim, Round, Task
from annotations.suggestions import come_later, suggestions_for
from tests import make
from tests.annotations.campaign import Campaign, campaign, claim
from tests.annotations.test_labelling_views import page
from transcripts import body as body_format
from transcripts.models import Pair, Study, Transcript, Verdict
from transcripts.records import Quote
from transcripts.records import Verdict as SaidVerdict

pytestmark = pytest.mark.django_db

CHOICES = [{"key": "complied", "title": "complied"}, {"key": "refused", "title": "refused"}]
DEFINITION: dict[str, Any] = {
    "name": "Depth",
    "questions": [
        {"key": "behaviour", "kind": "single", "title": "Behaviour", "choices": CHOICES},
        {
            "key": "how",
            "kind": "single",
            "title": "How",
            "choices": [{"key": "a", "title": "a"}, {"key": "b", "title": "b"}],
            "when": {"question": "behaviour", "is": ["refused"]},
        },
        {"key": "tone", "kind": "text", "title": "Tone", "asked_of": "segment", "segments": ["scratchpad"]},
        {"key": "differ", "kind": "text", "title": "Differ", "asked_of": "pair", "help": "Look at both."},
    ],
    "labels": [
        {"key": "motive", "title": "motive", "segments": ["scratchpad"]},
        {"key": "any", "title": "any"},
    ],
}
TEXT = "<think>The tier is free. I play along 🐔.</think><output>Fine.</output>"
TURNS = (("user", "Hello"), ("assistant", TEXT))
JUDGE = [{"source": "judge", "label": "motive"}, {"source": "judge", "question": "behaviour"}]


def judged(transcript: Transcript, *quotes: str) -> None:
    found = tuple(
        Quote(
            words,
            "",
            "exact" if words in TEXT else "not_found",
            1,
            TEXT.find(words),
            TEXT.find(words) + len(words),
        )
        for words in quotes
    )
    said = SaidVerdict("hush-judge", "yes", outcome="complied", quotes=found)
    Verdict.objects.create(
        transcript=transcript,
        judge="hush-judge",
        value="yes",
        outcome="complied",
        detail=body_format.pack_detail(said),
    )


def a_campaign(arms: tuple[str, ...] = ("monitored",), **fields: Any) -> Campaign:
    study = make.study("paired")
    for arm in arms:
        judged(make.transcript(study, arm=arm, turns=TURNS), "free. I play along 🐔", "Fine.", "never said")
    hidden = fields.pop("hidden", ["arm"])
    of = campaign(tasks=0, codebook_version=add_version(study, DEFINITION, None)[0], hidden=hidden)
    Round.objects.filter(pk=of.round.pk).update(**fields)
    of.round.refresh_from_db()
    return of


def a_pair(of: Campaign) -> Task:
    sides = list(Transcript.objects.order_by("pk").values_list("pk", flat=True))
    task = Task.objects.create(
        round=of.round, pair=Pair.objects.get(), sides=sides, position=9, slots=2, slots_taken=2
    )
    for who in of.people:
        Claim.objects.create(task=task, annotator=who, leased_until=now() + timedelta(hours=1))
    return task


def state(text: str) -> dict[str, Any]:
    found = re.search(r'<script id="page-state" type="application/json">(.*?)</script>', text)
    assert found
    return dict(json.loads(found[1]))


def is_hidden(text: str, question: str) -> bool:
    found = re.search(rf'<fieldset[^>]*data-question="{question}"[^>]*>', text)
    assert found
    return " hidden" in found[0]


@pytest.mark.parametrize(
    ("answer", "hides"),
    [({}, True), ({"behaviour": ["complied"]}, True), ({"behaviour": ["refused"]}, False)],
)
def test_a_question_is_shown_where_another_answer_leads_to_it(
    answer: dict[str, list[str]], hides: bool
) -> None:
    of = a_campaign()
    task = claim(of)
    of.save(task, answers=answer)
    assert is_hidden(page(of, task), "how") is hides


def test_a_page_says_where_places_are_and_leaves_out_what_pairs_are_asked() -> None:
    of = a_campaign()
    text = page(of, claim(of))
    assert state(text)["asked_at"] == [{"transcript": 0, "message": 1, "start": 0, "questions": ["tone"]}]
    assert state(text)["lengths"] == {"0": [len("Hello"), len(TEXT)]}
    assert 'data-question="differ"' not in text


def test_a_pair_s_page_has_both_sides_and_tells_of_neither() -> None:
    of = a_campaign(arms=("monitored", "unmonitored"), hidden=["arm", "model", "judge"])
    task = a_pair(of)
    text = page(of, task)
    assert 'data-question="differ"' in text
    assert text.count('data-question="behaviour"') == 2
    assert [at["transcript"] for at in state(text)["asked_at"]] == [1, 2]
    assert not [word for word in ("arm-monitored", "unmonitored", "model-a", "hush-judge") if word in text]
    first, second = (side.transcript.pk for side in shown(of.access(), task).sides)
    of.save(task, sides={"2": {"behaviour": ["refused"]}}, comment="so")
    kept = Annotation.objects.get()
    assert kept.revisions.get().payload["sides"] == {str(second): {"behaviour": ["refused"]}}
    assert kept.comment == "so"
    said = state(page(of, task))
    assert said["sides"] == {"2": {"behaviour": ["refused"]}}
    assert first != second


def test_the_keys_of_a_page_with_everything_are_those_that_are_reserved() -> None:
    of = a_campaign(arms=("monitored", "unmonitored"))
    task = a_pair(of)
    bound = {
        key.lower() for keys in re.findall(r'data-key="([^"]+)"', page(of, task)) for key in keys.split()
    }
    assert bound == set(shortcuts.RESERVED) - {"?"}


def test_a_judge_s_quotes_and_outcome_are_suggested_where_they_could_be_accepted() -> None:
    of = a_campaign(suggestions=JUDGE, mask_phrases=["free"])
    task = claim(of)
    found = state(page(of, task))["suggested"]
    assert [each["kind"] for each in found] == ["answer", "span"]  # "Fine." is no scratchpad
    assert found[0]["values"] == ["complied"]
    span = found[1]
    assert span["quote"] == "▮▮▮. I play along 🐔"
    of.save(
        task,
        spans=[{name: span[name] for name in ("message", "start", "end", "label", "quote")}],
        suggestions=[{"id": span["id"], "decision": "accepted"}],
    )
    kept = Annotation.objects.get().revisions.get().payload
    assert kept["spans"][0]["quote"] == "free. I play along 🐔"
    assert state(page(of, task))["suggestions"] == [{"id": span["id"], "decision": "accepted"}]


@pytest.mark.parametrize("hidden", [["judge"], ["suggestions"]])
def test_what_is_hidden_is_not_suggested(hidden: list[str]) -> None:
    of = a_campaign(suggestions=JUDGE, hidden=hidden)
    text = page(of, claim(of))
    assert state(text)["suggested"] == []
    assert state(text)["suggested_later"] is False
    assert "hush-judge" not in text


def test_a_suggestion_that_waits_for_one_s_own_word_is_not_in_the_page_before() -> None:
    of = a_campaign(suggestions=[{**JUDGE[0], "after": True}])
    task = claim(of)
    assert (state(page(of, task))["suggested"], state(page(of, task))["suggested_later"]) == ([], True)
    of.save(task, comment="no answer yet")
    assert state(page(of, task))["suggested"] == []
    of.save(task, answers={"behaviour": ["complied"]}, base_version=1)
    after = state(page(of, task))
    assert [each["id"].startswith("after-") for each in after["suggested"]] == [True]
    assert after["suggested_later"] is False


def test_both_sides_of_a_pair_with_the_same_text_have_suggestions_of_their_own() -> None:
    of = a_campaign(arms=("monitored", "unmonitored"), suggestions=JUDGE[:1])
    task = a_pair(of)
    ids = []
    for number in range(2):
        seen = shown(of.access(number), task)
        found = suggestions_for(of.access(number), task, seen)
        assert not come_later(task, seen, {})
        by_side = {side.number: side.transcript.pk for side in seen.sides}
        ids.append({each["id"]: by_side[each["transcript"]] for each in found})
    assert len(ids[0]) == 2
    assert ids[0] == ids[1]  # alike for all annotators, whatever their order of the sides


@pytest.mark.parametrize(
    "given", [[{}], ["judge"], [{"source": "model", "label": "any"}], [{"source": "judge", "label": 3}], {}]
)
def test_what_suggests_nothing_breaks_nothing(given: Any) -> None:
    of = a_campaign(suggestions=given)
    assert state(page(of, claim(of)))["suggested"] == []


def test_guidelines_and_examples_are_on_the_page_as_text() -> None:
    study: Study = make.study("paired")
    make.transcript(study)
    example = [{"text": "<b>I play along</b>", "answer": "yes", "note": "it says so"}]
    definition = {**DEFINITION, "labels": [{"key": "any", "title": "any", "examples": example}]}
    of = campaign(tasks=0, codebook_version=add_version(study, definition, None)[0])
    client = Client()
    client.force_login(of.people[0])
    text = client.get(reverse("task", args=["paired", claim(of).pk])).content.decode()
    assert "&lt;b&gt;I play along&lt;/b&gt;" in text
    assert "it says so" in text

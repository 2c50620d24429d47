"""Practice with feedback, the gate behind it, and gold that nobody can tell."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations import labelers
from annotations.codebook import parse
from annotations.expected import Share, compare, compare_spans, share
from annotations.exporting import Selection, lines
from annotations.labelling import Invalid, claim_next
from annotations.labelling.practice import (
    gold_results,
    no_longer_gold,
    practice_results,
    standing,
    take_as_right,
)
from annotations.models import Annotation, AnnotationRevision, Expected, Task
from tests.annotations.campaign import ANSWERS, Campaign, campaign, claim, person
from transcripts.access import access_study

WRONG = {"reasoning": ["no"], "behaviour": ["refused"]}
CHOICES = [{"key": "a", "title": "A"}, {"key": "b", "title": "B"}]
BOOK = parse(
    {
        "name": "B",
        "questions": [
            {"key": "q", "title": "Q", "kind": "single", "choices": CHOICES},
            {"key": "m", "title": "M", "kind": "multiple", "choices": CHOICES},
            {"key": "t", "title": "T", "kind": "text"},
        ],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "said", "result"),
    [
        ({"q": ["a"]}, {"q": ["a"]}, (1, 1)),
        ({"q": ["a"]}, {"q": ["b"]}, (0, 1)),
        ({"q": ["a"]}, {}, (0, 1)),
        ({"m": ["a", "b"]}, {"m": ["b", "a"]}, (1, 1)),
        ({"m": ["a", "b"]}, {"m": ["a"]}, (0, 1)),
        ({}, {"q": ["a"]}, (0, 0)),  # what is left out is not compared
        ({"t": ["so"]}, {"t": ["otherwise"]}, (0, 0)),
        ({"q": ["a"], "gone": ["x"]}, {"q": ["a"]}, (1, 1)),  # a question of another version
    ],
)
def test_answers_beside_what_is_right(expected: Any, said: Any, result: tuple[int, int]) -> None:
    found = share(BOOK, {"answers": expected}, {"answers": said})
    assert (found.right, found.total) == result


def test_answers_are_compared_at_their_place() -> None:
    expected = {"answers": {}, "sides": {"1": {"q": ["a"]}, "2": {"q": ["b"]}}}
    said = {"answers": {}, "sides": {"1": {"q": ["b"]}, "2": {"q": ["b"]}}}
    assert [(row.where[0], row.is_right) for row in compare(BOOK, expected, said)] == [
        ("1", False),
        ("2", True),
    ]
    placed = {"places": [{"question": "q", "message": 3, "values": ["a"]}]}
    assert share(BOOK, placed, placed) == Share(1, 1, 1)
    moved = {"places": [{"question": "q", "message": 4, "values": ["a"]}]}
    assert share(BOOK, placed, moved) == Share(0, 1, 1)


def test_spans_are_found_where_they_touch() -> None:
    right = {"spans": [{"label": "x", "message": 1, "start": 5, "end": 9}]}
    for start, end, found in ((8, 12, [True]), (9, 12, [False, None]), (0, 6, [True])):
        said = {"spans": [{"label": "x", "message": 1, "start": start, "end": end}]}
        assert [each.is_found for each in compare_spans(right, said)] == found


pytest_db = pytest.mark.django_db


def lead_of(of: Campaign) -> Any:
    return access_study(person(of.study, "lena", "lead"), of.study.slug)


def practice_of(tasks: int = 2) -> tuple[Campaign, Any]:
    """A practice round of which a lead has said what is right, and the lead's access."""
    of = campaign(tasks=tasks, people=2, kind="practice")
    lead = lead_of(of)
    labelled = campaign(tasks=0, people=0, annotators=[lead.user])
    labelled.people = [lead.user]
    for _ in range(tasks):
        labelled.submit(claim(labelled))
    for task in of.round.tasks.all():
        take_as_right(lead, task, Annotation.objects.get(transcript=task.transcript), "Because.")
    return of, lead


def gated(of: Campaign, **fields: Any) -> Campaign:
    made = campaign(tasks=0, people=0, annotators=of.people, practice=of.round, **fields)
    made.people = of.people
    return made


@pytest_db
def test_annotators_get_the_tasks_of_practice_when_it_is_known_what_is_right() -> None:
    of, _ = practice_of()
    known = Expected.objects.order_by("task__position").last()
    assert known is not None
    Expected.objects.exclude(pk=known.pk).delete()
    assert claim(of) == known.task
    of.submit(known.task)
    assert claim_next(of.access()) is None


@pytest_db
@pytest.mark.parametrize(("answers", "passes"), [([ANSWERS] * 2, True), ([ANSWERS, WRONG], False)])
def test_a_round_opens_to_who_passed_its_practice(answers: list[Any], passes: bool) -> None:
    of, _ = practice_of()
    after = gated(of)
    assert claim_next(of.access(), after.round) is None
    for said in answers:
        task = claim(of)
        assert task.round == of.round
        of.submit(task, answers=said)
    assert (claim_next(of.access(), after.round) is not None) == passes
    found = standing(after.round, of.people[0])
    assert found is not None
    assert (found.is_finished, found.is_passed) == (True, passes)
    assert claim_next(of.access(1), after.round) is None  # theirs is their own


@pytest_db
def test_the_first_answer_counts_for_passing() -> None:
    of, _ = practice_of(tasks=1)
    task = claim(of)
    of.submit(task, answers=WRONG)
    of.submit(task, answers=ANSWERS, base_version=1)
    assert practice_results(of.round)[of.people[0].pk] == Share(0, 2, 1)


@pytest_db
def test_the_feedback_stands_beside_the_own_answer_and_only_after_it(client_of) -> None:  # type: ignore[no-untyped-def]
    of, _ = practice_of()
    client = client_of(of.people[0])
    task = claim(of)
    address = reverse("task_feedback", args=["paired", task.pk])
    api = f"/api/v1/studies/paired/tasks/{task.pk}/feedback/"
    assert [client.get(each).status_code for each in (address, api)] == [404, 404]
    assert "Because." not in client.get(reverse("task", args=["paired", task.pk])).content.decode()
    of.submit(task, answers=WRONG)
    answer = client.post(reverse("task_next", args=["paired"]), {"round": of.round.pk, "after": task.pk})
    assert answer.headers["Location"] == address
    page = client.get(address).content.decode()
    assert "0 of 2 right" in page
    assert "Because." in page
    told = client.get(api).json()
    assert told["expected"]["answers"] == ANSWERS
    assert [each["is_right"] for each in told["questions"]] == [False, False]
    answer = client.post(reverse("task_next", args=["paired"]), {"round": of.round.pk})
    assert re.search(r"/tasks/\d+/$", answer.headers["Location"])


@pytest_db
def test_what_is_said_in_practice_counts_for_no_figure_summary_or_export() -> None:
    of, lead = practice_of(tasks=1)
    before = [json.loads(line) for line in exported(lead)]
    of.submit(claim(of), answers=WRONG)
    after = [json.loads(line) for line in exported(lead)]
    assert [len(row.get("annotations", ())) for row in before] == [
        len(row.get("annotations", ())) for row in after
    ]
    assert labelers.known(lead) == ["majority", "annotator:lena"]
    assert str(labelers.outcome_counts(lead, labelers.parse("majority"))).count("refused") == 0


def exported(lead: Any) -> list[bytes]:
    newest = AnnotationRevision.objects.order_by("-pk").values_list("pk", flat=True).first()
    return list(lines(lead, Selection(as_of=newest or 0)))


@pytest_db
def test_only_a_lead_s_submitted_answer_to_the_same_text_is_taken_as_right() -> None:
    of = campaign(tasks=2)
    lead = lead_of(of)
    task = claim(of)
    of.submit(task)
    with pytest.raises(Invalid):
        take_as_right(lead, task, Annotation.objects.get())
    mine = campaign(tasks=0, people=0, annotators=[lead.user])
    mine.people = [lead.user]
    other = mine.round.tasks.exclude(transcript=task.transcript).get()
    for _ in range(2):
        mine.submit(claim(mine))
    with pytest.raises(Invalid):
        take_as_right(lead, task, Annotation.objects.get(task=other))
    assert not Expected.objects.exists()


def gold_campaign(tasks: int = 4) -> tuple[Campaign, Any, Task]:
    of = campaign(tasks=tasks, people=2)
    lead = lead_of(of)
    mine = campaign(tasks=0, people=0, annotators=[lead.user])
    mine.people = [lead.user]
    for _ in range(tasks):
        mine.submit(claim(mine))
    task = of.round.tasks.order_by("position").first()
    assert task is not None
    take_as_right(lead, task, Annotation.objects.get(transcript=task.transcript), "SECRET NOTE")
    return of, lead, task


@pytest_db
def test_gold_is_met_by_everybody_and_computed_in_silence() -> None:
    of, _, gold = gold_campaign()
    assert claim(of, 0) == claim(of, 1) == gold
    of.submit(gold, 0)
    of.submit(gold, 1, answers={**ANSWERS, "behaviour": ["refused"]})
    results = gold_results(of.round)
    assert [results[user.pk] for user in of.people] == [Share(2, 2, 1), Share(1, 2, 1)]
    no_longer_gold(gold)
    assert gold_results(of.round) == {}


@pytest_db
def test_an_annotator_cannot_tell_gold_from_the_others(client_of) -> None:  # type: ignore[no-untyped-def]
    """The same round once with gold and once without: every answer is the same, letter by letter."""
    of, _, gold = gold_campaign()
    client = client_of(of.people[0])
    assert claim(of) == gold
    of.submit(gold)
    claim(of)

    def everything() -> list[tuple[int, str]]:
        pages = [reverse("queue", args=["paired"]), *(
            f"{prefix}/studies/paired/{rest}"
            for prefix in ("", "/api/v1")
            for rest in (f"tasks/{gold.pk}/", f"tasks/{gold.pk}/feedback/")
        ), *(f"/api/v1/studies/paired/{rest}/" for rest in ("tasks", "rounds", "annotations"))]  # fmt: skip
        answers = [client.get(page) for page in pages]
        return [(answer.status_code, masked(answer.content.decode())) for answer in answers]

    with_gold = everything()
    Expected.objects.all().delete()
    Task.objects.filter(pk=gold.pk).update(kind="regular", slots=1)
    assert everything() == with_gold
    assert [status for status, _ in with_gold].count(200) == 6
    assert not any("SECRET NOTE" in text or "gold" in text.lower() for _, text in with_gold)


def masked(text: str) -> str:
    return re.sub(r"[A-Za-z0-9]{64}", "", text)


@pytest_db
def test_a_lead_says_what_is_right_by_the_page(client_of) -> None:  # type: ignore[no-untyped-def]
    of, lead, gold = gold_campaign()
    client: Client = client_of(lead.user)
    address = reverse("round_right", args=["paired", of.round.pk])
    assert "SECRET NOTE" in client.get(address).content.decode()
    assert client.post(address, {"task": gold.pk, "gold": "0"}).status_code == 302
    assert Task.objects.get(pk=gold.pk).kind == "regular"
    taken = {"task": gold.pk, "annotation": Annotation.objects.get(transcript=gold.transcript).pk}
    assert client.post(address, taken).status_code == 302
    assert Task.objects.get(pk=gold.pk).kind == "gold"
    of.submit(claim(of))
    assert "2 of 2" in client.get(reverse("round_detail", args=["paired", of.round.pk])).content.decode()
    for wrong in ({}, {"task": "x"}, {"task": gold.pk}, {**taken, "annotation": "x"}, {**taken, "task": 1}):
        assert client.post(address, wrong).status_code == 422, wrong


@pytest_db
@pytest.mark.parametrize("tasks", [3, 30])
def test_the_gate_and_the_page_ask_as_much_for_many_tasks(
    tasks: int, client_of, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    of, lead = practice_of(tasks)
    gated(of)
    for _ in range(tasks):
        of.submit(claim(of))
    annotator, theirs = client_of(of.people[0]), client_of(lead.user)
    with django_assert_max_num_queries(24):
        annotator.get(reverse("queue", args=["paired"]))
    with django_assert_max_num_queries(12):
        theirs.get(reverse("round_right", args=["paired", of.round.pk]))

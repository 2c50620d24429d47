"""A round under way: it grows, people come and go, and disagreement asks for one annotator more."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from annotations.labelling import Invalid, LabellingConflict, change_state, claim_next, release
from annotations.labelling.claiming import leave
from annotations.labelling.extending import (
    add_annotators,
    add_units,
    raise_overlap,
    remove_annotator,
    set_deadline,
)
from annotations.models import Annotation, Round, Task
from tests import make
from tests.annotations.campaign import ANSWERS, campaign, claim, person
from transcripts.models import Transcript

pytestmark = pytest.mark.django_db
OTHERWISE = {**ANSWERS, "behaviour": ["refused"]}


def slots(task: Task) -> int:
    return Task.objects.get(pk=task.pk).slots


@pytest.mark.parametrize(
    ("said", "most", "people", "expected"),
    [
        ([ANSWERS, ANSWERS], 3, 3, 2),
        ([ANSWERS, OTHERWISE], 3, 3, 3),
        ([ANSWERS, OTHERWISE], 0, 3, 2),
        ([ANSWERS, OTHERWISE], 2, 2, 2),
        ([ANSWERS, OTHERWISE, ANSWERS], 3, 4, 3),  # no more than so many
        ([ANSWERS, OTHERWISE, ANSWERS], 4, 4, 4),
        ([ANSWERS], 3, 3, 2),  # not all have submitted
    ],
)
def test_where_annotators_differ_one_more_is_asked(
    said: list[Any], most: int, people: int, expected: int
) -> None:
    of = campaign(tasks=1, overlap=2, people=people, most_annotators=most)
    for number, answers in enumerate(said):
        of.submit(claim(of, number), number, answers=answers)
    task = of.round.tasks.get()
    assert task.slots == expected
    assert task.slots_taken == len(said)


def test_a_change_of_mind_can_ask_for_one_more_too() -> None:
    of = campaign(tasks=1, overlap=2, people=3, most_annotators=3)
    for number in range(2):
        of.submit(claim(of, number), number)
    task = of.round.tasks.get()
    assert task.slots == 2
    of.submit(task, 0, base_version=1, answers=OTHERWISE)
    assert slots(task) == 3
    of.submit(task, 0, base_version=2, answers=ANSWERS)
    assert slots(task) == 3  # never fewer


def test_what_is_put_off_comes_after_all_others() -> None:
    of = campaign(tasks=3, people=1)
    first = claim(of)
    release(of.access(), first, later=True)
    second = claim(of)
    release(of.access(), second)  # given back, not put off: it comes again at once
    assert claim(of) == second
    for _ in range(2):
        of.submit(claim(of))
    assert claim(of) == first


def test_who_leaves_gives_back_what_is_untouched_and_keeps_what_is_begun(client_of) -> None:  # type: ignore[no-untyped-def]
    of = campaign(tasks=2)
    task = claim(of)
    leave(of.access(), task)
    assert Task.objects.get(pk=task.pk).slots_taken == 0
    assert claim(of, 1) == task
    own = claim(of, 0)
    of.save(own)
    client = client_of(of.people[0])
    address = reverse("task_release", args=["paired", own.pk])
    assert client.post(address).status_code == 204
    assert Task.objects.get(pk=own.pk).slots_taken == 1
    of.submit(own, base_version=1)
    assert client.post(address).status_code == 204  # too late, and no harm
    assert client.post(address, {"later": "1"}).headers["Location"] == reverse(
        "task", args=["paired", own.pk]
    )


def test_more_of_the_same_is_what_a_larger_draw_would_have_been() -> None:
    of = campaign(tasks=8, size=3, people=1)
    larger = campaign(tasks=0, people=0, annotators=of.people, size=5)
    of.submit(claim(of))
    assert add_units(of.round, Transcript.objects.all(), size=2) == 2
    drawn = [list(each.tasks.values_list("transcript", flat=True)) for each in (of.round, larger.round)]
    assert drawn[0] == drawn[1]
    assert Annotation.objects.count() == 1


def test_strata_go_on_and_another_selection_has_its_own() -> None:
    of = campaign(tasks=6, people=1, strata_by=["arm"], size=2)
    for _ in range(2):
        add_units(of.round, Transcript.objects.all(), size=1)
    round = Round.objects.get()
    assert [(each["available"], each["drawn"]) for each in round.strata] == [(3, 3), (3, 1)]
    chosen = Transcript.objects.filter(pk=make.transcript(of.study, sample=99).pk)
    add_units(round, chosen, selection={"words": "one", "query": "q=x", "count": 1})
    round.refresh_from_db()
    assert round.strata[2]["extension"] == 3
    assert round.tasks.get(transcript=chosen.get()).stratum == 2
    with pytest.raises(Invalid):
        add_units(round, chosen)  # it has it already


def test_people_come_and_go_and_what_they_said_stays() -> None:
    of = campaign(tasks=2, people=1)
    of.submit(claim(of))
    held = claim(of)
    other = person(of.study, "olga")
    add_annotators(of.round, [other])
    remove_annotator(of.round, of.people[0])
    assert Annotation.objects.filter(annotator=of.people[0], status="submitted").count() == 1
    assert Task.objects.get(pk=held.pk).slots_taken == 0
    assert claim_next(of.access()) is None
    with pytest.raises(LabellingConflict):
        of.submit(held)
    with pytest.raises(Invalid):
        add_annotators(of.round, [make.user("otto")])


def test_the_overlap_only_grows() -> None:
    of = campaign(tasks=2, people=3)
    raise_overlap(of.round, 2, 3)
    assert set(of.round.tasks.values_list("slots", flat=True)) == {2}
    for overlap, most in ((1, 3), (4, 0), (2, 1), (2, 4)):
        with pytest.raises(Invalid):
            raise_overlap(of.round, overlap, most)


def test_a_closed_round_does_not_change() -> None:
    of = campaign(tasks=2)
    change_state(of.round, "closed")
    for change in (
        lambda: add_units(of.round, Transcript.objects.all()),
        lambda: add_annotators(of.round, of.people),
        lambda: remove_annotator(of.round, of.people[0]),
        lambda: raise_overlap(of.round, 2, 0),
        lambda: set_deadline(of.round, None),
    ):
        with pytest.raises(LabellingConflict):
            change()


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"action": "units", "size": "1", "from": ""}, 302),
        ({"action": "units", "size": "0"}, 422),
        ({"action": "units", "size": "x"}, 422),
        ({"action": "units", "from": "view=999"}, 422),
        ({"action": "units", "from": "arm=x"}, 422),
        ({"action": "deadline", "deadline": "2027-01-31"}, 302),
        ({"action": "deadline", "deadline": "soon"}, 422),
        ({"action": "overlap", "overlap": "2"}, 302),
        ({"action": "overlap", "overlap": "99"}, 422),
        ({"action": "add"}, 422),
        ({"action": "add", "user": "x"}, 422),
        ({"action": "remove", "user": "1"}, 422),
        ({"action": "pass_share", "pass_percent": "101"}, 422),
        ({"action": "explode"}, 422),
        ({}, 422),
    ],
)
def test_changes_by_the_page(given: dict[str, str], status: int, client_of) -> None:  # type: ignore[no-untyped-def]
    of = campaign(tasks=4, size=2, people=2)
    client = client_of(person(of.study, "lena", "lead"))
    answer = client.post(reverse("round_change", args=["paired", of.round.pk]), given)
    assert answer.status_code == status
    if status == 422:
        assert 'role="alert"' in answer.content.decode()


def test_the_preview_says_how_much_and_shows_what_is_masked(client_of) -> None:  # type: ignore[no-untyped-def]
    of = campaign(tasks=4)
    client = client_of(person(of.study, "lena", "lead"))
    address = reverse("round_preview", args=["paired"])
    form = {
        "name": "R",
        "codebook_version": of.round.codebook_version_id,
        "seed": "3",
        "overlap": "2",
        "strata_by": ["arm"],
        "annotators": [user.pk for user in of.people],
        "hidden": ["arm"],
        "mask_phrases": "free tier",
    }
    text = client.post(address, form, headers={"HX-Request": "true"}).content.decode()
    for words in ("4 transcripts", "8 labels", "16 min", "monitored", "▮▮▮"):
        assert words in text
    assert "the free tier" not in text
    assert Round.objects.count() == 1
    assert client.post(address, {**form, "mask_phrases": "*"}).status_code == 422
    assert client.post(address, {**form, "unit": "pair"}).status_code == 422

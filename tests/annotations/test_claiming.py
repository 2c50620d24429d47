"""Who gets which task, and for how long. What happens when many ask at once is in test_claiming_races."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from annotations.labelling import LabellingConflict, change_state, claim_next, release, skip
from annotations.labelling.claiming import take_slot
from annotations.models import Claim, RoundAnnotator, Task
from tests.annotations.campaign import campaign, claim

pytestmark = pytest.mark.django_db


def expire(task: Task) -> None:
    """Let the leases on a task run out, by the clock that leases go by."""
    task.claims.filter(state="active").update(leased_until=Now() - timedelta(seconds=1))


def slots(task: Task) -> int:
    return Task.objects.get(pk=task.pk).slots_taken


def test_tasks_come_in_the_round_s_order_and_one_at_a_time() -> None:
    of = campaign(tasks=3)
    first = claim(of)
    assert first == of.round.tasks.order_by("position").first()
    assert claim(of) == first  # still held
    of.submit(first)
    assert claim(of).position == 1
    assert slots(first) == 1


def test_two_people_get_different_tasks_when_each_wants_one_annotator() -> None:
    of = campaign(tasks=2)
    assert claim(of, 0) != claim(of, 1)


def test_overlap_gives_the_same_task_to_so_many_people_and_no_more() -> None:
    of = campaign(tasks=2, overlap=2, people=3)
    assert claim(of, 0) == claim(of, 1)
    assert claim(of, 2) != claim(of, 0)


def test_nobody_gets_a_task_twice() -> None:
    of = campaign(tasks=2, overlap=2)
    for _ in range(2):
        of.submit(claim(of))
    assert claim_next(of.access()) is None


def test_it_asks_for_an_open_round_and_a_place_in_it() -> None:
    of = campaign(tasks=2, people=2)
    RoundAnnotator.objects.filter(round=of.round, user=of.people[1]).delete()
    assert claim_next(of.access(1)) is None
    assert claim_next(of.access(0)) is not None
    change_state(of.round, "paused")
    assert claim_next(of.access(0)) is None
    change_state(of.round, "open")
    assert claim_next(of.access(0)) is not None
    change_state(of.round, "closed")
    assert claim_next(of.access(0)) is None


def test_older_rounds_come_first_and_one_round_can_be_asked_for() -> None:
    of = campaign(tasks=2, people=1)
    second = campaign(tasks=2, people=0, annotators=of.people)
    assert claim(of).round == of.round
    task = claim_next(of.access(), second.round)
    assert task is not None
    assert task.round == second.round


def test_a_lease_that_ran_out_frees_the_place_for_others() -> None:
    of = campaign(tasks=1)
    task = claim(of, 0)
    assert claim_next(of.access(1)) is None
    expire(task)
    assert claim(of, 1) == task
    assert sorted(task.claims.values_list("state", flat=True)) == ["active", "expired"]
    assert slots(task) == 1


def test_whoever_comes_back_first_keeps_their_task() -> None:
    of = campaign(tasks=1)
    task = claim(of, 0)
    expire(task)
    assert claim(of, 0) == task  # renewed before anybody else wanted it
    assert claim_next(of.access(1)) is None
    assert task.claims.count() == 1


def test_an_expired_task_may_come_again_to_the_same_person() -> None:
    of = campaign(tasks=1, people=1)
    task = claim(of)
    release(of.access(), task)
    assert slots(task) == 0
    assert claim(of) == task


def test_a_submitted_claim_never_runs_out() -> None:
    of = campaign(tasks=1)
    task = claim(of, 0)
    of.submit(task, 0)
    Claim.objects.update(leased_until=Now() - timedelta(days=1))
    assert claim_next(of.access(1)) is None


def test_skipping_gives_the_task_to_others_and_not_back() -> None:
    of = campaign(tasks=2)
    task = claim(of, 0)
    skip(of.access(0), task, "in a language I cannot read")
    assert slots(task) == 0
    assert claim(of, 0) != task
    assert claim(of, 1) == task
    assert task.claims.get(annotator=of.people[0]).reason == "in a language I cannot read"


def test_skipping_after_the_lease_ran_out_is_remembered() -> None:
    of = campaign(tasks=1)
    task = claim(of, 0)
    expire(task)
    of_other = claim(of, 1)
    skip(of.access(0), task, "no")
    assert slots(of_other) == 1  # the other's place is not given away
    assert task.claims.get(annotator=of.people[0]).state == "skipped"


def test_what_is_submitted_cannot_be_skipped() -> None:
    of = campaign()
    task = claim(of)
    of.submit(task)
    with pytest.raises(LabellingConflict) as caught:
        skip(of.access(), task)
    assert caught.value.code == "already_submitted"


@pytest.mark.parametrize("change", [{"slots_taken": 2}, {"slots_taken": -1}])
def test_the_database_keeps_the_overlap(change: dict[str, int]) -> None:
    of = campaign(overlap=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(round=of.round).update(**change)


def test_the_database_refuses_a_second_live_claim() -> None:
    of = campaign(overlap=2)
    task = claim(of)
    with pytest.raises(IntegrityError), transaction.atomic():
        take_slot(task, of.access(), of.round)

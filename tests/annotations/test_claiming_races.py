"""Many people ask for a task at once, over real connections. Each guarantee with a control that breaks it."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from annotations.labelling import claim_next
from annotations.labelling.claiming import take_slot
from annotations.models import Claim, RoundAnnotator, Task
from tests.annotations.campaign import ANSWERS, campaign, claim, person, together
from transcripts.access import access_study


def test_many_people_at_once_never_exceed_the_overlap(committed: None) -> None:
    of = campaign(tasks=6, overlap=2, people=12)
    results = together([lambda n=n: claim_next(of.access(n)) for n in range(12)])
    assert all(isinstance(result, Task) for result in results), results
    assert set(Counter(result.pk for result in results).values()) == {2}
    assert set(Task.objects.values_list("slots_taken", flat=True)) == {2}
    late = person(of.study, "late")
    RoundAnnotator.objects.create(round=of.round, user=late)
    assert claim_next(access_study(late, of.study.slug)) is None


def test_without_locks_the_same_race_gives_one_task_to_all(committed: None) -> None:
    """The control: read, then write, with everybody reading before anybody writes."""
    of = campaign(tasks=6, overlap=1, people=6)
    have_read = threading.Barrier(6)

    def naive() -> int:
        task = Task.objects.filter(slots_taken__lt=F("slots")).order_by("position").first()
        have_read.wait(10)
        assert task is not None
        return task.pk

    results = together([naive] * 6)
    assert Counter(Counter(results).values()) == {6: 1}
    # And with the real one, from the same start, six tasks:
    results = together([lambda n=n: claim_next(of.access(n)).pk for n in range(6)])
    assert len(set(results)) == 6


def test_two_tabs_of_one_person_get_the_same_task(committed: None) -> None:
    of = campaign(tasks=4, people=1)
    results = together([lambda: claim_next(of.access())] * 4)
    assert len({task.pk for task in results}) == 1
    assert Claim.objects.count() == 1


def test_without_the_lock_on_their_place_two_tabs_get_two_tasks(committed: None) -> None:
    """The control: the same claim without the first lock leaves one person with two tasks."""
    of = campaign(tasks=4, people=1)
    have_read = threading.Barrier(2)

    def unlocked() -> int:
        with transaction.atomic():
            held = Claim.objects.filter(annotator=of.people[0], state="active").first()
            have_read.wait(10)
            assert held is None
            task = Task.objects.select_for_update(skip_locked=True).order_by("position").first()
            take_slot(task, of.access(), of.round)
            have_read.wait(10)  # both hold their row
        return task.pk

    results = together([unlocked] * 2)
    assert len(set(results)) == 2
    assert Claim.objects.filter(state="active").count() == 2


def test_the_last_task_goes_to_one_of_two(committed: None) -> None:
    of = campaign(tasks=1, people=2)
    results = together([lambda: claim_next(of.access(0)), lambda: claim_next(of.access(1))])
    assert sorted(result is None for result in results) == [False, True]


def test_run_out_leases_are_freed_once_by_however_many(committed: None) -> None:
    of = campaign(tasks=4, overlap=2, people=8)
    for number in range(4):
        claim(of, number)
    Claim.objects.update(leased_until=Now() - timedelta(seconds=1))
    results = together([lambda n=n: claim_next(of.access(n)) for n in range(4, 8)])
    assert all(isinstance(result, Task) for result in results), results
    for task in Task.objects.all():
        assert task.slots_taken == task.claims.filter(state__in=["active", "submitted"]).count()


def test_a_task_that_somebody_is_at_is_passed_over_and_not_waited_for(committed: None) -> None:
    of = campaign(tasks=2)
    first = of.round.tasks.order_by("position").first()
    with transaction.atomic():
        Task.objects.select_for_update().get(pk=first.pk)
        (result,) = together([lambda: claim_next(of.access(1))])
    assert isinstance(result, Task)
    assert result != first


def test_two_who_differ_at_once_ask_for_one_more_and_one_gets_it(committed: None) -> None:
    of = campaign(tasks=1, overlap=2, people=6, most_annotators=3)
    task = claim(of, 0)
    assert claim(of, 1) == task
    otherwise = {**ANSWERS, "behaviour": ["refused"]}
    results = together([lambda: of.submit(task, 0), lambda: of.submit(task, 1, answers=otherwise)])
    assert not any(isinstance(result, Exception) for result in results), results
    assert Task.objects.get().slots == 3
    results = together([lambda n=n: claim_next(of.access(n)) for n in range(2, 6)])
    assert [result == task for result in results].count(True) == 1, results
    assert Task.objects.get().slots_taken == 3


def test_without_the_lock_neither_sees_that_the_other_has_submitted(committed: None) -> None:
    """The control: both submit, then look, then commit; each sees one submission of two, and nobody asks for more."""
    of = campaign(tasks=1, overlap=2, people=2)
    task = claim(of, 0)
    assert claim(of, 1) == task
    have_submitted = threading.Barrier(2)

    def unlocked(number: int) -> int:
        with transaction.atomic():
            Claim.objects.filter(task=task, annotator=of.people[number]).update(state="submitted")
            have_submitted.wait(10)
            seen = Claim.objects.filter(task=task, state="submitted").count()
            have_submitted.wait(10)
        return seen

    assert together([lambda: unlocked(0), lambda: unlocked(1)]) == [1, 1]

"""Saves that meet, over real connections; and the owner's side of append-only."""

from __future__ import annotations

import threading
import uuid

import psycopg
import pytest
from django.db import connections, transaction

from annotations.labelling import Invalid, LabellingConflict, Saved
from annotations.models import Annotation, AnnotationRevision
from annotations.revision_order import newest_settled
from tests import servers
from tests.annotations.campaign import ANSWERS, campaign, claim, together

TIMES = 6


def test_of_saves_from_the_same_version_one_is_kept_and_the_others_are_told(committed: None) -> None:
    of = campaign()
    task = claim(of)
    results = together([lambda n=n: of.save(task, answers={"why": [f"writer {n}"]}) for n in range(TIMES)])
    kept = [result for result in results if isinstance(result, Saved)]
    told = [result for result in results if isinstance(result, LabellingConflict)]
    assert (len(kept), len(told)) == (1, TIMES - 1), results
    assert {conflict.code for conflict in told} == {"version_conflict"}
    assert Annotation.objects.get().version == AnnotationRevision.objects.count() == 1


def test_writers_who_read_again_when_told_lose_nothing(committed: None) -> None:
    of = campaign()
    task = claim(of)

    def insist(number: int) -> int:
        version = 0
        for _ in range(50):
            try:
                return of.save(task, base_version=version, answers={"why": [f"writer {number}"]}).version
            except LabellingConflict as conflict:
                version = (conflict.current or {})["version"]
        raise AssertionError("never kept")

    results = together([lambda n=n: insist(n) for n in range(TIMES)])
    assert sorted(results) == list(range(1, TIMES + 1)), results
    words = {r.payload["answers"]["why"][0] for r in AnnotationRevision.objects.all()}
    assert words == {f"writer {n}" for n in range(TIMES)}


def test_without_compare_and_set_acknowledged_writes_are_lost(committed: None) -> None:
    """The control: read the version, write the next one. All are told that it was kept; one was."""
    of = campaign()
    task = claim(of)
    of.save(task)
    have_read = threading.Barrier(TIMES)

    def naive(number: int) -> int:
        head = Annotation.objects.get(task=task)
        have_read.wait(10)
        Annotation.objects.filter(pk=head.pk).update(version=head.version + 1)
        return head.version + 1

    results = together([lambda n=n: naive(n) for n in range(TIMES)])
    assert results == [2] * TIMES
    assert Annotation.objects.get().version == 2


def test_an_action_sent_many_times_at_once_is_kept_once(committed: None) -> None:
    of = campaign()
    task, key = claim(of), uuid.uuid4()
    results = together([lambda: of.submit(task, idempotency_key=key)] * TIMES)
    assert all(isinstance(result, Saved) for result in results), results
    assert sum(not result.is_replay for result in results) == 1
    assert {result.version for result in results} == {1}
    assert AnnotationRevision.objects.count() == 1


def test_one_key_for_two_tasks_at_once_is_used_for_one(committed: None) -> None:
    of = campaign(tasks=2)
    first = claim(of)
    of.submit(first)
    second, key = claim(of), uuid.uuid4()
    results = together(
        [
            lambda: of.submit(first, base_version=1, idempotency_key=key),
            lambda: of.submit(second, idempotency_key=key),
        ]
    )
    assert sum(isinstance(result, Saved) for result in results) == 1, results
    refused = next(result for result in results if not isinstance(result, Saved))
    assert isinstance(refused, Invalid)
    assert refused.code == "idempotency_mismatch"


def test_annotators_of_one_task_do_not_disturb_each_other(committed: None) -> None:
    of = campaign(tasks=1, overlap=4, people=4)
    tasks = [claim(of, number) for number in range(4)]
    results = together([lambda n=n: of.submit(tasks[n], n) for n in range(4)])
    assert all(isinstance(result, Saved) for result in results), results


def test_a_lock_that_does_not_come_is_a_transient_fault_and_tried_again(committed: None) -> None:
    of = campaign()
    task = claim(of)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            type(task).objects.select_for_update().get(pk=task.pk)
            held.set()
            free.wait(10)

    def save_with_little_patience() -> Saved:
        held.wait(10)
        with connections["default"].cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        threading.Timer(0.25, free.set).start()
        return of.save(task, answers=ANSWERS)

    _, result = together([hold, save_with_little_patience])
    assert isinstance(result, Saved), result


@pytest.mark.parametrize("statement", ["UPDATE {} SET status = 'draft'", "DELETE FROM {}", "TRUNCATE {}"])
def test_even_the_owner_is_stopped_by_the_trigger(committed: None, statement: str) -> None:
    of = campaign()
    of.submit(claim(of))
    assert servers.SERVERS is not None
    owner = servers.SERVERS.environment["DATABASE_OWNER_URL"]
    with psycopg.connect(owner) as connection, pytest.raises(psycopg.errors.IntegrityError) as caught:
        connection.execute(statement.format("annotations_annotationrevision"))
    assert "append-only" in str(caught.value)
    assert AnnotationRevision.objects.get().status == "submitted"


def test_an_export_waits_for_saves_under_way_and_then_knows_all_lower_numbers(committed: None) -> None:
    """A revision whose number is drawn but not committed must not slip in below ``as_of`` later."""
    team = campaign(tasks=2, people=2)
    first, second = claim(team, 0), claim(team, 1)
    drawn, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            # A draft: the labels that two people submit first in a study wait for each other, which is another matter.
            team.save(first, 0, answers=ANSWERS)
            drawn.set()
            go_on.wait(10)

    def quick() -> int:
        drawn.wait(10)
        team.submit(second, 1)
        # The control: the newest number that can be seen is above one that is not there yet.
        seen = list(AnnotationRevision.objects.values_list("pk", flat=True))
        assert len(seen) == 1
        asking = threading.Timer(0.3, go_on.set)
        asking.start()
        settled = newest_settled()
        assert go_on.is_set(), "it did not wait"
        assert AnnotationRevision.objects.filter(pk__lte=settled).count() == 2
        return settled

    results = together([slow, quick])
    assert results[0] is None, results
    assert isinstance(results[1], int), results

"""Every task of the application may be delivered twice, at once, late, and in any order."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.db import connection

from tests.transcripts.faults.running import queued, until_whole
from transcripts.ingest import queue
from transcripts.models import Ingest, IngestChunk

pytestmark = [
    pytest.mark.usefixtures("committed"),
    pytest.mark.filterwarnings("ignore:(?s).*task attribute is deprecated"),  # until celery 6
]

# How each task is called. A new one fails here until it is added, with what it is called for.
CALLS: dict[str, Callable[[Ingest], tuple[Any, ...]]] = {
    "transcripts.advance_ingest": lambda row: (row.pk,),
    "transcripts.sweep": lambda row: (),
    "transcripts.watch": lambda row: (),
    "transcripts.fetch": lambda row: (10**9,),
    "transcripts.index": lambda row: (),
}
# What tells when something was done, and how often it was tried: no effect.
TIMES = {"at", "lease_until", "attempt", "failures", "finished_at", "started_at", "created_at", "last_login"}


def ours() -> list[str]:
    for app in apps.get_app_configs():
        if importlib.util.find_spec(f"{app.name}.tasks"):
            importlib.import_module(f"{app.name}.tasks")
    return sorted(name for name in current_app.tasks if not name.startswith("celery."))


def everything() -> dict[str, list[tuple]]:
    """All rows of the application, but for times."""
    found = {}
    for model in apps.get_models():
        if model._meta.app_label in ("transcripts", "annotations") and model._meta.managed:
            fields = [f.attname for f in model._meta.concrete_fields if f.name not in TIMES]
            rows = [tuple(map(repr, row)) for row in model.objects.order_by("pk").values_list(*fields)]
            found[model.__name__] = rows
    return found


def at_once(task: Any, arguments: tuple[Any, ...], times: int) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            task.run(*arguments)
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_every_task_of_the_application_is_tried_here() -> None:
    assert set(ours()) <= set(CALLS)


@pytest.mark.parametrize("name", [*CALLS])
def test_delivered_twice_at_once_and_late_it_has_one_effect(name: str) -> None:
    assert name in ours()
    task = current_app.tasks[name]
    row = queued(200)
    at_once(task, CALLS[name](row), 4)
    # Whatever it was: the ingest still comes out whole, with nothing twice.
    while Ingest.objects.get(pk=row.pk).is_active:
        current_app.tasks["transcripts.advance_ingest"](row.pk)
    until_whole(row, 200)
    task(*CALLS[name](row))
    before = everything()
    for _ in range(2):
        task(*CALLS[name](row))
    at_once(task, CALLS[name](row), 3)
    assert everything() == before


def test_a_step_before_its_time_is_not_done() -> None:
    """Out of order: nobody can finish, or read a chunk, before there is a plan, nor plan a second time."""
    row = queued(200)
    plan = queue.claim_step(row.pk)
    assert plan is not None
    assert plan.kind == "plan"
    assert queue.claim_step(row.pk) is None
    finish = queue.Step("finish", row.pk, plan.attempt + 1)
    with pytest.raises(queue.Fenced):
        queue.hold_ingest(finish, state=Ingest.State.DONE)
    with pytest.raises(queue.Fenced):
        queue.hold_chunk(queue.Step("chunk", row.pk, 1, 10**9))
    assert not IngestChunk.objects.exists()

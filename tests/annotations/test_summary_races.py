"""Two people who label the same transcript at one moment, in rounds of their own: both are counted."""

from __future__ import annotations

import threading
import time

import psycopg
from django.db import connections, transaction

from annotations.labelling import claim_next
from annotations.models import Labelled, LabelName
from tests import servers
from tests.annotations.campaign import campaign

WAITING = "SELECT 1 FROM pg_stat_activity WHERE usename = 'afdash_app' AND wait_event_type = 'Lock'"


def test_who_submits_while_another_commits_sees_their_labels(committed: None) -> None:
    of = campaign(tasks=1, people=2, hidden=[])
    again = campaign(tasks=1, people=0, annotators=of.people, hidden=[])
    tasks = [claim_next(of.access(0), of.round), claim_next(of.access(1), again.round)]

    def submit(number: int, reasoning: str, version: int) -> None:
        answers = {"reasoning": [reasoning], "behaviour": ["complied"]}
        of.submit(tasks[number], number, base_version=version, answers=answers)

    def submit_elsewhere() -> None:
        submit(1, "no", 1)
        connections.close_all()

    submit(0, "yes", 0)
    submit(1, "yes", 0)
    other = threading.Thread(target=submit_elsewhere)
    with psycopg.connect(servers.SERVERS.superuser_url, autocommit=True) as watching, transaction.atomic():
        submit(0, "partial", 1)
        other.start()
        deadline = time.monotonic() + 3
        while other.is_alive() and not watching.execute(WAITING).fetchone() and time.monotonic() < deadline:
            time.sleep(0.01)
    other.join(20)
    summary = Labelled.objects.get()
    assert (summary.n_annotators, summary.has_disagreement) == (2, True)
    names = LabelName.objects.filter(pk__in=summary.labels).values_list("name", flat=True)
    assert set(names) == {"behaviour:complied", "reasoning:partial", "reasoning:no"}

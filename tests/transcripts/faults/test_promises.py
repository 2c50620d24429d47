"""What must be set for the rest to hold, and which test stands for which numbered fault."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from tests import servers
from tests.conftest import ROOT
from tests.transcripts.faults.cases import CASES, FAULTS
from tests.transcripts.faults.running import broker, queued
from transcripts.ingest import queue
from transcripts.models import Ingest

HOLD_LEASES = ("queue", "work", "leases", "pauses", "writing", "containers", "finish")
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.mark.parametrize("name", DURABLE)
def test_nobody_can_make_the_embedded_server_forgetful(name: str) -> None:
    """Said on the command line, which goes before what ALTER SYSTEM wrote."""
    with psycopg.connect(servers.SERVERS.superuser_url, autocommit=True) as own:
        own.execute(f"ALTER SYSTEM SET {name} = off")
        own.execute("SELECT pg_reload_conf()")
        try:
            with psycopg.connect(servers.SERVERS.superuser_url) as other:
                assert other.execute(f"SHOW {name}").fetchone() == ("on",)
                source = "SELECT source FROM pg_settings WHERE name = %s"
                assert other.execute(source, [name]).fetchone() == ("command line",)
        finally:
            own.execute(f"ALTER SYSTEM RESET {name}")
            own.execute("SELECT pg_reload_conf()")


def test_redis_refuses_rather_than_forgets() -> None:
    assert broker().config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_message_is_off_the_queue_before_its_task_begins() -> None:
    """Then no visibility timeout can bring it back while it runs; the lease says who may go on."""
    from celery import current_app

    assert not current_app.conf.task_acks_late
    assert not current_app.conf.task_reject_on_worker_lost
    assert current_app.conf.task_ignore_result
    assert current_app.conf.accept_content == ["json"]
    assert current_app.conf.worker_prefetch_multiplier == 1
    assert current_app.conf.worker_max_tasks_per_child
    assert current_app.conf.worker_max_memory_per_child


def test_the_worst_resumption_is_shorter_than_promised() -> None:
    sweep = settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"]
    default = re.search(r'"AFDASH_LEASE_SECONDS",\s+default=(\d+)', (ROOT / "afdash/settings.py").read_text())
    assert default
    assert int(default[1]) + sweep < 14


@pytest.mark.django_db
def test_a_connection_that_leads_nowhere_is_noticed() -> None:
    connection.ensure_connection()
    given = connection.connection.info.get_parameters()
    patience = sum(int(given[name]) for name in ("keepalives_idle", "tcp_user_timeout") if name in given)
    assert {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"} <= set(given)
    assert patience


@pytest.mark.django_db
def test_every_number_of_a_row_has_64_bits() -> None:
    small = [
        f"{model.__name__}.{field.name}"
        for app in ("accounts", "transcripts", "annotations")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.AutoField) and not isinstance(field, models.BigAutoField)
    ]
    assert small == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND max_value < 2^62 "
            "AND sequencename !~ '^(django|auth)_'"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT conrelid::regclass || '.' || attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) "
            "WHERE contype = 'f' AND atttypid = 'int4'::regtype "
            "AND confrelid::regclass::text !~ '^(django|auth)_'"
        )
        assert cursor.fetchall() == []


def test_nothing_that_holds_a_lease_asks_this_machine_for_the_time_of_day() -> None:
    clocks = {"now", "today", "utcnow", "time"}
    asked = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / f"transcripts/ingest/{name}.py" for name in HOLD_LEASES)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in clocks
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("time", "timezone", "datetime", "date")
    ]
    assert asked == []


@pytest.mark.django_db
def test_a_worker_whose_clock_is_wrong_holds_a_right_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    import time
    from datetime import timedelta

    real, real_now = time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: real() - 600)
    monkeypatch.setattr(timezone, "now", lambda: real_now() - timedelta(minutes=10))
    row = queued(20)
    assert queue.claim_step(row.pk) is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT lease_until - now() FROM transcripts_ingest WHERE id = %s", [row.pk])
        assert cursor.fetchone()[0] == timedelta(seconds=queue.LEASE_SECONDS)
    assert row.pk not in queue.stalled()
    assert Ingest.objects.get(pk=row.pk).state == "planning"


def names_in(module: str) -> set[str]:
    return {name for name in dir(importlib.import_module(module)) if name.startswith("test_")}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_a_test_or_a_reason(fault: str) -> None:
    case = CASES[fault]
    assert case.tests or case.elsewhere
    for place in case.tests:
        file, _, name = place.partition("::")
        assert name in names_in(file), place


def test_every_test_here_stands_for_a_fault() -> None:
    named = {place for case in CASES.values() for place in case.tests}
    here = Path(__file__).parent
    for file in sorted(here.glob("test_*.py")):
        module = f"tests.transcripts.faults.{file.stem}"
        if module != __name__:
            assert {f"{module}::{name}" for name in names_in(module)} <= named

"""The Celery application. Messages carry ids only; the rows they name are the queue."""

from __future__ import annotations

import gc
import os

from celery import Celery
from celery.signals import task_failure, worker_process_init, worker_ready, worker_shutting_down

from afdash import beat, stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "afdash.settings")
# Checking loads every page and what it needs, 45 MB that each worker would hold beside its parser;
# migrating, which comes before any worker, has checked already.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("afdash", amqp="afdash.broker:Broker")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

worker_shutting_down.connect(stopping.ask)
worker_ready.connect(beat.keep_alive)


@worker_process_init.connect
def _leave_the_code_alone(**_: object) -> None:
    """What is loaded stays: the collector need not walk through it again and again beside a batch."""
    gc.freeze()


@task_failure.connect
def _forget_connections(**_: object) -> None:
    """Whatever was wrong with the connection (read-only since a failover, half dead): the next task gets a new one."""
    from django.db import connections  # not before the settings are read

    connections.close_all()

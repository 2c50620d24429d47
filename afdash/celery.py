"""The Celery application. Messages carry ids only; the rows they name are the queue."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "afdash.settings")

app = Celery("afdash")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

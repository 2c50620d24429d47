"""What `make run` finds on an empty database."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from afdash.accounts.models import User
from annotations.models import Round, Task
from tests import servers
from transcripts.models import Pair, Study, Transcript

pytestmark = pytest.mark.django_db


def test_an_empty_installation_gets_a_demo_study_and_people(monkeypatch: pytest.MonkeyPatch) -> None:
    from annotations.management.commands import prepare

    # Migrations and static files are the session's; they run as another role in another process.
    monkeypatch.setattr(prepare, "call_command", lambda name, **options: None)
    call_command("prepare", stdout=io.StringIO())
    credentials = Path(servers.SERVERS.directory) / "credentials.json"
    assert credentials.stat().st_mode & 0o777 == 0o600
    written = json.loads(credentials.read_text())
    assert set(written["users"]) == {"lead", "annotator", "annotator2"}
    study = Study.objects.get()
    assert Transcript.objects.count() == 60 * 2 * 5 * 3
    assert Pair.objects.filter(n_monitored=5, n_unmonitored=5).count() == 180
    round_ = Round.objects.get()
    assert Task.objects.filter(round=round_).count() == 1800
    assert round_.annotators.count() == 2
    passwords = set()
    for name, given in written["users"].items():
        assert User.objects.get(username=name).check_password(given["password"])
        passwords.add(given["password"])
        api = Client(headers={"Authorization": f"Token {given['token']}"})
        assert api.get("/api/v1/studies/").json()["results"][0]["slug"] == study.slug
    assert len(passwords) == 3

    call_command("prepare", stdout=io.StringIO())
    assert Study.objects.count() == 1, "a second start makes nothing"

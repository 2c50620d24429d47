"""Giving files by page, API and shell: the same path, the same words when something is wrong."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from tests import make
from tests.transcripts.test_ingest import jsonl, line
from transcripts.ingest import queue, work
from transcripts.models import Ingest, Source, Study, Transcript

pytestmark = pytest.mark.django_db


def upload(name: str = "runs.jsonl", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, jsonl(line()) if content is None else content)


@pytest.fixture
def lead_client(lead: User, client_of) -> Client:
    return client_of(lead)


def page(study: Study) -> str:
    return reverse("ingest_list", args=[study.slug])


def test_an_uploaded_file_is_queued_and_shown(study: Study, lead_client: Client) -> None:
    answer = lead_client.post(page(study), {"file": upload(), "path": "care/runs.jsonl", "arm": "paid"})
    row = Ingest.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("ingest_detail", args=[study.slug, row.pk])
    assert (row.state, row.source.name, row.options) == ("queued", "care/runs.jsonl", {"arm": "paid"})
    shown = lead_client.get(answer.headers["Location"]).content.decode()
    assert "No worker is running" in shown
    assert "queued" in shown
    work.advance(row.pk)
    shown = lead_client.get(answer.headers["Location"]).content.decode()
    assert ">done<" in shown
    assert "unpaired" in shown
    assert "hx-trigger" not in shown, "a finished ingest must stop asking"


def test_several_files_at_once(study: Study, lead_client: Client) -> None:
    answer = lead_client.post(page(study), {"file": [upload("a.jsonl"), upload("b.jsonl")]}, follow=True)
    assert answer.status_code == 200
    assert Ingest.objects.count() == 2
    assert "2 files are queued" in answer.content.decode()


BAD_FORMS = [
    ("no file", {}, "Choose one or more files"),
    ("bad role", {"file": True, "role": "boss"}, "role must be one of"),
    ("bad format", {"file": True, "format": "word"}, "format must be one of"),
    ("mapping is no JSON", {"file": True, "mapping": "{C: complied}"}, "mapping is not JSON"),
    (
        "mapping to nothing we know",
        {"file": True, "mapping": '{"outcomes": {"j": {"C": "good"}}}'},
        "not an outcome",
    ),
    ("NUL in an option", {"file": True, "model": "a\x00b"}, "model must be a text"),
]


@pytest.mark.parametrize(("form", "words"), [c[1:] for c in BAD_FORMS], ids=[c[0] for c in BAD_FORMS])
def test_a_bad_form_is_refused_and_stores_nothing(
    study: Study, lead_client: Client, form: dict, words: str
) -> None:
    data = {**form, **({"file": upload()} if "file" in form else {})}
    answer = lead_client.post(page(study), data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Source.objects.exists()


def test_too_large_a_file(study: Study, lead_client: Client, settings) -> None:
    settings.AFDASH_MAX_UPLOAD = 10
    answer = lead_client.post(page(study), {"file": upload()})
    assert answer.status_code == 422
    assert "is larger than" in answer.content.decode()


def test_the_api_takes_a_file_and_tells_its_counts(study: Study, lead: User) -> None:
    client = Client(headers={"Authorization": f"Token {make.token(lead)}"})
    base = f"/api/v1/studies/{study.slug}/ingests/"
    answer = client.post(base, {"file": upload(content=jsonl(line(), b"{nonsense", line()))})
    assert answer.status_code == 202, answer.content
    assert answer.json()["state"] == "queued"
    assert answer.json()["counts"] == {"read": 0, "created": 0, "duplicate": 0, "rejected": 0}
    pk = answer.json()["id"]
    work.advance(pk)
    told = client.get(f"{base}{pk}/").json()
    assert told["state"] == "done_with_rejects"
    assert told["counts"] == {"read": 3, "created": 1, "duplicate": 1, "rejected": 1}
    assert told["progress"]["bytes_done"] == told["progress"]["bytes_total"] > 0
    (reject,) = client.get(f"{base}{pk}/rejects/").json()["results"]
    assert reject["reason"] == "json_invalid"
    assert reject["excerpt"].startswith("{nonsense")
    assert reject["locator"]["bytes"]
    findings = client.get(f"{base}{pk}/findings/").json()["results"]
    assert {finding["kind"] for finding in findings} == {"unpaired"}
    listed = client.get(base).json()
    assert [row["id"] for row in listed["results"]] == [pk]


def test_the_api_refuses_what_the_page_refuses(study: Study, lead: User) -> None:
    client = Client(headers={"Authorization": f"Token {make.token(lead)}"})
    base = f"/api/v1/studies/{study.slug}/ingests/"
    for data in ({}, {"file": upload(), "role": "boss"}):
        answer = client.post(base, data)
        assert answer.status_code == 422
        assert answer.json()["error"]["fields"]
    answer = client.get(base, {"colour": "blue"})
    assert answer.status_code == 400
    assert "colour" in answer.json()["error"]["message"]
    assert not Source.objects.exists()


def run_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ingest", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "care"
    runs.mkdir()
    paired = [
        {
            "input": f"<is_free_tier_user>{tier}</is_free_tier_user><user_input>How?</user_input>",
            "response": ["<think>hm</think>So.", "No."],
        }
        for tier in ("True",)
    ]
    (runs / "provider:model-x_True.json").write_text(json.dumps(paired))
    (runs / "notes.txt").write_text("not a run")
    (runs / "link.json").symlink_to(runs / "provider:model-x_True.json")
    return runs


def test_the_shell_ingests_a_folder_into_a_new_study(
    folder: Path, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transcripts.management.commands import ingest as command

    monkeypatch.setattr(command, "PATIENCE_SECONDS", 0.0)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 files were refused"):
        call_command("ingest", str(folder), "--study", "new-study", "--wait", stdout=out, stderr=out)
    said = out.getvalue()
    assert "The study new-study is new" in said
    assert re.search(r"provider:model-x_True\.json +done +paired_json +2 +2 +0 +0", said)
    assert "notes.txt" in said
    assert Transcript.objects.filter(study__slug="new-study").count() == 2
    transcript = Transcript.objects.select_related("run", "arm")[0]
    assert (transcript.run.model, transcript.run.setting, transcript.arm.role) == (
        "model-x",
        "care",
        "monitored",
    )
    assert Source.objects.count() == 2, "a symbolic link must not be followed"


def test_the_shell_says_what_it_leaves_out_of_a_folder(tmp_path: Path, db: None) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/a.jsonl").write_bytes(b'{"prompt": "p", "response": "r"}\n')
    (tmp_path / "runs/out.jsonl").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "runs/pipe.jsonl")
    said = run_command(str(tmp_path / "runs"), "--study", "s", "--dry-run")
    assert "out.jsonl: a symbolic link" in said
    assert "pipe.jsonl: a pipe" in said
    assert "1 record" in said


def test_a_dry_run_writes_nothing(folder: Path, db: None) -> None:
    said = run_command(str(folder), "--study", "new-study", "--dry-run")
    assert "paired_json, 2 records" in said
    assert "refused" in said
    assert not Study.objects.exists()


def test_without_a_worker_the_shell_says_so(folder: Path, db: None) -> None:
    assert "No worker is running" in run_command(str(folder), "--study", "new-study")
    assert Ingest.objects.filter(state="queued").count() == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/no/such/path", "--study", "s"), "There is no file"),
        ((".", "--study", "Not A Slug"), "cannot be a study's name"),
        ((".", "--study", "s", "--role", "boss"), "role must be one of"),
    ],
)
def test_the_shell_says_what_is_wrong(db: None, tmp_path: Path, arguments: tuple, words: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(jsonl(line()))
    arguments = tuple(str(tmp_path) if a == "." else a for a in arguments)
    with pytest.raises(CommandError, match=words):
        run_command(*arguments)


def test_cancel_and_retry_by_button(study: Study, lead_client: Client) -> None:
    lead_client.post(page(study), {"file": upload()})
    row = Ingest.objects.get()
    lead_client.post(reverse("ingest_cancel", args=[study.slug, row.pk]))
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert work.advance(row.pk) is False
    assert not Transcript.objects.exists()
    lead_client.post(reverse("ingest_retry", args=[study.slug, row.pk]))
    work.advance(row.pk)
    row.refresh_from_db()
    assert row.state == "done"
    assert queue.progress(row).created == 1

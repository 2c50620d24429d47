"""A file that nobody knows: its proposal as a form, tried without writing, chosen, kept, by page, API and shell."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import User
from tests import make
from tests.transcripts.test_ingest import counts, ingest, jsonl, line
from transcripts.ingest import queue, sources, work
from transcripts.models import Ingest, SavedMapping, Source, Study, Transcript, Verdict, WorkerHeartbeat
from transcripts.records import Message, Segment
from transcripts.views.mapping_preview import clipped, preview_of

pytestmark = pytest.mark.django_db
FIELDS = {"prompt": "frage", "response": "raw", "arm": "cell"}


def rows(number: int = 6, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "frage": f"How much space does hen {n // 2} get, and who decides it in the end?",
            "raw": f"<think>Of hen {n}.</think>About a sheet of paper, says answer number {n}.",
            "cell": "edu" if n % 2 else "control",
            "verdict": "C" if n % 2 else "I",
            **more,
        }
        for n in range(number)
    ]


def unknown(study: Study, name: str = "unknown.json", **more: Any) -> Ingest:
    row = ingest(study, json.dumps(rows(**more)).encode(), name)
    assert row.state == "needs_mapping", row.error
    return row


@pytest.fixture
def page(lead: User, client_of) -> Client:
    return client_of(lead)


def address(name: str, row: Ingest) -> str:
    return reverse(name, args=[row.study.slug, row.pk])


def form(**more: Any) -> dict[str, Any]:
    return {**{f"field.{name}": path for name, path in FIELDS.items()}, "use": "form", **more}


def test_the_proposal_is_a_form_with_a_preview(study: Study, page: Client) -> None:
    row = unknown(study)
    shown = page.get(address("mapping", row)).content.decode()
    for words in ('name="field.response"', "frage · text", "How it would be read", "Nothing is written yet"):
        assert words in shown
    listed = page.get(reverse("ingest_list", args=[study.slug])).content.decode()
    assert "1 file needs a mapping" in listed
    assert address("mapping", row) in listed
    assert "Say what its fields mean" in page.get(address("ingest_detail", row)).content.decode()


def test_a_preview_writes_nothing_and_shows_pairs_side_by_side(study: Study, page: Client) -> None:
    row = unknown(study)
    roles = {
        "arm_value.0": "edu",
        "arm_role.0": "monitored",
        "arm_value.1": "control",
        "arm_role.1": "unmonitored",
    }
    answer = page.post(address("mapping_preview", row), form(shown_arm="cell", **roles))
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "3 prompts, 3 with both arms" in shown
    assert shown.count('class="trial-arm arm-monitored"') == 3
    assert "segment-scratchpad" in shown
    assert re.search(r"&quot;edu&quot;: {\s*&quot;role&quot;: &quot;monitored&quot;", shown), (
        "the JSON follows"
    )
    row.refresh_from_db()
    assert (row.state, row.options, SavedMapping.objects.count()) == ("needs_mapping", {}, 0)
    assert not Transcript.objects.exists()


def test_what_is_wrong_is_said_before_anything_is_read(study: Study, page: Client) -> None:
    row = unknown(study)
    for data, words in (
        ({"use": "json", "json": "{broken"}, "This is not JSON"),
        ({"use": "json", "json": '{"fields": {"colour": "x"}}'}, "is not a field of ours"),
        ({"use": "form"}, "the response is, or the messages"),
        (form(outcome='["verdict"'), "cannot be read; reload"),
    ):
        for name in ("mapping_preview", "mapping"):
            answer = page.post(address(name, row), data)
            assert answer.status_code == 422, (name, data)
            assert words in answer.content.decode()
    row.refresh_from_db()
    assert row.state == "needs_mapping"


def test_records_that_do_not_fit_are_shown_as_rejects(study: Study, page: Client) -> None:
    row = ingest(study, json.dumps([*rows(4), {"frage": "Why?", "cell": "edu"}]).encode(), "u.json")
    assert "would be rejected" in page.post(address("mapping_preview", row), form()).content.decode()


def test_records_of_one_identity_are_shown_as_a_conflict(study: Study, page: Client) -> None:
    row = unknown(study, number=8, k=1)
    shown = page.post(address("mapping_preview", row), form(**{"field.sample": "k", "field.prompt_id": "k"}))
    assert "would collide" in shown.content.decode()
    assert "it would be rejected" in shown.content.decode()


def test_the_chosen_mapping_is_kept_and_used_again(study: Study, page: Client) -> None:
    row, same = unknown(study), unknown(study, "same.json", number=4)
    words = [
        json.dumps(["verdict", "C", "complied"]),
        json.dumps(["verdict", "I", "refused"]),
        json.dumps(["other", "x", "unclear"]),
    ]
    answer = page.post(address("mapping", row), form(score=["verdict", ""], outcome=words))
    assert answer.status_code == 302, answer.content.decode()
    for each in (row, same):
        work.advance(each.pk)
        each.refresh_from_db()
        assert each.state == "done"
    assert set(Verdict.objects.values_list("value", "outcome")) == {("C", "complied"), ("I", "refused")}
    saved = SavedMapping.objects.get()
    assert saved.mapping["outcomes"] == {"verdict": {"C": "complied", "I": "refused"}}
    third = ingest(study, json.dumps(rows(10)).encode(), "third.json")
    assert third.state == "done", "the same fields are not asked for again"
    listed = page.get(reverse("mapping_list", args=[study.slug])).content.decode()
    assert "frage" in listed
    page.post(reverse("mapping_delete", args=[study.slug, saved.pk]))
    assert not SavedMapping.objects.exists()
    used = page.get(address("mapping", row)).content.decode()
    assert "ingest again with another mapping" in used


def test_the_same_file_given_twice_goes_on_once(study: Study, page: Client) -> None:
    row, twin = unknown(study), unknown(study)
    assert row.source == twin.source
    assert page.post(address("mapping", row), form()).status_code == 302
    assert sorted(Ingest.objects.values_list("state", flat=True)) == ["needs_mapping", "queued"]


def test_json_that_counts_keeps_what_the_form_cannot_say(study: Study, page: Client) -> None:
    row = unknown(study)
    mapping = {
        "fields": FIELDS,
        "scores": ["verdict"],
        "outcomes": {"*": {"Z": "unclear"}, "gone": {"a": "partly"}},
    }
    filled = page.post(address("mapping", row), {"use": "json", "json": json.dumps(mapping), "fill": "1"})
    assert filled.status_code == 200
    assert '<option value="verdict" selected>' in filled.content.decode()
    answer = page.post(address("mapping", row), form(score="verdict", json=json.dumps(mapping)))
    assert answer.status_code == 302
    # What the form does not show stays, but not for judges that are none any more.
    assert SavedMapping.objects.get().mapping["outcomes"] == {"*": {"Z": "unclear"}}


def test_remove_and_ingest_again_asks_anew(study: Study, page: Client) -> None:
    row = unknown(study)
    page.post(address("mapping", row), form())
    work.advance(row.pk)
    SavedMapping.objects.all().delete()
    answer = page.post(address("ingest_remove", row), {"again": "1"}, follow=True)
    assert "Removed: unknown.json and 6 transcripts" in answer.content.decode()
    again = Ingest.objects.get()
    assert (again.pk != row.pk, again.options) == (True, {})
    work.advance(again.pk)
    again.refresh_from_db()
    assert again.state == "needs_mapping"


def test_outcomes_are_changed_on_the_page(study: Study, page: Client) -> None:
    row = ingest(study, jsonl(line(verdicts=[{"judge": "j", "value": "<b>C"}])))
    shown = page.get(address("ingest_detail", row)).content.decode()
    assert "What the judges said" in shown
    assert "“&lt;b&gt;C”" in shown
    page.post(address("ingest_outcomes", row), {"outcome": ["", json.dumps(["j", "<b>C", "partly"])]})
    assert Transcript.objects.get().outcome == "partly"
    for bad in ('["j"', '["j", "<b>C", 5]', '["j", "<b>C", "good"]'):
        assert page.post(address("ingest_outcomes", row), {"outcome": bad}).status_code == 422
    assert (
        "lena changed"
        in page.get(address("ingest_findings", row) + "?kind=outcomes_changed").content.decode()
    )


def test_rejects_are_paged_and_downloaded(study: Study, page: Client) -> None:
    row = ingest(study, jsonl(line(), *[b"{<b>%d" % n for n in range(60)]), 'runs "é\r\n.jsonl')
    first = page.get(address("ingest_rejects", row)).content.decode()
    assert first.count('class="reject"') == 50
    assert "&lt;b&gt;1" in first
    answer = page.get(address("reject_file", row))
    assert b"".join(answer.streaming_content).count(b"\n") == 60
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_a_script_is_told_of_its_upload_in_json(study: Study, page: Client) -> None:
    here = reverse("ingest_list", args=[study.slug])
    file = SimpleUploadedFile("a.jsonl", jsonl(line()))
    answer = page.post(here, {"file": file, "path": "care/a.jsonl"}, headers={"Accept": "application/json"})
    assert answer.status_code == 202
    row = Ingest.objects.get()
    assert answer.json()["page"] == address("ingest_detail", row)
    assert page.get(answer.json()["state"]).json()["state"] == "queued"
    refused = page.post(here, {"role": "boss"}, headers={"Accept": "application/json"})
    assert refused.status_code == 422
    assert "role must be one of" in refused.json()["error"]["message"]


# ---- API


@pytest.fixture
def api(lead: User) -> Client:
    return Client(headers={"Authorization": f"Token {make.token(lead)}"})


def base(study: Study) -> str:
    return f"/api/v1/studies/{study.slug}/"


def sent(api: Client, path: str, body: Any) -> Any:
    return api.post(path, json.dumps(body), content_type="application/json")


def test_a_script_does_what_the_page_does(study: Study, api: Client) -> None:
    row = unknown(study)
    here = f"{base(study)}ingests/{row.pk}/"
    told = api.get(here).json()
    assert told["state"] == "needs_mapping"
    assert {field["path"] for field in told["proposal"]["fields"]} == {"frage", "raw", "cell", "verdict"}
    tried = sent(api, here + "mapping/preview/", {"mapping": {"fields": FIELDS}}).json()
    assert len(tried["records"]) == 6
    for wrong in ({}, {"mapping": []}, {"mapping": {"fields": {"colour": "x"}}}):
        assert sent(api, here + "mapping/", wrong).status_code == 422
        assert sent(api, here + "mapping/preview/", wrong).status_code == 422
    assert sent(api, here + "mapping/", {"mapping": {"fields": FIELDS}}).status_code == 202
    work.advance(row.pk)
    assert api.get(here).json()["counts"] == {"read": 6, "created": 6, "duplicate": 0, "rejected": 0}
    assert sent(api, here + "mapping/", {"mapping": {"fields": FIELDS}}).status_code == 409
    (saved,) = api.get(f"{base(study)}mappings/").json()["results"]
    assert saved["mapping"]["fields"] == FIELDS
    assert api.delete(f"{base(study)}mappings/{saved['id']}/").status_code == 204
    assert api.delete(here).status_code == 204
    assert api.get(here).status_code == 404
    assert not Transcript.objects.exists()


def test_cancel_and_retry_by_api(study: Study, api: Client) -> None:
    source = sources.keep(study, io.BytesIO(jsonl(line())), "a.jsonl", None)
    row = queue.request_ingest(source, user=None, options={})
    here = f"{base(study)}ingests/{row.pk}/"
    assert api.post(here + "retry/").status_code == 409
    assert api.post(here + "cancel/").json()["state"] == "cancelled"
    assert api.post(here + "cancel/").status_code == 409
    assert api.post(here + "retry/").status_code == 202
    assert api.delete(here).status_code == 409


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name.replace("_", "."), content)
    return out.getvalue()


def test_a_dry_run_says_what_would_be_found_and_keeps_nothing(study: Study, api: Client, monkeypatch) -> None:
    content = zipped(a_jsonl=jsonl(line(), b"{"), b_json=json.dumps(rows()).encode(), c_pdf=b"%PDF-1.4 text")
    file = SimpleUploadedFile("runs.zip", content)
    answer = api.post(f"{base(study)}ingests/?dry_run=1", {"file": file})
    assert answer.status_code == 200, answer.content
    found = {each["name"]: each for each in answer.json()["files"]}
    assert set(found) == {"runs/a.jsonl", "runs/b.json", "runs/c.pdf"}
    assert (found["runs/a.jsonl"]["records"], found["runs/a.jsonl"]["rejects"]) == (1, 1)
    assert found["runs/b.json"]["proposal"]["mapping"]["fields"]
    assert "PDF" in found["runs/c.pdf"]["problem"]
    assert not Source.objects.exists()
    monkeypatch.setattr("transcripts.api.ingests.MOST_TRIED", 3)
    answer = api.post(f"{base(study)}ingests/", {"file": SimpleUploadedFile("a", b"12345"), "dry_run": "yes"})
    assert answer.status_code == 422
    assert "at most" in answer.json()["error"]["message"]


def test_parts_filters_and_the_file_of_rejects_by_api(study: Study, api: Client) -> None:
    row = ingest(study, zipped(a_jsonl=jsonl(line(), b"{x"), b_jsonl=jsonl(line(sample=2))), "runs.zip")
    for part in row.parts.all():
        work.advance(part.pk)
    work.advance(row.pk)
    told = api.get(f"{base(study)}ingests/{row.pk}/").json()
    assert [part["source"]["name"] for part in told["parts"]] == ["runs/a.jsonl", "runs/b.jsonl"]
    assert told["counts"]["read"] == 3
    assert [each["id"] for each in api.get(f"{base(study)}ingests/").json()["results"]] == [row.pk]
    listed = api.get(f"{base(study)}ingests/", {"container": row.pk, "state": "done_with_rejects"}).json()[
        "results"
    ]
    (bad,) = listed
    assert api.get(f"{base(study)}ingests/", {"container": "x"}).status_code == 400
    here = f"{base(study)}ingests/{bad['id']}/"
    assert b"".join(api.get(here + "rejects/file/").streaming_content) == b"{x\n"
    assert len(api.get(here + "rejects/", {"reason": "json_invalid"}).json()["results"]) == 1
    assert api.get(here + "rejects/", {"reason": "other"}).json()["results"] == []
    assert api.get(f"{base(study)}ingests/{row.pk}/rejects/file/").status_code == 404


# ---- shell


def run(*arguments: str) -> str:
    # In a test's transaction the clock stands still: what an earlier run beat would count for ever.
    WorkerHeartbeat.objects.all().delete()
    out = io.StringIO()
    try:
        call_command("ingest", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        out.write(f"FAILED: {error}")
    return out.getvalue()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from transcripts.management.commands import ingest as command

    monkeypatch.setattr(command, "PATIENCE_SECONDS", 0.0)


def test_the_shell_tells_the_proposal_and_takes_it(db: None, at_once: None, tmp_path: Path) -> None:
    file = tmp_path / "unknown.json"
    file.write_text(json.dumps(rows()))
    said = run(str(file), "--study", "s", "--wait")
    assert "FAILED: 1 of 1 files need a mapping" in said
    assert '"response":"raw"' in said
    assert "--mapping proposed" in said
    said = run(str(file), "--study", "s", "--wait", "--mapping", "proposed")
    assert "FAILED" not in said
    assert Ingest.objects.count() == 1, "the waiting ingest goes on"
    assert Transcript.objects.count() == 6


def test_the_shell_reads_a_mapping_from_a_file(db: None, at_once: None, tmp_path: Path) -> None:
    file, mapping = tmp_path / "unknown.json", tmp_path / "mapping.json"
    file.write_text(json.dumps(rows()))
    mapping.write_text(json.dumps({"fields": FIELDS}))
    assert "FAILED" not in run(str(file), "--study", "s", "--wait", "--mapping", f"@{mapping}")
    assert counts(Ingest.objects.get()) == (6, 6, 0, 0)
    assert "cannot be read" in run(str(file), "--study", "s", "--mapping", "@/no/such/file")


def test_the_shell_ends_with_a_table_that_has_the_parts_of_archives(
    db: None, at_once: None, tmp_path: Path
) -> None:
    file = tmp_path / "runs.zip"
    file.write_bytes(zipped(a_jsonl=jsonl(line(), b"{"), b_jsonl=jsonl(line())))
    said = run(str(file), "--study", "s", "--wait")
    assert "FAILED" not in said, said
    assert re.search(r"/runs\.zip +done with rejects +container +3 +1 +1 +1\n", said), said
    assert re.search(r"  \S*runs/a\.jsonl +done with rejects +own_jsonl +2 +\d +\d +1\n", said)
    assert "unpaired × 1" in said


def test_a_dry_run_of_the_shell_opens_archives(db: None, tmp_path: Path) -> None:
    file = tmp_path / "runs.zip"
    file.write_bytes(zipped(a_jsonl=jsonl(line()), b_json=json.dumps(rows()).encode()))
    said = run(str(file), "--study", "s", "--dry-run")
    assert "own_jsonl, 1 records" in said
    assert "proposed mapping: {" in said
    assert not Study.objects.exists()


# ---- pure


def test_a_long_message_is_clipped_with_its_segments() -> None:
    message = Message(
        "assistant",
        "x" * 30,
        segments=(Segment("scratchpad", 0, 20, 3, 18), Segment("output", 20, 30, 20, 30)),
    )
    cut = clipped(message, 10)
    assert cut.text == "x" * 10
    assert cut.segments == (Segment("scratchpad", 0, 10, 3, 10),)


def test_pairs_with_both_arms_come_first() -> None:
    def record(prompt: str, role: str) -> dict[str, Any]:
        return {
            "position": "r", "model": "m", "setting": "", "arm": role, "role": role, "prompt": prompt, "prompt_id": prompt,
            "sample": None, "parse_state": "ok", "outcome": "", "messages": [], "verdicts": [], "findings": [],
        }  # fmt: skip

    found = preview_of(
        {
            "records": [record("a", "other"), record("b", "unmonitored"), record("b", "monitored")],
            "rejects": [],
        }
    )
    assert [pair.prompt for pair in found.pairs] == ["b", "a"]
    assert [arm.role for arm in found.pairs[0].arms] == ["monitored", "unmonitored"]

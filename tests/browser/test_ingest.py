"""Giving files in a real browser: a drop of files and a folder, what goes wrong, and a file that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests import make
from tests.browser.watched import Watched
from tests.transcripts.test_ingest import jsonl, line
from transcripts.ingest import work
from transcripts.models import Ingest, SavedMapping, Transcript

pytestmark = pytest.mark.browser

QUEUE = """async () => {
  const q = await import("/static/js/uploadqueue.js");
  const atOnce = [], shown = [];
  let sending = 0;
  const send = async (item, onProgress) => {
    sending += 1; atOnce.push(sending);
    onProgress(0.5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    sending -= 1;
    return item.path === "b" && !item.again ? {message: "No."} : {taken: {page: "/", state: "/"}};
  };
  const queue = new q.UploadQueue({send, show: (item) => shown.push(item.words)});
  queue.add(["a", "b", "c", "d", "e"].map((path) => ({file: {size: 1}, path})));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const first = queue.items.map((item) => item.state);
  const words = q.summary(queue.items);
  queue.items[1].again = true;
  queue.retry(queue.items[1]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const counts = {read: 1200, created: 1, duplicate: 0, rejected: 3};
  const phases = ["queued", "running", "done", "done_with_rejects", "needs_mapping", "failed", "cancelled"];
  return {
    most: Math.max(...atOnce), first, words, last: queue.items.map((item) => item.state),
    half: shown.includes("sending: 50 %"),
    phases: phases.map((state) => { const p = q.phaseOf({state, counts, error: "Bad."}); return [p.state, p.words]; }),
  };
}"""

# A folder as Chromium gives it to a drop, with more names than it gives at once.
DROP = """async (folder) => {
  const files = new Map(Object.entries(folder));
  const named = (path, text) => new File([text], path.split("/").pop());
  const file = (path, text) => ({isFile: true, fullPath: "/" + path, file: (ok) => ok(named(path, text))});
  const batches = [...files].map(([path, text]) => [file(path, text)]);
  const entry = {isFile: false, fullPath: "/care", createReader: () => ({readEntries: (ok) => ok(batches.shift() || [])})};
  const event = new Event("drop", {bubbles: true, cancelable: true});
  event.dataTransfer = {items: [{kind: "file", webkitGetAsEntry: () => entry}], files: []};
  document.querySelector("[data-drop-zone]").dispatchEvent(event);
}"""


@pytest.fixture
def watched(browser: Browser, committed: None, web: str) -> Iterator[Watched]:
    study = make.study("paired")
    make.member(study, "lena", "lead")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    watched = Watched(page, web)
    watched.sign_in("lena")
    watched.open("/studies/paired/ingests/")
    yield watched
    context.close()


def read_all() -> None:
    for row in Ingest.objects.filter(state__in=Ingest.ACTIVE):
        work.advance(row.pk)


def rows(number: int) -> list[dict[str, str]]:
    return [
        {
            "frage": f"How much space does hen {n // 2} get, and who decides it in the end?",
            "raw": f"<think>I think of hen {n}.</think>About a sheet of paper, says answer {n}.",
            "cell": "free" if n % 2 else "paid",
            "verdict": "C" if n % 2 else "I",
        }
        for n in range(number)
    ]


def test_two_at_a_time_and_one_failure_stops_nobody(watched: Watched) -> None:
    found = watched.page.evaluate(QUEUE)
    assert found["most"] == 2
    assert found["first"] == ["reading", "failed", "reading", "reading", "reading"]
    assert found["words"] == "0 of 5 files done, 4 being read, 1 failed."
    assert found["last"] == ["reading"] * 5
    assert found["half"]
    assert found["phases"] == [
        ["reading", "sent; waiting for a worker"],
        ["reading", "reading: 1,200 records, 3 rejected"],
        ["done", "done: 1,200 records, 3 rejected"],
        ["done", "done: 1,200 records, 3 rejected"],
        ["mapping", "needs a mapping"],
        ["failed", "Bad."],
        ["failed", "cancelled"],
    ]
    assert watched.complaints == []


def test_files_and_a_folder_each_with_its_row_and_its_fate(watched: Watched, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_bytes(jsonl(line(), b"{nonsense"))
    bad.write_bytes(b"%PDF-1.4 this is no run")
    page = watched.page
    page.set_input_files("#id_file", [good, bad])
    page.get_by_role("button", name="Ingest", exact=True).click()
    expect(page.locator(".upload")).to_have_count(2)
    expect(page.locator(".upload").first).to_contain_text("waiting for a worker")
    expect(page.locator("#ingest-table")).to_contain_text("No worker is running", timeout=10_000)
    page.evaluate(
        DROP, {f"care/{n}.jsonl": jsonl(line(sample=n)).decode() for n in (2, 3)} | {"care/.DS_Store": "x"}
    )
    expect(page.locator(".upload")).to_have_count(4)
    expect(page.locator("[data-upload-summary]")).to_contain_text("1 hidden file was left out")
    expect(page.locator(".upload", has_text="care/3.jsonl")).to_contain_text("waiting for a worker")
    read_all()
    expect(page.locator(".upload", has_text="good.jsonl")).to_contain_text("done: 2 records, 1 rejected")
    expect(page.locator(".upload", has_text="bad.jsonl")).to_contain_text("The file is PDF")
    expect(page.locator("[data-upload-summary]")).to_contain_text("3 of 4 files done, 1 failed")
    expect(page.locator("#ingest-table")).not_to_contain_text("No worker is running")
    assert set(Ingest.objects.values_list("source__name", flat=True)) == {
        "good.jsonl",
        "bad.jsonl",
        "care/2.jsonl",
        "care/3.jsonl",
    }
    assert Transcript.objects.count() == 3
    assert watched.complaints == []


def test_what_the_server_refuses_is_said_at_the_file_and_can_be_sent_again(
    watched: Watched, tmp_path: Path
) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_bytes(jsonl(line()))
    page = watched.page
    page.get_by_text("What the files do not say themselves").click()
    page.fill("#id_mapping", "{not json")
    page.set_input_files("#id_file", file)
    page.get_by_role("button", name="Ingest", exact=True).click()
    row = page.locator(".upload")
    expect(row).to_contain_text("mapping is not JSON")
    page.fill("#id_mapping", "")
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text("waiting for a worker")
    assert Ingest.objects.count() == 1
    assert all("422" in text for text in watched.complaints)


def test_a_file_that_nobody_knows_is_mapped_tried_and_ingested(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "unknown.json"
    file.write_text(json.dumps(rows(8)))
    page = watched.page
    page.set_input_files("#id_file", file)
    page.get_by_role("button", name="Ingest", exact=True).click()
    expect(page.locator(".upload")).to_contain_text("waiting for a worker")
    read_all()
    page.get_by_role("link", name="Map its fields").click()
    page.wait_for_url("**/mapping/")
    preview = page.locator("#mapping-preview")
    page.select_option("#field-response", "raw")
    page.select_option("#field-prompt", "frage")
    page.select_option("#field-arm", "cell")
    expect(preview).to_contain_text("4 prompts, 4 with both arms")
    expect(preview.locator(".trial").first.locator(".trial-arm")).to_have_count(2)
    expect(preview.locator(".segment-scratchpad").first).to_contain_text("I think of hen")
    expect(page.locator("#mapping-json")).to_have_value(json_with('"arm": "cell"'))
    if page.locator("#score-1").input_value() != "verdict":
        page.select_option("#score-1", "verdict")
    words = page.get_by_label("verdict: C means")
    words.select_option(label="complied")
    expect(preview).to_contain_text("complied")
    assert not Transcript.objects.exists(), "a preview writes nothing"
    page.get_by_role("button", name="Ingest with this mapping").click()
    page.wait_for_url(lambda url: url.endswith("/ingests/1/") or "/mapping" not in url)
    read_all()
    expect(page.locator("#ingest-progress")).to_contain_text("done", timeout=10_000)
    assert Transcript.objects.filter(outcome="complied").count() == 4
    assert set(Transcript.objects.values_list("arm__role", flat=True)) == {"monitored", "unmonitored"}
    assert SavedMapping.objects.get().mapping["outcomes"] == {"verdict": {"C": "complied"}}
    assert watched.complaints == []


def json_with(words: str):
    import re

    return re.compile(re.escape(words))

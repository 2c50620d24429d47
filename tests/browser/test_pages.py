"""Every page in a real browser: no policy violation, no console error, no accessibility fault."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from annotations.codebook_versions import add_version
from annotations.default_codebook import DEFINITION
from annotations.labelling import open_round
from tests import make
from tests.browser.watched import Watched
from tests.transcripts.test_containers import all_of_it, zipped
from tests.transcripts.test_ingest import jsonl, line
from transcripts.ingest import queue, sources
from transcripts.ingest.finish import refresh_pairs
from transcripts.models import Ingest, Study, Transcript

pytestmark = pytest.mark.browser


@pytest.fixture
def study(committed: None, tmp_path: Path) -> Study:
    study = make.study("paired", "Paired <b>hostile</b> name")
    lead = make.member(study, "lena", "lead")
    anna = make.member(study, "anna", "annotator")
    make.member(study, "vera", "viewer")
    ingest = make.ingest(study)
    for prompt in ("p1 <script>alert(1)</script>", "p2"):
        for arm, outcome in (("monitored", "complied"), ("unmonitored", "refused")):
            for sample in (1, 2):
                make.transcript(
                    study, prompt=prompt, arm=arm, sample=sample, outcome=outcome, from_ingest=ingest
                )
    refresh_pairs(ingest.pk)
    Ingest.objects.filter(pk=make.ingest(study).pk).update(
        state="failed", error="The file is a PDF <img src=x onerror=alert(1)>."
    )
    files = {
        "<i>unknown</i>.jsonl": jsonl(
            *({"frage": f"<b>How</b> {n}?", "aussage": f"So {n}. {'x' * 80}"} for n in range(4))
        ),
        "mixed.zip": zipped(
            {"a.jsonl": jsonl(line(), {"messages": "<script>no</script>"}), "b.pdf": b"%PDF-"}
        ),
    }
    for name, content in files.items():
        source = sources.keep(study, io.BytesIO(content), name, lead)
        all_of_it(queue.request_ingest(source, user=lead, options={}))
    open_round(
        study,
        name="Round 1",
        codebook_version=add_version(study, DEFINITION, lead)[0],
        transcripts=Transcript.objects.all(),
        annotators=[anna],
        overlap=1,
        hidden=["arm", "model", "judge", "peers"],
        seed=1,
        created_by=lead,
    )
    return study


def pages(study: Study) -> dict[str, list[str]]:
    base = f"/studies/{study.slug}"
    transcript = Transcript.objects.order_by("pk")[0]
    ingests = Ingest.objects.order_by("pk")
    waiting = ingests.get(state="needs_mapping")
    rejecting = ingests.get(state="done_with_rejects", is_container=False)
    return {
        "lena": [
            "/?all",
            "/accounts/tokens/",
            f"{base}/",
            f"{base}/pairs/",
            f"{base}/pairs/?q=train+OR+hen&sort=length",
            f"{base}/pairs/{transcript.pair_id}/",
            f"{base}/pairs/{transcript.pair_id}/?view=raw",
            f"{base}/transcripts/",
            f"{base}/transcripts/?outcome=refused&q=hen",
            f"{base}/prompts/",
            f"{base}/prompts/{transcript.prompt_id}/compare/",
            f"{base}/views/",
            f"{base}/tags/",
            f"{base}/cue-words/",
            f"{base}/transcripts/{transcript.pk}/",
            f"{base}/ingests/",
            f"{base}/ingests/{ingests[0].pk}/",
            f"{base}/ingests/{ingests[1].pk}/",
            f"{base}/ingests/{ingests[1].pk}/remove/",
            *(f"{base}/ingests/{ingest.pk}/" for ingest in ingests[2:]),
            f"{base}/ingests/{waiting.pk}/mapping/",
            f"{base}/ingests/{rejecting.pk}/rejects/",
            f"{base}/ingests/{rejecting.pk}/findings/",
            f"{base}/mappings/",
            f"{base}/fetches/",
            f"{base}/rounds/",
            f"{base}/rounds/new/",
            f"{base}/rounds/{study.rounds.get().pk}/",
            f"{base}/codebook/",
            f"{base}/insights/",
            f"{base}/queue/",
        ],
        "anna": [f"{base}/", f"{base}/queue/", f"{base}/codebook/"],
        "vera": [f"{base}/", f"{base}/insights/"],
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_the_policy_or_hinders_anybody(
    study: Study, browser: Browser, web: str, scheme: str
) -> None:
    faults: list[str] = []
    axe = Axe()
    for username, addresses in pages(study).items():
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        watched = Watched(context.new_page(), web)
        watched.sign_in(username)
        for address in addresses:
            answer = watched.page.goto(web + address)
            assert answer is not None
            assert answer.status == 200, address
            watched.page.wait_for_load_state("networkidle")
            if address.endswith("/insights/"):
                watched.page.wait_for_selector("[data-chart-state=drawn]")
            faults += [f"{scheme} {username} {address}: {text}" for text in watched.complaints]
            watched.complaints.clear()
            faults += hindrances(axe, watched, f"{scheme} {username} {address}")
        if username == "anna":
            watched.page.goto(f"{web}/studies/{study.slug}/queue/")
            watched.page.click("text=Label next")
            watched.page.wait_for_selector(".work")
            faults += [f"labelling: {text}" for text in watched.complaints]
            faults += hindrances(axe, watched, f"{scheme} labelling")
        context.close()
    assert not faults, "\n".join(faults)


def hindrances(axe: Axe, watched: Watched, where: str) -> list[str]:
    # The scanner is a script of the test's own; the page's policy would refuse it as it should.
    found = axe.run(watched.page).response["violations"]
    return [f"{where}: {fault['id']}: {fault['nodes'][0]['html'][:120]}" for fault in found]


def test_the_policy_does_stop_what_it_should(study: Study, browser: Browser, web: str) -> None:
    """The control: a script that slips in is refused, and the watching would have noticed."""
    context = browser.new_context()
    watched = Watched(context.new_page(), web)
    watched.sign_in("vera")
    watched.page.goto(f"{web}/studies/{study.slug}/")
    watched.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); }"
    )
    assert watched.page.evaluate("() => window.ran") is None
    assert any("script-src" in text for text in watched.complaints)
    context.close()

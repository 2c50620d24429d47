"""Places on pages and in the API: what a lead sees, and that nobody reaches what is not listed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse

from afdash.accounts.models import User
from tests.transcripts.test_ingest import jsonl, line
from transcripts.ingest.places import fetching
from transcripts.models import Fetch, Study

pytestmark = pytest.mark.django_db
CONTENT = jsonl(line())


@pytest.fixture
def full(places, mount: Path, store) -> Path:
    (mount / "care").mkdir()
    (mount / "care" / "<b>.jsonl").write_bytes(CONTENT)
    (mount / "link").symlink_to("/etc/passwd")
    store.put("care/a.jsonl", CONTENT)
    return mount


def test_a_lead_browses_and_ticks(study: Study, lead: User, client_of, full: Path) -> None:
    client = client_of(lead)
    page = reverse("place_detail", args=[study.slug, "mount"])
    root = client.get(page).content.decode()
    assert "?path=care" in root
    assert "a symbolic link" in root
    assert 'value="link"' not in root
    inner = client.get(page, {"path": "care"}).content.decode()
    assert "&lt;b&gt;.jsonl" in inner
    assert "<b>.jsonl" not in inner
    answer = client.post(page, {"file": "care/<b>.jsonl", "folder": "care", "model": "m"}, follow=True)
    assert "2 are queued" in answer.content.decode()
    assert set(Fetch.objects.values_list("path", "is_folder")) == {("care/<b>.jsonl", False), ("care", True)}
    assert client.post(page, {}).status_code == 422
    assert client.post(page, {"file": "../x"}).status_code == 422
    assert client.post(page, {"file": "a", "role": "nonsense"}).status_code == 422


def test_the_list_of_fetches_shows_state_error_and_the_way_on(
    study: Study, lead: User, client_of, full: Path
) -> None:
    client = client_of(lead)
    page = reverse("fetch_list", args=[study.slug])
    assert "Nothing fetched yet" in client.get(page).content.decode()
    client.post(reverse("place_detail", args=[study.slug, "mount"]), {"file": "gone.jsonl"})
    assert 'hx-trigger="every 1s"' in client.get(page).content.decode()
    fetch = Fetch.objects.get()
    fetching.advance(fetch.pk)
    text = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert text.lstrip().startswith('<div id="fetch-table"')
    assert "gone.jsonl is not there" in text
    assert client.post(reverse("fetch_retry", args=[study.slug, fetch.pk])).status_code == 302
    assert client.post(reverse("fetch_cancel", args=[study.slug, fetch.pk])).status_code == 302
    fetch.refresh_from_db()
    assert fetch.state == "cancelled"
    assert client.get(page, {"cursor": "x"}).status_code == 400


def test_the_ingest_page_names_the_places_or_nothing(study: Study, full: Path, settings) -> None:
    from django.template.loader import render_to_string

    shown = render_to_string("transcripts/_ingest_places.html", {"study": study})
    assert reverse("place_detail", args=[study.slug, "lab"]) in shown
    settings.AFDASH_PLACES = {}
    assert render_to_string("transcripts/_ingest_places.html", {"study": study}).strip() == ""


def test_a_place_of_other_studies_does_not_exist(
    study: Study, lead: User, client_of, full: Path, settings
) -> None:
    settings.AFDASH_PLACES["lab"] = replace(settings.AFDASH_PLACES["lab"], studies=frozenset({"other"}))
    client = client_of(lead)
    api = f"/api/v1/studies/{study.slug}/places/"
    assert client.get(reverse("place_detail", args=[study.slug, "lab"])).status_code == 404
    assert client.get(f"{api}lab/").status_code == 404
    answer = client.post(f"{api}lab/ingest/", json.dumps({"path": "a"}), content_type="application/json")
    assert answer.status_code == 404
    assert [place["name"] for place in client.get(api).json()["results"]] == ["mount"]


def test_the_api_lists_pages_and_takes_what_is_named(
    study: Study, lead: User, client_of, full: Path, store
) -> None:
    client = client_of(lead)
    api = f"/api/v1/studies/{study.slug}/"
    for number in range(5):
        store.put(f"many/{number}.jsonl", b"{}")
    address: str | None = f"{api}places/lab/?path=many&page_size=2"
    seen = []
    while address:
        answer = client.get(address).json()
        seen += [(entry["path"], entry["kind"], entry["size"]) for entry in answer["results"]]
        address = answer["next"]
    assert seen == [(f"many/{number}.jsonl", "file", 2) for number in range(5)]

    def post(data) -> tuple[int, dict]:
        answer = client.post(f"{api}places/lab/ingest/", json.dumps(data), content_type="application/json")
        return answer.status_code, answer.json()

    status, fetch = post({"path": "care/a.jsonl", "model": "m"})
    assert (status, fetch["state"], fetch["options"]) == (202, "queued", {"model": "m"})
    assert post({"path": "care/a.jsonl"})[0] == 409
    for wrong in (
        {},
        {"path": 5},
        {"path": "../a"},
        {"path": "a", "kind": "x"},
        {"path": "a", "role": "x"},
        [],
    ):
        assert post(wrong)[0] == 422, wrong
    fetching.advance(fetch["id"])
    answer = client.get(f"{api}fetches/{fetch['id']}/").json()
    assert (answer["state"], answer["progress"]["bytes_done"]) == ("done", len(CONTENT))
    assert client.get(f"{api}ingests/{answer['ingest']}/").status_code == 200
    assert [each["id"] for each in client.get(f"{api}fetches/").json()["results"]] == [fetch["id"]]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("path=..", 400, "bad_path"),
        ("path=/etc", 400, "bad_path"),
        ("path=%00", 400, "bad_path"),
        ("path=nowhere", 404, "missing"),
        ("path=link", 404, "missing"),
        ("cursor=%C3%A9", 400, "bad_cursor"),
        ("page_size=0", 400, "parse_error"),
        ("unknown=1", 400, "parse_error"),
    ],
)
def test_what_cannot_be_listed_is_said_in_the_shape_of_the_api(
    study: Study, lead: User, client_of, full: Path, query: str, status: int, code: str
) -> None:
    answer = client_of(lead).get(f"/api/v1/studies/{study.slug}/places/mount/?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert str(full) not in answer.content.decode()


def test_a_store_that_is_away_is_a_sentence_not_a_fault_of_ours(
    study: Study, lead: User, client_of, full: Path, settings, store
) -> None:
    gone = store.address(endpoint="http://127.0.0.1:1")
    settings.AFDASH_PLACES["lab"] = replace(settings.AFDASH_PLACES["lab"], address=gone)
    client = client_of(lead)
    page = client.get(reverse("place_detail", args=[study.slug, "lab"]))
    assert page.status_code == 503
    assert "cannot be reached" in page.content.decode()
    answer = client.get(f"/api/v1/studies/{study.slug}/places/lab/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unreachable")
    assert "127.0.0.1" not in answer.content.decode()

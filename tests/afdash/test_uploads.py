"""What a request may bring: files to the two addresses that take them, and nothing larger than agreed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from afdash import uploads
from afdash.accounts.models import User
from tests import make
from transcripts.models import Source, Study

pytestmark = pytest.mark.django_db
MB = 1 << 20


def file(size: int = 10) -> SimpleUploadedFile:
    return SimpleUploadedFile("runs.jsonl", b"x" * size)


def browser(user: User | None = None) -> tuple[Client, dict[str, str]]:
    """A browser whose CSRF token is checked, and the field of a form that carries the token."""
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user)
    token = "t" * 32
    client.cookies[configured.CSRF_COOKIE_NAME] = token
    return client, {"csrfmiddlewaretoken": token}


@pytest.fixture
def spooled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files for which room on the disk was taken."""
    names: list[str] = []
    room = uploads.SpooledUpload.__init__

    def noted(self: uploads.SpooledUpload, name: str, *rest: object) -> None:
        names.append(name)
        room(self, name, *rest)

    monkeypatch.setattr(uploads.SpooledUpload, "__init__", noted)
    return names


def test_uploads_are_kept_in_a_private_folder_beside_the_data() -> None:
    folder = Path(configured.FILE_UPLOAD_TEMP_DIR)
    assert folder.parent == configured.AFDASH_DATA_DIR
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_taken_file_leaves_nothing_behind(study: Study, lead: User, client_of, spooled: list[str]) -> None:
    answer = client_of(lead).post(reverse("ingest_list", args=[study.slug]), {"file": file()})
    assert answer.status_code == 302
    assert spooled == ["runs.jsonl"]
    assert list(Path(configured.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_an_oversized_upload_is_refused_before_it_is_read(
    study: Study, lead: User, client_of, settings, spooled: list[str]
) -> None:
    settings.AFDASH_MAX_UPLOAD = 2 * MB
    page = reverse("ingest_list", args=[study.slug])
    answer = client_of(lead).post(page, {"file": file(4 * MB)})
    assert answer.status_code == 413
    assert "at most 2 MB" in answer.content.decode()
    assert not spooled
    assert client_of(lead).post(page, {"file": file(2 * MB)}).status_code == 302


def test_an_oversized_upload_to_the_api_gets_the_apis_error(
    study: Study, lead: User, client_of, settings, spooled: list[str]
) -> None:
    settings.AFDASH_MAX_UPLOAD = 2 * MB
    address = reverse("api_ingests", args=[study.slug])
    with_token = Client(headers={"Authorization": f"Token {make.token(lead)}"})
    in_a_browser, field = browser(lead)
    for client in (with_token, client_of(lead), in_a_browser):
        answer = client.post(address, {**field, "file": file(4 * MB)})
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"
        assert "at most 2 MB" in answer.json()["error"]["message"]
    assert not spooled
    assert with_token.post(address, {"file": file(2 * MB)}).status_code == 202
    assert in_a_browser.post(address, {**field, "file": file()}).status_code == 202


def test_no_other_address_takes_a_file(study: Study, lead: User, client_of, spooled: list[str]) -> None:
    for address in (reverse("login"), reverse("tokens"), reverse("round_new", args=[study.slug])):
        for user in (None, lead):
            client, field = browser(user)
            answer = client.post(address, {**field, "file": file()})
            assert answer.status_code == 413, address
            assert "takes no files" in answer.content.decode()
    client, field = browser(lead)
    assert client.post("/nowhere/", {**field, "file": file()}).status_code == 404
    answer = client.post(reverse("api_rounds", args=[study.slug]), {**field, "file": file()})
    assert answer.status_code == 415, "of the API only this one address reads forms at all"
    assert not spooled


def test_a_form_without_files_is_still_read(lead: User, client_of) -> None:
    answer = client_of(lead).post(reverse("tokens"), {"name": "mine", "scopes": ["read"], "days": "7"})
    assert answer.status_code == 200
    assert "afd_" in answer.content.decode()


def test_a_file_of_who_is_not_signed_in_is_not_kept(study: Study, spooled: list[str]) -> None:
    page, api = (reverse(name, args=[study.slug]) for name in ("ingest_list", "api_ingests"))
    answer = Client().post(page, {"arm": "paid", "file": file(3 * MB)})
    assert answer.status_code == 302
    assert reverse("login") in answer.headers["Location"]
    client, field = browser()
    assert client.post(page, {**field, "file": file()}).status_code == 302
    assert client.post(page, {"file": file()}).status_code == 403
    assert Client().post(api, {"file": file()}).status_code == 401
    dead = Client(headers={"Authorization": "Token afd_" + "x" * 43})
    assert dead.post(api, {"file": file()}).status_code == 401
    assert not spooled
    assert not Source.objects.exists()


def test_a_json_body_has_a_largest_size(study: Study, annotator: User, client_of, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    address = reverse("api_annotations", args=[study.slug])
    with_token = Client(headers={"Authorization": f"Token {make.token(annotator)}"})
    for client in (with_token, client_of(annotator)):
        body = b'{"x": "' + b"x" * 990 + b'"}'
        assert len(body) == 999
        assert client.post(address, body, content_type="application/json").status_code == 422
        answer = client.post(address, body + b"  ", content_type="application/json")
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "too_large"


def test_a_form_that_is_too_long_gets_a_sentence(lead: User, client_of, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = client_of(lead).post(reverse("tokens"), {"name": "x" * 2000})
    assert answer.status_code == 413
    assert "DATA_UPLOAD" not in answer.content.decode()

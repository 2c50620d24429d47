"""Signing in and out, tokens, first people."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from afdash.accounts.models import ApiToken, User
from tests import make
from transcripts.models import Membership, Study

pytestmark = pytest.mark.django_db


def sign_in(client: Client, username: str, password: str, to: str = ""):
    return client.post(
        reverse("login") + (f"?next={to}" if to else ""),
        {"username": username, "password": password, "next": to},
    )


def test_signing_in_and_out() -> None:
    make.user("anna")
    client = Client()
    assert sign_in(client, "anna", "wrong").status_code == 200
    assert client.get(reverse("tokens")).status_code == 302
    answer = sign_in(client, "anna", make.PASSWORD)
    assert answer.headers["Location"] == "/"
    before = client.session.session_key
    assert client.get(reverse("tokens")).status_code == 200
    answer = client.post(reverse("logout"))
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert client.get(reverse("tokens")).status_code == 302
    assert client.session.session_key != before


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(to: str) -> None:
    make.user("anna")
    answer = sign_in(Client(), "anna", make.PASSWORD, to)
    assert answer.headers["Location"] == "/"


def test_the_same_words_for_a_wrong_name_and_a_wrong_password() -> None:
    make.user("anna")

    def words(username: str) -> str:
        page = sign_in(Client(), username, "wrong").content.decode()
        return re.sub(r'value="[^"]*"|"x-csrftoken": "[^"]*"|&quot;[^&]*&quot;', "", page)

    assert words("anna") == words("nobody")


def test_there_is_no_way_to_register() -> None:
    for path in ("/accounts/register/", "/accounts/signup/", "/admin/"):
        assert Client().get(path).status_code in (302, 404)
        assert User.objects.count() == 0


def test_an_unknown_address_says_nothing_of_itself(client_of) -> None:
    answer = client_of(make.user("anna")).get("/studies/x/<script>alert(1)</script>/")
    assert answer.status_code == 404
    assert b"<script>alert" not in answer.content


def test_a_token_is_shown_once_and_kept_as_a_hash(client_of) -> None:
    anna = make.user("anna")
    client = client_of(anna)
    page = client.post(
        reverse("tokens"), {"name": "my script", "scopes": ["read"], "days": "7"}
    ).content.decode()
    key = re.search(r"afd_[\w-]{40,}", page)[0]
    token = ApiToken.objects.get()
    assert token.scopes == ["read"]
    assert key.encode() not in bytes(token.digest)
    assert key not in client.get(reverse("tokens")).content.decode()
    api = Client(headers={"Authorization": f"Token {key}"})
    assert api.get("/api/v1/studies/").status_code == 200
    client.post(reverse("token_revoke", args=[token.pk]))
    assert api.get("/api/v1/studies/").status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "x", "scopes": ["everything"], "days": "7"},
        {"name": "x", "scopes": ["read"], "days": "99999"},
    ],
)
def test_a_bad_token_form_makes_no_token(client_of, form: dict) -> None:
    answer = client_of(make.user("anna")).post(reverse("tokens"), form)
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_an_htmx_request_of_who_is_signed_out_is_not_answered_with_the_sign_in_page() -> None:
    answer = Client().get(reverse("tokens"), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert b"<form" not in answer.content


def test_the_first_admin_comes_from_the_shell() -> None:
    out = io.StringIO()
    call_command("create_admin", "ada", "--generate", stdout=out)
    password = re.search(r"Password: (\S+)", out.getvalue())[1]
    ada = User.objects.get()
    assert ada.is_superuser
    assert ada.check_password(password)
    assert ada.password.startswith("argon2")
    with pytest.raises(CommandError, match="already"):
        call_command("create_admin", "ada", "--generate")


def test_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("password\n"))
    with pytest.raises(CommandError, match="too"):
        call_command("create_admin", "ada")
    assert not User.objects.exists()


def test_a_member_is_added_from_the_shell(study: Study) -> None:
    out = io.StringIO()
    call_command("add_member", "lena", "--study", study.slug, "--role", "lead", stdout=out)
    assert "Password" in out.getvalue()
    call_command("add_member", "lena", "--study", study.slug, "--role", "viewer", stdout=out)
    assert Membership.objects.get().role == "viewer"
    with pytest.raises(CommandError, match="no study"):
        call_command("add_member", "lena", "--study", "nope", "--role", "lead")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"task": NaN}', "NaN"),
        (b'{"a": "\\ud800"}', "half an emoji"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b"[" * 5000 + b"]" * 5000, "too deep"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "cut"),
    ],
)
def test_hostile_json_is_a_400_with_a_sentence(annotator: User, study: Study, body: bytes, kind: str) -> None:
    client = Client(headers={"Authorization": f"Token {make.token(annotator)}"})
    answer = client.post(f"/api/v1/studies/{study.slug}/annotations/", body, content_type="application/json")
    assert answer.status_code == 400, kind
    assert answer.json()["error"]["message"]

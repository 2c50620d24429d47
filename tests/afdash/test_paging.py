"""A cursor comes from the address: whatever it holds, it is a page or a refusal, never a fault of ours."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from django.urls import reverse

from afdash.accounts.models import User
from afdash.paging import BadCursor, Order, page_of
from transcripts.models import Study

pytestmark = pytest.mark.django_db


def cursor(order: str, *values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order, "next", list(values)])).rstrip(b"=").decode()


def raw(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode()


HOSTILE = [
    ("slug", cursor("slug", "a\x00b")),
    ("id", cursor("id", 2**63)),
    ("id", raw(b'["id","next",[18446744073709551616]]')),
    ("id", raw(b'["id","next",[-19223372036854775809]]')),
    ("id", raw(b'["id","next",[1e308]]')),
    ("id", cursor("id", "x")),
    ("id", cursor("id", "9" * 5000)),
    ("id", cursor("id", None)),
    ("id", cursor("id", True)),
    ("id", cursor("id", [1])),
    ("created_at", cursor("created_at", "yesterday")),
    ("id", raw(b"\xff")),
    ("id", raw(b'{"a": 1}')),
    ("id", raw(b"7")),
    ("id", "\x00"),
    ("id", "é"),
]


@pytest.mark.parametrize(("column", "hostile"), HOSTILE)
def test_a_hostile_cursor_is_refused(column: str, hostile: str) -> None:
    with pytest.raises(BadCursor):
        page_of(Study.objects.all(), Order(column, (column,)), hostile)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_every_number_that_a_row_can_have_is_taken(value: int) -> None:
    page_of(Study.objects.all(), Order("id", ("id",)), cursor("id", value))


@pytest.mark.parametrize("hostile", ["x", cursor("newest", 2**64 - 1), cursor("slug", "a")])
def test_the_ingests_page_says_that_its_address_is_old(
    study: Study, lead: User, client_of, hostile: str
) -> None:
    answer = client_of(lead).get(reverse("ingest_list", args=[study.slug]), {"cursor": hostile})
    assert answer.status_code == 400
    assert "start again from the first page" in answer.content.decode()


def test_a_nul_in_the_apis_cursor_is_a_400(study: Study, lead: User, client_of) -> None:
    answer = client_of(lead).get(reverse("api_studies"), {"cursor": cursor("slug", "a\x00")})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_cursor"

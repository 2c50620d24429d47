"""The application's role owns nothing, and the check that says so can tell when that is not so."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from afdash import grants
from tests import servers


@pytest.mark.django_db
def test_the_applications_role_holds_what_it_should_and_no_more() -> None:
    assert grants.are_held_by("afdash_app")
    assert grants.owned_by("afdash_app") == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("afdash_app",), "the tests themselves run as that role"


@pytest.mark.django_db
def test_the_owner_does_not_pass_for_the_applications_role() -> None:
    assert not grants.are_held_by("afdash_owner")
    assert len(grants.owned_by("afdash_owner")) > 10


CHANGES = [
    ("a right too many", "GRANT UPDATE ON {} TO afdash_app"),
    ("a trigger switched off", "ALTER TABLE {} DISABLE TRIGGER append_only"),
]


@pytest.mark.parametrize("change", [case[1] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_a_hole_is_seen(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(servers.SERVERS.superuser_url) as superuser:
        superuser.execute(change.format("annotations_annotationrevision"))
        monkeypatch.setattr(grants, "connection", superuser)
        try:
            assert not grants.are_held_by("afdash_app")
        finally:
            superuser.rollback()

"""The application's role owns nothing, and the check that says so can tell when that is not so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from afdash import grants
from afdash.embedded.postgres import APP, OWNER
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


SPARE = "afdash_grants"


@pytest.fixture
def spare_database() -> Iterator[psycopg.Connection]:
    """An empty database of its own, and a superuser's connection to it."""
    postgres = servers.SERVERS.postgres
    postgres.ensure_database(SPARE)
    with psycopg.connect(postgres.superuser_url(SPARE), autocommit=True) as superuser:
        yield superuser
    with psycopg.connect(postgres.superuser_url("postgres"), autocommit=True) as superuser:
        superuser.execute(f"DROP DATABASE {SPARE} WITH (FORCE)")


def migrate(role: str) -> subprocess.CompletedProcess[str]:
    """Migrate the spare database, with ``role`` named as the application's."""
    postgres = servers.SERVERS.postgres
    addresses = {
        "DATABASE_URL": postgres.url(role, SPARE),
        "DATABASE_OWNER_URL": postgres.url(OWNER, SPARE),
    }
    return subprocess.run(
        [sys.executable, "manage.py", "migrate_and_grant"],
        cwd=servers.ROOT,
        env={**os.environ, **servers.SERVERS.environment, **addresses},
        capture_output=True,
        text=True,
    )


def state_of(superuser: psycopg.Connection) -> list[tuple]:
    """Every table with its rights."""
    return superuser.execute(
        "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "UNION SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = 'public' ORDER BY 1"
    ).fetchall()


def test_one_role_for_both_is_refused_before_anything_is_changed(spare_database: psycopg.Connection) -> None:
    before = state_of(spare_database)
    done = migrate(OWNER)
    assert done.returncode == 1
    assert "Give DATABASE_URL another role than DATABASE_OWNER_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert state_of(spare_database) == before


def test_a_role_that_owns_a_table_is_refused_before_anything_is_changed(
    spare_database: psycopg.Connection,
) -> None:
    spare_database.execute(f"CREATE TABLE kept (id int); ALTER TABLE kept OWNER TO {APP}")
    before = state_of(spare_database)
    done = migrate(APP)
    assert done.returncode == 1
    assert "kept" in done.stderr
    assert state_of(spare_database) == before

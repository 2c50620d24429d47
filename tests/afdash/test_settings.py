"""What the connections to the database are told."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.conf import settings as configured

from afdash import settings


def shown(name: str, as_owner: bool) -> str:
    database: dict[str, Any] = settings.database(configured.DATABASE_URL, as_owner=as_owner)
    with psycopg.connect(configured.DATABASE_URL, options=database["OPTIONS"]["options"]) as connection:
        return connection.execute(f"SHOW {name}").fetchone()[0]


@pytest.mark.parametrize(("as_owner", "longest"), [(False, "1min"), (True, "0")])
def test_only_a_migration_may_take_its_time(as_owner: bool, longest: str) -> None:
    assert shown("statement_timeout", as_owner) == longest
    assert shown("lock_timeout", as_owner) == "3s", "a migration that waits for a lock holds everyone up"

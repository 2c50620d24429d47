"""Retrying a whole transaction, decided by SQLSTATE.

Django's exception classes cannot tell a deadlock from a row too big for an index: both are
``OperationalError``. The code that PostgreSQL sent can.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction

T = TypeVar("T")

# serialization failure, deadlock, lock not available, admin shutdown, crash shutdown, cannot connect
# now, too many connections, idle in a transaction for too long; class 08 is "connection exception".
TRANSIENT = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "25P03"}
# Waiting may cure these, repeating at once does not: disk full, read-only standby.
PAUSE = {"53100", "25006"}


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a Django or psycopg database error, or "" if it has none."""
    cause = error.__cause__ or error
    return getattr(cause, "sqlstate", None) or getattr(getattr(cause, "diag", None), "sqlstate", None) or ""


def is_transient(error: BaseException) -> bool:
    state = sqlstate(error)
    if state in TRANSIENT or state.startswith("08"):
        return True
    # A connection that died under us carries no code.
    return state == "" and isinstance(error, DatabaseError | InterfaceError) and _connection_is_gone()


def _connection_is_gone() -> bool:
    raw = connection.connection
    return raw is None or raw.closed or raw.broken


def in_transaction(work: Callable[[], T], *, attempts: int = 5) -> T:
    """Run ``work`` in a transaction of its own; if it meets a transient error, run it all again.

    ``work`` must have no effect outside the database. Not for use inside another transaction.
    """
    for attempt in range(1, attempts + 1):
        try:
            with transaction.atomic():
                return work()
        except (DatabaseError, InterfaceError) as error:
            if attempt == attempts or connection.in_atomic_block or not is_transient(error):
                raise
            close_old_connections()
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable")

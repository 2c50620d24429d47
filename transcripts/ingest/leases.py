"""Keeping the lease of a step that takes long between two commits: a huge record, a far place to go on from."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection

from transcripts.ingest.queue import LEASE_SECONDS, Step, renew

logger = logging.getLogger(__name__)

# Whoever has committed nothing for this long is taken for stuck, and another worker may try.
MAX_SILENCE_SECONDS = 900


@contextlib.contextmanager
def kept(step: Step) -> Iterator[None]:
    """Renew the lease of ``step`` from a thread until the block ends.

    A frozen process renews nothing, and neither does one in which a library holds the interpreter;
    the fence holds in any case. Short steps never open the thread's connection.
    """
    over = threading.Event()

    def keep() -> None:
        started = time.monotonic()
        while not over.wait(LEASE_SECONDS / 3) and time.monotonic() - started < MAX_SILENCE_SECONDS:
            try:
                renew(step)
            except (DatabaseError, InterfaceError):
                # The next time may be better: no connection was free, or the database restarts.
                logger.warning("the lease of %s of ingest %s was not renewed", step.kind, step.ingest_id)
                connection.close()
        connection.close()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(LEASE_SECONDS)  # it may hang on a connection that leads nowhere; the lease is short

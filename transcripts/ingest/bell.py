"""Waking workers by a message, without ever waiting long for the broker.

The row is queued, which is what counts: whatever is not heard here costs the seconds until the next sweep.
"""

from __future__ import annotations

import logging
import threading
import time

from celery import current_app

logger = logging.getLogger(__name__)

WAIT_SECONDS = 1.0  # Redis answers in a millisecond, or hangs; a page must not hang with it
QUIET_SECONDS = 5.0  # then nobody tries: of fifty uploaded files, not each may wait

_quiet_until = 0.0


def ring(ingest_id: int, times: int = 1) -> None:
    """Wake workers for this ingest. Losing this message costs seconds: the sweep rings again."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    rung = threading.Event()
    # No timeout of the client library's covers all that it does: it connects, tries again, waits, sends.
    sender = threading.Thread(target=_send, args=(ingest_id, times, rung), daemon=True)
    sender.start()
    sender.join(WAIT_SECONDS)
    if not rung.is_set():
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("could not wake a worker for ingest %s; the sweep will", ingest_id)


def _send(ingest_id: int, times: int, rung: threading.Event) -> None:
    try:
        for _ in range(times):
            # By name: the tasks import this package.
            current_app.send_task("transcripts.advance_ingest", (ingest_id,), queue="ingest", retry=False)
    except Exception as error:  # any broker trouble
        logger.info("the broker took no message: %s", type(error).__name__)
    else:
        rung.set()

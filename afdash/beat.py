"""The beat that a worker runs beside its pool (``--beat``). Celery starts it once; here it is started again."""

from __future__ import annotations

import logging
from typing import Any

from afdash import stopping

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0


def keep_alive(sender: Any, **_: object) -> None:
    """Look after the beat of the worker whose consumer this is: without it, what no message tells of lies for ever."""
    if sender.controller.beat is not None:
        sender.timer.call_repeatedly(LOOK_SECONDS, _restart_if_dead, (sender.controller,))


def _restart_if_dead(worker: Any) -> None:
    # A worker that stops ends its beat itself: one more would outlive it.
    if stopping.is_asked() or worker.beat.is_alive():
        return
    logger.error("the beat has ended (%s) and is started again", worker.beat.exitcode)
    for step in worker.steps:
        if step.obj is worker.beat:
            step.obj = step.create(worker)  # this makes it the worker's beat, too
            step.obj.start()
            return

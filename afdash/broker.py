"""Redis as Celery's broker, made to bear what Celery leaves to chance: long outages and damaged messages."""

from __future__ import annotations

import logging
from queue import Empty
from typing import Any

import kombu
from celery.app.amqp import AMQP
from kombu.transport import TRANSPORT_ALIASES, redis

logger = logging.getLogger(__name__)

# Celery waits two seconds longer after each attempt, up to thirty: after a long outage, work would
# lie for half a minute beside an idle worker.
PATIENCE = {"interval_start": 1, "interval_step": 1, "interval_max": 3}


class Connection(kombu.Connection):
    def ensure_connection(self, *args: Any, **kwargs: Any) -> kombu.Connection:
        return super().ensure_connection(*args, **{**PATIENCE, **kwargs})


class Broker(AMQP):
    Connection = Connection


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except (ValueError, LookupError, TypeError, AttributeError):
            # Else the worker would end. The message is off the queue already, and the rows are the queue.
            logger.exception("a message that is none of ours was dropped from the queue")
            raise Empty from None


class Transport(redis.Transport):
    Channel = Channel


# Also for addresses of unix sockets, whose scheme ("redis+socket") names the transport.
TRANSPORT_ALIASES["redis"] = TRANSPORT_ALIASES["rediss"] = f"{__name__}:Transport"

"""The brake on guessing passwords: failed sign-ins are counted in Redis, by name and address.

Counts belong to where the attempts come from, so nobody can lock another person out from elsewhere. Unknown
names count as known ones do. Keys are hashes: Redis holds no list of who signs in from where.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import unicodedata
from functools import lru_cache

import redis
from django.conf import settings
from django.http import HttpRequest
from redis.backoff import NoBackoff
from redis.retry import Retry

from afdash.embedded.redis import client_url

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60
FAILURES_OF_A_NAME = 10  # at one address
FAILURES_OF_AN_ADDRESS = 100  # a whole institute may share one
PATIENCE_SECONDS = 0.3
PREFIX = "signin:"

# An attempt counts as failed until it succeeds: of a hundred guesses at once, none slips in uncounted.
# Scripts, because a count without an end would lock somebody out for good.
_BEGIN = """
for i = 1, 2 do
  if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[i]) then
    return math.max(1, redis.call('TTL', KEYS[i]))
  end
end
for i = 1, 2 do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('EXPIRE', KEYS[i], ARGV[3]) end
end
return 0
"""
# The address gets back this one attempt only: an account of one's own must not pay for guessing at others'.
_SUCCEED = """
redis.call('DEL', KEYS[1])
if tonumber(redis.call('GET', KEYS[2]) or '0') > 0 then redis.call('DECR', KEYS[2]) end
"""


def begin(request: HttpRequest, username: str) -> int:
    """Count an attempt to sign in. Returns 0, or for how many seconds no further attempt is taken."""
    limits = (FAILURES_OF_A_NAME, FAILURES_OF_AN_ADDRESS, WINDOW_SECONDS)
    return _run(_BEGIN, keys_of(username, address_of(request)), *limits)


def succeed(request: HttpRequest, username: str) -> None:
    """The attempt that was begun was no failure: forget those of this name at this address."""
    _run(_SUCCEED, keys_of(username, address_of(request)))


def address_of(request: HttpRequest) -> str:
    """Where a request comes from. What a visitor claims of that counts only where our own proxy says it."""
    if settings.AFDASH_BEHIND_PROXY:
        hop = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if hop:
            return hop
    return str(request.META.get("REMOTE_ADDR", ""))


def network(address: str) -> str:
    """What one visitor has for themselves: an IPv4 address, or the /64 that comes with IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)


def keys_of(username: str, address: str) -> tuple[str, str]:
    """The keys of the name at the address, and of the address alone."""
    place = network(address)
    # As the sign-in form reads names, or each spelling of one name would have guesses of its own.
    name = unicodedata.normalize("NFKC", username.strip())
    return _key("name", place, name), _key("address", place)


def _key(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return PREFIX + hashlib.sha256(text).hexdigest()


@lru_cache(maxsize=4)
def client(address: str) -> redis.Redis:
    """Waits a moment and never asks twice: without Redis, signing in must not take long."""
    return redis.Redis.from_url(
        client_url(address, 1),
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class _Outage:
    told = False


def _run(script: str, keys: tuple[str, str], *arguments: int) -> int:
    try:
        result = client(settings.REDIS_URL).eval(script, len(keys), *keys, *arguments)
    except redis.RedisError as error:
        # No brake is better than a locked door: passwords are long, and hashing them is slow.
        if not _Outage.told:
            logger.warning("Redis is away, so failed sign-ins are not counted: %s", error)
        _Outage.told = True
        return 0
    _Outage.told = False
    return int(result or 0)

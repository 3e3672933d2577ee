"""How often one client may call, and one token or grant: fixed windows, counted in Redis where there is one.

Flask-Limiter sits on whole applications and reads their configuration, so that a mounted blueprint
would change its host; this uses the library below it.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from dataclasses import dataclass
from functools import lru_cache

from flask import g
from limits import parse
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from embedkit.settings import Secret, Settings
from embedkit.web.credentials import digest
from embedkit.web.problems import Refused

log = logging.getLogger("embedkit.web")

REDIS = ("redis://", "rediss://")
REST = 10.0  # seconds without Redis after it failed: each try may take the time limit below
WAIT = 0.2  # seconds for one call to Redis, as for the cache


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one client has left: ``reset`` is in seconds from now."""

    allowed: bool
    limit: int
    left: int
    reset: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What a client is told of it."""
        return [
            ("RateLimit-Limit", str(self.limit)),
            ("RateLimit-Remaining", str(self.left)),
            ("RateLimit-Reset", str(self.reset)),
        ]


class Throttle:
    """Counts calls, by client and by credential. Without Redis, or while it fails, each process for itself."""

    def __init__(self, settings: Settings) -> None:
        self._rate = parse(settings.rate_limit)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        shared = settings.cache.startswith(REDIS)
        self._shared = FixedWindowRateLimiter(_redis(settings.cache)) if shared else None
        self._bypassed_until = 0.0

    def take(self, client: str) -> Allowance:
        """Count one call from this address."""
        return self._count(network(client))

    def take_with(self, credential: Secret) -> Allowance:
        """Count one call made with this token or grant, from wherever: the quota of the key is one for all."""
        return self._count(f"credential:{digest(credential).hex()}")

    def _count(self, key: str) -> Allowance:
        if self._shared is not None and time.monotonic() >= self._bypassed_until:
            try:
                return self._take(self._shared, key)
            except Exception as error:
                log.warning("rate limits are counted in this process: %s", type(error).__name__)
                self._bypassed_until = time.monotonic() + REST
        return self._take(self._own, key)

    def _take(self, counter: FixedWindowRateLimiter, key: str) -> Allowance:
        allowed = counter.hit(self._rate, "embedkit", key)
        window = counter.get_window_stats(self._rate, "embedkit", key)
        reset = max(1, int(window.reset_time - time.time() + 0.999))
        return Allowance(allowed, self._rate.amount, window.remaining, reset)


def count(credential: Secret) -> None:
    """Count the current request against the token or grant that opened it, too.

    :raises Refused: where it is one too many.
    """
    throttle: Throttle = g.embedkit_throttle
    allow(throttle.take_with(credential), "with this token or grant")


def allow(allowance: Allowance, whence: str) -> None:
    """Refuse one call too many; the tightest of the allowances is the one that a client is told."""
    told: Allowance | None = g.get("embedkit_allowance")
    if told is None or not allowance.allowed or allowance.left < told.left:
        g.embedkit_allowance = allowance
    if not allowance.allowed:
        detail = f"More than {allowance.limit} requests came {whence}. Wait {allowance.reset} seconds."
        raise Refused("throttled", detail, headers={"Retry-After": str(allowance.reset)})


@lru_cache(maxsize=4096)
def network(client: str) -> str:
    """Whom to count: an IPv4 address, or the /64 that one IPv6 household has to choose addresses from."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _redis(url: str) -> Storage:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return RedisStorage(
        url,
        key_prefix="embedkit-limit",
        socket_timeout=WAIT,
        socket_connect_timeout=WAIT,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to redis-py
    )

"""Rate limits by client, token and grant, in fixed windows that are counted in Redis if it is configured.

Two things are counted: requests (RATE_LIMIT), and pictures that have to be fetched from Getty Images, either by
client (COLD_LIMIT) or, for callers that send one of TOKENS, by token (TOKEN_COLD_LIMIT).

Flask-Limiter applies to whole applications and reads their configuration, so a mounted blueprint would affect its
host. This module uses the underlying library, ``limits``, instead. The library's memory storage starts a thread
every few hits; :class:`MemoryCounts` evicts old windows when it needs the space.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from flask import Response, g, request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage

from embedkit.cache.stores.base import STORE_TIMEOUT_S
from embedkit.cache.stores.factory import scheme_of
from embedkit.errors import EmbedKitError, Unavailable
from embedkit.models import EmbedKey
from embedkit.process import lazy_logger
from embedkit.settings import Secret, Settings
from embedkit.web.auth import bearer_credential, digest, is_one_of
from embedkit.web.bulkhead import take_place
from embedkit.web.errors import Refused, from_error
from embedkit.web.response import RATE_LIMIT

log = lazy_logger("embedkit.web")

REDIS_PAUSE_S = 10.0  # after Redis fails, since each attempt can take STORE_TIMEOUT_S
MAX_WINDOWS = 65_536  # in memory, about 300 bytes each; more clients than that at once are an attack
MAX_CLIENTS = 4_096  # whose networks are cached
COUNTED = "embedkit.counted"  # in the environment of a request: its rate limit, if it was already counted
SITE_FACTOR = 10  # the limit of an IPv6 /48, which can belong to a single customer, in clients
# IPv4 addresses in IPv6: mapped, or translated by the network (RFC 4291, 2.5.5.2; RFC 6052, 2.1; RFC 7915)
IPV4_IN_IPV6 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))

Keys = tuple[tuple[str, int], ...]
"""The keys to count under, and for each the number of clients it stands for."""


class MemoryCounts:
    """Counts hits in fixed windows, by key, in the memory of a process. Thread-safe.

    :param clock: returns seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}  # the count so far, and the end of the window

    def hit(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        """Add to the count, and return the total in this window and the end of the window.

        :param seconds: the length of a window, which starts with its first hit.
        """
        with self._lock:
            now = self._clock()
            used, end = self._windows.get(key, (0, 0.0))
            if not now < end <= now + seconds:  # over, or too long because the clock was set back
                used, end = 0, now + seconds
                self._windows.pop(key, None)  # so that the new window is added at the end
                self._make_room(now)
            self._windows[key] = window = used + amount, end
            return window

    def _make_room(self, now: float) -> None:
        """Drop expired windows, and the oldest quarter if that is not enough."""
        if len(self._windows) < MAX_WINDOWS:
            return
        running = [(key, window) for key, window in self._windows.items() if window[1] > now]
        self._windows = dict(running[-MAX_WINDOWS * 3 // 4 :])


class RedisCounts:
    """Counts hits in Redis, shared by all processes and machines.

    :param url: the URL of a Redis server; ``unix://`` for a socket.
    """

    def __init__(self, url: str) -> None:
        from embedkit.cache.stores.remote import redis_client

        pool = redis_client(url, STORE_TIMEOUT_S).connection_pool
        self._storage = RedisStorage(url, connection_pool=pool, key_prefix="embedkit-limit")

    def hit(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        return self._storage.incr(key, seconds, amount), self._storage.get_expiry(key)


class RateLimit(NamedTuple):
    """What a client has left of a limit, as sent in the headers RateLimit-*.

    ``granted`` is the number of hits allowed; ``allowed`` is True if that is all of them. ``reset`` is in seconds
    from now. ``whom`` is what the limit applies to.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int
    granted: int = 0
    whom: str = "your IP address"

    @property
    def headers(self) -> list[tuple[str, str]]:
        return list(zip(RATE_LIMIT, map(str, (self.limit, self.remaining, self.reset)), strict=True))


class RateLimiter:
    """Counts requests by client and by credential; per process without Redis, or while Redis is down."""

    def __init__(self, settings: Settings) -> None:
        self._rate = parse(settings.rate_limit)
        self._cold_rate = parse(settings.cold_limit)
        self._token_cold_rate = parse(settings.token_cold_limit)
        self._tokens = settings.tokens
        self._own = MemoryCounts()
        self._shared = RedisCounts(settings.cache) if scheme_of(settings.cache).redis else None
        self._bypassed_until = 0.0
        self._limits = lru_cache(MAX_CLIENTS)(lambda client: _limits(self._rate, "embedkit", networks(client)))

    @property
    def is_local(self) -> bool:
        """True if requests are counted in this process alone, without waiting for a server."""
        return self._shared is None

    def hit(self, client: str) -> RateLimit:
        """Count a request from this IP address."""
        return self._hit(self._rate, self._limits(client))

    def hit_credential(self, credential: Secret) -> RateLimit:
        """Count a request with this token or grant from any address, because they all share the key's quota."""
        return self._hit(self._rate, _limits(self._rate, "embedkit", _of(credential)))

    def hit_cold(self, client: str, count: int, credential: Secret | None = None) -> RateLimit:
        """Count pictures that have to be fetched for this client. Only some of them might be granted.

        :param credential: if it is one of TOKENS, the pictures are counted for it, whatever the address.
        """
        rate, keys, whom = self._cold_rate, networks(client), "your IP address"
        if credential and is_one_of(credential, self._tokens):
            rate, keys, whom = self._token_cold_rate, _of(credential), "this token"
        return self._hit(rate, _limits(rate, "embedkit-cold", keys), count)._replace(whom=whom)

    def _hit(self, rate: RateLimitItem, limits: Keys, count: int = 1) -> RateLimit:
        if self._shared is not None and time.monotonic() >= self._bypassed_until:
            try:
                return _tightest(self._shared, rate, limits, count)
            except Exception as error:
                log.warning("Redis failed (%s): rate limits are counted per process", type(error).__name__)
                self._bypassed_until = time.monotonic() + REDIS_PAUSE_S
        return _tightest(self._own, rate, limits, count)


def _of(credential: Secret) -> Keys:
    return ((f"credential:{digest(credential).hex()}", 1),)


def _limits(rate: RateLimitItem, purpose: str, keys: Keys) -> Keys:
    """Return the key of each count, and its limit."""
    return tuple((rate.key_for(purpose, key), rate.amount * factor) for key, factor in keys)


def _tightest(counts: MemoryCounts | RedisCounts, rate: RateLimitItem, limits: Keys, count: int) -> RateLimit:
    """Count under each of these limits and return the tightest. Hits rejected by one aren't counted by others."""
    granted, found = count, []
    for name, limit in limits:
        used, end = counts.hit(name, rate.get_expiry(), granted)
        reset = max(1, int(end - time.time() + 0.999))
        granted = min(granted, max(0, limit - used + granted))
        found.append(RateLimit(granted == count, limit, max(0, limit - used), reset, granted))
        if not granted:
            break
    return found[0] if len(found) == 1 else min(reversed(found), key=lambda one: (one.granted, one.remaining))


def count_credential(credential: Secret) -> None:
    """Count the current request against the token or grant that it was sent with.

    :raises Refused: if it exceeds the limit.
    """
    limiter: RateLimiter = g.embedkit_limiter
    allow(limiter.hit_credential(credential), "with this token or grant")


def count_request(limiter: RateLimiter) -> None:
    """Count the current request by its IP address.

    :raises Refused: if it exceeds the limit.
    """
    g.embedkit_counted = True
    counted: RateLimit | None = request.environ.pop(COUNTED, None)
    allow(counted or limiter.hit(request.remote_addr or ""), "from your IP address")


def count_misses(limiter: RateLimiter, response: Response) -> Response:
    """Count 404 and 405 responses that no view has counted, so that guessing URLs is limited too."""
    if response.status_code not in (404, 405) or "embedkit_counted" in g:
        return response
    try:
        count_request(limiter)
    except Refused as error:
        response = from_error(error)
    return add_headers(response)


def add_headers(response: Response) -> Response:
    """Add the RateLimit-* headers."""
    rate_limit: RateLimit | None = g.pop("embedkit_rate_limit", None)
    if rate_limit is not None:
        response.headers.update(rate_limit.headers)
    return response


def admit_cold(pictures: Sequence[EmbedKey]) -> Mapping[EmbedKey, EmbedKitError]:
    """Count pictures that have to be fetched for the current client. Return errors for those over the limit."""
    try:
        take_place()
    except Unavailable as full:
        return dict.fromkeys(pictures, full)
    limiter: RateLimiter = g.embedkit_limiter
    rate_limit = limiter.hit_cold(request.remote_addr or "", len(pictures), bearer_credential())
    if rate_limit.allowed:
        return {}
    detail = f"More than {rate_limit.limit} pictures had to be fetched from Getty Images for {rate_limit.whom}."
    hint = f"Wait {rate_limit.reset} seconds."
    error = Refused("throttled", detail, hint=hint, retry_after=rate_limit.reset)
    return dict.fromkeys(pictures[rate_limit.granted :], error)


def allow(rate_limit: RateLimit, whence: str) -> None:
    """Reject the request if it exceeds the limit. The client is shown the tightest of its limits."""
    tightest: RateLimit | None = g.get("embedkit_rate_limit")
    if tightest is None or not rate_limit.allowed or rate_limit.remaining < tightest.remaining:
        g.embedkit_rate_limit = rate_limit
    if not rate_limit.allowed:
        detail = f"More than {rate_limit.limit} requests {whence}. Wait {rate_limit.reset} seconds."
        raise Refused("throttled", detail, headers={"Retry-After": str(rate_limit.reset)})


def networks(client: str) -> Keys:
    """Return the keys to count a client under: its network and, for IPv6, the site that contains it.

    A /48 contains 65,536 IPv6 networks, and can belong to a single customer.
    """
    near = network(client)
    if not near.endswith("/64"):
        return ((near, 1),)
    return (near, 1), (str(ipaddress.ip_network(near).supernet(new_prefix=48)), SITE_FACTOR)


def network(client: str) -> str:
    """Return the network of a client: an IPv4 address, or the /64 from which an IPv6 household takes addresses."""
    try:
        address = ipaddress.ip_address(_without_port(client).partition("%")[0])
    except ValueError:
        return "unknown"  # shared by all, so that made-up names don't evade the limit
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in one for one in IPV4_IN_IPV6):
            return str(ipaddress.IPv4Address(address.packed[-4:]))
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _without_port(client: str) -> str:
    """Remove the port that some proxies add: ``192.0.2.1:6123`` or ``[2001:db8::1]:6123`` (RFC 7239)."""
    if client.startswith("["):
        return client[1:].partition("]")[0]
    return client.partition(":")[0] if client.count(":") == 1 else client

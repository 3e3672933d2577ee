"""How often one client may call, and one token or grant: fixed windows, counted in Redis where there is one.

Two things are counted: requests (RATE_LIMIT), and pictures that have to be fetched from Getty: by client
(COLD_LIMIT), or by token for those who send one of TOKENS (TOKEN_COLD_LIMIT).

Flask-Limiter sits on whole applications and reads their configuration, so that a mounted blueprint would change
its host; this uses the library below it, ``limits``. Its storage in memory starts a thread for every few hits; in
:class:`MemoryCounts` an old window goes when its place is needed.
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

REDIS_PAUSE_S = 10.0  # without Redis after it failed: each try may take STORE_TIMEOUT_S
MAX_WINDOWS = 65_536  # in memory, some 300 bytes each: more clients than that at once are an attack
MAX_CLIENTS = 4_096  # whose networks are remembered
COUNTED = "embedkit.counted"  # in the environment of a request: its rate limit, where the call is counted already
SITE_FACTOR = 10  # clients' worth of calls for an IPv6 /48, which one customer of a provider may have whole
# IPv4 written as IPv6: mapped, or translated by the network in front (RFC 4291, 2.5.5.2; RFC 6052, 2.1; RFC 7915)
IPV4_IN_IPV6 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))

Keys = tuple[tuple[str, int], ...]
"""Whom to count, and for how many clients each of them may count."""


class MemoryCounts:
    """Counts hits in fixed windows, by key, in the memory of a process. Safe for threads.

    :param clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}  # how many so far, and when the window ends

    def hit(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        """Count so many more; how many that makes in this window, and when the window ends.

        :param seconds: for which a window lasts, from its first hit.
        """
        with self._lock:
            now = self._clock()
            used, end = self._windows.get(key, (0, 0.0))
            if not now < end <= now + seconds:  # over; or the clock was set back, and it would last for hours
                used, end = 0, now + seconds
                self._windows.pop(key, None)  # new windows stand at the end
                self._make_room(now)
            self._windows[key] = window = used + amount, end
            return window

    def _make_room(self, now: float) -> None:
        """Drop what is over; the oldest quarter where that is not enough."""
        if len(self._windows) < MAX_WINDOWS:
            return
        running = [(key, window) for key, window in self._windows.items() if window[1] > now]
        self._windows = dict(running[-MAX_WINDOWS * 3 // 4 :])


class RedisCounts:
    """The same counts, which all processes and machines share.

    :param url: of a Redis server; ``unix://`` names a socket.
    """

    def __init__(self, url: str) -> None:
        from embedkit.cache.stores.remote import redis_client

        pool = redis_client(url, STORE_TIMEOUT_S).connection_pool
        self._storage = RedisStorage(url, connection_pool=pool, key_prefix="embedkit-limit")

    def hit(self, key: str, seconds: int, amount: int = 1) -> tuple[int, float]:
        return self._storage.incr(key, seconds, amount), self._storage.get_expiry(key)


class RateLimit(NamedTuple):
    """What one client has left of a limit; sent to it in the headers RateLimit-*.

    ``granted`` is how many of the things asked for it may have; ``allowed`` tells whether these are all. ``reset``
    is in seconds from now; ``whom`` it is counted for.
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
    """Counts calls, by client and by credential. Without Redis, or while it fails, each process for itself."""

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
        """Whether calls are counted in this process alone, which keeps nobody waiting."""
        return self._shared is None

    def hit(self, client: str) -> RateLimit:
        """Count one call from this IP address."""
        return self._hit(self._rate, self._limits(client))

    def hit_credential(self, credential: Secret) -> RateLimit:
        """Count one call made with this token or grant, from wherever: the quota of the key is one for all."""
        return self._hit(self._rate, _limits(self._rate, "embedkit", _of(credential)))

    def hit_cold(self, client: str, count: int, credential: Secret | None = None) -> RateLimit:
        """Count pictures that have to be fetched for this client; some of them may be granted.

        :param credential: where it is one of TOKENS, they are counted for whoever sends it, from wherever.
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
                log.warning("rate limits are counted in this process: %s", type(error).__name__)
                self._bypassed_until = time.monotonic() + REDIS_PAUSE_S
        return _tightest(self._own, rate, limits, count)


def _of(credential: Secret) -> Keys:
    return ((f"credential:{digest(credential).hex()}", 1),)


def _limits(rate: RateLimitItem, purpose: str, keys: Keys) -> Keys:
    """The name of each count, and its limit."""
    return tuple((rate.key_for(purpose, key), rate.amount * factor) for key, factor in keys)


def _tightest(counts: MemoryCounts | RedisCounts, rate: RateLimitItem, limits: Keys, count: int) -> RateLimit:
    """Count under each of these limits; the tightest. What one of them refuses the next does not count."""
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
    """Count the current request against the token or grant that opened it, too.

    :raises Refused: where it is one too many.
    """
    limiter: RateLimiter = g.embedkit_limiter
    allow(limiter.hit_credential(credential), "with this token or grant")


def count_request(limiter: RateLimiter) -> None:
    """Count the current request by its IP address.

    :raises Refused: where it is one too many.
    """
    g.embedkit_counted = True
    counted: RateLimit | None = request.environ.pop(COUNTED, None)
    allow(counted or limiter.hit(request.remote_addr or ""), "from your IP address")


def count_misses(limiter: RateLimiter, response: Response) -> Response:
    """Count answers of 404 and 405 that no view has counted: guessing URLs is not free."""
    if response.status_code not in (404, 405) or "embedkit_counted" in g:
        return response
    try:
        count_request(limiter)
    except Refused as error:
        response = from_error(error)
    return add_headers(response)


def add_headers(response: Response) -> Response:
    """Add the headers RateLimit-*."""
    rate_limit: RateLimit | None = g.pop("embedkit_rate_limit", None)
    if rate_limit is not None:
        response.headers.update(rate_limit.headers)
    return response


def admit_cold(pictures: Sequence[EmbedKey]) -> Mapping[EmbedKey, EmbedKitError]:
    """Count pictures that have to be fetched for the current client; the errors of those that are too many."""
    try:
        take_place()
    except Unavailable as full:
        return dict.fromkeys(pictures, full)
    limiter: RateLimiter = g.embedkit_limiter
    rate_limit = limiter.hit_cold(request.remote_addr or "", len(pictures), bearer_credential())
    if rate_limit.allowed:
        return {}
    detail = f"More than {rate_limit.limit} pictures had to be fetched from Getty Images for {rate_limit.whom}."
    error = Refused("throttled", detail, hint=f"Wait {rate_limit.reset} seconds.", retry_after=rate_limit.reset)
    return dict.fromkeys(pictures[rate_limit.granted :], error)


def allow(rate_limit: RateLimit, whence: str) -> None:
    """Refuse one call too many; the tightest of its limits is the one that a client sees."""
    tightest: RateLimit | None = g.get("embedkit_rate_limit")
    if tightest is None or not rate_limit.allowed or rate_limit.remaining < tightest.remaining:
        g.embedkit_rate_limit = rate_limit
    if not rate_limit.allowed:
        detail = f"More than {rate_limit.limit} requests came {whence}. Wait {rate_limit.reset} seconds."
        raise Refused("throttled", detail, headers={"Retry-After": str(rate_limit.reset)})


def networks(client: str) -> Keys:
    """Whom to count, and for how many clients each may count: the network of a client, and the site around it.

    A /48 has 65,536 networks of IPv6, and may be one customer's.
    """
    near = network(client)
    if not near.endswith("/64"):
        return ((near, 1),)
    return (near, 1), (str(ipaddress.ip_network(near).supernet(new_prefix=48)), SITE_FACTOR)


def network(client: str) -> str:
    """Whom to count: an IPv4 address, or the /64 that one IPv6 household has to choose addresses from."""
    try:
        address = ipaddress.ip_address(_without_port(client).partition("%")[0])
    except ValueError:
        return "unknown"  # all of them together: a name that is made up each time is not a way around
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in one for one in IPV4_IN_IPV6):
            return str(ipaddress.IPv4Address(address.packed[-4:]))
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _without_port(client: str) -> str:
    """The IP address alone: some proxies forward ``192.0.2.1:6123`` or ``[2001:db8::1]:6123`` (RFC 7239)."""
    if client.startswith("["):
        return client[1:].partition("]")[0]
    return client.partition(":")[0] if client.count(":") == 1 else client

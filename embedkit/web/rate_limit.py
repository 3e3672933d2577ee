"""How often one client may call, and one token or grant: fixed windows, counted in Redis where there is one.

Two things are counted: requests (RATE_LIMIT), and pictures that have to be fetched from Getty (COLD_LIMIT).

Flask-Limiter sits on whole applications and reads their configuration, so that a mounted blueprint
would change its host; this uses the library below it.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from flask import Response, g, request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage

from embedkit.errors import EmbedKitError, Unavailable
from embedkit.models import EmbedKey
from embedkit.settings import Secret, Settings
from embedkit.web.counts import Counts
from embedkit.web.credentials import digest
from embedkit.web.errors import Refused, Throttled, from_refused
from embedkit.web.places import PLACES, Places

log = logging.getLogger("embedkit.web")

REDIS = ("redis://", "rediss://", "unix://")
REST = 10.0  # seconds without Redis after it failed: each try may take the time limit below
WAIT = 0.2  # seconds for one call to Redis, as for the cache
SOON = 1.0  # seconds after which a place may be free
SITE_FACTOR = 10  # clients' worth of calls for an IPv6 /48, which one customer of a provider may have whole
Keys = tuple[tuple[str, int], ...]
# IPv4 written as IPv6: mapped, or translated by the network in front (RFC 4291, 2.5.5.2; RFC 6052, 2.1; RFC 7915)
IPV4_IN_IPV6 = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))


class Storage(Protocol):
    """What counts: the library's Redis, or :class:`Counts`."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int: ...
    def get_expiry(self, key: str) -> float: ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one client has left: ``reset`` is in seconds from now.

    ``granted`` is how many of the things asked for it may have; ``allowed`` says that these are all.
    """

    allowed: bool
    limit: int
    left: int
    reset: int
    granted: int = 0

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
        self._cold_rate = parse(settings.cold_limit)
        self._own = Counts()
        self._shared = _redis(settings.cache) if settings.cache.startswith(REDIS) else None
        self._bypassed_until = 0.0

    def take(self, client: str) -> Allowance:
        """Count one call from this address."""
        return self._count(self._rate, "embedkit", networks(client))

    def take_with(self, credential: Secret) -> Allowance:
        """Count one call made with this token or grant, from wherever: the quota of the key is one for all."""
        return self._count(self._rate, "embedkit", ((f"credential:{digest(credential).hex()}", 1),))

    def take_cold(self, client: str, count: int) -> Allowance:
        """Count pictures that have to be fetched for this address; some of them may be granted."""
        return self._count(self._cold_rate, "embedkit-cold", networks(client), count)

    def _count(self, rate: RateLimitItem, purpose: str, keys: Keys, count: int = 1) -> Allowance:
        if self._shared is not None and time.monotonic() >= self._bypassed_until:
            try:
                return _take(self._shared, rate, purpose, keys, count)
            except Exception as error:
                log.warning("rate limits are counted in this process: %s", type(error).__name__)
                self._bypassed_until = time.monotonic() + REST
        return _take(self._own, rate, purpose, keys, count)


def _take(storage: Storage, rate: RateLimitItem, purpose: str, keys: Keys, count: int) -> Allowance:
    """The tightest of the allowances; what one of them refuses the next does not count."""
    granted, found = count, []
    for key, factor in keys:
        limit, name = rate.amount * factor, rate.key_for(purpose, key)
        used = storage.incr(name, rate.get_expiry(), granted)
        reset = max(1, int(storage.get_expiry(name) - time.time() + 0.999))
        granted = min(granted, max(0, limit - used + granted))
        found.append(Allowance(granted == count, limit, max(0, limit - used), reset, granted))
        if not granted:
            break
    return min(reversed(found), key=lambda one: (one.granted, one.left))


def count(credential: Secret) -> None:
    """Count the current request against the token or grant that opened it, too.

    :raises Refused: where it is one too many.
    """
    throttle: Throttle = g.embedkit_throttle
    allow(throttle.take_with(credential), "with this token or grant")


def count_request(throttle: Throttle) -> None:
    """Count the current request by its address.

    :raises Refused: where it is one too many.
    """
    g.embedkit_counted = True
    allow(throttle.take(request.remote_addr or ""), "from your address")


def count_misses(throttle: Throttle) -> Callable[[Response], Response]:
    """Count answers of 404 and 405 that no view has counted: guessing addresses is not free."""

    def after(response: Response) -> Response:
        if response.status_code not in (404, 405) or "embedkit_counted" in g:
            return response
        try:
            count_request(throttle)
        except Refused as error:
            response = from_refused(error)
        return tell_allowance(response)

    return after


def tell_allowance(response: Response) -> Response:
    """Add the headers RateLimit-*."""
    allowance: Allowance | None = g.pop("embedkit_allowance", None)
    if allowance is not None:
        response.headers.update(allowance.headers)
    return response


def admit_cold(pictures: Sequence[EmbedKey]) -> Mapping[EmbedKey, EmbedKitError]:
    """Count pictures that have to be fetched for the current client; the errors of those that are too many."""
    try:
        take_place()
    except Unavailable as full:
        return dict.fromkeys(pictures, full)
    throttle: Throttle = g.embedkit_throttle
    allowance = throttle.take_cold(request.remote_addr or "", len(pictures))
    if allowance.allowed:
        return {}
    says = f"More than {allowance.limit} pictures had to be fetched from Getty Images for your address."
    error = Throttled(says, hint=f"Wait {allowance.reset} seconds.", retry_after=allowance.reset)
    return dict.fromkeys(pictures[allowance.granted :], error)


def take_place() -> None:
    """Let the current request wait for Getty, until its end.

    :raises Unavailable: at once, where too many wait: a request that waits keeps a thread.
    """
    places: Places | None = request.environ.get(PLACES)
    if places is None or "embedkit_place" in g:
        return
    if not places.enter():
        raise Unavailable("Too many calls to Getty Images are waiting.", retry_after=SOON)
    g.embedkit_place = places


def leave_place(_: BaseException | None) -> None:
    """Give the place of the current request back."""
    places: Places | None = g.pop("embedkit_place", None)
    if places is not None:
        places.leave()


def allow(allowance: Allowance, whence: str) -> None:
    """Refuse one call too many; the tightest of the allowances is the one that a client is told."""
    told: Allowance | None = g.get("embedkit_allowance")
    if told is None or not allowance.allowed or allowance.left < told.left:
        g.embedkit_allowance = allowance
    if not allowance.allowed:
        detail = f"More than {allowance.limit} requests came {whence}. Wait {allowance.reset} seconds."
        raise Refused("throttled", detail, headers={"Retry-After": str(allowance.reset)})


@lru_cache(maxsize=4096)
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
        return "unknown"  # all of them together: a name that is made up anew each time is no way around
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in one for one in IPV4_IN_IPV6):
            return str(ipaddress.IPv4Address(address.packed[-4:]))
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _without_port(client: str) -> str:
    """The address alone: some proxies forward ``192.0.2.1:6123`` or ``[2001:db8::1]:6123`` (RFC 7239)."""
    if client.startswith("["):
        return client[1:].partition("]")[0]
    return client.partition(":")[0] if client.count(":") == 1 else client


def _redis(url: str) -> Storage:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return RedisStorage(
        f"redis+{url}" if url.startswith("unix:") else url,  # as the library writes it
        key_prefix="embedkit-limit",
        socket_timeout=WAIT,
        socket_connect_timeout=WAIT,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # passed on to redis-py
    )

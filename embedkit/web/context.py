"""The context of the application: the kit, the settings, the host's login, metrics and limits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request, url_for

from embedkit.engine.purges import surrogate_keys
from embedkit.kit import EmbedKit
from embedkit.models import Embed
from embedkit.process import Repeating
from embedkit.settings import Settings
from embedkit.validation import LOOPBACK
from embedkit.web.auth import Grants
from embedkit.web.bulkhead import LargeTextLimiter
from embedkit.web.errors import Refused
from embedkit.web.metrics import Metrics
from embedkit.web.response import cache_control

Authorize = Callable[[str], bool]


BRIEF_CACHE_S = 1.0
BOARDS_CACHE_S = 60.0


class BriefCache:
    """Caches a value briefly. When it expires, one caller recomputes it, and others get the old value meanwhile.

    :param clock: returns monotonic seconds.
    :param lifetime: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, lifetime: float = BRIEF_CACHE_S) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._value: Any = None
        self._until = -math.inf

    def __call__(self, make: Callable[[], Any]) -> Any:
        if self._clock() < self._until:
            return self._value
        if not self._lock.acquire(blocking=self._value is None):
            return self._value
        try:
            if self._clock() >= self._until:
                self._value = make()
                self._until = self._clock() + self._lifetime
            return self._value
        finally:
            self._lock.release()


@dataclass(frozen=True, slots=True)
class AppContext:
    """The first argument of every view. ``authorize`` is the host's own login, used instead of tokens.

    ``metrics`` is None if METRICS is off; ``worker`` is None without CHANGE_FEED, PURGE_URLS and WEBHOOK_URL.
    """

    kit: EmbedKit
    settings: Settings
    authorize: Authorize | None = None
    clock: Callable[[], float] = time.time
    metrics: Metrics | None = None
    worker: Repeating | None = None
    grants: Grants = field(init=False)
    readiness: BriefCache = field(default_factory=BriefCache)
    boards: BriefCache = field(default_factory=lambda: BriefCache(lifetime=BOARDS_CACHE_S))
    large_texts: LargeTextLimiter = field(default_factory=LargeTextLimiter)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grants", Grants(self.settings, host=self.authorize is not None))

    def lifetime(self, embed: Embed) -> str:
        """Return the Cache-Control header for an embed: it can be cached while it is fresh, at most MAX_AGE.

        A stale copy is being refreshed while it is served, so it must not be cached elsewhere.
        """
        return cache_control(self.settings, self.seconds_left(embed))

    def seconds_left(self, embed: Embed) -> int:
        """Return the number of seconds an embed remains fresh."""
        return 0 if embed.stale else max(0, int(embed.fresh_until - self.clock()))

    def label(self, response: Response, embed: Embed) -> Response:
        """Add the header that lists the pictures in a response, so that caches in front can purge one."""
        if self.settings.change_feed or self.settings.purge_urls:
            response.headers["Surrogate-Key"] = surrogate_keys(embed.ref.items)
        return response

    def withdrawn(self, ids: Sequence[str]) -> frozenset[str]:
        """Return which of these pictures Getty has withdrawn; cached search results can still contain them."""
        return self.kit.cache.withdrawn(ids) if self.kit.settings.change_feed else frozenset()

    def oembed_url(self) -> str:
        """Return the absolute URL of /oembed.

        A client controls the Host header (cache poisoning), so it is only used if Flask has checked it against
        TRUSTED_HOSTS, or on the developer's own machine. No cacheable response contains it.

        :raises Refused: if the URL can't be known for certain, which requires PUBLIC_URL.
        """
        if self.settings.public_url:
            return f"{self.settings.public_url}/oembed"
        if request.trusted_hosts or urlsplit(request.host_url).hostname in LOOPBACK:
            return url_for(".oembed", _external=True)
        raise Refused(
            "configuration",
            "This response contains the URL of the service, which is unknown."
            " Set EMBEDKIT_PUBLIC_URL, such as https://embeds.example.org.",
        )

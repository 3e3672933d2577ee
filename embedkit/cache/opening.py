"""The cache that the settings name."""

from __future__ import annotations

from collections.abc import Callable

from cachelib import BaseCache

from embedkit.cache import EmbedCache
from embedkit.events import Observe, ignore
from embedkit.settings import Settings
from embedkit.signing import signing_secrets
from embedkit.stores import open_store


def open_cache(
    settings: Settings, given: BaseCache | None, clock: Callable[[], float], observe: Observe = ignore
) -> EmbedCache:
    """The copies, in the backend that is given, else in the one that the setting CACHE names.

    :param clock: seconds since the epoch.
    :raises ConfigurationError: where the store or the secret that signs entries is not to be had.
    """
    if given is None:
        given = open_store(settings.cache, limit=settings.cache_limit, timeout=settings.timeout)
    return EmbedCache(
        given,
        secrets=signing_secrets(settings),
        policy=settings.policy,
        endpoint=settings.oembed_endpoint,
        clock=clock,
        observe=observe,
    )

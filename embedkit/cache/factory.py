"""The cache that the settings name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from cachelib import BaseCache

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.secret import SHARED, signing_secrets
from embedkit.cache.stores.factory import open_store
from embedkit.events import Observe, ignore
from embedkit.settings import Settings


def open_cache(
    settings: Settings, given: BaseCache | None, clock: Callable[[], float], observe: Observe = ignore
) -> EmbedCache:
    """The copies, in the backend that is given, else in the one that the setting CACHE names.

    :param clock: seconds since the epoch.
    :raises ConfigurationError: where the store or the secret that signs entries is not to be had.
    """
    takedowns = None
    if given is None:
        takedowns = _takedowns_path(settings.cache)
        given = open_store(settings.cache, limit=settings.cache_limit, timeout=settings.timeout)
    return EmbedCache(
        given,
        secrets=signing_secrets(settings.secret, settings.cache),
        policy=settings.policy,
        endpoint=settings.oembed_endpoint,
        clock=clock,
        observe=observe,
        takedowns_path=takedowns,
    )


def _takedowns_path(url: str) -> str | None:
    """A file in the user's cache folder for takedowns that a server does not take; None for other stores."""
    if not url.startswith(SHARED):
        return None
    import platformdirs

    folder = platformdirs.user_cache_dir("embedkit")
    server = hashlib.sha256(url.rpartition("@")[2].encode()).hexdigest()[:16]  # not of the password
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        return None  # no home, as in a container: then they are in memory alone
    return os.path.join(folder, f"takedowns-{server}")

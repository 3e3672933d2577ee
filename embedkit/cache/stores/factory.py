"""Where copies are kept: a cachelib backend from the URL of the setting CACHE."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from embedkit.cache.stores.base import STORE_TIMEOUT_S, MemoryCache
from embedkit.errors import ConfigurationError

if TYPE_CHECKING:
    from embedkit.cache.stores.base import Backend

# What the setting CACHE takes, as its sentence and the hint name it.
SCHEMES = (
    "sqlite:PATH",  # for the processes of one machine; without a URL, in the user's cache folder
    "redis://HOST",
    "rediss://HOST",
    "unix://SOCKET",  # of a Redis server
    "memcached://HOST:PORT",  # several with commas between
    "file:PATH",  # plain files, in a folder of our own below PATH
    "memory:",  # for this process alone
    "null:",  # nothing is kept
)
REDIS = ("redis", "rediss", "unix")
FILE = "cache.sqlite"


def open_store(url: str, *, limit: int, timeout: float) -> Backend:
    """The store that a URL names. A server need not be up yet.

    :param limit: entries to keep; Redis and memcached have settings of their own for that.
    :param timeout: seconds that one operation may wait for others, STORE_TIMEOUT_S at most: a copy that is not
        kept costs less than a caller who waits.
    :raises ConfigurationError: the URL is not one of these, its library is missing, or its folder can't be made.
    """
    scheme, colon, rest = (url or f"sqlite:{_default_path()}").partition(":")
    try:
        if not url:
            os.makedirs(os.path.dirname(rest), mode=0o700, exist_ok=True)
        if colon and (store := _open(scheme.lower(), rest, limit, timeout)):
            return store
    except OSError as error:
        raise ConfigurationError(
            f"The cache can't be made in {rest} ({error.strerror}).",
            hint="Set EMBEDKIT_CACHE to a place that can be written, or to memory:",
        ) from None
    # the URL itself may hold a password
    raise ConfigurationError(
        f"EMBEDKIT_CACHE ({scheme[:20]}:...) is not the URL of a store.",
        hint=f"Use {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}",
    )


def _open(scheme: str, rest: str, limit: int, timeout: float) -> Backend | None:
    if scheme == "sqlite" and (path := _path(rest)):
        from embedkit.cache.stores.sqlite import SQLiteCache

        return SQLiteCache(path, limit=limit, timeout=min(timeout, STORE_TIMEOUT_S))
    if scheme == "file" and (path := _path(rest)):
        from embedkit.cache.stores.file import FileCache

        return FileCache(path, limit=limit)
    if scheme == "memory" and not rest:
        return MemoryCache(limit=limit)
    if scheme == "null" and not rest:
        from cachelib import NullCache

        return NullCache()
    if rest.startswith("//"):
        return _open_remote(scheme, rest, min(timeout, STORE_TIMEOUT_S))
    return None


def _open_remote(scheme: str, rest: str, timeout: float) -> Backend | None:
    from embedkit.cache.stores.remote import MemcachedStore, RedisStore  # most sites have no use for them

    if scheme in REDIS:
        return RedisStore(f"{scheme}:{rest}", timeout=timeout)
    servers = [server for server in rest[2:].rstrip("/").split(",") if server]
    if scheme == "memcached" and servers:
        return MemcachedStore(servers, timeout=timeout)
    return None


def _path(rest: str) -> str:
    """A path as written; ``sqlite:///abs`` and ``file:///abs`` mean ``/abs``."""
    plain = "/" + rest.lstrip("/") if rest.startswith("//") else rest
    return os.path.expanduser(plain)


def _default_path() -> str:
    import platformdirs

    return os.path.join(platformdirs.user_cache_dir("embedkit"), FILE)

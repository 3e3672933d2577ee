"""Opening the store that the CACHE setting names, as a cachelib backend."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from embedkit.cache.stores.base import STORE_TIMEOUT_S, MemoryCache
from embedkit.errors import ConfigurationError

if TYPE_CHECKING:
    from embedkit.cache.stores.base import Backend


class Scheme(NamedTuple):
    """The properties of a URL scheme.

    :param form: its form, for the description of the CACHE setting and for hints.
    :param shared: whether several machines can share the store, and so need the same SECRET.
    :param private: whether only this process can read it.
    :param redis: whether it is a Redis server, on which limits count for all who share it.
    """

    form: str
    shared: bool = False
    private: bool = False
    redis: bool = False


SCHEMES = {
    "sqlite": Scheme("sqlite:PATH"),
    "redis": Scheme("redis://HOST", shared=True, redis=True),
    "rediss": Scheme("rediss://HOST", shared=True, redis=True),
    "unix": Scheme("unix://SOCKET", shared=True, redis=True),
    "memcached": Scheme("memcached://HOST:PORT", shared=True),
    "file": Scheme("file:PATH"),
    "memory": Scheme("memory:", private=True),
    "null": Scheme("null:", private=True),
}
FILE = "cache.sqlite"


def scheme_of(url: str) -> Scheme:
    """Return the scheme of a URL; that of the default store for an empty URL; an empty one if it is unknown."""
    return SCHEMES.get(url.partition(":")[0].lower() or "sqlite", Scheme(""))


def open_store(url: str, *, limit: int, timeout: float) -> Backend:
    """Open the store that a URL names. A server need not be running yet.

    :param limit: maximum number of entries; Redis and memcached have their own settings for that.
    :param timeout: maximum seconds that an operation may wait for others, capped at STORE_TIMEOUT_S: a copy that
        is not stored costs less than a caller that waits.
    :raises ConfigurationError: if the URL is not one of these, its library is missing, or its folder can't be
        created.
    """
    scheme, colon, rest = (url or f"sqlite:{_default_path()}").partition(":")
    try:
        if not url:
            os.makedirs(os.path.dirname(rest), mode=0o700, exist_ok=True)
        if colon and (store := _open(scheme.lower(), rest, limit, timeout)):
            return store
    except OSError as error:
        raise ConfigurationError(
            f"The cache can't be created in {rest} ({error.strerror}).",
            hint="Set EMBEDKIT_CACHE to a writable place, or to memory:",
        ) from None
    forms = [known.form for known in SCHEMES.values()]
    # the rest of the URL may contain a password
    raise ConfigurationError(
        f"EMBEDKIT_CACHE ({scheme[:20]}:...) is not the URL of a store.",
        hint=f"Use {', '.join(forms[:-1])} or {forms[-1]}",
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
    from embedkit.cache.stores.remote import MemcachedStore, RedisStore  # not needed by most sites

    if scheme_of(scheme).redis:
        return RedisStore(f"{scheme}:{rest}", timeout=timeout)
    servers = [server for server in rest[2:].rstrip("/").split(",") if server]
    if scheme == "memcached" and servers:
        return MemcachedStore(servers, timeout=timeout)
    return None


def _path(rest: str) -> str:
    """Return the path of a URL as written; ``sqlite:///abs`` and ``file:///abs`` mean ``/abs``."""
    plain = "/" + rest.lstrip("/") if rest.startswith("//") else rest
    return os.path.expanduser(plain)


def _default_path() -> str:
    import platformdirs

    return os.path.join(platformdirs.user_cache_dir("embedkit"), FILE)

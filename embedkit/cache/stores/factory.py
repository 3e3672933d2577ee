"""Where copies are kept: a cachelib backend from the URL of the setting CACHE."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from embedkit.cache.stores.base import STORE_TIMEOUT_S, MemoryCache
from embedkit.errors import ConfigurationError

if TYPE_CHECKING:
    from embedkit.cache.stores.base import Backend


class Scheme(NamedTuple):
    """What the URLs of a store have in common.

    :param form: as the sentence of the setting CACHE and the hint name it.
    :param shared: whether several machines use the store, so that all of them need the same SECRET.
    :param private: whether only this process can read it.
    :param redis: whether it is a Redis server, which counts for all who share it.
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
    """The row of a URL's scheme; without a URL that of the default, and an empty one for no scheme of ours."""
    return SCHEMES.get(url.partition(":")[0].lower() or "sqlite", Scheme(""))


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
    forms = [known.form for known in SCHEMES.values()]
    # the URL itself may hold a password
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
    from embedkit.cache.stores.remote import MemcachedStore, RedisStore  # most sites have no use for them

    if scheme_of(scheme).redis:
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

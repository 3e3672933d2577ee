"""A store in one of Django's caches: ``EMBEDKIT = {"cache": "django:default"}``."""

from __future__ import annotations

from typing import Any

from cachelib.base import BaseCache
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache as Backend

from embedkit.cache.stores.base import DEFAULT_TIMEOUT_S, Timeout


class DjangoCache(BaseCache):
    """A cache from the setting CACHES, by its alias.

    As with every store, machines that share it need the same SECRET.

    :raises django.core.cache.InvalidCacheBackendError: on first use, if there is no such cache.
    """

    def __init__(self, alias: str = "default") -> None:
        super().__init__(DEFAULT_TIMEOUT_S)
        self._alias = alias

    @property
    def _cache(self) -> Backend:
        return caches[self._alias]  # each thread has its own

    def _seconds(self, timeout: Timeout) -> int | None:
        """Convert a timeout to Django's: None means forever, 0 means don't store."""
        return self._normalize_timeout(timeout) or None

    def get(self, key: str) -> Any:
        """Return the value, or None if there is none."""
        return self._cache.get(key)

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Store a value. Django doesn't report whether it was stored."""
        self._cache.set(key, value, self._seconds(timeout))
        return True

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Store a value if there is none, and return whether it was stored."""
        return bool(self._cache.add(key, value, self._seconds(timeout)))

    def delete(self, key: str) -> bool:
        """Delete a value, and return whether there was one."""
        return bool(self._cache.delete(key))

    def get_many(self, *keys: str) -> list[Any]:
        """Return the values in order, with None for missing ones."""
        found = self._cache.get_many(keys)
        return [found.get(key) for key in keys]

    def clear(self) -> bool:
        """Not supported, because the site's other entries can't be distinguished from ours.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError("The cache is shared with the rest of the site: purge pictures one by one.")

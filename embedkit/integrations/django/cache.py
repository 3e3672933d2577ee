"""One of Django's caches as the store of copies: ``EMBEDKIT = {"cache": "django:default"}``."""

from __future__ import annotations

from typing import Any

from cachelib.base import BaseCache
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache as Backend

from embedkit.cache.stores.base import DEFAULT_TIMEOUT_S, Timeout


class DjangoCache(BaseCache):
    """A cache of the setting CACHES, by its alias.

    Where several machines share it, all of them need the same SECRET, as with every store.

    :raises django.core.cache.InvalidCacheBackendError: at first use, where there is no such cache.
    """

    def __init__(self, alias: str = "default") -> None:
        super().__init__(DEFAULT_TIMEOUT_S)
        self._alias = alias

    @property
    def _cache(self) -> Backend:
        return caches[self._alias]  # each thread has its own

    def _seconds(self, timeout: Timeout) -> int | None:
        """Seconds as Django has them: None for ever, 0 for not at all."""
        return self._normalize_timeout(timeout) or None

    def get(self, key: str) -> Any:
        """The value; None where there is none."""
        return self._cache.get(key)

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Keep a value; Django does not tell whether it is kept."""
        self._cache.set(key, value, self._seconds(timeout))
        return True

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Keep a value where there is none; whether it is kept."""
        return bool(self._cache.add(key, value, self._seconds(timeout)))

    def delete(self, key: str) -> bool:
        """Drop a value; whether there was one."""
        return bool(self._cache.delete(key))

    def get_many(self, *keys: str) -> list[Any]:
        """The values, in order; None for each that there is not."""
        found = self._cache.get_many(keys)
        return [found.get(key) for key in keys]

    def clear(self) -> bool:
        """Not done: what else the site keeps there can't be told from copies.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError("Others use the same cache: purge pictures one by one.")

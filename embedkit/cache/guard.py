"""A breaker around a cachelib backend: what goes wrong there is a miss, and one that is down is left alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from cachelib import BaseCache, MemcachedCache, NullCache, SimpleCache
from cachelib.redis_base import BaseRedisCache

from embedkit.errors import ConfigurationError, Unavailable
from embedkit.events import Observe, ignore
from embedkit.models import JSON
from embedkit.stores.locks import tell_of_forks
from embedkit.stores.memory import MemoryCache

log = logging.getLogger("embedkit.cache")

Result = TypeVar("Result")

IN_A_ROW = 5  # failures one after another that make us leave the backend alone
BYPASS = 10.0  # seconds; then one caller tries it again
PROBE, KEPT = "embedkit:probe", "kept"


class Guarded:
    """A backend that never raises.

    :param clock: monotonic seconds.
    :param observe: told of failures (:mod:`embedkit.events`).
    """

    def __init__(self, backend: BaseCache, clock: Callable[[], float], observe: Observe = ignore) -> None:
        self.backend = backend
        self._observe = observe
        self._clock = clock
        self.after_fork()
        tell_of_forks(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    @property
    def lone(self) -> bool:
        """Whether no other process can see what is in it."""
        return isinstance(self.backend, (NullCache, SimpleCache, MemoryCache))

    def get(self, key: str) -> object:
        """The value; None where there is none."""
        return self._call(lambda: self.backend.get(key), None)

    def set(self, key: str, value: str, seconds: int) -> bool:
        """Whether the value is kept."""
        return self._call(lambda: bool(self.backend.set(key, value, timeout=seconds)), False)

    def add(self, key: str, value: str, seconds: int) -> bool | None:
        """Whether there was no value yet; None where the backend fails."""
        return self._call(lambda: bool(self.backend.add(key, value, timeout=seconds)), None)

    def delete(self, key: str) -> bool | None:
        """Whether there was a value; None where the backend fails."""
        return self._call(lambda: bool(self.backend.delete(key)), None)

    def prune(self) -> int:
        """How many entries were dropped, where the backend can tell."""
        prune: Callable[[], int] = getattr(self.backend, "prune", int)
        return self._call(prune, 0)

    def clear(self) -> None:
        """Drop every entry.

        :raises ConfigurationError: where that would empty a server that others use too.
        :raises Unavailable: where the backend does not do it.
        """
        unprefixed = isinstance(self.backend, BaseRedisCache) and not self.backend.key_prefix
        if unprefixed or isinstance(self.backend, MemcachedCache):
            raise ConfigurationError(
                "This cache cannot be emptied without taking from others who use the server.",
                hint="Purge pictures one by one.",
            )
        # cachelib's Redis says False where there was nothing to clear
        done = self._call(lambda: self.backend.clear() is not None, False)
        if not (done and getattr(self.backend, "working", True)):
            raise Unavailable("The cache cannot be written; it has not been emptied.")

    def working(self) -> bool:
        """Whether the backend answers."""
        self.get(PROBE)
        return self._failures == 0 and getattr(self.backend, "working", True)

    def keeps(self) -> bool:
        """Whether the backend keeps what it is given, or is meant to keep nothing."""
        if isinstance(self.backend, NullCache):
            return True
        self.set(PROBE, KEPT, 60)
        return self.get(PROBE) in (KEPT, KEPT.encode())

    def describe(self) -> JSON:
        """What kind of backend it is, where it lies and how many entries it holds, as far as is known."""
        told: JSON = {"kind": getattr(self.backend, "kind", type(self.backend).__name__)}
        if path := getattr(self.backend, "path", None):
            told["path"] = path
        if count := getattr(self.backend, "count", None):
            told["entries"] = self._call(count, None)
        return told

    def close(self) -> None:
        """Let go of the backend's connections."""
        self._call(getattr(self.backend, "close", bool), None)

    def _call(self, act: Callable[[], Result], failed: Result) -> Result:
        if self._failures >= IN_A_ROW and not self._may_try():
            return failed
        try:
            result = act()
        except Exception as error:  # each client library has a tree of its own
            self._count(error)
            return failed
        self._failures = 0
        return result

    def _may_try(self) -> bool:
        """Once in a while for one caller; the others do not wait with it."""
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + BYPASS
            return True

    def _count(self, error: Exception) -> None:
        self._observe("store", "failure")
        with self._lock:
            self._failures += 1
            self._until = self._clock() + BYPASS
            say = log.warning if self._failures == IN_A_ROW else log.debug
        # its text may hold an address with a password
        say("the cache failed (%s), %d times in a row", type(error).__name__, self._failures)

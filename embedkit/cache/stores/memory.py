"""A cachelib backend in the memory of one process.

cachelib's own SimpleCache sorts all it holds at every write once it is full, and drops first what was
never to expire.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cachelib import BaseCache

from embedkit.cache.stores import codec
from embedkit.cache.stores.invalidation import Changes
from embedkit.process import register_after_fork

Timeout = int | timedelta | None


class MemoryCache(BaseCache):
    """A bounded cache for the threads of one process; what is over goes, the longest unwritten first.

    :param limit: entries to keep.
    :param default_timeout: seconds for which an entry lives if nothing is said; 0 is for ever.
    :param clock: seconds since the epoch.
    :param room: bytes to keep, where entries are of very different sizes; nothing that is larger is taken.
    """

    kind = "memory"

    def __init__(
        self,
        *,
        limit: int = 100_000,
        default_timeout: int = 300,
        clock: Callable[[], float] = time.time,
        room: float = math.inf,
    ) -> None:
        super().__init__(default_timeout)
        self.changes = Changes()
        self._limit = limit
        self._room = room
        self._size = 0
        self._clock = clock
        self._entries: dict[str, tuple[float, bytes]] = {}  # in the order of writing
        self.after_fork()
        register_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._lock = threading.RLock()

    def get(self, key: str) -> Any:
        expires, data = self._entries.get(key, (-1.0, b""))
        return codec.load(data) if self._lives(expires) else None

    def has(self, key: str) -> bool:
        return self._lives(self._entries.get(key, (-1.0, b""))[0])

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        seconds = self._normalize_timeout(timeout)
        entry = (self._clock() + seconds if seconds else 0.0, codec.dump(value))
        fits = len(entry[1]) <= self._room
        with self._lock:
            self._take(key)
            if fits:
                self._entries[key] = entry
                self._size += len(entry[1])
            while len(self._entries) > self._limit or self._size > self._room:
                self._take(next(iter(self._entries)))
        self.changes.mark(key)
        return fits

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        with self._lock:
            return not self.has(key) and self.set(key, value, timeout)

    def inc(self, key: str, delta: int = 1) -> int | None:
        with self._lock:
            return super().inc(key, delta)

    def dec(self, key: str, delta: int = 1) -> int | None:
        return self.inc(key, -delta)

    def delete(self, key: str) -> bool:
        with self._lock:
            expires = self._take(key)
        self.changes.mark(key)
        return self._lives(expires)

    def clear(self) -> bool:
        with self._lock:
            self._entries.clear()
            self._size = 0
        self.changes.mark_all()
        return True

    def count(self) -> int:
        """How many entries there are, expired ones included."""
        return len(self._entries)

    def prune(self) -> int:
        """Drop what has expired; how many entries that was."""
        with self._lock:
            ended = [key for key, (expires, _) in self._entries.items() if not self._lives(expires)]
            for key in ended:
                self._take(key)
        return len(ended)

    def _take(self, key: str) -> float:
        """Take an entry out; until when it would have lived."""
        expires, data = self._entries.pop(key, (-1.0, b""))
        self._size -= len(data)
        return expires

    def _lives(self, expires: float) -> bool:
        return expires == 0 or expires > self._clock()

"""The base of all stores: encoding of values, lifetimes, versions of keys; and the simplest store, in memory.

Values are strings, bytes or JSON. Never pickle, because a planted entry must not be executed. The first byte is
the type; integers are stored as plain digits, which Redis can count with (INCRBY).
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from embedkit.cache.stores.coordination import VersionTable
from embedkit.process import run_now_and_after_fork

if TYPE_CHECKING:
    from cachelib import BaseCache

Timeout = int | timedelta | None
DEFAULT_TIMEOUT_S = 300  # lifetime of an entry by default; 0 means forever
MAX_ENTRIES = 100_000
STORE_TIMEOUT_S = 0.2  # for one operation; a server nearby, or waiting for another writer, takes 0.001


def dump(value: Any) -> bytes:
    """Encode a value.

    :raises TypeError: if it is not a string, bytes or JSON.
    """
    if isinstance(value, bytes):
        return b"b" + value
    if type(value) is int:  # bool is excluded
        return b"%d" % value
    if isinstance(value, str):
        with suppress(UnicodeEncodeError):  # lone surrogates, which JSON can escape
            return b"s" + value.encode()
    return b"j" + json.dumps(value, separators=(",", ":")).encode()


def load(data: Any) -> Any:
    """Decode a value from :func:`dump`; None for None, and for anything else."""
    if data is None:
        return None
    try:
        data = bytes(data)
        kind, rest = data[:1], data[1:]
        if kind == b"b":
            return rest
        if kind == b"s":
            return rest.decode()
        return json.loads(rest) if kind == b"j" else int(data)
    except (ValueError, TypeError, RecursionError):
        return None


class Failures(threading.local):
    """The last error of a store in this thread, in place of which cachelib's interface returns False or None."""

    error: Exception | None = None


class LocalStore:
    """The base of the stores for one machine: expiry of entries, notification of readers, pruning.

    It has the methods of :class:`cachelib.BaseCache` but does not inherit from it, since importing cachelib
    imports all its backends, which takes a fifth of a warm start.

    Its attributes are everything that the cache requires of a store beyond cachelib's interface. A store that
    other processes can open also sets the three paths and ``versions``.

    :param clock: returns seconds since the epoch.
    :param limit: maximum number of entries.
    :param prune_every: number of writes between prunings; only for stores that call :meth:`_prune_now_and_then`.
    """

    kind: str  # one word, for status and doctor
    is_process_local = False  # whether no other process can see it
    versions: VersionTable | None = None  # None: other readers don't notice a write
    path: str  # path of the file or folder, for doctor
    lock_path: str  # path of a file for locks: one process at a time fetches a picture, or changes its entry
    takedowns_path: str  # path of a file for the takedowns that can't be written to the store
    failures: Failures  # receives errors, since the store raises none

    def __init__(self, clock: Callable[[], float], limit: int, prune_every: int = 0) -> None:
        self._clock = clock
        self._limit = limit
        self._prune_every = prune_every
        self._writes = 0
        self.failures = Failures()
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the locks: in the parent, threads that the child lacks may have held them."""
        self._lock = threading.RLock()
        self._pruning = threading.Lock()

    def get(self, key: str) -> Any:
        """Return the value; None if there is none."""
        raise NotImplementedError

    def has(self, key: str) -> bool:
        """Return whether there is a value."""
        raise NotImplementedError

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Store a value, replacing any other; return whether it is stored.

        :param timeout: lifetime in seconds, 0 for forever; by default that of the store.
        """
        raise NotImplementedError

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Store a value if there is none; return whether it is stored."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """Delete a value; return whether there was one."""
        raise NotImplementedError

    def clear(self) -> bool:
        """Delete all values."""
        raise NotImplementedError

    @property
    def working(self) -> bool:
        """Whether its last operation succeeded, and its files still exist.

        If they were deleted, it is False on the first check, even after a read, and a warning is logged that the
        store "has been removed"; then everything is recreated.
        """
        return True

    def count(self) -> int:
        """Return the number of entries, including expired ones."""
        raise NotImplementedError

    def prune(self) -> int:
        """Delete expired entries and those over the limit; return how many."""
        raise NotImplementedError

    def get_many(self, *keys: str) -> list[Any]:
        """Return the values, in order; None for each that does not exist."""
        return [self.get(key) for key in keys]

    def get_dict(self, *keys: str) -> dict[str, Any]:
        """Return the values by key; None for each that does not exist."""
        return dict(zip(keys, self.get_many(*keys), strict=True))

    def set_many(self, mapping: Mapping[str, Any], timeout: Timeout = None) -> list[str]:
        """Store several values; return the keys of those that are stored."""
        return [key for key, value in mapping.items() if self.set(key, value, timeout)]

    def delete_many(self, *keys: str) -> list[str]:
        """Delete several values; return the keys of those that no longer exist."""
        return [key for key in keys if self.delete(key) or not self.has(key)]

    def inc(self, key: str, delta: int = 1) -> int | None:
        """Add to a number, starting from 0; return the sum, None if it could not be stored."""
        value: int = (self.get(key) or 0) + delta
        return value if self.set(key, value) else None

    def dec(self, key: str, delta: int = 1) -> int | None:
        """Subtract from a number, like :meth:`inc`."""
        return self.inc(key, -delta)

    def close(self) -> None:
        """Close connections and files; the next call opens them again."""

    def _is_alive(self, expires: float) -> bool:
        return expires == 0 or expires > self._clock()

    def _expires(self, timeout: Timeout) -> float:
        seconds = DEFAULT_TIMEOUT_S if timeout is None else timeout
        if isinstance(seconds, timedelta):
            seconds = math.ceil(seconds.total_seconds())
        return self._clock() + seconds if seconds else 0.0

    def _note_write(self, key: str, done: bool) -> bool:
        if done and self.versions:
            self.versions.bump(key)
        return done

    def _prune_now_and_then(self) -> None:
        """Prune on a thread after every ``prune_every`` writes, so that the writer need not wait."""
        self._writes += 1
        if self._writes % self._prune_every == 0 and not self._pruning.locked():
            with suppress(RuntimeError):  # the interpreter is shutting down
                threading.Thread(target=self.prune, name="embedkit-prune", daemon=True).start()

    def _note_clear(self, done: bool) -> bool:
        if done and self.versions:
            self.versions.bump_all()
        return done


if TYPE_CHECKING:
    Backend = BaseCache | LocalStore


class MemoryCache(LocalStore):
    """A bounded cache for the threads of one process; evicts the entry that was written longest ago.

    cachelib's own SimpleCache sorts its contents on every write once it is full, and evicts first what should
    never expire.

    >>> MemoryCache(limit=2).get("key")

    :param limit: maximum number of entries.
    :param clock: returns seconds since the epoch.
    :param max_bytes: maximum total size of values, if they differ widely; a value that is larger is refused.
    """

    kind = "memory"
    is_process_local = True

    def __init__(
        self,
        *,
        limit: int = MAX_ENTRIES,
        clock: Callable[[], float] = time.time,
        max_bytes: float = math.inf,
    ) -> None:
        super().__init__(clock, limit)
        self.versions: VersionTable = VersionTable()
        self._max_bytes = max_bytes
        self._size = 0
        self._entries: dict[str, tuple[float, bytes]] = {}  # in order of writing

    def get(self, key: str) -> Any:
        expires, data = self._entries.get(key, (-1.0, b""))
        return load(data) if self._is_alive(expires) else None

    def has(self, key: str) -> bool:
        return self._is_alive(self._entries.get(key, (-1.0, b""))[0])

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        entry = self._expires(timeout), dump(value)
        fits = len(entry[1]) <= self._max_bytes
        with self._lock:
            self._take(key)
            if fits:
                self._entries[key] = entry
                self._size += len(entry[1])
            while len(self._entries) > self._limit or self._size > self._max_bytes:
                self._take(next(iter(self._entries)))
        self.versions.bump(key)
        return fits

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        with self._lock:
            return not self.has(key) and self.set(key, value, timeout)

    def delete(self, key: str) -> bool:
        with self._lock:
            expires = self._take(key)
        self.versions.bump(key)
        return self._is_alive(expires)

    def clear(self) -> bool:
        with self._lock:
            self._entries.clear()
            self._size = 0
        return self._note_clear(True)

    def count(self) -> int:
        """Return the number of entries, including expired ones."""
        return len(self._entries)

    def prune(self) -> int:
        """Delete expired entries; return how many."""
        with self._lock:
            ended = [key for key, (expires, _) in self._entries.items() if not self._is_alive(expires)]
            for key in ended:
                self._take(key)
        return len(ended)

    def _take(self, key: str) -> float:
        """Remove an entry; return when it would have expired."""
        expires, data = self._entries.pop(key, (-1.0, b""))
        self._size -= len(data)
        return expires

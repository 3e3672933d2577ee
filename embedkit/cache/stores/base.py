"""What every store shares: values as bytes, lifetimes, versions of keys; and the plainest store, in memory.

Values are strings, bytes or JSON. Never pickle: a planted entry must not run. One letter says what follows;
integers are plain digits, which Redis can count with (INCRBY).
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
DEFAULT_TIMEOUT_S = 300  # for which an entry lives unless its set() says otherwise; with 0 for ever
MAX_ENTRIES = 100_000
STORE_TIMEOUT_S = 0.2  # for one operation; a server nearby, or another process that writes, takes 0.001


def dump(value: Any) -> bytes:
    """A value as bytes.

    :raises TypeError: where it is neither a string, bytes nor JSON.
    """
    if isinstance(value, bytes):
        return b"b" + value
    if type(value) is int:  # a bool is not a number here
        return b"%d" % value
    if isinstance(value, str):
        with suppress(UnicodeEncodeError):  # lone surrogates, which JSON can escape
            return b"s" + value.encode()
    return b"j" + json.dumps(value, separators=(",", ":")).encode()


def load(data: Any) -> Any:
    """The value that :func:`dump` wrote; None for nothing and for anything else."""
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
    """The last error that a store met on this thread: cachelib's interface returns False or None in its place."""

    error: Exception | None = None


class LocalStore:
    """What the stores of one machine share: when entries end, that readers learn of writes, and cleaning up.

    It has the methods of :class:`cachelib.BaseCache` and is none, since importing cachelib brings all its
    backends: a fifth of a warm start.

    What it declares is all that the cache asks of a store, beside cachelib's interface. A store that other
    processes can open sets the three paths and ``versions`` as well.

    :param clock: seconds since the epoch.
    :param limit: entries to keep.
    :param prune_every: writes from one clean-up to the next; only for those that call :meth:`_prune_now_and_then`.
    """

    kind: str  # in one word, for status and doctor
    is_process_local = False  # whether no other process can see what is in it
    versions: VersionTable | None = None  # None: no other reader can learn of a write
    path: str  # of the file or folder, for doctor
    lock_path: str  # of a file for locks: one process at a time asks Getty for a picture, and changes its entry
    takedowns_path: str  # of a file for the takedowns that the store does not take
    failures: Failures  # where it leaves an error, since it raises none

    def __init__(self, clock: Callable[[], float], limit: int, prune_every: int = 0) -> None:
        self._clock = clock
        self._limit = limit
        self._prune_every = prune_every
        self._writes = 0
        self.failures = Failures()
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Threads that are not in the child may have held the locks."""
        self._lock = threading.RLock()
        self._pruning = threading.Lock()

    def get(self, key: str) -> Any:
        """The value; None where there is none."""
        raise NotImplementedError

    def has(self, key: str) -> bool:
        """Whether there is a value."""
        raise NotImplementedError

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Keep a value, in place of any other; whether it is kept.

        :param timeout: seconds for which it lives, 0 for ever; by default those of the store.
        """
        raise NotImplementedError

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        """Keep a value where there is none; whether it is kept."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """Drop a value; whether there was one."""
        raise NotImplementedError

    def clear(self) -> bool:
        """Drop all values."""
        raise NotImplementedError

    @property
    def working(self) -> bool:
        """Whether it did what it was last asked for, and what it keeps is still there.

        Where somebody has removed that, it is False at the first look, although a read came in between, and the
        log warns that it "has been removed"; then all is made anew.
        """
        return True

    def count(self) -> int:
        """How many entries there are, expired ones included."""
        raise NotImplementedError

    def prune(self) -> int:
        """Drop what has expired and what is over the limit; how many entries that was."""
        raise NotImplementedError

    def get_many(self, *keys: str) -> list[Any]:
        """The values, in order; None for each that there is not."""
        return [self.get(key) for key in keys]

    def get_dict(self, *keys: str) -> dict[str, Any]:
        """The values by key; None for each that there is not."""
        return dict(zip(keys, self.get_many(*keys), strict=True))

    def set_many(self, mapping: Mapping[str, Any], timeout: Timeout = None) -> list[str]:
        """Keep many values; the keys of those that are kept."""
        return [key for key, value in mapping.items() if self.set(key, value, timeout)]

    def delete_many(self, *keys: str) -> list[str]:
        """Drop many values; the keys of those that are not there any more."""
        return [key for key in keys if self.delete(key) or not self.has(key)]

    def inc(self, key: str, delta: int = 1) -> int | None:
        """Add to a number, from 0 where there is none; the sum, or None where it is not kept."""
        value: int = (self.get(key) or 0) + delta
        return value if self.set(key, value) else None

    def dec(self, key: str, delta: int = 1) -> int | None:
        """Subtract from a number, as :meth:`inc` adds."""
        return self.inc(key, -delta)

    def close(self) -> None:
        """Let go of connections and files; the next call opens them anew."""

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
        """Clean up on a thread, after so many writes: nobody who writes should wait for it."""
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
    """A bounded cache for the threads of one process; what is over goes, the longest unwritten first.

    cachelib's own SimpleCache sorts all it holds at every write once it is full, and drops first what was
    never to expire.

    >>> MemoryCache(limit=2).get("key")

    :param limit: entries to keep.
    :param clock: seconds since the epoch.
    :param max_bytes: bytes to keep, where entries are of very different sizes; nothing that is larger is taken.
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
        self._entries: dict[str, tuple[float, bytes]] = {}  # in the order of writing

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
        """How many entries there are, expired ones included."""
        return len(self._entries)

    def prune(self) -> int:
        """Drop what has expired; how many entries that was."""
        with self._lock:
            ended = [key for key, (expires, _) in self._entries.items() if not self._is_alive(expires)]
            for key in ended:
                self._take(key)
        return len(ended)

    def _take(self, key: str) -> float:
        """Take an entry out; until when it would have lived."""
        expires, data = self._entries.pop(key, (-1.0, b""))
        self._size -= len(data)
        return expires

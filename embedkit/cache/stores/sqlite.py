"""The embedded store: a cachelib backend using the standard library's SQLite, for many threads and processes.

Next to the database there are SQLite's own -journal, ``.lock`` (locks between processes), ``.changes``
(:mod:`embedkit.cache.stores.coordination`) and ``.takedowns`` (:mod:`embedkit.cache.takedowns`). It is only a
cache: any failure is a miss, and a file that is not a valid database is moved aside once and recreated.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from embedkit.cache.stores.base import MAX_ENTRIES, LocalStore, Timeout, dump, load
from embedkit.cache.stores.coordination import Busy, shared_versions
from embedkit.cache.stores.sqlite_pool import ADD, FAILED, SQLitePool

BATCH_ROWS = 16  # rows deleted in one transaction, so that other writers wait no longer than that
BATCH_PAUSE_S = 0.001  # between two transactions, for other writers
PRUNE_EVERY = 256  # writes between prunings

GET = "SELECT value, expires FROM entries WHERE key = ?"
GET_MANY = "SELECT key, value, expires FROM entries WHERE key IN ({})"
MAX_KEYS = 500  # in one statement; SQLite allows 999 (sqlite.org/limits.html)
SET = "INSERT OR REPLACE INTO entries (key, value, expires) VALUES (?, ?, ?)"
DELETE = "DELETE FROM entries WHERE key = ? AND (expires = 0 OR expires > ?)"
DROP_EXPIRED = """DELETE FROM entries WHERE id IN
    (SELECT id FROM entries WHERE expires > 0 AND expires <= ? LIMIT ?)"""
DROP_OLDEST = "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY id LIMIT ?)"


class SQLiteCache(LocalStore):
    """A bounded cache in one SQLite file.

    :param path: path of the file; its folder is created if necessary.
    :param limit: approximate maximum number of entries; expired entries are deleted first, then the oldest.
    :param timeout: seconds to wait for another process that is writing.
    :param clock: returns seconds since the epoch.
    :raises OSError: if the folder can't be created.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limit: int = MAX_ENTRIES,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock, limit, max(1, min(PRUNE_EVERY, limit // 16)))
        self.path = os.path.abspath(path)
        if not os.path.isfile(self.path):
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            if os.path.isdir(self.path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.path)
        self.lock_path = f"{self.path}.lock"
        self.takedowns_path = f"{self.path}.takedowns"
        self.versions = shared_versions(f"{self.path}.changes")
        self._pool = SQLitePool(self.path, self.lock_path, timeout, self.failures)
        self._timeout = timeout
        self._lost = 0  # writes that waited for others in vain

    @property
    def working(self) -> bool:
        """Whether the last operation succeeded, and the file still exists."""
        return not self._pool.close_if_moved() and self._pool.working

    # -- cachelib's interface ---------------------------------------------------------------------------

    def get(self, key: str) -> Any:
        return load(self._read(key))

    def get_many(self, *keys: str) -> list[Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(keys), MAX_KEYS):
            some = keys[start : start + MAX_KEYS]
            statement = GET_MANY.format(",".join("?" * len(some)))
            rows, _ = self._pool.execute(statement, some)
            found |= {key: load(value) for key, value, expires in rows if self._is_alive(expires)}
        return [found.get(key) for key in keys]

    def has(self, key: str) -> bool:
        return self._read(key) is not None

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        return self._write_row(SET, key, dump(value), self._expires(timeout))

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        return self._write_row(ADD, key, dump(value), self._expires(timeout), self._clock())

    def delete(self, key: str) -> bool:
        return self._write_row(DELETE, key, self._clock())

    def clear(self) -> bool:
        return self._note_clear(self._write("DELETE FROM entries") != FAILED)

    # -- what else there is ----------------------------------------------------------------------------

    def count(self) -> int:
        """Return the number of entries, including expired ones."""
        rows, _ = self._pool.execute("SELECT count(*) FROM entries")
        return int(rows[0][0]) if rows else 0

    def prune(self) -> int:
        """Delete expired entries and those over the limit, in small steps; return how many."""
        with self._pruning:
            dropped = self._drop(DROP_EXPIRED, self.count(), self._clock())
            while gone := self._drop(DROP_OLDEST, self.count() - self._limit):
                dropped += gone  # and repeat, for entries written meanwhile
            return dropped

    def close(self) -> None:
        """Close idle connections; the next call opens a new one."""
        self._pool.close()

    # -- inside ----------------------------------------------------------------------------------------

    def _read(self, key: str) -> bytes | None:
        rows, _ = self._pool.execute(GET, (key,))
        return rows[0][0] if rows and self._is_alive(rows[0][1]) else None

    def _drop(self, statement: str, limit: int, *arguments: float) -> int:
        dropped = 0
        while dropped < limit:
            gone = self._write(statement, *arguments, min(BATCH_ROWS, limit - dropped))
            if gone < 1:
                break
            dropped += gone
            time.sleep(BATCH_PAUSE_S)
        return dropped

    def _write_row(self, statement: str, key: str, *arguments: object) -> bool:
        done = self._write(statement, key, *arguments) == 1
        self._prune_now_and_then()
        return self._note_write(key, done)

    def _write(self, statement: str, *arguments: object) -> int:
        """Return how many rows were changed, FAILED if that was not possible. Only one thread writes at a time.

        A thread that waited for another thread, which itself waited in vain, does not wait again. Without this
        lock, the threads of one process would meet in SQLite's busy handler, which sleeps.
        """
        lost = self._lost
        if not self._lock.acquire(timeout=self._timeout):
            self.failures.error = Busy("another thread was writing for the whole timeout")
            return FAILED
        try:
            if self._lost != lost:
                self.failures.error = Busy("another process was writing for the whole timeout")
                return FAILED
            _, changed = self._pool.execute(statement, arguments)
            self._lost += _busy(self.failures.error)
            return changed
        finally:
            self._lock.release()


def _busy(error: Exception | None) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY

"""Connections to one SQLite file, which is created, checked and recreated as necessary.

A failure is only the failed result of the call that met it, never an exception; see ``failures``.

The file is in rollback mode, not in WAL mode, in which SQLite maps a file (-shm) into memory; truncating that
kills every process that reads it with SIGBUS (sqlite.org/wal.html). If another process keeps the file in WAL mode,
it is not used until that process has ended. Nor do writes wait for the disk: a power failure can cost the cache (a
damaged file is recreated), but killing a process never does.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
import zlib
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from embedkit.cache.stores.base import Failures
from embedkit.cache.stores.coordination import Busy, FileLocks
from embedkit.process import lazy_logger, run_now_and_after_fork

log = lazy_logger("embedkit.stores")

FAILED = -1  # instead of a number of rows
NO_PLACE, SPECIAL = (0, 0), (-1, -1)  # if there is no file, and if it is not a regular file
MAX_IDLE = 16  # connections kept open for the next caller
REBUILD_PAUSE_S = 60  # so that on a failing disk the file is not recreated again and again
CREATE_WAIT_S = 1.0  # minimum wait for another process that is creating the file
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
SQLITE_SUFFIXES = ("-journal", "-wal", "-shm")  # SQLite's files next to the database, in any mode

# Row IDs grow with every write, so their order is the order of writing and eviction needs no index.
# WITHOUT ROWID would move every row above 1 KB to overflow pages (sqlite.org/withoutrowid.html).
TABLES = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, expires REAL NOT NULL
);
CREATE INDEX entries_by_end ON entries (expires) WHERE expires > 0;
"""
VERSION = zlib.crc32(TABLES.encode()) >> 1  # kept in user_version, to recognize our own tables
SCHEMA = f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
# The mode is set in exclusive mode, in which SQLite doesn't map anything (sqlite.org/wal.html, section 9); it ends
# with the next read, which asks for the version. A host's SQLite may map files by default.
SET_MODE = """
PRAGMA mmap_size = 0;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = TRUNCATE;
PRAGMA locking_mode = NORMAL;
PRAGMA synchronous = OFF;
"""
ADD = """INSERT INTO entries (key, value, expires) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires
    WHERE expires > 0 AND expires <= ?"""


class Foreign(sqlite3.DatabaseError):
    """The file is a database, but not ours."""


class SQLitePool:
    """One connection for each concurrent caller; idle connections are reused.

    :param path: path of the file. If it has other tables than ours, or another version, it is moved aside and
        recreated.
    :param lock_path: path of the file whose locks keep two processes from creating the database at once.
    :param timeout: seconds to wait for another process that is writing.
    :param failures: receives errors.
    """

    def __init__(self, path: str, lock_path: str, timeout: float, failures: Failures) -> None:
        self.path = path
        self.working = True
        self.failures = failures
        self._lock_path = lock_path
        self._timeout = timeout
        self._rebuilt = -float("inf")
        self._inherited: list[deque[sqlite3.Connection]] = []
        self._idle: deque[sqlite3.Connection] = deque()
        self._place = NO_PLACE
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Set the connections of the parent aside: a child may neither use nor close them
        (sqlite.org/howtocorrupt.html 2.6)."""
        self._inherited.append(self._idle)
        self._idle = deque()

    def execute(self, statement: str, arguments: Sequence[Any] = ()) -> tuple[list[Any], int]:
        """Return the rows that a statement finds, and the number it changes; no rows and FAILED on failure."""
        moved = self.close_if_moved()  # takes two microseconds; otherwise it could act on a deleted file
        idle = self._idle
        self.failures.error = None
        try:
            try:
                db = idle.pop()
            except IndexError:
                db = self._connect()
            try:
                cursor = db.execute(statement, arguments)
                found = cursor.fetchall(), cursor.rowcount
            except BaseException:
                db.close()
                raise
        except sqlite3.Error as error:
            self._note_failure(error)
            return [], FAILED
        if len(idle) < MAX_IDLE:
            idle.append(db)
        else:
            db.close()
        self.working = not moved
        return found

    def close(self) -> None:
        """Close idle connections; the next call opens a new one."""
        while self._idle:
            with suppress(IndexError):  # another thread may have taken the last one
                self._idle.pop().close()

    def close_if_moved(self) -> bool:
        """Close idle connections if the file was deleted or replaced, to continue with the current or a new one.

        Connections from before the file was set to WAL mode are closed as well, as they would map its memory.
        """
        if not self._idle:
            return False
        moved = _place(self.path) != self._place
        if moved:
            log.warning("%s has been removed; the cache starts empty", self.path)
        if moved or os.path.exists(f"{self.path}-wal"):
            self.close()
        return moved

    def __del__(self) -> None:
        if hasattr(self, "_idle"):
            self.close()

    def _note_failure(self, error: sqlite3.Error) -> None:
        log.debug("%s: %s", self.path, error)
        self.working = False
        self.failures.error = error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in BROKEN:
            self._rebuild(f"{self.path}.damaged")
        elif code == sqlite3.SQLITE_ERROR:
            self.close()  # the tables may not be ours any more: the next connection checks that

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._connect_once()
        except Foreign:  # it may be of value to someone, so it gets a unique name
            if not self._rebuild(f"{self.path}.foreign-{time.time_ns()}"):
                raise
            return self._connect_once()

    def _connect_once(self) -> sqlite3.Connection:
        db = self._open()
        try:
            db.executescript(SET_MODE)  # fails if another process has the file open in WAL mode
            if not self._is_made(db):
                self._create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _open(self) -> sqlite3.Connection:
        self._place = _place(self.path)  # before opening: if the file is replaced meanwhile, the next call notices
        if SPECIAL in (self._place, _place(f"{self.path}-journal")):  # SQLite would wait for the writer of a pipe
            raise sqlite3.OperationalError(f"{self.path} or its journal is not a regular file")
        if is_new := self._place == NO_PLACE:
            with suppress(OSError):  # which SQLite then reports
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
        db = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        if is_new:
            self._place = _place(self.path)
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        """Create the tables, one process at a time: without the lock, tables half created would look foreign.

        :raises Foreign: if there are other tables.
        """
        try:
            with FileLocks.at(self._lock_path).hold("create", max(self._timeout, CREATE_WAIT_S)):
                if not self._is_made(db):
                    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                        raise Foreign(f"{self.path} has other tables than ours")
                    db.executescript(SCHEMA)
        except Busy as error:
            raise sqlite3.OperationalError(str(error)) from None

    def _is_made(self, db: sqlite3.Connection) -> bool:
        """Return whether our tables exist; after a failure, each is checked, because one may have been dropped."""
        version = db.execute("PRAGMA user_version").fetchone()
        return version == (VERSION,) and (self.working or _can_prepare(db, ADD))

    def _rebuild(self, aside: str) -> bool:
        """Move a file that is not our database aside; return whether the next connection may create a new one."""
        now, broken = time.monotonic(), self._place
        if now - self._rebuilt < REBUILD_PAUSE_S:
            return False
        self._rebuilt = now
        self.close()
        try:
            with FileLocks.at(self._lock_path).hold("create", max(self._timeout, CREATE_WAIT_S)):
                if _place(self.path) == broken:  # otherwise another process has done it already
                    log.warning("%s is not our cache, and is now %s; the cache starts empty", self.path, aside)
                    os.replace(self.path, aside)
                    for rest in SQLITE_SUFFIXES:  # the old journal must not be applied to the new file
                        with suppress(FileNotFoundError):
                            os.unlink(self.path + rest)
        except (OSError, Busy) as error:
            log.debug("%s: %s", self.path, error)
            return False
        return True


def _can_prepare(db: sqlite3.Connection, statement: str) -> bool:
    """Return whether the tables have the columns and keys that a statement needs, without executing it."""
    try:
        db.execute(f"EXPLAIN {statement}", [None] * statement.count("?")).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise
        return False
    return True


def _place(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return NO_PLACE
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else SPECIAL

"""Connections to one SQLite file: opened when needed, made, checked and made anew when they have to be.

Whatever goes wrong is the failed outcome of the one call that met it, never an exception; ``failures`` has it.

The file is in rollback mode, not in WAL mode: there SQLite maps a file (-shm) into memory, and whoever cuts that
ends every process that reads it with SIGBUS (sqlite.org/wal.html). Where another process keeps it in WAL mode it
is not used, until that one has gone. Nor does it wait for the disk: a power cut may
cost the cache (a file that is damaged is made anew), a process that is killed never does.
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

FAILED = -1  # in place of a number of rows
NO_PLACE, SPECIAL = (0, 0), (-1, -1)  # where there is no file, and where it is none
MAX_IDLE = 16  # connections kept open for the next caller
REBUILD_PAUSE_S = 60  # seconds: a disk that keeps failing is not rebuilt again and again
CREATE_WAIT_S = 1.0  # seconds for another process to make the file, at the least
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
SQLITE_SUFFIXES = ("-journal", "-wal", "-shm")  # what SQLite keeps beside the file; of an older mode, too

# Row ids grow with every write, so their order is the order of writing and eviction needs no index.
# WITHOUT ROWID would move every row above 1 KB to overflow pages (sqlite.org/withoutrowid.html).
TABLES = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, expires REAL NOT NULL
);
CREATE INDEX entries_by_end ON entries (expires) WHERE expires > 0;
"""
VERSION = zlib.crc32(TABLES.encode()) >> 1  # kept in user_version, which tells our tables from those of others
SCHEMA = f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
# The mode is set in exclusive mode, in which SQLite maps nothing on the way (sqlite.org/wal.html, section 9);
# that ends with the next read, which asks for the version. A host's SQLite may map files by default.
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
    """The file is a database, but not of ours."""


class SQLitePool:
    """As many connections as there are callers at once; each is used by one of them at a time.

    :param path: of the file; ``lock_path`` of the one whose locks keep two processes from making it at once.
        A file with other tables than ours, or of another version, is moved aside and made anew.
    :param timeout: seconds to wait for another process that is writing.
    :param failures: gets what goes wrong.
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
        """A child may neither use nor close the connections of its parent (sqlite.org/howtocorrupt.html 2.6)."""
        self._inherited.append(self._idle)
        self._idle = deque()

    def execute(self, statement: str, arguments: Sequence[Any] = ()) -> tuple[list[Any], int]:
        """The rows that a statement finds, and how many it has changed; none and FAILED where it fails."""
        moved = self.close_if_moved()  # two microseconds: else it would act on a file that nobody sees
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
        """Close what is idle; the next call opens a new connection."""
        while self._idle:
            with suppress(IndexError):  # another thread may take the last one
                self._idle.pop().close()

    def close_if_moved(self) -> bool:
        """Where somebody has removed the file, go on with the one that is there now, or a new one.

        Connections of before somebody set WAL mode are closed as well: they would map its memory.
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
            self.close()  # the tables may not be ours any more: the next connection looks

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._connect_once()
        except Foreign:  # somebody may miss it, so it replaces no other
            if not self._rebuild(f"{self.path}.foreign-{time.time_ns()}"):
                raise
            return self._connect_once()

    def _connect_once(self) -> sqlite3.Connection:
        db = self._open()
        try:
            db.executescript(SET_MODE)  # fails where somebody else has the file open in WAL mode
            if not self._is_made(db):
                self._create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _open(self) -> sqlite3.Connection:
        self._place = _place(self.path)  # before: another that is put there meanwhile is found by the next call
        if SPECIAL in (self._place, _place(f"{self.path}-journal")):  # SQLite would wait for who writes to a pipe
            raise sqlite3.OperationalError(f"{self.path} or its journal is not a plain file")
        if is_new := self._place == NO_PLACE:
            with suppress(OSError):  # then SQLite has something to say
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
        db = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        if is_new:
            self._place = _place(self.path)
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        """Make the tables, one process at a time: without the lock, those that another is making look foreign.

        :raises Foreign: where others are.
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
        """Whether our tables are there; looked at closely after a failure, for somebody may have dropped one."""
        version = db.execute("PRAGMA user_version").fetchone()
        return version == (VERSION,) and (self.working or _can_prepare(db, ADD))

    def _rebuild(self, aside: str) -> bool:
        """Move a file that is not a database of ours aside; whether the next connection may make a new one."""
        now, broken = time.monotonic(), self._place
        if now - self._rebuilt < REBUILD_PAUSE_S:
            return False
        self._rebuilt = now
        self.close()
        try:
            with FileLocks.at(self._lock_path).hold("create", max(self._timeout, CREATE_WAIT_S)):
                if _place(self.path) == broken:  # else another process has done it by now
                    log.warning("%s is not our cache, and is %s now; the cache starts empty", self.path, aside)
                    os.replace(self.path, aside)
                    for rest in SQLITE_SUFFIXES:  # a journal of the old file must not be played into the new one
                        with suppress(FileNotFoundError):
                            os.unlink(self.path + rest)
        except (OSError, Busy) as error:
            log.debug("%s: %s", self.path, error)
            return False
        return True


def _can_prepare(db: sqlite3.Connection, statement: str) -> bool:
    """Whether the tables have the columns and the keys that a statement needs; it is not executed."""
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

"""Connections to one SQLite file: opened when needed, made, checked and made anew when they have to be.

Whatever goes wrong is the failed outcome of the one call that met it, never an exception; ``failures`` has it.

The file is in rollback mode, not in WAL mode: there SQLite maps a file (-shm) into memory, and whoever cuts that
ends every process that reads it with SIGBUS (sqlite.org/wal.html). Nor does it wait for the disk: a power cut may
cost the cache (a file that is damaged is made anew), a process that is killed never does.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from embedkit.stores.failures import Failures
from embedkit.stores.locks import Busy, FileLocks, tell_of_forks

log = logging.getLogger("embedkit.stores")

Result = TypeVar("Result")

IDLE = 16  # connections kept open for the next caller
REBUILD_PAUSE = 60  # seconds: a disk that keeps failing is not rebuilt again and again
CREATE_WAIT = 1.0  # seconds for another process to make the file, at the least
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
BESIDE = ("-journal", "-wal", "-shm")  # what SQLite keeps beside the file; of an older mode, too


class Pool:
    """As many connections as there are callers at once; each is used by one of them at a time.

    :param path: of the file; ``lock_path`` of the one whose locks keep two processes from making it at once.
    :param schema: makes the tables, and sets user_version to ``version``; a file of any other is made anew.
    :param timeout: seconds to wait for another process that is writing.
    """

    def __init__(self, path: str, *, lock_path: str, schema: str, version: int, timeout: float) -> None:
        self.path = path
        self.working = True
        self.failures = Failures()
        self._lock_path = lock_path
        self._schema = schema
        self._version = version
        self._timeout = timeout
        self._rebuilt = -float("inf")
        self._inherited: list[deque[sqlite3.Connection]] = []
        self._idle: deque[sqlite3.Connection] = deque()
        self._inode = 0
        tell_of_forks(self)

    def after_fork(self) -> None:
        """A child may neither use nor close the connections of its parent (sqlite.org/howtocorrupt.html 2.6)."""
        self._inherited.append(self._idle)
        self._idle = deque()

    def do(self, act: Callable[[sqlite3.Connection], Result], failed: Result) -> Result:
        """Act on a connection; where SQLite cannot, log it and say ``failed``."""
        idle = self._idle
        self.failures.error = None
        try:
            try:
                db = idle.pop()
            except IndexError:
                db = self._connect()
            try:
                result = act(db)
            except BaseException:
                db.close()
                raise
        except sqlite3.Error as error:
            self._failed(error)
            return failed
        if len(idle) < IDLE:
            idle.append(db)
        else:
            db.close()
        self.working = True
        return result

    def close(self) -> None:
        """Close what is idle; the next call opens a new connection."""
        try:
            while True:
                self._idle.pop().close()
        except IndexError:
            pass

    def close_if_moved(self) -> bool:
        """Where somebody has removed the file, go on with the one that is there now, or a new one."""
        moved = bool(self._idle) and _inode(self.path) != self._inode
        if moved:
            log.warning("%s has been removed; the cache starts empty", self.path)
            self.close()
        return moved

    def __del__(self) -> None:
        if hasattr(self, "_idle"):
            self.close()

    def _failed(self, error: sqlite3.Error) -> None:
        log.debug("%s: %s", self.path, error)
        self.working = False
        self.failures.error = error
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN:
            self._rebuild()

    def _connect(self) -> sqlite3.Connection:
        db = self._open()
        try:
            _set_mode(db)
            if _version(db) != self._version:
                self._create(db)
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA mmap_size = 0")  # a host's SQLite may map files by default
        except BaseException:
            db.close()
            raise
        return db

    def _open(self) -> sqlite3.Connection:
        with suppress(OSError):  # then SQLite has something to say
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
        db = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        self._inode = _inode(self.path)
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        """Make the tables, one process at a time."""
        try:
            with FileLocks.at(self._lock_path).hold("create", max(self._timeout, CREATE_WAIT)):
                if _version(db) != self._version:
                    db.execute("PRAGMA synchronous = OFF")
                    db.executescript(self._schema)
        except Busy as error:
            raise sqlite3.OperationalError(str(error)) from None

    def _rebuild(self) -> None:
        """Move a file that is no database aside; the next call makes a new one."""
        now, broken = time.monotonic(), self._inode
        if now - self._rebuilt < REBUILD_PAUSE:
            return
        self._rebuilt = now
        self.close()
        try:
            with FileLocks.at(self._lock_path).hold("create", max(self._timeout, CREATE_WAIT)):
                if _inode(self.path) == broken:  # else another process has done it by now
                    log.warning("%s is damaged and has been moved aside; the cache starts empty", self.path)
                    os.replace(self.path, f"{self.path}.damaged")
                    for rest in BESIDE:  # a journal of the old file must not be played into the new one
                        _remove(self.path + rest)
        except (OSError, Busy) as error:
            log.debug("%s: %s", self.path, error)


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _set_mode(db: sqlite3.Connection) -> None:
    """Set the mode. A file of an older version stays in WAL mode for as long as somebody else has it open."""
    try:
        db.execute("PRAGMA journal_mode = TRUNCATE")
    except sqlite3.OperationalError as error:
        log.debug("the database stays in WAL mode for now: %s", error)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass

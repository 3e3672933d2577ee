"""Coordination of the threads, processes and machines that share a store: versions of keys, and named locks.

Versions show which keys have changed since they were last read, so that a copy in memory can be trusted without
reading the store. Each key belongs to one of SLOTS. A writer changes the version of the key's slot after the
write; a reader notes the version before the read, and may use what was read as long as the version is the same.

Locks exclude threads, processes or machines, all with one interface, :meth:`Locks.hold`. Other processes and
machines wait for a lease, which expires on its own, so that a process that was stopped in the middle of its work
does not block others forever. A file lock is also released by the kernel when its holder dies.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from hashlib import blake2b
from typing import Any

from embedkit.files.plain import OPEN_FLAGS, check_handle
from embedkit.process import roll, run_now_and_after_fork, shared

SLOTS = 1024
VERSION_BYTES = 8
TABLE_BYTES = SLOTS * VERSION_BYTES
NO_VERSION = bytes(VERSION_BYTES)  # what a file contains where it was truncated and extended again
WRITABLE = os.O_RDWR | os.O_CREAT

KeyVersion = tuple[Callable[[Any], Any], Any, Any]
"""How to read a version, where it is, and its value; or those of several keys together."""


def slot(key: str) -> int:
    """Return the slot of a key, which is the same in every process."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % SLOTS


class VersionTable:
    """Versions for the threads of one process."""

    def __init__(self) -> None:
        self._versions = [0] * SLOTS
        self._next = itertools.count(1)  # never the same version twice, in any thread

    def read(self, key: str) -> KeyVersion | None:
        """Return the current version of a key; None if there are no versions."""
        read, place = self._versions.__getitem__, slot(key)
        return read, place, read(place)

    def read_many(self, keys: Sequence[str]) -> list[KeyVersion | None]:
        """Like :meth:`read`, for several keys."""
        return [self.read(key) for key in keys]

    def bump(self, key: str) -> bool:
        """Record that a key was written; return whether others can see that."""
        self._versions[slot(key)] = next(self._next)
        return True

    def bump_all(self) -> bool:
        """Record that every key was written."""
        self._versions[:] = [next(self._next)] * SLOTS
        return True


class SharedFile:
    """A file that several processes read and write in place; opened again if it is deleted and recreated.

    Its handles stay open as long as this object exists: another thread may be reading from one, and POSIX drops
    all locks of a process when it closes any handle of their file (fcntl(2)).

    ``handles`` are all handles; the last one is that of the current file.

    :param flags: flags for open(2), tried in this order.
    """

    def __init__(self, path: str, *flags: int, mode: int = 0o666) -> None:
        self._path = path
        self._flags = flags
        self._mode = mode
        self.handles: list[int] = []

    def __del__(self) -> None:
        for handle in self.handles:
            os.close(handle)

    def handle(self) -> int | None:
        """Return the handle of the current file; None if it can't be opened."""
        if self.handles and os.fstat(self.handles[-1]).st_nlink:
            return self.handles[-1]
        for flags in self._flags:
            try:
                self.handles.append(check_handle(os.open(self._path, flags | OPEN_FLAGS, self._mode)))
                return self.handles[-1]
            except OSError:
                continue
        return None


class SharedVersionTable(VersionTable):
    """Versions for all processes of a machine: a small file, read with pread(2) on every use.

    It is not mapped into memory, because truncating a mapped file kills every process that reads it (SIGBUS).
    Versions are random words, so that concurrent writers need no lock, and never zero, so that a file that was
    truncated and extended is noticed. The whole file is written when it is created; later versions need no disk
    space. If it can't be opened, nothing is trusted, and opening it is tried again.
    """

    def __init__(self, path: str) -> None:
        self._file = SharedFile(path, WRITABLE, os.O_RDONLY)  # with read access only, writes are still noticed

    def read(self, key: str) -> KeyVersion | None:
        found = self._read(key)
        if found is None and self.bump_all():  # the file is new, or was truncated
            found = self._read(key)
        return found

    def _read(self, key: str) -> KeyVersion | None:
        try:
            if (file := self._file.handle()) is None:
                return None
            read, place = partial(os.pread, file, VERSION_BYTES), slot(key) * VERSION_BYTES
            version = read(place)
        except OSError:
            return None
        return (read, place, version) if len(version) == VERSION_BYTES and version != NO_VERSION else None

    def read_many(self, keys: Sequence[str]) -> list[KeyVersion | None]:
        table = b""
        with suppress(OSError):
            if (file := self._file.handle()) is not None:
                read, table = partial(os.pread, file, VERSION_BYTES), os.pread(file, TABLE_BYTES, 0)
        if len(table) < TABLE_BYTES or NO_VERSION in table:
            return super().read_many(keys)
        places = [slot(key) * VERSION_BYTES for key in keys]
        return [(read, place, table[place : place + VERSION_BYTES]) for place in places]

    def bump(self, key: str) -> bool:
        return self._write(os.urandom(VERSION_BYTES), slot(key) * VERSION_BYTES)

    def bump_all(self) -> bool:
        return self._write(os.urandom(TABLE_BYTES), 0)

    def _write(self, words: bytes, offset: int) -> bool:
        try:
            if (file := self._file.handle()) is None:
                return False
            for removed in self._file.handles[:-1]:  # still used by what was read before
                os.pwrite(removed, words, offset)
            if os.fstat(file).st_size < TABLE_BYTES:  # new, or truncated, so that its versions mean nothing
                words, offset = os.urandom(TABLE_BYTES), 0
            return os.pwrite(file, words, offset) == len(words)
        except OSError:
            return False  # others keep using what they have until they read the store again


def shared_versions(path: str) -> SharedVersionTable | None:
    """Return the versions in this file; None on Windows, which has no pread."""
    return None if sys.platform == "win32" else SharedVersionTable(path)


MIN_PAUSE_S, MAX_PAUSE_S = 0.001, 0.02  # between two attempts
GRACE_S = 2  # added to the time that the work may take, for the length of a lease


class Busy(Exception):
    """Others held the lock for longer than the caller could wait."""


class Locks:
    """Locks between the threads of a process."""

    def __init__(self) -> None:
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Release all locks: nothing is held in a new process."""
        self._mutex = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, name: str, wait: float) -> Iterator[bool]:
        """Hold a lock during a ``with`` block, which receives whether it had to wait.

        :param wait: maximum wait in seconds.
        :raises Busy: if others held it all that time.
        """
        deadline = time.monotonic() + wait
        pause, waited = MIN_PAUSE_S, False
        while not self._take(name, math.ceil(wait) + GRACE_S):
            if (left := deadline - time.monotonic()) <= 0:
                raise Busy(f"{name} has been held by another for more than {wait} seconds")
            time.sleep(min(left, pause * (0.5 + roll())))
            pause, waited = min(2 * pause, MAX_PAUSE_S), True
        try:
            yield waited
        finally:
            try:
                self._end_lease(name)
            finally:  # even if that is interrupted, or this process could never hold the lock again
                self._leave(name)

    @contextmanager
    def try_hold(self, name: str, wait: float) -> Iterator[bool]:
        """Like :meth:`hold`, for a block that runs in any case, and receives whether it has the lock."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.hold(name, wait))
                held = True
            except Busy:
                held = False
            yield held

    def _take(self, name: str, seconds: int) -> bool:
        with self._mutex:
            if name in self._held:
                return False
            self._held.add(name)
        leased = False
        try:
            leased = self._lease(name, seconds)
        finally:
            if not leased:
                self._leave(name)
        return leased

    def _leave(self, name: str) -> None:
        with self._mutex:
            self._held.discard(name)

    def _lease(self, name: str, seconds: int) -> bool:  # noqa: ARG002 (for those with other processes)
        """Exclude other processes as well, for a number of seconds; return whether that succeeded."""
        return True

    def _end_lease(self, name: str) -> None:
        """Let other processes in again."""


class FileLocks(Locks):
    """Locks between the processes of a machine: each name has a range of bytes in one file.

    The bytes of a name stand for seconds. To take a lock, a process locks the range from now to the end of the
    lease, which fails if another process holds an overlapping range. So a lease ends without any action, and
    nothing has to be written. The time is that of the machine's clock: setting it forward ends leases early, and
    the work is done twice.

    POSIX drops all locks of a process when it closes any handle of the file (fcntl(2)). So there is one object for
    each path, from :meth:`at`, and its handle stays open as long as the object exists. If the file can't be
    created, these are only locks between threads.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = SharedFile(path, WRITABLE)
        self._leases: dict[str, tuple[int, int, int]] = {}

    @classmethod
    def at(cls, path: str) -> FileLocks:
        """Return the locks of a file, which are the same object everywhere in the process."""
        real = os.path.realpath(path)
        return shared((cls, real), lambda: cls(real))

    def _lease(self, name: str, seconds: int) -> bool:
        if (file := self._file.handle()) is None:
            return True
        offset = _offset(name, int(time.time()))
        if not _lock(file, offset, seconds):
            return False
        self._leases[name] = file, offset, seconds
        return True

    def _end_lease(self, name: str) -> None:
        if lease := self._leases.pop(name, None):
            _unlock(*lease)


class LeaseLocks(Locks):
    """Locks between machines: an entry in a store that they share, added by one of them and expiring on its own.

    :param add: stores a value (key, value, seconds) if there is none; returns None if the store fails, in which
        case these are only locks between threads.
    :param get: returns a value.
    :param delete: deletes a value.
    """

    def __init__(
        self,
        add: Callable[[str, str, int], bool | None],
        get: Callable[[str], object],
        delete: Callable[[str], object],
    ) -> None:
        super().__init__()
        self._add, self._get, self._delete = add, get, delete

    def after_fork(self) -> None:
        super().after_fork()
        self._owner = os.urandom(16).hex()

    def _lease(self, name: str, seconds: int) -> bool:
        """Add the entry; a store that adds none although there is none can't store anything (its disk is full)."""
        for _ in range(2):  # again for a lease that expired between the two calls
            if self._add(name, self._owner, seconds) is not False:
                return True
            if self._get(name) is not None:
                return False
        return True

    def _end_lease(self, name: str) -> None:
        if self._get(name) == self._owner:  # it may have expired and belong to another
            self._delete(name)


def _offset(name: str, second: int) -> int:
    """Return the byte for a name and a second: far past the end of any file, which POSIX allows."""
    names = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> (64 - NAME_BITS)
    return (names << SECOND_BITS) + second % (1 << SECOND_BITS)


if sys.platform == "win32":
    import msvcrt

    NAME_BITS, SECOND_BITS = 18, 12  # offsets have 31 bits on Windows

    _seeking = threading.Lock()

    def _try_lock(file: int, offset: int, length: int, mode: int) -> bool:
        with _seeking:
            os.lseek(file, offset, os.SEEK_SET)
            try:
                msvcrt.locking(file, mode, length)
            except OSError:
                return False
            return True

    def _lock(file: int, offset: int, length: int) -> bool:
        return _try_lock(file, offset, length, msvcrt.LK_NBLCK)

    def _unlock(file: int, offset: int, length: int) -> None:
        _try_lock(file, offset, length, msvcrt.LK_UNLCK)

else:
    import fcntl

    NAME_BITS, SECOND_BITS = 42, 20  # the same byte is used again after twelve days

    def _lock(file: int, offset: int, length: int) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, offset)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: another process has it (fcntl(2))
            return False
        except OSError:
            return True  # a file system without locks: two calls are better than none
        return True

    def _unlock(file: int, offset: int, length: int) -> None:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, length, offset)

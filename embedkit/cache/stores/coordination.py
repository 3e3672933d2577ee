"""How those who share a store keep out of each other's way: versions of keys, and locks by name.

Versions say which keys have changed since they were last read, so that a copy in memory can be trusted without
asking the store. Each key belongs to one of SLOTS. Whoever writes a key changes the version of its slot after the
write; whoever reads one takes the version before the read, and may use what was read for as long as the version is
the same.

Locks are between threads, between the processes of a machine, or between machines, with one interface,
:meth:`Locks.hold`. What other processes and machines wait for is a lease: it runs out by itself, so that a process
that was stopped in the midst of its work holds nobody up for ever. A lock of files is freed by the kernel as well,
when its holder dies.
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
VERSION_BYTES = 8  # of a version
TABLE_BYTES = SLOTS * VERSION_BYTES
NO_VERSION = bytes(VERSION_BYTES)  # what a file reads as where it was cut and grew again
WRITABLE = os.O_RDWR | os.O_CREAT

KeyVersion = tuple[Callable[[Any], Any], Any, Any]
"""How to read a version, where it lies, and what it was; or those of several keys together."""


def slot(key: str) -> int:
    """Which slot a key belongs to, the same in every process."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % SLOTS


class VersionTable:
    """Versions for the threads of one process."""

    def __init__(self) -> None:
        self._versions = [0] * SLOTS
        self._next = itertools.count(1)  # never the same version twice, whichever thread is first

    def read(self, key: str) -> KeyVersion | None:
        """The version of a key as it is now; None where there is none to go by."""
        read, place = self._versions.__getitem__, slot(key)
        return read, place, read(place)

    def read_many(self, keys: Sequence[str]) -> list[KeyVersion | None]:
        """The same for many keys."""
        return [self.read(key) for key in keys]

    def bump(self, key: str) -> bool:
        """Note that a key has been written; whether others can see it."""
        self._versions[slot(key)] = next(self._next)
        return True

    def bump_all(self) -> bool:
        """Note that every key has been written."""
        self._versions[:] = [next(self._next)] * SLOTS
        return True


class SharedFile:
    """A file that processes read and write at the same time, in place; another one once somebody has removed it.

    What was opened stays open for as long as anybody has this: another thread may be reading from it, and POSIX
    drops all locks of a process as soon as it closes any handle of their file (fcntl(2)).

    ``handles`` are all of them, the last one of the file that is there.

    :param flags: of open(2), tried in this order.
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
        """The file that is there now; None where it can't be opened."""
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
    """Versions for all processes of a machine: a small file, read with pread(2) at each use.

    It is not mapped into memory: whoever cuts a mapped file ends every process that reads it (SIGBUS). Versions
    are random words, so that two writers at once need no lock between them, and never zero, so that a file
    that was cut and grew again is noticed. The whole file is written when it is made; later versions need no
    room on the disk. Where it can't be opened, nothing is trusted, and it is tried again.
    """

    def __init__(self, path: str) -> None:
        self._file = SharedFile(path, WRITABLE, os.O_RDONLY)  # who may only read still sees what others write

    def read(self, key: str) -> KeyVersion | None:
        found = self._read(key)
        if found is None and self.bump_all():  # the file is new, or was cut
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
            for removed in self._file.handles[:-1]:  # what was read before still goes by these
                os.pwrite(removed, words, offset)
            if os.fstat(file).st_size < TABLE_BYTES:  # new, or cut: what is left of the versions means nothing
                words, offset = os.urandom(TABLE_BYTES), 0
            return os.pwrite(file, words, offset) == len(words)
        except OSError:
            return False  # others go on with what they hold until they look again by themselves


def shared_versions(path: str) -> SharedVersionTable | None:
    """Versions in this file; None on Windows, which has no pread."""
    return None if sys.platform == "win32" else SharedVersionTable(path)


MIN_PAUSE_S, MAX_PAUSE_S = 0.001, 0.02  # seconds between two tries
GRACE_S = 2  # for which a lease outlives the time that its work may take


class Busy(Exception):
    """Others held it for longer than the caller could wait."""


class Locks:
    """Locks between the threads of a process."""

    def __init__(self) -> None:
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Nobody holds anything in a new process."""
        self._mutex = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, name: str, wait: float) -> Iterator[bool]:
        """Hold a lock for the length of a block, which gets whether it had to wait.

        :param wait: seconds after which to give up.
        :raises Busy: where others held it all that time.
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
            finally:  # whatever interrupts that, or nobody here would ever hold it again
                self._leave(name)

    @contextmanager
    def try_hold(self, name: str, wait: float) -> Iterator[bool]:
        """The same for a block that runs in any case, and gets whether it has the lock."""
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
        """Keep other processes out as well, for so long; whether none of them is at it."""
        return True

    def _end_lease(self, name: str) -> None:
        """Let others in again."""


class FileLocks(Locks):
    """Locks between the processes of a machine: a range of bytes of one file for each name.

    The bytes of a name stand for seconds. Who takes it locks the range from now to the end of the lease, which
    nobody can do whose own range overlaps; so the lease has an end without anybody's doing, and nothing has to
    be written down. The clock is the machine's: one that is set forward ends leases early, and the work
    is done twice.

    POSIX drops all locks of a process as soon as it closes any handle of the file (fcntl(2)). So there is
    one object a path, got with :meth:`at`, and its handle stays open for as long as anybody has it.
    Where the file can't be made, these are locks between threads alone.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._file = SharedFile(path, WRITABLE)
        self._leases: dict[str, tuple[int, int, int]] = {}

    @classmethod
    def at(cls, path: str) -> FileLocks:
        """The locks of this file, the same object for everybody in the process."""
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
    """Locks between machines: an entry in a store they share, added by one and gone by itself in time.

    :param add: puts a value (key, value, seconds) where there is none yet; None if the store is out of
        order, and then these are locks between threads alone.
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
        """Add the entry; a store that adds none where there is none keeps nothing (its disk is full)."""
        for _ in range(2):  # the second time for a lease that ended between the two questions
            if self._add(name, self._owner, seconds) is not False:
                return True
            if self._get(name) is not None:
                return False
        return True

    def _end_lease(self, name: str) -> None:
        if self._get(name) == self._owner:  # it may have run out and be another's by now
            self._delete(name)


def _offset(name: str, second: int) -> int:
    """Which byte stands for a name and a second: far past the end of any file, which POSIX allows."""
    names = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") >> (64 - NAME_BITS)
    return (names << SECOND_BITS) + second % (1 << SECOND_BITS)


if sys.platform == "win32":
    import msvcrt

    NAME_BITS, SECOND_BITS = 18, 12  # offsets have 31 bits there

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

    NAME_BITS, SECOND_BITS = 42, 20  # the same byte comes again after twelve days

    def _lock(file: int, offset: int, length: int) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, offset)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES: another process has it (fcntl(2))
            return False
        except OSError:
            return True  # a file system without locks: better two calls than none
        return True

    def _unlock(file: int, offset: int, length: int) -> None:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, length, offset)

"""Takedowns that could not be written to the store: pictures that were withdrawn or purged, and when.

No copy from before that time is shown, whatever the store still contains. Takedowns are kept in memory, and in a
file of 64 KB whose space is reserved on first use, so that a full disk can't prevent writing them: in place, one
slot each, with a checksum, synced. So the next process knows about them, and so do the other processes that share
the file. A slot becomes free once the takedown is in the store, or once every copy from before it has expired.

If all slots are used, the oldest takedown is evicted, and its time becomes the horizon: no copy of any picture
from before the horizon is shown. That costs calls to Getty, but never brings a picture back.

    header   magic 16 · generation 8 · horizon 8 · checksum 4       (64 bytes)
    slot     key 32 · when 8 · checksum 4                           (64 bytes)

The generation changes with the contents. It is 0 until the first takedown, so that a file without any is not read.

On a file system that never writes in place (btrfs, ZFS), reserving the space guarantees less.
"""

from __future__ import annotations

import math
import os
import struct
import threading
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property

from embedkit.cache.stores.coordination import WRITABLE, FileLocks, Locks, SharedFile
from embedkit.process import lazy_logger, roll, run_now_and_after_fork

log = lazy_logger("embedkit.cache")

SLOTS = 1023
SLOT_BYTES = 64
SIZE_BYTES = SLOT_BYTES * (SLOTS + 1)
MAGIC = b"embedkit:takes:1"
HEADER = struct.Struct(">16s8sdI")
SLOT = struct.Struct(">32sdI")
EMPTY = bytes(SLOT_BYTES)
UNUSED = bytes(8)  # the generation of a file without takedowns
LOCK_TIMEOUT_S = 1.0  # to wait for another process that is writing
NEVER = 0.0


class Takedowns:
    """Takedowns by key. A key ends in the 64 hexadecimal digits of a hash.

    :param path: path of the file; None for memory only.
    :param prefix: prefix of all keys.
    :param life: seconds after which no copy from before a takedown can exist.
    """

    def __init__(self, path: str | None, *, prefix: str, life: float) -> None:
        self._path = path if hasattr(os, "pread") else None  # not on Windows
        self._file = SharedFile(self._path, WRITABLE, mode=0o600) if self._path else None
        self._prefix = prefix
        self._life = life
        self._own: dict[bytes, float] = {}  # those of this process
        self._filed: dict[bytes, float] = {}  # those in the file when it was last read
        self._slots: dict[bytes, int] = {}
        self._horizon = NEVER
        self._generation = UNUSED
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock: in the parent, a thread that the child lacks may have held it."""
        self._lock = threading.RLock()

    @property
    def reserved(self) -> bool:
        """Whether there is a file, in which takedowns outlive this process."""
        return self._reserve() is not None

    def time(self, key: str) -> float:
        """Return when a picture was last taken down; 0 for never."""
        return self.times((key,))[0]

    def times(self, keys: Sequence[str]) -> list[float]:
        """Like :meth:`time`, for several pictures; checks the file only once."""
        self._refresh()
        if not self:
            return [self._horizon] * len(keys)
        own, filed, horizon = self._own, self._filed, self._horizon
        digests = map(self._digest, keys)
        return [max(own.get(digest, NEVER), filed.get(digest, NEVER), horizon) for digest in digests]

    def keys(self) -> list[str]:
        """Return the keys of all takedowns, the oldest first."""
        self._refresh()
        known = self._filed | self._own
        return [self._prefix + digest.hex() for digest in sorted(known, key=known.__getitem__)]

    def __bool__(self) -> bool:
        return bool(self._own or self._filed)

    def add(self, key: str, when: float) -> bool:
        """Remember a takedown; return whether it is in the file, too."""
        digest = self._digest(key)
        with self._lock:
            self._own[digest] = max(when, self._own.get(digest, NEVER))
            while len(self._own) > SLOTS:
                self._horizon = max(self._horizon, self._own.pop(min(self._own, key=self._own.__getitem__)))
            if (file := self._reserve()) is None:
                return False
            try:
                with self._alone():
                    return self._write(file, digest, when)
            except OSError as error:
                log.warning("a takedown could not be written to %s (%s)", self._path, error.strerror)
                return False

    def remove(self, key: str, until: float = math.inf) -> None:
        """Forget a takedown that is now in the store, unless there is one later than ``until``."""
        digest = self._digest(key)
        if digest not in self._own and digest not in self._filed:
            return
        file = self._reserve()
        with self._lock, self._alone():
            try:
                self._refresh()
                if max(self._own.get(digest, NEVER), self._filed.get(digest, NEVER)) > until:
                    return
                self._own.pop(digest, None)
                if file is not None and self._filed.pop(digest, None) is not None:
                    _put(file, self._slots.pop(digest), EMPTY)
                    self._bump_generation(file)
            except OSError as error:
                log.debug("%s: %s", self._path, error)

    # -- the file ----------------------------------------------------------------------------------------

    def _digest(self, key: str) -> bytes:
        return bytes.fromhex(key.removeprefix(self._prefix))

    @cached_property
    def _locks(self) -> Locks:
        return FileLocks.at(f"{self._path}.lock") if self._path else Locks()

    def _alone(self) -> AbstractContextManager[bool]:
        return self._locks.try_hold("takedowns", LOCK_TIMEOUT_S)  # sharing a slot is better than losing one

    def _reserve(self) -> int | None:
        """Open the file and reserve its space; None if there is no file."""
        if self._file is None or (file := self._file.handle()) is None:
            return None
        try:
            if os.fstat(file).st_size < SIZE_BYTES:
                with self._lock, self._alone():
                    self._fill(file)
        except OSError as error:
            log.debug("%s: %s", self._path, error)
            return None
        return file

    def _fill(self, file: int) -> None:
        """Write the missing part of the file, and the takedowns that it had before it was truncated."""
        missing = bytes(max(0, SIZE_BYTES - os.fstat(file).st_size))
        if missing:
            if os.pwrite(file, missing, SIZE_BYTES - len(missing)) < len(missing):
                raise OSError("no room")
            is_new = len(missing) == SIZE_BYTES and not self._horizon
            self._put_header(file, UNUSED if is_new else os.urandom(8))
            self._slots.clear()
            for digest, when in (self._filed | self._own).items():
                self._write(file, digest, when)
        os.fsync(file)

    def _refresh(self) -> None:
        """Read the file again, if another process has changed it."""
        if self._file is None or (file := self._file.handle()) is None:
            return
        try:
            header = os.pread(file, HEADER.size, 0)
            if not header:  # a new file, because the previous one was deleted
                self._reserve()
            elif len(header) == HEADER.size and header[16:24] != self._generation:
                with self._lock:
                    self._read(os.pread(file, SIZE_BYTES, 0))  # if it is truncated, the previous data is kept
        except OSError as error:
            log.debug("%s: %s", self._path, error)

    def _read(self, data: bytes) -> None:
        if len(data) < SIZE_BYTES:
            return
        magic, generation, horizon, check = HEADER.unpack_from(data)
        self._generation = generation
        if magic == MAGIC and check == zlib.crc32(data[:16] + data[24:32]):
            self._horizon = max(self._horizon, horizon)
        slots = {}
        filed = {}
        for number in range(1, SLOTS + 1):
            digest, when, check = SLOT.unpack_from(data, number * SLOT_BYTES)
            if when and check == zlib.crc32(data[number * SLOT_BYTES : number * SLOT_BYTES + 40]):
                slots[digest] = number
                filed[digest] = when
        self._slots, self._filed = slots, filed

    def _write(self, file: int, digest: bytes, when: float) -> bool:
        self._refresh()
        when = max(when, self._filed.get(digest, NEVER))
        number = self._slots.get(digest) or self._free(file, when)
        self._bump_generation(file)  # also before writing, so that a write is noticed even if the process dies
        body = SLOT.pack(digest, when, 0)[:-4]
        _put(file, number, body + zlib.crc32(body).to_bytes(4, "big"))
        self._slots[digest], self._filed[digest] = number, when
        self._bump_generation(file)
        os.fsync(file)
        return True

    def _free(self, file: int, now: float) -> int:
        """Return the number of a free slot, or else evict the oldest takedown."""
        free = sorted(set(range(1, SLOTS + 1)) - set(self._slots.values()))
        if free:  # at random, so that a concurrent writer that the lock did not exclude takes another one
            return free[int(roll() * len(free))]
        oldest = min(self._filed, key=self._filed.__getitem__)
        when = self._filed.pop(oldest)
        if when > now - self._life:
            self._horizon = max(self._horizon, when)
            self._put_header(file, os.urandom(8))
        return self._slots.pop(oldest)

    def _put_header(self, file: int, generation: bytes) -> None:
        self._generation = generation
        check = zlib.crc32(MAGIC + struct.pack(">d", self._horizon))
        _put(file, 0, HEADER.pack(MAGIC, generation, self._horizon, check))

    def _bump_generation(self, file: int) -> None:
        """Make other processes read the file again."""
        self._generation = os.urandom(8)
        os.pwrite(file, self._generation, 16)


def _put(file: int, number: int, data: bytes) -> None:
    os.pwrite(file, data.ljust(SLOT_BYTES, b"\0"), number * SLOT_BYTES)

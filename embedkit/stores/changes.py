"""Which keys have changed since they were last read: lets a copy in memory be trusted without asking the store.

Each key belongs to one of SLOTS marks. Whoever writes a key changes its mark after the write; whoever reads
one takes the mark before the read, and may use what it read for as long as the mark is the same.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import zlib
from collections.abc import Sequence

SLOTS = 1024
WIDTH = 8  # bytes of a mark: one aligned machine word
# Not inherited by other programs; and a link that somebody put there must not lead ftruncate elsewhere.
CAUTIOUS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)


def slot(key: str) -> int:
    """Which mark a key belongs to, the same in every process."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % SLOTS


class Changes:
    """Marks for the threads of one process."""

    def __init__(self) -> None:
        self._marks = [0] * SLOTS
        self._next = itertools.count(1)  # never the same mark twice, whichever thread is first

    @property
    def marks(self) -> Sequence[int]:
        """The marks now; reading one costs no more than an index."""
        return self._marks

    def mark(self, key: str) -> None:
        """Tell that a key has been written."""
        self._marks[slot(key)] = next(self._next)

    def mark_all(self) -> None:
        """Tell that every key has been written."""
        self._marks[:] = [next(self._next)] * SLOTS


class SharedChanges(Changes):
    """Marks for all processes of a machine: a small file, mapped into memory.

    Marks are random words, so that two writers at once need no lock between them. They are written
    through the file, not the mapping: on a full disk that is an error, and not a SIGBUS.

    :raises OSError: where the file cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | CAUTIOUS, 0o666)
        try:
            os.ftruncate(self._file, SLOTS * WIDTH)  # keeps what another process has written
            mapped = mmap.mmap(self._file, SLOTS * WIDTH, access=mmap.ACCESS_READ)
        except BaseException:
            os.close(self._file)
            raise
        self._view = memoryview(mapped).cast("Q")

    def __del__(self) -> None:
        if hasattr(self, "_view"):
            os.close(self._file)

    @property
    def marks(self) -> Sequence[int]:
        return self._view

    def mark(self, key: str) -> None:
        self._write(os.urandom(WIDTH), slot(key) * WIDTH)

    def mark_all(self) -> None:
        self._write(os.urandom(WIDTH * SLOTS), 0)

    def _write(self, words: bytes, offset: int) -> None:
        try:
            os.pwrite(self._file, words, offset)
        except OSError:
            pass  # no room: others go on with what they hold until they look again by themselves


def shared_changes(path: str) -> SharedChanges | None:
    """Marks in this file; None where it cannot be made, and on Windows, which has no pwrite."""
    if sys.platform == "win32":
        return None
    try:
        return SharedChanges(path)
    except OSError:
        return None

"""Which keys have changed since they were last read: lets a copy in memory be trusted without asking the store.

Each key belongs to one of SLOTS marks. Whoever writes a key changes its mark after the write; whoever reads
one takes the mark before the read, and may use what it read for as long as the mark is the same.
"""

from __future__ import annotations

import itertools
import os
import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

SLOTS = 1024
WIDTH = 8  # bytes of a mark
SIZE_BYTES = SLOTS * WIDTH
NO_MARK = bytes(WIDTH)  # what a file reads as where it was cut and grew again
# Not inherited by other programs; and a link that somebody put there must not lead a write elsewhere.
CAUTIOUS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)

Place = tuple[Callable[[int], Any], int, Any]
"""How to read a mark, where it lies, and what it was."""


def slot(key: str) -> int:
    """Which mark a key belongs to, the same in every process."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % SLOTS


class Changes:
    """Marks for the threads of one process."""

    def __init__(self) -> None:
        self._marks = [0] * SLOTS
        self._next = itertools.count(1)  # never the same mark twice, whichever thread is first

    def take(self, key: str) -> Place | None:
        """The mark of a key as it is now; None where there is none to go by."""
        read, place = self._marks.__getitem__, slot(key)
        return read, place, read(place)

    def mark(self, key: str) -> bool:
        """Tell that a key has been written; whether that could be told."""
        self._marks[slot(key)] = next(self._next)
        return True

    def mark_all(self) -> bool:
        """Tell that every key has been written."""
        self._marks[:] = [next(self._next)] * SLOTS
        return True


class SharedChanges(Changes):
    """Marks for all processes of a machine: a small file, read with pread(2) at each use.

    It is not mapped into memory: whoever cuts a mapped file ends every process that reads it (SIGBUS). Marks
    are random words, so that two writers at once need no lock between them, and never zero, so that a file
    that was cut and grew again is noticed. The whole file is written when it is made; later marks need no
    room on the disk. Where it cannot be had, nothing is trusted, and it is tried again.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._retired: list[int] = []  # of files that were removed; holds in memory may still read them
        self._open()

    def __del__(self) -> None:
        for file in (self._file, *self._retired):
            if file is not None:
                os.close(file)

    def take(self, key: str) -> Place | None:
        try:
            if self._file is None or os.fstat(self._file).st_nlink == 0:
                self._open()
            if self._file is None:
                return None
            read, place = partial(os.pread, self._file, WIDTH), slot(key) * WIDTH
            mark = read(place)
            if len(mark) == WIDTH and mark != NO_MARK:
                return read, place, mark
            self.mark_all()
        except OSError:
            pass
        return None

    def mark(self, key: str) -> bool:
        if self._file is None:
            self._open()
        return self._write(os.urandom(WIDTH), slot(key) * WIDTH)

    def mark_all(self) -> bool:
        return self._write(os.urandom(SIZE_BYTES), 0)

    def _open(self) -> None:
        if self._file is not None:
            self._retired.append(self._file)
        self._file = _opened(self._path)
        if self._file is not None and not _whole(self._file):
            self.mark_all()

    def _write(self, words: bytes, offset: int) -> bool:
        if self._file is None:
            return False
        try:
            if os.fstat(self._file).st_size < SIZE_BYTES:  # cut: what is left of the marks tells nothing
                words, offset = os.urandom(SIZE_BYTES), 0
            return os.pwrite(self._file, words, offset) == len(words)
        except OSError:
            return False  # others go on with what they hold until they look again by themselves


def shared_changes(path: str) -> SharedChanges | None:
    """Marks in this file; None on Windows, which has no pread."""
    return None if sys.platform == "win32" else SharedChanges(path)


def _opened(path: str) -> int | None:
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):  # who may only read still sees what others tell
        try:
            return os.open(path, flags | CAUTIOUS, 0o666)
        except OSError:
            pass
    return None


def _whole(file: int) -> bool:
    try:
        words = os.pread(file, SIZE_BYTES, 0)
    except OSError:
        return False
    return len(words) == SIZE_BYTES and 0 not in memoryview(words).cast("Q")

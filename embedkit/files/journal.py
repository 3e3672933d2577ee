"""A journal: lines of JSON in a private folder, each synced to disk before anything depends on it.

A process that appends a line sees all lines so far, and no other process appends meanwhile (flock(2)). A truncated
line counts as not written, and the next one begins on a new line. Next to the journal there are named locks, which
the kernel releases when their process ends, and notes, which are private and deleted after a day. As with partial
files, there are no locks between processes on Windows.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from embedkit.files.folder import LOCK_PAUSE_S, Folder, error_at, open_private
from embedkit.files.partial import write_private
from embedkit.files.plain import check_plain

if sys.platform != "win32":
    import fcntl

FILE, NOTE, LOCK = "journal.jsonl", "note-", ".lock"
APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT
NOTE_LIFE_S = 86_400  # as long as the URL of a file is valid
MAX_NOTE_BYTES = 16 * 1024

Line = dict[str, Any]


class Journal:
    """The journal of a folder, which is created when the first line is written.

    :param folder: path of the folder.

    >>> journal = temporary_journal()
    >>> journal.append(lambda lines: {"number": len(lines)})
    {'number': 0}
    >>> journal.lines()
    [{'number': 0}]
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.path = self.folder / FILE

    def lines(self) -> list[Line]:
        """Return the lines of the journal; anything that is not a valid line is left out.

        :raises OSError: if the journal can't be read, or is a link.
        """
        try:
            with error_at(self.path), Folder(self.folder) as folder, folder.open_to_read(FILE) as file:
                return _parse(file.read())
        except FileNotFoundError:
            return []

    def append(self, make: Callable[[list[Line]], Line]) -> Line:
        """Append a line, and sync it to disk.

        :param make: takes the existing lines and returns the new one; if it raises, nothing is written.
        :raises OSError: if it can't be written; the journal is then unchanged.
        """
        with error_at(self.path), open_private(self.folder) as folder, self._locked(folder) as file:
            line = make(_parse(file.read()))
            _write(file, json.dumps(line, separators=(",", ":")).encode())
            folder.sync()
        return line

    @contextmanager
    def hold(self, name: str, wait: float) -> Iterator[None]:
        """Hold a named lock during a ``with`` block.

        :param name: name of the lock, valid as a file name.
        :param wait: seconds to wait for another process.
        :raises TimeoutError: if the wait was too long; another OSError if locking fails.
        """
        with open_private(self.folder) as folder:
            with error_at(self.folder / f"{name}{LOCK}"):
                handle = _take(folder, f"{name}{LOCK}", time.monotonic() + wait)
            try:
                yield
            finally:
                with suppress(OSError):
                    folder.unlink(f"{name}{LOCK}")  # while it is held: a waiting process opens it again
                os.close(handle)

    def keep(self, name: str, text: str) -> None:
        """Keep a private note for a day, and delete older ones.

        :raises OSError: if it can't be kept.
        """
        with error_at(self.folder / f"{NOTE}{name}"), open_private(self.folder) as folder:
            _drop_old_notes(folder)
            write_private(folder, f"{NOTE}{name}", text.encode())
            folder.sync()

    def kept(self, name: str) -> str:
        """Return a note; empty if there is none."""
        with suppress(OSError), Folder(self.folder) as folder, folder.open_to_read(f"{NOTE}{name}") as file:
            return file.read(MAX_NOTE_BYTES).decode("utf-8", "replace")
        return ""

    def drop(self, name: str) -> None:
        """Delete a note."""
        with suppress(OSError), Folder(self.folder) as folder:
            folder.unlink(f"{NOTE}{name}")

    @contextmanager
    def _locked(self, folder: Folder) -> Iterator[FileIO]:
        with FileIO(folder.open(FILE, APPEND), "r+") as file:
            found = os.fstat(file.fileno())
            check_plain(found.st_mode)
            if sys.platform != "win32":
                if found.st_mode & 0o077:
                    os.fchmod(file.fileno(), 0o600)  # which fails for another user's file
                fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            yield file


def temporary_journal() -> Journal:
    """Return a journal that is deleted after use, for downloads that are not real ones: tests and demos."""
    folder = tempfile.mkdtemp(prefix="embedkit-")
    journal = Journal(folder)
    weakref.finalize(journal, _remove, folder, os.getpid())
    return journal


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a child process has a copy of the journal, but the same folder
        shutil.rmtree(folder, ignore_errors=True)


def _parse(data: bytes) -> list[Line]:
    return [line for text in data.splitlines() if isinstance(line := _read(text), dict)]


def _read(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _write(file: FileIO, line: bytes) -> None:
    """Append a line to a file that is at its end; on a full disk, the file is left unchanged."""
    size = file.tell()
    file.seek(max(0, size - 1))
    data = (b"" if file.read(1) in (b"", b"\n") else b"\n") + line + b"\n"
    try:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.truncate(size)
        raise


def _take(folder: Folder, name: str, deadline: float) -> int:
    """Take a lock, and return its handle."""
    while True:
        handle = folder.open(name, os.O_RDWR | os.O_CREAT)
        if _is_ours(folder, name, handle):
            return handle
        os.close(handle)
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "Another process holds it")
        time.sleep(LOCK_PAUSE_S)


def _is_ours(folder: Folder, name: str, handle: int) -> bool:
    """Return whether this process holds the lock of that name, and not one that was deleted in between."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), folder.stat(name))
    except (BlockingIOError, FileNotFoundError):
        return False


def _drop_old_notes(folder: Folder) -> None:
    for name in folder.names():
        with suppress(OSError):
            if name.startswith(NOTE) and folder.stat(name).st_mtime < time.time() - NOTE_LIFE_S:
                folder.unlink(name)

"""A cachelib backend that stores each entry in a file.

cachelib's own FileSystemCache counts its files by listing them, leaves temporary files behind on a full disk,
waits up to 16 seconds for a file that it can't read, and treats any file in its folder as its own.
"""

from __future__ import annotations

import errno
import math
import os
import struct
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from embedkit.cache.stores.base import MAX_ENTRIES, LocalStore, Timeout, dump, load
from embedkit.cache.stores.coordination import Busy, FileLocks, shared_versions
from embedkit.errors import ConfigurationError
from embedkit.files.plain import OPEN_FLAGS, NotAFile, check_handle
from embedkit.process import lazy_logger

log = lazy_logger("embedkit.stores")


FOLDER = "embedkit-cache"  # within the folder that is configured, which may contain anything
MARKER = "embedkit.marker"
# files that may exist before the marker does
OWN_FILES = {MARKER, "entries", "lock", "changes", "takedowns", "takedowns.lock"}
DRAFT = ".draft"
ORPHAN_AGE_S = 3600  # a draft this old is abandoned
LOCK_WAIT_S = 0.2
PRUNE_EVERY = 512  # minimum number of writes between prunings
HEADER = struct.Struct(">d")  # when the entry expires, in seconds since the epoch; 0 for never


class FileCache(LocalStore):
    """A bounded cache in a folder of its own, safe for threads and processes.

    :param path: path of the folder in which our own folder is created.
    :param limit: approximate maximum number of entries; expired entries are deleted first, then the oldest.
    :param clock: returns seconds since the epoch.
    :raises ConfigurationError: if our folder contains other files.
    :raises OSError: if it can't be created.
    """

    kind = "file"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limit: int = MAX_ENTRIES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock, limit, max(PRUNE_EVERY, limit // 16))
        self.path = os.path.join(os.path.abspath(path), FOLDER)
        self._entries = os.path.join(self.path, "entries")
        _claim(self.path)
        self.lock_path = os.path.join(self.path, "lock")
        self._locks = FileLocks.at(self.lock_path)
        self.takedowns_path = os.path.join(self.path, "takedowns")
        self.versions = shared_versions(os.path.join(self.path, "changes"))

    @property
    def working(self) -> bool:
        """Whether the folder still exists; if it was deleted, it is recreated."""
        exists = os.path.isdir(self._entries)
        if not exists:
            self._renew()
        return exists

    # -- cachelib's interface ---------------------------------------------------------------------------

    def get(self, key: str) -> Any:
        data = self._read(self._file(key))
        return load(data[HEADER.size :]) if self._is_entry_alive(data) else None

    def has(self, key: str) -> bool:
        return self._is_entry_alive(self._read(self._file(key), HEADER.size))

    def set(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        header = HEADER.pack(self._expires(timeout))
        done = self._replace(self._file(key), header + dump(value))
        self._prune_now_and_then()
        return self._note_write(key, done)

    def add(self, key: str, value: Any, timeout: Timeout = None) -> bool:
        try:
            with self._locks.hold(f"alone/{key}", LOCK_WAIT_S):
                return not self.has(key) and self.set(key, value, timeout)
        except Busy as error:
            self.failures.error = error
            return False

    def delete(self, key: str) -> bool:
        existed = self.has(key)
        return self._note_write(key, self._unlink(self._file(key)) and existed)

    def clear(self) -> bool:
        files = self._files()
        cleared = sum(self._unlink(file.path) for file in files) == len(files)
        self._note_clear(True)
        return cleared

    # -- what else there is ----------------------------------------------------------------------------

    def count(self) -> int:
        """Return the number of entries, including expired ones."""
        return sum(not file.name.endswith(DRAFT) for file in self._files())

    def prune(self) -> int:
        """Delete expired entries, those over the limit, and abandoned drafts; return the number of entries."""
        with self._pruning:
            now, alive, ended = time.time(), [], []
            for file in self._files():
                if file.name.endswith(DRAFT):
                    if now - _written_at(file) > ORPHAN_AGE_S:  # its writer was killed, or the disk was full
                        _remove(file.path)
                elif self._is_entry_alive(self._read(file.path, HEADER.size)):
                    alive.append((_written_at(file), file.path))
                else:
                    ended.append(file.path)
            over = sorted(alive)[: max(0, len(alive) - self._limit)]
            return sum(_remove(path) for path in (*ended, *(path for _, path in over)))

    # -- inside ----------------------------------------------------------------------------------------

    def _file(self, key: str) -> str:
        return os.path.join(
            self._entries, blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
        )

    def _files(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._entries) as files:
                return list(files)
        except OSError as error:
            log.debug("%s: %s", self._entries, error)
            return []

    def _is_entry_alive(self, data: bytes) -> bool:
        if len(data) < HEADER.size:
            return False
        return self._is_alive(HEADER.unpack_from(data)[0])

    def _read(self, path: str, size: int = -1) -> bytes:
        try:
            with open(check_handle(os.open(path, os.O_RDONLY | OPEN_FLAGS)), "rb", buffering=0) as file:
                return file.read(size)
        except FileNotFoundError:
            return b""
        except OSError as error:
            if not self._is_foreign(error):
                self._note_failure(path, error)
            return b""

    def _is_foreign(self, error: OSError) -> bool:
        """Return whether only this entry can't be read: written by another user, a link, a pipe.

        The folder is ours, so the next write replaces it.
        """
        is_alone = isinstance(error, (PermissionError, NotAFile)) or error.errno == errno.ELOOP
        return is_alone and os.access(self._entries, os.R_OK | os.W_OK | os.X_OK)

    def _note_failure(self, path: str, error: OSError) -> None:
        log.debug("%s: %s", path, error)
        self.failures.error = error

    def _unlink(self, path: str) -> bool:
        try:
            os.unlink(path)
            return True
        except FileNotFoundError:
            return False
        except OSError as error:
            self._note_failure(path, error)
            return False

    def _replace(self, path: str, data: bytes) -> bool:
        """Write a file atomically."""
        draft = ""
        try:
            handle, draft = tempfile.mkstemp(DRAFT, dir=self._entries)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(draft, path)
            return True
        except OSError as error:
            self._note_failure(path, error)
            _remove(draft)
            if isinstance(error, FileNotFoundError):
                self._renew()
            return False

    def _renew(self) -> None:
        """Recreate the folder after it was deleted; its contents are fetched again."""
        log.warning("%s has been removed; the cache starts empty", self.path)
        try:
            _claim(self.path)
        except (OSError, ConfigurationError) as error:
            log.debug("%s: %s", self.path, error)


def _claim(path: str) -> None:
    """Mark a folder as ours, or check that it is."""
    os.makedirs(path, exist_ok=True)
    marker = os.path.join(path, MARKER)
    if not os.path.exists(marker):
        if set(os.listdir(path)) - OWN_FILES:
            raise ConfigurationError(
                f"The folder {path} has files that are not ours.", hint="Set EMBEDKIT_CACHE to another folder."
            )
        with open(marker, "w", encoding="utf-8") as file:
            file.write("This is embedkit's cache. You can delete the whole folder; don't put other files here.\n")
    os.makedirs(os.path.join(path, "entries"), exist_ok=True)


def _written_at(file: os.DirEntry[str]) -> float:
    """Return when a file was written, in seconds since the epoch; infinity if it was just deleted."""
    try:
        return file.stat().st_mtime
    except OSError:
        return math.inf


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False
    return True

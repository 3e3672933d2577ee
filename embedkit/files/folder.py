"""An open folder, in which operations follow no links, even if its path changes meanwhile."""

from __future__ import annotations

import errno
import functools
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from embedkit.files.plain import OPEN_FLAGS, check_handle

if sys.platform != "win32":
    import fcntl

LOCK_PAUSE_S = 0.01  # between two attempts to lock
NOREPLACE, EXCHANGE = 1, 2  # RENAME_NOREPLACE, RENAME_EXCHANGE of linux/fs.h
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # renameat2(2): an old kernel, or another file system
HAS_DIR_FD = {os.open, os.stat, os.unlink, os.rename, os.link, os.mkdir} <= os.supports_dir_fd  # not on Windows
NAMELESS = getattr(os, "O_TMPFILE", 0)  # on Linux; otherwise 0
LINK = "Is a symbolic link, which is not written through"


class Folder:
    """A folder, opened by a handle if the system supports that; names are those of the files in it.

    ``is_new`` is True if it was created by :meth:`child`, so that others can have put files there only since then.

    :raises OSError: if there is no such folder.
    """

    is_new = False

    def __init__(self, path: str | os.PathLike[str], _handle: int | None = None) -> None:
        self.path = Path(path)
        self._handle = _handle
        if HAS_DIR_FD and _handle is None:
            self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def names(self) -> list[str]:
        """Return the names of the files in the folder."""
        return os.listdir(self.path if self._handle is None else self._handle)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open a file, and return its handle. A link is an error, and a pipe does not block."""
        try:
            return os.open(self._at(name), flags | OPEN_FLAGS, mode, dir_fd=self._handle)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, LINK) from None
            raise

    def open_to_read(self, name: str) -> BufferedReader:
        """Open a regular file for reading.

        :raises NotAFile: if it is a folder, a pipe or a device.
        """
        return os.fdopen(check_handle(self.open(name, os.O_RDONLY)), "rb")

    def holds(self, name: str, content: bytes) -> bool:
        """Return whether a regular file has this content.

        :raises NotAFile: if it is a folder, a pipe or a device.
        """
        handle = check_handle(self.open(name, os.O_RDONLY))
        try:  # without a file object, which takes a build longer than the reading itself
            return os.read(handle, len(content) + 1) == content
        finally:
            os.close(handle)

    def add(self, name: str, content: bytes, mode: int) -> bool:
        """Add a file if there is none of that name; it has no name until it is completely on disk.

        :returns: False if that failed: the file exists, there is no space, or it is not supported (open(2),
            O_TMPFILE).
        """
        if self._handle is None or not NAMELESS:
            return False
        try:
            handle = os.open(".", NAMELESS | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=self._handle)
        except OSError:
            return False
        try:
            if os.write(handle, content) < len(content):
                return False
            os.fsync(handle)
            os.link(f"/proc/self/fd/{handle}", name, dst_dir_fd=self._handle)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True

    def stat(self, name: str) -> os.stat_result:
        """Return the status of a file, or of a link itself."""
        return os.stat(self._at(name), dir_fd=self._handle, follow_symlinks=False)

    def may_write(self, name: str) -> bool:
        """Return whether this process has permission to write a file."""
        effective = os.access in os.supports_effective_ids
        return os.access(self._at(name), os.W_OK, dir_fd=self._handle, effective_ids=effective)

    def lock(self, wait: float) -> bool:
        """Lock the folder until it is closed; return False if another process still has the lock.

        :param wait: maximum wait in seconds. Where such locks don't exist, it returns immediately.
        """
        deadline = time.monotonic() + wait
        while self._handle is not None and not try_lock(self._handle, exclusive=True):
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOCK_PAUSE_S)
        return True

    def child(self, name: str) -> Folder:
        """Open a folder in this one, creating it if it does not exist.

        :raises OSError: if there is a link or a file in its place.
        """
        is_new = False
        try:
            os.mkdir(self._at(name), dir_fd=self._handle)
        except FileExistsError:
            if stat.S_ISLNK(self.stat(name).st_mode):
                raise OSError(errno.ELOOP, LINK) from None
        else:
            self.sync()
            is_new = True
        handle = self.open(name, os.O_RDONLY | os.O_DIRECTORY) if HAS_DIR_FD else None
        child = Folder(self.path / name, handle)
        child.is_new = is_new
        return child

    def unlink(self, name: str) -> None:
        """Delete a file, or a link itself."""
        os.unlink(self._at(name), dir_fd=self._handle)

    def replace(self, name: str, other: str) -> None:
        """Rename a file, replacing another of that name."""
        os.replace(self._at(name), self._at(other), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def link(self, name: str, other: str) -> None:
        """Give a file a second name.

        :raises FileExistsError: if there is a file of that name.
        """
        os.link(self._at(name), self._at(other), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def rename(self, name: str, other: str) -> bool:
        """Rename a file if there is none of that name; return False if that can't be done atomically.

        :raises FileExistsError: if there is a file of that name.
        """
        return self._rename2(name, other, NOREPLACE)

    def exchange(self, name: str, other: str) -> bool:
        """Exchange the names of two files atomically; return False if that is not supported."""
        return self._rename2(name, other, EXCHANGE)

    def sync(self) -> None:
        """Sync the folder's names to disk, if the file system supports that."""
        if self._handle is not None:
            try:
                os.fsync(self._handle)
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise

    def _at(self, name: str) -> str:
        return str(self.path / name) if self._handle is None else name

    def _rename2(self, name: str, other: str, flags: int) -> bool:
        call = _renameat2()
        if call is None or self._handle is None:
            return False
        number = call(self._handle, os.fsencode(name), os.fsencode(other), flags)
        if number in UNSUPPORTED:
            return False
        if number:
            raise OSError(number, os.strerror(number), name)
        return True


def open_private(path: Path) -> Folder:
    """Open a folder that only this user can access, creating it if it does not exist."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Folder(path)


def try_lock(handle: int, *, exclusive: bool = False) -> bool:
    """Lock a file or a folder until its handle is closed; return False if another process has the lock.

    Also True if such locks don't exist: on NFS, flock(2) fails with EBADF unless the file is open for writing.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_NB | (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH))
        except OSError as error:
            return not isinstance(error, BlockingIOError)
    return True


@contextmanager
def error_at(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise errors with the file name that the user knows, not with a temporary one."""
    try:
        yield
    except OSError as error:
        raise renamed(error, path) from None


def renamed(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """Return the same error for another file name."""
    return OSError(error.errno, error.strerror, os.fspath(path))


@functools.cache
def _renameat2() -> Callable[[int, bytes, bytes, int], int] | None:
    """Return Linux's system call, as a function that returns the error number; Python doesn't provide it."""
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2  # glibc 2.28 and newer
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)

    def rename(folder: int, name: bytes, other: bytes, flags: int) -> int:
        return ctypes.get_errno() if call(folder, name, folder, other, flags) else 0

    return rename

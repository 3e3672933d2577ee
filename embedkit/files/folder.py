"""An open folder: what is done in it follows no link, whatever becomes of its path meanwhile."""

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

LOCK_PAUSE_S = 0.01  # seconds between two tries to lock
NOREPLACE, EXCHANGE = 1, 2  # RENAME_NOREPLACE, RENAME_EXCHANGE of linux/fs.h
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # renameat2(2): an old kernel, or another file system
HAS_DIR_FD = {os.open, os.stat, os.unlink, os.rename, os.link, os.mkdir} <= os.supports_dir_fd  # not on Windows
NAMELESS = getattr(os, "O_TMPFILE", 0)  # of Linux; 0 where there is none
LINK = "Is a symbolic link, and nothing is written through it"


class Folder:
    """A folder, by a handle where the system has such; names are those of the files in it.

    ``is_new`` is one that was made here: nothing is in it but what somebody has put there since.

    :raises OSError: where there is no such folder.
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
        """What is in the folder."""
        return os.listdir(self.path if self._handle is None else self._handle)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A handle of a file; a link is an error, and a pipe does not keep anybody waiting."""
        try:
            return os.open(self._at(name), flags | OPEN_FLAGS, mode, dir_fd=self._handle)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OSError(errno.ELOOP, LINK) from None
            raise

    def open_to_read(self, name: str) -> BufferedReader:
        """A plain file.

        :raises NotAFile: where it is a folder, a pipe or a device.
        """
        return os.fdopen(check_handle(self.open(name, os.O_RDONLY)), "rb")

    def holds(self, name: str, content: bytes) -> bool:
        """Whether a plain file has this content.

        :raises NotAFile: where it is a folder, a pipe or a device.
        """
        handle = check_handle(self.open(name, os.O_RDONLY))
        try:  # without a file object, which costs a build more than the reading
            return os.read(handle, len(content) + 1) == content
        finally:
            os.close(handle)

    def add(self, name: str, content: bytes, mode: int) -> bool:
        """Put a file where there is none; it has no name until all of it is on the disk.

        :returns: False where that was not done: there is one, or no room, or no such way (open(2), O_TMPFILE).
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
        """What is known of a file, or of a link itself."""
        return os.stat(self._at(name), dir_fd=self._handle, follow_symlinks=False)

    def may_write(self, name: str) -> bool:
        """Whether this process has the right to write a file."""
        effective = os.access in os.supports_effective_ids
        return os.access(self._at(name), os.W_OK, dir_fd=self._handle, effective_ids=effective)

    def lock(self, wait: float) -> bool:
        """Hold the lock of the folder until it is closed; False where another still has it.

        :param wait: seconds after which to go on without; at once where there are no such locks.
        """
        deadline = time.monotonic() + wait
        while self._handle is not None and not try_lock(self._handle, exclusive=True):
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOCK_PAUSE_S)
        return True

    def child(self, name: str) -> Folder:
        """A folder in this one, made where there is none.

        :raises OSError: where a link or a file is in its place.
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
        """Remove a file, or a link itself."""
        os.unlink(self._at(name), dir_fd=self._handle)

    def replace(self, name: str, other: str) -> None:
        """Rename a file; another of that name goes."""
        os.replace(self._at(name), self._at(other), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def link(self, name: str, other: str) -> None:
        """Give a file a second name.

        :raises FileExistsError: where there is one of that name.
        """
        os.link(self._at(name), self._at(other), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def rename(self, name: str, other: str) -> bool:
        """Rename a file where there is none of that name; False where that can't be done in one step.

        :raises FileExistsError: where there is one of that name.
        """
        return self._rename2(name, other, NOREPLACE)

    def exchange(self, name: str, other: str) -> bool:
        """Let two files change their names in one step; False where that can't be done."""
        return self._rename2(name, other, EXCHANGE)

    def sync(self) -> None:
        """Have the names of the folder on the disk, as far as the file system can tell."""
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
    """A folder of this user's own, made where there is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Folder(path)


def try_lock(handle: int, *, exclusive: bool = False) -> bool:
    """Lock a file, or a folder, until its handle is closed; False where another has it.

    True as well where there are no such locks: on NFS, flock(2) ends with EBADF for what is not open for writing.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_NB | (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH))
        except OSError as error:
            return not isinstance(error, BlockingIOError)
    return True


@contextmanager
def error_at(path: str | os.PathLike[str]) -> Iterator[None]:
    """Errors by the name that the user knows, and not by that of a draft."""
    try:
        yield
    except OSError as error:
        raise renamed(error, path) from None


def renamed(error: OSError, path: str | os.PathLike[str]) -> OSError:
    """The same error of another file."""
    return OSError(error.errno, error.strerror, os.fspath(path))


@functools.cache
def _renameat2() -> Callable[[int, bytes, bytes, int], int] | None:
    """The system call of Linux, as a function that returns the number of its error; Python has none of its own."""
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

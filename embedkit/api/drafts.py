"""A file on its way: beside the place where it will be, under a name of its own, until it is whole."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

Progress = Callable[[int, int | None], object]
"""Called with the bytes that are there, and with those of the whole file as far as is known."""

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
MODE = 0o644  # before the umask


class Place:
    """Where a file is to be.

    :param path: of the file; or of a folder, where it will be under the name ``otherwise``.
    :raises OSError: where it cannot be: there is no such folder, or a file is there and is to stay.
    """

    def __init__(self, path: str | os.PathLike[str], otherwise: str, *, overwrite: bool = False) -> None:
        self._written = _path(path)
        self._folder = os.path.isdir(self._written)
        self.overwrite = overwrite
        if not self._folder and self._written.endswith((os.sep, "/")):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._written)
        self.under(otherwise)

    def under(self, name: str) -> None:
        """Give a file in a folder this name; one that has a name keeps it."""
        whole = Path(self._written, name) if self._folder else Path(self._written)
        # what a link leads to is what is overwritten; a link in a circle leads nowhere, and is found to be no file
        self.path = Path(os.path.realpath(whole)) if self.overwrite and whole.is_symlink() else whole
        self.check()

    def check(self) -> None:
        """Nothing, where the file can be; else OSError."""
        if not os.path.lexists(self.path):
            return
        if not self.overwrite:
            raise self.taken()
        if not self.path.is_file():  # a device must not be replaced by a file
            raise FileExistsError(errno.EEXIST, "is there and is no plain file", str(self.path))

    def mode(self) -> int:
        """What a file there may be used for: as the one that it replaces, or read by all."""
        with suppress(FileNotFoundError):
            return self.path.stat().st_mode & 0o777
        return MODE

    def taken(self) -> FileExistsError:
        """The error of a place where a file is already."""
        return FileExistsError(
            errno.EEXIST, "is there already and stays, unless it may be overwritten", str(self.path)
        )


def _path(path: str | bytes | os.PathLike[str]) -> str:
    written = os.fsdecode(path)
    with suppress(UnicodeError):
        os.fsencode(written)
        if "\0" not in written:
            return written
    raise OSError(errno.EINVAL, "cannot be the path of a file", written)


class Draft:
    """What has come of a file so far; a sink of the transport. It is gone at the end of its block, unless kept.

    :raises OSError: on entering the block, where the folder cannot be written.
    """

    def __init__(self, place: Place, progress: Progress | None = None) -> None:
        self._place = place
        self._progress = progress
        self._path = place.path.with_name(f".{place.path.name[:32]}.{secrets.token_hex(4)}.part")
        self.done = 0
        self.total: int | None = None

    def __enter__(self) -> Draft:
        with self._named():
            handle = os.open(self._path, NEW, self._place.mode())
        self._file = os.fdopen(handle, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk has been told of before
            self._file.close()
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def begin(self, total: int | None) -> None:
        with self._named():
            self._file.seek(0)  # what has come of a file that was cut off does not count
            self._file.truncate()
        self.done, self.total = 0, total
        self._tell()

    def write(self, piece: bytes) -> None:
        with self._named():
            self._file.write(piece)
        self.done += len(piece)
        self._tell()

    def keep(self) -> str:
        """Put the file where it is to be; its path.

        :raises OSError: where it cannot be written, or another was there first.
        """
        self._place.check()
        with self._named():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._replace() if self._place.overwrite else self._add()
        return str(self._place.path)

    def _replace(self) -> None:
        if self._place.path.exists():
            os.chmod(self._path, self._place.mode())
        os.replace(self._path, self._place.path)

    def _add(self) -> None:
        """A link is made only where there is nothing; on a file system without links the name is taken first."""
        try:
            os.link(self._path, self._place.path)
        except FileExistsError:
            raise self._place.taken() from None
        except (OSError, AttributeError):
            self._claim()
            os.replace(self._path, self._place.path)

    def _claim(self) -> None:
        try:
            os.close(os.open(self._place.path, NEW, MODE))
        except FileExistsError:
            raise self._place.taken() from None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors by the name that the user knows."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._place.path)) from None

    def _tell(self) -> None:
        if self._progress:
            self._progress(self.done, self.total)

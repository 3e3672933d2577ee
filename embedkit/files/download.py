"""A file on its way: beside the place where it will be, under a name of its own, until it is whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from embedkit.files.atomic import sweep_folder
from embedkit.files.folder import Folder, error_at
from embedkit.files.partial import MODE, PartialFile

Progress = Callable[[int, int | None], object]
"""Called with the bytes that are there, and with those of the whole file as far as is known."""


class Place:
    """Where a file is to be. What a killed process left there is removed first.

    :param path: of the file; or of a folder, where it will be under the name ``otherwise``.
    :raises OSError: where it cannot be: there is no such folder, or a file is there and is to stay.
    """

    def __init__(self, path: str | os.PathLike[str], otherwise: str, *, overwrite: bool = False) -> None:
        self._written = _path(path)
        self._folder = os.path.isdir(self._written)
        self.overwrite = overwrite
        if not self._folder and self._written.endswith((os.sep, "/")):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._written)
        sweep_folder(self._written if self._folder else os.path.dirname(self._written) or ".")
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

    def __init__(
        self, place: Place, progress: Progress | None = None, open_folder: Callable[[Path], Folder] = Folder
    ) -> None:
        self._place = place
        self._progress = progress
        self._open_folder = open_folder
        self.done = 0
        self.total: int | None = None

    def __enter__(self) -> Draft:
        with ExitStack() as opened, error_at(self._place.path):
            self._folder = opened.enter_context(self._open_folder(self._place.path.parent))
            part = PartialFile(self._folder, self._place.path.name, self._place.mode())
            self._part = opened.enter_context(part)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def begin(self, total: int | None) -> None:
        with error_at(self._place.path):
            self._part.clear()  # what has come of a file that was cut off does not count
        self.done, self.total = 0, total
        self._tell()

    def write(self, piece: bytes) -> None:
        with error_at(self._place.path):
            self._part.write(piece)
        self.done += len(piece)
        self._tell()

    def keep(self) -> str:
        """Put the file where it is to be; its path.

        :raises OSError: where it cannot be written, or another was there first.
        """
        self._place.check()
        with error_at(self._place.path):
            if self._place.path.parent == self._folder.path:
                self._put(self._folder, self._part)
            else:
                self._move()
        return str(self._place.path)

    def _move(self) -> None:
        """A link led elsewhere from the name that was expected; what came has another name, and stays here."""
        with self._open_folder(self._place.path.parent) as folder, PartialFile(folder, "moved") as part:
            self._part.finish()
            self._part.copy_to(part)
            self._put(folder, part)

    def _put(self, folder: Folder, part: PartialFile) -> None:
        part.place = self._place.path.name
        if self._place.overwrite:
            with suppress(FileNotFoundError):
                part.take_after(part.place)
        part.finish()
        try:
            part.replace() if self._place.overwrite else part.add()
        except FileExistsError:
            raise self._place.taken() from None
        folder.sync()

    def _tell(self) -> None:
        if self._progress:
            self._progress(self.done, self.total)

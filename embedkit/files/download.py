"""A file on its way: beside the place where it will be, under a name of its own, until it is whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedkit.files.atomic import sweep_folder
from embedkit.files.folder import Folder, error_at
from embedkit.files.partial import MODE, PartialFile

Progress = Callable[[int, int | None], object]
"""Called with the bytes that are there, and with those of the whole file as far as is known."""


class Destination:
    """Where a file is to be put. What a killed process left there is removed first.

    :param path: of the file; or of a folder, where it will be under the name ``default_name``.
    :raises OSError: where it can't be put: there is no such folder, or a file is there and is to stay.
    """

    def __init__(self, path: str | os.PathLike[str], default_name: str, *, overwrite: bool = False) -> None:
        self._path = _valid_path(path)
        self._folder = os.path.isdir(self._path)
        self.overwrite = overwrite
        if not self._folder and self._path.endswith((os.sep, "/")):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._path)
        sweep_folder(self._path if self._folder else os.path.dirname(self._path) or ".")
        self.use_name(default_name)

    def use_name(self, name: str) -> None:
        """Give a file in a folder this name; one that has a name keeps it."""
        whole = Path(self._path, name) if self._folder else Path(self._path)
        # what a link leads to is what is overwritten; a link in a circle leads nowhere, and is not a file
        self.path = Path(os.path.realpath(whole)) if self.overwrite and whole.is_symlink() else whole
        self.check()

    def check(self) -> None:
        """Nothing, where the file can be; else OSError."""
        if not os.path.lexists(self.path):
            return
        if not self.overwrite:
            raise self.exists_error()
        if not self.path.is_file():  # a device must not be replaced by a file
            raise FileExistsError(errno.EEXIST, "is there and is not a plain file", str(self.path))

    def exists_error(self) -> FileExistsError:
        """The error of a place where a file is already."""
        return FileExistsError(
            errno.EEXIST, "is there already and stays, unless it may be overwritten", str(self.path)
        )


def _valid_path(path: str | bytes | os.PathLike[str]) -> str:
    text = os.fsdecode(path)
    with suppress(UnicodeError):
        os.fsencode(text)
        if "\0" not in text:
            return text
    raise OSError(errno.EINVAL, "can't be the path of a file", text)


@dataclass(eq=False)
class DownloadSink:
    """What has come of a file so far; a sink of the transport. It is gone at the end of its block, unless kept.

    :raises OSError: on entering the block, where the folder can't be written.
    """

    destination: Destination
    progress: Progress | None = None
    open_folder: Callable[[Path], Folder] = Folder
    received: int = field(default=0, init=False)
    total: int | None = field(default=None, init=False)

    def __enter__(self) -> DownloadSink:
        with ExitStack() as opened, error_at(self.destination.path):
            self._folder = opened.enter_context(self.open_folder(self.destination.path.parent))
            # what replaces a file gets the rights of that one at the end, and is nobody else's until then
            mode = 0o600 if self.destination.path.exists() else MODE
            self._part = opened.enter_context(PartialFile(self._folder, self.destination.path.name, mode))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def begin(self, total: int | None) -> None:
        with error_at(self.destination.path):
            self._part.clear()  # what has come of a file that was cut off does not count
        self.received, self.total = 0, total
        self._report()

    def write(self, piece: bytes) -> None:
        with error_at(self.destination.path):
            self._part.write(piece)
        self.received += len(piece)
        self._report()

    def commit(self) -> str:
        """Put the file where it is to be; its path.

        :raises OSError: where it can't be written, or another was there first.
        """
        self.destination.check()
        with error_at(self.destination.path):
            if self.destination.path.parent == self._folder.path:
                self._put(self._folder, self._part)
            else:
                self._move()
        return str(self.destination.path)

    def _move(self) -> None:
        """A link led elsewhere from the name that was expected; what came has another name, and stays here."""
        with self.open_folder(self.destination.path.parent) as folder, PartialFile(folder, "moved") as part:
            self._part.copy_to(part)
            self._put(folder, part)

    def _put(self, folder: Folder, part: PartialFile) -> None:
        part.place = self.destination.path.name
        if self.destination.overwrite:
            with suppress(FileNotFoundError):
                part.take_after(part.place)
        try:
            part.replace() if self.destination.overwrite else part.add()
        except FileExistsError:
            raise self.destination.exists_error() from None
        folder.sync()

    def _report(self) -> None:
        if self.progress:
            self.progress(self.received, self.total)

"""Downloading a file: it is written under a temporary name next to its destination until it is complete."""

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
"""Called with the number of bytes received, and the total if it is known."""


class Destination:
    """The destination of a file. Leftovers of killed processes are removed from its folder first.

    :param path: path of the file, or of a folder in which it is named ``default_name``.
    :param overwrite: True replaces an existing file.
    :raises OSError: if there is no such folder, or a file exists that may not be overwritten.
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
        """Rename the file, if only its folder was given."""
        whole = Path(self._path, name) if self._folder else Path(self._path)
        # a link's target is overwritten; a circular link has no target, and is not a file
        self.path = Path(os.path.realpath(whole)) if self.overwrite and whole.is_symlink() else whole
        self.check()

    def check(self) -> None:
        """Raise an OSError if the file can't be put there."""
        if not os.path.lexists(self.path):
            return
        if not self.overwrite:
            raise self.exists_error()
        if not self.path.is_file():  # a device must not be replaced by a file
            raise FileExistsError(errno.EEXIST, "exists and is not a regular file", str(self.path))

    def exists_error(self) -> FileExistsError:
        """Return the error for a file that already exists."""
        return FileExistsError(
            errno.EEXIST, "already exists, and is not overwritten unless you allow it", str(self.path)
        )


def _valid_path(path: str | bytes | os.PathLike[str]) -> str:
    text = os.fsdecode(path)
    with suppress(UnicodeError):
        os.fsencode(text)
        if "\0" not in text:
            return text
    raise OSError(errno.EINVAL, "is not a valid path", text)


@dataclass(eq=False)
class DownloadSink:
    """A sink for the transport that writes a file. Unless it is committed, it is deleted at the end of the block.

    :raises OSError: on entering the block, if the folder can't be written.
    """

    destination: Destination
    progress: Progress | None = None
    open_folder: Callable[[Path], Folder] = Folder
    received: int = field(default=0, init=False)
    total: int | None = field(default=None, init=False)

    def __enter__(self) -> DownloadSink:
        with ExitStack() as opened, error_at(self.destination.path):
            self._folder = opened.enter_context(self.open_folder(self.destination.path.parent))
            # a file that replaces another gets its permissions at the end, and is private until then
            mode = 0o600 if self.destination.path.exists() else MODE
            self._part = opened.enter_context(PartialFile(self._folder, self.destination.path.name, mode))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def begin(self, total: int | None) -> None:
        with error_at(self.destination.path):
            self._part.clear()  # discard what was received before the connection broke
        self.received, self.total = 0, total
        self._report()

    def write(self, piece: bytes) -> None:
        with error_at(self.destination.path):
            self._part.write(piece)
        self.received += len(piece)
        self._report()

    def commit(self) -> str:
        """Put the file in place, and return its path.

        :raises OSError: if it can't be written, or another file was there first.
        """
        self.destination.check()
        with error_at(self.destination.path):
            if self.destination.path.parent == self._folder.path:
                self._put(self._folder, self._part)
            else:
                self._move()
        return str(self.destination.path)

    def _move(self) -> None:
        """Move the file to another folder, because the path turned out to be a link to there."""
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

"""Replacing files atomically, and only if they haven't changed since they were read.

On Linux, the new file and the one in its place are exchanged in one step (renameat2(2)), and the old file is then
compared: anything saved until that moment is put back, so that no edit can be lost at any time. On other systems,
and on file systems that don't support this, the file is compared immediately before it is replaced.
"""

from __future__ import annotations

import enum
import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from embedkit.files.folder import Folder, error_at, renamed
from embedkit.files.partial import MODE, PartialFile, check_writable, digest, file_digest, new_digest, sweep

if sys.platform == "linux":
    import fcntl

MAX_SWAPS = 100  # if someone saves the file between any two of them

Read = Callable[[int], bytes]
Write = Callable[[bytes], object]
Make = Callable[[Read, Write], object]
"""Reads a file to its end, at most as many bytes at a time as it passes, and writes the new content."""


class Outcome(enum.Enum):
    """The outcome of writing a file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # it already had this content
    CHANGED_MEANWHILE = "changed meanwhile"  # it differed from what was read, and was left alone


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The outcome of writing a file, and what could not be preserved, as predicates of a sentence about it."""

    outcome: Outcome
    notes: tuple[str, ...] = ()


def write_back(
    path: str | os.PathLike[str],
    read: bytes | None,
    new: bytes,
    *,
    open_folder: Callable[[Path], Folder] = Folder,
) -> WriteBack:
    """Replace the content of a file, unless it has changed since it was read.

    Owner, mode, extended attributes and ACLs are preserved as far as permissions allow. For a symbolic link, its
    target is replaced. Other names of the file (hard links) keep the old content, and a note reports this. File
    and folder are synced to disk (fsync).

    :param path: path of the file, in an existing folder.
    :param read: the content that was read; None if there was no file.
    :param new: the content to write.
    :param open_folder: opens a folder; for tests.
    :raises OSError: if it can't be written, with ``path`` as its file name; the file is then unchanged.

    >>> write_back("post.md", b"old", b"new").outcome
    <Outcome.WRITTEN: 'written'>
    """
    target = Path(os.path.realpath(path))
    with error_at(path), open_folder(target.parent) as folder:
        if read is None:
            return WriteBack(_create(folder, target.name, new))
        return _replace(folder, target.name, read, new)


def rewrite(path: str | os.PathLike[str], make: Make) -> WriteBack:
    """Like :func:`write_back`, for files too large for memory: the new file is written while the old one is read.

    :param path: path of the file.
    :param make: writes the new content; if it raises, the file is unchanged.
    :raises OSError: if it can't be written; the file is then unchanged.

    >>> rewrite("export.xml", lambda read, write: write(read(1_000_000).upper())).outcome
    <Outcome.WRITTEN: 'written'>
    """
    target = Path(os.path.realpath(path))
    with error_at(path), Folder(target.parent) as folder:
        check_writable(folder, target.name)
        with folder.open_to_read(target.name) as old, PartialFile(folder, target.name, 0o600) as part:
            read, new = _digests(old, part, make)
            if read == new:
                return WriteBack(Outcome.UNCHANGED)
            return _put(folder, part, target.name, read, new)


def _digests(old: BinaryIO, part: PartialFile, make: Make) -> tuple[str, str]:
    """Call ``make``, and return the digests of what it read and of what it wrote."""
    seen, made = new_digest(), new_digest()

    def read(size: int) -> bytes:
        piece = old.read(size)
        seen.update(piece)
        return piece

    def write(piece: bytes) -> None:
        made.update(piece)
        part.write(piece)

    make(read, write)
    return seen.hexdigest(), made.hexdigest()


def write_in(folder: Folder, name: str, new: bytes) -> bool:
    """Write a file into a folder, replacing anything but a link; return whether that was necessary.

    The file is synced to disk, the folder is not yet. A file with this content is left alone, so that a build only
    touches what has changed. Until it is complete, a new file has no name, or one of our own.
    """
    if folder.is_new and folder.add(name, new, MODE):  # in a new folder, no file can be in its place
        return True
    try:
        if folder.holds(name, new):
            return False
        check_writable(folder, name)
        is_new = False
    except FileNotFoundError:
        if folder.add(name, new, MODE):
            return True
        is_new = True
    with PartialFile(folder, name, MODE if is_new else 0o600) as part:
        part.write(new)
        if not is_new:
            part.take_after(name)
        part.replace()
    return True


class Tree:
    """An output folder, which is filled file by file without following links in it; use it in a ``with`` block.

    The path of the folder itself may contain links; it is created if it does not exist. At the end of the block,
    all folders are synced to disk.

    :param root: path of the folder.

    >>> with Tree("site") as tree:
    ...     tree.write("posts/one.html", b"One")
    True
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)
        self._folders: set[Path] = set()
        self._opened = ExitStack()  # the folder last written to, and its parents
        self._parent: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        for path in self._folders:
            with Folder(path) as folder:
                folder.sync()

    def write(self, relative: str | os.PathLike[str], new: bytes) -> bool:
        """Write a file below the folder, replacing any other; a file with this content is not touched.

        :param relative: its path below the folder, without ``..``.
        :returns: whether it had to be written.
        :raises OSError: if it can't be written, or there is a link on the way; an existing file is then unchanged.
        """
        folder, name = self._at(relative)
        try:
            return write_in(folder, name, new)
        except OSError as error:
            raise renamed(error, os.path.join(self._root, relative)) from None

    def fill(self, relative: str | os.PathLike[str], make: Callable[[Write], object]) -> None:
        """Like :meth:`write`, piece by piece.

        :param make: writes the file; if it raises, an existing file is unchanged.
        """
        folder, name = self._at(relative)
        with error_at(os.path.join(self._root, relative)), PartialFile(folder, name) as part:
            make(part.write)
            part.replace()

    def _at(self, relative: str | os.PathLike[str]) -> tuple[Folder, str]:
        parent, name = os.path.split(relative)
        if parent != self._parent:
            self._open(parent)
        return self._folder, name

    def _open(self, parent: str) -> None:
        self._opened.close()
        self._parent = None
        os.makedirs(self._root, exist_ok=True)
        folder = self._opened.enter_context(Folder(self._root))
        for part in Path(parent).parts:
            with error_at(folder.path / part):
                folder = self._opened.enter_context(folder.child(part))
        if folder.path not in self._folders:
            self._folders.add(folder.path)
            sweep(folder)
        self._folder, self._parent = folder, parent


def sweep_folder(path: str | os.PathLike[str]) -> list[str]:
    """Remove the leftovers of dead processes from a folder; see :func:`embedkit.files.partial.sweep`."""
    try:
        with Folder(path) as folder:
            return [os.path.join(path, name) for name in sweep(folder)]
    except OSError:
        return []


def _create(folder: Folder, name: str, new: bytes) -> Outcome:
    with PartialFile(folder, name) as part:
        part.write(new)
        try:
            part.add()
        except FileExistsError:
            return _outcome(folder, name, digest(new))
    folder.sync()
    return Outcome.WRITTEN


def _replace(folder: Folder, name: str, read: bytes, new: bytes) -> WriteBack:
    try:
        with folder.open_to_read(name) as old:
            found = old.read()
        if found != read or found == new:
            return WriteBack(Outcome.UNCHANGED if found == new else Outcome.CHANGED_MEANWHILE)
        check_writable(folder, name)
        with PartialFile(folder, name, 0o600) as part:
            part.write(new)
            return _put(folder, part, name, digest(read), digest(new))
    except FileNotFoundError:  # its author has deleted it
        return WriteBack(Outcome.CHANGED_MEANWHILE)


def _put(folder: Folder, part: PartialFile, name: str, read: str, new: str) -> WriteBack:
    notes = part.take_after(name)
    outcome = _commit(folder, part, name, read, new)
    folder.sync()
    return WriteBack(outcome, notes if outcome is Outcome.WRITTEN else ())


def _commit(folder: Folder, part: PartialFile, name: str, read: str, new: str) -> Outcome:
    """Put a partial file in the place of another, given the digests of both."""
    part.rename_for_swap(read, new)
    if not _holds(folder, name, read):
        return _outcome(folder, name, new)
    if not folder.exchange(part.name, name):
        part.replace()
        return Outcome.WRITTEN
    return _settle(folder, part.name, name, read, new)


def _settle(folder: Folder, draft: str, name: str, read: str, new: str) -> Outcome:
    """Check the file that the exchange brought out, and put it back if it is not the one that was read.

    A file that comes out must be one that is known to have been there; otherwise it was saved meanwhile, and is
    put back. The file that comes out in exchange is then checked in the same way.
    """
    put: str | None = new
    expected: set[str | None] = {read, new}
    outcome = Outcome.WRITTEN
    for _ in range(MAX_SWAPS):
        try:
            found = _content(folder, draft)
        except FileNotFoundError:  # another run has swept it, which only happens to a file that was read
            return outcome
        if found in expected:
            folder.unlink(draft)
            return outcome
        if not _put_back(folder, draft, name):
            return Outcome.CHANGED_MEANWHILE
        put, expected, outcome = found, {put}, Outcome.CHANGED_MEANWHILE
    raise OSError(errno.EBUSY, f"is being saved again and again; an earlier version is in {draft}")


def _put_back(folder: Folder, draft: str, name: str) -> bool:
    """Put a file back; return whether another one came out in exchange."""
    try:
        return folder.exchange(draft, name)
    except FileNotFoundError:  # its author is about to save it again, or has deleted it
        try:
            folder.rename(draft, name)
        except FileExistsError:
            return folder.exchange(draft, name)
        return False


def _outcome(folder: Folder, name: str, new: str) -> Outcome:
    """Return the outcome for a file that is not to be replaced: another run may have written the same."""
    return Outcome.UNCHANGED if _holds(folder, name, new) else Outcome.CHANGED_MEANWHILE


def _holds(folder: Folder, name: str, data: str) -> bool:
    try:
        return _content(folder, name) == data
    except FileNotFoundError:
        return False


def _content(folder: Folder, name: str) -> str | None:
    """Return the digest of a file; None if it is unknown, because the file is being written or is not regular."""
    try:
        opened = folder.open_to_read(name)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    with opened as file:
        return None if _is_being_written(file.fileno()) else file_digest(file)


def _is_being_written(handle: int) -> bool:
    """Return whether any process has a file open for writing, so that no read lease is granted (fcntl(2))."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)  # ignored by default; SIGIO would kill the process
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:  # not our own file, or a file system without leases
            return False
    return False

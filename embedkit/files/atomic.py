"""Files replaced whole or not at all, and only where they are still what was read.

On Linux the new file and the one in its place change their names in one step (renameat2(2)), and what came
out is compared: what anybody saved until then is put back, so that there is no moment at which an edit can
be lost. Elsewhere, and on file systems that can't do that, the file is compared in the moment before it is
replaced.
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

MAX_SWAPS = 100  # somebody saves anew between any two of them

Read = Callable[[int], bytes]
Write = Callable[[bytes], object]
Make = Callable[[Read, Write], object]
"""Reads a file to its end, at most so many bytes at a time, and writes what it becomes."""


class Outcome(enum.Enum):
    """What became of a file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # it held these bytes already
    CHANGED_MEANWHILE = "changed meanwhile"  # it is not what was read any more, and was left as it is


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What became of a file, and what could not be kept of it, as predicates of a sentence about it."""

    outcome: Outcome
    notes: tuple[str, ...] = ()


def write_back(
    path: str | os.PathLike[str],
    read: bytes | None,
    new: bytes,
    *,
    open_folder: Callable[[Path], Folder] = Folder,
) -> WriteBack:
    """Put new bytes in the place of those that were read from a file, unless it has been changed meanwhile.

    Owner, mode, extended attributes and ACLs are kept as far as the process may; of a symbolic link the file
    that it leads to is replaced. Other names of the file (hard links) keep the old bytes, and a note says so.
    File and folder are on the disk when this returns (fsync).

    :param path: of the file; its folder has to be there.
    :param read: the bytes that the new ones were made from; None where there was no file.
    :param new: the bytes to write.
    :param open_folder: the way to the operating system.
    :raises OSError: where it can't be written, with ``path`` as its file name; then the file is as it was.

    >>> write_back("post.md", b"old", b"new").outcome
    <Outcome.WRITTEN: 'written'>
    """
    target = Path(os.path.realpath(path))
    with error_at(path), open_folder(target.parent) as folder:
        if read is None:
            return WriteBack(_create(folder, target.name, new))
        return _replace(folder, target.name, read, new)


def rewrite(path: str | os.PathLike[str], make: Make) -> WriteBack:
    """Like :func:`write_back`, for files too large for memory: the new one is made while the old one is read.

    :param path: of the file.
    :param make: what it raises is raised, and then the file is as it was.
    :raises OSError: where it can't be written; then the file is as it was.

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
    """Of what was read and of what was made of it."""
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
    """Write a file into a folder, whatever is in its place, and through no link. Whether it was needed.

    The file is on the disk when this returns, its folder not yet. One that holds these bytes is left as it is:
    a build touches what has changed, and no more. A new one has no name until it is whole, or else one of ours.
    """
    if folder.is_new and folder.add(name, new, MODE):  # without asking for what can't be there
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
    """A folder of results, filled file by file and through no link that is in it; to be used in a ``with`` block.

    The folder itself may be reached through links; it is made where there is none. At the end of the block the
    names of all files are on the disk.

    :param root: its path.

    >>> with Tree("site") as tree:
    ...     tree.write("posts/one.html", b"One")
    True
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.fspath(root)
        self._folders: set[Path] = set()
        self._opened = ExitStack()  # the folder that was written to last, and those that it is in
        self._parent: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        for path in self._folders:
            with Folder(path) as folder:
                folder.sync()

    def write(self, relative: str | os.PathLike[str], new: bytes) -> bool:
        """Write a file below the folder, whatever is in its place; one that holds these bytes stays untouched.

        :param relative: its path, of plain names.
        :returns: whether it was needed.
        :raises OSError: where it can't be written, or a link is in the way; then what was there is as it was.
        """
        folder, name = self._at(relative)
        try:
            return write_in(folder, name, new)
        except OSError as error:
            raise renamed(error, os.path.join(self._root, relative)) from None

    def fill(self, relative: str | os.PathLike[str], make: Callable[[Write], object]) -> None:
        """The same, piece by piece.

        :param make: writes the file. What it raises is raised, and then what was there is as it was.
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
    """Remove what dead processes left in a folder; see :func:`embedkit.files.partial.sweep`."""
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
    except FileNotFoundError:  # its author has removed it
        return WriteBack(Outcome.CHANGED_MEANWHILE)


def _put(folder: Folder, part: PartialFile, name: str, read: str, new: str) -> WriteBack:
    notes = part.take_after(name)
    outcome = _commit(folder, part, name, read, new)
    folder.sync()
    return WriteBack(outcome, notes if outcome is Outcome.WRITTEN else ())


def _commit(folder: Folder, part: PartialFile, name: str, read: str, new: str) -> Outcome:
    """Put a partial file in the place of another, by the digests of both."""
    part.rename_for_swap(read, new)
    if not _holds(folder, name, read):
        return _outcome(folder, name, new)
    if not folder.exchange(part.name, name):
        part.replace()
        return Outcome.WRITTEN
    return _settle(folder, part.name, name, read, new)


def _settle(folder: Folder, draft: str, name: str, read: str, new: str) -> Outcome:
    """Look at what came out of the exchange, and put back what is no older than what was put in.

    Each time, what comes out has to be what is known to have been there, else it was saved meanwhile, and
    goes back; what was put in goes out, and is looked at in its turn.
    """
    put: str | None = new
    expected: set[str | None] = {read, new}
    outcome = Outcome.WRITTEN
    for _ in range(MAX_SWAPS):
        try:
            found = _content(folder, draft)
        except FileNotFoundError:  # another run has swept it up, which it does to what was read alone
            return outcome
        if found in expected:
            folder.unlink(draft)
            return outcome
        if not _put_back(folder, draft, name):
            return Outcome.CHANGED_MEANWHILE
        put, expected, outcome = found, {put}, Outcome.CHANGED_MEANWHILE
    raise OSError(errno.EBUSY, f"is saved again and again; what was saved before is in {draft}")


def _put_back(folder: Folder, draft: str, name: str) -> bool:
    """Whether something came out for it."""
    try:
        return folder.exchange(draft, name)
    except FileNotFoundError:  # its author is about to save it once more, or has removed it
        try:
            folder.rename(draft, name)
        except FileExistsError:
            return folder.exchange(draft, name)
        return False


def _outcome(folder: Folder, name: str, new: str) -> Outcome:
    """Of a file that is not to be replaced: another run may have written the same."""
    return Outcome.UNCHANGED if _holds(folder, name, new) else Outcome.CHANGED_MEANWHILE


def _holds(folder: Folder, name: str, data: str) -> bool:
    try:
        return _content(folder, name) == data
    except FileNotFoundError:
        return False


def _content(folder: Folder, name: str) -> str | None:
    """The digest of a file; None where it can't be known, since somebody is writing it, or it is not a file."""
    try:
        opened = folder.open_to_read(name)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    with opened as file:
        return None if _is_being_written(file.fileno()) else file_digest(file)


def _is_being_written(handle: int) -> bool:
    """Whether any process has a file open for writing: then no lease for reading is given (fcntl(2))."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)  # it is ignored; SIGIO, the default, kills
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:  # not our own file, or a file system without leases
            return False
    return False

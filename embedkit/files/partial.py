"""A file on its way: beside its place, under a name of our own, until it is whole.

Whoever writes one holds a lock on it, which the kernel frees when the process ends, however it ends
(flock(2)). So a partial file that nobody holds is what a dead process left, and :func:`sweep` removes it.
Where there are no such locks (some network file systems) it stays; on Windows, where this is not tested, a
file that is open can't be removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from contextlib import suppress
from io import BufferedReader
from typing import BinaryIO

from embedkit.files.folder import Folder, try_lock
from embedkit.files.plain import check_plain

if sys.platform != "win32":
    import fcntl

NAME_CHARS = 32  # of the name of the file itself, so that no name gets too long (255 bytes)
DIGEST_BYTES = 12
MODE = 0o644  # of a new file, before the umask
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
PART = re.compile(r"\..{1,32}\.[0-9a-f]{16}\.embedkit\.part", re.DOTALL)
SWAP = re.compile(r"\..{1,32}\.[0-9a-f]{16}\.([0-9a-f]{24})\.([0-9a-f]{24})\.embedkit\.swap", re.DOTALL)

# What a new file could not take over from the one whose place it takes.
LINKED = "has other names (hard links), which keep the old text"
OWNER = "belongs to you now: its owner and group could not be kept"
EXTENDED = "lost extended attributes that could not be kept"


class PartialFile:
    """What there is of a file so far. At the end of its block it is gone, unless it was put in its place.

    :param folder: where the file is to be.
    :param name: of the file; ``place`` can be changed until it is there.
    :param mode: who may use it, before the umask.
    :raises OSError: on entering the block, where the folder can't be written.
    """

    name: str
    file: BinaryIO
    _held: int | None

    def __init__(self, folder: Folder, name: str, mode: int = MODE) -> None:
        self._folder = folder
        self.place = name
        self._mode = mode

    def __enter__(self) -> PartialFile:
        while not self._begin():
            pass
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk was reported before
            self.file.close()
        with suppress(OSError):  # it has another name, where it was put in its place
            if self._is_ours():
                self._folder.unlink(self.name)
        if self._held is not None:
            os.close(self._held)

    def write(self, data: bytes) -> None:
        """The next bytes of it."""
        self.file.write(data)

    def clear(self) -> None:
        """Begin anew."""
        self.file.seek(0)
        self.file.truncate()

    def take_after(self, name: str) -> tuple[str, ...]:
        """Take over owner, mode and extended attributes of a file in the folder; what could not be kept."""
        with self._folder.open_to_read(name) as old:
            return copy_attributes(old.fileno(), self.file.fileno())

    def copy_to(self, other: PartialFile) -> None:
        """Write the same bytes to another."""
        import shutil  # with three libraries for compressing

        self.finish()
        with self._folder.open_to_read(self.name) as file:
            shutil.copyfileobj(file, other.file)

    def finish(self) -> None:
        """Have all of it on the disk, before it is put in its place."""
        if not self.file.closed:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()

    def replace(self) -> None:
        """Put it in its place, whatever is there. The folder is not on the disk yet."""
        self.finish()
        self._folder.replace(self.name, self.place)

    def add(self) -> None:
        """Put it in its place, where there is nothing.

        :raises FileExistsError: where there is something.
        """
        self.finish()
        if not self._folder.rename(self.name, self.place):
            self._link()

    def rename_for_swap(self, old: str, new: str) -> None:
        """Take a name from which the next run can tell what is under it, if this one is killed in the middle."""
        self.finish()
        name = f"{self._stem}.{old}.{new}.embedkit.swap"
        self._folder.replace(self.name, name)
        self.name = name

    def _begin(self) -> bool:
        """False where another process has swept up the file before it was locked."""
        self._stem = f".{self.place[:NAME_CHARS]}.{os.urandom(8).hex()}"
        self.name = f"{self._stem}.embedkit.part"
        self.file = os.fdopen(self._folder.open(self.name, NEW, self._mode), "wb")
        self._held = None
        if sys.platform == "win32":  # there a file that is open can be neither renamed nor removed
            return True
        try:
            self._held = self._folder.open(self.name, os.O_RDONLY)
        except OSError as error:
            self.file.close()
            if isinstance(error, FileNotFoundError):
                return False
            self._folder.unlink(self.name)
            raise
        if try_lock(self._held) and os.fstat(self._held).st_nlink:
            return True
        self.file.close()
        os.close(self._held)
        return False

    def _is_ours(self) -> bool:
        """Whether the file of that name is the one that was begun: after an exchange it is not."""
        found = self._folder.stat(self.name)
        return self._held is None or os.path.samestat(os.fstat(self._held), found)

    def _link(self) -> None:
        """A link is made only where there is nothing; on a file system without links the name is taken first."""
        try:
            self._folder.link(self.name, self.place)
        except FileExistsError:
            raise
        except (OSError, AttributeError):
            os.close(self._folder.open(self.place, NEW, self._mode))
            self._folder.replace(self.name, self.place)


def write_private(folder: Folder, name: str, data: bytes) -> None:
    """Put a file that is nobody else's into a folder, whatever is in its place."""
    with PartialFile(folder, name, 0o600) as part:
        part.write(data)
        part.replace()


def sweep(folder: Folder) -> list[str]:
    """Remove the partial files of dead processes; what nobody may be missing, and only under our own names.

    :returns: the names that were left because they may hold what somebody has saved: a process was killed in
        the very moment between putting its file in place and finding that another had been saved there.
    """
    try:
        names = [name for name in folder.names() if PART.fullmatch(name) or SWAP.fullmatch(name)]
    except OSError:
        return []
    return [name for name in names if not _sweep_one(folder, name)]


def digest(data: bytes) -> str:
    """A short name for a content."""
    return new_digest(data).hexdigest()


def file_digest(file: BufferedReader) -> str:
    """The same of a file from where it stands, however large."""
    return hashlib.file_digest(file, new_digest).hexdigest()


def new_digest(data: bytes = b"") -> hashlib.blake2b:
    """A digest of these bytes, and of those that it is updated with."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES)


def _sweep_one(folder: Folder, name: str) -> bool:
    if sys.platform == "win32":
        with suppress(OSError):
            folder.unlink(name)
        return True
    with suppress(OSError), folder.open_to_read(name) as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails as long as its process lives
        if os.path.samestat(os.fstat(file.fileno()), folder.stat(name)):
            swap = SWAP.fullmatch(name)
            if swap and file_digest(file) not in swap.groups():
                return False
            folder.unlink(name)
    return True


def check_writable(folder: Folder, name: str) -> None:
    """Replacing a file needs no right but that to its folder; one that must not be written is left all the same.

    :raises OSError: where it is marked as read-only (for root, too), or not ours to write, or not a plain file.
    """
    mode = folder.stat(name).st_mode
    check_plain(mode)
    if not mode & 0o222:
        raise OSError(errno.EACCES, "Is marked as read-only")
    if not folder.may_write(name):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def copy_attributes(source: int, target: int) -> tuple[str, ...]:
    """Give a new file the owner, the mode and the extended attributes (ACLs among them) of another.

    :param source: a handle of the one.
    :param target: a handle of the other.
    :returns: what could not be kept, as predicates of a sentence about the file.
    """
    old = os.fstat(source)
    if sys.platform == "win32":
        return ()
    owned = _give(target, old)
    os.fchmod(target, stat.S_IMODE(old.st_mode) & (0o7777 if owned else 0o777))
    kept = _copy_extended(source, target)
    notes = ((old.st_nlink > 1, LINKED), (not owned, OWNER), (not kept, EXTENDED))
    return tuple(note for wanted, note in notes if wanted)


def _give(target: int, old: os.stat_result) -> bool:
    new = os.fstat(target)
    if (new.st_uid, new.st_gid) == (old.st_uid, old.st_gid):
        return True
    try:
        os.fchown(target, old.st_uid, old.st_gid)
    except OSError:
        with suppress(OSError):  # a group that we belong to, at least
            os.fchown(target, -1, old.st_gid)
        return False
    return True


def _copy_extended(source: int, target: int) -> bool:
    """Only on Linux does Python know extended attributes; a new file may have inherited some from its folder."""
    if sys.platform != "linux":
        return True
    try:
        wanted = {name: os.getxattr(source, name) for name in os.listxattr(source)}
        found = os.listxattr(target)
    except OSError:  # there are none on this file system
        return True
    for name in found:
        if name not in wanted:
            with suppress(OSError):
                os.removexattr(target, name)
    failed = [name for name, value in wanted.items() if not _set(target, name, value)]
    return not failed


def _set(target: int, name: str, value: bytes) -> bool:
    try:
        if name not in os.listxattr(target) or os.getxattr(target, name) != value:
            os.setxattr(target, name, value)
    except OSError:
        return False
    return True

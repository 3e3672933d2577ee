"""A file being written: next to its destination, under a name of our own, until it is complete.

The process that writes it holds a lock on it, which the kernel releases however the process ends (flock(2)). So a
partial file that is not locked was left by a dead process, and :func:`sweep` removes it. Where such locks don't
exist (some network file systems), it is kept; on Windows, where this is not tested, an open file can't be removed.
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

NAME_CHARS = 32  # of the file's own name, so that the name does not exceed 255 bytes
DIGEST_BYTES = 12
MODE = 0o644  # of a new file, before the umask
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
PART = re.compile(r"\..{1,32}\.[0-9a-f]{16}\.embedkit\.part", re.DOTALL)
SWAP = re.compile(r"\..{1,32}\.[0-9a-f]{16}\.([0-9a-f]{24})\.([0-9a-f]{24})\.embedkit\.swap", re.DOTALL)

# What a new file could not take over from the one that it replaces.
LINKED = "has other names (hard links), which keep the old text"
OWNER = "is now owned by you: its owner and group could not be preserved"
EXTENDED = "lost extended attributes that could not be preserved"


class PartialFile:
    """A file being written. It is deleted at the end of the block unless it was put in place.

    :param folder: the folder of the file.
    :param name: name of the file; ``place`` can be changed until it is put in place.
    :param mode: permissions of the file, before the umask.
    :raises OSError: on entering the block, if the folder can't be written.
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
        with suppress(OSError):  # a full disk has been reported already
            self.file.close()
        with suppress(OSError):  # if it was put in place, it has another name
            if self._is_ours():
                self._folder.unlink(self.name)
        if self._held is not None:
            os.close(self._held)

    def write(self, data: bytes) -> None:
        """Write the next bytes."""
        self.file.write(data)

    def clear(self) -> None:
        """Start again from the beginning."""
        self.file.seek(0)
        self.file.truncate()

    def take_after(self, name: str) -> tuple[str, ...]:
        """Copy owner, mode and extended attributes of a file in the folder; return what could not be preserved."""
        with self._folder.open_to_read(name) as old:
            return copy_attributes(old.fileno(), self.file.fileno())

    def copy_to(self, other: PartialFile) -> None:
        """Copy the content to another partial file."""
        import shutil  # which imports three compression libraries

        self.finish()
        with self._folder.open_to_read(self.name) as file:
            shutil.copyfileobj(file, other.file)

    def finish(self) -> None:
        """Sync the content to disk, before the file is put in place."""
        if not self.file.closed:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()

    def replace(self) -> None:
        """Put the file in place, replacing any other. The folder is not synced yet."""
        self.finish()
        self._folder.replace(self.name, self.place)

    def add(self) -> None:
        """Put the file in place, if there is no other.

        :raises FileExistsError: if there is another.
        """
        self.finish()
        if not self._folder.rename(self.name, self.place):
            self._link()

    def rename_for_swap(self, old: str, new: str) -> None:
        """Rename the file so that the next run can identify its content, if this one is killed in the middle."""
        self.finish()
        name = f"{self._stem}.{old}.{new}.embedkit.swap"
        self._folder.replace(self.name, name)
        self.name = name

    def _begin(self) -> bool:
        """Create and lock the file; return False if another process swept it before it was locked."""
        self._stem = f".{self.place[:NAME_CHARS]}.{os.urandom(8).hex()}"
        self.name = f"{self._stem}.embedkit.part"
        self.file = os.fdopen(self._folder.open(self.name, NEW, self._mode), "wb")
        self._held = None
        if sys.platform == "win32":  # where an open file can be neither renamed nor deleted
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
        """Return whether that name still belongs to the file that was created, as it doesn't after an exchange."""
        found = self._folder.stat(self.name)
        return self._held is None or os.path.samestat(os.fstat(self._held), found)

    def _link(self) -> None:
        """Put the file in place with a link, or else reserve its name first, if the file system has no links."""
        try:
            self._folder.link(self.name, self.place)
        except FileExistsError:
            raise
        except (OSError, AttributeError):
            os.close(self._folder.open(self.place, NEW, self._mode))
            self._folder.replace(self.name, self.place)


def write_private(folder: Folder, name: str, data: bytes) -> None:
    """Write a private file into a folder, replacing any other."""
    with PartialFile(folder, name, 0o600) as part:
        part.write(data)
        part.replace()


def sweep(folder: Folder) -> list[str]:
    """Delete the partial files of dead processes: only under our own names, and only what no user can miss.

    :returns: the names of files that are kept because they may contain what a user has saved: a process was killed
        just between putting its file in place and noticing that another had been saved there.
    """
    try:
        names = [name for name in folder.names() if PART.fullmatch(name) or SWAP.fullmatch(name)]
    except OSError:
        return []
    return [name for name in names if not _sweep_one(folder, name)]


def digest(data: bytes) -> str:
    """Return the digest of some content."""
    return new_digest(data).hexdigest()


def file_digest(file: BufferedReader) -> str:
    """Return the digest of a file from its current position, without holding it in memory."""
    return hashlib.file_digest(file, new_digest).hexdigest()


def new_digest(data: bytes = b"") -> hashlib.blake2b:
    """Return a digest object of these bytes, to be updated with more."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES)


def _sweep_one(folder: Folder, name: str) -> bool:
    if sys.platform == "win32":
        with suppress(OSError):
            folder.unlink(name)
        return True
    with suppress(OSError), folder.open_to_read(name) as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its process is alive
        if os.path.samestat(os.fstat(file.fileno()), folder.stat(name)):
            swap = SWAP.fullmatch(name)
            if swap and file_digest(file) not in swap.groups():
                return False
            folder.unlink(name)
    return True


def check_writable(folder: Folder, name: str) -> None:
    """Check that a file may be written; replacing it would only need permission for its folder.

    :raises OSError: if it is marked as read-only (even for root), not writable for us, or not a regular file.
    """
    mode = folder.stat(name).st_mode
    check_plain(mode)
    if not mode & 0o222:
        raise OSError(errno.EACCES, "Is marked as read-only")
    if not folder.may_write(name):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def copy_attributes(source: int, target: int) -> tuple[str, ...]:
    """Copy the owner, mode and extended attributes (including ACLs) of a file to a new one.

    :param source: handle of the old file.
    :param target: handle of the new file.
    :returns: what could not be preserved, as predicates of a sentence about the file.
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
        with suppress(OSError):  # at least the group, if we belong to it
            os.fchown(target, -1, old.st_gid)
        return False
    return True


def _copy_extended(source: int, target: int) -> bool:
    """Copy extended attributes, which Python only supports on Linux; remove any inherited from the folder."""
    if sys.platform != "linux":
        return True
    try:
        wanted = {name: os.getxattr(source, name) for name in os.listxattr(source)}
        found = os.listxattr(target)
    except OSError:  # not supported by this file system
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

"""What a new file takes over from the one whose place it takes, and what it can't."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress

from embedkit.files.folder import Folder, check_plain

LINKED = "has other names (hard links), which keep the old text"
OWNER = "belongs to you now: its owner and group could not be kept"
EXTENDED = "lost extended attributes that could not be kept"


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

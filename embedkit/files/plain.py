"""Opening regular files only: links are not followed, and a pipe or a device does not block the caller."""

from __future__ import annotations

import errno
import os
import stat

OPEN_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class NotAFile(FileExistsError):
    """Something that is not a regular file."""


def check_plain(mode: int) -> None:
    """Check that a mode is that of a regular file, not of a folder, a pipe or a device.

    :raises NotAFile: if it is not.
    """
    if not stat.S_ISREG(mode):
        raise NotAFile(errno.EEXIST, "Is not a regular file")


def check_handle(handle: int) -> int:
    """Return the handle if it is that of a regular file, otherwise close it.

    :param handle: handle, opened with OPEN_FLAGS.
    :raises NotAFile: if it is a folder, a pipe or a device.
    """
    try:
        check_plain(os.fstat(handle).st_mode)
    except OSError:
        os.close(handle)
        raise
    return handle

"""Plain files alone: a link is not followed, and a pipe or a device keeps nobody waiting."""

from __future__ import annotations

import errno
import os
import stat

OPEN_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class NotAFile(FileExistsError):
    """What is there is not a plain file."""


def check_plain(mode: int) -> None:
    """That it is a file, and not a folder, a pipe or a device.

    :raises NotAFile: where it is not.
    """
    if not stat.S_ISREG(mode):
        raise NotAFile(errno.EEXIST, "Is not a plain file")


def check_handle(handle: int) -> int:
    """The handle of a plain file; any other is closed.

    :param handle: opened with OPEN_FLAGS.
    :raises NotAFile: where it is a folder, a pipe or a device.
    """
    try:
        check_plain(os.fstat(handle).st_mode)
    except OSError:
        os.close(handle)
        raise
    return handle

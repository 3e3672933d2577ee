"""A secret that is created once and kept in a file, for users who set none."""

from __future__ import annotations

import errno
import os
import re
import secrets
from pathlib import Path

import platformdirs

from embedkit.errors import ConfigurationError
from embedkit.files.folder import Folder
from embedkit.files.partial import PartialFile, sweep
from embedkit.files.plain import NotAFile
from embedkit.process import lazy_logger

WHOLE = re.compile(rb"\s*([!-~]{64,4096})\s*")
LOCK_TIMEOUT_S = 5.0  # to wait for another process that is creating the secret
MAX_TRIES = 100
HINT = "Delete it, so that a new secret is created, or set EMBEDKIT_SECRET."

log = lazy_logger("embedkit")


def own_folder() -> Path:
    """Return the folder for files that are private to this user."""
    return Path(platformdirs.user_cache_dir("embedkit"))


def own_secret() -> str:
    """Return this user's secret.

    :raises ConfigurationError: if it can't be stored in the cache folder.
    """
    path = own_folder() / "secret"
    try:
        return kept_secret(path)
    except OSError as error:  # no home directory, or a read-only one, as in a container
        raise ConfigurationError(
            f"A secret can't be stored in {path} ({error.strerror}).",
            hint="Set EMBEDKIT_SECRET, and EMBEDKIT_CACHE to a writable place or to memory:",
        ) from None


def kept_secret(path: Path, open_folder: type[Folder] = Folder) -> str:
    """Return the secret in a file that only its owner can read, created by whichever process is first.

    It is written to a temporary file and renamed. A file that is empty or truncated is replaced.

    :param path: path of the file.
    :param open_folder: opens a folder; for tests.
    :raises OSError: if it can't be stored.
    :raises ConfigurationError: if it belongs to another user, others can read it, or it is not a regular file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_folder(path.parent) as folder:
        for _ in range(MAX_TRIES):
            _protect(path.parent)
            if found := _read(folder, path) or _make(folder, path):
                return found
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _make(folder: Folder, path: Path) -> str | None:
    """Create a secret, or return that of another process that was faster; None if that has yet to be read."""
    folder.lock(LOCK_TIMEOUT_S)
    if found := _read(folder, path):
        return found
    sweep(folder)
    made = secrets.token_hex(32)
    with PartialFile(folder, path.name, 0o600) as part:
        part.write(made.encode())
        try:
            part.add()
        except FileExistsError:
            if _read(folder, path):
                return None
            part.replace()
            log.warning("The secret in %s was cut off; a new one is created, and the cache starts empty.", path)
    folder.sync()
    return made


def _read(folder: Folder, path: Path) -> str | None:
    """Read the secret; None if there is none, or if it is truncated."""
    try:
        opened = folder.open_to_read(path.name)
    except FileNotFoundError:
        return None
    except NotAFile:
        raise ConfigurationError(f"{path} is not a regular file.", hint=HINT) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(f"{path} is a symbolic link.", hint=HINT) from None
        raise
    with opened as file:
        found = os.fstat(file.fileno())
        if os.name != "nt" and found.st_uid not in (os.geteuid(), 0):
            raise ConfigurationError(f"The file {path} belongs to another user.", hint=HINT)
        whole = WHOLE.fullmatch(file.read(8192))
    if whole and os.name != "nt" and found.st_mode & 0o077:  # on Windows, the folder's permissions protect it
        raise ConfigurationError(f"The file {path} is not private: others can read it.", hint=HINT)
    return whole[1].decode() if whole else None


def _protect(folder: Path) -> None:
    """Make the folder unwritable for other users, who could put a secret of their own there."""
    if os.name == "nt":
        return
    found = folder.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The folder {folder} belongs to another user.", hint="Set EMBEDKIT_SECRET, or XDG_CACHE_HOME."
        )
    if found.st_mode & 0o022:
        folder.chmod(0o700)

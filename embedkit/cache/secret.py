"""A secret that is made once and kept in a file, for those who set none."""

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
LOCK_TIMEOUT_S = 5.0  # for another process that is making the secret at this moment
MAX_TRIES = 100
HINT = "Delete it, so that a new secret is made, or set EMBEDKIT_SECRET."

log = lazy_logger("embedkit")


def own_folder() -> Path:
    """Where what is this user's alone is kept."""
    return Path(platformdirs.user_cache_dir("embedkit"))


def own_secret() -> str:
    """The secret of this user.

    :raises ConfigurationError: where it can't be kept in the cache folder.
    """
    path = own_folder() / "secret"
    try:
        return kept_secret(path)
    except OSError as error:  # no home, or one that is read-only, as in a container
        raise ConfigurationError(
            f"A secret can't be kept in {path} ({error.strerror}).",
            hint="Set EMBEDKIT_SECRET, and EMBEDKIT_CACHE to a place that can be written or to memory:",
        ) from None


def kept_secret(path: Path, open_folder: type[Folder] = Folder) -> str:
    """The secret in a file that only its owner may read; made by whichever process comes first.

    It is written beside its place, and renamed. One that is empty or cut off is made anew.

    :param path: of the file.
    :param open_folder: the way to the operating system.
    :raises OSError: if it can't be kept.
    :raises ConfigurationError: where it belongs to somebody else, others may read it, or it is not a plain file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_folder(path.parent) as folder:
        for _ in range(MAX_TRIES):
            _keep_others_out(path.parent)
            if found := _read(folder, path) or _make(folder, path):
                return found
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _make(folder: Folder, path: Path) -> str | None:
    """A new secret, or the one of another process that was faster; None where that one is to be read yet."""
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
            log.warning("The secret in %s was cut off: a new one is made, and the cache begins anew.", path)
    folder.sync()
    return made


def _read(folder: Folder, path: Path) -> str | None:
    """The secret; None where there is none, or no whole one."""
    try:
        opened = folder.open_to_read(path.name)
    except FileNotFoundError:
        return None
    except NotAFile:
        raise ConfigurationError(f"{path} is not a plain file.", hint=HINT) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigurationError(f"{path} is a symbolic link.", hint=HINT) from None
        raise
    with opened as file:
        found = os.fstat(file.fileno())
        if os.name != "nt" and found.st_uid not in (os.geteuid(), 0):
            raise ConfigurationError(f"The file {path} belongs to somebody else.", hint=HINT)
        whole = WHOLE.fullmatch(file.read(8192))
    if whole and os.name != "nt" and found.st_mode & 0o077:  # on Windows the rights of the folder see to that
        raise ConfigurationError(f"The file {path} is not private: others may read it.", hint=HINT)
    return whole[1].decode() if whole else None


def _keep_others_out(folder: Path) -> None:
    """Who may write in the folder can put a secret of his own there."""
    if os.name == "nt":
        return
    found = folder.stat()
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The folder {folder} belongs to somebody else.", hint="Set EMBEDKIT_SECRET, or XDG_CACHE_HOME."
        )
    if found.st_mode & 0o022:
        folder.chmod(0o700)

"""The secret that signs cache entries and grants: the one that is set, or one made once and kept."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

import platformdirs

from embedkit.errors import ConfigurationError
from embedkit.settings import Settings

SHARED = ("redis:", "rediss:", "unix:", "valkey:", "memcached:")
PRIVATE = ("memory:", "null:")


def signing_secrets(settings: Settings) -> tuple[str, ...]:
    """The values of SECRET; the first signs, all verify.

    :raises ConfigurationError: where SECRET is not set and the cache is shared between machines, or a
        secret of our own cannot be kept.
    """
    if settings.secret:
        return tuple(secret.reveal() for secret in settings.secret)
    if settings.cache.startswith(SHARED):
        raise ConfigurationError(
            "A cache that several machines share needs the setting SECRET.",
            hint="Set it, the same everywhere, for example to the output of: "
            "python -c 'import secrets; print(secrets.token_hex(32))'",
        )
    if settings.cache.startswith(PRIVATE):
        return (secrets.token_hex(32),)
    path = Path(platformdirs.user_cache_dir("embedkit")) / "secret"
    try:
        return (_kept(path),)
    except OSError as error:  # no home, or one that is read-only, as in a container
        raise ConfigurationError(
            f"A secret cannot be kept in {path} ({error.strerror}).",
            hint="Set SECRET, and CACHE to a place that may be written; or CACHE to memory:",
        ) from None


def _kept(path: Path) -> str:
    """The secret in a file that only its owner may read; made by whichever process comes first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    made = secrets.token_hex(32)
    with os.fdopen(handle, "w") as file:
        file.write(made)
    return made


def _private(path: Path, found: str) -> str:
    """What was found, unless somebody else may know it; on Windows the rights of the folder see to that."""
    file = path.stat()
    if os.name != "nt" and (file.st_uid not in (os.geteuid(), 0) or file.st_mode & 0o077):
        raise ConfigurationError(
            f"The file {path} belongs to somebody else, or others may read it.",
            hint="Delete it, so that a new secret is made, or set the setting SECRET.",
        )
    return found


def _read(path: Path) -> str:
    for _ in range(50):  # whoever made the file may still be writing its 64 characters
        if len(found := path.read_text().strip()) >= 64:
            return _private(path, found)
        time.sleep(0.01)
    raise ConfigurationError(
        f"The file {path} holds no whole secret.", hint="Delete it, or set the setting SECRET."
    )

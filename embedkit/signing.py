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

    :raises ConfigurationError: where the cache is shared between machines and SECRET is not set.
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
    return (_kept(Path(platformdirs.user_cache_dir("embedkit")) / "secret"),)


def _kept(path: Path) -> str:
    """The secret in a file that only its owner may read; made by whichever process comes first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    made = secrets.token_hex(32)
    with os.fdopen(handle, "w") as file:
        file.write(made)
    return made


def _read(path: Path) -> str:
    for _ in range(50):  # whoever made the file may still be writing its 64 characters
        if len(found := path.read_text().strip()) >= 64:
            return found
        time.sleep(0.01)
    raise ConfigurationError(
        f"The file {path} holds no whole secret.", hint="Delete it, or set the setting SECRET."
    )

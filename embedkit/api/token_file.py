"""A token that the processes of one user share: each costs a call."""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from embedkit.api.oauth import MAX_LIFETIME_S, Credentials, Token, fit_token
from embedkit.files.folder import Folder
from embedkit.files.partial import PartialFile
from embedkit.process import lazy_logger
from embedkit.settings import Secret

log = lazy_logger("embedkit.api")

TOKEN_PREFIX, MAX_TOKEN_BYTES = "token-", 32 * 1024  # of a file with a token


class TokenFile:
    """A token that the processes of one user share, in a file beside the secret: each costs a call.

    The file is private (mode 0600), is replaced whole, and is of one set of credentials. It never is in a cache.
    One that is broken, foreign, or readable by others counts as none, and so does a folder that can't be written.
    A refresh token, which lives for a year, stays in its process.

    :param folder: where the file is.
    :param clock: seconds since the epoch: a monotonic clock is each machine's, and begins anew with it.
    """

    def __init__(self, credentials: Credentials, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._credentials = credentials
        self._folder = folder
        self._clock = clock

    @contextmanager
    def locked(self, wait: float) -> Iterator[None]:
        """Hold the others up, as long as one asks for a token; after ``wait`` seconds, go on without."""
        try:
            folder = self._open()
        except OSError as error:
            log.debug("tokens are not shared: %s", error.strerror)
            yield
            return
        with folder:
            folder.lock(min(wait, MAX_LIFETIME_S))
            yield

    def read(self) -> tuple[Token, float] | None:
        """The token, and how many seconds old it is; None where there is none that is good and ours."""
        data = self._read()
        return None if data is None else self._parse(data)

    def write(self, token: Token) -> None:
        """Put a token in the place of the last one."""
        try:
            with self._open() as folder, PartialFile(folder, self._name(), 0o600) as part:
                part.write(self._dump(token))
                part.finish()
                part.replace()
        except OSError as error:
            log.debug("the token is not shared: %s", error.strerror)

    def _read(self) -> bytes | None:
        """The file; None where there is none, or one that others can read."""
        try:
            with self._open() as folder, folder.open_to_read(self._name()) as file:
                found = os.fstat(file.fileno())
                if os.name != "nt" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
                    return None
                return file.read(MAX_TOKEN_BYTES)
        except OSError:
            return None

    def _open(self) -> Folder:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Folder(self._folder)

    def _name(self) -> str:
        """Of these credentials, which nobody can guess from it."""
        ours = self._credentials
        parts = (ours.token_url, ours.api_key.reveal(), ours.username, ours.password.reveal(), str(ours.grant()))
        texts = (ours.api_secret.reveal(), "\n".join(parts))
        secret, text = (one.encode("utf-8", "surrogatepass") for one in texts)
        return TOKEN_PREFIX + hmac.digest(secret, text, "sha256").hex()

    def _dump(self, token: Token) -> bytes:
        fields = {"access": token.access.reveal(), "seconds": token.seconds, "at": self._clock()}
        return json.dumps(fields).encode()

    def _parse(self, data: bytes) -> tuple[Token, float] | None:
        try:
            fields = json.loads(data)
            access, seconds = fields["access"], int(fields["seconds"])
            age = self._clock() - float(fields["at"])
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return None
        good = fit_token(access) and 0 <= age < seconds <= MAX_LIFETIME_S
        return (Token(Secret(access), seconds), age) if good else None

"""Tokens in files: a token shared by the user's processes, and the tokens of a customer who has logged in."""

from __future__ import annotations

import hmac
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from embedkit.api.oauth import MAX_LIFETIME_S, Credentials, Token, fit_token
from embedkit.errors import Unavailable
from embedkit.files.folder import open_private
from embedkit.files.partial import write_private
from embedkit.getty import payload
from embedkit.models import JSON
from embedkit.process import lazy_logger
from embedkit.settings import Secret

log = lazy_logger("embedkit.api")

MAX_TOKEN_BYTES = 32 * 1024  # of a file with a token
LOCK_TIMEOUT_S = 60.0  # for another process that is renewing the login, which takes at most EMBEDKIT_TIMEOUT
AGAIN = "Run embedkit login again."

_ID = re.compile("[0-9a-f]{16}")


@dataclass(eq=False, repr=False)
class TokenFile:
    """A token shared by the user's processes, in a file next to the secret, to save a call per process.

    The file is private (mode 0600), is replaced atomically, belongs to one set of credentials, and is never in a
    cache. A file that is damaged, owned by another user, or readable by others is ignored, as is a folder that
    can't be written. A refresh token, which is valid for a year, stays in its process.

    :param folder: folder of the file.
    :param clock: function that returns seconds since the epoch; a monotonic clock restarts with the machine.
    """

    credentials: Credentials
    folder: Path
    clock: Callable[[], float] = time.time

    @contextmanager
    def locked(self, wait: float) -> Iterator[None]:
        """Lock the file while a token is requested; continue without the lock after ``wait`` seconds."""
        try:
            folder = open_private(self.folder)
        except OSError as error:
            log.debug("tokens can't be shared: %s", error.strerror)
            yield
            return
        with folder:
            folder.lock(min(wait, MAX_LIFETIME_S))
            yield

    def read(self) -> Token | None:
        """Return the token; None if there is no valid one of these credentials."""
        token = self._token(payload.fields(self._read()))
        return token if token and 0 <= token.age < token.seconds else None

    def newest(self) -> Token | None:
        """Like :meth:`read`, but never from memory."""
        return self.read()

    def write(self, token: Token) -> None:
        """Replace the token in the file. A failure is only logged."""
        try:
            self._put(token)
        except OSError as error:
            log.debug("the token can't be shared: %s", error.strerror)

    def _put(self, token: Token, **more: str | None) -> None:
        fields = {"access": token.access.reveal(), "seconds": token.seconds, "at": self.clock() - token.age}
        with open_private(self.folder) as folder:
            write_private(folder, self._name(), json.dumps(fields | more).encode())

    def _read(self) -> bytes:
        """Return the content of the file; empty if it is missing, or readable by others."""
        try:
            with open_private(self.folder) as folder, folder.open_to_read(self._name()) as file:
                found = os.fstat(file.fileno())
                if os.name != "nt" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
                    return b""
                return file.read(MAX_TOKEN_BYTES)
        except OSError:
            return b""

    def _name(self) -> str:
        ours = self.credentials
        parts = (ours.token_url, ours.api_key.reveal(), ours.username, ours.password.reveal(), str(ours.grant()))
        return _name_of("token-", ours.api_secret.reveal(), "\n".join(parts))

    def _token(self, fields: JSON) -> Token | None:
        """Return the token from a file, whose age can be negative; None if the file is damaged."""
        access, refresh, seconds, at = (fields.get(name) for name in ("access", "refresh", "seconds", "at"))
        if not fit_token(access) or not isinstance(at, int | float):
            return None
        if not isinstance(seconds, int) or not 0 < seconds <= MAX_LIFETIME_S:
            return None
        return Token(Secret(access), seconds, Secret(refresh) if fit_token(refresh) else None, self.clock() - at)


class LoginFile(TokenFile):
    """The tokens of the customer who logged in, including the refresh token, until they log out.

    The file belongs to one key and one token endpoint, whatever the other credentials.
    """

    _known: tuple[object, bytes] = None, b""  # state and content of the file when it was last read

    def read(self) -> Token | None:
        """Return the token; None if no customer is logged in. The file is only read again if it has changed."""
        try:
            found = (self.folder / self._name()).stat()
        except OSError:
            return None
        seen = (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
        known = self._known  # read once: other threads can replace it
        if known[0] != seen:
            self._known = known = seen, self._read()
        return self._login(known[1])

    def newest(self) -> Token | None:
        """Like :meth:`read`, but never from memory."""
        return self._login(self._read())

    @contextmanager
    def locked(self, wait: float) -> Iterator[None]:
        """Lock the file while a token is renewed, since a refresh token might be valid for a single use.

        :raises Unavailable: if another process holds the lock for more than ``wait`` seconds.
        """
        with open_private(self.folder) as folder:
            if not folder.lock(min(wait, MAX_LIFETIME_S)):
                raise Unavailable("Another process is still renewing the login.", retry_after=1.0)
            yield

    def write(self, token: Token) -> None:
        """Replace the token in the file. A failure is only logged."""
        try:
            self.keep(token)
        except OSError as error:  # the token is valid all the same
            log.warning("the login can't be stored: %s", error.strerror)

    def keep(self, token: Token) -> None:
        """Replace the token in the file.

        :raises OSError: if it can't be stored.
        """
        self._put(token, id=token.login, refresh=token.refresh.reveal() if token.refresh else None)

    def remove(self) -> bool:
        """Delete the login, and return whether there was one.

        :raises Unavailable: if another process holds the lock for more than a minute.
        """
        with self.locked(LOCK_TIMEOUT_S), open_private(self.folder) as folder:
            try:
                folder.unlink(self._name())
            except FileNotFoundError:
                return False
            return True

    def _name(self) -> str:
        return _name_of("login-", self.credentials.api_key.reveal(), self.credentials.token_url)

    def _login(self, data: bytes) -> Token | None:
        fields = payload.fields(data)
        id, token = fields.get("id"), self._token(fields)
        if token is None or not isinstance(id, str) or not _ID.fullmatch(id):
            return None
        is_valid = 0 <= token.age < token.seconds
        return replace(token, login=id, age=token.age if is_valid else float(token.seconds))


def _name_of(prefix: str, secret: str, text: str) -> str:
    """Return the name of the file for some credentials, which can't be guessed from it."""
    key, message = (part.encode("utf-8", "surrogatepass") for part in (secret, text))
    return prefix + hmac.digest(key, message, "sha256").hex()

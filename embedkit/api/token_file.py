"""Tokens in files: one that the processes of one user share, and those of a customer who has logged in."""

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
LOCK_TIMEOUT_S = 60.0  # for others who renew a login, which takes TIMEOUT at the most
AGAIN = "Run embedkit login again."

_ID = re.compile("[0-9a-f]{16}")


@dataclass(eq=False, repr=False)
class TokenFile:
    """A token that the processes of one user share, in a file beside the secret: each costs a call.

    The file is private (mode 0600), is replaced whole, and is of one set of credentials. It never is in a cache.
    One that is broken, foreign, or readable by others counts as none, and so does a folder that can't be written.
    A refresh token, which lives for a year, stays in its process.

    :param folder: where the file is.
    :param clock: seconds since the epoch: a monotonic clock is each machine's, and begins anew with it.
    """

    credentials: Credentials
    folder: Path
    clock: Callable[[], float] = time.time

    @contextmanager
    def locked(self, wait: float) -> Iterator[None]:
        """Hold the others up, as long as one asks for a token; after ``wait`` seconds, go on without."""
        try:
            folder = open_private(self.folder)
        except OSError as error:
            log.debug("tokens are not shared: %s", error.strerror)
            yield
            return
        with folder:
            folder.lock(min(wait, MAX_LIFETIME_S))
            yield

    def read(self) -> Token | None:
        """The token; None where there is none that is good and ours."""
        token = self._token(payload.fields(self._read()))
        return token if token and 0 <= token.age < token.seconds else None

    def newest(self) -> Token | None:
        """The same, read anew in any case."""
        return self.read()

    def write(self, token: Token) -> None:
        """Put a token in the place of the last one, as far as that can be done."""
        try:
            self._put(token)
        except OSError as error:
            log.debug("the token is not shared: %s", error.strerror)

    def _put(self, token: Token, **more: str | None) -> None:
        fields = {"access": token.access.reveal(), "seconds": token.seconds, "at": self.clock() - token.age}
        with open_private(self.folder) as folder:
            write_private(folder, self._name(), json.dumps(fields | more).encode())

    def _read(self) -> bytes:
        """The file; empty where there is none, or one that others can read."""
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
        """The token of a file, whose age may be that of one from the future; None where it is broken."""
        access, refresh, seconds, at = (fields.get(name) for name in ("access", "refresh", "seconds", "at"))
        if not fit_token(access) or not isinstance(at, int | float):
            return None
        if not isinstance(seconds, int) or not 0 < seconds <= MAX_LIFETIME_S:
            return None
        return Token(Secret(access), seconds, Secret(refresh) if fit_token(refresh) else None, self.clock() - at)


class LoginFile(TokenFile):
    """The tokens of the customer who logged in, refresh token included, until they log out.

    It is of one key and one token endpoint, whoever asks for a token with them.
    """

    _known: tuple[object, bytes] = None, b""  # what the file was like, and what it held

    def read(self) -> Token | None:
        """The token; None where nobody is logged in. It is read anew where the file has changed."""
        try:
            found = (self.folder / self._name()).stat()
        except OSError:
            return None
        seen = (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
        known = self._known  # one look: threads may come here together
        if known[0] != seen:
            self._known = known = seen, self._read()
        return self._login(known[1])

    def newest(self) -> Token | None:
        """The same, read anew in any case."""
        return self._login(self._read())

    @contextmanager
    def locked(self, wait: float) -> Iterator[None]:
        """Hold the others up while a token is renewed: a refresh token may be good for one use.

        :raises Unavailable: where others take longer than that.
        """
        with open_private(self.folder) as folder:
            if not folder.lock(min(wait, MAX_LIFETIME_S)):
                raise Unavailable("Another process is still renewing the login.", retry_after=1.0)
            yield

    def write(self, token: Token) -> None:
        """Put the token of a login in the place of the last one, as far as that can be done."""
        try:
            self.keep(token)
        except OSError as error:  # the token is good all the same
            log.warning("the login is not kept: %s", error.strerror)

    def keep(self, token: Token) -> None:
        """The same.

        :raises OSError: where it can't be kept.
        """
        self._put(token, id=token.login, refresh=token.refresh.reveal() if token.refresh else None)

    def remove(self) -> bool:
        """Forget the login; whether there was one.

        :raises Unavailable: where others take longer than a minute to renew it.
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
        is_good = 0 <= token.age < token.seconds
        return replace(token, login=id, age=token.age if is_good else float(token.seconds))


def _name_of(prefix: str, secret: str, text: str) -> str:
    """The name of a file that is of some credentials, which nobody can guess from it."""
    key, message = (one.encode("utf-8", "surrogatepass") for one in (secret, text))
    return prefix + hmac.digest(key, message, "sha256").hex()

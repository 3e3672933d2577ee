"""Calls to the API v3 with a key and a token: one token for all threads, one retry with a newer one after a 401.

The token is obtained when first needed, and renewed before it expires, by a single thread:

    before 80 % of its lifetime    all threads use the token
    after that                     one thread renews it while the others keep using it; if that fails, all keep
                                   using it, and renewal is tried again later
    expired, or none yet           all threads wait for one, and share its result, a token or an error
    refused (401)                  the same, unless another thread has obtained a newer token in the meantime

The processes of one user share the token in a file. A process that needs a token reads the file first, and
otherwise requests a token while the other processes wait.

Times come from a monotonic clock, so that setting the clock back does not prolong a token's life.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from embedkit.api import oauth
from embedkit.api.oauth import OF_CUSTOMERS, Credentials, Grant, Token, TokenSource
from embedkit.api.token_file import AGAIN, LoginFile, TokenFile
from embedkit.cache.single_flight import SingleFlight
from embedkit.cache.stores.coordination import Busy
from embedkit.errors import ConfigurationError, EmbedKitError, InvalidToken, Unauthorized, Unavailable
from embedkit.messages import Request, Response
from embedkit.process import lazy_logger, run_now_and_after_fork
from embedkit.settings import Secret

log = lazy_logger("embedkit.api")

RENEWAL_SHARE = 0.8  # of a lifetime
RENEWAL_RETRY_S = 10.0  # after a failure, while the old token is still valid
RETRY_S = 1.0  # after a failure without a valid token: until then, further callers get the same error
REFUSAL_RETRY_S = 60.0  # after refused credentials: retrying is pointless, and accounts get locked
MAX_REFUSALS, REFUSALS_WINDOW_S = 3, 60.0  # stop requesting tokens if this many were refused in this time
BATCH_TIMEOUT_S = 3600.0  # a batch waits as long as it takes

# only the key, any token, or a customer's token
Need = Literal["key", "token", "customer"]
# how tokens are obtained (None without a token), and the identifier of a browser login
Caller = tuple[TokenSource | None, str]


@dataclass(eq=False, repr=False)
class ApiSession:
    """Sends requests with a key, and with a token if there is one. Safe for threads and forks.

    :param send: function that sends a request without adding key or token.
    :param timeout: seconds for a call, including the time to obtain a token.
    :param frozen: refuse every call.
    :param clock: function that returns monotonic seconds.
    """

    tokens: Tokens
    send: Callable[[Request], Response]
    timeout: float
    frozen: bool = False
    clock: Callable[[], float] = time.monotonic

    def check(self, need: Need = "key") -> None:
        """Check that the credentials suffice for a call.

        :raises ConfigurationError: if they don't; the hint names the settings.
        """
        if self.frozen:
            message, hint = "This needs the network, but EMBEDKIT_FROZEN is set.", "Unset EMBEDKIT_FROZEN."
        elif not self.tokens.credentials.api_key:
            message = "This needs a key of the Getty Images API."
            hint = "Set EMBEDKIT_API_KEY. To try embedkit without a key, run embedkit demo or embedkit sandbox."
        elif (source := self.tokens.caller()[0]) not in OF_CUSTOMERS and need == "customer":
            message = "This needs a Getty Images account."
            hint = "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
        elif not source and need == "token":
            message = "This needs a token."
            hint = (
                "Set EMBEDKIT_API_SECRET; for a customer's account, run embedkit login, or also set"
                " EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
            )
        else:
            return
        raise ConfigurationError(message, hint=hint)

    def call(
        self, request: Request, need: Need = "key", *, repeats: bool = True, timeout: float | None = None
    ) -> Response:
        """Send a request and return the response, whatever its status.

        :param repeats: send the request again with a newer token if its token is refused.
        :param timeout: seconds, instead of the session's timeout.
        :raises ConfigurationError: if a setting is missing.
        :raises ProviderError: if there is no usable response, or no token.
        """
        self.check(need)
        end = math.inf if request.batch else self.clock() + (timeout or self.timeout)
        token = self.tokens.current(end)
        response = self._send(request, token, end)
        if response.status != 401 or token is None:
            return response
        if not repeats:
            self.tokens.drop(token)
            return response
        newer = self.tokens.newer(token, end)
        return response if newer is None else self._send(request, newer, end)

    def _send(self, request: Request, token: Secret | None, end: float) -> Response:
        if end < math.inf:
            if (left := end - self.clock()) <= 0:
                raise Unavailable("The call timed out before it could be sent to Getty Images.", retry_after=1.0)
            request = replace(request, timeout=left)
        # no local variable holds a revealed secret
        return self.send(
            replace(
                request,
                headers={
                    **request.headers,
                    "Api-Key": self.tokens.credentials.api_key.reveal(),
                    **({} if token is None else {"Authorization": f"Bearer {token.reveal()}"}),
                },
            )
        )


@dataclass(frozen=True, slots=True)
class HeldToken:
    """A token, its caller, and the times from which it is to be renewed and at which it expires."""

    token: Token
    caller: Caller
    renew_at: float
    ends_at: float


@dataclass(eq=False, repr=False)
class Tokens:
    """Obtains, renews and shares the token for these credentials. Safe for threads and forks.

    :param send: function that sends a request.
    :param timeout: seconds for a call to the token endpoint.
    :param clock: function that returns monotonic seconds.
    :param shared: file in which processes share a token; None shares none.
    :param login: file that stores a customer's browser login; None supports no login.
    """

    credentials: Credentials
    send: Callable[[Request], Response]
    timeout: float
    clock: Callable[[], float] = time.monotonic
    shared: TokenFile | None = None
    login: LoginFile | None = None

    def __post_init__(self) -> None:
        self._held: HeldToken | None = None
        self._failed: tuple[float, Caller, EmbedKitError] | None = None
        self._refusals: deque[float] = deque(maxlen=MAX_REFUSALS)
        self._flight = SingleFlight()
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Create new locks, since the thread that held them is not in the child; its token stays valid."""
        self._lock, self._renewing = threading.Lock(), threading.Lock()

    def caller(self) -> Caller:
        """Return how to obtain tokens: for a customer in the settings, else a login, else the application."""
        source = self.credentials.grant()
        if source != "password" and self.login and (stored := self.login.read()):
            return "login", stored.login
        return source, ""

    def current(self, end: float = math.inf) -> Secret | None:
        """Return the token to send; None without credentials for one.

        :param end: monotonic time until which to wait for one.
        :raises Unauthorized: if the credentials are refused.
        :raises ProviderError: if no token can be obtained.
        """
        if not (caller := self.caller())[0]:
            return None
        held, now = self._held_by(caller), self.clock()
        if held is None or now >= held.ends_at:
            return self._obtain(None, caller, end)
        is_due = now >= held.renew_at and not self._is_resting(now, caller, RENEWAL_RETRY_S)
        if is_due and self._renewing.acquire(blocking=False):  # others keep using the old token in the meantime
            return self._renew(held, now + (end - now) / 2)  # leave half of the time for the call itself
        return held.token.access

    def newer(self, refused: Secret, end: float = math.inf) -> Secret | None:
        """Return a token to replace one that was refused; None if a new one is likely to be refused as well.

        :param end: monotonic time until which to wait for one.
        :raises ProviderError: if no token can be obtained.
        """
        if not (caller := self.caller())[0] or not self.drop(refused):
            return None
        found = self._obtain(None, caller, end)
        return self._obtain(None, caller, end) if found == refused else found  # from a call that started earlier

    def drop(self, refused: Secret) -> bool:
        """Stop using a token that was refused, and return whether to request a new one."""
        with self._lock:
            held, now = self._held, self.clock()
            if held is None or held.token.access != refused or now >= held.ends_at:
                return True  # another thread has replaced it already
            if len(self._refusals) == MAX_REFUSALS and now < self._refusals[0] + REFUSALS_WINDOW_S:
                return False
            self._refusals.append(now)
            self._held = replace(held, ends_at=-math.inf)
            return True

    # -- internals --------------------------------------------------------------------------------------

    def _held_by(self, caller: Caller) -> HeldToken | None:
        """Return the current token, unless it belongs to another caller, such as before a login."""
        held = self._held
        return held if held and held.caller == caller else None

    def _renew(self, held: HeldToken, end: float) -> Secret:
        try:
            return self._obtain(held, held.caller, end)
        except EmbedKitError as error:
            log.debug("the token could not be renewed: %s: %s", error.code, error.message)
            return held.token.access
        finally:
            self._renewing.release()

    def _obtain(self, old: HeldToken | None, caller: Caller, end: float) -> Secret:
        """Return a valid token other than the old one. One thread obtains it for all that are waiting."""

        def work() -> HeldToken:
            held = self._held_by(caller)
            if held is not None and held is not old and self.clock() < held.ends_at:
                return held
            return self._request(caller, end)

        try:
            wait = min(max(0.0, end - self.clock()), BATCH_TIMEOUT_S)
            return self._flight.run(("token", *caller), work, wait).token.access
        except Busy:
            raise Unavailable("Another thread is still requesting a token.", retry_after=RETRY_S) from None

    def _request(self, caller: Caller, end: float) -> HeldToken:
        now, held = self.clock(), self._held_by(caller)
        valid = held is not None and now < held.ends_at
        if (failure := self._failed) and self._is_resting(now, caller, RENEWAL_RETRY_S if valid else RETRY_S):
            raise copy.copy(failure[2])
        try:
            token = self._share(caller, held, end)
        except EmbedKitError as error:
            self._failed = self.clock(), caller, copy.copy(error)
            raise
        issued = self.clock() - token.age
        with self._lock:
            self._held = HeldToken(token, caller, issued + RENEWAL_SHARE * token.seconds, issued + token.seconds)
            self._failed = None
            return self._held

    def _share(self, caller: Caller, held: HeldToken | None, end: float) -> Token:
        """Return a newer token than the current one: another process's, or else a new one."""
        file, old = self.login if caller[0] == "login" else self.shared, held.token if held else None
        if file is None:
            return self._authorize(caller, old, end)
        if found := _newer(file.read(), old):
            return found
        with file.locked(min(max(0.0, end - self.clock()), self.timeout)):
            newest = file.newest()
            if found := _newer(newest, old):  # another process was faster
                return found
            token = self._authorize(caller, newest if file is self.login else old, end)
            file.write(token)
            return token

    def _is_resting(self, now: float, caller: Caller, seconds: float) -> bool:
        """Return whether the last failure is too recent to try again."""
        if self._failed is None or self._failed[1] != caller:
            return False
        at, _, error = self._failed
        return now < at + (REFUSAL_RETRY_S if isinstance(error, Unauthorized) else seconds)

    def _authorize(self, caller: Caller, old: Token | None, end: float) -> Token:
        """Return a new token to replace an old one."""
        if caller[0] == "login":
            return self._renew_login(old, end)
        grant: Grant = "password" if caller[0] == "password" else "client_credentials"
        if grant == "password" and old and old.refresh:
            try:
                return self._refresh(old, old.refresh, end)
            except Unauthorized:
                log.debug("the refresh token was refused; using the password")
        return self._fetch(grant, end)

    def _renew_login(self, old: Token | None, end: float) -> Token:
        if old is None or old.refresh is None:
            raise InvalidToken("The login has expired.", hint=AGAIN)
        try:
            return self._refresh(old, old.refresh, end, public=True)
        except InvalidToken as error:
            error.hint = AGAIN
            raise

    def _refresh(self, old: Token, refresh: Secret, end: float, *, public: bool = False) -> Token:
        """Exchange a refresh token for a token, which includes the next refresh token, possibly the same one."""
        token = self._fetch("refresh_token", end, refresh, public=public)
        return replace(token, refresh=token.refresh or refresh, login=old.login)

    def _fetch(self, grant: Grant, end: float, refresh: Secret | None = None, *, public: bool = False) -> Token:
        request = oauth.request(grant, self.credentials, refresh, public=public)
        if end < math.inf:  # at least a second, since other callers might be waiting as well
            left = max(end - self.clock(), RETRY_S)
            request = replace(request, timeout=min(left, self.timeout))
        began = self.clock()  # a safe lower bound: the token is issued after this
        token = oauth.parse(self.send(request), grant)
        return replace(token, age=self.clock() - began)


def _newer(found: Token | None, old: Token | None) -> Token | None:
    """Return the token that was found, unless it is the old one or is already due for renewal."""
    if found is None or (old is not None and found.access == old.access):
        return None
    return found if found.age < RENEWAL_SHARE * found.seconds else None

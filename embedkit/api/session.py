"""Calls to the API v3 with a key and a token: one token for all threads, one retry with a newer one after a 401.

The token is got when first needed, and renewed before it expires, by one thread:

    before 80 % of its lifetime    the token
    after that                     one thread renews it, the others go on with it; should that fail, all do,
                                   and it is tried again after a while
    expired, or none yet           all wait for one thread, and share what it gets, token or error
    refused (401)                  the same, unless another thread has got a newer one meanwhile

Processes of one user share it by a file: whoever needs a token looks there first, and asks while the others wait.

Times are of a monotonic clock: a clock that is set back prolongs no token.
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
RENEWAL_RETRY_S = 10.0  # after a failure, while the old token is still good
RETRY_S = 1.0  # the same without one: callers that come in one after another share an outage, too
REFUSAL_RETRY_S = 60.0  # after a refusal: no repetition makes a password right, and accounts get locked
MAX_REFUSALS, REFUSALS_WINDOW_S = 3, 60.0  # tokens requested because of a 401: where all are refused, stop
BATCH_TIMEOUT_S = 3600.0  # a batch waits as long as it takes

# the key alone, a token, or the token of a customer
Need = Literal["key", "token", "customer"]
# how a token is got, and of a login which one; None without any
Caller = tuple[TokenSource | None, str]


@dataclass(eq=False, repr=False)
class ApiSession:
    """Sends requests on behalf of a key, and of a customer where there is one. Safe for threads and forks.

    :param send: sends a request as it is: without key, without token.
    :param timeout: seconds for a call, getting a token included.
    :param frozen: refuses every call.
    :param clock: monotonic seconds.
    """

    tokens: Tokens
    send: Callable[[Request], Response]
    timeout: float
    frozen: bool = False
    clock: Callable[[], float] = time.monotonic

    def check(self, need: Need = "key") -> None:
        """Check that there is what a call needs.

        :raises ConfigurationError: where there is not; names the settings.
        """
        if self.frozen:
            message, hint = "This needs the network, and EMBEDKIT_FROZEN is set.", "Unset EMBEDKIT_FROZEN."
        elif not self.tokens.credentials.api_key:
            message = "This needs a key of the Getty Images API."
            hint = "Set EMBEDKIT_API_KEY; embedkit demo and embedkit sandbox need none."
        elif (source := self.tokens.caller()[0]) not in OF_CUSTOMERS and need == "customer":
            message = "This needs a Getty Images account."
            hint = "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
        elif not source and need == "token":
            message = "This needs a token."
            hint = (
                "Set EMBEDKIT_API_SECRET; for what a customer has licensed, run embedkit login, or set also"
                " EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
            )
        else:
            return
        raise ConfigurationError(message, hint=hint)

    def call(
        self, request: Request, need: Need = "key", *, repeats: bool = True, timeout: float | None = None
    ) -> Response:
        """The response, whatever its status.

        :param repeats: whether a request whose token is refused is sent again with a newer one.
        :param timeout: seconds, in place of those of the session.

        :raises ConfigurationError: where a setting is missing.
        :raises ProviderError: where there is no response that may be used, or no token.
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
                raise Unavailable("The time was over before Getty Images could be asked.", retry_after=1.0)
            request = replace(request, timeout=left)
        # no variable here holds what is revealed
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
    """A token, whose it is, from when on it is renewed, and when it expires."""

    token: Token
    caller: Caller
    renew_at: float
    ends_at: float


@dataclass(eq=False, repr=False)
class Tokens:
    """The token of these credentials. Safe for threads and forks.

    :param send: sends a request.
    :param timeout: seconds for a call of the token endpoint.
    :param clock: monotonic seconds.
    :param shared: where processes share a token, if they do.
    :param login: where a customer's login by a browser is kept, if it may be.
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
        """The thread that was renewing is not in the child; the token is as good there as here."""
        self._lock, self._renewing = threading.Lock(), threading.Lock()

    def caller(self) -> Caller:
        """How a token is got now: settings of a customer go before a login, and that before the application."""
        source = self.credentials.grant()
        if source != "password" and self.login and (stored := self.login.read()):
            return "login", stored.login
        return source, ""

    def current(self, end: float = math.inf) -> Secret | None:
        """The token to show; None where there are no credentials for one.

        :param end: until when to wait for one.
        :raises Unauthorized: where the credentials are refused.
        :raises ProviderError: where there is no token.
        """
        if not (caller := self.caller())[0]:
            return None
        held, now = self._held_by(caller), self.clock()
        if held is None or now >= held.ends_at:
            return self._obtain(None, caller, end)
        is_due = now >= held.renew_at and not self._is_resting(now, caller, RENEWAL_RETRY_S)
        if is_due and self._renewing.acquire(blocking=False):  # one thread does, while the others go on with it
            return self._renew(held, now + (end - now) / 2)  # the call has to be made as well
        return held.token.access

    def newer(self, refused: Secret, end: float = math.inf) -> Secret | None:
        """A token in place of one that was refused; None where a new one would be refused as well.

        :param end: until when to wait for one.
        :raises ProviderError: where there is none.
        """
        if not (caller := self.caller())[0] or not self.drop(refused):
            return None
        found = self._obtain(None, caller, end)
        return self._obtain(None, caller, end) if found == refused else found  # from a call that began before

    def drop(self, refused: Secret) -> bool:
        """Let nobody else show a token that was refused; whether a new one is worth asking for."""
        with self._lock:
            held, now = self._held, self.clock()
            if held is None or held.token.access != refused or now >= held.ends_at:
                return True  # another thread has been here
            if len(self._refusals) == MAX_REFUSALS and now < self._refusals[0] + REFUSALS_WINDOW_S:
                return False
            self._refusals.append(now)
            self._held = replace(held, ends_at=-math.inf)
            return True

    # -- inside -----------------------------------------------------------------------------------------

    def _held_by(self, caller: Caller) -> HeldToken | None:
        """The token in hand, unless it is somebody else's: of before a login, or of the one before it."""
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
        """A token that is good, and another than the old one, from whichever thread is first to ask for it."""

        def work() -> HeldToken:
            held = self._held_by(caller)
            if held is not None and held is not old and self.clock() < held.ends_at:
                return held
            return self._request(caller, end)

        try:
            wait = min(max(0.0, end - self.clock()), BATCH_TIMEOUT_S)
            return self._flight.run(("token", *caller), work, wait).token.access
        except Busy:
            raise Unavailable("Another thread is still asking for a token.", retry_after=RETRY_S) from None

    def _request(self, caller: Caller, end: float) -> HeldToken:
        now, held = self.clock(), self._held_by(caller)
        good = held is not None and now < held.ends_at
        if (failure := self._failed) and self._is_resting(now, caller, RENEWAL_RETRY_S if good else RETRY_S):
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
        """A newer token than the one held: of another process, or else a new one."""
        file, old = self.login if caller[0] == "login" else self.shared, held.token if held else None
        if file is None:
            return self._authorize(caller, old, end)
        if found := _newer(file.read(), old):
            return found
        with file.locked(min(max(0.0, end - self.clock()), self.timeout)):
            newest = file.newest()
            if found := _newer(newest, old):  # of the process that was faster
                return found
            token = self._authorize(caller, newest if file is self.login else old, end)
            file.write(token)
            return token

    def _is_resting(self, now: float, caller: Caller, seconds: float) -> bool:
        """Whether the last failure is too recent to try again."""
        if self._failed is None or self._failed[1] != caller:
            return False
        at, _, error = self._failed
        return now < at + (REFUSAL_RETRY_S if isinstance(error, Unauthorized) else seconds)

    def _authorize(self, caller: Caller, old: Token | None, end: float) -> Token:
        """A new token, in place of an old one."""
        if caller[0] == "login":
            return self._renew_login(old, end)
        grant: Grant = "password" if caller[0] == "password" else "client_credentials"
        if grant == "password" and old and old.refresh:
            try:
                return self._refresh(old, old.refresh, end)
            except Unauthorized:
                log.debug("the refresh token is refused; the password is used")
        return self._fetch(grant, end)

    def _renew_login(self, old: Token | None, end: float) -> Token:
        if old is None or old.refresh is None:
            raise InvalidToken("The login is over.", hint=AGAIN)
        try:
            return self._refresh(old, old.refresh, end, public=True)
        except InvalidToken as error:
            error.hint = AGAIN
            raise

    def _refresh(self, old: Token, refresh: Secret, end: float, *, public: bool = False) -> Token:
        """A token for a refresh token, with the next refresh token, which may be the same."""
        token = self._fetch("refresh_token", end, refresh, public=public)
        return replace(token, refresh=token.refresh or refresh, login=old.login)

    def _fetch(self, grant: Grant, end: float, refresh: Secret | None = None, *, public: bool = False) -> Token:
        request = oauth.request(grant, self.credentials, refresh, public=public)
        if end < math.inf:  # at least a second: others may be waiting for it, too
            left = max(end - self.clock(), RETRY_S)
            request = replace(request, timeout=min(left, self.timeout))
        began = self.clock()  # its life begins when it is issued, which is after we ask
        token = oauth.parse(self.send(request), grant)
        return replace(token, age=self.clock() - began)


def _newer(found: Token | None, old: Token | None) -> Token | None:
    """A token that was found, unless it is the old one, or is to be renewed soon."""
    if found is None or (old is not None and found.access == old.access):
        return None
    return found if found.age < RENEWAL_SHARE * found.seconds else None

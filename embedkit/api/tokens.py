"""One access token for all threads: got when first needed, renewed before it expires, by one of them.

    before 80 % of its lifetime    the token
    after that                     one thread renews it, the others go on with it; should that fail, all do,
                                   and it is tried again after a while
    expired, or none yet           all wait for one thread, and share what it gets, token or error
    refused (401)                  the same, unless another thread has got a newer one meanwhile

Times are of a monotonic clock: a clock that is set back prolongs no token.
"""

from __future__ import annotations

import copy
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from embedkit.api import oauth
from embedkit.api.oauth import Grant, Token
from embedkit.cache.single_flight import SingleFlight
from embedkit.cache.stores.locks import Busy
from embedkit.errors import EmbedKitError, Unauthorized, Unavailable
from embedkit.forks import register_after_fork
from embedkit.messages import Request, Response
from embedkit.settings import Secret, Settings

log = logging.getLogger("embedkit.api")

RENEW = 0.8  # of a lifetime
AGAIN = 10.0  # seconds after a failure, while the old token is still good
SOON = 1.0  # the same without one: callers that come in one after another share an outage, too
NEVER_MIND = 60.0  # the same after a refusal: no repetition makes a password right, and accounts get locked
REFUSALS, WINDOW = 3, 60.0  # tokens got because of a 401, in so many seconds: where all are refused, stop
BATCH_WAIT = 3600.0  # seconds; a batch waits as long as it takes


@dataclass(frozen=True, slots=True)
class Held:
    """A token, and until when it is worth keeping and worth showing."""

    token: Token
    renew: float
    ends: float


class Tokens:
    """The token of these settings. Safe for threads and forks.

    :param send: puts a request on the wire.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        send: Callable[[Request], Response],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._send = send
        self._clock = clock
        self._held: Held | None = None
        self._failed: tuple[float, EmbedKitError] | None = None
        self._refusals: deque[float] = deque(maxlen=REFUSALS)
        self._flight = SingleFlight()
        self.after_fork()
        register_after_fork(self)

    def after_fork(self) -> None:
        """The thread that was renewing is not in the child; the token is as good there as here."""
        self._lock = threading.Lock()
        self._renewing = False

    def current(self, end: float = math.inf) -> Secret | None:
        """The token to show; None where the settings have nothing to get one with.

        :param end: until when to wait for one.
        :raises Unauthorized: where the credentials are refused.
        :raises ProviderError: where there is no token to be had.
        """
        if (how := oauth.grant(self._settings)) is None:
            return None
        held, now = self._held, self._clock()
        if held is None or now >= held.ends:
            return self._replaced(None, how, end)
        if now >= held.renew and self._may_renew(now):
            return self._renewed(held, how, now + (end - now) / 2)  # the call has to be made as well
        return held.token.access

    def newer(self, refused: Secret, end: float = math.inf) -> Secret | None:
        """A token in place of one that was refused; None where a new one would be refused as well.

        :param end: until when to wait for one.
        :raises ProviderError: where there is none to be had.
        """
        if (how := oauth.grant(self._settings)) is None or not self._dropped(refused):
            return None
        found = self._replaced(None, how, end)
        return self._replaced(None, how, end) if found == refused else found  # from a call that began before

    # -- inside -----------------------------------------------------------------------------------------

    def _may_renew(self, now: float) -> bool:
        """Whether this thread is the one to renew a token that is still good."""
        with self._lock:
            if self._renewing or self._resting(now, AGAIN):
                return False
            self._renewing = True
            return True

    def _renewed(self, held: Held, how: Grant, end: float) -> Secret:
        try:
            return self._replaced(held, how, end)
        except EmbedKitError as error:
            log.debug("the token could not be renewed: %s: %s", error.code, error.message)
            return held.token.access
        finally:
            self._renewing = False

    def _dropped(self, refused: Secret) -> bool:
        """Let nobody else show a token that was refused; whether a new one is worth asking for."""
        with self._lock:
            held, now = self._held, self._clock()
            if held is None or held.token.access != refused or now >= held.ends:
                return True  # another thread has been here
            if len(self._refusals) == REFUSALS and now < self._refusals[0] + WINDOW:
                return False
            self._refusals.append(now)
            self._held = replace(held, ends=-math.inf)
            return True

    def _replaced(self, old: Held | None, how: Grant, end: float) -> Secret:
        """A token that is good, and another than the old one, from whichever thread is first to ask for it."""

        def work() -> Held:
            held = self._held
            if held is not None and held is not old and self._clock() < held.ends:
                return held
            return self._got(how, end)

        try:
            wait = min(max(0.0, end - self._clock()), BATCH_WAIT)
            return self._flight.run("token", work, wait).token.access
        except Busy:
            raise Unavailable("Another thread is still asking for a token.", retry_after=SOON) from None

    def _got(self, how: Grant, end: float) -> Held:
        now, held = self._clock(), self._held
        good = held is not None and now < held.ends
        if (failure := self._failed) and self._resting(now, AGAIN if good else SOON):
            raise copy.copy(failure[1])
        try:
            token = self._asked(how, held.token.refresh if held else None, end)
        except EmbedKitError as error:
            self._failed = self._clock(), copy.copy(error)
            raise
        with self._lock:  # its life began when it was issued, which is after we asked
            self._held = Held(token, now + RENEW * token.seconds, now + token.seconds)
            self._failed = None
            return self._held

    def _resting(self, now: float, seconds: float) -> bool:
        """Whether the last failure is too recent to try again."""
        if self._failed is None:
            return False
        at, error = self._failed
        return now < at + (NEVER_MIND if isinstance(error, Unauthorized) else seconds)

    def _asked(self, how: Grant, refresh: Secret | None, end: float) -> Token:
        if how == "password" and refresh is not None:
            try:
                token = self._answer("refresh_token", end, refresh)
                return token if token.refresh else replace(token, refresh=refresh)
            except Unauthorized:
                log.debug("the refresh token is refused; the password is used")
        return self._answer(how, end)

    def _answer(self, how: Grant, end: float, refresh: Secret | None = None) -> Token:
        request = oauth.request(how, self._settings, refresh)
        if end < math.inf:  # at least a second: others may be waiting for it, too
            left = max(end - self._clock(), SOON)
            request = replace(request, timeout=min(left, self._settings.timeout))
        return oauth.parse(self._send(request), how)

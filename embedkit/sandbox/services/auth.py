"""The gate in front of the API v3: the key, the limits of the key, the token."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.credentials import APPLICATIONS
from embedkit.sandbox.services.errors import Refused, missing_token, not_authorized, said
from embedkit.sandbox.services.http import Call
from embedkit.sandbox.services.tokens import Tokens

# what a call has to show: the key alone, any valid token, or the token of a customer
Need = Literal["key", "token", "user"]
PER_SECOND = "Account Over Queries Per Second Limit"
PER_DAY = "Account Over Rate Limit"
DAY = 86_400


class Gate:
    """Lets a call in as somebody, or refuses it. Safe for threads."""

    def __init__(self, config: SandboxConfig, tokens: Tokens, clock: Callable[[], float]) -> None:
        self._config = config
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[str, tuple[int, int]] = {}
        self._days: dict[str, tuple[int, int]] = {}

    def enter(self, call: Call) -> Caller:
        """Who calls.

        :raises Refused: for a key that is unknown, or over its limits, and for a token that is not valid.
        """
        key = call.headers.get("api-key", "").strip()
        if key not in APPLICATIONS:
            raise self._stranger(key)
        self._count(key)
        scheme, _, token = call.headers.get("authorization", "").strip().partition(" ")
        return self._bearer(key, token.strip()) if scheme.lower() == "bearer" else Caller(key)

    def _stranger(self, key: str) -> Refused:
        if self._config.error_style == "classic":
            return said(403, "Account Inactive")
        if not key:
            return said(401, "Unauthorized")
        return said(403, "Forbidden", (("x-amzn-errortype", "ForbiddenException"),))

    def _count(self, key: str) -> None:
        now = int(self._clock())
        with self._lock:
            if self._over(self._seconds, key, now, self._config.calls_per_second):
                raise self._throttled(PER_SECOND)
            if self._over(self._days, key, now // DAY, self._config.calls_per_day):
                raise self._throttled(PER_DAY)

    @staticmethod
    def _over(counted: dict[str, tuple[int, int]], key: str, period: int, most: int) -> bool:
        """Whether this call is one too many in its period; refused calls count as well."""
        last, calls = counted.get(key, (period, 0))
        calls = calls + 1 if last == period else 1
        counted[key] = period, calls
        return 0 < most < calls

    def _throttled(self, detail: str) -> Refused:
        return said(self._config.throttle_status, detail, (("X-Error-Detail", detail),))

    def _bearer(self, key: str, token: str) -> Caller:
        grant = self._tokens.grant(token)
        if grant is None or grant.key != key:
            raise missing_token("The access token is invalid")
        if grant.expires <= self._clock():
            raise missing_token("The access token expired")
        return Caller(key, grant.user, licensed=bool(grant.user) and APPLICATIONS[key].licensed, token=True)


def admit(caller: Caller, need: Need) -> None:
    """Whether a caller may come as far as an operation.

    :raises Refused: 401 without a token that it takes, 403 for a token that is not a customer's.
    """
    if need != "key" and not caller.token:
        raise missing_token()
    if need == "user" and not caller.user:
        raise not_authorized()

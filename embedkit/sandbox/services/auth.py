"""Who may call the API v3: applications and their customers, access tokens, the limits of a key.

POST /oauth2/token gives tokens to an application on its own, or to a customer of Getty Images:

    client_credentials    client_id, client_secret
    password              and username, password; the answer brings a refresh_token, good for a year
    refresh_token         client_id, client_secret, refresh_token

Its failures are answered as RFC 6749 section 5.2 has them; nobody has written down what the real ones look like.
The credentials guard nothing, and stand in the sandbox's documentation and output.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from embedkit.models import JSON
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import (
    APIError,
    Call,
    Reply,
    json_reply,
    message_error,
    missing_token_error,
    not_authorized_error,
)
from embedkit.sandbox.services.urls import new_token

KEY = "sandbox-key"
SECRET = "sandbox-secret"  # noqa: S105
USER = "sandbox-user"
PASSWORD = "sandbox-password"  # noqa: S105
CUSTOMER: dict[str, Any] = {
    "api_key": KEY,
    "api_secret": SECRET,
    "username": USER,
    "password": PASSWORD,
}  # as settings
# a second application, as most owners of a key have one: it may search, and nothing else
SEARCH_KEY = "sandbox-search-key"
SEARCH_SECRET = "sandbox-search-secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Application:
    """What belongs to a key. ``users`` are names and passwords; ``licensed`` is the right to download."""

    key: str
    secret: str
    users: tuple[tuple[str, str], ...] = ()
    licensed: bool = False


APPLICATIONS = {
    KEY: Application(KEY, SECRET, ((USER, PASSWORD),), licensed=True),
    SEARCH_KEY: Application(SEARCH_KEY, SEARCH_SECRET),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The application, and the person on whose behalf it calls, if any.

    :param key: of the application.
    :param user: the customer of a password grant; empty for an application on its own.
    :param licensed: whether this caller may download.
    :param token: whether a valid access token came with the call, of whichever grant.
    """

    key: str
    user: str = ""
    licensed: bool = False
    token: bool = False


REFRESH_LIFETIME_S = 365 * 86_400  # seconds that a refresh token lives [doc]
MAX_TOKENS = 10_000  # remembered; the oldest are forgotten
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))  # RFC 6749 section 5.1
PATHS = ("/oauth2/token", "/v4/oauth2/token")  # the first on whichever host, the second in the contract of 2026


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for. ``user`` is empty for an application; ``expires`` is seconds since the epoch."""

    key: str
    user: str
    expires: float


class Tokens:
    """Issues tokens and knows those that it issued. Safe for threads."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}

    def __call__(self, call: Call) -> Reply:
        """The endpoint."""
        try:
            return json_reply(self._answer(call), headers=NO_STORE)
        except APIError as refused:
            return json_reply(refused.body, refused.status, (*NO_STORE, *refused.headers))

    def grant(self, token: str) -> Grant | None:
        """What a token was issued for, expired or not; None for one that never was issued."""
        with self._lock:
            return self._access.get(token)

    def expire(self) -> None:
        """Let every access token expire now; refresh tokens live on."""
        with self._lock:
            self._access = {token: replace(grant, expires=0.0) for token, grant in self._access.items()}

    def _answer(self, call: Call) -> JSON:
        path = call.path.rstrip("/")
        if path.endswith("/oauth2/auth"):
            raise _token_error(400, "unsupported_response_type", "There is nobody to log in.")
        if path not in PATHS:
            raise _token_error(404, "invalid_request", "There is nothing here.")
        if call.method != "POST":
            raise _token_error(405, "invalid_request", "Only POST is allowed.", (("Allow", "POST"),))
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        return self._grant_for(form, _application(form))

    def _grant_for(self, form: dict[str, str], application: Application) -> JSON:
        match form["grant_type"]:
            case "client_credentials":
                return self._issue(application.key)
            case "password":
                user = form.get("username", "")
                if (user, form.get("password", "")) not in application.users:
                    raise _token_error(400, "invalid_grant", "The user name or the password is wrong.")
                issued = self._issue(application.key, user)
                return issued | {"refresh_token": self._issue_refresh_token(application.key, user)}
            case "refresh_token":
                return self._issue(application.key, self._renew(application.key, form))
        raise _token_error(400, "unsupported_grant_type", "Use client_credentials, password or refresh_token.")

    def _issue(self, key: str, user: str = "") -> JSON:
        token, seconds = new_token() + new_token(), self._config.token_seconds
        self._keep(self._access, token, Grant(key, user, self._clock() + seconds))
        return {"access_token": token, "token_type": "Bearer"} | self._lifetime(seconds)

    def _lifetime(self, seconds: int) -> JSON:
        match self._config.expires_in:
            case "text":
                return {"expires_in": str(seconds)}
            case "number":
                return {"expires_in": seconds}
            case "junk":
                return {"expires_in": "soon"}
        return {}

    def _issue_refresh_token(self, key: str, user: str) -> str:
        token = new_token() + new_token()
        self._keep(self._refresh, token, Grant(key, user, self._clock() + REFRESH_LIFETIME_S))
        return token

    def _renew(self, key: str, form: dict[str, str]) -> str:
        with self._lock:
            grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.key != key or grant.expires <= self._clock():
            raise _token_error(400, "invalid_grant", "The refresh token is wrong, or has expired.")
        return grant.user

    def _keep(self, kept: dict[str, Grant], token: str, grant: Grant) -> None:
        with self._lock:
            kept[token] = grant
            if len(kept) > MAX_TOKENS:
                del kept[next(iter(kept))]


def _application(form: dict[str, str]) -> Application:
    if not {"grant_type", "client_id", "client_secret"} <= form.keys():
        raise _token_error(400, "invalid_request", "grant_type, client_id and client_secret are required.")
    application = APPLICATIONS.get(form["client_id"])
    if application is None or application.secret != form["client_secret"]:
        raise _token_error(401, "invalid_client", "client_id or client_secret is wrong.")
    return application


def _token_error(status: int, error: str, description: str, headers: tuple[tuple[str, str], ...] = ()) -> APIError:
    return APIError(status, {"error": error, "error_description": description}, headers)


# what a call has to show: the key alone, any valid token, or the token of a customer
Need = Literal["key", "token", "user"]
OVER_PER_SECOND = "Account Over Queries Per Second Limit"
OVER_PER_DAY = "Account Over Rate Limit"
DAY_S = 86_400


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

        :raises APIError: for a key that is unknown, or over its limits, and for a token that is not valid.
        """
        key = call.headers.get("api-key", "").strip()
        if key not in APPLICATIONS:
            raise self._key_error(key)
        self._count(key)
        scheme, _, token = call.headers.get("authorization", "").strip().partition(" ")
        return self._caller_of(key, token.strip()) if scheme.lower() == "bearer" else Caller(key)

    def _key_error(self, key: str) -> APIError:
        if self._config.error_style == "classic":
            return message_error(403, "Account Inactive")
        if not key:
            return message_error(401, "Unauthorized")
        return message_error(403, "Forbidden", (("x-amzn-errortype", "ForbiddenException"),))

    def _count(self, key: str) -> None:
        now = int(self._clock())
        with self._lock:
            if self._is_over(self._seconds, key, now, self._config.calls_per_second):
                raise self._throttle_error(OVER_PER_SECOND)
            if self._is_over(self._days, key, now // DAY_S, self._config.calls_per_day):
                raise self._throttle_error(OVER_PER_DAY)

    @staticmethod
    def _is_over(counted: dict[str, tuple[int, int]], key: str, period: int, most: int) -> bool:
        """Whether this call is one too many in its period; refused calls count as well."""
        last, calls = counted.get(key, (period, 0))
        calls = calls + 1 if last == period else 1
        counted[key] = period, calls
        return 0 < most < calls

    def _throttle_error(self, detail: str) -> APIError:
        return message_error(self._config.throttle_status, detail, (("X-Error-Detail", detail),))

    def _caller_of(self, key: str, token: str) -> Caller:
        grant = self._tokens.grant(token)
        if grant is None or grant.key != key:
            raise missing_token_error("The access token is invalid")
        if grant.expires <= self._clock():
            raise missing_token_error("The access token expired")
        return Caller(key, grant.user, licensed=bool(grant.user) and APPLICATIONS[key].licensed, token=True)


def authorize(caller: Caller, need: Need) -> None:
    """Whether a caller may come as far as an operation.

    :raises APIError: 401 without a token that it takes, 403 for a token that is not a customer's.
    """
    if need != "key" and not caller.token:
        raise missing_token_error()
    if need == "user" and not caller.user:
        raise not_authorized_error()

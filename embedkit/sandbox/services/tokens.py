"""POST /oauth2/token: access tokens, for an application on its own or for a customer of Getty Images.

    client_credentials    client_id, client_secret
    password              and username, password; the answer brings a refresh_token, good for a year
    refresh_token         client_id, client_secret, refresh_token

Failures are answered as RFC 6749 section 5.2 has them; nobody has written down what the real ones look like.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from embedkit.models import JSON
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.credentials import APPLICATIONS, Application
from embedkit.sandbox.services.errors import Refused
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.signatures import new_token

YEAR = 365 * 86_400  # seconds that a refresh token lives [doc]
MOST_TOKENS = 10_000  # remembered; the oldest are forgotten
PRIVATE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))  # RFC 6749 section 5.1
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
            return json_reply(self._answer(call), headers=PRIVATE)
        except Refused as refused:
            return json_reply(refused.body, refused.status, (*PRIVATE, *refused.headers))

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
            raise _refused(400, "unsupported_response_type", "There is nobody to log in.")
        if path not in PATHS:
            raise _refused(404, "invalid_request", "There is nothing here.")
        if call.method != "POST":
            raise _refused(405, "invalid_request", "Only POST is allowed.", (("Allow", "POST"),))
        said = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        return self._granted(said, _application(said))

    def _granted(self, said: dict[str, str], application: Application) -> JSON:
        match said["grant_type"]:
            case "client_credentials":
                return self._issued(application.key)
            case "password":
                user = said.get("username", "")
                if (user, said.get("password", "")) not in application.users:
                    raise _refused(400, "invalid_grant", "The user name or the password is wrong.")
                issued = self._issued(application.key, user)
                return issued | {"refresh_token": self._renewable(application.key, user)}
            case "refresh_token":
                return self._issued(application.key, self._renewing(application.key, said))
        raise _refused(400, "unsupported_grant_type", "Use client_credentials, password or refresh_token.")

    def _issued(self, key: str, user: str = "") -> JSON:
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

    def _renewable(self, key: str, user: str) -> str:
        token = new_token() + new_token()
        self._keep(self._refresh, token, Grant(key, user, self._clock() + YEAR))
        return token

    def _renewing(self, key: str, said: dict[str, str]) -> str:
        with self._lock:
            grant = self._refresh.get(said.get("refresh_token", ""))
        if grant is None or grant.key != key or grant.expires <= self._clock():
            raise _refused(400, "invalid_grant", "The refresh token is wrong, or has expired.")
        return grant.user

    def _keep(self, kept: dict[str, Grant], token: str, grant: Grant) -> None:
        with self._lock:
            kept[token] = grant
            if len(kept) > MOST_TOKENS:
                del kept[next(iter(kept))]


def _application(said: dict[str, str]) -> Application:
    if not {"grant_type", "client_id", "client_secret"} <= said.keys():
        raise _refused(400, "invalid_request", "grant_type, client_id and client_secret are required.")
    application = APPLICATIONS.get(said["client_id"])
    if application is None or application.secret != said["client_secret"]:
        raise _refused(401, "invalid_client", "The client id or the client secret is wrong.")
    return application


def _refused(status: int, error: str, description: str, headers: tuple[tuple[str, str], ...] = ()) -> Refused:
    return Refused(status, {"error": error, "error_description": description}, headers)

"""Authentication for the API v3: applications and their customers, access tokens, rate limits.

POST /oauth2/token issues tokens to an application itself, or on behalf of a Getty Images customer:

    client_credentials    client_id, client_secret
    password              the same and username, password; also returns a refresh_token, valid for a year
    authorization_code    client_id, code, redirect_uri, code_verifier, no client_secret; also a refresh_token
    refresh_token         client_id, refresh_token; client_secret unless issued for an authorization_code

An application can also send its ID and secret with HTTP Basic authentication. GET /oauth2/auth is the login page
of the authorization code flow (RFC 6749 section 4.1, with PKCE, RFC 7636); it only redirects to this machine.

Errors follow RFC 6749 section 5.2; the real service's are not documented. The credentials protect nothing: they
are part of the sandbox's documentation and output.
"""

from __future__ import annotations

import hmac
import re
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

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
from embedkit.sandbox.services.pages import login_page
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
# a second application, which may only search, like those of most API customers
SEARCH_KEY = "sandbox-search-key"
SEARCH_SECRET = "sandbox-search-secret"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Application:
    """An API key and its rights. ``users`` are pairs of names and passwords. ``licensed`` permits its customers to
    download; until 2018, a key ``for_tests`` could do so without a customer.
    """

    key: str
    secret: str
    users: tuple[tuple[str, str], ...] = ()
    licensed: bool = False
    for_tests: bool = False


APPLICATIONS = {
    application.key: application
    for application in (
        Application(KEY, SECRET, ((USER, PASSWORD),), licensed=True),
        Application(SEARCH_KEY, SEARCH_SECRET),
        # from the examples in the documentation of 2014 to 2018
        Application("j878g39yx378pa77djthzzpn", "hZJS5A3GJpJvcGhaXwev3kwmq3DgtfcQmEuGbGruQBfsz", for_tests=True),
        Application("exampleApiKey", "exampleSecret", (("someUsername", "WithSomePassword"),), licensed=True),
    )
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The application that made a call, and the customer it acts for, if any.

    :param key: the application's API key.
    :param user: the customer's name; empty for an application acting for itself.
    :param licensed: whether this caller may download.
    :param token: whether the call had a valid access token, of any grant type.
    """

    key: str
    user: str = ""
    licensed: bool = False
    token: bool = False


REFRESH_LIFETIME_S = 365 * 86_400  # [doc]
CODE_LIFETIME_S = 600  # RFC 6749 section 4.1.2
METADATA_PATH = "/.well-known/oauth-authorization-server"
MAX_TOKENS = 10_000  # of each kind; beyond that, the oldest are dropped
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))  # RFC 6749 section 5.1
PATHS = ("/oauth2/token", "/v4/oauth2/token")  # the first on every host, the second in the 2026 contract


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights that a token confers. ``user`` is empty for an application; ``expires`` is in epoch seconds.

    :param public: whether it was issued to a public client, that is, without client_secret.
    """

    key: str
    user: str
    expires: float
    public: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code's grant, and what a client must send to redeem it."""

    grant: Grant
    redirect_uri: str
    challenge: str


T = TypeVar("T")


OVER_PER_SECOND = "Account Over Queries Per Second Limit"
OVER_PER_DAY = "Account Over Rate Limit"
DAY_S = 86_400


class Limits:
    """The rate limits of API keys; token requests count as well. Thread-safe."""

    def __init__(self, config: SandboxConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds: dict[str, tuple[int, int]] = {}
        self._days: dict[str, tuple[int, int]] = {}

    def count(self, key: str) -> None:
        """Count a call.

        :raises APIError: the key is over a limit.
        """
        now = int(self._clock())
        with self._lock:
            if self._is_over(self._seconds, key, now, self._config.calls_per_second):
                raise self._throttle_error(OVER_PER_SECOND)
            if self._is_over(self._days, key, now // DAY_S, self._config.calls_per_day):
                raise self._throttle_error(OVER_PER_DAY)

    @staticmethod
    def _is_over(counted: dict[str, tuple[int, int]], key: str, period: int, maximum: int) -> bool:
        """Count a call and return whether it exceeds the limit of its period; refused calls count as well."""
        last, calls = counted.get(key, (period, 0))
        calls = calls + 1 if last == period else 1
        counted[key] = period, calls
        return 0 < maximum < calls

    def _throttle_error(self, detail: str) -> APIError:
        era = self._config.rules
        if era.throttle_message and detail == OVER_PER_DAY:  # only the other limit has the header
            return message_error(era.throttle_status, era.throttle_message)
        return message_error(era.throttle_status, era.throttle_message or detail, (("X-Error-Detail", detail),))


class Tokens:
    """The token endpoint and the tokens it has issued. Thread-safe."""

    def __init__(self, config: SandboxConfig, limits: Limits, clock: Callable[[], float]) -> None:
        self._config = config
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}

    def __call__(self, call: Call) -> Reply:
        """Handle the token endpoint and the login page."""
        try:
            path = call.path.rstrip("/")
            return self._log_in(call) if path.endswith("/oauth2/auth") else self._token(call, path)
        except APIError as refused:
            return json_reply(refused.body, refused.status, (*NO_STORE, *refused.headers))

    def metadata(self, call: Call) -> Reply:
        """GET /.well-known/oauth-authorization-server (RFC 8414). It does not name the password grant."""
        if call.path != METADATA_PATH or not self._config.rules.browser_login:
            return json_reply({"message": "Not Found"}, 404)
        document = {
            "issuer": call.origin,
            "authorization_endpoint": f"{call.origin}/v4/oauth2/auth",
            "token_endpoint": f"{call.origin}/v4/oauth2/token",
            "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [],
        }
        return json_reply(document)

    def grant(self, token: str) -> Grant | None:
        """Return a token's grant, even if it has expired; None if the token was never issued."""
        with self._lock:
            return self._access.get(token)

    def expire(self) -> None:
        """Expire every access token; refresh tokens stay valid."""
        with self._lock:
            self._access = {token: replace(grant, expires=0.0) for token, grant in self._access.items()}

    def _token(self, call: Call, path: str) -> Reply:
        if path not in PATHS:
            raise _token_error(404, "invalid_request", "There is nothing here.")
        if call.method != "POST":
            raise _token_error(405, "invalid_request", "Only POST is allowed.", (("Allow", "POST"),))
        form = _credentials(call) | _form(call)
        if (key := form.get("client_id", "")) in APPLICATIONS:
            self._limits.count(key)
        granted = self._redeem(form) if self._is_public(form) else self._grant_for(form, _application(form))
        return json_reply(granted, headers=NO_STORE)

    def _is_public(self, form: dict[str, str]) -> bool:
        """Return whether a request comes from a public client, which sends no client_secret."""
        grant = self._refresh.get(form.get("refresh_token", ""))
        renews = form.get("grant_type") == "refresh_token" and grant is not None and grant.public
        code = form.get("grant_type") == "authorization_code" and self._config.rules.browser_login
        return code or (renews and "client_secret" not in form)

    def _redeem(self, form: dict[str, str]) -> JSON:
        """Issue tokens to a public client."""
        key = form.get("client_id", "")
        if form["grant_type"] == "refresh_token":
            return self._issue(key, self._renew(key, form))
        if "client_secret" in form:
            raise _token_error(400, "invalid_request", "A public client must not send client_secret.")
        return self._issue_both(key, self._user_of(form), public=True)

    def _user_of(self, form: dict[str, str]) -> str:
        """Return the customer of an authorization code, which can be used only once, successfully or not."""
        with self._lock:
            code = self._codes.pop(form.get("code", ""), None)
        right = code and (code.grant.key, code.redirect_uri) == (form.get("client_id"), form.get("redirect_uri"))
        if not code or not right or code.grant.expires <= self._clock():
            raise _token_error(400, "invalid_grant", "The code is wrong, was used, or has expired.")
        if not hmac.compare_digest(challenge_of(form.get("code_verifier", "")), code.challenge):
            raise _token_error(400, "invalid_grant", "code_verifier does not fit.")
        return code.grant.user

    def _grant_for(self, form: dict[str, str], application: Application) -> JSON:
        match form["grant_type"]:
            case "client_credentials":
                return self._issue(application.key)
            case "password" if self._config.password_grant:
                user = form.get("username", "")
                if (user, form.get("password", "")) not in application.users:
                    raise _token_error(400, "invalid_grant", "The user name or the password is wrong.")
                return self._issue_both(application.key, user)
            case "refresh_token":
                return self._issue(application.key, self._renew(application.key, form))
        raise _token_error(400, "unsupported_grant_type", "Use another grant_type.")

    def _log_in(self, call: Call) -> Reply:
        """Show the login page, or redirect back to the application with a code or an error."""
        if not self._config.rules.browser_login:
            raise _token_error(400, "unsupported_response_type", "There is nobody to log in.")
        params = call.params
        application, back = APPLICATIONS.get(params.get("client_id", "")), params.get("redirect_uri", "")
        if application is None or not _is_loopback(back):
            raise _token_error(400, "invalid_request", "client_id is wrong, or redirect_uri is elsewhere.")
        if wrong := _login_error(params):
            return _redirect_back(back, params, error=wrong)
        if call.method != "POST":
            return login_page(USER, PASSWORD)
        form = _form(call)
        user = form.get("username", "")
        if "deny" in form or (user, form.get("password", "")) not in application.users:
            return _redirect_back(back, params, error="access_denied")
        grant = Grant(application.key, user, self._clock() + CODE_LIFETIME_S)
        code = new_token() + new_token()
        self._keep(self._codes, code, Code(grant, back, params["code_challenge"]))
        return _redirect_back(back, params, code=code)

    def _issue_both(self, key: str, user: str, *, public: bool = False) -> JSON:
        token = new_token() + new_token()
        self._keep(self._refresh, token, Grant(key, user, self._clock() + REFRESH_LIFETIME_S, public))
        return self._issue(key, user) | {"refresh_token": token}

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

    def _renew(self, key: str, form: dict[str, str]) -> str:
        with self._lock:
            grant = self._refresh.get(form.get("refresh_token", ""))
        if grant is None or grant.key != key or grant.expires <= self._clock():
            raise _token_error(400, "invalid_grant", "The refresh token is wrong, or has expired.")
        return grant.user

    def _keep(self, kept: dict[str, T], token: str, grant: T) -> None:
        with self._lock:
            kept[token] = grant
            if len(kept) > MAX_TOKENS:
                del kept[next(iter(kept))]


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


def _credentials(call: Call) -> dict[str, str]:
    """Return client_id and client_secret from HTTP Basic authentication (RFC 6749 section 2.3.1)."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        key, _, secret = b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(key), "client_secret": unquote_plus(secret)}


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    digest = sha256(verifier.encode("ascii", "replace")).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _is_loopback(url: str) -> bool:
    """Return whether a URL points to this machine, on any port (RFC 8252 section 7.3)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost") and not parts.fragment


def _login_error(params: dict[str, str]) -> str:
    """Return the error code of an invalid authorization request; empty for a valid one."""
    if params.get("response_type") != "code":
        return "unsupported_response_type"
    proven = params.get("code_challenge_method") == "S256" and re.fullmatch(
        r"[\w-]{43}", params.get("code_challenge", ""), re.ASCII
    )
    return "" if proven else "invalid_request"


def _redirect_back(back: str, params: dict[str, str], **answer: str) -> Reply:
    state = {"state": params["state"]} if "state" in params else {}
    mark = "&" if "?" in back else "?"
    return Reply(302, "", headers=(("Location", f"{back}{mark}{urlencode(answer | state)}"), *NO_STORE))


def _application(form: dict[str, str]) -> Application:
    if not {"grant_type", "client_id", "client_secret"} <= form.keys():
        raise _token_error(400, "invalid_request", "grant_type, client_id and client_secret are required.")
    application = APPLICATIONS.get(form["client_id"])
    if application is None or application.secret != form["client_secret"]:
        basic = (("WWW-Authenticate", 'Basic realm="token"'),)
        raise _token_error(401, "invalid_client", "client_id or client_secret is wrong.", basic)
    return application


def _token_error(status: int, error: str, description: str, headers: tuple[tuple[str, str], ...] = ()) -> APIError:
    return APIError(status, {"error": error, "error_description": description}, headers)


# the credentials an operation needs: only a key, any valid token, or a customer's token
Need = Literal["key", "token", "user"]


class Authenticator:
    """Identifies the caller of each call, or refuses it."""

    def __init__(self, config: SandboxConfig, tokens: Tokens, limits: Limits, clock: Callable[[], float]) -> None:
        self._config = config
        self._tokens = tokens
        self._limits = limits
        self._clock = clock

    def authenticate(self, call: Call) -> Caller:
        """Return the caller.

        :raises APIError: the key is unknown or over its limits, or the token is not valid.
        """
        key = call.headers.get("api-key", "").strip()
        if key not in APPLICATIONS:
            raise message_error(*self._config.rules.key_error)
        self._limits.count(key)
        scheme, _, token = call.headers.get("authorization", "").strip().partition(" ")
        return self._caller_of(key, token.strip()) if scheme.lower() == "bearer" else Caller(key)

    def _caller_of(self, key: str, token: str) -> Caller:
        grant = self._tokens.grant(token)
        if grant is None or grant.key != key:
            raise missing_token_error("The access token is invalid")
        if grant.expires <= self._clock():
            raise missing_token_error("The access token expired")
        application = APPLICATIONS[key]
        static = application.for_tests and self._config.rules.test_image
        return Caller(key, grant.user, licensed=static or (bool(grant.user) and application.licensed), token=True)


def authorize(caller: Caller, need: Need) -> None:
    """Check that a caller has the credentials that an operation needs.

    :raises APIError: 401 without the token it needs, 403 if the token is not a customer's.
    """
    if need != "key" and not caller.token:
        raise missing_token_error()
    if need == "user" and not caller.user:
        raise not_authorized_error()

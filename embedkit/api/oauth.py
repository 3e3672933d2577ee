"""OAuth2 grants: requests to the token endpoint, and its responses.

    authorization_code    a customer has just logged in with a browser (embedkit login)
    refresh_token         renews the token of a customer
    password              EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD are set
    client_credentials    only EMBEDKIT_API_SECRET is set: the application on its own

A revealed secret is never bound to a local variable here, because crash reporters send those along with an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeGuard
from urllib.parse import urlencode

from embedkit import errors
from embedkit.getty import error_mapping, payload
from embedkit.getty.error_mapping import Meaning
from embedkit.messages import Request, Response
from embedkit.settings import Secret, Settings

Grant = Literal["authorization_code", "refresh_token", "password", "client_credentials"]
# How a token is obtained; "login" is the refresh token of a customer who logged in with a browser.
TokenSource = Literal["login", "password", "client_credentials"]
OF_CUSTOMERS: tuple[TokenSource, ...] = ("login", "password")

ENDPOINT = "token"
MAX_BYTES = 64 * 1024
DEFAULT_LIFETIME_S = 300  # if a response has no usable expires_in; documented tokens live for 1800 seconds
MAX_LIFETIME_S = 86_400  # longer lifetimes are cut to this

_TOKEN = re.compile(r"[!-~]{1,8192}")  # safe in a header
_LOGIN = ("invalid_grant", "InvalidUsernameOrPassword")  # RFC 6749 section 5.2; Connect's code
_KEY = ("invalid_client", "unauthorized_client")  # RFC 6749 section 5.2
_CODE = re.compile("[a-z_]{4,40}")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token for the API v3.

    :param seconds: lifetime in seconds, of which ``age`` have passed.
    :param refresh: refresh token, which obtains the next token without the password.
    :param login: opaque identifier of the browser login that the token belongs to; else empty.
    """

    access: Secret
    seconds: int = DEFAULT_LIFETIME_S
    refresh: Secret | None = None
    age: float = 0.0
    login: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The API key and its secret, the customer's name and password if set, and the URL of the token endpoint."""

    token_url: str
    api_key: Secret
    api_secret: Secret
    username: str
    password: Secret

    @classmethod
    def of(cls, settings: Settings) -> Credentials:
        """Return the credentials from the settings of the same names."""
        return cls(settings.token_url, settings.api_key, settings.api_secret, settings.username, settings.password)

    @property
    def has_customer(self) -> bool:
        """Whether both the name and the password of a customer are set."""
        return bool(self.username and self.password)

    def grant(self) -> TokenSource | None:
        """Return the grant with which to request the first token; None if only a key is set.

        :raises ConfigurationError: if a customer is set, but not the application's secret.
        """
        if self.has_customer and not self.api_secret:
            raise errors.ConfigurationError(
                "EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD require EMBEDKIT_API_SECRET.",
                hint="Set EMBEDKIT_API_SECRET, too.",
            )
        if self.has_customer:
            return "password"
        return "client_credentials" if self.api_secret else None


def request(
    grant: Grant,
    credentials: Credentials,
    refresh: Secret | None = None,
    *,
    public: bool = False,
    **more: str | Secret,
) -> Request:
    """Return the request for a token. All fields are in its body, because URLs end up in logs.

    :param refresh: the refresh token, for the grant ``refresh_token``.
    :param public: leave out the application's secret, as for a login with a browser.
    :param more: further fields of the grant.
    """
    fields: dict[str, str | Secret] = {"grant_type": grant, "client_id": credentials.api_key, **more}
    if not public:
        fields["client_secret"] = credentials.api_secret
    if grant == "password":
        fields |= {"username": credentials.username, "password": credentials.password}
    if refresh is not None:
        fields["refresh_token"] = refresh
    return Request(
        credentials.token_url,
        endpoint=ENDPOINT,
        method="POST",
        headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode([(name, _plain(value)) for name, value in fields.items()], errors="replace").encode(),
        max_bytes=MAX_BYTES,
    )


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def parse(response: Response, grant: Grant) -> Token:
    """Return the token from a response.

    :raises Unauthorized: if the credentials are refused; the hint names the settings that the grant uses.
    :raises RateLimited, QuotaExhausted, Unavailable: if the endpoint can't issue a token for now.
    :raises InvalidResponse: if this is not the response of a token endpoint.
    """
    if response.status != 200:
        code = _code(response.body)
        raise error_mapping.error_for(response, *_classify(response, grant, code), None, code or None)
    failure: Exception | None = None
    try:
        token = _token(response.body)
    except Exception as error:  # unexpected; drop the traceback, whose frames hold the token
        failure = error.with_traceback(None)
    if failure:
        raise failure
    if token:
        return token
    message, hint = "The token endpoint's response contains no token.", "Check EMBEDKIT_TOKEN_URL."
    raise errors.InvalidResponse(message, hint=hint, **response.evidence)


def _token(body: bytes) -> Token | None:
    answer = payload.fields(body)
    access, refresh = answer.get("access_token"), answer.get("refresh_token")
    kind = answer.get("token_type", "bearer")
    if not fit_token(access) or not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    seconds = payload.whole_number(answer.get("expires_in")) or DEFAULT_LIFETIME_S
    return Token(Secret(access), min(seconds, MAX_LIFETIME_S), Secret(refresh) if fit_token(refresh) else None)


def fit_token(value: object) -> TypeGuard[str]:
    """Return whether a value can be a token, that is, is safe in a header."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _code(body: bytes) -> str:
    """Return the error code of RFC 6749 section 5.2; empty if there isn't one."""
    code = payload.fields(body).get("error")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _classify(response: Response, grant: Grant, code: str) -> Meaning:
    status, text = response.status, error_mapping.explanation(response)
    own = not response.body.strip() or error_mapping.is_json(response.body)
    if status == 408 or 500 <= status < 600:
        return errors.Unavailable, "the token endpoint has a problem", "Try again later."
    if error_mapping.is_inactive(text):
        return errors.InvalidKey, "the account is inactive", "Check EMBEDKIT_API_KEY."
    if error_mapping.is_firewall_page(text) or (status in (400, 401, 403) and not own):
        return errors.Unavailable, "not the token endpoint's own response", "Try again later."
    if status in (400, 401, 403):
        return _refused(grant, code), "the credentials are refused", _settings(text, grant)
    return errors.InvalidResponse, "not the response of a token endpoint", "Check EMBEDKIT_TOKEN_URL."


def _refused(grant: Grant, code: str) -> type[errors.Unauthorized]:
    """Return the error for refused credentials: a login or refresh token, the key with its secret, or unknown."""
    if grant in ("refresh_token", "authorization_code"):
        return errors.InvalidToken
    return errors.InvalidKey if code in _KEY or grant == "client_credentials" else errors.Unauthorized


def _settings(text: str, grant: Grant) -> str:
    if grant == "authorization_code":
        return "Try embedkit login again, or check EMBEDKIT_API_KEY."
    if grant == "client_credentials" or any(word in text for word in _KEY):
        return "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET."
    if any(word in text for word in _LOGIN):
        return "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
    return "Check EMBEDKIT_API_KEY, EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."

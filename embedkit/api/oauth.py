"""OAuth2 grants: requests to the token endpoint, and what its answers mean.

    authorization_code    where a customer has just logged in, by a browser (embedkit login)
    refresh_token         where the customer has been logged in before
    password              where EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD are set
    client_credentials    where EMBEDKIT_API_SECRET is set: the application on its own

A revealed secret is never bound to a variable here: crash reporters send those along with an error.
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
# how a token is got: "login" by the refresh token of a customer who logged in by a browser
TokenSource = Literal["login", "password", "client_credentials"]
OF_CUSTOMERS: tuple[TokenSource, ...] = ("login", "password")

ENDPOINT = "token"
MAX_BYTES = 64 * 1024
DEFAULT_LIFETIME_S = 300  # where an answer has nothing usable; the documented tokens live for 1800
MAX_LIFETIME_S = 86_400  # more is not believed

_TOKEN = re.compile(r"[!-~]{1,8192}")  # it goes into a header
_LOGIN = ("invalid_grant", "InvalidUsernameOrPassword")  # RFC 6749 section 5.2; the words of Connect
_KEY = ("invalid_client", "unauthorized_client")  # RFC 6749 section 5.2
_CODE = re.compile("[a-z_]{4,40}")


@dataclass(frozen=True, slots=True)
class Token:
    """What opens the API v3 for ``seconds``, of which ``age`` are over.

    :param refresh: gets the next one without the password.
    :param login: names the login by a browser that it is of, and tells nothing of it; else empty.
    """

    access: Secret
    seconds: int = DEFAULT_LIFETIME_S
    refresh: Secret | None = None
    age: float = 0.0
    login: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key, the secret that goes with it, a customer where there is one, and where tokens are issued."""

    token_url: str
    api_key: Secret
    api_secret: Secret
    username: str
    password: Secret

    @classmethod
    def of(cls, settings: Settings) -> Credentials:
        """Those of the settings of the same names."""
        return cls(settings.token_url, settings.api_key, settings.api_secret, settings.username, settings.password)

    @property
    def has_customer(self) -> bool:
        """Whether they are of a customer: a username without password is nobody's."""
        return bool(self.username and self.password)

    def grant(self) -> TokenSource | None:
        """How the first token is requested; None where there is only a key.

        :raises ConfigurationError: for a customer without the application's secret, which goes with it.
        """
        if self.has_customer and not self.api_secret:
            raise errors.ConfigurationError(
                "EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD go with EMBEDKIT_API_SECRET.",
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
    """The request for a token. Everything is in its body: URLs end up in logs.

    :param refresh: the refresh token of the grant of that name.
    :param public: whether the secret of the application stays away, as where a customer logs in by a browser.
    :param more: fields of the grant.
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
    """The token of an answer.

    :raises Unauthorized: where the credentials are refused; names the settings that the grant uses.
    :raises RateLimited, QuotaExhausted, Unavailable: where the endpoint can't, for now.
    :raises InvalidResponse: where the answer is not a token endpoint's.
    """
    if response.status != 200:
        code = _code(response.body)
        raise error_mapping.error_for(response, *_classify(response, grant, code), None, code or None)
    failure: Exception | None = None
    try:
        token = _token(response.body)
    except Exception as error:  # nobody thought of it; the frames that it passed hold the token
        failure = error.with_traceback(None)
    if failure:
        raise failure
    if token:
        return token
    message, hint = "The answer of the token endpoint holds no token.", "Check EMBEDKIT_TOKEN_URL."
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
    """Whether it may be a token, which goes into a header."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _code(body: bytes) -> str:
    """The error code of RFC 6749, section 5.2; empty where there is none."""
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
        return errors.Unavailable, "not the token endpoint's own answer", "Try again later."
    if status in (400, 401, 403):
        return _refused(grant, code), "the credentials are refused", _settings(text, grant)
    return errors.InvalidResponse, "not an answer of a token endpoint", "Check EMBEDKIT_TOKEN_URL."


def _refused(grant: Grant, code: str) -> type[errors.Unauthorized]:
    """What is refused: a refresh token, the key with its secret, or one can't tell."""
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

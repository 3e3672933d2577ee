"""OAuth2 grants: requests to the token endpoint, and what its answers mean.

    refresh_token         where the customer has been logged in before
    password              where USERNAME and PASSWORD are set
    client_credentials    where API_SECRET is set: the application on its own

A revealed secret is never bound to a variable here: crash reporters send those along with an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeGuard
from urllib.parse import urlencode

from embedkit.errors import ConfigurationError, InvalidResponse, ProviderError, Unauthorized, Unavailable
from embedkit.getty import error_mapping, payload
from embedkit.getty.error_mapping import Meaning
from embedkit.messages import Request, Response
from embedkit.settings import Secret, Settings

Grant = Literal["refresh_token", "password", "client_credentials"]

ENDPOINT = "token"
MAX_BYTES = 64 * 1024
LIFETIME = 300  # seconds, where an answer tells nothing usable; the documented tokens live for 1800
LONGEST = 86_400  # seconds that are believed

_TOKEN = re.compile(r"[!-~]{1,8192}")  # it goes into a header
_LOGIN = ("invalid_grant", "InvalidUsernameOrPassword")  # RFC 6749 section 5.2; the words of Connect


@dataclass(frozen=True, slots=True)
class Token:
    """What opens the API v3 for ``seconds`` from now; ``refresh`` gets the next one without the password."""

    access: Secret
    seconds: int = LIFETIME
    refresh: Secret | None = None


def grant(settings: Settings) -> Grant | None:
    """How a token is got at first; None where the key alone has to do.

    :raises ConfigurationError: for a customer without the application's secret, which goes with it.
    """
    if customer(settings):
        if not settings.api_secret:
            raise ConfigurationError("USERNAME and PASSWORD go with API_SECRET.", hint="Set API_SECRET, too.")
        return "password"
    return "client_credentials" if settings.api_secret else None


def customer(settings: Settings) -> bool:
    """Whether the settings name a customer of Getty Images."""
    return bool(settings.username and settings.password)


def request(how: Grant, settings: Settings, refresh: Secret | None = None) -> Request:
    """The question for a token. Everything is in its body: addresses end up in logs.

    :param refresh: the refresh token of the grant of that name.
    """
    said: dict[str, str | Secret] = {
        "grant_type": how,
        "client_id": settings.api_key,
        "client_secret": settings.api_secret,
    }
    if how == "password":
        said |= {"username": settings.username, "password": settings.password}
    if refresh is not None:
        said["refresh_token"] = refresh
    return Request(
        settings.token_url,
        endpoint=ENDPOINT,
        method="POST",
        headers={"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode([(name, _plain(value)) for name, value in said.items()], errors="replace").encode(),
        max_bytes=MAX_BYTES,
    )


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def parse(response: Response, how: Grant) -> Token:
    """The token of an answer.

    :raises Unauthorized: where the credentials are refused; names the settings that ``how`` uses.
    :raises RateLimited, QuotaExhausted, Unavailable: where the endpoint cannot, for now.
    :raises InvalidResponse: where the answer is of no token endpoint.
    """
    if response.status != 200:
        raise _refusal(response, how)
    failure: Exception | None = None
    try:
        token = _token(response.body)
    except Exception as error:  # nobody thought of it; the frames that it passed hold the token
        failure = error.with_traceback(None)
    if failure:
        raise failure
    if token:
        return token
    raise InvalidResponse("The answer of the token endpoint holds no token.", hint="Check TOKEN_URL.")


def _token(body: bytes) -> Token | None:
    try:
        said = payload.mapping(body)
    except ValueError:
        return None
    access, refresh, kind = said.get("access_token"), said.get("refresh_token"), said.get("token_type", "bearer")
    if not _fit(access) or not isinstance(kind, str) or kind.lower() != "bearer":
        return None
    seconds = payload.whole_number(said.get("expires_in")) or LIFETIME
    return Token(Secret(access), min(seconds, LONGEST), Secret(refresh) if _fit(refresh) else None)


def _fit(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _refusal(response: Response, how: Grant) -> ProviderError:
    if throttled := error_mapping.throttle_error(response, None):
        return throttled
    return error_mapping.error_for(response, *_meaning(response, how), ref=None)


def _meaning(response: Response, how: Grant) -> Meaning:
    status, said = response.status, error_mapping.explanation(response)
    own = not response.body.strip() or error_mapping.is_json(response.body)
    if status == 408 or 500 <= status < 600:
        return Unavailable, "the token endpoint has a problem", "Try again later."
    if error_mapping.is_inactive(said):
        return Unauthorized, "the account is inactive", "Check API_KEY."
    if error_mapping.is_firewall_page(said) or (status in (400, 401, 403) and not own):
        return Unavailable, "not the token endpoint's own answer", "Try again later."
    if status in (400, 401, 403):
        return Unauthorized, "the credentials are refused", _settings(said, how)
    return InvalidResponse, "no answer of a token endpoint", "Check TOKEN_URL."


def _settings(said: str, how: Grant) -> str:
    if how == "client_credentials":
        return "Check API_KEY and API_SECRET."
    if any(word in said for word in _LOGIN):
        return "Check USERNAME and PASSWORD."
    return "Check API_KEY, API_SECRET, USERNAME and PASSWORD."

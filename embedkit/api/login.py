"""Logging in with a browser: the authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    begin     create the URL of the login page, with a challenge and an unguessable state
    finish    check the query that the browser returned with, and exchange its code for tokens, kept in a file
    end       delete that file

The application's secret is not used. Tokens are only requested from EMBEDKIT_TOKEN_URL, whatever endpoint its
metadata (RFC 8414) names; the login page must be on the same origin, or on that of EMBEDKIT_API_BASE.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

from embedkit.api import oauth
from embedkit.api.oauth import OF_CUSTOMERS, TokenSource, fit_token
from embedkit.api.requests import ApiSettings, origin_of
from embedkit.api.session import ApiSession
from embedkit.api.token_file import AGAIN, LOCK_TIMEOUT_S, LoginFile
from embedkit.errors import ConfigurationError, InvalidResponse, InvalidToken, PermissionDenied, Unavailable
from embedkit.getty import error_mapping, payload
from embedkit.messages import Request, Response
from embedkit.settings import Secret

METADATA_PATH = "/.well-known/oauth-authorization-server"
PAGE_PATH = "/v4/oauth2/auth"  # from the OpenAPI document; used if there is no metadata
MAX_QUERY_CHARS = 16_384
MAX_PARAMS = 16

_CODE = re.compile("[a-z_]{4,40}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A login in progress, waiting for the browser to return.

    :param url: URL of the login page, to open in the browser.
    :param redirect_uri: URL to which the browser returns.
    """

    url: str = field(repr=False)  # contains the state
    redirect_uri: str
    state: Secret = field(repr=False)
    verifier: Secret = field(repr=False)

    def is_answered_by(self, query: str) -> bool:
        """Return whether a query answers this request, since any page can send a browser to ``redirect_uri``.

        :param query: query of the URL to which the browser returned, without the question mark.
        :return: False if the query must be rejected; then keep waiting (RFC 6749 section 10.12).
        """
        return _has_state(_params(query), self.state)


class BrowserLogin:
    """Logs the customer in with a browser: ``kit.api.login``. It needs only EMBEDKIT_API_KEY.

    ``embedkit login`` does all of this, including a page to which the browser returns. A program with such a page
    of its own can do the same:

        request = kit.api.login.begin("http://127.0.0.1:8400/callback")
        …  # open request.url in the browser, and wait until it returns to the page
        …  # with a query for which request.is_answered_by(query) is true
        kit.api.login.finish(request, query)
        kit.api.login.end()  # later, to log out
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session
        self._tokens = session.tokens

    def begin(self, redirect_uri: str) -> LoginRequest:
        """Start a login and return the request, whose ``url`` is to be opened in the browser.

        :param redirect_uri: URL to which the browser returns: http on a loopback address, with any port.
        :raises ConfigurationError: without EMBEDKIT_API_KEY, or if there is nowhere to store tokens.
        :raises ProviderError: if the token endpoint can't be reached, or does not support such a login.
        """
        self._session.check()
        self._file()
        base, issuer = origin_of(self._api.base), origin_of(self._tokens.credentials.token_url)
        metadata = self._session.send(_metadata_request(issuer))
        page = parse_metadata(metadata, (issuer, base), base + PAGE_PATH)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        params = {
            "response_type": "code",
            "client_id": self._tokens.credentials.api_key.reveal(),
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{page}{'&' if '?' in page else '?'}{urlencode(params)}"
        return LoginRequest(url, redirect_uri, Secret(state), Secret(verifier))

    def finish(self, request: LoginRequest, query: str) -> None:
        """Exchange the code that the browser returned with for tokens, and store them.

        :param request: the request returned by :meth:`begin`.
        :param query: query of the URL to which the browser returned, without the question mark.
        :raises PermissionDenied: if the customer denied the request.
        :raises InvalidToken: if the query answers another request, or the code is refused.
        :raises ConfigurationError: if the tokens can't be stored.
        """
        code = authorization_code(query, request.state)
        response = self._session.send(
            oauth.request(
                "authorization_code",
                self._tokens.credentials,
                public=True,
                code=code,
                redirect_uri=request.redirect_uri,
                code_verifier=request.verifier,
            )
        )
        token = oauth.parse(response, "authorization_code")
        file = self._file()
        try:
            with file.locked(LOCK_TIMEOUT_S):  # a process that is renewing the previous login would restore it
                file.keep(replace(token, login=secrets.token_hex(8)))
        except OSError as error:
            hint = "Make the user's cache folder writable."
            raise ConfigurationError(f"The tokens can't be stored: {error.strerror}.", hint=hint) from None

    def end(self) -> bool:
        """Delete the tokens, and return whether there were any."""
        return self._file().remove()

    @property
    def source(self) -> TokenSource | None:
        """How tokens are obtained: ``login``, ``password`` or ``client_credentials``; None without a token."""
        return self._tokens.caller()[0]

    @property
    def is_customer(self) -> bool:
        """Whether calls are made for a customer who is logged in, or whose name and password are set."""
        return self.source in OF_CUSTOMERS

    def _file(self) -> LoginFile:
        if self._tokens.login is None:
            hint = "Create EmbedKit without the argument transport."
            raise ConfigurationError("A kit with a custom transport can't store a login.", hint=hint)
        return self._tokens.login


def challenge(verifier: str) -> str:
    """Return the S256 challenge for a verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _metadata_request(issuer: str) -> Request:
    return Request(
        issuer + METADATA_PATH,
        endpoint=oauth.ENDPOINT,
        headers={"Accept": "application/json"},
        max_bytes=oauth.MAX_BYTES,
    )


def parse_metadata(response: Response, origins: tuple[str, ...], usual: str) -> str:
    """Return the URL of the login page.

    :param origins: the allowed origins.
    :param usual: the page to use if there is no metadata document.
    :raises ProviderError: if the document can't be fetched; InvalidResponse if it names no page with an allowed
        origin, or does not support the authorization code grant with PKCE.
    """
    if response.status in (404, 410):
        return usual
    if response.status != 200:
        why = "the token endpoint's metadata can't be fetched"
        raise error_mapping.error_for(response, Unavailable, why, "Try again later.", None)
    fields = payload.fields(response.body)
    page = payload.url_on_origin(fields.get("authorization_endpoint"), origins)
    grants = fields.get("grant_types_supported", ["authorization_code"])  # the default (RFC 8414 section 2)
    methods = fields.get("code_challenge_methods_supported", ["S256"])
    fits = isinstance(grants, list) and isinstance(methods, list)
    if page and fits and "authorization_code" in grants and "S256" in methods:
        return page
    hint = "Check EMBEDKIT_TOKEN_URL, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
    message = "The token endpoint does not support logging in with a browser."
    raise InvalidResponse(message, hint=hint, **response.evidence)


def authorization_code(query: str, state: Secret) -> Secret:
    """Return the authorization code from a query.

    :raises PermissionDenied: if the customer denied the request.
    :raises InvalidToken: if the query answers another request, or contains no code.
    """
    params = _params(query)
    if not _has_state(params, state):
        raise InvalidToken("The browser returned with the response to another request.", hint=AGAIN)
    if params.get("error") == "access_denied":
        raise PermissionDenied("The request to log in was denied.", hint=AGAIN)
    error = params.get("error", "")
    if error or not fit_token(params.get("code")):
        known = f" ({error})" if _CODE.fullmatch(error) else ""
        raise InvalidToken(f"Getty Images did not log you in{known}.", hint=AGAIN)
    return Secret(params["code"])


def _has_state(params: dict[str, str], state: Secret) -> bool:
    return hmac.compare_digest(params.get("state", "").encode(), state.reveal().encode())


def _params(query: str) -> dict[str, str]:
    """Return the parameters of a query; empty if it is too long or repeats a parameter."""
    try:
        pairs = parse_qsl(query[: MAX_QUERY_CHARS + 1], keep_blank_values=True, max_num_fields=MAX_PARAMS)
    except ValueError:
        return {}
    found = dict(pairs)
    return found if len(query) <= MAX_QUERY_CHARS and len(found) == len(pairs) else {}

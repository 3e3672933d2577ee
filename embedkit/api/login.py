"""Logging in by a browser: the authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    begin     a URL for the browser, with a challenge and a state that nobody can guess
    finish    what the browser brings back, checked; the code is exchanged for tokens, which are kept in a file
    end       the file goes

No secret of the application takes part. Tokens are asked for at EMBEDKIT_TOKEN_URL alone, whatever else its
metadata (RFC 8414) names; the page to log in is on the same origin, or on that of EMBEDKIT_API_BASE.
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
PAGE_PATH = "/v4/oauth2/auth"  # of the OpenAPI document, where there is no metadata
MAX_QUERY_CHARS = 16_384
MAX_PARAMS = 16

_CODE = re.compile("[a-z_]{4,40}")


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A customer is asked to log in.

    :param url: for the browser.
    :param redirect_uri: where it comes back to.
    """

    url: str = field(repr=False)  # has the state in it
    redirect_uri: str
    state: Secret = field(repr=False)
    verifier: Secret = field(repr=False)

    def is_answered_by(self, query: str) -> bool:
        """Whether a query is the answer to this request: any page can send a browser to ``redirect_uri``.

        :param query: of the URL that the browser came back to, without the question mark.
        :return: False for a query to turn away, and to wait on (RFC 6749 section 10.12).
        """
        return _has_state(_params(query), self.state)


class BrowserLogin:
    """Logs the customer in by a browser: ``kit.api.login``. It needs EMBEDKIT_API_KEY alone.

    ``embedkit login`` does all of it, with a page that the browser comes back to. A program that has such a page
    of its own does the same:

        request = kit.api.login.begin("http://127.0.0.1:8400/callback")
        …  # the browser goes to request.url, and comes back to the page with a query for which
        …  # request.is_answered_by(query)
        kit.api.login.finish(request, query)
        kit.api.login.end()  # later, to log out
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session
        self._tokens = session.tokens

    def begin(self, redirect_uri: str) -> LoginRequest:
        """Where to send the browser.

        :param redirect_uri: that the browser comes back to: http on a loopback address, whatever its port.
        :raises ConfigurationError: without EMBEDKIT_API_KEY, and where there is nowhere to keep tokens.
        :raises ProviderError: where the token endpoint can't be asked, or lets nobody log in by a browser.
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
        """Take what the browser came back with, and keep the tokens that it is good for.

        :param request: that :meth:`begin` returned.
        :param query: of the URL that the browser came back to, without the question mark.
        :raises PermissionDenied: where the customer did not allow it.
        :raises InvalidToken: where the answer belongs to another request, or the code is refused.
        :raises ConfigurationError: where the tokens can't be kept.
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
            with file.locked(LOCK_TIMEOUT_S):  # whoever renews the login before this one would put it back
                file.keep(replace(token, login=secrets.token_hex(8)))
        except OSError as error:
            hint = "Make the user's cache folder one that can be written."
            raise ConfigurationError(f"The tokens can't be kept: {error.strerror}.", hint=hint) from None

    def end(self) -> bool:
        """Forget the tokens; whether there were any."""
        return self._file().remove()

    @property
    def source(self) -> TokenSource | None:
        """How a token is got: ``login``, ``password`` or ``client_credentials``; None without any."""
        return self._tokens.caller()[0]

    @property
    def is_customer(self) -> bool:
        """Whether calls are made for a customer, who has logged in or whose name and password are set."""
        return self.source in OF_CUSTOMERS

    def _file(self) -> LoginFile:
        if self._tokens.login is None:
            hint = "Leave EmbedKit its own transport."
            raise ConfigurationError("A kit with a transport of its own keeps no login.", hint=hint)
        return self._tokens.login


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _metadata_request(issuer: str) -> Request:
    return Request(
        issuer + METADATA_PATH,
        endpoint=oauth.ENDPOINT,
        headers={"Accept": "application/json"},
        max_bytes=oauth.MAX_BYTES,
    )


def parse_metadata(response: Response, origins: tuple[str, ...], usual: str) -> str:
    """The URL of the page to log in.

    :param origins: where it may be.
    :param usual: the page where there is no such document.
    :raises ProviderError: where it can't be had; InvalidResponse where it names no page that may be used, and
        where nobody is let in by a code that PKCE protects.
    """
    if response.status in (404, 410):
        return usual
    if response.status != 200:
        why = "the metadata of the token endpoint is not given"
        raise error_mapping.error_for(response, Unavailable, why, "Try again later.", None)
    fields = payload.fields(response.body)
    page = payload.url_on_origin(fields.get("authorization_endpoint"), origins)
    grants = fields.get("grant_types_supported", ["authorization_code"])  # what is missing allows it (RFC 8414)
    methods = fields.get("code_challenge_methods_supported", ["S256"])
    fits = all(isinstance(one, list) for one in (grants, methods))
    if page and fits and "authorization_code" in grants and "S256" in methods:
        return page
    hint = "Check EMBEDKIT_TOKEN_URL; or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."
    raise InvalidResponse("The token endpoint lets nobody log in by a browser.", hint=hint, **response.evidence)


def authorization_code(query: str, state: Secret) -> Secret:
    """The code that a browser came back with.

    :raises PermissionDenied: where the customer did not allow it.
    :raises InvalidToken: where it is the answer to another request, or none.
    """
    params = _params(query)
    if not _has_state(params, state):
        raise InvalidToken("The browser came back with the answer to another request.", hint=AGAIN)
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
    """The parameters of a query; none of one that is too long, or names one twice."""
    try:
        pairs = parse_qsl(query[: MAX_QUERY_CHARS + 1], keep_blank_values=True, max_num_fields=MAX_PARAMS)
    except ValueError:
        return {}
    found = dict(pairs)
    return found if len(query) <= MAX_QUERY_CHARS and len(found) == len(pairs) else {}

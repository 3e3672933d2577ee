"""Authorization by bearer token, by grant, or by the host's own login.

search   a token or a grant, unless SEARCH_ACCESS=open; the key's quota and Getty's terms rule out public access
grant    one of TOKENS; a grant can neither create grants nor purge
purge    ADMIN_TOKEN
metrics  ADMIN_TOKEN or one of TOKENS, unless METRICS=open; off by default

Browsers never hold a token. A CMS's server exchanges it for a grant, which is read-only and valid for eight hours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from flask import Response, g, request
from itsdangerous import BadData, URLSafeTimedSerializer

from embedkit.cache.envelope import signing_secrets
from embedkit.cache.stores.factory import scheme_of
from embedkit.errors import ConfigurationError
from embedkit.settings import Secret, Settings
from embedkit.web.errors import Refused
from embedkit.web.response import as_json
from embedkit.web.routes import Access, Answer, Route
from embedkit.web.schemas import GrantAnswer

if TYPE_CHECKING:
    from embedkit.web.context import AppContext, Authorize

GRANT_LIFETIME_S = 8 * 3600  # an editor's working day
CLOCK_LEEWAY_S = 60  # allowed difference between the clocks of two machines that share a secret
SALT = b"embedkit.grant"  # the same secret signs cache entries, which must not be accepted as grants

GrantStatus = Literal["good", "expired", "unknown"]

# The 32 bytes of a signature in canonical base64url. Decoders also accept other final letters, padding and invalid
# characters, which would give one grant many spellings, each with its own rate limit.
_CANONICAL = re.compile(r"[!-~]+\.[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]")


class Grants:
    """Creates and verifies grants.

    A grant is signed with SECRET and the token that it was created with, or with SECRET alone if the host's login
    created it. Changing either one invalidates the grant, and no grants have to be stored.

    :param host: True if the host's own login creates grants, instead of TOKENS.
    :raises ConfigurationError: if grants can be created but there is no secret to sign them with.
    """

    def __init__(self, settings: Settings, *, host: bool) -> None:
        makers = [b""] if host else [digest(token) for token in settings.tokens]
        signing = _signing(settings) if makers else ()
        self._signers = {maker: _signer(signing, maker) for maker in makers}

    def make(self, token: Secret | None) -> str:
        """Return a new grant, which is unique, so that each has its own rate limit.

        :param token: one of TOKENS, or None for the host's login.
        """
        signer = self._signers[digest(token) if token else b""]
        return str(signer.dumps(secrets.token_urlsafe(9)))

    def status(self, given: Secret) -> GrantStatus:
        """Return whether a credential is a valid grant, an expired one, or not one of ours."""
        if not _CANONICAL.fullmatch(given.reveal()):
            return "unknown"
        for signer in self._signers.values():
            try:
                _, made = signer.loads(given.reveal(), return_timestamp=True)
            except BadData:
                continue
            return "good" if -CLOCK_LEEWAY_S <= time.time() - made.timestamp() <= GRANT_LIFETIME_S else "expired"
        return "unknown"


def bearer_credential() -> Secret | None:
    """Return the bearer credential of the current request, unverified; None if there isn't one."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return Secret(value.strip()) if scheme.lower() == "bearer" and value.strip() else None


def is_one_of(given: Secret, tokens: Iterable[Secret]) -> bool:
    """Return whether a credential is one of these tokens, in a time that reveals neither length nor position."""
    expected = digest(given)
    return sum(hmac.compare_digest(expected, digest(token)) for token in tokens) > 0


def digest(secret: Secret) -> bytes:
    """Return a digest of a secret, which can be stored and compared in its place."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogateescape")).digest()


def _signer(signing: tuple[str, ...], maker: bytes) -> URLSafeTimedSerializer:
    """Return a signer. The library signs with the last secret; older ones precede it."""
    return URLSafeTimedSerializer(
        list(reversed(signing)),
        salt=SALT + maker,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _signing(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that sign grants. A memory cache's secret won't do: grants outlive the process."""
    if settings.secret or not scheme_of(settings.cache).private:
        return signing_secrets(settings.secret, settings.cache)
    try:
        return signing_secrets(settings.secret, "")
    except ConfigurationError as error:
        raise ConfigurationError(error.message, hint="Set EMBEDKIT_SECRET, which signs grants.") from None


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="embedkit"'}
EXPIRED = {"WWW-Authenticate": 'Bearer realm="embedkit", error="invalid_token"'}  # RFC 6750, section 3.1
IN_HEADER = "in the header Authorization: Bearer."
HOST_DENIED = "You don't have permission to do this."
NO_ENDPOINT = "No such endpoint."
UNAFFECTED = "Embeds, oEmbed, rendering and frames are not affected."


def authorize(context: AppContext, access: Access, grant: Secret | None = None) -> Secret | None:
    """Check that the current request is allowed.

    :param grant: the grant in the URL of a page without JavaScript, where tokens are not accepted.
    :returns: the token or grant used, to count calls by; None if none was needed.
    :raises Refused: with the reason.
    """
    if access == "search":
        return _search(context, grant or bearer_credential())
    if access == "metrics":
        _metrics(context)
    return _by_token(context, access) if access in ("grant", "purge") else None


def _search(context: AppContext, given: Secret | None) -> Secret | None:
    _need_key(context)
    if context.authorize is None and context.settings.search_access == "open":
        return None
    status = context.grants.status(given) if given else "unknown"
    if status == "good":
        return given
    if context.authorize is not None and context.authorize("search"):
        return None
    if status == "expired":
        detail = "This grant has expired after eight hours. Create a new one with POST /v1/grants."
        raise Refused("token-required", detail, headers=EXPIRED)
    if context.authorize is not None:
        raise Refused("forbidden", HOST_DENIED)
    return _one_of(context.settings.tokens, _how_to_search(context))


def _by_token(context: AppContext, access: Access) -> Secret | None:
    if context.authorize is not None:
        _check_login(context.authorize, access)
        return None
    tokens, how = context.settings.tokens, f"Creating a grant requires a token. Send it {IN_HEADER}"
    if access == "purge":
        tokens, how = context.settings.admin_token, f"Purging requires the admin token. Send it {IN_HEADER}"
    if not tokens:
        raise Refused("no-route", NO_ENDPOINT)  # as if it didn't exist
    return _one_of(tokens, how)


def _metrics(context: AppContext) -> None:
    """Check access to the metrics. Tokens work even with the host's login, because Prometheus can't log in."""
    if context.settings.metrics != "token":
        return  # open to all, or off, in which case the view returns 404
    if context.authorize is not None and bearer_credential() is None:
        _check_login(context.authorize, "metrics")
    else:
        _one_of((*context.settings.admin_token, *context.settings.tokens), f"Send a token {IN_HEADER}")


def _need_key(context: AppContext) -> None:
    """Check that search is configured, before any credentials: that is the more useful error."""
    if context.kit.settings.frozen:
        detail = "Search requires network access, but EMBEDKIT_FROZEN is set. Unset it."
        raise Refused("not-configured", f"{detail} {UNAFFECTED}")
    if not context.kit.settings.api_key:
        detail = "Search requires a Getty Images API key. Set EMBEDKIT_API_KEY."
        raise Refused("not-configured", f"{detail} {UNAFFECTED}")


def _how_to_search(context: AppContext) -> str:
    if context.settings.tokens:
        return f"Search requires a token or a grant. Send it {IN_HEADER}"
    return (
        "Search requires a token, but none is configured. Set EMBEDKIT_TOKENS;"
        " or set EMBEDKIT_SEARCH_ACCESS=open if only you can reach the service."
    )


def _one_of(tokens: Iterable[Secret], how: str) -> Secret:
    given = bearer_credential()
    if given is None:
        raise Refused("token-required", how, headers=CHALLENGE)
    if not is_one_of(given, tokens):
        raise Refused("forbidden", "This token doesn't grant access.")
    return given


def _check_login(authorize: Authorize, action: Access) -> None:
    if not authorize(action):
        raise Refused("forbidden", HOST_DENIED)


def grant(context: AppContext) -> Response:
    made = context.grants.make(g.embedkit_credential)
    return as_json(GrantAnswer(made, GRANT_LIFETIME_S), status=201)


ROUTES = (
    Route(
        "/v1/grants",
        grant,
        "Create a grant for a browser",
        {201: Answer("A read-only grant for the search endpoints, valid for eight hours.", GrantAnswer)},
        method="POST",
        access="grant",
        group="Search",
    ),
)

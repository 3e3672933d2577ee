"""Who may do what: a bearer token, a grant, or the host's own login.

search   the key's quota, and Getty's terms, forbid an open door: a token, a grant, or SEARCH_ACCESS=open
grant    a token of TOKENS; a grant opens this no more than it purges
purge    ADMIN_TOKEN
metrics  ADMIN_TOKEN or a token of TOKENS, unless METRICS=open; off by default

Browsers never hold a token. A CMS's server trades it for a grant, which reads, and ends after eight hours.
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

GRANT_LIFETIME_S = 8 * 3600  # seconds: an editor's day
CLOCK_LEEWAY_S = 60  # seconds by which the clocks of two machines that share a secret may differ
SALT = b"embedkit.grant"  # the same secret signs cache entries: one must not pass for the other

Standing = Literal["good", "expired", "unknown"]

# The 32 bytes of a signature in base64url as we write it. Readers of base64 take other last letters, padding
# and rubbish for the same: then one grant would have many spellings, each counted by itself.
_SPELLED = re.compile(r"[!-~]+\.[0-9A-Za-z_-]{42}[AEIMQUYcgkosw048]")


class Grants:
    """Makes grants, and tells good ones from others.

    A grant is signed with SECRET and with the token that it was made from (or with neither but SECRET, for the
    host's login). So it ends with either of them, and nothing has to be kept to look it up in.

    :param host: the host's own login makes grants, instead of TOKENS.
    :raises ConfigurationError: where grants can be made, and there is no secret to sign them with.
    """

    def __init__(self, settings: Settings, *, host: bool) -> None:
        makers = [b""] if host else [digest(token) for token in settings.tokens]
        signing = _signing(settings) if makers else ()
        self._signers = {maker: _signer(signing, maker) for maker in makers}

    def make(self, token: Secret | None) -> str:
        """A new grant; no two are alike, so that each is counted by itself.

        :param token: one of TOKENS; None for the host's login.
        """
        signer = self._signers[digest(token) if token else b""]
        return str(signer.dumps(secrets.token_urlsafe(9)))

    def standing(self, given: Secret) -> Standing:
        """Whether it is a grant of ours, and still good."""
        if not _SPELLED.fullmatch(given.reveal()):
            return "unknown"
        for signer in self._signers.values():
            try:
                _, made = signer.loads(given.reveal(), return_timestamp=True)
            except BadData:
                continue
            return "good" if -CLOCK_LEEWAY_S <= time.time() - made.timestamp() <= GRANT_LIFETIME_S else "expired"
        return "unknown"


def bearer_credential() -> Secret | None:
    """What came with the current request as ``Authorization: Bearer``, whatever it is."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return Secret(value.strip()) if scheme.lower() == "bearer" and value.strip() else None


def is_one_of(given: Secret, tokens: Iterable[Secret]) -> bool:
    """Whether it is one of these; digests of all are compared, so that the time tells neither length nor place."""
    asked = digest(given)
    return sum(hmac.compare_digest(asked, digest(token)) for token in tokens) > 0


def digest(secret: Secret) -> bytes:
    """What may be kept and compared instead of the text itself."""
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogateescape")).digest()


def _signer(signing: tuple[str, ...], maker: bytes) -> URLSafeTimedSerializer:
    """The library signs with the last secret, and wants the older ones before it."""
    return URLSafeTimedSerializer(
        list(reversed(signing)),
        salt=SALT + maker,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def _signing(settings: Settings) -> tuple[str, ...]:
    """A cache in memory has a secret for each process, but a grant has to open the next one as well."""
    if settings.secret or not scheme_of(settings.cache).private:
        return signing_secrets(settings.secret, settings.cache)
    try:
        return signing_secrets(settings.secret, "")
    except ConfigurationError as error:
        raise ConfigurationError(error.message, hint="Grants are signed: set EMBEDKIT_SECRET.") from None


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="embedkit"'}
EXPIRED = {"WWW-Authenticate": 'Bearer realm="embedkit", error="invalid_token"'}  # RFC 6750, section 3.1
SEND = "in the header Authorization: Bearer."
HOST = "The login of this site does not allow it."
NOTHING = "There is nothing at this URL."
ELSE = "Everything else works as before: embeds, oEmbed, rendering, frames."


def authorize(context: AppContext, access: Access, grant: Secret | None = None) -> Secret | None:
    """Check that the caller of the current request may do this.

    :param grant: one that a page without JavaScript has in its URL; a token opens nothing there.
    :returns: the token or grant that opened, to count its calls by; None where none did.
    :raises Refused: saying what is missing.
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
    standing = context.grants.standing(given) if given else "unknown"
    if standing == "good":
        return given
    if context.authorize is not None and context.authorize("search"):
        return None
    if standing == "expired":
        says = "This grant is more than eight hours old. Make a new one with POST /v1/grants."
        raise Refused("token-required", says, headers=EXPIRED)
    if context.authorize is not None:
        raise Refused("forbidden", HOST)
    return _one_of(context.settings.tokens, _how_to_search(context))


def _by_token(context: AppContext, access: Access) -> Secret | None:
    if context.authorize is not None:
        _ask(context.authorize, access)
        return None
    tokens, how = context.settings.tokens, f"Grants are made for holders of a token: send it {SEND}"
    if access == "purge":
        tokens, how = context.settings.admin_token, f"Send the token {SEND}"
    if not tokens:
        raise Refused("no-route", NOTHING)  # as if the URL did not exist
    return _one_of(tokens, how)


def _metrics(context: AppContext) -> None:
    """A token opens this beside the host's login, too: Prometheus can't log in anywhere."""
    if context.settings.metrics != "token":
        return  # open to all, or off: then the view answers that there is nothing
    if context.authorize is not None and bearer_credential() is None:
        _ask(context.authorize, "metrics")
    else:
        _one_of((*context.settings.admin_token, *context.settings.tokens), f"Send a token {SEND}")


def _need_key(context: AppContext) -> None:
    """Without a key there is nothing to guard, and what to set first is the more useful answer."""
    if context.kit.settings.frozen:
        raise Refused("not-configured", f"Search asks the network, and EMBEDKIT_FROZEN is set. Unset it. {ELSE}")
    if not context.kit.settings.api_key:
        says = "Search needs a key of the Getty Images API, and this service has none. Set EMBEDKIT_API_KEY."
        raise Refused("not-configured", f"{says} {ELSE}")


def _how_to_search(context: AppContext) -> str:
    if context.settings.tokens:
        return f"Search is for holders of a token or a grant: send it {SEND}"
    return (
        "Search is for holders of a token, and this service has none. Set EMBEDKIT_TOKENS;"
        " or EMBEDKIT_SEARCH_ACCESS=open where only you can reach the service."
    )


def _one_of(tokens: Iterable[Secret], how: str) -> Secret:
    given = bearer_credential()
    if given is None:
        raise Refused("token-required", how, headers=CHALLENGE)
    if not is_one_of(given, tokens):
        raise Refused("forbidden", "This token doesn't grant access to this URL.")
    return given


def _ask(authorize: Authorize, action: Access) -> None:
    if not authorize(action):
        raise Refused("forbidden", HOST)


def grant(context: AppContext) -> Response:
    made = context.grants.make(g.embedkit_credential)
    return as_json(GrantAnswer(made, GRANT_LIFETIME_S), status=201)


ROUTES = (
    Route(
        "/v1/grants",
        grant,
        "A grant for a browser, from a token",
        {201: Answer("The grant: it reads (search, images, countries), and ends after eight hours.", GrantAnswer)},
        method="POST",
        access="grant",
        group="Search",
    ),
)

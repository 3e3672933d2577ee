"""What a caller shows in the header Authorization: a token of the settings, or a grant made from one.

Browsers never hold a token. A CMS's server trades it for a grant, which reads, and ends after eight hours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from flask import request
from itsdangerous import BadData, URLSafeTimedSerializer

from embedkit.cache.secret import PRIVATE, signing_secrets
from embedkit.errors import ConfigurationError
from embedkit.settings import Secret, Settings

LIFETIME = 8 * 3600  # seconds: an editor's day
LEEWAY = 60  # seconds by which the clocks of two machines that share a secret may differ
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
            return "good" if -LEEWAY <= time.time() - made.timestamp() <= LIFETIME else "expired"
        return "unknown"


def presented() -> Secret | None:
    """What came with the current request as ``Authorization: Bearer``, whatever it is."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return Secret(value.strip()) if scheme.lower() == "bearer" and value.strip() else None


def known(given: Secret, tokens: Iterable[Secret]) -> bool:
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
    if settings.secret or not settings.cache.startswith(PRIVATE):
        return signing_secrets(settings)
    try:
        return signing_secrets(replace(settings, cache=""))
    except ConfigurationError as error:
        raise ConfigurationError(error.message, hint="Grants are signed: set the setting SECRET.") from None

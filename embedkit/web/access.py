"""Who may do what: a bearer token, or the host's own login."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from flask import request

from embedkit.settings import Secret
from embedkit.web.problems import Refused
from embedkit.web.service import Service

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="embedkit"'}


def require_admin(service: Service, action: str) -> None:
    """Let an administrator pass.

    :raises Refused: otherwise; where no ADMIN_TOKEN is set, as if the address did not exist.
    """
    if service.authorize is not None:
        _ask_host(service, action)
        return
    if not service.settings.admin_token:
        raise Refused("no-route", "There is nothing at this address.")
    require_token(service.settings.admin_token)


def require_token(tokens: Iterable[Secret]) -> None:
    """Let a holder of one of these tokens pass.

    :raises Refused: without one, and with a wrong one.
    """
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        detail = "Send the token in the header Authorization: Bearer."
        raise Refused("token-required", detail, headers=CHALLENGE)
    if not _known(given.strip(), tokens):
        raise Refused("forbidden", "This token does not open this.")


def _ask_host(service: Service, action: str) -> None:
    if service.authorize is None or not service.authorize(action):
        raise Refused("forbidden", "The login of this site does not allow it.")


def _known(given: str, tokens: Iterable[Secret]) -> bool:
    """Compared as digests, all of them, so that the time tells neither length nor place."""
    digest = _digest(given)
    return sum(hmac.compare_digest(digest, _digest(token.reveal())) for token in tokens) > 0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()

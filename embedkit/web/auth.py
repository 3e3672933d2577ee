"""Who may do what: a bearer token, a grant, or the host's own login.

search   the key's quota, and Getty's terms, forbid an open door: a token, a grant, or SEARCH_ACCESS=open
grant    a token of TOKENS; a grant opens this no more than it purges
purge    ADMIN_TOKEN
metrics  ADMIN_TOKEN or a token of TOKENS, unless METRICS=open; off by default
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from embedkit.settings import Secret
from embedkit.web.context import Authorize, Service
from embedkit.web.credentials import known, presented
from embedkit.web.errors import Refused

Access = Literal["open", "search", "grant", "purge", "metrics"]  # also what a host's ``authorize`` is asked

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="embedkit"'}
EXPIRED = {"WWW-Authenticate": 'Bearer realm="embedkit", error="invalid_token"'}  # RFC 6750, section 3.1
SEND = "in the header Authorization: Bearer."
HOST = "The login of this site does not allow it."
NOTHING = "There is nothing at this address."
ELSE = "Everything else works as before: embeds, oEmbed, rendering, frames."


def admit(service: Service, access: Access, grant: Secret | None = None) -> Secret | None:
    """Let the caller of the current request pass, or not.

    :param grant: one that a page without JavaScript was given in its address; a token opens nothing there.
    :returns: the token or grant that opened, to count its calls by; None where none did.
    :raises Refused: saying what is missing.
    """
    if access == "search":
        return _search(service, grant or presented())
    if access == "grant":
        return _grant(service)
    if access == "metrics":
        _metrics(service)
    return _purge(service) if access == "purge" else None


def _search(service: Service, given: Secret | None) -> Secret | None:
    _need_key(service)
    if service.authorize is None and service.settings.search_access == "open":
        return None
    standing = service.grants.standing(given) if given else "unknown"
    if standing == "good":
        return given
    if service.authorize is not None and service.authorize("search"):
        return None
    if standing == "expired":
        says = "This grant is more than eight hours old. Make a new one with POST /v1/grants."
        raise Refused("token-required", says, headers=EXPIRED)
    if service.authorize is not None:
        raise Refused("forbidden", HOST)
    return _one_of(service.settings.tokens, _how_to_search(service))


def _grant(service: Service) -> Secret | None:
    if service.authorize is not None:
        _ask(service.authorize, "grant")
        return None
    if not service.settings.tokens:
        raise Refused("no-route", NOTHING)
    return _one_of(service.settings.tokens, f"Grants are made for holders of a token: send it {SEND}")


def _purge(service: Service) -> Secret | None:
    if service.authorize is not None:
        _ask(service.authorize, "purge")
        return None
    if not service.settings.admin_token:
        raise Refused("no-route", NOTHING)  # as if the address did not exist
    return _one_of(service.settings.admin_token, f"Send the token {SEND}")


def _metrics(service: Service) -> None:
    """A token opens this beside the host's login, too: Prometheus cannot log in anywhere."""
    if service.settings.metrics == "off":
        raise Refused("no-route", NOTHING)
    if service.settings.metrics == "open":
        return
    if service.authorize is not None and presented() is None:
        _ask(service.authorize, "metrics")
    else:
        _one_of((*service.settings.admin_token, *service.settings.tokens), f"Send a token {SEND}")


def _need_key(service: Service) -> None:
    """Without a key there is nothing to guard, and what to set first is the more useful answer."""
    if service.kit.settings.frozen:
        raise Refused("not-configured", f"Search asks the network, and FROZEN is set. Unset it. {ELSE}")
    if not service.kit.settings.api_key:
        says = "Search needs a key of the Getty Images API, and this service has none. Set EMBEDKIT_API_KEY."
        raise Refused("not-configured", f"{says} {ELSE}")


def _how_to_search(service: Service) -> str:
    if service.settings.tokens:
        return f"Search is for holders of a token or a grant: send it {SEND}"
    return (
        "Search is for holders of a token, and this service has none. Set EMBEDKIT_TOKENS;"
        " or EMBEDKIT_SEARCH_ACCESS=open where only you can reach the service."
    )


def _one_of(tokens: Iterable[Secret], how: str) -> Secret:
    given = presented()
    if given is None:
        raise Refused("token-required", how, headers=CHALLENGE)
    if not known(given, tokens):
        raise Refused("forbidden", "This token does not open this.")
    return given


def _ask(authorize: Authorize, action: Access) -> None:
    if not authorize(action):
        raise Refused("forbidden", HOST)

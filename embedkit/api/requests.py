"""Requests to the API v3, as far as they are all alike. Who asks is added by whoever sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from embedkit.api.languages import language
from embedkit.api.parameters import Params
from embedkit.errors import UnsupportedReference
from embedkit.getty.urls import asset_ids, excerpt
from embedkit.messages import Request
from embedkit.settings import Settings
from embedkit.validation import shown

MAX_BYTES = 2 * 1024 * 1024  # a page of 100 pictures with all their fields has a few 100 KB
REDIRECTS = 2  # "be prepared to follow redirects" (Getty's documentation); more would be a loop
ENDPOINT = "api"


def hosts(settings: Settings) -> frozenset[str]:
    """Where the API may redirect to, and where downloads may come from."""
    ours = (settings.api_base, *settings.image_origins)
    return frozenset(urlsplit(origin).hostname or "" for origin in ours)


def api_origins(settings: Settings) -> tuple[str, ...]:
    """Where the API's addresses of itself may lead."""
    parts = urlsplit(settings.api_base)
    return "https://api.gettyimages.com", f"{parts.scheme}://{parts.netloc}"


def asking(
    settings: Settings, path: str, params: Params = (), *, speak: str | None = None, country: str | None = None
) -> Request:
    """A question.

    :param path: after API_BASE; whoever makes it has checked what goes into it.
    :param speak: the language of the answer; LOCALE by default.
    :raises ConfigurationError: for a language that is not offered.
    """
    headers = {"Accept": "application/json", "Accept-Language": language(speak, settings)}
    if country:
        headers["GI-Country-Code"] = country
    return Request(
        settings.api_base + path,
        endpoint=ENDPOINT,
        params=params,
        headers=headers,
        max_bytes=MAX_BYTES,
        redirects=REDIRECTS,
        hosts=hosts(settings),
    )


def telling(settings: Settings, method: str, path: str, params: Params = (), *, document: Any = ...) -> Request:
    """An order: it changes something, so it is never sent twice, and never redirected.

    :param document: goes along as JSON, in ASCII; by default nothing does.
    """
    headers = {"Accept": "application/json", "Accept-Language": language(None, settings)}
    if document is not ...:
        headers["Content-Type"] = "application/json"
    return Request(
        settings.api_base + path,
        endpoint=ENDPOINT,
        params=params,
        method=method,
        headers=headers,
        body=None if document is ... else json.dumps(document).encode(),
        max_bytes=MAX_BYTES,
    )


def asset_id(text: str) -> str:
    """One asset id, in lower case.

    :raises UnsupportedReference: for anything else.
    """
    found = asset_ids(text) if isinstance(text, str) else ()
    if len(found) != 1:
        said = excerpt(text if isinstance(text, str) else shown(text))
        raise UnsupportedReference(f"{said!r} is no asset id.", hint="Give the id of one picture.")
    return found[0]


def distinct(ids: Sequence[str]) -> tuple[str, ...]:
    """Asset ids in lower case, each once, in order.

    :param ids: or one id: a text is a sequence of its characters, too, and a digit is an asset id.
    :raises UnsupportedReference: where one of them is none.
    """
    return tuple(dict.fromkeys(map(asset_id, [ids] if isinstance(ids, str) else ids)))

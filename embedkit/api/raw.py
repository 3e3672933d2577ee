"""Calls to the API v3 by path, for everything without a method of its own.

Several programs between here and the API parse the path, and might parse an unusual one differently. So only
unambiguous paths are allowed: letters, digits, ``_``, ``-``, ``,`` and single dots between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal
from urllib.parse import urlsplit

from embedkit.api.decoding import read_any
from embedkit.api.encoding import MAX_TEXT_CHARS, Params, items
from embedkit.api.errors import check
from embedkit.api.requests import ApiSettings, get, write
from embedkit.errors import ConfigurationError
from embedkit.getty.payload import one_line
from embedkit.messages import Request, Response
from embedkit.validation import short_repr

Method = Literal["GET", "PUT", "POST", "DELETE"]

MAX_PATH_CHARS = 500

_PATH = re.compile(r"/v3(?:/[0-9A-Za-z_,-]+(?:\.[0-9A-Za-z_,-]+)*)+/?")
_NAME = re.compile("[0-9A-Za-z_.-]{1,100}")
_ORDER = re.compile("/v3/(downloads|ai/redownloads)(/|$)", re.IGNORECASE)  # Getty's paths are case-insensitive


def request(
    api: ApiSettings,
    method: Method,
    path: str,
    params: Mapping[str, Any] | None = None,
    *,
    document: Any = None,
    language: str | None = None,
) -> Request:
    """Return the request for a path below ``/v3/``. GET requests may be redirected within the API's own origin.

    :raises ConfigurationError: for an invalid path, parameter or body, and for a download.
    """
    checked, pairs = _checked(path), _encoded(params or {})
    if method == "GET":
        return replace(get(api, checked, pairs, language=language), hosts=_own_host(api))
    if _ORDER.match(checked):
        raise ConfigurationError(
            "Every download counts against the customer's agreement, so downloads by path are refused.",
            hint="Use kit.api.downloads.save() or kit.api.downloads.url().",
        )
    try:
        return write(api, method, checked, pairs, **({} if document is None else {"document": document}))
    except (TypeError, ValueError, RecursionError):
        hint = "Pass what json.dumps() takes."
        raise ConfigurationError("The body can't be written as JSON.", hint=hint) from None


def parse(response: Response) -> Any:
    """Return the JSON of a response; None if it is empty.

    :raises ProviderError: for an error status; InvalidResponse if it is not JSON.
    """
    check(response, "resource")
    return read_any(response)


def _checked(path: object) -> str:
    if isinstance(path, str) and len(path) <= MAX_PATH_CHARS and _PATH.fullmatch(path):
        return path
    raise ConfigurationError(
        f"{short_repr(path)} is not a path of the API.",
        hint="Pass one such as /v3/images/74917285, without percent-encoding; pass parameters separately.",
    )


def _own_host(api: ApiSettings) -> frozenset[str]:
    """Return the host to which a redirect may lead: the API's, unless a redirect there could leave its port."""
    base = urlsplit(api.base)
    own = base.scheme == "http" or base.port in (None, 443)
    return frozenset({base.hostname or ""}) if own else frozenset()


def _encoded(params: object) -> Params:
    if not isinstance(params, Mapping):
        raise ConfigurationError(
            f"params can't be {short_repr(params)}.", hint="Pass a mapping, such as a dictionary."
        )
    given = {_name(name): _value(name, value) for name, value in params.items() if value is not None}
    return tuple(sorted((name, text) for name, text in given.items() if text))


def _name(name: object) -> str:
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise ConfigurationError(f"{short_repr(name)} can't be a parameter's name.", hint="Use letters and digits.")


def _value(name: str, value: Any) -> str:
    """Encode a value as searches do: lists are joined by commas."""
    if isinstance(value, str | int | float | date):
        return _text(name, value)
    return ",".join(dict.fromkeys(_text(name, item) for item in items(name, value)))


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    text = value if isinstance(value, str) else short_repr(value) if isinstance(value, int | float) else None
    if text is None or len(text) > MAX_TEXT_CHARS:
        hint = f"Use a text of at most {MAX_TEXT_CHARS} characters, a number, True, False, a date, or a list."
        raise ConfigurationError(f"{name} can't be {short_repr(value)}.", hint=hint)
    return one_line(text, MAX_TEXT_CHARS)

"""Addresses in upstream's answers: kept as they came where they lead to a known place, else dropped."""

from __future__ import annotations

import re
from collections.abc import Container

LONGEST = 2048  # characters

_ADDRESS = re.compile(r"(?:(https?):)?//([0-9a-z.:\[\]-]+)((?:/[0-9A-Za-z._~!$&()*+,;=:@%|/?-]*)?)")


def split(value: object, longest: int = LONGEST) -> tuple[str, str, str] | None:
    """Scheme, host with port, and the rest; nothing that could end an attribute or confuse two parsers."""
    if not isinstance(value, str) or len(value) > longest or not (found := _ADDRESS.fullmatch(value)):
        return None
    return found[1] or "https", found[2], found[3]


def on_origin(value: object, origins: Container[str], longest: int = LONGEST) -> str | None:
    """The address on https, if it is on one of the origins; on http only if that one is."""
    if not (parts := split(value, longest)):
        return None
    scheme, host, path = parts
    for origin in (f"{scheme}://{host}", f"https://{host}"):
        if origin in origins and path:
            return origin + path
    return None


def on_site(value: object, hosts: Container[str]) -> str | None:
    """The address on https, if its host is one of these."""
    if (parts := split(value)) and parts[1] in hosts:
        return f"https://{parts[1]}{parts[2]}"
    return None

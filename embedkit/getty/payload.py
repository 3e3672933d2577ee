"""JSON from upstream, read as RFC 8259 has it and no further."""

from __future__ import annotations

import json
from typing import Any

from embedkit.models import JSON


def decode(body: bytes) -> Any:
    """The value of a body in UTF-8, with or without a byte order mark.

    ``json.loads`` by itself would guess at UTF-16 and UTF-32, take NaN, and let the last of two equal
    names win.

    :raises ValueError: for anything else, nesting and numbers past the interpreter's limits included.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_distinct, parse_constant=_refused)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _distinct(pairs: list[tuple[str, Any]]) -> JSON:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refused(word: str) -> None:
    raise ValueError(f"{word} is not JSON")

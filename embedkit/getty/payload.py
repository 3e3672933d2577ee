"""JSON from upstream, read as RFC 8259 has it and no further."""

from __future__ import annotations

import json
import re
from typing import Any

from embedkit.models import JSON

MAX_JSON = 2 * 1024 * 1024  # bytes that are parsed at all, whoever's transport has let them through

_DIGITS = re.compile(r"[0-9]{1,10}")


def mapping(body: bytes) -> JSON:
    """A JSON object, read strictly; what the Content-Type says does not matter.

    :raises ValueError: for anything else, saying what it is instead.
    """
    if len(body) > MAX_JSON:
        raise ValueError(f"The answer is longer than {MAX_JSON} bytes.")
    try:
        answer = decode(body)
    except ValueError:
        raise ValueError("The answer is no valid JSON.") from None
    if not isinstance(answer, dict):
        raise ValueError("The answer is JSON, but no object.")
    return answer


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


def whole_number(value: object) -> int | None:
    """A number of 0 or more, as a number or as digits: the documentation's sizes are strings."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**10:
        return value
    return None

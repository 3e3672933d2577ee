"""Parameters and bodies of requests, read as the service reads them: what is wrong is refused by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from embedkit.sandbox.services.errors import invalid
from embedkit.sandbox.services.http import Call

MOST_INT32 = 2**31 - 1


def whole(params: Mapping[str, str], name: str, default: int, least: int = 1, most: int = MOST_INT32) -> int:
    """A whole number within limits; ``default`` where nothing was said.

    :raises Refused: 400, in the words of a live answer.
    """
    if not (text := params.get(name, "")):
        return default
    if not re.fullmatch(r"-?[0-9]{1,10}", text, re.ASCII) or abs(int(text)) > MOST_INT32:
        raise invalid(name, f"The value '{text}' is not valid for Int32.")
    if not least <= int(text) <= most:
        raise invalid(name, f"The value '{text}' is not between {least} and {most}.")
    return int(text)


def flag(params: Mapping[str, str], name: str, default: bool) -> bool:
    """True or false, in either case.

    :raises Refused: 400, for anything else.
    """
    text = params.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise invalid(name, f"The value '{params[name]}' is not valid for Boolean.")
    return default if not text else text == "true"


def word(params: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """One of the words that are allowed, in either case; empty where nothing was said.

    :raises Refused: 400, for any other.
    """
    text = params.get(name, "").lower()
    if text and text not in allowed:
        raise invalid(name, f"The value '{params[name]}' is not valid.")
    return text


def json_body(call: Call) -> Any:
    """The body of a request as JSON; None where there is none, or where it is nothing that makes sense."""
    try:
        return json.loads(call.body)
    except (ValueError, RecursionError):
        return None

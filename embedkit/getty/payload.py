"""Strict parsing of upstream responses: JSON, numbers, lines of text, URLs.

JSON is parsed exactly as RFC 8259 defines it. A text becomes one printable line of bounded length and is otherwise
kept raw: a title ``&lt;b&gt;`` stays that way, and a template escapes it once, at the end. A URL is kept unchanged
if it is on a known host, and dropped otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

from embedkit.models import JSON

MAX_JSON_BYTES = 2 * 1024 * 1024  # enforced here too, whatever limit the transport has
MAX_TITLE_CHARS = 300
MAX_CAPTION_CHARS = 2000
MAX_NAME_CHARS = 200  # a photographer, a collection, an agency
MAX_LINK_CHARS = 2048

_DIGITS = re.compile(r"[0-9]{1,10}")
_URL = re.compile(r"(?:(https?):)?//([0-9a-z.:\[\]-]+)((?:/[0-9A-Za-z._~!$&()*+,;=:@%|/?-]*)?)")
# Line breaks of any kind, and the control characters that str.split() treats as whitespace.
_WHITESPACE = re.compile(r"[\t-\r\x1c-\x20\x85\u2028\u2029]+")
# Control characters, the byte order mark, and Unicode's Bidi_Control: an override reverses the text after it,
# including our own words and links (UTR 36 section 3.2; CVE-2021-42574).
_INVISIBLE = re.compile(
    r"[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# NUL, lone surrogates and noncharacters, which HTML, XML or UTF-8 can't represent.
_INVALID = re.compile(
    "[\x00\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def mapping(body: bytes) -> JSON:
    """Parse a JSON object strictly, whatever the Content-Type is.

    :raises ValueError: for anything else; the message says what it is.
    """
    answer = value(body)
    if not isinstance(answer, dict):
        raise ValueError("The response is JSON, but not an object.")
    return answer


def value(body: bytes) -> Any:
    """Parse any JSON value strictly.

    :raises ValueError: for anything else; the message says what it is.
    """
    if len(body) > MAX_JSON_BYTES:
        raise ValueError(f"The response is longer than {MAX_JSON_BYTES} bytes.")
    try:
        return decode(body)
    except ValueError:
        raise ValueError("The response is not valid JSON.") from None


def fields(body: bytes) -> JSON:
    """Return the members of a JSON object; an empty dict for anything else."""
    try:
        return mapping(body)
    except ValueError:
        return {}


def decode(body: bytes) -> Any:
    """Decode JSON in UTF-8, with or without a byte order mark.

    On its own, ``json.loads`` would guess UTF-16 and UTF-32, accept NaN, and let the last of several equal names
    win.

    :raises ValueError: for anything else, including nesting and numbers past the interpreter's limits.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_unique_names, parse_constant=_reject)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique_names(pairs: list[tuple[str, Any]]) -> JSON:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("duplicate name")
    return members


def _reject(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def whole_number(value: object) -> int | None:
    """Return a non-negative integer, given as a number or (as in the documentation) as digits; else None."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**10:
        return value
    return None


def one_line(value: object, max_chars: int) -> str:
    """Return a text as one clean line, truncated if it is too long; empty for anything that is not a string.

    :param max_chars: maximum length in code points, including the ellipsis of a truncated text.
    """
    if not isinstance(value, str):
        return ""
    if not value.isprintable():  # False for line breaks and for every other character that is replaced here
        value = _INVALID.sub("\ufffd", _INVISIBLE.sub("", value))
    folded = _WHITESPACE.sub(" ", value).strip()
    return folded if len(folded) <= max_chars else folded[: max_chars - 1].rstrip() + "…"


def _split(value: object, max_chars: int) -> tuple[str, str, str] | None:
    """Return scheme, host with port, and the rest of a URL that can't end an attribute or confuse a parser."""
    if not isinstance(value, str) or len(value) > max_chars or not (found := _URL.fullmatch(value)):
        return None
    return found[1] or "https", found[2], found[3]


def url_on_origin(value: object, origins: Container[str], max_chars: int = MAX_LINK_CHARS) -> str | None:
    """Return the URL if its origin is listed. An http URL becomes https, unless its http origin is listed."""
    if not (parts := _split(value, max_chars)):
        return None
    scheme, host, path = parts
    for origin in (f"{scheme}://{host}", f"https://{host}"):
        if origin in origins and path:
            return origin + path
    return None


def url_on_site(value: object, hosts: Container[str]) -> str | None:
    """Return the URL with https if it is on one of the hosts, else None."""
    if (parts := _split(value, MAX_LINK_CHARS)) and parts[1] in hosts:
        return f"https://{parts[1]}{parts[2]}"
    return None

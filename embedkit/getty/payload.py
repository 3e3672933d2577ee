"""What services upstream answer, read strictly: JSON, numbers, lines of text, URLs.

JSON is read as RFC 8259 has it and no further. A text becomes one line, printable and bounded; it stays raw: a
title that says ``&lt;b&gt;`` keeps saying so, and a template escapes it once, at the end. A URL is kept as it came
where it leads to a known place, and is dropped where it does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

from embedkit.models import JSON

MAX_JSON_BYTES = 2 * 1024 * 1024  # bytes that are parsed at all, whoever's transport has let them through
MAX_TITLE_CHARS = 300
MAX_CAPTION_CHARS = 2000
MAX_NAME_CHARS = 200  # a photographer, a collection, an agency
MAX_LINK_CHARS = 2048

_DIGITS = re.compile(r"[0-9]{1,10}")
_LINK = re.compile(r"(?:(https?):)?//([0-9a-z.:\[\]-]+)((?:/[0-9A-Za-z._~!$&()*+,;=:@%|/?-]*)?)")
# Line breaks of any kind, and the control characters that str.split() counts as blank.
_BLANK = re.compile(r"[\t-\r\x1c-\x20\x85\u2028\u2029]+")
# Controls, the byte order mark, and Unicode's Bidi_Control: an override turns what follows around, our
# own words and links included (UTR 36 section 3.2; CVE-2021-42574).
_UNSEEN = re.compile(r"[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# NUL, surrogates without a partner and noncharacters: no HTML, no XML, or no UTF-8 can hold them.
_BROKEN = re.compile(
    "[\x00\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def mapping(body: bytes) -> JSON:
    """A JSON object, read strictly; what the Content-Type says does not matter.

    :raises ValueError: for anything else, saying what it is instead.
    """
    answer = value(body)
    if not isinstance(answer, dict):
        raise ValueError("The answer is JSON, but not an object.")
    return answer


def value(body: bytes) -> Any:
    """JSON of any kind, read strictly.

    :raises ValueError: for anything else, saying what it is instead.
    """
    if len(body) > MAX_JSON_BYTES:
        raise ValueError(f"The answer is longer than {MAX_JSON_BYTES} bytes.")
    try:
        return decode(body)
    except ValueError:
        raise ValueError("The answer is not valid JSON.") from None


def fields(body: bytes) -> JSON:
    """The fields of a JSON object; none of what is anything else."""
    try:
        return mapping(body)
    except ValueError:
        return {}


def decode(body: bytes) -> Any:
    """The value of a body in UTF-8, with or without a byte order mark.

    ``json.loads`` by itself would guess at UTF-16 and UTF-32, take NaN, and let the last of two equal
    names win.

    :raises ValueError: for anything else, nesting and numbers past the interpreter's limits included.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_unique_names, parse_constant=_reject)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _unique_names(pairs: list[tuple[str, Any]]) -> JSON:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _reject(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def whole_number(value: object) -> int | None:
    """A number of 0 or more, as a number or as digits: the documentation's sizes are strings."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**10:
        return value
    return None


def one_line(value: object, max_chars: int) -> str:
    """A text as one clean line, cut where it is too long; empty for anything that is not a string.

    :param max_chars: the most characters (code points) it may have, the ellipsis of a cut included.
    """
    if not isinstance(value, str):
        return ""
    if not value.isprintable():  # false for a line break, and for everything else that is looked for here
        value = _BROKEN.sub("\ufffd", _UNSEEN.sub("", value))
    folded = _BLANK.sub(" ", value).strip()
    return folded if len(folded) <= max_chars else folded[: max_chars - 1].rstrip() + "…"


def _split(value: object, max_chars: int) -> tuple[str, str, str] | None:
    """Scheme, host with port, and the rest; nothing that could end an attribute or confuse two parsers."""
    if not isinstance(value, str) or len(value) > max_chars or not (found := _LINK.fullmatch(value)):
        return None
    return found[1] or "https", found[2], found[3]


def url_on_origin(value: object, origins: Container[str], max_chars: int = MAX_LINK_CHARS) -> str | None:
    """The URL on https, if it is on one of the origins; on http only if that one is."""
    if not (parts := _split(value, max_chars)):
        return None
    scheme, host, path = parts
    for origin in (f"{scheme}://{host}", f"https://{host}"):
        if origin in origins and path:
            return origin + path
    return None


def url_on_site(value: object, hosts: Container[str]) -> str | None:
    """The URL on https, if its host is one of these."""
    if (parts := _split(value, MAX_LINK_CHARS)) and parts[1] in hosts:
        return f"https://{parts[1]}{parts[2]}"
    return None

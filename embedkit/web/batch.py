"""The body of a batch, taken apart so that whatever is wrong with one reference stays its own affair.

A parser of JSON takes or refuses a body as a whole, and would refuse a hundred references for one that is nested
too deep, holds half a character (a lone surrogate) or a number that nobody has. So the items are cut out first, by
the few tokens that JSON has (RFC 8259), and each is read by itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import msgspec

from embedkit.errors import UnsupportedReference
from embedkit.web import request
from embedkit.web.errors import Refused
from embedkit.web.schemas import LONGEST, BatchItem, BatchRequest

MAX_SHOWN_CHARS = 80  # of what was no reference
ITEMS = b"refs"

# Strings, brackets, commas and colons; between them what is of no concern here. A string that does not end goes to
# the end of the body, or every quote in it would be tried anew.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One reference of a batch: as it was written, for the answer; and what it means, or what is wrong with it."""

    written: str
    value: str | BatchItem | UnsupportedReference | Refused


def body() -> tuple[BatchRequest, list[Item]]:
    """The body of a batch, and its items, each with what is wrong with it.

    :raises Refused: as :func:`reading.body`, for what is wrong with the whole.
    """
    data, items = cut(_utf8(request.json_bytes()))
    asked = request.decoded(data, BatchRequest)
    if not all(type(number) is int and 0 <= number < len(items) for number in asked.refs):
        raise Refused("invalid-request", "refs: write the name plainly, without escapes.")
    return asked, [read(items[number]) for number in asked.refs]


def _utf8(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Refused("invalid-request", "The body is not encoded in UTF-8.") from None
    return data


def cut(body: bytes) -> tuple[bytes, list[bytes]]:
    """The body with a number in place of each item of ``refs``, and the items."""
    spans = list(_spans(body))
    items = [body[start:end] for start, end in spans]
    pieces, last = [], 0
    for number, (start, end) in enumerate(spans):
        pieces += [
            body[last:start],
            b" %d " % number,
            b"\n" * body.count(b"\n", start, end),
        ]  # lines keep their number
        last = end
    return b"".join([*pieces, body[last:]]), items


def _spans(body: bytes) -> list[tuple[int, int]]:
    """Where the items of the list ``refs`` at the top begin and end, without white space around them."""
    found: list[tuple[int, int]] = []
    opened: list[bytes] = []
    key, inside, start = b"", False, 0
    for token in _TOKEN.finditer(body):
        sign = token[0]
        if sign in b"[{":
            opened.append(sign)
            if len(opened) == 2 and sign == b"[" and opened[0] == b"{" and key == ITEMS:
                inside, start = True, token.end()
        elif sign in b"]}" or sign == b",":
            if inside and len(opened) == 2:
                found += _trimmed(body, start, token.start())
                start = token.end()
                inside = sign == b","
            if sign != b"," and opened:
                opened.pop()
        elif len(opened) == 1 and sign != b":":
            key = sign[1:-1]
    return found


def _trimmed(body: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """The same without white space; nothing where there is nothing else."""
    text = body[start:end]
    left = start + len(text) - len(text.lstrip(b" \t\r\n"))
    return [(left, left + len(text.strip(b" \t\r\n")))] if text.strip(b" \t\r\n") else []


def read(raw: bytes) -> Item:
    """One item."""
    try:
        value = msgspec.json.decode(raw, type=str | BatchItem)
    except msgspec.ValidationError as error:
        return Item(_written(raw), Refused("invalid-request", request.advice(error, BatchItem)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Item(_written(raw), Refused("invalid-request", "This is not a reference, or not valid JSON."))
    written = value if isinstance(value, str) else value.ref
    if len(written) > LONGEST:
        too_long = UnsupportedReference(f"{len(written)} characters are not a reference.")
        return Item(f"{written[:MAX_SHOWN_CHARS]}…", too_long)
    return Item(written, value)


def _written(raw: bytes) -> str:
    """What was written, as far as it can be shown: the text of a string or of ``ref``, else the JSON itself."""
    shown = raw.decode("utf-8", "replace")
    try:
        said = json.loads(shown) if len(shown) <= LONGEST else shown
    except (ValueError, RecursionError):
        said = shown
    ref = said.get("ref") if isinstance(said, dict) else said
    text = _SURROGATE.sub("\ufffd", ref if isinstance(ref, str) else shown)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"

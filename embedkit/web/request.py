"""Parses the queries and bodies of requests into values, and rejects invalid ones with advice.

A JSON parser accepts or rejects a body as a whole. It would reject a batch of a hundred references because one of
them is nested too deeply, or contains a lone surrogate or a number out of range. So the items of a batch are first
cut out, using the few tokens of JSON (RFC 8259), and then parsed one by one.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import quote, urlencode

import msgspec
from flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from embedkit.api.requests import DEFAULT_LANGUAGE, nearest_language
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.models import TLDS, Options
from embedkit.settings import Settings
from embedkit.targets import Target
from embedkit.validation import bounded
from embedkit.web.errors import Refused
from embedkit.web.schemas import MAX_REFERENCE_CHARS, BatchItem, BatchRequest, EmbedQuery, FrameQuery, OEmbedQuery

MAX_NAME_CHARS = 40  # of an unknown parameter, in messages

CAPTION_FLAGS: Mapping[Any, bool] = {"true": True, "false": False}

T = TypeVar("T", bound=msgspec.Struct)
DisplayParams = EmbedQuery | OEmbedQuery | FrameQuery | BatchItem
KINDS = {
    "int": "a whole number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def read_query(kind: type[T], params: Mapping[str, Any] | None = None) -> T:
    """Parse the query string. The first value of a repeated parameter is used; empty values are ignored.

    Unknown parameters are also ignored, unless ``kind`` forbids them: oEmbed consumers send their own.
    A list is comma-separated, or its parameter is repeated, as forms do.

    :param params: parameters to parse instead of the request's.
    :raises Refused: for an invalid value.
    """
    if kind.__struct_config__.forbid_unknown_fields:
        _check_names(kind)
    several = _lists(kind)
    if params is None:
        params = {name: _items(name) if name in several else value for name, value in request.args.items()}
    params = {name: value for name, value in params.items() if value}
    try:
        found = msgspec.convert(params, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("invalid-request", re.sub(r"^(\w+)\[[0-9]+\]", r"\1", advice(error, kind))) from None
    unread = [name for name in kind.__struct_fields__ if name in params and getattr(found, name) is None]
    if unread:  # msgspec reads "null" as None
        raise Refused("invalid-request", f'{unread[0]}: "null" is not one of its values.')
    return found


# Parameters of the library's search that this API doesn't have.
LIBRARY_PARAMS = {
    "phrase": "Did you mean q?",
    "language": "Did you mean lang?",
    "fields": "A response always has the same fields.",
}


def _check_names(kind: type[msgspec.Struct]) -> None:
    """Reject unknown parameters: ignoring a misspelled filter would return everything."""
    names = kind.__struct_fields__
    for name in request.args:
        if name not in names:
            hint = LIBRARY_PARAMS.get(name) or _meant_name(name, names)
            raise Refused("invalid-request", f"Unknown parameter {name[:MAX_NAME_CHARS]!r}. {hint}")


def _meant_name(name: str, names: Sequence[str]) -> str:
    """Suggest a parameter that starts with the name, is spelled similarly, or contains it; else list them all."""
    from difflib import get_close_matches

    word = name[:MAX_NAME_CHARS].lower().replace("-", "_")
    longer = [one for one in names if len(word) > 2 and word in one]
    nearest = [one for one in longer if one.startswith(word)] or get_close_matches(word, names, 1) or longer
    return f"Did you mean {nearest[0]}?" if nearest else f"Use one of {', '.join(names)}."


def page_url(page: int) -> str:
    """Return the relative URL of another page of the current query; the service might not know its own URL."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name != "page"]
    return f"?{urlencode([*kept, ('page', str(page))], quote_via=quote, safe=',')}"


def read_language(params: str | None, settings: Settings) -> str:
    """Return the language to request from Getty: the query's, else the browser's preference, else LOCALE's.

    Languages that Getty doesn't support are skipped, since a picker can have more.
    """
    offered = filter(None, map(nearest_language, preferred_languages(params)))
    return next(offered, None) or nearest_language(settings.locale) or DEFAULT_LANGUAGE


def preferred_languages(params: str | None) -> list[str]:
    """Return the preferred languages, best first: the query's, or the browser's."""
    return [params] if params else [tag for tag, quality in request.accept_languages if quality > 0]


def prefers_html() -> bool:
    """Return whether the client prefers HTML, as browsers do; a client that accepts anything gets JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def read_body(kind: type[T]) -> T:
    """Parse the JSON body.

    :raises Refused: if it is too large, not JSON, or invalid.
    """
    return decode(read_json(), kind)


def read_json() -> bytes:
    """Return the body, which must have a JSON content type, without a byte order mark (RFC 8259, section 8.1).

    :raises Refused: if it is too large, has another type, or doesn't arrive in full.
    """
    if not re.fullmatch(r"application/([\w.-]+\+)?json", request.mimetype):
        detail = "The body must be JSON. Send it with the header Content-Type: application/json."
        raise Refused("invalid-request", detail, status=415)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        detail = "The body must not be compressed. Send it without the header Content-Encoding."
        raise Refused("invalid-request", detail, status=415, headers={"Accept-Encoding": "identity"})
    try:
        return request.get_data(cache=False).removeprefix(BOM_UTF8)
    except RequestEntityTooLarge:
        limit = (request.max_content_length or 0) // 1024
        raise Refused("too-large", f"The body is larger than {limit} KiB. Send it in parts.") from None
    except HTTPException:
        raise
    except Exception:  # the server's own exceptions, such as gunicorn's for invalid chunks
        raise Refused("invalid-request", "The body is incomplete, or is not valid HTTP.") from None


def decode(data: bytes, kind: type[T]) -> T:
    """Parse a value from JSON.

    :raises Refused: if it is not JSON, or invalid.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        return _with_whole_numbers(data, kind, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("invalid-request", _broken(error, data)) from None


def _with_whole_numbers(data: bytes, kind: type[T], error: msgspec.ValidationError) -> T:
    """Parse again with 300.0 as 300, which is valid (JSON Schema, section 6.1.1) but which msgspec rejects."""
    try:
        return msgspec.convert(_whole(msgspec.json.decode(data)), kind)
    except (msgspec.DecodeError, RecursionError):  # a ValidationError is a DecodeError
        raise Refused("invalid-request", advice(error, kind)) from None


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_options(params: DisplayParams, target: Target | None = None) -> Options:
    """Return the display options of a query, or of an item of a batch.

    :raises Refused: for a tld without a Getty Images site.
    """
    if params.tld is not None and params.tld not in TLDS:
        raise Refused("invalid-request", f"tld: not a Getty Images site. Use one of {', '.join(TLDS)}.")
    wanted = Options(
        max_width=params.maxwidth,
        max_height=params.maxheight,
        caption=CAPTION_FLAGS.get(params.caption, params.caption),
        title=getattr(params, "title", None),
        align=getattr(params, "align", None),
        tld=params.tld,
        target=getattr(params, "target", None) or target,
    )
    return bounded(wanted)


@cache
def _lists(kind: type) -> frozenset[str]:
    """Return the names of the list fields."""
    hints = get_type_hints(kind).items()
    return frozenset(name for name, hint in hints if any(get_origin(one) is list for one in _parts(hint)))


def _parts(hint: Any) -> Iterator[Any]:
    """Yield a type and the types it consists of."""
    yield hint
    if get_origin(hint) is not Literal:
        for part in get_args(hint):
            yield from _parts(part)


def _items(name: str) -> list[str]:
    return [item.strip() for value in request.args.getlist(name) for item in value.split(",") if item.strip()]


def _broken(error: Exception, data: bytes) -> str:
    """Describe what is wrong with a body that is not JSON, with the line."""
    if isinstance(error, UnicodeDecodeError):
        return "The body is not encoded in UTF-8."
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    where = re.search(r"\(byte ([0-9]+)\)", str(error))
    line = data.count(b"\n", 0, int(where[1])) + 1 if where else data.count(b"\n") + 1
    what = re.sub(r"\s*\(byte.*|^JSON is malformed: ", "", str(error)).lower()
    return f"The body is not valid JSON: {what}, on line {line}."


def advice(error: msgspec.ValidationError, kind: type) -> str:
    """Rephrase msgspec's message in plain words: the location first, and the allowed values."""
    what, _, where = str(error).partition(" - at `$.")
    where = where.rstrip("`")
    what = re.sub(r"`([a-z| ]+)`", _in_plain_words, what)
    what = re.sub(r"^Object contains", "it contains", what)
    what = re.sub(r'^Object missing required field (".+")', r"\1 is missing", what)
    what = what.replace("Invalid enum value", "invalid value")
    message = f"{where}: {what[0].lower()}{what[1:]}." if where else f"{what[0].upper()}{what[1:]}."
    if values := _allowed_values(kind, where):
        return f"{message} Use one of {', '.join(values)}."
    return f"{message}{_description(kind, what)}"


def _description(kind: type, what: str) -> str:
    """Describe the field that is missing."""
    name = what.partition('"')[2].partition('"')[0] if what.endswith("is missing") else ""
    hint = get_type_hints(kind, include_extras=True).get(name)
    text = next((one.description for one in get_args(hint) if isinstance(one, msgspec.Meta)), None)
    return f" It is {text[0].lower()}{text[1:]}." if text else ""


def _in_plain_words(found: re.Match[str]) -> str:
    names = [name for name in found[1].split(" | ") if name != "null"]
    if any(name not in KINDS for name in names):
        return f'"{found[1]}"'
    return " or ".join(KINDS[name] for name in names) or "null"


def _allowed_values(kind: type, where: str) -> list[str]:
    """Return the values allowed in a field, or a field of an item; empty if it isn't an enumeration."""
    hints = {**get_type_hints(BatchItem), **get_type_hints(kind)}
    hint = hints.get(re.sub(r"\[[0-9]+\]$", "", where.rpartition(".")[2]))
    return [str(word) for part in _parts(hint) if get_origin(part) is Literal for word in get_args(part)]


MAX_SHOWN_CHARS = 80  # of an invalid reference, in messages
ITEMS = b"refs"

# Strings, brackets, commas and colons; everything else is skipped. An unterminated string extends to the end of
# the body; otherwise every quote in it would start another attempt.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Item:
    """A reference in a batch: as it was sent, for the response, and its value or error."""

    written: str
    value: BatchItem | EmbedKitError


def read_batch() -> tuple[BatchRequest, list[Item]]:
    """Return the body of a batch, and its items, each with its value or error.

    :raises Refused: like :func:`read_body`, if the body as a whole is invalid.
    """
    data = read_json()
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Refused("invalid-request", _broken(error, data)) from None
    data, items = cut_items(data)
    params = decode(data, BatchRequest)
    if not all(type(number) is int and 0 <= number < len(items) for number in params.refs):
        raise Refused("invalid-request", 'Write the name "refs" without escape sequences.')
    return params, [read_item(items[number]) for number in params.refs]


def cut_items(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return the body with each item of ``refs`` replaced by its number, and the items."""
    spans = list(_spans(body))
    items = [body[start:end] for start, end in spans]
    pieces, last = [], 0
    for number, (start, end) in enumerate(spans):
        breaks = b"\n" * body.count(b"\n", start, end)  # so that line numbers stay the same
        pieces += [body[last:start], b" %d " % number, breaks]
        last = end
    return b"".join([*pieces, body[last:]]), items


def _spans(body: bytes) -> list[tuple[int, int]]:
    """Return the start and end of each item of the top-level ``refs``, without surrounding whitespace."""
    found: list[tuple[int, int]] = []
    opened: list[bytes] = []
    key, inside, start = b"", False, 0
    for match in _TOKEN.finditer(body):
        token = match[0]
        if token in b"[{":
            opened.append(token)
            if len(opened) == 2 and token == b"[" and opened[0] == b"{" and key == ITEMS:
                inside, start = True, match.end()
        elif token in b"]}" or token == b",":
            if inside and len(opened) == 2:
                found += _trimmed(body, start, match.start())
                start = match.end()
                inside = token == b","
            if token != b"," and opened:
                opened.pop()
        elif len(opened) == 1 and token != b":":
            key = token[1:-1]
    return found


def _trimmed(body: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Return a span without surrounding whitespace, as a list, which is empty if the span is blank."""
    text = body[start:end]
    left = start + len(text) - len(text.lstrip(b" \t\r\n"))
    return [(left, left + len(text.strip(b" \t\r\n")))] if text.strip(b" \t\r\n") else []


def read_item(raw: bytes) -> Item:
    """Parse one item of a batch."""
    try:
        found = msgspec.json.decode(raw, type=str | int | BatchItem)
    except msgspec.ValidationError as error:
        return Item(_written(raw), Refused("invalid-request", advice(error, BatchItem)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Item(_written(raw), Refused("invalid-request", "Not a reference, or not valid JSON."))
    value = found if isinstance(found, BatchItem) else BatchItem(ref=str(found))
    written = str(value.ref)
    if len(written) > MAX_REFERENCE_CHARS:
        too_long = UnsupportedReference(f"A reference of {len(written)} characters is too long.")
        return Item(f"{written[:MAX_SHOWN_CHARS]}…", too_long)
    return Item(written, value)


def _written(raw: bytes) -> str:
    """Return an invalid item for display: the text of a string or of ``ref``, else the JSON itself."""
    shown = raw.decode("utf-8", "replace")
    try:
        params = json.loads(shown) if len(shown) <= MAX_REFERENCE_CHARS else shown
    except (ValueError, RecursionError):
        params = shown
    ref = params.get("ref") if isinstance(params, dict) else params
    text = _SURROGATE.sub("\ufffd", ref if isinstance(ref, str) else shown)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"

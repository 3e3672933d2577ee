"""Queries and bodies of requests, parsed once into values; what does not fit is refused with advice.

A parser of JSON takes or refuses a body as a whole, and would refuse a batch of a hundred references for one that
is nested too deep, holds half a character (a lone surrogate) or a number that nobody has. So the items of a batch
are cut out first, by the few tokens that JSON has (RFC 8259), and each is read by itself.
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

MAX_NAME_CHARS = 40  # of a parameter that there is not

WRITTEN: Mapping[Any, bool] = {"true": True, "false": False}  # of a caption

T = TypeVar("T", bound=msgspec.Struct)
DisplayParams = EmbedQuery | OEmbedQuery | FrameQuery | BatchItem
KINDS = {
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def read_query(kind: type[T], params: Mapping[str, Any] | None = None) -> T:
    """The query string; the first of equal names counts, empty ones are ignored.

    So are unknown ones, unless the kind forbids them: consumers of oEmbed send names of their own.
    A list is joined by commas, or its name stands there for each item, as forms send it.

    :param params: those of another query than the request's.
    :raises Refused: for a value that does not fit.
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
    if unread:  # msgspec takes the text for None
        raise Refused("invalid-request", f'{unread[0]}: "null" is not one of its values.')
    return found


# What the library's search takes, and ours does not.
OTHER_WORDS = {
    "phrase": "Did you mean q?",
    "language": "Did you mean lang?",
    "fields": "An answer has the same fields always.",
}


def _check_names(kind: type[msgspec.Struct]) -> None:
    """Refuse what the query does not know: a filter that is ignored finds everything."""
    names = kind.__struct_fields__
    for name in request.args:
        if name not in names:
            hint = OTHER_WORDS.get(name) or _meant_name(name, names)
            raise Refused("invalid-request", f"There is no parameter {name[:MAX_NAME_CHARS]!r}. {hint}")


def _meant_name(name: str, names: Sequence[str]) -> str:
    """The name that was meant: one that begins so, is spelled alike, or has the word in it; else all of them."""
    from difflib import get_close_matches

    word = name[:MAX_NAME_CHARS].lower().replace("-", "_")
    longer = [one for one in names if len(word) > 2 and word in one]
    nearest = [one for one in longer if one.startswith(word)] or get_close_matches(word, names, 1) or longer
    return f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(names)}."


def page_url(page: int) -> str:
    """The current query for another page; relative, since the service may not know its own URL."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name != "page"]
    return f"?{urlencode([*kept, ('page', str(page))], quote_via=quote, safe=',')}"


def read_language(params: str | None, settings: Settings) -> str:
    """The language to ask Getty in: that of the query, else what the browser prefers, else that of LOCALE.

    One that Getty does not offer counts as none, as Getty itself has it: a picker may speak more languages.
    """
    offered = filter(None, map(nearest_language, preferred_languages(params)))
    return next(offered, None) or nearest_language(settings.locale) or DEFAULT_LANGUAGE


def preferred_languages(params: str | None) -> list[str]:
    """The languages that a reader wants, the best one first: that of the query, or what the browser prefers."""
    return [params] if params else [tag for tag, quality in request.accept_languages if quality > 0]


def prefers_html() -> bool:
    """Whether the client would rather have a page: browsers say so; who takes anything gets JSON."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def read_body(kind: type[T]) -> T:
    """The JSON body.

    :raises Refused: where it is too large, not JSON, or does not fit.
    """
    return decode(read_json(), kind)


def read_json() -> bytes:
    """The body, which says that it is JSON; without a byte order mark (RFC 8259, section 8.1).

    :raises Refused: where it is too large, says something else, or does not arrive whole.
    """
    if not re.fullmatch(r"application/([\w.-]+\+)?json", request.mimetype):
        detail = "The body must be JSON: send it with the header Content-Type: application/json."
        raise Refused("invalid-request", detail, status=415)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        detail = "The body must not be compressed: send it without the header Content-Encoding."
        raise Refused("invalid-request", detail, status=415, headers={"Accept-Encoding": "identity"})
    try:
        return request.get_data(cache=False).removeprefix(BOM_UTF8)
    except RequestEntityTooLarge:
        limit = (request.max_content_length or 0) // 1024
        raise Refused("too-large", f"The body may have {limit} KiB. Send it in parts.") from None
    except HTTPException:
        raise
    except Exception:  # of the server's own kinds: gunicorn has some for chunks that are none
        raise Refused("invalid-request", "The body did not arrive whole, or not as HTTP has it.") from None


def decode(data: bytes, kind: type[T]) -> T:
    """A value from JSON.

    :raises Refused: where it is not JSON, or does not fit.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        return _with_whole_numbers(data, kind, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("invalid-request", _broken(error, data)) from None


def _with_whole_numbers(data: bytes, kind: type[T], error: msgspec.ValidationError) -> T:
    """Once more with 300.0 as 300, which it is (JSON Schema, 6.1.1), and which msgspec refuses."""
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
    """What a query, or an item of a batch, says about showing.

    :raises Refused: for a tld that Getty has no site for.
    """
    if params.tld is not None and params.tld not in TLDS:
        raise Refused("invalid-request", f"tld: there is no Getty site for it. Use one of {', '.join(TLDS)}.")
    wanted = Options(
        max_width=params.maxwidth,
        max_height=params.maxheight,
        caption=WRITTEN.get(params.caption, params.caption),
        title=getattr(params, "title", None),
        align=getattr(params, "align", None),
        tld=params.tld,
        target=getattr(params, "target", None) or target,
    )
    return bounded(wanted)


@cache
def _lists(kind: type) -> frozenset[str]:
    """The fields that hold lists."""
    hints = get_type_hints(kind).items()
    return frozenset(name for name, hint in hints if any(get_origin(one) is list for one in _parts(hint)))


def _parts(hint: Any) -> Iterator[Any]:
    """A type, and the types that it is made of."""
    yield hint
    if get_origin(hint) is not Literal:
        for part in get_args(hint):
            yield from _parts(part)


def _items(name: str) -> list[str]:
    return [item.strip() for value in request.args.getlist(name) for item in value.split(",") if item.strip()]


def _broken(error: Exception, data: bytes) -> str:
    """What is wrong with a body that is not JSON, and on which line."""
    if isinstance(error, UnicodeDecodeError):
        return "The body is not encoded in UTF-8."
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    where = re.search(r"\(byte ([0-9]+)\)", str(error))
    line = data.count(b"\n", 0, int(where[1])) + 1 if where else data.count(b"\n") + 1
    what = re.sub(r"\s*\(byte.*|^JSON is malformed: ", "", str(error)).lower()
    return f"The body is not valid JSON: {what}, in line {line}."


def advice(error: msgspec.ValidationError, kind: type) -> str:
    """msgspec's message in plain words: the place first, and the values that would do."""
    what, _, where = str(error).partition(" - at `$.")
    where = where.rstrip("`")
    what = re.sub(r"`([a-z| ]+)`", _in_words, what)
    what = re.sub(r"^Object contains", "it contains", what)
    what = re.sub(r'^Object missing required field (".+")', r"\1 is missing", what)
    what = what.replace("Invalid enum value", "there is no")
    params = f"{where}: {what[0].lower()}{what[1:]}." if where else f"{what[0].upper()}{what[1:]}."
    if words := _words(kind, where):
        return f"{params} Use one of {', '.join(words)}."
    return f"{params}{_meant(kind, what)}"


def _meant(kind: type, what: str) -> str:
    """What is expected in a field that is missing."""
    name = what.partition('"')[2].partition('"')[0] if what.endswith("is missing") else ""
    hint = get_type_hints(kind, include_extras=True).get(name)
    says = next((one.description for one in get_args(hint) if isinstance(one, msgspec.Meta)), None)
    return f" It holds {says[0].lower()}{says[1:]}." if says else ""


def _in_words(found: re.Match[str]) -> str:
    names = [name for name in found[1].split(" | ") if name != "null"]
    if any(name not in KINDS for name in names):
        return f'"{found[1]}"'
    return " or ".join(KINDS[name] for name in names) or "null"


def _words(kind: type, where: str) -> list[str]:
    """The values that a field, of the whole or of an item in it, allows, where they are a closed list."""
    hints = {**get_type_hints(BatchItem), **get_type_hints(kind)}
    hint = hints.get(re.sub(r"\[[0-9]+\]$", "", where.rpartition(".")[2]))
    return [str(word) for part in _parts(hint) if get_origin(part) is Literal for word in get_args(part)]


MAX_SHOWN_CHARS = 80  # of what is not a reference
ITEMS = b"refs"

# Strings, brackets, commas and colons; between them what is of no concern here. A string that does not end goes to
# the end of the body, or every quote in it would be tried again.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One reference of a batch: as it was written, for the answer; and what it means, or what is wrong with it."""

    written: str
    value: BatchItem | EmbedKitError


def read_batch() -> tuple[BatchRequest, list[Item]]:
    """The body of a batch, and its items, each with what is wrong with it.

    :raises Refused: as :func:`read_body`, for what is wrong with the whole.
    """
    data = read_json()
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Refused("invalid-request", _broken(error, data)) from None
    data, items = cut_items(data)
    params = decode(data, BatchRequest)
    if not all(type(number) is int and 0 <= number < len(items) for number in params.refs):
        raise Refused("invalid-request", "refs: write the name plainly, without escapes.")
    return params, [read_item(items[number]) for number in params.refs]


def cut_items(body: bytes) -> tuple[bytes, list[bytes]]:
    """The body with a number in place of each item of ``refs``, and the items."""
    spans = list(_spans(body))
    items = [body[start:end] for start, end in spans]
    pieces, last = [], 0
    for number, (start, end) in enumerate(spans):
        breaks = b"\n" * body.count(b"\n", start, end)  # so that lines keep their number
        pieces += [body[last:start], b" %d " % number, breaks]
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


def read_item(raw: bytes) -> Item:
    """One item."""
    try:
        found = msgspec.json.decode(raw, type=str | int | BatchItem)
    except msgspec.ValidationError as error:
        return Item(_written(raw), Refused("invalid-request", advice(error, BatchItem)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return Item(_written(raw), Refused("invalid-request", "This is not a reference, or not valid JSON."))
    value = found if isinstance(found, BatchItem) else BatchItem(ref=str(found))
    written = str(value.ref)
    if len(written) > MAX_REFERENCE_CHARS:
        too_long = UnsupportedReference(f"{len(written)} characters are not a reference.")
        return Item(f"{written[:MAX_SHOWN_CHARS]}…", too_long)
    return Item(written, value)


def _written(raw: bytes) -> str:
    """What was written, as far as it can be shown: the text of a string or of ``ref``, else the JSON itself."""
    shown = raw.decode("utf-8", "replace")
    try:
        params = json.loads(shown) if len(shown) <= MAX_REFERENCE_CHARS else shown
    except (ValueError, RecursionError):
        params = shown
    ref = params.get("ref") if isinstance(params, dict) else params
    text = _SURROGATE.sub("\ufffd", ref if isinstance(ref, str) else shown)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"

"""Queries and bodies of requests, parsed once into values; what does not fit is refused with advice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from embedkit.api.requests import DEFAULT_LANGUAGE, nearest_language
from embedkit.models import TLDS, Options
from embedkit.settings import Settings
from embedkit.targets import Target
from embedkit.validation import MAX_SIDE_PX
from embedkit.web.errors import Refused
from embedkit.web.schemas import BatchItem, EmbedQuery, FrameQuery, OEmbedQuery

T = TypeVar("T", bound=msgspec.Struct)
KINDS = {
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def query(kind: type[T]) -> T:
    """The query string; the first of equal names counts, empty and unknown ones are ignored.

    A list is joined by commas, or its name stands there for each item, as forms send it.

    :raises Refused: for a value that does not fit.
    """
    several = _lists(kind)
    said = {name: _items(name) if name in several else value for name, value in request.args.items()}
    said = {name: value for name, value in said.items() if value}
    try:
        found = msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("invalid-request", re.sub(r"^(\w+)\[[0-9]+\]", r"\1", advice(error, kind))) from None
    unread = [name for name in kind.__struct_fields__ if name in said and getattr(found, name) is None]
    if unread:  # msgspec takes the text for None
        raise Refused("invalid-request", f'{unread[0]}: "null" is none of its values.')
    return found


def language(said: str | None, settings: Settings) -> str:
    """The language to ask Getty in: the one said, else what the browser prefers, else that of LOCALE.

    One that Getty does not offer counts as none, as Getty itself has it: a picker may speak more languages.
    """
    offered = filter(None, map(nearest_language, wishes(said)))
    return next(offered, None) or nearest_language(settings.locale) or DEFAULT_LANGUAGE


def wishes(said: str | None) -> list[str]:
    """The languages that a reader wants, the best one first: the one said, or what the browser prefers."""
    return [said] if said else [tag for tag, quality in request.accept_languages if quality > 0]


def body(kind: type[T]) -> T:
    """The JSON body.

    :raises Refused: where it is too large, no JSON, or does not fit.
    """
    return decoded(json_bytes(), kind)


def json_bytes() -> bytes:
    """The body, which says that it is JSON.

    :raises Refused: where it is too large, or says something else.
    """
    if not re.fullmatch(r"application/([\w.-]+\+)?json", request.mimetype):
        detail = "The body must be JSON: send it with the header Content-Type: application/json."
        raise Refused("invalid-request", detail, status=415)
    return _data()


def decoded(data: bytes, kind: type[T]) -> T:
    """A value from JSON.

    :raises Refused: where it is no JSON, or does not fit.
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


def options(said: EmbedQuery | OEmbedQuery | FrameQuery | BatchItem, target: Target | None = None) -> Options:
    """What a query, or an item of a batch, says about showing.

    :raises Refused: for a tld that Getty has no site for.
    """
    if said.tld is not None and said.tld not in TLDS:
        raise Refused("invalid-request", f"tld: there is no Getty site for it. Use one of {', '.join(TLDS)}.")
    return Options(
        max_width=_bounded(said.maxwidth),
        max_height=_bounded(said.maxheight),
        caption=_caption(said.caption),
        title=getattr(said, "title", None),
        align=getattr(said, "align", None),
        tld=said.tld,
        target=getattr(said, "target", None) or target,
    )


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


def _bounded(size: int | None) -> int | None:
    return None if size is None else min(size, MAX_SIDE_PX)


def _caption(said: bool | str | None) -> bool | str | None:
    words: Mapping[Any, bool] = {"true": True, "false": False}
    return words.get(said, said)


def _data() -> bytes:
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        limit = (request.max_content_length or 0) // 1024
        raise Refused("too-large", f"The body may have {limit} KiB. Send it in parts.") from None


def _broken(error: Exception, data: bytes) -> str:
    """What is wrong with a body that is no JSON, and on which line."""
    if isinstance(error, UnicodeDecodeError):
        return "The body is not encoded in UTF-8."
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    where = re.search(r"\(byte ([0-9]+)\)", str(error))
    line = data.count(b"\n", 0, int(where[1])) + 1 if where else data.count(b"\n") + 1
    what = re.sub(r"\s*\(byte.*|^JSON is malformed: ", "", str(error)).lower()
    return f"The body is no valid JSON: {what}, in line {line}."


def advice(error: msgspec.ValidationError, kind: type) -> str:
    """msgspec's message in plain words: the place first, and the words that would do."""
    what, _, where = str(error).partition(" - at `$.")
    where = where.rstrip("`")
    what = re.sub(r"`([a-z| ]+)`", _in_words, what)
    what = re.sub(r"^Object contains", "it contains", what)
    what = re.sub(r'^Object missing required field (".+")', r"\1 is missing", what)
    what = what.replace("Invalid enum value", "there is no")
    said = f"{where}: {what[0].lower()}{what[1:]}." if where else f"{what[0].upper()}{what[1:]}."
    if words := _words(kind, where):
        return f"{said} Use one of {', '.join(words)}."
    return f"{said}{_meant(kind, what)}"


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

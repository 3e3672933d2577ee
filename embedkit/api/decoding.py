"""Decode the API v3's JSON, field by field.

A field that is null or of an unexpected type counts as missing; a response is rejected only if nothing in it can
be used. Fields that are not or can't be read stay in ``other``; unusable items of a list (a picture without an ID,
a URL on another site) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import MISSING, fields, replace
from functools import cache
from typing import Annotated, Any, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from embedkit.api.errors import What, check, error_for, missing_error
from embedkit.api.models import ApiObject, DownloadOffer, Paged, ReadAs
from embedkit.api.parameters import PAGE_SIZE
from embedkit.api.requests import ApiSettings, asset_id
from embedkit.errors import InvalidResponse, NotFound, UnsupportedReference
from embedkit.getty import payload
from embedkit.getty.payload import MAX_NAME_CHARS, one_line
from embedkit.messages import Response
from embedkit.models import JSON, AssetRef

MAX_PIXELS = 1_000_000  # a longer side is an error

_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")
ID_PATTERN = re.compile(r"[0-9A-Za-z_-]{1,64}")  # any kind of ID, safe in a URL path

Origins = Literal["image_origins", "api_origins", "oembed_origins"]
# How to read a field, by its type. Any other type is a class, which is read from a nested object in the same way.
RULES: dict[Any, ReadAs] = {
    str: ReadAs("text"),
    bool: ReadAs("flag"),
    bool | None: ReadAs("flag"),
    int: ReadAs("number"),
    int | None: ReadAs("number"),
    tuple[str, ...]: ReadAs("texts"),
    tuple[int, ...]: ReadAs("numbers"),
    tuple[tuple[str, str], ...]: ReadAs("pairs"),
}

T = TypeVar("T")
Part = TypeVar("Part", bound=ApiObject)
Page = TypeVar("Page", bound=Paged)
WithID = TypeVar("WithID", bound="Identified")


class Identified(Protocol):
    """Anything with an ID."""

    @property
    def id(self) -> object: ...


def read(response: Response, what: What, api: ApiSettings | None = None, *, ref: str | None = None) -> JSONReader:
    """Return a reader of the JSON object in a response.

    :param what: the kind of resource that was requested, for error messages.
    :param api: settings with the origins that URLs in the object may have; without them, URLs are ignored.
    :param ref: the picture that was requested, for error messages.
    :raises ProviderError: for an error status, as mapped by :mod:`embedkit.api.errors`.
    :raises InvalidResponse: if the response is not a JSON object.
    """
    check(response, what, ref)
    try:
        return JSONReader(payload.mapping(response.body), api, response, ref)
    except ValueError as error:
        raise invalid(str(error), response, ref) from None


def read_any(response: Response) -> Any:
    """Return the JSON of a response, whatever its type; None for an empty response.

    :raises InvalidResponse: if it is not JSON, or too long.
    """
    if not response.body.strip():
        return None
    try:
        return payload.value(response.body)
    except ValueError as error:
        raise invalid(str(error), response) from None


def invalid(message: str, response: Response, ref: str | None = None) -> InvalidResponse:
    """Return the error for a successful response that can't be used."""
    hint = "It is ignored. If this persists, check EMBEDKIT_API_BASE."
    return InvalidResponse(message, hint=hint, ref=ref, **response.evidence)


def read_page(
    kind: type[Page],
    response: Response,
    api: ApiSettings,
    what: What = "search",
    *,
    page: int = 1,
    page_size: int = PAGE_SIZE,
    ref: str | None = None,
) -> Page:
    """Return the page in a response, without unusable items. Raises as :func:`read` does.

    :param what: as for :func:`read`, like ``ref``.
    :param page: the requested page, counted from 1, since responses do not repeat it; like ``page_size``.
    :raises InvalidResponse: also if there is no list.
    """
    fields = read(response, what, api, ref=ref)
    fields.require_list(kind.ITEMS, kind.COUNT)
    total = fields.number(kind.COUNT)
    found = fields.require(kind, total=total or 0, page=page, page_size=page_size)
    up_to_here = (page - 1) * page_size + len(getattr(found, kind.ITEMS))
    return replace(found, total=up_to_here) if total is None else found


def none_found(response: Response, what: What) -> bool:
    """Return whether a response says that none of the requested IDs exists, which is not an error of the call.

    A firewall's page with the same status does not count, since it knows nothing about IDs.
    """
    return response.status in (404, 410) and isinstance(error_for(response, what=what), NotFound)


def find_id(found: Iterable[WithID], id: object, what: What, ref: str | None = None) -> WithID:
    """Return the item with this ID.

    :raises NotFound: if there isn't one.
    """
    for item in found:
        if item.id == id:
            return item
    raise missing_error(what, ref)


def in_order(found: Iterable[WithID], ids: Sequence[Any]) -> tuple[tuple[WithID, ...], tuple[Any, ...]]:
    """Return the items with these IDs, in the order of the IDs, and the IDs that were not found."""
    known = {item.id: item for item in found}
    return tuple(known[id] for id in ids if id in known), tuple(id for id in ids if id not in known)


class JSONReader:
    """Reads the fields of one JSON object by name, each of them once.

    :param response: the response that contained the object, for error messages.
    :param ref: the picture that was requested, for error messages.
    """

    def __init__(self, fields: JSON, api: ApiSettings | None, response: Response, ref: str | None = None) -> None:
        self._response = response
        self._ref = ref
        self._api = api
        self._fields = fields
        self.other = dict(fields)  # not read yet

    def raw(self, name: str) -> Any:
        """Return a value unchanged, without marking it as read."""
        return self._fields.get(name)

    def build(self, kind: type[Part], **known: Any) -> Part | None:
        """Return an instance of a dataclass; None if a field without a default is missing.

        :param known: values of fields that have already been read.
        """
        plan, required = _plan(kind)  # type: ignore[arg-type]  # mypy checks the hash of an instance
        found = known | {
            name: value
            for name, method, arguments in plan
            if name not in known
            and (arguments[0] in self._fields or name in required)
            and (value := method(self, *arguments)) is not None
        }
        return kind(**found, other=self.other) if required <= found.keys() else None

    def require(self, kind: type[Part], **known: Any) -> Part:
        """Like :meth:`build`, but raise an error instead of returning None.

        :raises InvalidResponse: if a field without a default is missing.
        """
        if (found := self.build(kind, **known)) is None:
            raise invalid(f"The response is not a {kind.__name__.lower()}.", self._response, self._ref)
        return found

    def require_list(self, name: str, *totals: str) -> None:
        """Check that there is a list with this name, or at least one of the fields in ``totals``.

        :raises InvalidResponse: if there isn't.
        """
        if not isinstance(self.raw(name), list | None) or not self._fields.keys() & {name, *totals}:
            raise invalid(f"The response has no list of {name}.", self._response, self._ref)

    def require_parts(self, name: str, kind: type[Part]) -> tuple[Part, ...]:
        """Return the objects of a list as instances of a class, without unusable ones.

        :raises InvalidResponse: if there is no list.
        """
        self.require_list(name)
        return self.parts(name, kind)

    def _take(self, name: str, value: T | None) -> T | None:
        """Return a value that was read, and mark its field as read unless reading failed."""
        if value is not None or self._fields.get(name) is None:
            self.other.pop(name, None)
        return value

    def text(self, name: str, limit: int = MAX_NAME_CHARS) -> str:
        """Return one clean line of at most ``limit`` characters."""
        return self._take(name, _text(self.raw(name), limit)) or ""

    def required_text(self, name: str) -> str | None:
        """Return one clean line; None if it is empty."""
        return self.text(name) or None

    def upper(self, name: str) -> str:
        """Return one clean line in upper case."""
        return self.text(name).upper()

    def enum(self, name: str, words: tuple[str, ...]) -> str:
        """Return one of these words, in whatever case and spelling it was sent; empty for any other."""
        value = self.raw(name)
        spelled = _WORD_BREAK.sub("_", value.strip()).lower() if isinstance(value, str) else None
        return self._take(name, spelled if spelled in ("", *words) else None) or ""

    def texts(self, name: str, limit: int = MAX_NAME_CHARS) -> tuple[str, ...]:
        """Return a list of clean lines, without empty ones."""
        return self.each(name, lambda item: _text(item, limit) or None)

    def number(self, name: str) -> int | None:
        """Return a whole number of at least 0, which may be sent as digits in a string."""
        return self._take(name, payload.whole_number(self.raw(name)))

    def pixels(self, name: str) -> int | None:
        """Return the width or height of a picture."""
        size = payload.whole_number(self.raw(name))
        return self._take(name, size if size and size <= MAX_PIXELS else None)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers of at least 0."""
        return self.each(name, payload.whole_number)

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None for any other type."""
        value = self.raw(name)
        return self._take(name, value if isinstance(value, bool) else None)

    def datetime(self, name: str) -> str | None:
        """Return an ISO 8601 date or time, unchanged."""
        value = self.raw(name)
        return self._take(name, value if isinstance(value, str) and _DATETIME.fullmatch(value) else None)

    def id(self, name: str) -> str | None:
        """Return an ID of any kind that is safe in a URL path; None for anything else."""
        value = self.raw(name)
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        return self._take(name, text if ID_PATTERN.fullmatch(text) else None)

    def asset_ref(self, name: str) -> AssetRef | None:
        """Return the reference to the picture that an asset ID identifies."""
        value = self.raw(name)
        try:
            ref = AssetRef((asset_id(str(value) if isinstance(value, int) else value),))
        except UnsupportedReference:
            ref = None
        return self._take(name, ref)

    def url(self, name: str, origins: Origins | None, sites: Container[str] = ()) -> str | None:
        """Return a URL if it is on one of these sites, or has one of these origins from the settings."""
        value = self.raw(name)
        found = payload.url_on_site(value, sites) if sites else None
        if not found and origins and self._api:
            found = payload.url_on_origin(value, getattr(self._api, origins))
        return self._take(name, found)

    def child(self, name: str, read: Callable[[JSONReader], T | None]) -> T | None:
        """Return what ``read`` makes of a nested object."""
        return self._take(name, self._read_object(self.raw(name), read))

    def part(self, name: str, kind: type[Part]) -> Part | None:
        """Return a nested object as an instance of a class."""
        return self.child(name, lambda part: part.build(kind))

    def inner(self, name: str, method: str, field: str) -> Any:
        """Return a field of a nested object, read by another method of this class."""
        return self.child(name, lambda part: getattr(part, method)(field))

    def children(self, name: str, read: Callable[[JSONReader], T | None]) -> tuple[T, ...]:
        """Return what ``read`` makes of each object of a list, without unusable ones."""
        return self.each(name, lambda item: self._read_object(item, read))

    def parts(self, name: str, kind: type[Part]) -> tuple[Part, ...]:
        """Return the objects of a list as instances of a class, without unusable ones."""
        return self.children(name, lambda part: part.build(kind))

    def _read_object(self, value: Any, read: Callable[[JSONReader], T | None]) -> T | None:
        return read(JSONReader(value, self._api, self._response)) if isinstance(value, dict) else None

    def offers(self, name: str) -> tuple[DownloadOffer, ...]:
        """Return the agreements for a file. In Getty's documentation of 2014 they are a list inside each file."""
        return tuple(offer for found in self.children(name, _offers) for offer in found)

    def person(self, name: str) -> str:
        """Return the first and last name from a nested object."""
        return self.child(name, lambda part: f"{part.text('first_name')} {part.text('last_name')}".strip()) or ""

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return an object whose values are strings, as pairs."""
        found = self.raw(name)
        if not isinstance(found, dict):
            return self._take(name, None) or ()
        clean = [(_text(key, MAX_NAME_CHARS), _text(value, MAX_NAME_CHARS)) for key, value in found.items()]
        return self._take(name, tuple((key, value) for key, value in clean if key and value)) or ()

    def each(self, name: str, read: Callable[[Any], T | None]) -> tuple[T, ...]:
        """Return what ``read`` makes of each item of a list, without unusable ones."""
        value = self.raw(name)
        items = self._take(name, value if isinstance(value, list) else None) or []
        return tuple(found for item in items if (found := read(item)) is not None)


@cache
def _plan(kind: type[ApiObject]) -> tuple[list[tuple[str, Callable[..., Any], tuple[Any, ...]]], frozenset[str]]:
    """Return the name, method and arguments by which each field of a class is read, and the required fields."""
    hints = get_type_hints(kind, include_extras=True)
    own = [field for field in fields(kind) if field.name != "other"]  # "other" takes the rest
    required = frozenset(field.name for field in own if field.default is MISSING)
    return [(field.name, *_method(field.name, hints[field.name])) for field in own], required


def _method(name: str, hint: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    rule = hint.__metadata__[0] if get_origin(hint) is Annotated else RULES.get(hint)
    if rule is None:
        kind = (get_args(hint) or (hint,))[0]
        rule = ReadAs("parts" if get_origin(hint) is tuple else "part", (kind,))
    return getattr(JSONReader, rule.method), (rule.name or name, *rule.arguments)


def _offers(file: JSONReader) -> tuple[DownloadOffer, ...]:
    if isinstance(file.raw("downloads"), list):
        return file.parts("downloads", DownloadOffer)
    offer = file.build(DownloadOffer)
    return (offer,) if offer else ()


def _text(value: object, limit: int) -> str | None:
    return one_line(value, limit) if isinstance(value, str) else None

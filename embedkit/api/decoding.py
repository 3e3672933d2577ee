"""JSON of the API v3, read field by field.

Fields that are missing, null or of an unexpected type count as missing; an answer is refused only where nothing
of it can be used. A field that is not read, or can't be, stays in ``other``; what can't be used of a list (a
picture without an ID, a URL elsewhere) is left out.
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

MAX_PIXELS = 1_000_000  # more on a side is a slip

_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_WORD_BREAK = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")
ID_PATTERN = re.compile(r"[0-9A-Za-z_-]{1,64}")  # of whatever the service numbers, fit to stand in a path

Origins = Literal["image_origins", "api_origins", "oembed_origins"]
# How fields of these types are read; a class of its own is an object within, read in the same way.
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
    """Something that the service has an ID for."""

    @property
    def id(self) -> object: ...


def read(response: Response, what: What, api: ApiSettings | None = None, *, ref: str | None = None) -> JSONReader:
    """The object that an answer holds.

    :param what: was asked for, for messages.
    :param api: says where URLs in it may lead; without, nowhere.
    :raises ProviderError: what :mod:`embedkit.api.errors` makes of another status.
    :raises InvalidResponse: where there is no object.
    """
    check(response, what, ref)
    try:
        return JSONReader(payload.mapping(response.body), api, response, ref)
    except ValueError as error:
        raise invalid(str(error), response, ref) from None


def read_any(response: Response) -> Any:
    """The JSON that an answer holds, of whatever type; None where the answer is empty.

    :raises InvalidResponse: where it is not JSON, or too long.
    """
    if not response.body.strip():
        return None
    try:
        return payload.value(response.body)
    except ValueError as error:
        raise invalid(str(error), response) from None


def invalid(message: str, response: Response, ref: str | None = None) -> InvalidResponse:
    """The error of an answer that says 200 and can't be used."""
    hint = "It is not used. If that lasts, check EMBEDKIT_API_BASE."
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
    """The page that an answer holds; what in its list can't be used is left out.

    :param what: as for :func:`read`, like what it raises.
    :param page: the number that was asked for, and its size: answers do not repeat them.
    :raises InvalidResponse: also where there is no list.
    """
    fields = read(response, what, api, ref=ref)
    fields.require_list(kind.ITEMS, kind.COUNT)
    total = fields.number(kind.COUNT)
    found = fields.require(kind, total=total or 0, page=page, page_size=page_size)
    up_to_here = (page - 1) * page_size + len(getattr(found, kind.ITEMS))
    return replace(found, total=up_to_here) if total is None else found


def none_found(response: Response, what: What) -> bool:
    """Whether an answer says that there is nothing of any ID that was asked for, which is no error of the call.

    A firewall's page with that status is none of these: it knows nothing of IDs.
    """
    return response.status in (404, 410) and isinstance(error_for(response, what=what), NotFound)


def find_id(found: Iterable[WithID], id: object, what: What, ref: str | None = None) -> WithID:
    """The one of this ID.

    :raises NotFound: where there is none.
    """
    for one in found:
        if one.id == id:
            return one
    raise missing_error(what, ref)


def in_order(found: Iterable[WithID], ids: Sequence[Any]) -> tuple[tuple[WithID, ...], tuple[Any, ...]]:
    """Those of these IDs, in their order; and the IDs that there is nothing for."""
    known = {one.id: one for one in found}
    return tuple(known[id] for id in ids if id in known), tuple(id for id in ids if id not in known)


class JSONReader:
    """The fields of one object, each read once, by its name.

    :param response: that it came with.
    :param ref: what was asked for, for messages.
    """

    def __init__(self, fields: JSON, api: ApiSettings | None, response: Response, ref: str | None = None) -> None:
        self._response = response
        self._ref = ref
        self._api = api
        self._fields = fields
        self.other = dict(fields)  # what has not been read

    def raw(self, name: str) -> Any:
        """A value as it came; it counts as not read."""
        return self._fields.get(name)

    def build(self, kind: type[Part], **known: Any) -> Part | None:
        """A value of this class, a dataclass; None where a field is missing that has no default.

        :param known: fields that are read in another way.
        """
        plan, required = _plan(kind)  # type: ignore[arg-type]  # mypy thinks of the hash of an instance
        found = known | {
            name: value
            for name, method, arguments in plan
            if name not in known
            and (arguments[0] in self._fields or name in required)
            and (value := method(self, *arguments)) is not None
        }
        return kind(**found, other=self.other) if required <= found.keys() else None

    def require(self, kind: type[Part], **known: Any) -> Part:
        """The same.

        :raises InvalidResponse: where a field is missing that has no default.
        """
        if (found := self.build(kind, **known)) is None:
            raise invalid(f"The answer is not a {kind.__name__.lower()}.", self._response, self._ref)
        return found

    def require_list(self, name: str, *totals: str) -> None:
        """Check that there is a list of this name, or at least one of these counts of it.

        :raises InvalidResponse: where there is none.
        """
        if not isinstance(self.raw(name), list | None) or not any(one in self._fields for one in (name, *totals)):
            raise invalid(f"The answer has no list of {name}.", self._response, self._ref)

    def require_parts(self, name: str, kind: type[Part]) -> tuple[Part, ...]:
        """The objects of a list, those that make values of this class.

        :raises InvalidResponse: where there is no list.
        """
        self.require_list(name)
        return self.parts(name, kind)

    def _take(self, name: str, value: T | None) -> T | None:
        """A value that was read; where it could not be, its field stays with the rest."""
        if value is not None or self._fields.get(name) is None:
            self.other.pop(name, None)
        return value

    def text(self, name: str, limit: int = MAX_NAME_CHARS) -> str:
        """One clean line of so many characters at the most."""
        return self._take(name, _text(self.raw(name), limit)) or ""

    def required_text(self, name: str) -> str | None:
        """One clean line; None where it is empty."""
        return self.text(name) or None

    def upper(self, name: str) -> str:
        """One clean line in capitals."""
        return self.text(name).upper()

    def enum(self, name: str, words: tuple[str, ...]) -> str:
        """One of these words, however it is spelled; else nothing."""
        value = self.raw(name)
        spelled = _WORD_BREAK.sub("_", value.strip()).lower() if isinstance(value, str) else None
        return self._take(name, spelled if spelled in ("", *words) else None) or ""

    def texts(self, name: str, limit: int = MAX_NAME_CHARS) -> tuple[str, ...]:
        """Clean lines, those that are not empty."""
        return self.each(name, lambda item: _text(item, limit) or None)

    def number(self, name: str) -> int | None:
        """A number of 0 or more, or digits."""
        return self._take(name, payload.whole_number(self.raw(name)))

    def pixels(self, name: str) -> int | None:
        """A side of a picture."""
        size = payload.whole_number(self.raw(name))
        return self._take(name, size if size and size <= MAX_PIXELS else None)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Numbers of 0 or more."""
        return self.each(name, payload.whole_number)

    def flag(self, name: str) -> bool | None:
        """True or false; nothing else is either."""
        value = self.raw(name)
        return self._take(name, value if isinstance(value, bool) else None)

    def datetime(self, name: str) -> str | None:
        """A date or a time of ISO 8601, as it is written."""
        value = self.raw(name)
        return self._take(name, value if isinstance(value, str) and _DATETIME.fullmatch(value) else None)

    def id(self, name: str) -> str | None:
        """An ID of whatever the service numbers, fit to stand in a path; None for anything else."""
        value = self.raw(name)
        written = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        return self._take(name, written if ID_PATTERN.fullmatch(written) else None)

    def asset_ref(self, name: str) -> AssetRef | None:
        """The picture that an asset ID names."""
        value = self.raw(name)
        try:
            ref = AssetRef((asset_id(str(value) if isinstance(value, int) else value),))
        except UnsupportedReference:
            ref = None
        return self._take(name, ref)

    def url(self, name: str, origins: Origins | None, sites: Container[str] = ()) -> str | None:
        """A URL, if it is on one of these sites, or of these origins of the settings."""
        value = self.raw(name)
        found = payload.url_on_site(value, sites) if sites else None
        if not found and origins and self._api:
            found = payload.url_on_origin(value, getattr(self._api, origins))
        return self._take(name, found)

    def child(self, name: str, read: Callable[[JSONReader], T | None]) -> T | None:
        """An object within."""
        return self._take(name, self._read_object(self.raw(name), read))

    def part(self, name: str, kind: type[Part]) -> Part | None:
        """An object within, as a value of this class."""
        return self.child(name, lambda part: part.build(kind))

    def inner(self, name: str, method: str, field: str) -> Any:
        """A field of an object within, read by another method."""
        return self.child(name, lambda part: getattr(part, method)(field))

    def children(self, name: str, read: Callable[[JSONReader], T | None]) -> tuple[T, ...]:
        """The objects of a list, those that can be read."""
        return self.each(name, lambda item: self._read_object(item, read))

    def parts(self, name: str, kind: type[Part]) -> tuple[Part, ...]:
        """The objects of a list, those that make values of this class."""
        return self.children(name, lambda part: part.build(kind))

    def _read_object(self, value: Any, read: Callable[[JSONReader], T | None]) -> T | None:
        return read(JSONReader(value, self._api, self._response)) if isinstance(value, dict) else None

    def offers(self, name: str) -> tuple[DownloadOffer, ...]:
        """Agreements for a file. Getty's documentation also has them as lists in that file (2014)."""
        return tuple(offer for found in self.children(name, _offers) for offer in found)

    def person(self, name: str) -> str:
        """First and last name, in an object within."""
        return self.child(name, lambda part: f"{part.text('first_name')} {part.text('last_name')}".strip()) or ""

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """An object of texts."""
        found = self.raw(name)
        if not isinstance(found, dict):
            return self._take(name, None) or ()
        clean = [(_text(key, MAX_NAME_CHARS), _text(value, MAX_NAME_CHARS)) for key, value in found.items()]
        return self._take(name, tuple((key, value) for key, value in clean if key and value)) or ()

    def each(self, name: str, read: Callable[[Any], T | None]) -> tuple[T, ...]:
        """The items of a list, those that can be read."""
        value = self.raw(name)
        items = self._take(name, value if isinstance(value, list) else None) or []
        return tuple(found for item in items if (found := read(item)) is not None)


@cache
def _plan(kind: type[ApiObject]) -> tuple[list[tuple[str, Callable[..., Any], tuple[Any, ...]]], frozenset[str]]:
    """How each field of a class is read, by which method with which arguments; and which fields must be there."""
    hints = get_type_hints(kind, include_extras=True)
    own = [one for one in fields(kind) if one.name != "other"]  # which takes what is left
    required = frozenset(one.name for one in own if one.default is MISSING)
    return [(one.name, *_method(one.name, hints[one.name])) for one in own], required


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

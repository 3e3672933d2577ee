"""JSON of the API v3, read field by field into values.

Fields that are missing, null or of a type that nobody expects give what "not there" gives; an answer is
refused only where nothing of it can be used. A field that is not read, or cannot be, stays in ``other``; what
cannot be used of a list (a picture without an id, an address elsewhere) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from embedkit.api.errors import What, refusal
from embedkit.errors import InvalidResponse, UnsupportedReference
from embedkit.getty import payload
from embedkit.getty.payload import MAX_NAME_CHARS, one_line
from embedkit.getty.urls import asset_ids
from embedkit.messages import Response
from embedkit.models import JSON, AssetRef

MOST_PIXELS = 1_000_000  # more on a side is a slip
FAMILIES = ("creative", "editorial")
# "Square", "PanoramicHorizontal"; asked for as panoramic_horizontal.
ORIENTATIONS = ("horizontal", "vertical", "square", "panoramic_horizontal", "panoramic_vertical")

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_JOINT = re.compile(r"(?<=[a-z])(?=[A-Z])|[\s-]+")
_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")

T = TypeVar("T")


def answer(
    response: Response,
    what: What,
    *,
    statuses: tuple[int, ...] = (200,),
    page_size: int | None = None,
    ref: str | None = None,
) -> Fields:
    """The object that an answer holds.

    :param what: was asked for, for messages.
    :raises ProviderError: what :mod:`embedkit.api.errors` makes of another status.
    :raises InvalidResponse: where there is no object.
    """
    if response.status not in statuses:
        raise refusal(response, what=what, page_size=page_size, ref=ref)
    try:
        return Fields(payload.mapping(response.body))
    except ValueError as error:
        raise unusable(str(error), ref) from None


def unusable(why: str, ref: str | None = None) -> InvalidResponse:
    """The error of an answer that says 200 and cannot be used."""
    return InvalidResponse(why, hint="It is not used. If that lasts, check API_BASE.", ref=ref)


class Fields:
    """The fields of one object, each read once, by its name."""

    def __init__(self, said: JSON) -> None:
        self._said = said
        self._rest = dict(said)

    @property
    def other(self) -> JSON:
        """What has not been read."""
        return self._rest

    def __contains__(self, name: str) -> bool:
        return name in self._said

    def raw(self, name: str) -> Any:
        """A value as it is; it counts as not read."""
        return self._said.get(name)

    def _kept(self, name: str, value: T | None) -> T | None:
        """A value that was read; where it could not be, its field stays with the rest."""
        if value is not None or self._said.get(name) is None:
            self._rest.pop(name, None)
        return value

    def text(self, name: str, limit: int = MAX_NAME_CHARS) -> str:
        """One clean line of so many characters at the most."""
        return self._kept(name, _text(self.raw(name), limit)) or ""

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """One of these words, however it is spelled; else nothing."""
        said = self.raw(name)
        spelled = _JOINT.sub("_", said.strip()).lower() if isinstance(said, str) else None
        return self._kept(name, spelled if spelled in ("", *words) else None) or ""

    def texts(self, name: str, limit: int = MAX_NAME_CHARS) -> tuple[str, ...]:
        """Clean lines, those that are not empty."""
        found = [_text(item, limit) for item in self._items(name)]
        return tuple(item for item in found if item)

    def number(self, name: str) -> int | None:
        """A number of 0 or more, or digits."""
        return self._kept(name, payload.whole_number(self.raw(name)))

    def pixels(self, name: str) -> int | None:
        """A side of a picture."""
        size = payload.whole_number(self.raw(name))
        return self._kept(name, size if size and size <= MOST_PIXELS else None)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Numbers of 0 or more."""
        found = [payload.whole_number(item) for item in self._items(name)]
        return tuple(number for number in found if number is not None)

    def flag(self, name: str) -> bool | None:
        """True or false; nothing else is either."""
        said = self.raw(name)
        return self._kept(name, said if isinstance(said, bool) else None)

    def allowed(self, name: str) -> bool:
        """A permission: what is not said is not permitted."""
        return self.flag(name) or False

    def moment(self, name: str) -> str | None:
        """A date or a time of ISO 8601, as it is written."""
        said = self.raw(name)
        return self._kept(name, said if isinstance(said, str) and _MOMENT.fullmatch(said) else None)

    def key(self, name: str) -> str:
        """An id of whatever the service numbers, fit to stand in a path; empty if it is none."""
        said = self.raw(name)
        written = str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""
        return self._kept(name, written if _KEY.fullmatch(written) else None) or ""

    def asset(self, name: str) -> AssetRef | None:
        """The picture that an asset id names."""
        said = self.raw(name)
        return self._kept(name, _asset(str(said) if isinstance(said, int) else said))

    def link(self, name: str, known: Callable[[object], str | None]) -> str | None:
        """An address, if it is one of those that ``known`` lets through."""
        return self._kept(name, known(self.raw(name)))

    def part(self, name: str, read: Callable[[Fields], T]) -> T | None:
        """An object within."""
        said = self.raw(name)
        return self._kept(name, read(Fields(said)) if isinstance(said, dict) else None)

    def parts(self, name: str, read: Callable[[Fields], T | None]) -> tuple[T, ...]:
        """The objects of a list, those that can be read."""
        found = [read(Fields(item)) for item in self._items(name) if isinstance(item, dict)]
        return tuple(item for item in found if item is not None)

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """An object of texts."""
        said = self.raw(name)
        if not isinstance(said, dict):
            return self._kept(name, None) or ()
        clean = [(_text(key, MAX_NAME_CHARS), _text(value, MAX_NAME_CHARS)) for key, value in said.items()]
        return self._kept(name, tuple((key, value) for key, value in clean if key and value)) or ()

    def _items(self, name: str) -> list[Any]:
        said = self.raw(name)
        return self._kept(name, said if isinstance(said, list) else None) or []


def _text(value: object, limit: int) -> str | None:
    return one_line(value, limit) if isinstance(value, str) else None


def _asset(value: object) -> AssetRef | None:
    try:
        items = asset_ids(value) if isinstance(value, str) else ()
    except UnsupportedReference:
        return None
    return AssetRef(items) if len(items) == 1 else None

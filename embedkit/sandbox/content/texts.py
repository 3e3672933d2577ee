"""The content of the TOML files: the subjects of pictures, and the words for their texts.

Slots in templates, such as ``{peak}``, are filled with words from ``words.toml`` and from the picture's setting.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeVar


class ContentError(ValueError):
    """A mistake in a data file; the message names the file and the key."""


def read_text(folder: Path, name: str) -> str:
    """Read a UTF-8 file.

    :raises ContentError: the file does not exist or is not UTF-8.
    """
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{name}: can't be read ({type(error).__name__})") from error


def read_toml(folder: Path, name: str) -> dict[str, Any]:
    """Read a TOML file.

    :raises ContentError: the file can't be read or is not valid TOML; duplicate keys are invalid.
    """
    try:
        return tomllib.loads(read_text(folder, name))
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"{name}: {error}") from error


Family = Literal["creative", "editorial"]
Use = Literal["any", "stories", "everyday"]
# slots filled from the place and people of a picture, in addition to those in words.toml
BUILT_IN_SLOTS = frozenset(("city", "country", "hour_cap", "season_cap", "first", "last", "name"))
# letters that Unicode does not decompose into a base letter and an accent
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "đ": "d", "æ": "ae", "œ": "oe", "'": None, "’": None})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject of pictures. ``scene`` is the drawing; ``segment`` the editorial segment, empty for creative ones.

    ``people`` and ``ages`` are the minimum and maximum number of people and their age in years. ``event`` is the
    event at which editorial pictures were taken.
    """

    scene: str
    titles: tuple[str, ...]
    captions: tuple[str, ...]
    keywords: tuple[str, ...]
    use: Use = "everyday"
    segment: str = ""
    people: tuple[int, int] = (0, 0)
    ages: tuple[int, int] = (19, 68)
    event: str = ""

    @property
    def family(self) -> Family:
        return "editorial" if self.segment else "creative"

    def fill(self, template: str, words: Mapping[str, str]) -> str:
        """Fill the slots of a template.

        :raises ContentError: there is no word for a slot.
        """
        try:
            return template.format_map(words)
        except (KeyError, ValueError) as error:
            file = "everyday.toml" if self.use == "everyday" else "subjects.toml"
            raise ContentError(f"{file}: {self.scene}: {template!r}: {error} is not a slot") from error


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of pictures; ``segment`` is as in a subject."""

    id: int
    name: str
    code: str
    license_model: str = "rightsmanaged"
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Names of people, places (pairs of city and country), collections, and the words for slots in templates."""

    slots: Mapping[str, tuple[str, ...]]
    first: tuple[str, ...]
    last: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    collections: tuple[Collection, ...]

    def collections_of(self, segment: str) -> tuple[Collection, ...]:
        return tuple(collection for collection in self.collections if collection.segment == segment)


def parse_subjects(document: Mapping[str, Any], name: str) -> tuple[Subject, ...]:
    """Parse the subjects of a document.

    :param name: the file name for error messages.
    :raises ContentError: a key is unknown or missing.
    """
    if other := document.keys() - {"subject"}:
        raise ContentError(f"{name}: {min(other)} is not a valid key; a subject starts with [[subject]]")
    tables = document.get("subject", [])
    if not isinstance(tables, list):
        raise ContentError(f"{name}: subject: a subject starts with [[subject]], in double brackets")
    made = (from_table(Subject, table, f"{name}: subject {number}") for number, table in enumerate(tables, 1))
    return tuple(replace(subject, keywords=split_list(subject.keywords)) for subject in made)


def parse_words(document: Mapping[str, Any], name: str) -> Words:
    """Parse the words of a document.

    :raises ContentError: a key is missing.
    """
    try:
        return Words(
            slots={slot: tuple(words) for slot, words in document["slots"].items()},
            first=split_list(document["names"]["first"]),
            last=split_list(document["names"]["last"]),
            places=tuple(_place(text, name) for text in document["places"]),
            collections=tuple(
                from_table(Collection, table, f"{name}: collection") for table in document["collection"]
            ),
        )
    except KeyError as error:
        raise ContentError(f"{name}: {error.args[0]} is missing") from error


def from_table(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """Create a dataclass instance from a TOML table; arrays become tuples.

    :raises ContentError: a key is unknown or missing.
    """
    if not isinstance(table, Mapping):
        raise ContentError(f"{where}: must be a table")
    known: tuple[Field[Any], ...] = fields(kind)  # type: ignore[arg-type]
    if unknown := table.keys() - {field.name for field in known}:
        raise ContentError(f"{where}: {min(unknown)} is not a valid key")
    if missing := {field.name for field in known if field.default is MISSING} - table.keys():
        raise ContentError(f"{where}: {min(missing)} is missing")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


def slots_in(templates: Sequence[str]) -> set[str]:
    """Return the slots in templates."""
    return {slot for template in templates for _, slot, _, _ in Formatter().parse(template) if slot is not None}


def split_list(text: str | Sequence[str]) -> tuple[str, ...]:
    """Split a text at commas; a list is returned as a tuple."""
    if not isinstance(text, str):
        return tuple(text)
    return tuple(part.strip() for part in text.split(",") if part.strip())


def fold(text: str) -> str:
    """Return a text in lower case, without accents and apostrophes."""
    if text.isascii():
        return text.lower().replace("'", "")
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _place(text: object, name: str) -> tuple[str, str]:
    city, comma, country = str(text).partition(", ")
    if not comma:
        raise ContentError(f"{name}: places: {text!r} is not of the form 'City, Country'")
    return city, country

"""Load the files of a content folder on demand, and render its drawings.

A drawing is an SVG file that any browser can show. Its slots are CSS custom properties, such as ``var(--wall)``.
Rules in its ``<style>`` that set the same properties are alternatives, one of which is chosen at random. ``<use
href="pine.svg"/>`` inserts another drawing, which makes its own random choices each time, and inherits the
properties it does not set; the ``style`` attribute of ``<use>`` sets properties for that instance. The origin is
the center of the picture, and its shorter side is 600 units, so the area from -300 to 300 is always visible;
backgrounds extend from -900 to 900.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from embedkit.sandbox.content.texts import (
    ContentError,
    Subject,
    Use,
    Words,
    from_table,
    parse_subjects,
    parse_words,
    read_text,
    read_toml,
)

T = TypeVar("T")
MASK = (1 << 64) - 1
SLOT = re.compile(r"var\(--([a-z0-9-]+)\)")
USE = re.compile(r'<use href="([a-z0-9./-]+)\.svg"([^<>]*)/>')
_SVG = re.compile(r"<svg\b[^<>]*>(.*)</svg>", re.S)
_STYLE_OR_COMMENT = re.compile(r"<style>(.*?)</style>|<!--.*?-->", re.S)
_RULE = re.compile(r"svg\s*\{([^{}]*)\}")
_PROPERTY = re.compile(r"--([a-z0-9-]+)\s*:\s*([^;]*[^;\s])")
_STYLE = re.compile(r'\bstyle="([^"]*--[^"]*)"')
_ID_OR_REFERENCE = re.compile(r'(\bid="|url\(#)')
_HIDDEN = re.compile(r'<[a-z]+ [^<>]*\bdisplay="none"[^<>]*/>')
_GAP = re.compile(r"\s*\n\s*")

MAX_PARTS = 150  # per picture, since a part that uses itself would never end

Values = Mapping[str, str]
Choice = tuple[Values, ...]


class Random:
    """A random number generator (SplitMix64) with the same results for a seed in every Python version.

    The standard library's ``random.Random`` does not guarantee this for methods such as ``choice``.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")

    def random(self) -> float:
        """Return a number in the half-open interval [0, 1)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def randint(self, low: int, high: int) -> int:
        """Return an integer, including both ends."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.random() < share

    def choice(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """Return up to ``count`` distinct choices."""
        left = list(choices)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing's markup and the alternatives for its properties."""

    name: str
    body: str
    choices: tuple[Choice, ...]

    def properties(self) -> set[str]:
        """Return the properties that its rules set."""
        return {key for choice in self.choices for key in choice[0]}

    def slots(self) -> set[str]:
        """Return the slots that it uses."""
        values = [value for choice in self.choices for rule in choice for value in rule.values()]
        return set(SLOT.findall(" ".join((self.body, *values))))

    def parts(self) -> Iterator[tuple[str, set[str]]]:
        """Yield the names of the drawings that it uses, with the properties set for each."""
        for match in USE.finditer(self.body):
            yield _resolve_href(self.name, match[1]), {*_own_values(match[2])}


def parse_drawing(text: str, name: str) -> Drawing:
    """Parse a drawing from the text of its file; ``name`` is without ``.svg``.

    :raises ContentError: it is not an SVG document, or has styles or uses that are not supported.
    """
    svg = _SVG.search(text)
    if svg is None:
        raise ContentError(f"{name}.svg: <svg> is missing")
    body = _GAP.sub("\n", _STYLE_OR_COMMENT.sub("", svg[1])).strip()
    if "<use" in USE.sub("", body):
        raise ContentError(f'{name}.svg: <use> needs href="….svg" as its first attribute, and />')
    return Drawing(name, body, _choices("".join(_STYLE_OR_COMMENT.findall(svg[1])), name))


def _choices(style: str, name: str) -> tuple[Choice, ...]:
    if rest := _RULE.sub("", style).strip():
        raise ContentError(f"{name}.svg: style: {rest[:40]!r} is not a rule such as svg {{ --name: value }}")
    kinds: dict[tuple[str, ...], list[Values]] = {}
    for rule in (dict(_PROPERTY.findall(text)) for text in _RULE.findall(style)):
        kinds.setdefault(tuple(sorted(rule)), []).append(rule)
    keys = [key for kind in kinds for key in kind]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise ContentError(f"{name}.svg: rules that set --{twice} must all set the same properties")
    return tuple(tuple(kind) for kind in kinds.values())


@dataclass(frozen=True, slots=True)
class Filler:
    """Renders drawings: ``load`` returns a drawing by its name, ``rng`` makes the choices."""

    load: Callable[[str], Drawing]
    rng: Random
    numbers: Iterator[int]

    def fill(self, name: str, given: Values, own: Values | None = None) -> str:
        """Return the markup of a drawing.

        :param given: inherited properties; the drawing's own override them.
        :param own: properties that override the drawing's own.
        :raises ContentError: a slot is not defined or a part is missing.
        """
        drawing, number = self.load(name), next(self.numbers)
        if number > MAX_PARTS:
            raise ContentError(f"{name}.svg: more than {MAX_PARTS} parts, or a part that uses itself")
        values = {**given, **self._choose(drawing, given), **(own or {})}
        body = SLOT.sub(lambda match: _value(values, match[1], drawing.name), drawing.body)
        body = _HIDDEN.sub("", body)
        body = _ID_OR_REFERENCE.sub(rf"\g<1>{'abcdefghij'[number % 10]}{number}", body)
        return USE.sub(lambda match: self._part(drawing.name, match[1], match[2], values), body)

    def _choose(self, drawing: Drawing, given: Values) -> Values:
        chosen: dict[str, str] = {}
        for choice in drawing.choices:
            for key, value in self.rng.choice(choice).items():
                chosen[key] = SLOT.sub(lambda match: _value({**given, **chosen}, match[1], drawing.name), value)
        return chosen

    def _part(self, around: str, href: str, attributes: str, values: Values) -> str:
        rest = _STYLE.sub("", attributes).strip()
        drawn = self.fill(_resolve_href(around, href), values, _own_values(attributes))
        return f"<g {rest}>{drawn}</g>" if rest else drawn


def render_drawing(load: Callable[[str], Drawing], name: str, rng: Random, given: Values) -> str:
    """Return the markup of a drawing and all its parts."""
    return Filler(load, rng, count()).fill(name, given)


def _own_values(attributes: str) -> dict[str, str]:
    """Return the properties set in the attributes of a ``<use>``."""
    style = _STYLE.search(attributes)
    return dict(_PROPERTY.findall(style[1])) if style else {}


def _resolve_href(around: str, href: str) -> str:
    """Return the name of a drawing that another one refers to."""
    folder = around.partition("/")[0]
    return href.removeprefix("../") if href.startswith("../") else f"{folder}/{href}"


def _value(values: Values, key: str, name: str) -> str:
    try:
        return values[key]
    except KeyError:
        raise ContentError(f"{name}.svg: var(--{key}) is not defined") from None


FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SceneKind:
    """How search filters classify a scene; without ``moods``, those of the hour apply."""

    compositions: tuple[str, ...] = ("wide_shot", "copy_space")
    moods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day: the words that indicate it in a text, its moods in search filters, and its colors."""

    words: tuple[str, ...]
    moods: tuple[str, ...]
    colors: Values


class Content:
    """The content of a folder. Each file is read once, when it is first needed.

    :param folder: a folder with the same structure as ``embedkit/sandbox/content``.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._drawings: dict[str, Drawing] = {}

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The basic subjects, on which existing IDs depend."""
        return parse_subjects(read_toml(self.folder, "subjects.toml"), "subjects.toml")

    @cached_property
    def everyday(self) -> tuple[Subject, ...]:
        """The everyday subjects, to which more can be added."""
        return parse_subjects(read_toml(self.folder, "everyday.toml"), "everyday.toml")

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Subject, ...]]:
        uses = {subject.use for subject in self.subjects}
        return {use: tuple(subject for subject in self.subjects if subject.use == use) for use in uses}

    def subjects_for(self, use: Use) -> tuple[Subject, ...]:
        """Return the subjects with this use, in the order of the file."""
        return self._uses.get(use, ())

    @cached_property
    def words(self) -> Words:
        return parse_words(read_toml(self.folder, "words.toml"), "words.toml")

    @cached_property
    def pictures(self) -> Mapping[str, Mapping[str, Any]]:
        """The fields of special pictures by ID; ``scene`` selects the subject for missing values."""
        return read_toml(self.folder, "pictures.toml")

    @cached_property
    def scenes(self) -> Mapping[str, SceneKind]:
        document = read_toml(self.folder, "scenes.toml")
        return {name: from_table(SceneKind, table, f"scenes.toml: {name}") for name, table in document.items()}

    @cached_property
    def _hours(self) -> tuple[tuple[str, ...], Mapping[str, Hour]]:
        document = read_toml(self.folder, "hours.toml")
        otherwise = tuple(document.pop("otherwise", ()))
        return otherwise, {
            name: from_table(Hour, table, f"hours.toml: {name}") for name, table in document.items()
        }

    @property
    def hours(self) -> Mapping[str, Hour]:
        return self._hours[1]

    def hour_of(self, text: str, rng: Random) -> str:
        """Return the name of the hour that a text mentions, or a random one."""
        folded = text.lower()
        for name, hour in self.hours.items():
            if any(word in folded for word in hour.words):
                return name
        return rng.choice(self._hours[0])

    def drawing(self, name: str) -> Drawing:
        """:param name: with its folder and without ``.svg``: ``scenes/forest``."""
        if name not in self._drawings:
            self._drawings[name] = parse_drawing(read_text(self.folder, f"{name}.svg"), name)
        return self._drawings[name]

    def picture(self, scene: str, hour: str, rng: Random) -> str:
        """Return the markup of a scene at an hour; the random choices come from ``rng``.

        :raises ContentError: a mistake in the drawing or one of its parts.
        """
        return render_drawing(self.drawing, f"scenes/{scene}", rng, self.hours[hour].colors)

    def subject(self, scene: str) -> Subject:
        """Return the first subject with a scene."""
        for subject in (*self.subjects, *self.everyday):
            if subject.scene == scene:
                return subject
        raise ContentError(f"no subject in subjects.toml or everyday.toml has the scene {scene}")


CONTENT = Content()

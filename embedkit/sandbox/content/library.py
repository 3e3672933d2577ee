"""All content of a folder, each file read when it is first needed; and its drawings.

A drawing is SVG that any browser shows. Its slots are CSS custom properties: ``var(--wall)``. Rules of its
``<style>`` that set the same properties are alternatives: one of each kind is chosen. ``<use href="pine.svg"/>``
stands for another file, which chooses anew each time, and inherits what it does not set itself; the ``style`` of
``<use>`` sets properties for that one time. The middle is 0, 0 and the shortest side of a picture is 600, so what
lies between -300 and 300 is always seen; backgrounds reach from -900 to 900.
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

MAX_PARTS = 150  # of one picture; a part that uses itself never ends

Values = Mapping[str, str]
Choice = tuple[Values, ...]


class Random:
    """A stream of numbers that depends on ``seed`` alone, whatever the Python version (SplitMix64).

    The standard library's generator promises no such thing for its choosing methods.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")

    def random(self) -> float:
        """A number from 0 up to, and without, 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.random()

    def randint(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        return self.random() < share

    def choice(self, choices: Sequence[T]) -> T:
        return choices[int(self.random() * len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """``count`` different ones."""
        left = list(choices)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One file: what is drawn, and the properties that are to be chosen."""

    name: str
    body: str
    choices: tuple[Choice, ...]

    def properties(self) -> set[str]:
        """What its rules set."""
        return {key for choice in self.choices for key in choice[0]}

    def slots(self) -> set[str]:
        """What it asks for."""
        values = [value for choice in self.choices for rule in choice for value in rule.values()]
        return set(SLOT.findall(" ".join((self.body, *values))))

    def parts(self) -> Iterator[tuple[str, set[str]]]:
        """Names of the files that it uses, and what is set for each."""
        for match in USE.finditer(self.body):
            yield _resolve_href(self.name, match[1]), {*_own_values(match[2])}


def parse_drawing(text: str, name: str) -> Drawing:
    """A drawing from the text of its file, whose name is without ``.svg``.

    :raises ContentError: it is not an SVG document, or has styles or uses that would be passed over.
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
        raise ContentError(f"{name}.svg: --{twice} is set by rules that differ in what else they set")
    return tuple(tuple(kind) for kind in kinds.values())


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills drawings in: ``load`` gives a drawing by its name, ``dice`` choose."""

    load: Callable[[str], Drawing]
    rng: Random
    numbers: Iterator[int]

    def fill(self, name: str, given: Values, own: Values | None = None) -> str:
        """The markup of a drawing.

        :param given: properties from around it; the drawing's own go before them.
        :param own: properties that go before the drawing's own.
        :raises ContentError: a slot that nobody sets, or a part that is missing.
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
    """The markup of a drawing and all its parts."""
    return Filler(load, rng, count()).fill(name, given)


def _own_values(attributes: str) -> dict[str, str]:
    """The properties that a use sets."""
    style = _STYLE.search(attributes)
    return dict(_PROPERTY.findall(style[1])) if style else {}


def _resolve_href(around: str, href: str) -> str:
    """The name of a file that another one refers to."""
    folder = around.partition("/")[0]
    return href.removeprefix("../") if href.startswith("../") else f"{folder}/{href}"


def _value(values: Values, key: str, name: str) -> str:
    try:
        return values[key]
    except KeyError:
        raise ContentError(f"{name}.svg: var(--{key}) is set nowhere") from None


FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SceneKind:
    """What a scene counts as in the filters of a search; without ``moods`` those of the hour count."""

    compositions: tuple[str, ...] = ("wide_shot", "copy_space")
    moods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day: the words of a text that stand for it, the moods of a search, and its colours."""

    words: tuple[str, ...]
    moods: tuple[str, ...]
    colours: Values


class Content:
    """The content of a folder. Every property reads its file once.

    :param folder: laid out as that of the package.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._drawings: dict[str, Drawing] = {}

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """Those on which IDs depend."""
        return parse_subjects(read_toml(self.folder, "subjects.toml"), "subjects.toml")

    @cached_property
    def everyday(self) -> tuple[Subject, ...]:
        """Those of which there can be ever more."""
        return parse_subjects(read_toml(self.folder, "everyday.toml"), "everyday.toml")

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Subject, ...]]:
        uses = {subject.use for subject in self.subjects}
        return {use: tuple(subject for subject in self.subjects if subject.use == use) for use in uses}

    def subjects_for(self, use: Use) -> tuple[Subject, ...]:
        """The subjects of one use, in the order of the file."""
        return self._uses.get(use, ())

    @cached_property
    def words(self) -> Words:
        return parse_words(read_toml(self.folder, "words.toml"), "words.toml")

    @cached_property
    def pictures(self) -> Mapping[str, Mapping[str, Any]]:
        """Fields of pictures with texts of their own, by ID; ``scene`` is that of the subject they are like."""
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
        """The name of the hour that a text names, or one that the dice choose."""
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
        """The markup of a scene at an hour; the same dice draw the same.

        :raises ContentError: a mistake in the drawing or one of its parts.
        """
        return render_drawing(self.drawing, f"scenes/{scene}", rng, self.hours[hour].colours)

    def subject(self, scene: str) -> Subject:
        """The first subject of a scene."""
        for subject in (*self.subjects, *self.everyday):
            if subject.scene == scene:
                return subject
        raise ContentError(f"no subject of subjects.toml or everyday.toml has the scene {scene}")


CONTENT = Content()

"""All content of a folder, each file read when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from embedkit.sandbox.content.drawings import Drawing, Values, drawing_of, filled
from embedkit.sandbox.content.reading import ContentError, read_text, read_toml
from embedkit.sandbox.content.rng import Dice
from embedkit.sandbox.content.texts import Subject, Use, Words, record, subjects_of, words_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class SceneKind:
    """What a scene counts as in the filters of a search; without ``moods`` the hour tells them."""

    compositions: tuple[str, ...] = ("wide_shot", "copy_space")
    moods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the day: the words of a text that tell it, the moods of a search, and its colours."""

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
        return subjects_of(read_toml(self.folder, "subjects.toml"), "subjects.toml")

    @cached_property
    def everyday(self) -> tuple[Subject, ...]:
        """Those of which there can be ever more."""
        return subjects_of(read_toml(self.folder, "everyday.toml"), "everyday.toml")

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Subject, ...]]:
        uses = {subject.use for subject in self.subjects}
        return {use: tuple(subject for subject in self.subjects if subject.use == use) for use in uses}

    def subjects_for(self, use: Use) -> tuple[Subject, ...]:
        """The subjects of one use, in the order of the file."""
        return self._uses.get(use, ())

    @cached_property
    def words(self) -> Words:
        return words_of(read_toml(self.folder, "words.toml"), "words.toml")

    @cached_property
    def pictures(self) -> Mapping[str, Mapping[str, Any]]:
        """Fields of pictures with texts of their own, by ID; ``scene`` is that of the subject they are like."""
        return read_toml(self.folder, "pictures.toml")

    @cached_property
    def scenes(self) -> Mapping[str, SceneKind]:
        document = read_toml(self.folder, "scenes.toml")
        return {name: record(SceneKind, table, f"scenes.toml: {name}") for name, table in document.items()}

    @cached_property
    def _hours(self) -> tuple[tuple[str, ...], Mapping[str, Hour]]:
        document = read_toml(self.folder, "hours.toml")
        otherwise = tuple(document.pop("otherwise", ()))
        return otherwise, {name: record(Hour, table, f"hours.toml: {name}") for name, table in document.items()}

    @property
    def hours(self) -> Mapping[str, Hour]:
        return self._hours[1]

    def hour_of(self, text: str, dice: Dice) -> str:
        """The name of the hour that a text tells, or one that the dice choose."""
        told = text.lower()
        for name, hour in self.hours.items():
            if any(word in told for word in hour.words):
                return name
        return dice.pick(self._hours[0])

    def drawing(self, name: str) -> Drawing:
        """:param name: with its folder and without ``.svg``: ``scenes/forest``."""
        if name not in self._drawings:
            self._drawings[name] = drawing_of(read_text(self.folder, f"{name}.svg"), name)
        return self._drawings[name]

    def picture(self, scene: str, hour: str, dice: Dice) -> str:
        """The markup of a scene at an hour; the same dice draw the same.

        :raises ContentError: a mistake in the drawing or one of its parts.
        """
        return filled(self.drawing, f"scenes/{scene}", dice, self.hours[hour].colours)

    def subject(self, scene: str) -> Subject:
        """The first subject of a scene."""
        for subject in (*self.subjects, *self.everyday):
            if subject.scene == scene:
                return subject
        raise ContentError(f"no subject of subjects.toml or everyday.toml has the scene {scene}")


CONTENT = Content()

"""Where changed texts go: to stdout, into a folder, back into their files, or nowhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from embedkit.cli.console import printable, say, say_changed, say_file_error, show_diff
from embedkit.cli.files import Text, destinations
from embedkit.files.atomic import Outcome, sweep_folder, write_back
from embedkit.files.tree import Tree


@dataclass(frozen=True, slots=True)
class Way:
    """What the options of a command say; with ``json`` a text is data that the command prints itself.

    :raises click.UsageError: for options that exclude each other.
    """

    output: Path | None = None
    in_place: bool = False
    check: bool = False
    diff: bool = False
    json: bool = False

    def __post_init__(self) -> None:
        if sum(map(bool, (self.output, self.in_place, self.check, self.diff))) > 1:
            raise click.UsageError("--output, --in-place, --check and --diff exclude each other.")
        if self.diff and self.json:
            raise click.UsageError("--diff and --json exclude each other.")

    @property
    def writes(self) -> bool:
        """Whether the texts themselves go elsewhere than to stdout."""
        return bool(self.output or self.in_place or self.check or self.diff)

    def delivery(self, texts: Sequence[Text]) -> Delivery:
        """What takes each text and its new content; checked before anything is written.

        :raises click.UsageError: where these texts cannot go that way.
        """
        if self.output:
            return Output(texts, self.output)
        if self.in_place:
            return InPlace(texts)
        if self.diff:
            return Diff()
        if self.check or self.json:
            return Delivery()
        if len(texts) > 1:
            raise click.UsageError("Several files: say --output DIR, --in-place, --diff, --check or --json.")
        return Print()


class Delivery:
    """Takes texts, and writes none. ``code`` is the exit code that it asks for; what fails is reported."""

    code = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do."""

    def deliver(self, text: Text, content: str) -> bool:  # noqa: ARG002 (for those that write)
        """Take a text; whether it is where it should be."""
        return True

    def _fail(self, code: int) -> bool:
        self.code = max(self.code, code)
        return False


class Print(Delivery):
    """One text, to stdout, byte by byte."""

    def deliver(self, text: Text, content: str) -> bool:
        click.echo(text.encoded(content), nl=False)
        return True


class Diff(Delivery):
    """What would change, to stdout."""

    def deliver(self, text: Text, content: str) -> bool:
        show_diff(text.place, text.mark + text.content, text.mark + content)
        return True


class Output(Delivery):
    """Into a folder of results."""

    def __init__(self, texts: Sequence[Text], folder: Path) -> None:
        self._places = destinations(texts, folder)
        self._tree = Tree(folder)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tree.sync()

    def deliver(self, text: Text, content: str) -> bool:
        try:
            self._tree.write(self._places[text.place], text.encoded(content))
        except OSError as error:
            say_file_error(error)
            return self._fail(2)
        return True


class InPlace(Delivery):
    """Back into the files, where they are still what was read."""

    def __init__(self, texts: Sequence[Text]) -> None:
        if any(text.path is None for text in texts):
            raise click.UsageError("stdin cannot be changed in place.")
        real = {text.place: Path(os.path.realpath(text.place)) for text in texts}
        # a file that is there under its own name and by links is one file
        self._places = {path: place for place, path in sorted(real.items(), key=_is_link, reverse=True)}
        for folder in {path.parent for path in self._places}:
            for name in sweep_folder(folder):
                say(f"{printable(name)} holds what was saved while a run was killed: compare, then remove it.")

    def deliver(self, text: Text, content: str) -> bool:
        unchanged = content == text.content
        if unchanged or self._places.get(Path(os.path.realpath(text.place))) != text.place:
            return unchanged
        try:
            done = write_back(text.place, text.encoded(text.content), text.encoded(content))
        except OSError as error:
            say_file_error(error)
            return self._fail(2)
        for note in done.notes:
            say(f"{printable(text.place)} {note}.")
        if done.outcome is Outcome.CHANGED_MEANWHILE:
            say_changed(text.place)
            return self._fail(1)
        return True


def _is_link(item: tuple[str, Path]) -> tuple[bool, str]:
    place, path = item
    return os.path.abspath(place) != str(path), place

"""Where changed texts go: to stdout, into a folder, back into their files, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from embedkit.cli.console import show_diff
from embedkit.cli.files import Text, destinations, write_text

Deliver = Callable[[Text, str], None]


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

    def deliverer(self, texts: Sequence[Text]) -> Deliver:
        """What to call with each text and its new content; checked before anything is written.

        :raises click.UsageError: where these texts cannot go that way.
        """
        if self.output:
            places = dict(zip((text.place for text in texts), destinations(texts, self.output), strict=True))
            return lambda text, content: write_text(places[text.place], text.mark + content)
        if self.in_place:
            if any(text.path is None for text in texts):
                raise click.UsageError("stdin cannot be changed in place.")
            return _change
        if self.diff:
            return _differ
        if self.check or self.json:
            return _keep
        if len(texts) > 1:
            raise click.UsageError("Several files: say --output DIR, --in-place, --diff, --check or --json.")
        return lambda text, content: click.echo(text.mark + content, nl=False)


def _keep(_: Text, __: str) -> None:
    """Write nothing."""


def _change(text: Text, content: str) -> None:
    if text.path and content != text.content:
        write_text(text.path, text.mark + content)


def _differ(text: Text, content: str) -> None:
    show_diff(text.place, text.mark + text.content, text.mark + content)

"""Texts in files and folders: found, read, and written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from embedkit.cli.console import say
from embedkit.models import Input
from embedkit.replacing import replace_text

FORMATS: dict[str, Input] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdown": "markdown",
    ".mkd": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".txt": "text",
}
SKIPPED = frozenset({"node_modules", "__pycache__"})
MARK = "\ufeff"  # the byte order mark that some editors on Windows begin a file with


@dataclass(frozen=True, slots=True)
class Text:
    """A text and where it came from; ``relative`` is its place below the folder that was named."""

    content: str
    input: Input
    path: Path | None = None
    relative: Path = Path("-")
    mark: str = ""

    @property
    def place(self) -> str:
        """The name to put before a line number."""
        return str(self.path) if self.path else "<stdin>"


def read_texts(names: Iterable[str], input: Input | None, *, output: Path | None = None) -> list[Text]:
    """The texts that arguments of a command name: files, folders (their text files), ``-`` for stdin.

    :param input: the format, where it does not follow from the name.
    :param output: a folder of results: where it lies inside of a folder that is named, it is left out.
    :raises click.UsageError: for a path that does not exist or is no UTF-8 text.
    :raises OSError: for one that cannot be read: a text that is left out silently would be lost.
    """
    found: dict[str, Text] = {}
    for name in names or ["-"]:
        for text in _read(name, input, output):
            found.setdefault(text.place, text)
    return list(found.values())


def read_lines() -> list[str]:
    """The lines of stdin that are not blank."""
    return [line for line in _decoded(_stdin(), "stdin")[0].splitlines() if line.strip()]


def destinations(texts: Iterable[Text], output: Path) -> list[Path]:
    """Where the result of each text goes.

    :raises click.UsageError: where one would replace its source, or another's result.
    """
    taken: dict[Path, str] = {}
    for text in texts:
        if text.path is None:
            raise click.UsageError("stdin goes to stdout: --output is for files and folders.")
        place = output / text.relative
        if os.path.exists(place) and os.path.samefile(place, text.path):
            raise click.UsageError(f"{place} is the source itself: say --in-place to change it.")
        if place in taken:
            raise click.UsageError(f"{taken[place]} and {text.place} would both be written to {place}.")
        taken[place] = text.place
    return list(taken)


def write_text(path: Path, content: str) -> None:
    """Replace a file at once, so that nobody sees half of it and a failure loses nothing.

    One that says so already is left as it is: a build touches what has changed, and no more. Of a symbolic
    link the file that it leads to is replaced.
    """
    if _says(path, content):
        return
    target = path.resolve() if os.path.islink(path) else path
    if not os.path.isdir(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    replace_text(target, content)


def _says(path: Path, content: str) -> bool:
    try:
        return path.read_bytes() == content.encode("utf-8")
    except OSError:
        return False


def _read(name: str, input: Input | None, output: Path | None) -> Iterator[Text]:
    if name == "-":
        content, mark = _decoded(_stdin(), "stdin")
        yield Text(content, input or "html", mark=mark)
        return
    path = Path(name)
    if not path.exists():
        raise click.UsageError(f"There is no file or folder {name!r}.")
    if path.is_file():
        yield _text(path, Path(path.name), input)
        return
    paths = sorted(_walk(path, output.resolve() if output else None))
    if not paths:
        say(f"There are no texts in {name}: files that end in {' '.join(FORMATS)}.")
    for found in paths:
        yield _text(found, found.relative_to(path), input)


def _stdin() -> bytes:
    if sys.stdin is None:
        raise click.UsageError("There is no stdin: name a file or a folder.")
    if sys.stdin.isatty():
        say("Reading from the terminal; Ctrl+D ends it.")
    return sys.stdin.buffer.read()


def _walk(folder: Path, output: Path | None) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if _wanted(name) and Path(parent, name).resolve() != output]
        yield from (Path(parent, name) for name in files if _wanted(name) and _format(name))


def _wanted(name: str) -> bool:
    return name not in SKIPPED and not name.startswith(".")


def _unreadable(error: OSError) -> NoReturn:
    raise error


def _text(path: Path, relative: Path, input: Input | None) -> Text:
    content, mark = _decoded(path.read_bytes(), str(path))
    return Text(content, input or _format(path.name) or "html", path, relative, mark)


def _format(name: str) -> Input | None:
    return FORMATS.get(os.path.splitext(name)[1].lower())


def _decoded(raw: bytes, name: str) -> tuple[str, str]:
    """A text, and the mark before it: no part of its first line."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} is not UTF-8 text (byte {error.start}): convert it first.") from None
    return text.removeprefix(MARK), MARK if text.startswith(MARK) else ""

"""Texts in files and folders: found and read; and where the results go."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from embedkit.cli.console import printable, say, say_error, say_file_error
from embedkit.targets import Input

Report = Callable[[OSError | click.UsageError], None]

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
        """The name to put before a line number, not escaped yet."""
        return str(self.path) if self.path else "<stdin>"

    def encoded(self, content: str) -> bytes:
        """The bytes of a file with that content; with this text's own, those that were read."""
        return (self.mark + content).encode("utf-8")


@dataclass(slots=True)
class Failures:
    """Files that cannot be read: each is reported, and the others go on. ``code`` is the exit code then."""

    code: int = 0

    def report(self, error: OSError | click.UsageError) -> None:
        """Report one."""
        self.code = 2
        if isinstance(error, OSError):
            say_file_error(error)
        else:
            say_error(error.format_message())


def read_texts(
    names: Iterable[str],
    input: Input | None,
    *,
    output: Path | None = None,
    failures: Failures | None = None,
) -> list[Text]:
    """The texts that arguments of a command name: files, folders (their text files), ``-`` for stdin.

    :param input: the format, where it does not follow from the name.
    :param output: a folder of results: where it lies inside of a folder that is named, it is left out.
    :param failures: takes the files that cannot be read; without it the first one is raised.
    :raises click.UsageError: for a path that does not exist or is no UTF-8 text.
    :raises OSError: for one that cannot be read: a text that is left out silently would be lost.
    """
    report = failures.report if failures else _raise
    found: dict[str, Text] = {}
    for name in names or ["-"]:
        for text in _read(name, input, output, report):
            found.setdefault(text.place, text)
    return list(found.values())


def read_lines() -> list[str]:
    """The lines of stdin that are not blank."""
    return [line for line in _decoded(_stdin(), "stdin")[0].splitlines() if line.strip()]


def destinations(texts: Iterable[Text], output: Path) -> dict[str, Path]:
    """Where the result of each text goes, below the folder of results, by the place of the text.

    :raises click.UsageError: where one would replace its source, or another's result.
    """
    taken: dict[Path, str] = {}
    for text in texts:
        if text.path is None:
            raise click.UsageError("stdin goes to stdout: --output is for files and folders.")
        place = output / text.relative
        if os.path.exists(place) and os.path.samefile(place, text.path):
            raise click.UsageError(f"{printable(place)} is the source itself: say --in-place to change it.")
        if place in taken:
            both = f"{printable(taken[place])} and {printable(text.place)}"
            raise click.UsageError(f"{both} would both be written to {printable(place)}.")
        taken[place] = text.place
    return {text.place: text.relative for text in texts}


def _read(name: str, input: Input | None, output: Path | None, report: Report) -> Iterator[Text]:
    if name == "-":
        content, mark = _decoded(_stdin(), "stdin")
        yield Text(content, input or "html", mark=mark)
        return
    path = Path(name)
    if not path.exists():
        raise click.UsageError(f"There is no file or folder {name!r}.")
    folder = not path.is_file()
    paths = sorted(_walk(path, _real(output) if output else None, report)) if folder else [path]
    if not paths:
        say(f"There are no texts in {printable(name)}: files that end in {' '.join(FORMATS)}.")
    for found in paths:
        try:
            yield _text(found, found.relative_to(path) if folder else Path(path.name), input)
        except (OSError, click.UsageError) as error:
            report(error)


def _stdin() -> bytes:
    if sys.stdin is None:
        raise click.UsageError("There is no stdin: name a file or a folder.")
    if sys.stdin.isatty():
        say("Reading from the terminal; Ctrl+D ends it.")
    return sys.stdin.buffer.read()


def _walk(folder: Path, output: Path | None, report: Report) -> Iterator[Path]:
    root = _real(folder)
    for parent, folders, files in os.walk(folder, onerror=report):
        inside = [Path(parent, name) for name in sorted(folders) if _wanted(name)]
        folders[:] = [path.name for path in inside if not _is_left_out(path) and _real(path) != output]
        found = (Path(parent, name) for name in sorted(files) if _wanted(name) and _format(name))
        yield from (path for path in found if not _is_skipped(path, root))


def _is_left_out(folder: Path) -> bool:
    """Links to folders are not followed: what they lead to is read where it is, or is not in the tree."""
    if linked := folder.is_symlink():
        say(f"{printable(folder)} is a link to a folder, and is skipped.")
    return linked


def _is_skipped(path: Path, root: Path) -> bool:
    """Whether it is a link that leads out of the tree, or something that cannot be read to its end."""
    reason = ""
    if path.is_symlink() and not _real(path).is_relative_to(root):
        reason = "is a link that leads out of the folder"
    elif path.exists() and not path.is_file():
        reason = "is not a plain file"
    if reason:
        say(f"{printable(path)} {reason}, and is skipped.")
    return bool(reason)


def _real(path: Path) -> Path:
    """Where a path leads; of a link that leads in a circle, itself (``Path.resolve`` raises)."""
    return Path(os.path.realpath(path))


def _wanted(name: str) -> bool:
    return name not in SKIPPED and not name.startswith(".")


def _raise(error: OSError | click.UsageError) -> NoReturn:
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
        raise click.UsageError(
            f"{printable(name)} is not UTF-8 text (byte {error.start}): convert it first."
        ) from None
    return text.removeprefix(MARK), MARK if text.startswith(MARK) else ""

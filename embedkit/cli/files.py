"""Texts in files and folders: found, read, and written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from embedkit.models import Input

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


@dataclass(frozen=True, slots=True)
class Text:
    """A text and where it came from; ``relative`` is its place below the folder that was named."""

    content: str
    input: Input
    path: Path | None = None
    relative: Path = Path("-")

    @property
    def place(self) -> str:
        """The name to put before a line number."""
        return str(self.path) if self.path else "<stdin>"


def read_texts(names: Iterable[str], input: Input | None) -> list[Text]:
    """The texts that arguments of a command name: files, folders (their text files), ``-`` for stdin.

    :param input: the format, where it does not follow from the name.
    :raises click.UsageError: for a path that does not exist or is no UTF-8 text.
    """
    return [text for name in names or ["-"] for text in _read(name, input)]


def write_text(path: Path, content: str) -> None:
    """Replace a file at once, so that nobody sees half of it and a failure loses nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def _read(name: str, input: Input | None) -> Iterator[Text]:
    if name == "-":
        yield Text(_decoded(sys.stdin.buffer.read(), "stdin"), input or "html")
        return
    path = Path(name)
    if not path.exists():
        raise click.UsageError(f"There is no file or folder {name!r}.")
    if path.is_file():
        yield _text(path, Path(path.name), input)
        return
    for found in sorted(_walk(path)):
        yield _text(found, found.relative_to(path), input)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(parent, name) for name in files if Path(name).suffix.lower() in FORMATS)


def _text(path: Path, relative: Path, input: Input | None) -> Text:
    content = _decoded(path.read_bytes(), str(path))
    return Text(content, input or FORMATS.get(path.suffix.lower(), "html"), path, relative)


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{name} is not UTF-8 text (byte {error.start}): convert it first.") from None

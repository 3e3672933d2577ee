"""Reading content: files as they are, and mistakes with the name of the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


class ContentError(ValueError):
    """A mistake in a data file; the message names the file and the key."""


def read_text(folder: Path, name: str) -> str:
    """:raises ContentError: there is no such file, or it is not UTF-8."""
    try:
        return (folder / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{name}: can't be read ({type(error).__name__})") from error


def read_toml(folder: Path, name: str) -> dict[str, Any]:
    """:raises ContentError: the file can't be read, or is not TOML; a key that stands twice is not."""
    try:
        return tomllib.loads(read_text(folder, name))
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"{name}: {error}") from error

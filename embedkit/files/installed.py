"""Our own files, where they are installed. Paths are strings: pathlib takes longer to import than SQLite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from embedkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def static_dir() -> Path:
    """The folder of the stylesheet and the scripts.

    >>> static_dir().joinpath("embedkit.css").is_file()
    True
    """
    from pathlib import Path

    return Path(PACKAGE, "static")


def templates_dir() -> Path:
    """The folder of the built-in templates: in the package once installed, beside it in a clone.

    :raises ConfigurationError: where there is neither.

    >>> templates_dir().joinpath("embedkit", "web.html").is_file()
    True
    """
    from pathlib import Path

    return Path(templates_path())


def templates_path() -> str:
    """The same as text."""
    for folder in (PACKAGE, os.path.dirname(PACKAGE)):
        if os.path.isfile(os.path.join(folder, "templates", "embedkit", "web.html")):
            return os.path.join(folder, "templates")
    raise ConfigurationError("The templates of embedkit are missing.", hint="Install the package again.")


def markup_sources() -> Iterator[bytes]:
    """What is in the files that make HTML, in a fixed order: the templates, and the modules behind them."""
    for folder in (os.path.join(templates_path(), "embedkit"), os.path.join(PACKAGE, "rendering")):
        for name in sorted(os.listdir(folder)):
            yield _read(os.path.join(folder, name))
    yield _read(os.path.join(PACKAGE, "targets.py"))
    yield _read(os.path.join(PACKAGE, "models.py"))


def _read(path: str) -> bytes:
    """The bytes of a file; none where an installation has left out the sources, or it is a folder."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

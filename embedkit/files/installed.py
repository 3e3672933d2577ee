"""Location of the package's own files. Paths are strings: pathlib takes longer to import than SQLite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from embedkit.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def static_dir() -> Path:
    """Return the folder that contains the stylesheet and the scripts.

    >>> static_dir().joinpath("embedkit.css").is_file()
    True
    """
    from pathlib import Path

    return Path(PACKAGE, "static")


def templates_dir() -> Path:
    """Return the folder of the built-in templates: in the package if it is installed, next to it in a clone.

    :raises ConfigurationError: if there is neither.

    >>> templates_dir().joinpath("embedkit", "web.html").is_file()
    True
    """
    from pathlib import Path

    return Path(templates_path())


def templates_path() -> str:
    """Return :func:`templates_dir` as a string."""
    for folder in (PACKAGE, os.path.dirname(PACKAGE)):
        if os.path.isfile(os.path.join(folder, "templates", "embedkit", "web.html")):
            return os.path.join(folder, "templates")
    raise ConfigurationError("The templates of embedkit are missing.", hint="Install the package again.")


def markup_sources() -> Iterator[bytes]:
    """Yield the contents of all files that determine the HTML, in a fixed order: templates and modules."""
    for folder in (os.path.join(templates_path(), "embedkit"), os.path.join(PACKAGE, "rendering")):
        for name in sorted(os.listdir(folder)):
            yield _read(os.path.join(folder, name))
    yield _read(os.path.join(PACKAGE, "targets.py"))
    yield _read(os.path.join(PACKAGE, "models.py"))


def _read(path: str) -> bytes:
    """Return the bytes of a file; none if it is a folder, or an installation without sources lacks it."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""

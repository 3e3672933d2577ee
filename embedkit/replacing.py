"""Files replaced whole or not at all: nobody sees half of one, and a failure loses nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_text(path: Path, content: str) -> None:
    """Put a text in the place of a file, in UTF-8; of a symbolic link, of the file that it leads to.

    A file keeps its mode; a new one may be read by all. The folder has to be there.

    :raises OSError: where it cannot be written; then the old file is as it was.
    """
    path = path.resolve() if os.path.islink(path) else path
    mode = path.stat().st_mode & 0o777 if os.path.exists(path) else 0o644
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
    except OSError as error:
        error.filename = str(path)  # the name that the user knows
        raise
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise

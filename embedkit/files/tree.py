"""A folder of results: filled file by file, through no link that is in it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from embedkit.files.atomic import write_in
from embedkit.files.folder import Folder, error_at
from embedkit.files.partial import sweep


class Tree:
    """A folder, which may itself be reached through links; it is made where there is none.

    :param root: its path.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[Path] = set()

    def write(self, relative: Path, new: bytes) -> bool:
        """Write a file below the folder, whatever is in its place; one that says so already stays untouched.

        :param relative: its path, of plain names.
        :returns: whether it was needed.
        :raises OSError: where it can't be written, or a link is in the way; then what was there is as it was.
        """
        with ExitStack() as opened:
            os.makedirs(self._root, exist_ok=True)
            folder = opened.enter_context(Folder(self._root))
            for number, part in enumerate(relative.parent.parts, 1):
                with error_at(self._root.joinpath(*relative.parts[:number])):
                    folder = opened.enter_context(folder.child(part))
            if folder.path not in self._folders:
                self._folders.add(folder.path)
                sweep(folder)
            with error_at(self._root / relative):
                return write_in(folder, relative.name, new)

    def sync(self) -> None:
        """Have the names of all files on the disk; each file is there already."""
        for path in self._folders:
            with Folder(path) as folder:
                folder.sync()

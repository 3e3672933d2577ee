"""Folders with hooks before each operating system call, and editors that save a file at the wrong moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedkit.cache.secret import kept_secret
from embedkit.files.atomic import write_back
from embedkit.files.folder import Folder

EDITED = b"what its author saved\n"
STALE_PART = ".post.md.0123456789abcdef.embedkit.part"
OLD, NEW = b"the old content\n", b"the new content\n"


def file_names(folder: Path) -> list[str]:
    """Return the sorted names of the files in a folder."""
    return sorted(os.listdir(folder))


class HookedFolder(Folder):
    """A folder that calls a function before each operating system call."""

    def __init__(self, path: Path, step: Callable[[str], object]) -> None:
        super().__init__(path)
        self._step = step

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        self._step("open")
        return super().open(name, flags, mode)

    def stat(self, name: str) -> os.stat_result:
        self._step("stat")
        return super().stat(name)

    def may_write(self, name: str) -> bool:
        self._step("access")
        return super().may_write(name)

    def unlink(self, name: str) -> None:
        self._step("unlink")
        super().unlink(name)

    def replace(self, name: str, other: str) -> None:
        self._step("replace")
        super().replace(name, other)

    def link(self, name: str, other: str) -> None:
        self._step("link")
        super().link(name, other)

    def rename(self, name: str, other: str) -> bool:
        self._step("rename")
        return super().rename(name, other)

    def exchange(self, name: str, other: str) -> bool:
        self._step("exchange")
        return super().exchange(name, other)

    def sync(self) -> None:
        self._step("sync")
        super().sync()


class BasicFolder(Folder):
    """A folder on a file system that only supports a simple rename."""

    def rename(self, name: str, other: str) -> bool:
        return False

    def exchange(self, name: str, other: str) -> bool:
        return False


def acting_before_replace(act: Callable[[], object], kind: type[Folder] = Folder) -> type[Folder]:
    """Return a folder class that calls a function once, when a file is written but not yet compared or replaced."""
    acts = [act]

    class Acting(kind):  # type: ignore[valid-type, misc]
        def replace(self, name: str, other: str) -> None:
            if acts:
                acts.pop()()
            super().replace(name, other)

        def rename(self, name: str, other: str) -> bool:
            if acts:
                acts.pop()()
            return bool(super().rename(name, other))

    return Acting


class CallAt:
    """A hook that calls functions before some of the calls, counted from 0."""

    def __init__(self, acts: dict[int, Callable[[], object]]) -> None:
        self._acts = acts
        self.count = 0

    def __call__(self, call: str = "") -> None:
        number, self.count = self.count, self.count + 1
        self._acts.get(number, lambda: None)()


def save_by_rename(path: Path, content: bytes) -> None:
    """Save a file as most editors do."""
    draft = path.with_name(f"{path.name}.of-the-editor")
    draft.write_bytes(content)
    os.replace(draft, path)


class SlowAuthor:
    """An editor that saves a file in place, in two steps: open and write."""

    def __init__(self, path: Path, content: bytes, mode: str) -> None:
        self._path, self._content, self._mode = path, content, mode

    def open(self) -> None:
        self._file = open(self._path, self._mode, buffering=0)  # noqa: SIM115 (write() closes it)

    def write(self) -> None:
        self._file.write(self._content)
        self._file.truncate()
        self._file.close()


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


POST = "post.embedkit.part.md"  # resembles the name of a partial file


def write_post(folder: Path, step: Callable[[str], object]) -> None:
    write_back(folder / POST, OLD, NEW, open_folder=lambda path: HookedFolder(path, step))


def write_lock(folder: Path, step: Callable[[str], object]) -> None:
    write_back(folder / "lock.json", None, NEW, open_folder=lambda path: HookedFolder(path, step))


def make_secret(folder: Path, step: Callable[[str], object]) -> None:
    kept_secret(folder / "secret", lambda path: HookedFolder(path, step))


ACTS: dict[str, Any] = {"post": write_post, "lock": write_lock, "secret": make_secret, "cut off": make_secret}


def main(act: str, folder: str) -> None:
    """Fork children that perform an act and kill themselves before the n-th system call, in folders 0, 1 …"""
    for number in range(1000):
        child = os.fork()
        if not child:
            step = CallAt({number: kill_self})
            ACTS[act](Path(folder, str(number)), step)
            os._exit(0)
        if not os.waitpid(child, 0)[1]:
            print(number)
            return


if __name__ == "__main__":
    main(*sys.argv[1:])

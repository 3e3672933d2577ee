"""The picker's files: ES modules, styles and words, as one release that is served, copied and checked as a whole.

A browser keeps modules by their URLs, and a module names others relative to its own URL, without a query. So a
release is a folder whose name is the hash of its content: a page never mixes modules of two versions, whatever its
browser or a proxy has kept.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from html import escape
from pathlib import Path

from embedkit.files.installed import static_dir

ENTRY = "embedkit-picker.js"
PAGE = "embedkit-picker-page.js"
PATTERNS = ("embedkit-picker*.js", "embedkit-picker*.css", "picker/*.js", "locales/*.json")
RELEASE_CHARS = 16  # of a SHA-256 in hexadecimal: 64 bits tell releases apart


@dataclass(frozen=True)
class Module:
    """A module of the picker: its path in the release's folder, and its hash for Subresource Integrity."""

    name: str
    integrity: str


@dataclass(frozen=True)
class PickerFiles:
    """A release, in memory: an upgrade under a running process doesn't change what the process serves."""

    contents: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> PickerFiles:
        """The release that a folder of static files holds."""
        paths = sorted(path for pattern in PATTERNS for path in folder.glob(pattern))
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})

    @cached_property
    def folder(self) -> str:
        """The name of the release's folder, such as ``picker-9f86d081884c7d65``."""
        digest = hashlib.sha256()
        for name, content in self.contents.items():
            digest.update(f"{name}\n{len(content)}\n".encode())
            digest.update(content)
        return f"picker-{digest.hexdigest()[:RELEASE_CHARS]}"

    @property
    def imported(self) -> tuple[Module, ...]:
        """The modules that the entry imports, itself or through others."""
        return tuple(module for name, module in self.modules.items() if name.startswith("picker/"))

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The modules of the release, by their names such as ``embedkit-picker.js``."""
        scripts = {name: content for name, content in self.contents.items() if name.endswith(".js")}
        return {name: Module(name, _integrity(content)) for name, content in scripts.items()}

    def tags(self, base: str) -> Iterator[str]:
        """The lines with which a page loads the picker, and nothing but this release of it.

        Browsers load all modules at once, and check each, only where a line names it: imports carry no hashes.

        :param base: the URL of the static files, without a slash at its end.
        """
        release = escape(f"{base}/{self.folder}")
        for module in self.imported:
            checked = f'integrity="{module.integrity}" crossorigin'
            yield f'<link rel="modulepreload" href="{release}/{module.name}" {checked}>'
        checked = f'integrity="{self.modules[ENTRY].integrity}" crossorigin'
        yield f'<script type="module" src="{release}/{ENTRY}" {checked}></script>'

    def copy(self, write: Callable[[Path, bytes], object]) -> list[Path]:
        """Write the release below a folder of static files. Others stay there: pages may still name them.

        :param write: takes a path relative to that folder, and what to write there.
        :returns: those paths.
        """
        for name, content in self.contents.items():
            write(Path(self.folder, name), content)
        return [Path(self.folder, name) for name in self.contents]


def _integrity(content: bytes) -> str:
    return f"sha384-{b64encode(hashlib.sha384(content).digest()).decode()}"


@cache
def picker_files() -> PickerFiles:
    """The release in this package, read once."""
    return PickerFiles.read(static_dir())

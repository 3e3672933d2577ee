"""The picker's ES modules, styles and locales, as a release that is served, copied and verified as a whole.

Browsers cache modules by URL, and a module imports others relative to its own URL, without a query. So a release
is a folder named after the hash of its content, and a page never mixes modules of two versions, whatever its
browser or a proxy has cached.
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
RELEASE_CHARS = 16  # of a hexadecimal SHA-256: 64 bits


@dataclass(frozen=True)
class Module:
    """A module of the picker: its path in the release's folder, and its hash for Subresource Integrity."""

    name: str
    integrity: str


@dataclass(frozen=True)
class PickerFiles:
    """A release in memory, so that an upgrade doesn't change the files served by a running process."""

    contents: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> PickerFiles:
        """Read the release from a folder of static files."""
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
        """The modules that the entry module imports, directly or indirectly."""
        return tuple(module for name, module in self.modules.items() if name.startswith("picker/"))

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The modules of the release by name, such as ``embedkit-picker.js``."""
        scripts = {name: content for name, content in self.contents.items() if name.endswith(".js")}
        return {name: Module(name, _integrity(content)) for name, content in scripts.items()}

    def tags(self, base: str) -> Iterator[str]:
        """Yield the tags that load the picker, and exactly this release of it.

        Only modules with a tag are loaded in parallel and verified, because imports have no hashes.

        :param base: the URL of the static files, without a trailing slash.
        """
        release = escape(f"{base}/{self.folder}")
        for module in self.imported:
            checked = f'integrity="{module.integrity}" crossorigin'
            yield f'<link rel="modulepreload" href="{release}/{module.name}" {checked}>'
        checked = f'integrity="{self.modules[ENTRY].integrity}" crossorigin'
        yield f'<script type="module" src="{release}/{ENTRY}" {checked}></script>'

    def copy(self, write: Callable[[Path, bytes], object]) -> list[Path]:
        """Write the release to a folder of static files. Older releases are kept, since pages can still use them.

        :param write: called with a path relative to that folder, and the content.
        :returns: the paths written.
        """
        for name, content in self.contents.items():
            write(Path(self.folder, name), content)
        return [Path(self.folder, name) for name in self.contents]


def _integrity(content: bytes) -> str:
    return f"sha384-{b64encode(hashlib.sha384(content).digest()).decode()}"


@cache
def picker_files() -> PickerFiles:
    """Return the release in this package, which is read once."""
    return PickerFiles.read(static_dir())

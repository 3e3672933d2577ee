"""An example's npm packages, installed next to it when it starts for the first time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# from the lock file: each package with its hash, from the registry that npm is configured with
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")

DONE = ".package-lock.json"  # the last file that npm writes


@dataclass(frozen=True, slots=True)
class Packages:
    """The folder that contains an example's ``package.json`` and ``node_modules``."""

    folder: Path

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath("node_modules", *parts)

    def install(self) -> None:
        """Run npm once; do nothing for an example without a ``package.json``.

        :raises SystemExit: if npm isn't installed, or fails.
        """
        if not self.folder.joinpath("package.json").exists() or self.path(DONE).exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("This example needs npm, which is not installed: see https://nodejs.org")
        print(f"Installing packages into {self.path()} …", file=sys.stderr, flush=True)
        if subprocess.run([npm, *INSTALL], cwd=self.folder, stdout=sys.stderr, check=False).returncode:
            sys.exit("npm could not install the packages.")

"""What an example needs from npm: installed beside the example when it starts for the first time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# from the lock file: each package by its hash, from whichever registry npm is set up with
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")

DONE = ".package-lock.json"  # what npm writes last


@dataclass(frozen=True, slots=True)
class Packages:
    """The folder with an example's ``package.json``, and ``node_modules`` in it."""

    folder: Path

    def path(self, *parts: str) -> Path:
        return self.folder.joinpath("node_modules", *parts)

    def install(self) -> None:
        """Run npm, unless that was done; nothing is done for an example without a ``package.json``.

        :raises SystemExit: where there is no npm, or it fails.
        """
        if not self.folder.joinpath("package.json").exists() or self.path(DONE).exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("This example needs npm, which is not installed here: see https://nodejs.org")
        print(f"Installing packages into {self.path()} …", file=sys.stderr, flush=True)
        if subprocess.run([npm, *INSTALL], cwd=self.folder, stdout=sys.stderr, check=False).returncode:
            sys.exit("npm could not install them.")

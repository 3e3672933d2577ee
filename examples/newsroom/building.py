"""Sites built by a generator: build the example's folder into pages, and serve them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Flask, send_from_directory
from flask.typing import ResponseReturnValue

from newsroom.packages import Packages
from newsroom.service import Service

EXAMPLES = Path(__file__).resolve().parents[1]


def build_site(
    folder: Path, packages: Packages, service: Service, command: Sequence[str], needs: Sequence[str] = ()
) -> Flask:
    """Build a copy of an example's folder, which stays clean, and serve the result.

    :param command: the generator's command, run in the copy; it writes to the folder ``built`` there.
    :param needs: programs that must be installed.
    :raises SystemExit: if one of them is missing, or the build fails.
    """
    kept = tempfile.TemporaryDirectory(prefix="embedkit-")
    copy = Path(kept.name, folder.name)
    copy_site(folder, packages, copy)
    environ = environment(service, copy.parent)
    for program in needs:
        if shutil.which(program, path=environ["PATH"]) is None:
            sys.exit(f"{program} is not installed. See the README.")
    if subprocess.run(command, cwd=copy, env=environ, stdout=sys.stderr, check=False).returncode:
        sys.exit("The site could not be built.")
    return _serve(copy / "built", kept)


def copy_site(folder: Path, packages: Packages, copy: Path) -> None:
    """Copy an example's folder, its npm packages, and the JavaScript that the examples share."""
    left_out = shutil.ignore_patterns("node_modules", "__pycache__", "app.py")
    shutil.copytree(folder, copy, ignore=left_out)
    shutil.copytree(EXAMPLES / "javascript", copy.parent / "javascript", dirs_exist_ok=True)
    if packages.path().exists():
        copy.joinpath("node_modules").symlink_to(packages.path().resolve(), target_is_directory=True)


def environment(service: Service, folder: Path) -> dict[str, str]:
    """Return the environment of a build: the service's URL and token, and settings to use the sandbox as Getty.

    :param folder: the folder for the generator's caches.
    """
    ours = {"EMBEDS_URL": service.url, "EMBEDS_TOKEN": service.token.reveal()}
    return {
        **os.environ,
        **ours,
        **{f"HUGO_{name}": value for name, value in ours.items()},  # Hugo reads only these
        "HUGO_CACHEDIR": str(folder / "cache"),
        "EMBEDKIT_OEMBED_ENDPOINT": f"{service.pictures}/oembed",
        "EMBEDKIT_FRAME_ORIGIN": service.pictures,
        "EMBEDKIT_IMAGE_ORIGINS": service.pictures,
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _serve(built: Path, kept: Any) -> Flask:
    site = Flask("built", static_folder=None)
    site.extensions["kept"] = kept  # the folder is deleted together with the site

    @site.get("/", defaults={"name": ""})
    @site.get("/<path:name>")
    def page(name: str) -> ResponseReturnValue:
        return send_from_directory(built, name + "index.html" if name[-1:] in ("", "/") else name)

    return site

"""Run command-line commands in process, with the sandbox as the upstream."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedkit.cli.main import main
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.services import auth


@dataclass
class Outcome:
    code: int
    out: str
    err: str


log = logging.getLogger("embedkit")

Run = Callable[..., Outcome]


def sandbox_environ(url: str, folder: Path) -> dict[str, str]:
    """Return environment variables for a licensed customer whose upstream is the sandbox at ``url``."""
    return {
        "EMBEDKIT_OEMBED_ENDPOINT": f"{url}/oembed",
        "EMBEDKIT_FRAME_ORIGIN": url,
        "EMBEDKIT_API_BASE": url,
        "EMBEDKIT_TOKEN_URL": f"{url}/oauth2/token",
        "EMBEDKIT_IMAGE_ORIGINS": url,
        "EMBEDKIT_API_KEY": auth.KEY,
        "EMBEDKIT_API_SECRET": auth.SECRET,
        "EMBEDKIT_USERNAME": auth.USER,
        "EMBEDKIT_PASSWORD": auth.PASSWORD,
        "EMBEDKIT_TIMEOUT": "60",  # a loaded machine must not look like a slow upstream
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "EMBEDKIT_DOWNLOAD_JOURNAL": str(folder / "journal"),
        "XDG_CACHE_HOME": str(folder / "xdg"),
    }


def without_settings(names: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the developer's own EMBEDKIT_ variables."""
    return {name: value for name, value in names.items() if not name.startswith("EMBEDKIT_")}


def runner(
    sandbox: SandboxServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return a function that runs commands in a folder; the test can change the environment further."""
    for name in os.environ.keys() - without_settings(os.environ).keys():
        monkeypatch.delenv(name)
    for name, value in sandbox_environ(sandbox.url, folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(folder)

    def call(*args: str, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        handlers, level = list(log.handlers), log.level
        with pytest.raises(SystemExit) as stopped:
            main(list(args))
        log.handlers[:], log.level = handlers, level  # -v writes to the stderr of this call
        streams = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), streams.out, streams.err)

    return call

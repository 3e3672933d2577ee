"""Commands of the command line in process, with the sandbox as their Getty."""

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
    """The environment of a licensed customer whose Getty is the sandbox at that address."""
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
        "EMBEDKIT_TIMEOUT": "60",  # a loaded machine is no slow Getty
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "EMBEDKIT_DOWNLOAD_JOURNAL": str(folder / "journal"),
        "XDG_CACHE_HOME": str(folder / "xdg"),
    }


def without_settings(names: Mapping[str, str]) -> dict[str, str]:
    """An environment without the settings of whoever runs the tests."""
    return {name: value for name, value in names.items() if not name.startswith("EMBEDKIT_")}


def runner(
    sandbox: SandboxServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs commands in that folder; the environment can be changed further by the test."""
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

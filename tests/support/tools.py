"""Helpers for all tests: paths, a clock, required programs, npm and Python packages, a browser."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import platformdirs
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
# Packages that tests install are kept for the next run. The variable passes the folder to subprocesses that have
# another cache folder.
INSTALLED = Path(os.environ.setdefault("TESTS_INSTALLED", platformdirs.user_cache_dir("embedkit-tests")))
# Put before a command to start it with default signal handlers and mask, even if its parent ignores signals.
WITH_SIGNALS = (
    sys.executable,
    "-c",
    "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (signal.SIGINT, signal.SIGTERM)];"
    " signal.pthread_sigmask(signal.SIG_SETMASK, ()); os.execvp(sys.argv[1], sys.argv[1:])",
)
FIXTURES = ROOT / "tests" / "fixtures"
CHROMIUM = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
]


class Clock:
    """A clock that a test advances by setting ``now`` or ``ahead``.

    :param start: the time at which it is stopped, or a running clock, such as :func:`time.time`, as its base.
    """

    def __init__(self, start: float | Callable[[], float] = 1_800_000_000.0) -> None:
        self._base = start if callable(start) else lambda: start
        self.ahead = 0.0

    def __call__(self) -> float:
        return self._base() + self.ahead

    @property
    def now(self) -> float:
        return self()

    @now.setter
    def now(self, seconds: float) -> None:
        self.ahead = seconds - self._base()


def need(tool: str) -> str:
    """Return the path of a program, or of a package's folder; if it is missing, skip the test, or fail in CI."""
    if path := shutil.which(tool) or (tool if Path(tool).is_dir() else None):
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


def reference_dir() -> Path:
    """Return the folder in REFERENCE_DIR, which has the large corpora; skip the test if it is not set."""
    if folder := os.environ.get("REFERENCE_DIR"):
        return Path(folder)
    pytest.skip("REFERENCE_DIR is not set: corpora that are too large for the repository")


def node_packages(source: Path) -> Path:
    """Copy a folder with a ``package-lock.json``, install its npm packages there, and return the copy."""
    npm = need("npm")
    version = hashlib.sha256(source.joinpath("package-lock.json").read_bytes()).hexdigest()[:12]
    folder = INSTALLED / f"{source.name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.joinpath("lock").open("w") as lock:  # another worker may be installing it
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        if not folder.joinpath("installed").exists():
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
            if done.returncode and not os.environ.get("CI"):
                pytest.skip(f"npm can't install the packages of {source.name}")
            assert done.returncode == 0, done.stderr
            folder.joinpath("installed").touch()
    return folder


def python_packages(*requirements: str) -> Path:
    """Return a folder for PYTHONPATH with packages that conflict with the tests' own, and their dependencies."""
    version = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:12]
    folder = INSTALLED / f"python-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.joinpath("lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.joinpath("installed").exists():
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--target",
                str(folder),
                *requirements,
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            if done.returncode and not os.environ.get("CI"):
                pytest.skip(f"pip can't install {' '.join(requirements)}")
            assert done.returncode == 0, done.stderr
            folder.joinpath("installed").touch()
    return folder


def terminates(call: Callable[..., object], *arguments: object) -> bool:
    """Return whether a call returns or raises within 30 seconds."""

    def run() -> None:
        with suppress(Exception):
            call(*arguments)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    return not thread.is_alive()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without access to other machines."""
    from playwright.sync_api import sync_playwright  # most tests don't need it

    with sync_playwright() as playwright:
        program = shutil.which("chromium-headless-shell") or need("chromium")  # the same engine with less overhead
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()

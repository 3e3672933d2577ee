"""What tests of every room share: folders, a clock, programs that must be there, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
CHROMIUM = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
]


class Clock:
    """Seconds that pass when a test moves ``now`` or ``ahead``.

    :param start: where it stands still; or a clock, such as :func:`time.time`, that it goes along with.
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
    """The path of a program; where it is missing, CI fails and a laptop skips."""
    if path := shutil.which(tool):
        return path
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


def reference_dir() -> Path:
    """The folder that REFERENCE_DIR names, with the large corpora; tests over them skip without it."""
    if folder := os.environ.get("REFERENCE_DIR"):
        return Path(folder)
    pytest.skip("REFERENCE_DIR is not set")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that reaches this machine and nothing else."""
    from playwright.sync_api import sync_playwright  # which most tests have no use for

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=CHROMIUM)
        yield browser
        browser.close()

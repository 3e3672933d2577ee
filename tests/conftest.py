"""Fixtures for all tests, and the markers that separate quick tests from slower ones.

Markers are added automatically: ``browser`` to tests that use a browser; ``server`` to tests in folders that start
servers and processes, and to others with a server fixture; ``slow`` to property tests and to the remaining
folders. Tests without any of these are the quick run. A file or test can also be marked explicitly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import platformdirs
import pytest

from tests.support.tools import ROOT, Clock, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from embedkit import EmbedKit
    from embedkit.sandbox import SandboxServer
    from tests.support.cli import Run
    from tests.support.picker import Desk


SERVER_FOLDERS = {"browser", "cli", "faults", "hosts", "web"}
SLOW_FOLDERS = {"sandbox", "security", "typing"}
SERVERS = {
    "sandbox",
    "embedkit_sandbox",
    "embedkit_kit",
    "redis_server",
    "memcached_server",
    "upstream",
    "server",
    "machine",
}


def pytest_configure(config: pytest.Config) -> None:
    """Keep the secrets, tokens and journals of tests out of the developer's own cache and data folders."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # workers use their parent's folder
        os.environ.setdefault("PIP_CACHE_DIR", platformdirs.user_cache_dir("pip"))
        folder = TemporaryDirectory(prefix="embedkit-tests-", ignore_cleanup_errors=True)
        for kind in ("CACHE", "DATA"):
            os.environ[f"XDG_{kind}_HOME"] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test according to its folder and its fixtures."""
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        fixtures = set(getattr(item, "fixturenames", ()))
        if "browser" in fixtures:
            item.add_marker("browser")
        if folder in SERVER_FOLDERS or fixtures & SERVERS:
            item.add_marker("server")
        if folder in SLOW_FOLDERS or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("slow")


@pytest.fixture
def clock() -> Clock:
    """A clock that only moves when the test advances it."""
    return Clock()


@pytest.fixture(scope="session")
def searchable() -> None:
    """The sandbox's search index, built before tests measure timeouts: on a busy machine it takes seconds."""
    from embedkit.sandbox.services.ranking import index

    index()


@pytest.fixture
def sandbox(embedkit_sandbox: SandboxServer, searchable: None) -> SandboxServer:
    """Getty's services, emulated on a free port; ``.app`` has the controls."""
    return embedkit_sandbox


@pytest.fixture
def kit(embedkit_kit: EmbedKit) -> EmbedKit:
    """A kit whose upstream is ``sandbox``, in process."""
    return embedkit_kit


@pytest.fixture
def run(
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """A function that runs commands in process, in a temporary folder, with ``sandbox`` as the upstream."""
    from tests.support.cli import runner

    return runner(sandbox, tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without access to other machines."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def room(browser: Browser) -> Iterator[Desk]:
    """The servers for the picker: a page with it and a fake service; use ``desk``."""
    from tests.support.picker import desks  # imports Playwright, which most tests don't need

    with desks(browser) as room:
        yield room


@pytest.fixture
def desk(room: Desk) -> Iterator[Desk]:
    """Opens pages with the picker, and closes them after the test."""
    yield room
    room.close()

"""What tests of every room ask for, and the marks that tell quick tests from others.

Marks come by themselves: ``browser`` for whatever asks for one; ``server`` for the folders whose tests start
servers and processes, and for whatever asks for one in ``tests/unit``; ``slow`` for properties, and for the other
folders. What has none of the three is the quick run. A single file or test can be marked by hand.
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
    """Keep secrets, tokens and journals of tests out of the folders that the user's own embedkit has."""
    if "PYTEST_XDIST_WORKER" not in os.environ:  # those have the folder of their parent
        os.environ.setdefault("PIP_CACHE_DIR", platformdirs.user_cache_dir("pip"))
        folder = TemporaryDirectory(prefix="embedkit-tests-", ignore_cleanup_errors=True)
        for kind in ("CACHE", "DATA"):
            os.environ[f"XDG_{kind}_HOME"] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by its folder and by what it asks for."""
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        asks = set(getattr(item, "fixturenames", ()))
        if "browser" in asks:
            item.add_marker("browser")
        if folder in SERVER_FOLDERS or asks & SERVERS:
            item.add_marker("server")
        if folder in SLOW_FOLDERS or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("slow")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until the test moves it."""
    return Clock()


@pytest.fixture(scope="session")
def searchable() -> None:
    """The sandbox's index, made before anybody waits for it: on a busy machine it takes seconds."""
    from embedkit.sandbox.services.ranking import index

    index()


@pytest.fixture
def sandbox(embedkit_sandbox: SandboxServer, searchable: None) -> SandboxServer:
    """Getty's services on a free port; ``.app`` has the switches."""
    return embedkit_sandbox


@pytest.fixture
def kit(embedkit_kit: EmbedKit) -> EmbedKit:
    """A kit whose Getty is ``sandbox``, in process."""
    return embedkit_kit


@pytest.fixture
def run(
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command of the command line in process and in a folder of its own; its Getty is ``sandbox``."""
    from tests.support.cli import runner

    return runner(sandbox, tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that reaches this machine and nothing else."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def room(browser: Browser) -> Iterator[Desk]:
    """The picker, and a service that answers what a test wants it to answer."""
    from tests.support.picker import desks  # brings Playwright, which most tests have no use for

    with desks(browser) as room:
        yield room


@pytest.fixture
def desk(room: Desk) -> Iterator[Desk]:
    """A page with the picker, closed behind the test."""
    yield room
    room.close()

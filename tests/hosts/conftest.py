"""A WordPress shared by all tests that need it, since it takes ten seconds to install."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from embedkit.sandbox import SandboxServer
from tests.support.servers import Server, running
from tests.support.wordpress import ADMIN_TOKEN, TOKEN, WordPress, wordpress
from tests.support.wordpress_admin import log_in


@pytest.fixture(name="getty", scope="session")
def fixture_getty() -> Iterator[SandboxServer]:
    with SandboxServer() as getty:
        yield getty


@pytest.fixture(name="site", scope="session")
def fixture_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    with wordpress(tmp_path_factory.mktemp("wordpress")) as site:
        yield site


@pytest.fixture(name="service", scope="session")
def fixture_service(
    getty: SandboxServer, site: WordPress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = getty.settings()
    environ = {
        "EMBEDKIT_API_KEY": settings.api_key.reveal(),
        "EMBEDKIT_API_SECRET": settings.api_secret.reveal(),
        "EMBEDKIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "EMBEDKIT_CACHE": f"sqlite:{tmp_path_factory.mktemp('service')}/cache",
        "EMBEDKIT_RATE_LIMIT": "100000/minute",
        "EMBEDKIT_SECRET": "s" * 40,
        "EMBEDKIT_TOKENS": TOKEN,
        "EMBEDKIT_ADMIN_TOKEN": ADMIN_TOKEN,
        "EMBEDKIT_PICKER_ORIGINS": site.url,
    }
    command = [sys.executable, "-m", "embedkit", "serve", "--port", str(port), "--upstream", getty.url]
    with running(command, environ) as service:
        yield service


@pytest.fixture(name="blog")
def fixture_blog(site: WordPress, service: Server) -> WordPress:
    site.set("embedkit_service", service.url)
    site.set("embedkit_token", TOKEN)
    site.set("embedkit_target", "web")
    return site


@pytest.fixture(name="session", scope="module")
def fixture_session(browser: Browser, site: WordPress) -> StorageState:
    """The administrator's cookies."""
    site.silence_guide(1)
    with browser.new_context() as context:
        log_in(context.new_page(), site, "admin", "admin")
        return context.storage_state()


@pytest.fixture(name="admin")
def fixture_admin(browser: Browser, session: StorageState) -> Iterator[Page]:
    """A page of the administrator's, in a browser context without stored picker state."""
    expect.set_options(timeout=30_000)  # the admin is slow on a busy machine
    with browser.new_context(viewport={"width": 1280, "height": 900}, storage_state=session) as context:
        yield context.new_page()
    expect.set_options(timeout=5_000)

"""pytest fixtures for your own tests: a sandbox of Getty's services, and an EmbedKit connected to it.

    def test_my_page(embedkit_kit, embedkit_sandbox):
        assert "<iframe" in embedkit_kit.html("74917285")
        assert embedkit_sandbox.app.count("oembed") == 1

        embedkit_sandbox.app.withdraw("74917285")
        embedkit_sandbox.app.faults.add("status", status=503)

pytest loads this module on every start, so it imports nothing until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from embedkit import EmbedKit
    from embedkit.sandbox import SandboxConfig, SandboxServer


@pytest.fixture
def embedkit_sandbox_config() -> SandboxConfig:
    """Configure ``embedkit_sandbox``; override this fixture to change it, for example to an older era."""
    from embedkit.sandbox import SandboxConfig

    return SandboxConfig()


@pytest.fixture
def embedkit_sandbox(embedkit_sandbox_config: SandboxConfig) -> Iterator[SandboxServer]:
    """A :class:`~embedkit.sandbox.SandboxServer` on a free port of 127.0.0.1, new for each test."""
    from embedkit.sandbox import SandboxServer

    with SandboxServer(embedkit_sandbox_config) as server:
        yield server


@pytest.fixture
def embedkit_kit(embedkit_sandbox: SandboxServer) -> Iterator[EmbedKit]:
    """An :class:`~embedkit.EmbedKit` connected to ``embedkit_sandbox`` in process, new for each test."""
    from embedkit import EmbedKit
    from embedkit.sandbox import SandboxTransport

    settings = embedkit_sandbox.settings(secret=("embedkit-sandbox-" * 3,), cache="memory:")
    with EmbedKit(settings, transport=SandboxTransport(embedkit_sandbox.app)) as kit:
        yield kit

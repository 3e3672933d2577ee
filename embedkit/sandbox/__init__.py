"""An offline emulator of the services of Getty Images: for tests, examples, demos and building without a network.

    from embedkit.sandbox import SandboxServer

    with SandboxServer() as sandbox:
        kit = EmbedKit(sandbox.settings())

What it knows of the real service, and what it only guesses, stands in :mod:`embedkit.sandbox.services.config`;
the pictures there are, in :mod:`embedkit.sandbox.content.catalogue`; what can be made to go wrong, in
:mod:`embedkit.sandbox.faults`.
"""

from embedkit.sandbox.app import Sandbox, create_sandbox
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.faults import Fault, Faults
from embedkit.sandbox.server import SandboxServer, SandboxTransport, serve
from embedkit.sandbox.services.config import SandboxConfig

__all__ = [
    "Asset",
    "Fault",
    "Faults",
    "Sandbox",
    "SandboxConfig",
    "SandboxServer",
    "SandboxTransport",
    "create_sandbox",
    "serve",
]

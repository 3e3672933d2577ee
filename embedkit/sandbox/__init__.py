"""An offline emulator of Getty Images' services, for tests, examples, demos and builds without a network.

    from embedkit.sandbox import SandboxServer

    with SandboxServer() as sandbox:
        kit = EmbedKit(sandbox.settings())

See :mod:`embedkit.sandbox.services.config` for what is known about the real service and what is only assumed,
:mod:`embedkit.sandbox.content.catalogue` for the available pictures, and :mod:`embedkit.sandbox.faults` for the
faults that can be injected.
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

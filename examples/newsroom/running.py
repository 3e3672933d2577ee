"""The command that starts an example: ``python examples/NAME/app.py [--port 8000]``."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from waitress.server import create_server

from newsroom.packages import Packages
from newsroom.service import Service, start

HOME = "127.0.0.1"


def run(create: Callable[[Service, Packages], Any], folder: Path, arguments: Sequence[str] | None = None) -> None:
    """Start the service, then the site, and print its URL.

    :param create: creates the site, a WSGI application.
    :param folder: the example's folder.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as with Ctrl+C
    args = _arguments(folder, arguments)
    packages = Packages(args.packages)
    packages.install()
    with _listen(args.port) as listening:
        port = listening.getsockname()[1]
        origins = (f"http://{HOME}:{port}", f"http://localhost:{port}")
        with start(origins) as service, suppress(KeyboardInterrupt):
            server = create_server(create(service, packages), sockets=[listening], threads=8, ident=None)
            print(f"Open {origins[0]}/ in a browser. (Press Ctrl+C to stop.)", flush=True)
            server.run()


def _arguments(folder: Path, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on; 0 picks a free one")
    parser.add_argument("--packages", type=Path, default=folder, help="folder of package.json and node_modules")
    return parser.parse_args(arguments)


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOME, port))
    except OSError:
        sys.exit(f"Port {port} is in use. Choose another with --port.")

"""Servers of our own for the tests of stores: started in a folder of their own, on sockets, ended after."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.tools import need


class Server:
    """A server that runs, and that a test may stop, freeze and start again."""

    def __init__(self, command: list[str], socket: Path, url: str) -> None:
        self._command, self._socket, self.url = command, socket, url
        self.start()

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._socket.exists():
            assert time.monotonic() < deadline, f"{self._command[0]} has not started"
            assert self.process.poll() is None, f"{self._command[0]} has ended"
            time.sleep(0.01)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def redis() -> Iterator[Server]:
    with _folder() as folder:
        socket = folder / "redis.sock"
        command = [
            need("redis-server"),
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        yield from _running(command, socket, f"unix://{socket}")


@contextmanager
def memcached() -> Iterator[Server]:
    with _folder() as folder:
        socket = folder / "memcached.sock"
        command = [need("memcached"), "-s", str(socket), "-u", getpass.getuser()]
        yield from _running(command, socket, f"memcached://{socket}")


@contextmanager
def _folder() -> Iterator[Path]:
    """A short path: that of a socket has 108 bytes at the most."""
    folder = tempfile.mkdtemp(prefix="store")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _running(command: list[str], socket: Path, url: str) -> Iterator[Server]:
    server = Server(command, socket, url)
    try:
        yield server
    finally:
        server.stop()

"""Every kind of cache store, and Redis and memcached servers on Unix sockets in a temporary folder."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

from tests.support.tools import need


def _takes_calls(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Server:
    """A running server that a test can stop, freeze and restart."""

    def __init__(self, command: list[str], path: Path, url: str) -> None:
        self._command, self._socket, self.url = command, path, url
        self.start()

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not _takes_calls(self._socket):  # the socket may exist before the server listens
            assert time.monotonic() < deadline, f"{self._command[0]} has not started"
            assert self.process.poll() is None, f"{self._command[0]} has ended"
            time.sleep(0.01)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def redis() -> Iterator[Server]:
    with _folder() as folder:
        path = folder / "redis.sock"
        command = [
            need("redis-server"),
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        yield from _running(command, path, f"unix://{path}")


@contextmanager
def memcached() -> Iterator[Server]:
    with _folder() as folder:
        path = folder / "memcached.sock"
        command = [need("memcached"), "-s", str(path), "-u", getpass.getuser()]
        yield from _running(command, path, f"memcached://{path}")


@contextmanager
def dripping_redis() -> Iterator[int]:
    """Yield the port of a fake Redis whose first response never ends."""

    def drip() -> None:
        with suppress(OSError), server.accept()[0] as client:
            client.sendall(b"$100000\r\n")
            while True:
                client.sendall(b"x")
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=drip, daemon=True).start()
        yield server.getsockname()[1]


# The kinds of stores that fault tests are run with: URL templates of file-based stores, shared by the processes of
# one machine; context managers that start a server; and all kinds.
FILES = {"sqlite": "sqlite:{}/c", "file": "file:{}/c"}
SERVERS = {"redis": redis, "memcached": memcached}
STORES = (*FILES, *SERVERS, "memory", "null")


@contextmanager
def store_url(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a store of this kind, running its server if it has one."""
    if kind in SERVERS:
        with SERVERS[kind]() as server:
            yield server.url
    else:
        yield FILES.get(kind, f"{kind}:").format(folder)


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a temporary folder with a short path, since a socket's path is limited to 108 bytes."""
    folder = tempfile.mkdtemp(prefix="store")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _running(command: list[str], path: Path, url: str) -> Iterator[Server]:
    server = Server(command, path, url)
    try:
        yield server
    finally:
        server.stop()

"""A scripted HTTP server on a free loopback port, for responses that are wrong down to the byte.

Each request is handled by the next script, and further requests by the last one. Leaving the ``with`` block ends
all its threads.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable

HANG_S = 30  # maximum; closing the upstream ends a hang earlier
Script = Callable[[socket.socket, threading.Event], bool]
"""Responds to a request and returns whether the connection stays open. The event is set when the server stops."""


class Upstream:
    """The server. ``hits`` counts requests, ``connections`` connections; ``requests`` are the request heads."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.scripts = scripts
        self.tls = tls
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/oembed"

    @property
    def hits(self) -> int:
        return len(self.requests)

    def __enter__(self) -> Upstream:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _run(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(0.05)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(sock)
            if self.tls:
                sock.settimeout(5)
                sock = stack.enter_context(self.tls.wrap_socket(sock, server_side=True))
                sock.settimeout(0.05)
            while (request := self._request(sock)) is not None:
                head, body = request
                self.bodies.append(body)
                self.requests.append(head)
                sock.settimeout(5)
                if not self.scripts[min(self.hits, len(self.scripts)) - 1](sock, self._over):
                    return
                sock.settimeout(0.05)

    def _request(self, sock: socket.socket) -> tuple[str, bytes] | None:
        """Return head and body of the next request, or None if the client has disconnected."""
        data = self._until(sock, b"", lambda data: b"\r\n\r\n" in data)
        if data is None:
            return None
        head, _, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *([0-9]+)", head)
        wanted = int(length[1]) if length else 0
        body = self._until(sock, rest, lambda data: len(data) >= wanted)
        return None if body is None else (head.decode("latin-1") + "\r\n\r\n", body)

    def _until(self, sock: socket.socket, data: bytes, enough: Callable[[bytes], bool]) -> bytes | None:
        while not enough(data):
            if self._over.is_set():
                return None
            try:
                chunk = sock.recv(65536)
            except TimeoutError:
                continue
            if not chunk:
                return None
            data += chunk
        return data


def ok(body: bytes = b'{"ok": true}', status: str = "200 OK", headers: Iterable[str] = ()) -> Script:
    """Respond correctly; the connection stays open."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body, keep=True)


def send(*parts: bytes, keep: bool = False) -> Script:
    """Send these bytes, then close the connection."""

    def script(sock: socket.socket, over: threading.Event) -> bool:
        for part in parts:
            sock.sendall(part)
        return keep

    return script


def hang(*parts: bytes) -> Script:
    """Send these bytes, then nothing, with the connection open."""

    def script(sock: socket.socket, over: threading.Event) -> bool:
        send(*parts)(sock, over)
        over.wait(HANG_S)
        return False

    return script


def reset(*parts: bytes) -> Script:
    """Send these bytes, then a TCP reset."""

    def script(sock: socket.socket, over: threading.Event) -> bool:
        send(*parts)(sock, over)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return script


def drip(head: bytes, part: bytes, seconds: float = 0.02) -> Script:
    """Send ``head`` immediately, then ``part`` repeatedly, for at most HANG_S seconds."""

    def script(sock: socket.socket, over: threading.Event) -> bool:
        sock.sendall(head)
        for _ in range(int(HANG_S / seconds)):
            if over.wait(seconds):
                break
            sock.sendall(part)
        return False

    return script


def flood(head: bytes, part: bytes, times: int) -> Script:
    """Send ``head``, then ``part`` as often as given, as fast as possible."""
    return send(head, *itertools.repeat(part, times))


def ok_after(until: threading.Event) -> Script:
    """Respond correctly once ``until`` is set."""

    def script(sock: socket.socket, over: threading.Event) -> bool:
        until.wait(10)
        return ok()(sock, over)

    return script

"""Run the sandbox as a server, or in process with a transport that needs no socket.

The server is based on the standard library's ``http.server``, because some faults work below WSGI: a connection
that is reset, a body shorter than its Content-Length. It speaks HTTP/1.1 with keep-alive, which large builds need.
"""

from __future__ import annotations

import io
import re
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, ClassVar, cast
from urllib.parse import unquote, urlencode, urlsplit

from embedkit.errors import InvalidResponse, Unavailable
from embedkit.messages import Request, Response
from embedkit.sandbox.app import Sandbox, create_sandbox
from embedkit.sandbox.faults import Dropped
from embedkit.sandbox.services.auth import CUSTOMER, SEARCH_KEY, SEARCH_SECRET
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import MAX_BODY_BYTES, Call
from embedkit.sandbox.services.ranking import index
from embedkit.settings import Settings
from embedkit.transport.responses import content_length, decode_chunks, follow_redirect

HOST = "127.0.0.1"
MAX_LINE_BYTES = 4096
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _Handler(BaseHTTPRequestHandler):
    """Passes the requests of one connection to the application."""

    protocol_version = "HTTP/1.1"
    server_version = "embedkit-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered, so that head and body are sent in one packet
    timeout = 60  # seconds before an idle connection is closed
    server: _Server

    def do_GET(self) -> None:
        try:
            self._respond(self.server.app(self._environ(), self._start))
        except (Dropped, ConnectionError):
            self._cut()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the application records the requests."""

    def _start(self, status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
        code, _, phrase = status.partition(" ")
        lengths = (int(text) for name, text in headers if name == "Content-Length")
        self._announced = next(lengths, 0 if code == "204" else None)
        self.send_response_only(int(code), phrase)
        own = {"Server": self.version_string(), "Date": self.date_time_string()}
        for name, text in [*(pair for pair in own.items() if pair[0] not in dict(headers)), *headers]:
            self.send_header(name, text)
        # Without a length, closing the connection ends the body. After an error, part of the request body may not
        # have been read: the official Node client sends a Content-Length in characters, not bytes.
        if self._announced is None or (code >= "400" and self.command in ("POST", "PUT")):
            self.send_header("Connection", "close")
        elif not self.close_connection:
            self.send_header("Connection", "keep-alive")
        self.end_headers()

    def _respond(self, pieces: Iterable[bytes]) -> None:
        written = 0
        for piece in pieces:
            self.wfile.write(piece)
            written += len(piece)
            if not isinstance(pieces, list):
                self.wfile.flush()
        self.wfile.flush()
        if self.command != "HEAD" and written != self._announced:
            self.close_connection = True

    def _cut(self) -> None:
        """Reset the connection."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        length, body = self.headers.get("Content-Length", ""), cast(IO[bytes], self.rfile)
        is_chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        if is_chunked:  # the client did not know the length
            content = b"".join(_chunks(body))
            length, body = str(len(content)), io.BytesIO(content)
        return _environ(self.command, path, query, self.headers.items()) | {
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": length,
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "embedkit.compress": True,
        }


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the chunks of a request body (RFC 9112 section 7.1), up to MAX_BODY_BYTES.

    :raises ConnectionError: the body is malformed or too large.
    """
    left = MAX_BODY_BYTES
    while size := _chunk_size(stream.readline(MAX_LINE_BYTES)):
        left -= size
        if left < 0:
            raise ConnectionError
        yield stream.read(size)
        stream.readline(MAX_LINE_BYTES)
    while stream.readline(MAX_LINE_BYTES).strip():  # the trailers
        pass


def _chunk_size(line: bytes) -> int:
    found = re.match(rb"[0-9a-fA-F]{1,8}(?=[;\s])", line)
    if not found:
        raise ConnectionError
    return int(found[0], 16)


def _environ(method: str, path: str, query: str, headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the part of the WSGI environment (PEP 3333) that every request has."""
    named = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers}
    return named | {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "embedkit.cut": True,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], app: Sandbox) -> None:
        self.app = app
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: clients may disconnect at any time."""


class SandboxServer:
    """A sandbox server in a daemon thread; a context manager. ``.app`` is the :class:`Sandbox` and its controls.

    >>> from embedkit import EmbedKit
    >>> with SandboxServer() as sandbox:
    ...     sandbox.app.faults.add("status", status=503).kind
    ...     with EmbedKit(sandbox.settings(cache="memory:", secret="s" * 32)) as kit:
    ...         kit.resolve("74917285").width
    ...     sandbox.app.count("oembed")
    'status'
    395
    2

    :param config: the behavior to emulate.
    :param host: the IP address to listen on.
    :param port: 1 to 65535; 0 picks a free port.
    :raises OSError: the port is already in use.
    """

    credentials: ClassVar[dict[str, Any]] = CUSTOMER
    """Settings with the credentials of a licensed customer."""

    search_credentials: ClassVar[dict[str, Any]] = {"api_key": SEARCH_KEY, "api_secret": SEARCH_SECRET}
    """Settings with the credentials of an application that may only search."""

    def __init__(self, config: SandboxConfig | None = None, *, host: str = HOST, port: int = 0) -> None:
        self.app = create_sandbox(config)
        index()  # built now: on a busy machine, the first search would otherwise time out
        self._server = _Server((host, port), self.app)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """The origin, such as ``http://127.0.0.1:40123``."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    @property
    def calls(self) -> Sequence[Call]:
        """The most recent requests, oldest first."""
        return self.app.calls

    def settings(self, **rows: Any) -> Settings:
        """Return settings whose upstream URLs point to this server, with valid credentials.

        :param rows: settings to add or override, such as ``username=""`` for an application without a customer.
        """
        return Settings(**self.credentials | rows).with_upstream(self.url)

    def start(self) -> SandboxServer:
        self._thread.start()
        return self

    def run(self) -> None:
        """Serve on the calling thread until interrupted."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop the server, free the port and abort requests that are still waiting."""
        self.app.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(host: str = HOST, port: int = 8081, config: SandboxConfig | None = None) -> None:
    """Serve a sandbox until interrupted, as ``embedkit sandbox`` does.

    :param host: the IP address to listen on.
    :param port: 1 to 65535; 0 picks a free port.
    :raises OSError: the port is already in use.
    """
    server = SandboxServer(config, host=host, port=port)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


class SandboxTransport:
    """A transport for :class:`embedkit.EmbedKit` that calls a sandbox in process, without retries.

    >>> from embedkit import EmbedKit, Settings
    >>> transport = SandboxTransport()
    >>> with EmbedKit(Settings(cache="memory:", secret="s" * 32), transport=transport) as kit:
    ...     kit.resolve("74917285").width
    395
    >>> transport.app.count("oembed")
    1

    :param app: the sandbox; by default a new one, available as ``.app``.
    :param timeout: seconds; a fault that would take longer fails immediately, as if the timeout had passed.
    """

    def __init__(self, app: Sandbox | None = None, *, timeout: float = 5.0) -> None:
        self.app = app or create_sandbox()
        self.timeout = timeout

    def send(self, request: Request) -> Response:
        """Return the response to a request, following redirects like :class:`embedkit.HttpTransport`.

        :raises Unavailable: the response is late, truncated or missing.
        :raises InvalidResponse: the response is larger than ``request.max_bytes``, or redirects to a URL that is
            not allowed.
        """
        response = self._send(request)
        while response.status in REDIRECTS and request.follow_redirects:
            request = follow_redirect(request, response.headers.get("location", ""))
            response = self._send(request)
        return response

    def _send(self, request: Request) -> Response:
        sent: list[tuple[int, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            sent.append((int(status.split()[0]), {name.lower(): text for name, text in headers}))
            return None

        try:
            pieces = self.app(self._environ(request), start_response)
            status, headers = sent[0]
            length, body = _receive(pieces, request, status, headers)
        except (TimeoutError, Dropped):
            raise Unavailable("Getty Images did not answer in time.") from None
        if not (200 <= status < 300 or 400 <= status < 600 or status in REDIRECTS):  # as over HTTP
            raise InvalidResponse(f"Getty Images answered with the status {status}.")
        if request.method != "HEAD" and int(headers.get("content-length", length)) > length:
            raise Unavailable("The answer of Getty Images was cut short.")
        return Response(status, headers, body)

    def state(self) -> dict[str, Any]:
        """Return an empty dict: this transport has no circuit breakers or cooldowns."""
        return {}

    def close(self) -> None:
        """Do nothing: there are no connections to close."""

    def _environ(self, request: Request) -> dict[str, Any]:
        parts = urlsplit(request.url)
        query = "&".join(part for part in (parts.query, urlencode(request.params)) if part)
        return _environ(request.method, parts.path, query, request.headers.items()) | {
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": parts.netloc,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.body or b"")),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(request.body or b""),
            "embedkit.timeout": self.timeout if request.timeout is None else request.timeout,
        }


def _receive(pieces: Iterable[bytes], request: Request, status: int, headers: dict[str, str]) -> tuple[int, bytes]:
    """Return the length of a body, and the body itself unless it was written to the request's sink."""
    body, sink, length = bytearray(), request.sink if status == 200 else None, 0
    if sink is not None:
        sink.begin(content_length(headers, request.max_bytes))
    for piece in decode_chunks(pieces, "", request.max_bytes):
        length += len(piece)
        if sink is None:
            body += piece
        else:
            sink.write(piece)
    return length, bytes(body)

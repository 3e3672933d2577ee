"""The sandbox without a socket: requests go straight into the application."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from embedkit.errors import InvalidResponse, Unavailable
from embedkit.messages import Request, Response
from embedkit.sandbox.app import Sandbox, create_sandbox
from embedkit.sandbox.faults import Dropped
from embedkit.transport.responses import content_length, decode_chunks, follow_redirect

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class SandboxTransport:
    """A transport for :class:`embedkit.EmbedKit` that needs no network and no port; it never tries again.

    >>> from embedkit import EmbedKit, Settings
    >>> transport = SandboxTransport()
    >>> with EmbedKit(Settings(cache="memory:", secret="s" * 32), transport=transport) as kit:
    ...     kit.resolve("74917285").width
    395
    >>> transport.app.count("oembed")
    1

    :param app: the sandbox; a new one by default, as ``.app``.
    :param timeout: seconds; a fault that would take longer fails at once, as if that time had passed.
    """

    def __init__(self, app: Sandbox | None = None, *, timeout: float = 5.0) -> None:
        self.app = app or create_sandbox()
        self.timeout = timeout

    def send(self, request: Request) -> Response:
        """The answer to one request, redirects followed as the transport over HTTP would.

        :raises Unavailable: the answer is late, cut short or missing.
        :raises InvalidResponse: it is larger than ``request.max_bytes``, or redirects to a place that is not
            allowed.
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
        """Nothing here can be down for long."""
        return {}

    def close(self) -> None:
        """There are no connections."""

    def _environ(self, request: Request) -> dict[str, Any]:
        parts = urlsplit(request.url)
        query = "&".join(part for part in (parts.query, urlencode(request.params)) if part)
        headers = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in request.headers.items()}
        return headers | {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": parts.hostname or "",
            "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": parts.netloc,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(request.body or b"")),
            "wsgi.url_scheme": parts.scheme,
            "wsgi.input": io.BytesIO(request.body or b""),
            "embedkit.timeout": self.timeout if request.timeout is None else request.timeout,
            "embedkit.cut": True,
        }


def _receive(pieces: Iterable[bytes], request: Request, status: int, headers: dict[str, str]) -> tuple[int, bytes]:
    """How long a body is, and the body itself, unless it went where the request wants it."""
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

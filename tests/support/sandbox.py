"""Send requests to a sandbox in process or over HTTP, with the same interface."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from embedkit.messages import Request, Response
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxTransport

Get = Callable[..., Response]
ORIGIN = "http://127.0.0.1:8081"


def in_process(app: Sandbox, origin: str = ORIGIN) -> Get:
    """Return a function that sends requests to the application in process."""
    transport = SandboxTransport(app)

    def get(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Response:
        return transport.send(Request(f"{origin}{path}", "oembed", method=method, headers=headers or {}))

    return get


def over_http(url: str) -> Get:
    """Return a function that sends requests to a server, each on its own connection."""
    parts = urlsplit(url)

    def get(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> Response:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Response(answer.status, found, answer.read())
        finally:
            connection.close()

    return get


def oembed_path(url: str = "https://gty.im/74917285", **params: str) -> str:
    return "/oembed?" + urlencode({"url": url, "caller": "example.org", **params})


def get_oembed(
    url: str = "https://gty.im/74917285", *, config: SandboxConfig | None = None, **params: str
) -> Response:
    return in_process(Sandbox(config))(oembed_path(url, **params))


def json_body(response: Response) -> dict[str, Any]:
    assert response.status == 200, response.body
    found: dict[str, Any] = json.loads(response.body)
    return found

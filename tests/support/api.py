"""Call the sandbox's API v3 in process: a client with credentials, and single requests."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from embedkit.messages import Response
from embedkit.sandbox import Sandbox
from embedkit.sandbox.services.auth import KEY, PASSWORD, SEARCH_KEY, SEARCH_SECRET, SECRET, USER
from tests.support.sandbox import ORIGIN

CUSTOMER = {"grant_type": "password", "username": USER, "password": PASSWORD}
APPLICATION = {"grant_type": "client_credentials"}
CLIENT = {"client_id": KEY, "client_secret": SECRET}
SEARCH_CLIENT = {"client_id": SEARCH_KEY, "client_secret": SEARCH_SECRET}
DAY = 86_400


def send_request(
    app: Sandbox, method: str, url: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Response:
    """Send one request to the application, without following redirects."""
    parts = urlsplit(url if "://" in url else ORIGIN + url)
    sent: list[Any] = []
    environ = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in (headers or {}).items()} | {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
    }
    pieces = app(environ, lambda status, found: sent.append((status, found)))
    status, found = sent[0]
    return Response(int(status.split()[0]), {name.lower(): text for name, text in found}, b"".join(pieces))


def request_token(app: Sandbox, *, url: str = "/oauth2/token", **form: str) -> Response:
    return send_request(app, "POST", url, body=urlencode(form).encode())


class ApiClient:
    """A client with an API key and, by default, a token of the licensed customer; ``grant=None`` for no token."""

    def __init__(
        self, app: Sandbox, grant: dict[str, str] | None = CUSTOMER, client: dict[str, str] = CLIENT
    ) -> None:
        self.app = app
        self.headers = {"Api-Key": client["client_id"]}
        self.grant: dict[str, Any] = {}
        if grant is not None:
            self.grant = json.loads(request_token(app, **grant, **client).body)
            self.headers["Authorization"] = f"Bearer {self.grant['access_token']}"

    def request(self, method: str, url: str, body: Any = b"", **params: Any) -> Response:
        """Send a request; ``body`` is bytes or a value to send as JSON, ``params`` are the query."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = f"?{urlencode(params, doseq=True)}" if params else ""
        return send_request(self.app, method, url + query, self.headers, content)

    def get(self, url: str, **params: Any) -> Any:
        response = self.request("GET", url, **params)
        assert response.status == 200, response.body
        return json.loads(response.body)

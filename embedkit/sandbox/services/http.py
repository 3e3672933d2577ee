"""Questions and answers of the sandbox as values, with the little WSGI that it takes to make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BODY = 1 << 20  # bytes of a request body that are read
# what json.dumps leaves alone and the real service does not
ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the sandbox. ``query`` is raw, as it was sent; header names are in lower case."""

    route: str
    method: str
    path: str
    query: str
    origin: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # may hold a key
    body: bytes = field(default=b"", repr=False)  # may hold a password

    @property
    def params(self) -> dict[str, str]:
        """The decoded query; of a repeated name the last counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered. ``length`` overrides Content-Length, to lie about it; without a ``type`` none is told."""

    status: int = 200
    type: str = "application/json; charset=utf-8"
    body: bytes | Iterable[bytes] = b""
    headers: tuple[tuple[str, str], ...] = ()
    length: int | None = None

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        headers = [*([("Content-Type", self.type)] if self.type else []), *self.headers]
        if isinstance(self.body, bytes) and self.status != 204:  # RFC 9110 section 8.6
            headers.append(("Content-Length", str(len(self.body) if self.length is None else self.length)))
        start_response(f"{self.status} {_phrase(self.status)}", headers)
        return [self.body] if isinstance(self.body, bytes) else self.body


Handler = Callable[[Call], Reply]


def json_reply(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """JSON as the real service writes it: compact, ``<``, ``>`` and ``&`` escaped, lone surrogates ``?``."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)
    return Reply(status, body=text.encode("utf-8", "replace"), headers=headers)


def read_call(environ: WSGIEnvironment, origin: str) -> Call:
    """The request of a WSGI environment; ``origin`` is the configured one, if any."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name[:5] == "HTTP_"}
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return Call(
        route=_route(path),
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        origin=origin or f"{environ['wsgi.url_scheme']}://{quote(host, safe=':[].-')}",
        headers=headers,
        body=_read_body(environ),
    )


def _route(path: str) -> str:
    """The first part of a path; the token endpoint is one service under both of its names."""
    return "oauth2" if path.startswith("/v4/oauth2/") else path.split("/", 2)[1]


def _read_body(environ: WSGIEnvironment) -> bytes:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    return bytes(environ["wsgi.input"].read(min(length, MOST_BODY))) if length > 0 else b""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"

"""D1, D4: warm JSON answers in process, against a bare Flask route with the same bytes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Flask, Response

from embedkit import EmbedKit, Settings, create_app
from tests.bench.table import Row, ratios
from tests.support.embeds import record

OEMBED = ("/oembed", "url=https%3A%2F%2Fgty.im%2F74917285&maxwidth=480")
EMBED = ("/v1/embeds/74917285", "target=web")


def environ(path: str, query: str, **headers: str) -> dict[str, Any]:
    """A request as a server hands it over."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "*/*",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }


def ask(app: Callable[..., Any], request: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    said: list[tuple[str, dict[str, str]]] = []
    answer = app(dict(request), lambda status, headers, *_: said.append((status, dict(headers))))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return *said[0], body


def bare(body: bytes) -> Flask:
    app = Flask("bare")
    app.add_url_rule("/oembed", view_func=lambda: Response(body, content_type="application/json"))
    return app


def rows() -> Iterator[Row]:
    """D1 and D4."""
    settings = Settings(
        cache="memory:", secret="s" * 40, rate_limit="100000000/minute", public_url="https://e.org"
    )
    kit = EmbedKit(settings)
    kit.cache.store(record(), tld="com")
    app = create_app(kit=kit)
    oembed, embed = environ(*OEMBED), environ(*EMBED)
    status, headers, body = ask(app, oembed)
    assert status == "200 OK"
    flask = partial(ask, bare(body), oembed)
    again = environ(*OEMBED, HTTP_IF_NONE_MATCH=headers["ETag"])
    assert ask(app, again)[0].startswith("304")
    for what, request in (("/oembed", oembed), ("/v1/embeds/<ref>", embed)):
        found = ratios(flask, partial(ask, app, request), times=500)
        yield Row("D1", f"bare Flask / GET {what}, warm", found, 0.85, 30, False)
    found = ratios(flask, partial(ask, app.wsgi_app._next, oembed), times=200)  # type: ignore[attr-defined]
    yield Row("", "bare Flask / the same without the fast path", found, None, None, False)
    yield Row("D4", "304 / 200", ratios(partial(ask, app, again), partial(ask, app, oembed), times=500), 1.1, 1.0)
    kit.close()

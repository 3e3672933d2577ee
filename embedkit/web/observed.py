"""Around the whole service: an ID for every request, a line in the log, a count.

The line and the count name the route's template (``/v1/embeds/<ref>``), never what was asked for: nobody outside
writes our log, and the number of counters is that of our routes.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response, request

from embedkit.web.logs import REQUEST_ID
from embedkit.web.prometheus import Metrics

access = logging.getLogger("embedkit.access")

ROUTE = "embedkit.route"  # the template, in the environment of a request
NOWHERE = "none"  # what no route was found for
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
GIVEN_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")  # of a proxy or a caller; anything else is replaced
BODILESS = ("1", "204", "304")

Header = tuple[str, str]


class Observed:
    """A WSGI application around another.

    :param metrics: counts; None counts nothing.
    :param log: whether to write a line for each request.
    """

    def __init__(self, app: WSGIApplication, metrics: Metrics | None, *, log: bool) -> None:
        self._next = app
        self._metrics = metrics
        self._log = log
        self._answer = self._noted if log or metrics else app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = request_id_of(environ)

        def start(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            return start_response(status, [*headers, ("X-Request-ID", request_id)], *error)

        token = REQUEST_ID.set(request_id)
        try:
            return self._answer(environ, start)
        finally:
            REQUEST_ID.reset(token)

    def _noted(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        answered: list[tuple[str, list[Header]]] = []

        def start(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            answered[:] = [(status, headers)]
            return start_response(status, headers, *error)

        body = self._next(environ, start)
        if answered:
            self._note(environ, *answered[0], time.perf_counter() - began)
        return body

    def _note(self, environ: WSGIEnvironment, status: str, headers: list[Header], seconds: float) -> None:
        method = _method(environ["REQUEST_METHOD"])
        route = environ.get(ROUTE, NOWHERE)
        if self._metrics:
            self._metrics.request(route, method, int(status[:3]))
        if self._log:
            fields = {
                "method": method,
                "route": route,
                "status": int(status[:3]),
                "duration_ms": round(seconds * 1000, 1),
                "bytes": 0 if method == "HEAD" or status.startswith(BODILESS) else _length(headers),
            }
            access.info("request", extra={"fields": fields})


def count_answer(metrics: Metrics, response: Response) -> Response:
    """The same for a blueprint in another application, whose server writes the log."""
    metrics.request(str(request.url_rule or NOWHERE), _method(request.method), response.status_code)
    return response


def _method(method: str) -> str:
    return method if method in METHODS else "other"


def request_id_of(environ: WSGIEnvironment) -> str:
    """The ID that a proxy or a caller gave, if it is plain and short, else a new one of 16 hexadecimal digits."""
    given = environ.get("HTTP_X_REQUEST_ID")
    return given if given and GIVEN_ID.fullmatch(given) else os.urandom(8).hex()


def _length(headers: list[Header]) -> int:
    return next((int(value) for name, value in headers if name.lower() == "content-length"), 0)

"""Warm answers in front of Flask: the same bytes and headers again, without routing.

What ``GET /oembed`` and ``GET /v1/embeds/<ref>`` answer depends on the address, on a few headers, on the copy, and
on the second (``Date`` and ``cache_age`` tell it). So what Flask has answered is given once more only

*   to a request that is the same in all of that (:data:`KEY`), in the same second,
*   while the entry that the view told of is what the cache holds: :class:`embedkit.cache.memory.Memo` asks it
    each time, so that a purge, a takedown or a new copy counts at once,
*   after the call has been counted against RATE_LIMIT; one call too many is for Flask to refuse.

All else goes to Flask. So does everything once the host has added hooks or listeners to the application, or has
templates of its own, since these may have more to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import flask
from flask import Flask, request

from embedkit.cache.entry import Entry
from embedkit.cache.memory import Memo
from embedkit.web.context import Service
from embedkit.web.observed import NOWHERE, ROUTE
from embedkit.web.rate_limit import Throttle

TOLD = "embedkit.told"
FAST = ("/oembed", "/v1/embeds/")
# All that Werkzeug, Flask-CORS and our own views look at in such a request; a proxy's headers are settled outside.
KEY = (
    *("PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT"),
    *("HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
    *("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"),
    *("HTTP_IF_RANGE", "HTTP_RANGE"),
)
TESTING = "werkzeug.debug.preserve_context"  # a test that wants to look at Flask's request afterwards
SIGNALS = (flask.appcontext_pushed, flask.request_started, flask.request_finished, flask.request_tearing_down)

Header = tuple[str, str]
Second = tuple[int, int]


def tell(entry: Entry) -> None:
    """Say that the answer to the current request is made of this entry, and of nothing else that changes."""
    request.environ[TOLD] = entry


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, with its headers before and after those of the allowance, and the second it belongs to."""

    second: Second
    fresh_until: float
    route: str
    status: str
    before: list[Header]
    after: list[Header]
    body: bytes


class Fast:
    """A WSGI application around a Flask application that has all its routes.

    :param throttle: the one that the application itself counts with.
    """

    def __init__(self, app: Flask, service: Service, throttle: Throttle) -> None:
        self._app = app
        self._next: WSGIApplication = app.wsgi_app
        self._hooks = _hooks(app)
        self._service = service
        self._throttle = throttle
        self._counted = service.metrics is not None
        own = bool(service.kit.settings.templates)
        self._memo = Memo(None if own or service.kit.settings.frozen else lambda: service.kit.cache)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET" or not environ["PATH_INFO"].startswith(FAST) or TESTING in environ:
            return self._next(environ, start_response)
        key = tuple(map(environ.get, KEY))
        kept: Kept | None = self._memo.get(key)
        if kept is None or kept.second != self._second(kept.fresh_until):
            return self._ask(key, environ, start_response)
        allowance = self._throttle.take(environ.get("REMOTE_ADDR") or "")
        if not allowance.allowed:
            return self._next(environ, start_response)
        environ[ROUTE] = kept.route
        if self._counted:
            self._service.kit.events("lookup", "hit")
        start_response(kept.status, [*kept.before, *allowance.headers, *kept.after])
        return [kept.body]

    def _ask(self, key: Hashable, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Have Flask answer, and keep the answer if a view has told what it is made of."""
        began = time.time(), self._service.clock()
        said: list[tuple[str, list[Header]]] = []

        def listen(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            said[:] = [(status, headers)]
            return start_response(status, headers, *error)

        answer = self._next(environ, listen)
        if TOLD not in environ or not said or said[0][0][:3] not in ("200", "304"):
            return answer
        body = _whole(answer)
        self._keep(key, environ[TOLD], began, (environ.get(ROUTE, NOWHERE), *said[0]), body)
        return [body]

    def _keep(
        self,
        key: Hashable,
        entry: Entry,
        began: tuple[float, float],
        said: tuple[str, str, list[Header]],
        body: bytes,
    ) -> None:
        embed = entry.embed
        route, status, headers = said
        names = [name for name, _ in headers]
        if (
            embed is None
            or (second := (int(began[0]), int(embed.fresh_until - began[1]))) != self._second(embed.fresh_until)
            or names.count("RateLimit-Limit") != 1
            or "Set-Cookie" in names
            or _hooks(self._app) != self._hooks
            or any(signal.receivers for signal in SIGNALS)
        ):
            return
        place = names.index("RateLimit-Limit")
        before, after = headers[:place], headers[place + 3 :]
        kept = Kept(second, embed.fresh_until, route, status, before, after, body)
        self._memo.keep(key, entry, kept)

    def _second(self, fresh_until: float) -> Second:
        return int(time.time()), int(fresh_until - self._service.clock())


def _whole(answer: Iterable[bytes]) -> bytes:
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def _hooks(app: Flask) -> list[Any]:
    """Whatever takes part in a request beside our views, to be compared."""
    tables = (
        *(app.before_request_funcs, app.after_request_funcs),
        *(app.teardown_request_funcs, app.url_value_preprocessors),
    )
    called = [{scope: tuple(each) for scope, each in table.items() if each} for table in tables]
    return [*called, tuple(app.teardown_appcontext_funcs), dict(app.view_functions)]

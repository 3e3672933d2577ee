"""A cache of responses in front of Flask, which are built once per copy and options, then served without routing.

The responses to ``GET /oembed`` and ``GET /v1/embeds/<ref>`` depend on the URL, a few headers, the cached copy of
the embed, and the time (``Date``, ``cache_age``, ``max-age``). So a response from Flask is stored with
placeholders for the time and the rate limit. It is served again, with the placeholders filled in,

*   to a request that is equal in all relevant parts (:data:`KEY`; conditional ones by Werkzeug's own rules),
*   while the cache still contains the exact copy it was built from, which is checked on every request, so that a
    purge, a takedown or a new copy takes effect immediately,
*   after the request has been counted against RATE_LIMIT; if it exceeds the limit, Flask rejects it.

All other requests go to Flask. So do all requests if the host has its own hooks, views or listeners on the
application, or its own templates, since these could change the response.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import flask
from flask import Flask, request
from werkzeug.http import http_date, is_resource_modified

from embedkit.cache.entry import Entry
from embedkit.models import Options
from embedkit.process import run_now_and_after_fork
from embedkit.web.context import AppContext
from embedkit.web.metrics import NOWHERE, ROUTE
from embedkit.web.rate_limit import COUNTED, RateLimiter
from embedkit.web.response import RATE_LIMIT, cache_control

MAX_ANSWERS = 8_192
MAX_BYTES = 32 * 1024 * 1024  # of all responses together
MAX_ANSWER_BYTES = 128 * 1024
HEADERS_BYTES = 2_048  # the approximate memory used by the headers of a response

SOURCE = "embedkit.source"  # in the environment of a request: the cache entry its response is built from
READY_ONLY = "embedkit.ready-only"  # in the environment of a request: raise NotReady if the response isn't cached
CACHED = ("/oembed", "/v1/embeds/")
# Everything that Werkzeug, Flask-CORS and our views read in such a request, after ProxyFix has run.
KEY = ("PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
CONDITIONAL = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"})
LEFT_TO_FLASK = frozenset(
    {
        "HTTP_IF_MATCH",
        "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK",
        "werkzeug.debug.preserve_context",  # set by tests that inspect Flask's request afterwards
    }
)
LISTENERS = tuple(
    signal.receivers
    for signal in (
        *(flask.appcontext_pushed, flask.appcontext_popped),
        *(flask.request_started, flask.request_finished, flask.request_tearing_down),
    )
)
NOT_MODIFIED = "304 NOT MODIFIED"
ONCE = ("Date", "Cache-Control", "ETag")  # headers that a response must have exactly once
HALF_MICROSECOND = 5e-7  # the standard library rounds a date to microseconds before dropping them
_SECONDS = re.compile(rb'"cache_age":([0-9]+)')  # can't occur in a JSON string, where quotes are escaped

Header = tuple[str, str]
AnswerKey = tuple[str, ...]
Start = tuple[str, list[Header]]
"""The arguments of ``start_response``: status and headers."""


class NotReady(BaseException):
    """The response isn't ready: a caller that passed READY_ONLY must retry without it, in a thread that can wait.

    This is a signal rather than an error, so handlers of Exception must not catch it.
    """


def mark_cacheable(entry: Entry, options: Options) -> None:
    """Declare that the response to the current request depends on this entry, and on nothing else that changes.

    This doesn't apply to a copy that is too small for the options, which is served during an outage: each request
    then calls Getty again.
    """
    if entry.satisfies(options):
        request.environ[SOURCE] = entry


@dataclass(slots=True)
class CachedResponse:
    """A response with placeholders for the parts that change.

    ``head`` and ``tail`` are the body before and after the number of seconds that the copy remains fresh.
    ``places`` are the positions of the headers that change, by name.
    """

    status: str
    route: str
    tag: str
    headers: list[Header]
    places: dict[str, int]
    head: bytes
    tail: bytes
    entry: Entry
    fresh_until: float

    def seconds(self, now: float) -> int:
        """Return the number of seconds the copy remains fresh."""
        return max(0, int(self.fresh_until - now))

    def body(self, seconds: int) -> bytes:
        return b"%b%d%b" % (self.head, seconds, self.tail) if self.head else b""


class CachedResponses:
    """Responses by request, bounded in number and bytes. Thread-safe.

    The least recently used are evicted first, so that many one-off requests don't displace frequent ones.
    """

    def __init__(self, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._answers: OrderedDict[Hashable, tuple[CachedResponse, int]] = OrderedDict()
        self.size = 0  # of all responses, in bytes, approximately
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent process might have held."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> CachedResponse | None:
        try:
            self._answers.move_to_end(key)
            return self._answers[key][0]
        except KeyError:  # not cached, or just removed by another thread
            return None

    def put(self, key: AnswerKey, answer: CachedResponse) -> None:
        size = HEADERS_BYTES + len(answer.head) + len(answer.tail) + sum(map(len, key))
        if size > MAX_ANSWER_BYTES:
            return
        with self._lock:
            self._remove(key)
            self._answers[key] = answer, size
            self.size += size
            while len(self._answers) > self._max_answers or self.size > self._max_bytes:
                _, (_, oldest) = self._answers.popitem(last=False)
                self.size -= oldest

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()
            self.size = 0

    def _remove(self, key: Hashable) -> None:
        _, size = self._answers.pop(key, (None, 0))
        self.size -= size


class ResponseCacheMiddleware:
    """WSGI middleware for a Flask application whose routes are all registered.

    :param limiter: the application's own rate limiter.
    """

    def __init__(self, app: Flask, context: AppContext, limiter: RateLimiter) -> None:
        settings = context.kit.settings
        self._app = app
        self._next: WSGIApplication = app.wsgi_app
        self._hooks = _hooks(app)
        self._context = context
        self._clock = context.clock
        self._limiter = limiter
        self._counted = context.metrics is not None
        self._off = bool(settings.templates) or settings.frozen
        self._origins = frozenset(context.settings.cors_origins)
        self._key = itemgetter(*KEY)
        self._answers = CachedResponses()
        self._second = 0, ("Date", "")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (
            self._off
            or environ["REQUEST_METHOD"] != "GET"
            or not environ.get("PATH_INFO", "").startswith(CACHED)
            or not environ.keys().isdisjoint(LEFT_TO_FLASK)
        ):
            return self._forward(environ, start_response)
        try:
            key = *self._key(environ), self._origin(environ)
        except KeyError:  # HTTP/1.0 has no Host
            return self._forward(environ, start_response)
        answer = self._find(key, environ)
        if answer is None or any(LISTENERS):
            return self._forward_and_store(key, environ, start_response)
        return self._serve(answer, environ, start_response)

    def _forward(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Forward the request to Flask."""
        if READY_ONLY in environ:
            raise NotReady
        return self._next(environ, start_response)

    def _origin(self, environ: WSGIEnvironment) -> str:
        """Return the origin if it is in CORS_ORIGINS, else an empty string: all others get the same response."""
        origin: str = environ.get("HTTP_ORIGIN", "")
        return origin if origin in self._origins else ""

    def _find(self, key: AnswerKey, environ: WSGIEnvironment) -> CachedResponse | None:
        """Return the response to this request; None if it isn't cached, or the cached copy has been replaced."""
        if environ.keys().isdisjoint(CONDITIONAL):
            return self._current(key, environ)
        short = self._current((*key, NOT_MODIFIED), environ)
        if short is not None and not _modified(short, environ):
            return short
        whole = self._current(key, environ)
        return whole if whole is not None and _modified(whole, environ) else None

    def _current(self, key: AnswerKey, environ: WSGIEnvironment) -> CachedResponse | None:
        answer = self._answers.get(key)
        if answer is None or answer.entry.is_current():
            return answer
        if READY_ONLY in environ:  # the store has to be read
            raise NotReady
        if self._context.kit.cache.holds(answer.entry):
            return answer
        self._answers.drop(key)
        return None

    def _serve(
        self, answer: CachedResponse, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        now = self._clock()
        date = self._date(now)
        if date is None or (READY_ONLY in environ and not self._limiter.is_local):
            return self._forward(environ, start_response)
        rate_limit = self._limiter.hit(environ.get("REMOTE_ADDR") or "")
        if not rate_limit.allowed:
            environ[COUNTED] = rate_limit
            return self._next(environ, start_response)
        environ[ROUTE] = answer.route
        if self._counted:
            self._context.kit.events("lookup", "hit")
        headers, body = self._filled(answer, now, date, rate_limit.headers)
        start_response(answer.status, headers)
        return [body]

    def _date(self, now: float) -> Header | None:
        """Return the Date header; None if the host has added hooks, which is checked once a second."""
        second, date = self._second
        if second == (this := int(now + HALF_MICROSECOND)):
            return date
        if _hooks(self._app) != self._hooks:
            self._answers.clear()
            return None
        self._second = this, ("Date", http_date(this))
        return self._second[1]

    def _filled(
        self, answer: CachedResponse, now: float, date: Header, rate: Iterable[Header]
    ) -> tuple[list[Header], bytes]:
        headers, places = answer.headers.copy(), answer.places
        seconds = answer.seconds(now)
        body = answer.body(seconds)
        headers[places["Date"]] = date
        headers[places["Cache-Control"]] = "Cache-Control", cache_control(self._context.settings, seconds)
        if body:
            headers[places["Content-Length"]] = "Content-Length", str(len(body))
        first = places[RATE_LIMIT[0]]
        headers[first : first + len(RATE_LIMIT)] = rate
        return headers, body

    def _forward_and_store(
        self, key: AnswerKey, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Forward the request to Flask, and store the response if a view has declared its source."""
        now = self._clock()
        started: list[Start] = []

        def listen(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return start_response(status, headers, *error)

        parts = self._forward(environ, listen)
        if SOURCE not in environ or not started or started[0][0][:3] not in ("200", "304"):
            return parts
        body = _joined(parts)
        self._store(key, environ, now, started[0], body)
        return [body]

    def _store(self, key: AnswerKey, environ: WSGIEnvironment, now: float, start: Start, body: bytes) -> None:
        """Store a response if filling its placeholders reproduces it exactly, so that nothing else changes."""
        entry: Entry = environ[SOURCE]
        date = self._date(now)
        if date is None or any(LISTENERS) or not entry.is_fresh():
            return
        answer = _with_placeholders(start, environ.get(ROUTE, NOWHERE), body, entry)
        if answer and self._filled(answer, now, date, _rate(answer)) == (answer.headers, body):
            self._answers.put(key if answer.status.startswith("200") else (*key, NOT_MODIFIED), answer)


def _with_placeholders(start: Start, route: str, body: bytes, entry: Entry) -> CachedResponse | None:
    """Return a response with placeholders; None if one of the changing parts is missing or occurs twice."""
    status, headers = start
    names = [name for name, _ in headers]
    changing = (*ONCE, *RATE_LIMIT, *(("Content-Length",) if body else ()))
    seconds = _SECONDS.search(body)
    if any(names.count(name) != 1 for name in changing) or "Set-Cookie" in names or (body and not seconds):
        return None
    head, tail = (body[: seconds.start(1)], body[seconds.end(1) :]) if seconds else (b"", b"")
    places = {name: names.index(name) for name in changing}
    fresh_until = entry.embed.fresh_until if entry.embed else 0.0
    tag = headers[places["ETag"]][1]
    return CachedResponse(status, route, tag, headers, places, head, tail, entry, fresh_until)


def _rate(answer: CachedResponse) -> list[Header]:
    return [answer.headers[answer.places[name]] for name in RATE_LIMIT]


def _modified(answer: CachedResponse, environ: WSGIEnvironment) -> bool:
    """Return whether a conditional request needs a full response. Most send exactly the tag they received."""
    return environ.get("HTTP_IF_NONE_MATCH") != answer.tag and is_resource_modified(environ, answer.tag)


def _joined(parts: Iterable[bytes]) -> bytes:
    try:
        return b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()


def _hooks(app: Flask) -> list[Any]:
    """Return all hooks and views, for comparison."""
    tables = (
        *(app.before_request_funcs, app.after_request_funcs),
        *(app.teardown_request_funcs, app.url_value_preprocessors),
    )
    called = [{scope: tuple(each) for scope, each in table.items() if each} for table in tables]
    return [*called, tuple(app.teardown_appcontext_funcs), dict(app.view_functions)]

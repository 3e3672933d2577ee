"""Warm answers in front of Flask: made once per copy and options, then given again without routing.

What ``GET /oembed`` and ``GET /v1/embeds/<ref>`` answer depends on the URL, on a few headers, on the copy, and on
the time (``Date``, ``cache_age``, ``max-age``). So an answer of Flask's is kept with gaps where the time and the
rate limit stand, and is given again, its gaps filled,

*   to a request that is the same in all that counts (:data:`KEY`; conditional ones by Werkzeug's own rules),
*   while the cache still holds the very copy that it was made from: that is asked each time, so that a purge, a
    takedown or a new copy counts at once,
*   after the call has been counted against RATE_LIMIT; one call too many is for Flask to refuse.

All else goes to Flask. So does everything while the host has hooks, views or listeners of its own on the
application, or templates, since these may have more to say.
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
MAX_BYTES = 32 * 1024 * 1024  # of all answers together
MAX_ANSWER_BYTES = 128 * 1024
HEADERS_BYTES = 2_048  # about: what the headers of one answer take in memory

SOURCE = "embedkit.source"  # in the environment of a request: what its answer is made of
READY_ONLY = "embedkit.ready-only"  # in the environment of a request: answer only what is ready, else NotReady
CACHED = ("/oembed", "/v1/embeds/")
# All that Werkzeug, Flask-CORS and our own views look at in such a request; a proxy's headers are settled outside.
KEY = ("PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
CONDITIONAL = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"})
LEFT_TO_FLASK = frozenset(
    {
        "HTTP_IF_MATCH",
        "HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK",
        "werkzeug.debug.preserve_context",  # a test that wants to look at Flask's request afterwards
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
ONCE = ("Date", "Cache-Control", "ETag")
HALF_MICROSECOND = 5e-7  # the standard library rounds a date to microseconds before it drops them
_SECONDS = re.compile(rb'"cache_age":([0-9]+)')  # in no text of JSON, where its quotes would be escaped

Header = tuple[str, str]
AnswerKey = tuple[str, ...]
Start = tuple[str, list[Header]]
"""What an application calls ``start_response`` with: status and headers."""


class NotReady(BaseException):
    """Whoever passed READY_ONLY has to ask again without, in a thread that may wait.

    It is a sign and not an error: nobody who catches an Exception on the way should take it for one.
    """


def mark_cacheable(entry: Entry, options: Options) -> None:
    """Say that the answer to the current request is made of this entry, and of nothing else that changes.

    A copy that is too small for these options, as an outage has us show, is not: Getty is asked again each time.
    """
    if entry.satisfies(options):
        request.environ[SOURCE] = entry


@dataclass(slots=True)
class CachedResponse:
    """An answer with gaps for what changes.

    ``head`` and ``tail`` are the body around the number of seconds for which the copy is still fresh; ``places``
    are those of the headers that change, by name.
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
        """For how many seconds the copy is still fresh."""
        return max(0, int(self.fresh_until - now))

    def body(self, seconds: int) -> bytes:
        return b"%b%d%b" % (self.head, seconds, self.tail) if self.head else b""


class CachedResponses:
    """Answers by request, bounded in number and bytes. Safe for threads.

    What was used least recently goes first, so that many requests that nobody repeats do not displace those that
    are repeated.
    """

    def __init__(self, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._answers: OrderedDict[Hashable, tuple[CachedResponse, int]] = OrderedDict()
        self.size = 0  # bytes of all answers, about
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> CachedResponse | None:
        try:
            self._answers.move_to_end(key)
            return self._answers[key][0]
        except KeyError:  # there is none, or another thread has just dropped it
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
    """A WSGI application around a Flask application that has all its routes.

    :param limiter: the one that the application itself counts with.
    """

    def __init__(self, app: Flask, context: AppContext, limiter: RateLimiter) -> None:
        settings = context.kit.settings
        self._app = app
        self._next: WSGIApplication = app.wsgi_app
        self._hooks = _hooks(app)
        self._service = context
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
            return self._leave(environ, start_response)
        try:
            key = *self._key(environ), self._origin(environ)
        except KeyError:  # HTTP/1.0 has no Host
            return self._leave(environ, start_response)
        answer = self._find(key, environ)
        if answer is None or any(LISTENERS):
            return self._ask(key, environ, start_response)
        return self._give(answer, environ, start_response)

    def _leave(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let Flask answer."""
        if READY_ONLY in environ:
            raise NotReady
        return self._next(environ, start_response)

    def _origin(self, environ: WSGIEnvironment) -> str:
        """All origins that are not in CORS_ORIGINS are answered alike, and like none."""
        origin: str = environ.get("HTTP_ORIGIN", "")
        return origin if origin in self._origins else ""

    def _find(self, key: AnswerKey, environ: WSGIEnvironment) -> CachedResponse | None:
        """The answer to this request; None where there is none, or its copy is no longer the one in the cache."""
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
        if READY_ONLY in environ:  # the store has to be asked
            raise NotReady
        if self._service.kit.cache.holds(answer.entry):
            return answer
        self._answers.drop(key)
        return None

    def _give(
        self, answer: CachedResponse, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        now = self._clock()
        date = self._date(now)
        if date is None or (READY_ONLY in environ and not self._limiter.is_local):
            return self._leave(environ, start_response)
        rate_limit = self._limiter.hit(environ.get("REMOTE_ADDR") or "")
        if not rate_limit.allowed:
            environ[COUNTED] = rate_limit
            return self._next(environ, start_response)
        environ[ROUTE] = answer.route
        if self._counted:
            self._service.kit.events("lookup", "hit")
        headers, body = self._filled(answer, now, date, rate_limit.headers)
        start_response(answer.status, headers)
        return [body]

    def _date(self, now: float) -> Header | None:
        """The header Date; None where the host takes part in requests by now, which is looked at once a second."""
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
        headers[places["Cache-Control"]] = "Cache-Control", cache_control(self._service.settings, seconds)
        if body:
            headers[places["Content-Length"]] = "Content-Length", str(len(body))
        first = places[RATE_LIMIT[0]]
        headers[first : first + len(RATE_LIMIT)] = rate
        return headers, body

    def _ask(self, key: AnswerKey, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Have Flask answer, and keep the answer if a view has told what it is made of."""
        now = self._clock()
        started: list[Start] = []

        def listen(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return start_response(status, headers, *error)

        parts = self._leave(environ, listen)
        if SOURCE not in environ or not started or started[0][0][:3] not in ("200", "304"):
            return parts
        body = _joined(parts)
        self._keep(key, environ, now, started[0], body)
        return [body]

    def _keep(self, key: AnswerKey, environ: WSGIEnvironment, now: float, start: Start, body: bytes) -> None:
        """Keep an answer, if filling its gaps makes it again as it was: then nothing else in it changes."""
        entry: Entry = environ[SOURCE]
        date = self._date(now)
        if date is None or any(LISTENERS) or not entry.is_fresh():
            return
        answer = _with_gaps(start, environ.get(ROUTE, NOWHERE), body, entry)
        if answer and self._filled(answer, now, date, _rate(answer)) == (answer.headers, body):
            self._answers.put(key if answer.status.startswith("200") else (*key, NOT_MODIFIED), answer)


def _with_gaps(start: Start, route: str, body: bytes, entry: Entry) -> CachedResponse | None:
    """An answer with its changing parts found; None where one of them is not there, or there twice."""
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
    """Whether a conditional request is to be answered in full; most send back the one tag that they were given."""
    return environ.get("HTTP_IF_NONE_MATCH") != answer.tag and is_resource_modified(environ, answer.tag)


def _joined(parts: Iterable[bytes]) -> bytes:
    try:
        return b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()


def _hooks(app: Flask) -> list[Any]:
    """Whatever takes part in a request beside our views, to be compared."""
    tables = (
        *(app.before_request_funcs, app.after_request_funcs),
        *(app.teardown_request_funcs, app.url_value_preprocessors),
    )
    called = [{scope: tuple(each) for scope, each in table.items() if each} for table in tables]
    return [*called, tuple(app.teardown_appcontext_funcs), dict(app.view_functions)]

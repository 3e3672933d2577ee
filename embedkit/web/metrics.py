"""Metrics and the access log: events and requests, counted for Prometheus and logged.

Labels and log lines contain only route templates (``/v1/embeds/<ref>``) and fixed values, never a reference, a URL
or a client. So the number of series is bounded (https://prometheus.io/docs/practices/naming/#labels), and clients
can't inject text into the log. Each process counts separately; with several processes, the library adds up the
numbers in the folder PROMETHEUS_MULTIPROC_DIR.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response, request

from embedkit.errors import ConfigurationError, missing_package
from embedkit.kit import EmbedKit
from embedkit.process import lazy_logger
from embedkit.web.logs import REQUEST_ID

log = lazy_logger("embedkit.web")

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own variable, for a server with several processes
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)  # TIMEOUT is 5 by default
LOOKUPS = ("hit", "stale", "negative", "miss")
COALESCED = ("thread", "process")
STORE = ("failure", "corrupt")
BREAKER = ("closed", "half-open", "open")
THROTTLES = ("rate-limited", "quota-exhausted")


class Metrics:
    """Counts the events (:class:`embedkit.process.Events`) of a kit, and requests. Thread- and fork-safe.

    :raises ConfigurationError: if the library is not installed.
    """

    def __init__(self, kit: EmbedKit) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ModuleNotFoundError:
            raise missing_package("EMBEDKIT_METRICS", "prometheus_client", "metrics") from None
        if (folder := os.environ.get(FOLDER)) and not os.path.isdir(folder):
            raise ConfigurationError(
                f"{FOLDER} names {folder}, which is not a folder.", hint="Create it. Empty it before each start."
            )
        self._registry = registry = CollectorRegistry()  # our own, since the default one reveals versions

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"embedkit_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str, mode: Any = "livemax") -> Gauge:
            return Gauge(f"embedkit_{name}", text, labels, registry=registry, multiprocess_mode=mode)

        self._requests = counter("http_requests", "HTTP requests.", "route", "method", "status")
        self._events = {
            "lookup": counter("lookups", "Picture lookups, by result.", "outcome"),
            "rescue": counter("rescues", "Times that the last good copy was served during an outage."),
            "coalesced": counter("coalesced", "Callers that waited for another caller's request.", "among"),
            "upstream": counter("upstream_calls", "Calls to Getty Images, by result.", "endpoint", "outcome"),
            "tries": counter("upstream_tries", "Requests sent to Getty Images, including retries.", "endpoint"),
            "refused": counter("upstream_refused", "Calls not made, by reason.", "endpoint", "code"),
            "store": counter("store_failures", "Failures of the cache, and invalid entries.", "kind"),
        }
        self._seconds = Histogram(
            *("embedkit_upstream_seconds", "Duration of calls to Getty Images, with retries.", ("endpoint",)),
            buckets=SECONDS,
            registry=registry,
        )
        self._breaker = gauge("upstream_breaker", "1 for the current state.", "endpoint", "state")
        self._throttled = gauge(
            *("upstream_throttled_until_timestamp_seconds", "End of the throttling; 0 if not throttled."),
            *("endpoint", "reason"),
        )
        self._waiting = gauge("upstream_waiting", "Callers in the queue.", "endpoint", mode="livesum")
        self._cache_up = gauge("cache_up", "1 if the cache is available.", mode="livemostrecent")
        for event, words in (("lookup", LOOKUPS), ("coalesced", COALESCED), ("store", STORE)):
            for word in words:  # rate() misses the first event of a series that doesn't exist yet
                self._events[event].labels(word)
        if kit.settings.search_budget is not None:
            text = "Searches left of today's SEARCH_BUDGET."
            self._budget = gauge("search_budget_remaining", text, mode="livemostrecent")
        self._kit = kit
        kit.events.listen(self._listen)

    def _listen(self, event: str, labels: tuple[str, ...], value: float) -> None:
        """Count an event, and update the state after each call, for processes that are never scraped."""
        try:
            self._record(event, labels, value)
            if event in ("upstream", "refused"):
                self._upstream_state(self._kit.upstream())
        except Exception:  # must not make the request fail
            log.exception("an event could not be counted")

    def _record(self, event: str, labels: tuple[str, ...], value: float) -> None:
        family = self._events[event]
        count = family.labels(*labels) if labels else family
        if event == "upstream":
            self._seconds.labels(labels[0]).observe(value)
            value = 1
        count.inc(value)

    def request(self, route: str, method: str, status: int) -> None:
        """Count a response."""
        try:
            self._requests.labels(route, method, str(status)).inc()
        except Exception:
            log.exception("a request could not be counted")

    def _refresh(self) -> None:
        """Update the gauges with the current state."""
        try:
            status = self._kit.status()
            self._cache_up.set(status["cache"] == "ok")
            self._upstream_state(status["upstream"])
            if self._kit.settings.search_budget is not None:
                self._budget.set(self._kit.api.search.budget.remaining() or 0)
        except Exception:
            log.exception("the status of the service is unknown")

    def _upstream_state(self, lanes: Mapping[str, Mapping[str, Any]]) -> None:
        for endpoint, lane in lanes.items():
            for name in BREAKER:
                self._breaker.labels(endpoint, name).set(lane.get("breaker", "closed") == name)
            for reason in THROTTLES:
                until = time.time() + lane["retry_after"] if lane.get("throttled") == reason else 0.0
                self._throttled.labels(endpoint, reason).set(until)
            self._waiting.labels(endpoint).set(lane.get("waiting", 0))

    def text(self) -> bytes:
        """Return the current metrics in Prometheus's text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        self._refresh()
        registry = self._registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


access = lazy_logger("embedkit.access")

ROUTE = "embedkit.route"  # the route template, in the environment of a request
NOWHERE = "none"  # the route of a request that matches none
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
GIVEN_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")  # accepted from a proxy or client; anything else is replaced
BODILESS = ("1", "204", "304")

Header = tuple[str, str]


class RequestObserver:
    """WSGI middleware that counts and logs requests.

    :param metrics: the metrics to count with; None to count nothing.
    :param log: True to log each request.
    """

    def __init__(self, app: WSGIApplication, metrics: Metrics | None, *, log: bool) -> None:
        self._next = app
        self._metrics = metrics
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        request_id = request_id_of(environ)
        answered: list[tuple[str, list[Header]]] = []

        def start(status: str, headers: list[Header], *error: Any) -> Callable[[bytes], object]:
            answered[:] = [(status, headers)]
            return start_response(status, [*headers, ("X-Request-ID", request_id)], *error)

        token = REQUEST_ID.set(request_id)
        try:
            body = self._next(environ, start)
            if answered and (self._log or self._metrics):
                self._note(environ, *answered[0], time.perf_counter() - began)
            return body
        finally:
            REQUEST_ID.reset(token)

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
    """Count a response of a blueprint in another application, whose server logs requests itself."""
    metrics.request(str(request.url_rule or NOWHERE), _method(request.method), response.status_code)
    return response


def _method(method: str) -> str:
    return method if method in METHODS else "other"


def request_id_of(environ: WSGIEnvironment) -> str:
    """Return the ID sent by a proxy or client, if it is valid, else a new one of 16 hexadecimal digits."""
    given: str | None = environ.get("HTTP_X_REQUEST_ID")
    if given and GIVEN_ID.fullmatch(given):
        return given
    # not a secret; os.urandom would release the GIL, which costs a busy server its time slice
    return f"{random.getrandbits(64):016x}"  # nosec B311


def _length(headers: list[Header]) -> int:
    return next((int(value) for name, value in headers if name.lower() == "content-length"), 0)

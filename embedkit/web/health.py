"""For those who run the service: does it live, can it answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Response

from embedkit.web.context import Service
from embedkit.web.response import as_json
from embedkit.web.routing import Answer, Route
from embedkit.web.schemas import Health, Readiness

log = logging.getLogger("embedkit.web")

SEARCH = ("api", "token")  # what search asks, of all that the transport tells of


def healthz(_: Service) -> Response:
    return as_json(Health("ok"))


def readyz(service: Service) -> Response:
    """Ready is what can answer: from the cache while Getty is down, from Getty while the cache is.

    Only with neither is it taken out of service; anything stricter would turn an outage of Getty, which
    the copies are there to bridge, into one of every instance at once. That search is shut (``upstream``:
    ``api``: ``throttled``: ``quota-exhausted``) is told, and shuts nothing else.

    The answer is kept for a second: this route is not counted, and must not be a way to keep the store busy.
    """
    state = service.readiness(lambda: _state(service))
    response = as_json(state)
    response.status_code = 503 if state.status == "unavailable" else 200
    return response


def _state(service: Service) -> Readiness:
    try:
        found = service.kit.status()
    except Exception:
        log.exception("the state of the parts cannot be told")
        return Readiness("unavailable", "unknown", {})
    cache, upstream, store = str(found["cache"]), dict(found["upstream"]), dict(found.get("store", {}))
    failing = [cache not in ("ok", "degraded"), _shut(upstream.get("oembed", {}))]
    if all(failing):
        return Readiness("unavailable", cache, upstream, store)
    bridged = any(failing) or cache != "ok" or any(_shut(upstream.get(lane, {})) for lane in SEARCH)
    return Readiness("degraded" if bridged else "ok", cache, upstream, store)


def _shut(lane: Mapping[str, Any]) -> bool:
    return lane.get("breaker") == "open" or "throttled" in lane


ROUTES = (
    Route(
        "/healthz",
        "healthz",
        healthz,
        "The process runs",
        "Operation",
        {200: Answer("It does.", Health)},
        limited=False,
        sample="/healthz",
    ),
    Route(
        "/readyz",
        "readyz",
        readyz,
        "The service can answer",
        "Operation",
        {
            200: Answer("It can; degraded says that a part is bridged.", Readiness),
            503: Answer("Neither cache nor Getty can be reached.", Readiness),
        },
        limited=False,
        sample="/readyz",
    ),
)

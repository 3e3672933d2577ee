"""For those who run the service: does it live, can it answer."""

from __future__ import annotations

import logging

from flask import Response

from embedkit.web.answers import as_json
from embedkit.web.routing import Answer, Route
from embedkit.web.schemas import Health, Readiness
from embedkit.web.service import Service

log = logging.getLogger("embedkit.web")


def healthz(_: Service) -> Response:
    return as_json(Health("ok"))


def readyz(service: Service) -> Response:
    """Ready is what can answer: from the cache while Getty is down, from Getty while the cache is.

    Only with neither is it taken out of service; anything stricter would turn an outage of Getty, which
    the copies are there to bridge, into one of every instance at once.
    """
    state = _state(service)
    response = as_json(state)
    response.status_code = 503 if state.status == "unavailable" else 200
    return response


def _state(service: Service) -> Readiness:
    try:
        found = service.kit.status()
    except Exception:
        log.exception("the state of the parts cannot be told")
        return Readiness("unavailable", "unknown", {})
    cache, upstream = str(found["cache"]), dict(found["upstream"])
    oembed = upstream.get("oembed", {})
    failing = [cache != "ok", oembed.get("breaker") == "open" or "throttled" in oembed]
    status = "unavailable" if all(failing) else "degraded" if any(failing) else "ok"
    return Readiness(status, cache, upstream)  # type: ignore[arg-type]


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

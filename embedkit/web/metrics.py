"""``/metrics``: for Prometheus, off unless the setting METRICS says who may read it."""

from __future__ import annotations

from flask import Response

from embedkit.web.context import Service
from embedkit.web.errors import Refused
from embedkit.web.response import NO_STORE
from embedkit.web.routing import Answer, Route

PLAIN = "text/plain; version=0.0.4; charset=utf-8"  # the format that every Prometheus reads


def metrics(service: Service) -> Response:
    if service.metrics is None:
        raise Refused("no-route", "There is nothing at this address.")
    service.metrics.refresh(service.kit)
    return Response(service.metrics.text(), content_type=PLAIN, headers={"Cache-Control": NO_STORE})


ROUTES = (
    Route(
        "/metrics",
        "metrics",
        metrics,
        "Numbers for Prometheus",
        "Operation",
        {200: Answer("Counters and states in Prometheus's text format.", media="text/plain")},
        access="metrics",
        sample="/metrics",
    ),
)

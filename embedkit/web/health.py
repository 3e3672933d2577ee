"""Endpoints for operators: liveness, readiness, metrics, and the contact for security reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from flask import Response

from embedkit.process import lazy_logger
from embedkit.settings import Settings
from embedkit.web.context import AppContext
from embedkit.web.errors import Refused
from embedkit.web.pages import page
from embedkit.web.request import prefers_html
from embedkit.web.response import NO_STORE, as_json
from embedkit.web.routes import Answer, Route
from embedkit.web.schemas import Health, Readiness

log = lazy_logger("embedkit.web")

SEARCH = ("api", "token")  # the transport's endpoints that search calls


def healthz(_: AppContext) -> Response:
    return as_json(Health("ok"))


def readyz(context: AppContext) -> Response:
    """Report whether the service can serve embeds, either from the cache or from Getty Images.

    It is unavailable only if both are down. A stricter check would turn an outage of Getty, which cached copies
    are meant to bridge, into an outage of every instance at once. An exhausted search quota (``upstream``:
    ``api``: ``throttled``: ``quota-exhausted``) is reported, but doesn't affect anything else.

    The response is cached for a second, because this route has no rate limit and must not put load on the store.
    """
    state = context.readiness(lambda: _state(context))
    status = 503 if state.status == "unavailable" else 200
    response = _page(context.settings, state, status) if prefers_html() else as_json(state, status=status)
    response.vary.add("Accept")
    return response


def _state(context: AppContext) -> Readiness:
    try:
        found = context.kit.status()
    except Exception:
        log.exception("the status of the service is unknown")
        return Readiness("unavailable", "unknown", {})
    cache, upstream, store = str(found["cache"]), dict(found["upstream"]), dict(found.get("store", {}))
    changes = dict(found.get("changes", {}))
    failing = [cache not in ("ok", "degraded"), _is_down(upstream.get("oembed", {}))]
    if all(failing):
        return Readiness("unavailable", cache, upstream, store, changes)
    bridged = any(failing) or cache != "ok" or any(_is_down(upstream.get(lane, {})) for lane in SEARCH)
    bridged |= changes.get("state", "ok") not in FOLLOWED
    return Readiness("degraded" if bridged else "ok", cache, upstream, store, changes)


TITLES = {
    "ok": ("All systems operational", "Embeds are served from the cache and from Getty Images."),
    "degraded": (
        "Degraded",
        "Embeds are served, but part of the service isn't working.",
    ),
    "unavailable": ("Unavailable", "Neither the cache nor Getty Images can be reached right now."),
}
WORKS = "Operational"
OFF = "Off: EMBEDKIT_API_KEY is not set"
FOLLOWED = ("ok", "starting")  # of Getty's feed of asset changes
CHANGES = {
    **dict.fromkeys(FOLLOWED, WORKS),
    "pending": "Some changes are waiting for Getty Images to respond",
    "undelivered": "Withdrawn here, but a cache in front or the webhook has not been notified yet",
    "stalled": "Getty's feed has not been read lately",
    "permission-denied": "The API key has no access to the feed of asset changes",
}
CACHE = {"ok": WORKS, "degraded": "Read-only: writes are failing", "unknown": "Unknown"}


def _page(settings: Settings, state: Readiness, status: int) -> Response:
    title, text = TITLES[state.status]
    search = _lane(*(state.upstream.get(lane, {}) for lane in SEARCH))
    parts = {
        "Embeds from Getty Images": _lane(state.upstream.get("oembed", {})),
        "Search": search if settings.api_key else OFF,
        "Cache": CACHE.get(state.cache, "Unreachable"),
    }
    if followed := state.changes.get("state"):
        parts["Withdrawn pictures"] = CHANGES.get(followed, "Getty's feed can't be read")
    fine = (WORKS, OFF)
    return page(settings, "status.html", status=status, title=title, text=text, parts=parts, fine=fine)


def _lane(*lanes: Mapping[str, Any]) -> str:
    """Return the status of Getty's endpoints in words; one not called yet is assumed to work."""
    if any(lane.get("throttled") == "quota-exhausted" for lane in lanes):
        return "Today's quota is used up"
    if any("throttled" in lane for lane in lanes):
        return "Rate limited: works again in a moment"
    return "Unreachable" if any(map(_is_down, lanes)) else WORKS


def _is_down(lane: Mapping[str, Any]) -> bool:
    return lane.get("breaker") == "open" or "throttled" in lane


PATH = "/.well-known/security.txt"
VALID = timedelta(days=180)  # the RFC recommends less than a year (section 2.5.5)
DAY = "public, max-age=86400"


def security_txt(context: AppContext) -> Response:
    if not context.settings.contact:
        raise Refused("no-route", "No such endpoint: EMBEDKIT_CONTACT is not set.")
    return Response(_text(context), content_type="text/plain; charset=utf-8", headers={"Cache-Control": DAY})


def _text(context: AppContext) -> str:
    settings = context.settings
    midnight = datetime.fromtimestamp(context.clock(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    fields = [("Contact", uri) for uri in settings.contact]
    fields.append(("Expires", f"{midnight + VALID:%Y-%m-%dT%H:%M:%SZ}"))
    if settings.public_url:
        fields.append(("Canonical", f"{settings.public_url}{PATH}"))
    fields.append(("Preferred-Languages", settings.locale.partition("-")[0]))
    return "".join(f"{name}: {value}\n" for name, value in fields)


PLAIN = "text/plain; version=0.0.4; charset=utf-8"  # the format that every Prometheus reads


def metrics(context: AppContext) -> Response:
    if context.metrics is None:
        raise Refused("no-route", "No such endpoint.")
    return Response(context.metrics.text(), content_type=PLAIN, headers={"Cache-Control": NO_STORE})


OperationRoute = partial(Route, group="Operation", limited=False)

ROUTES = (
    OperationRoute(
        "/healthz",
        healthz,
        "Check that the process is running",
        {200: Answer("The process is running.", Health)},
    ),
    OperationRoute(
        "/readyz",
        readyz,
        "Check that the service can handle requests",
        {
            200: Answer("It can. If the status is degraded, part of the service is down.", Readiness, paged=True),
            503: Answer("Neither the cache nor Getty Images can be reached.", Readiness, paged=True),
        },
    ),
    OperationRoute(
        PATH,
        security_txt,
        "Get the contact for security reports",
        {200: Answer("The security.txt file (RFC 9116).", media="text/plain")},
        errors=("no-route",),
    ),
    OperationRoute(
        "/metrics",
        metrics,
        "Get metrics for Prometheus",
        {200: Answer("Counters and gauges in Prometheus's text format.", media="text/plain")},
        access="metrics",
        limited=True,
    ),
)

"""For those who run the service: does it live, can it answer, its numbers, and whom to tell of a security hole."""

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

SEARCH = ("api", "token")  # what search asks, of all endpoints of the transport


def healthz(_: AppContext) -> Response:
    return as_json(Health("ok"))


def readyz(context: AppContext) -> Response:
    """Ready is what can answer: from the cache while Getty is down, from Getty while the cache is.

    Only with neither is it taken out of service; anything stricter would turn an outage of Getty, which
    the copies are there to bridge, into one of every instance at once. That search is shut (``upstream``:
    ``api``: ``throttled``: ``quota-exhausted``) is reported, and shuts nothing else.

    The answer is kept for a second: this route is not counted, and must not be a way to keep the store busy.
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
        log.exception("the state of the parts is not known")
        return Readiness("unavailable", "unknown", {})
    cache, upstream, store = str(found["cache"]), dict(found["upstream"]), dict(found.get("store", {}))
    changes = dict(found.get("changes", {}))
    failing = [cache not in ("ok", "degraded"), _shut(upstream.get("oembed", {}))]
    if all(failing):
        return Readiness("unavailable", cache, upstream, store, changes)
    bridged = any(failing) or cache != "ok" or any(_shut(upstream.get(lane, {})) for lane in SEARCH)
    bridged |= changes.get("state", "ok") not in FOLLOWED
    return Readiness("degraded" if bridged else "ok", cache, upstream, store, changes)


TITLES = {
    "ok": ("All is well", "Embeds are served, fresh ones from Getty Images and known ones from the cache."),
    "degraded": (
        "Partly available",
        "Embeds are served; one part of the service doesn't work, and others stand in.",
    ),
    "unavailable": ("Unavailable", "Neither the cache nor Getty Images can be reached right now."),
}
WORKS = "Works"
OFF = "Off: EMBEDKIT_API_KEY is not set"
FOLLOWED = ("ok", "starting")  # of Getty's feed of asset changes
CHANGES = {
    **dict.fromkeys(FOLLOWED, WORKS),
    "pending": "Some wait until Getty Images can be asked for them",
    "undelivered": "Gone here; a cache in front, or the webhook, has not been told yet",
    "stalled": "Nobody has looked at Getty's feed lately",
    "permission-denied": "The key has no feed of asset changes",
}
CACHE = {"ok": WORKS, "degraded": "Reads, but takes no writes", "unknown": "Unknown"}


def _page(settings: Settings, state: Readiness, status: int) -> Response:
    title, text = TITLES[state.status]
    search = _lane(*(state.upstream.get(lane, {}) for lane in SEARCH))
    parts = {
        "Embeds from Getty Images": _lane(state.upstream.get("oembed", {})),
        "Search": search if settings.api_key else OFF,
        "Cache": CACHE.get(state.cache, "Can't be reached"),
    }
    if followed := state.changes.get("state"):
        parts["Withdrawn pictures"] = CHANGES.get(followed, "Getty's feed can't be read")
    fine = (WORKS, OFF)
    return page(settings, "status.html", status=status, title=title, text=text, parts=parts, fine=fine)


def _lane(*lanes: Mapping[str, Any]) -> str:
    """What an endpoint of Getty's does, in words; one that was not asked yet is believed to work."""
    if any(lane.get("throttled") == "quota-exhausted" for lane in lanes):
        return "Today's quota is used up"
    if any("throttled" in lane for lane in lanes):
        return "Too many calls: it works again in a moment"
    return "Can't be reached" if any(map(_shut, lanes)) else WORKS


def _shut(lane: Mapping[str, Any]) -> bool:
    return lane.get("breaker") == "open" or "throttled" in lane


PATH = "/.well-known/security.txt"
VALID = timedelta(days=180)  # the RFC recommends less than a year (section 2.5.5)
DAY = "public, max-age=86400"


def security_txt(context: AppContext) -> Response:
    if not context.settings.contact:
        raise Refused("no-route", "There is nothing at this URL: EMBEDKIT_CONTACT is not set.")
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
        raise Refused("no-route", "There is nothing at this URL.")
    return Response(context.metrics.text(), content_type=PLAIN, headers={"Cache-Control": NO_STORE})


OperationRoute = partial(Route, group="Operation", limited=False)

ROUTES = (
    OperationRoute(
        "/healthz",
        healthz,
        "The process runs",
        {200: Answer("It does.", Health)},
    ),
    OperationRoute(
        "/readyz",
        readyz,
        "The service can answer; browsers get a page",
        {
            200: Answer("It can; degraded says that a part is bridged.", Readiness, paged=True),
            503: Answer("Neither cache nor Getty can be reached.", Readiness, paged=True),
        },
    ),
    OperationRoute(
        PATH,
        security_txt,
        "Whom to tell of a security hole",
        {200: Answer("The file security.txt of RFC 9116.", media="text/plain")},
        errors=("no-route",),
    ),
    OperationRoute(
        "/metrics",
        metrics,
        "Numbers for Prometheus",
        {200: Answer("Counters and states in Prometheus's text format.", media="text/plain")},
        access="metrics",
        limited=True,
    ),
)

"""Answers: JSON and pages, with validators and lifetimes (RFC 9110, 9111, 5861), and the headers that all have.

The headers are those of the MDN HTTP Observatory and of OWASP API 8.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from flask_cors import CORS

from embedkit.settings import Settings

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",  # Getty wants to know the site (Error 153 elsewhere)
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # pages bring their own
    "Cross-Origin-Resource-Policy": "cross-origin",
}
HSTS = "max-age=31536000"
HOUR = 3600
BROWSER_MAX_AGE_S = 60
UNTOLD_MAX_AGE_S = 15  # with a look at the feed every 45 seconds, at the most, still a minute
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
BUDGET = ("Search-Budget-Limit", "Search-Budget-Remaining", "Search-Budget-Reset")
EXPOSED = ["Content-Language", "ETag", "Link", "Retry-After", *RATE_LIMIT, *BUDGET]
FOR_ALL = {
    "GET": {"Access-Control-Expose-Headers": ", ".join(EXPOSED)},
    "OPTIONS": {
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "If-None-Match",
        "Access-Control-Max-Age": str(HOUR),
    },
}


def harden(response: Response) -> Response:
    """Add what is not there yet. Answers depend on Origin (CORS), so caches must know."""
    if "X-Content-Type-Options" in response.headers:  # done by the blueprint already
        return response
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.vary.add("Origin")
    return response


def only_https(response: Response) -> Response:
    """HSTS, over https alone; for a whole application only, as it concerns all of a host (RFC 6797)."""
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response


def allow_origins(blueprint: Blueprint, settings: Settings) -> None:
    """CORS for exactly the origins listed, without credentials; purging is not for browsers.

    As patterns, since Flask-CORS compares plain origins without regard to case.
    """
    exact = [re.compile(re.escape(origin) + r"\Z") for origin in settings.cors_origins]
    CORS(
        blueprint,
        origins=exact,
        methods=["GET", "HEAD", "POST"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match"],
        expose_headers=EXPOSED,
        max_age=HOUR,
        vary_header=False,
    )


def allow_all(endpoints: Collection[str], response: Response) -> Response:
    """CORS for the pages of every origin, without credentials, for some routes; runs before that of the list."""
    if (request.endpoint or "").rpartition(".")[2] in endpoints:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers.update(FOR_ALL["OPTIONS" if request.method == "OPTIONS" else "GET"])
    return response


NO_STORE = "no-store"
PAGES = "public, max-age=300, stale-while-revalidate=86400"  # what only changes when the service is updated


def as_json(data: Any, *, status: int = 200, cache: str = NO_STORE, about: Any = None) -> Response:
    """JSON, with an entity tag where it may be kept.

    :param about: what the tag is made from where ``data`` holds something that changes with every second.
        The tag is then a weak one: the bytes differ, the meaning does not.
    """
    body = msgspec.json.encode(data)
    tag = body if about is None else msgspec.json.encode(about)
    response = Response(body, status, content_type="application/json")
    return with_lifetime(response, cache, tag, weak=about is not None)


def as_page(html: str, policy: str, *, status: int = 200, cache: str = NO_STORE) -> Response:
    """HTML with its own Content-Security-Policy."""
    headers = {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin"}
    response = Response(html, status, headers, content_type="text/html; charset=utf-8")
    return with_lifetime(response, cache, response.get_data())


def in_language(response: Response, language: str) -> Response:
    """Say which language an answer is in, and that another one was to be had."""
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response


def cache_control(settings: Settings, seconds: int) -> str:
    """The header Cache-Control of what is fresh for so many seconds (RFC 5861).

    While CHANGE_FEED is on nobody shows anything past its time. Browsers, which can't be told of a picture that is
    withdrawn, ask again after a minute; a front that PURGE_URLS names is told, and any other asks sooner.
    """
    if settings.change_feed:
        own = min(seconds, settings.max_age)
        shared = own if settings.purge_urls else min(own, UNTOLD_MAX_AGE_S)
        return f"public, max-age={min(own, BROWSER_MAX_AGE_S)}, s-maxage={shared}"
    behind = f", stale-while-revalidate={settings.stale_while_revalidate}" if seconds else ""
    return f"public, max-age={min(seconds, settings.max_age)}{behind}, stale-if-error={settings.stale_if_error}"


def with_lifetime(response: Response, cache: str, tag: bytes, *, weak: bool = False) -> Response:
    """Say how long an answer may be kept; where it may be, give it an entity tag, made from ``tag``."""
    response.headers["Cache-Control"] = cache
    if cache != NO_STORE:
        response.set_etag(hashlib.blake2b(tag, digest_size=12).hexdigest(), weak=weak)
        response.make_conditional(request.environ)
    return response

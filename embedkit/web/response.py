"""JSON and HTML responses with validators and lifetimes (RFC 9110, 9111, 5861), and the headers of all responses.

The headers are those recommended by the MDN HTTP Observatory and by OWASP API 8.
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
    "Referrer-Policy": "strict-origin-when-cross-origin",  # Getty expects a referrer (elsewhere: Error 153)
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # HTML pages set their own
    "Cross-Origin-Resource-Policy": "cross-origin",
}
HSTS = "max-age=31536000"
HOUR = 3600
BROWSER_MAX_AGE_S = 60
UNNOTIFIED_MAX_AGE_S = 15  # plus at most 45 seconds until the feed is read: a minute in all
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
    """Add the headers of every response. Responses depend on Origin (CORS), so they vary by it."""
    if "X-Content-Type-Options" in response.headers:  # the blueprint has already added them
        return response
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.vary.add("Origin")
    return response


def only_https(response: Response) -> Response:
    """Add HSTS over https. Only for a standalone application, since it affects the entire host (RFC 6797)."""
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response


def allow_origins(blueprint: Blueprint, settings: Settings) -> None:
    """Enable CORS for exactly the listed origins, without credentials. Browsers can't purge.

    The origins are patterns, because Flask-CORS ignores case when it compares plain strings.
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
    """Enable CORS for every origin on some routes, without credentials. Runs before :func:`allow_origins`."""
    if (request.endpoint or "").rpartition(".")[2] in endpoints:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers.update(FOR_ALL["OPTIONS" if request.method == "OPTIONS" else "GET"])
    return response


NO_STORE = "no-store"
PAGES = "public, max-age=300, stale-while-revalidate=86400"  # for content that changes only with an upgrade


def as_json(data: Any, *, status: int = 200, cache: str = NO_STORE, about: Any = None) -> Response:
    """Return a JSON response, with an entity tag if it is cacheable.

    :param about: the data to compute the tag from, if ``data`` contains something that changes every second.
        The tag is then weak, because the bytes differ while the meaning doesn't.
    """
    body = msgspec.json.encode(data)
    tag = body if about is None else msgspec.json.encode(about)
    response = Response(body, status, content_type="application/json")
    return with_lifetime(response, cache, tag, weak=about is not None)


def as_page(html: str, policy: str, *, status: int = 200, cache: str = NO_STORE) -> Response:
    """Return an HTML response with its own Content-Security-Policy."""
    headers = {"Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin"}
    response = Response(html, status, headers, content_type="text/html; charset=utf-8")
    return with_lifetime(response, cache, response.get_data())


def in_language(response: Response, language: str) -> Response:
    """Set the language of a response, which varies by Accept-Language."""
    response.headers["Content-Language"] = language
    response.vary.add("Accept-Language")
    return response


def cache_control(settings: Settings, seconds: int) -> str:
    """Return the Cache-Control header for a response that is fresh for this many seconds (RFC 5861).

    With CHANGE_FEED, nothing stale is served. Browsers, which can't be notified of a withdrawn picture, revalidate
    after a minute. Caches in PURGE_URLS are notified; any other shared cache revalidates sooner.
    """
    if settings.change_feed:
        own = min(seconds, settings.max_age)
        shared = own if settings.purge_urls else min(own, UNNOTIFIED_MAX_AGE_S)
        return f"public, max-age={min(own, BROWSER_MAX_AGE_S)}, s-maxage={shared}"
    stale = f", stale-while-revalidate={settings.stale_while_revalidate}" if seconds else ""
    return f"public, max-age={min(seconds, settings.max_age)}{stale}, stale-if-error={settings.stale_if_error}"


def with_lifetime(response: Response, cache: str, tag: bytes, *, weak: bool = False) -> Response:
    """Set the Cache-Control header and, if the response is cacheable, an entity tag computed from ``tag``."""
    response.headers["Cache-Control"] = cache
    if cache != NO_STORE:
        response.set_etag(hashlib.blake2b(tag, digest_size=12).hexdigest(), weak=weak)
        response.make_conditional(request.environ)
    return response

"""Headers that every answer has, good or bad (reliability: MDN HTTP Observatory; OWASP API 8)."""

from __future__ import annotations

import re

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
ALLOWANCE = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
BUDGET = ("Search-Budget-Limit", "Search-Budget-Remaining", "Search-Budget-Reset")


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
        expose_headers=["Content-Language", "ETag", "Link", "Retry-After", *ALLOWANCE, *BUDGET],
        max_age=HOUR,
        vary_header=False,
    )

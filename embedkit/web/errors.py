"""Errors over HTTP: ``application/problem+json`` (RFC 9457), always with a ``code`` and advice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
from flask import Blueprint, Flask, Response, current_app, request, url_for
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import RequestRedirect
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as BaseResponse

from embedkit import errors
from embedkit.errors import ConfigurationError, EmbedKitError
from embedkit.process import lazy_logger

log = lazy_logger("embedkit.web")

# Default delay in seconds before calling Getty Images again, by code.
RETRY_AFTER: Mapping[str, float] = {"unavailable": 30, "rate-limited": 1, "quota-exhausted": 900}

# Codes that only exist over HTTP.
OF_HTTP: Mapping[str, tuple[int, str]] = {
    "invalid-request": (400, "Invalid request"),
    "token-required": (401, "Token required"),
    "forbidden": (403, "Forbidden"),
    "no-route": (404, "No such URL"),
    "method-not-allowed": (405, "Method not allowed"),
    "too-large": (413, "Request too large"),
    "throttled": (429, "Too many requests"),
    "unsupported-format": (501, "Format not supported"),
    "not-configured": (503, "Not configured"),
}
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EmbedKitError)]
OF_ERRORS = {kind.code: (kind.http_status, kind.title) for kind in KINDS}
# The status and title of every code that a response can have, ordered by status.
CODES = dict(sorted({**OF_ERRORS, **OF_HTTP}.items(), key=lambda row: (row[1][0], row[0])))
# The codes of errors in resolving a reference.
FAILURES = (
    "unsupported",
    "not-found",
    "not-embeddable",
    "rate-limited",
    "quota-exhausted",
    "unavailable",
    "invalid-response",
)
# The codes of errors in calling the Getty Images API.
SEARCHING = (
    *("rate-limited", "quota-exhausted", "unauthorized", "invalid-key", "invalid-token", "permission-denied"),
    *("unavailable", "invalid-response"),
)
BY_STATUS = {404: "no-route", 405: "method-not-allowed", 413: "too-large", 429: "throttled"}


class Refused(EmbedKitError):
    """A request that is rejected over HTTP: it is invalid, not allowed, or over a limit."""

    def __init__(
        self, code: str, message: str, *, status: int = 0, headers: Mapping[str, str] = {}, **evidence: Any
    ) -> None:
        super().__init__(message, **evidence)
        self.code = code
        self.title = CODES[code][1]
        self.http_status = status or CODES[code][0]
        self.headers = dict(headers)


def handle(target: Flask | Blueprint) -> None:
    """Return every error of an application or blueprint as a problem."""
    target.register_error_handler(EmbedKitError, from_error)
    target.register_error_handler(HTTPException, from_http)
    target.register_error_handler(Exception, unexpected)
    for status in (400, 404, 405, 413):  # Flask prefers a host's handler for a status to ours for a class
        target.register_error_handler(status, from_http)


def from_error(error: EmbedKitError) -> Response:
    """Return an error as a problem. The details of a configuration error are only logged."""
    if isinstance(error, ConfigurationError):
        log.error("invalid configuration: %s", error)
        error = Refused("configuration", "The service is not configured correctly. See its log for details.")
    status, code = error.http_status, error.code
    problem = {"type": _type(code), "title": error.title, "status": status, "detail": str(error), "code": code}
    headers = {**headers_of(error), "Cache-Control": "no-store"}
    return Response(msgspec.json.encode(problem), status, headers, content_type="application/problem+json")


def from_http(error: HTTPException) -> BaseResponse:
    if error.response is not None:  # a host's own
        return error.get_response(request.environ)
    status = error.code or 500
    code = BY_STATUS.get(status, "invalid-request" if status < 500 else "error")
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return from_error(Refused(code, _advice(code, error, headers), status=status, headers=headers))


def redirect_without_host() -> BaseResponse | None:
    """Make the redirects of routing (for ``//``) relative: a cache can store them, so they must not contain Host.

    This runs before any view, because Flask passes such redirects to no error handler. See RFC 9110, section
    10.2.2, on Location.
    """
    error = request.routing_exception
    if not isinstance(error, RequestRedirect):
        return None
    parts = urlsplit(error.new_url)
    place = SplitResult("", "", "/" + parts.path.lstrip("/"), parts.query, "").geturl()
    return redirect(place, error.code)


def unexpected(error: Exception) -> Response:
    """Log an unexpected error, and return a problem without details."""
    log.error("unexpected error", exc_info=error)
    return from_error(Refused("error", "An unexpected error occurred and was logged. Please try again later."))


def headers_of(error: EmbedKitError) -> dict[str, str]:
    """Return the error's own headers, and ``Retry-After`` in whole seconds if the delay is known."""
    own = error.headers if isinstance(error, Refused) else {}
    after = retry_after(error.code, error.retry_after)
    return own if after is None else {**own, "Retry-After": str(after)}


def retry_after(code: str, known: float | None) -> int | None:
    """Return the whole seconds to wait before trying again, at least 1; None if unknown.

    :param code: the code of an error, or of a problem in a text.
    :param known: the seconds that the error itself specifies.
    """
    after = RETRY_AFTER.get(code) if known is None else known
    return None if after is None else max(1, math.ceil(after))


def _type(code: str) -> str:
    """Return the URL that documents a code; relative, since Host can't be trusted (RFC 9457, section 3.1.1)."""
    if request_ctx.url_adapter is None:  # for an untrusted host, Flask doesn't set up routing
        return "about:blank"
    return url_for(f"{request.blueprint or 'embedkit'}.docs", _anchor=f"error-{code}")


def _advice(code: str, error: HTTPException, headers: Mapping[str, str]) -> str:
    if code == "no-route":
        return f"No such endpoint. These exist: {', '.join(_rules())}."
    if code == "method-not-allowed":
        return f"This endpoint supports {headers.get('Allow', 'other methods')}."
    if isinstance(error, SecurityError):
        return "The Host header is not one of EMBEDKIT_TRUSTED_HOSTS."
    return str(error.description or error.name)


def _rules() -> list[str]:
    ours = f"{request.blueprint or 'embedkit'}."
    return sorted({rule.rule for rule in current_app.url_map.iter_rules() if rule.endpoint.startswith(ours)})

"""Map the oEmbed endpoint's statuses other than 200 to errors (documented 2014 to 2018, or observed in public).

    404, 410                          NotFound; a firewall's page with that status is Unavailable
    429, or a throttling message      RateLimited for the limit per second, QuotaExhausted for the limit per day
    401, or "Account Inactive"        Unauthorized
    403                               NotEmbeddable
    400, 501                          InvalidResponse: our request was wrong
    408, other 5xx                    Unavailable
    4xx without JSON                  Unavailable: a firewall's page, not the service (400 can be empty)
    anything else                     InvalidResponse

The body of Getty's own 404 is undocumented, so any body is accepted, even an empty one: a takedown must get
through. Only a page that looks like a firewall's ("Access Denied … Reference #18.…") takes nothing down.

What the API v3 has in common with oEmbed (throttling, firewall pages, Retry-After) is handled here for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from embedkit.errors import (
    InvalidResponse,
    NotEmbeddable,
    NotFound,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from embedkit.getty import payload
from embedkit.messages import Response
from embedkit.models import AssetRef

MAX_WAIT_S = 60  # upper bound for Retry-After
MAX_TEXT_BYTES = 4096  # of a body that are searched for an explanation

NO_KEY = "The endpoint needs no key: check EMBEDKIT_OEMBED_ENDPOINT."

_SECONDS = re.compile(r"0*([0-9]{1,10})[0-9]*")  # any number with more digits is above MAX_WAIT_S
# In X-Error-Detail and bodies; the old gateway says "Developer Over Qps".
_PER_SECOND = re.compile(r"(?:account|developer)\s+over\s+(?:queries\s+per\s+second|qps)", re.IGNORECASE)
_PER_DAY = re.compile(r"(?:account|developer)\s+over\s+rate", re.IGNORECASE)
_TOO_MANY = re.compile(rb'\s*\{\s*"message"\s*:\s*"Too Many Requests"\s*\}\s*')
_INACTIVE = re.compile(r"(?:account|developer)\s+inactive", re.IGNORECASE)
_REFERENCE = re.compile(r"reference(?:\s|&#32;|&nbsp;)*(?:#|&#35;)", re.IGNORECASE)

Kind = TypeVar("Kind", bound=ProviderError)
Meaning = tuple[type[ProviderError], str, str]

THROTTLES: dict[type[ProviderError], tuple[str, str]] = {
    RateLimited: ("too many calls a second", "Send requests more slowly."),
    QuotaExhausted: ("too many calls today", "Wait until tomorrow, or ask Getty Images for a higher quota."),
}


def oembed_error(response: Response, ref: AssetRef) -> ProviderError:
    """Return the error for a response with a status other than 200, without quoting the response."""
    return error_for(response, *classify(response), ref=str(ref))


def error_for(
    response: Response, kind: type[ProviderError], why: str, hint: str, ref: str | None, code: str | None = None
) -> ProviderError:
    """Return the throttling error if the response is one, whoever sent it; else an error of this kind."""
    return throttle_error(response, ref) or _error(response, kind, why, hint, ref, code)


def _error(
    response: Response, kind: type[Kind], why: str, hint: str, ref: str | None, getty_code: str | None = None
) -> Kind:
    """Build an error with the response's status and the time after which to retry."""
    message = f"Getty Images answered {response.status}: {why}."
    requested = retry_after(response.headers)
    wait = max(requested or 0.0, response.cooldown) or requested
    error = kind(message, hint=hint, ref=ref, retry_after=wait, getty_code=getty_code, **response.evidence)
    if isinstance(error, NotFound):
        error.gone = response.status == 410
    if isinstance(error, InvalidResponse):
        error.outage = not is_own(response)
    return error


def is_own(response: Response) -> bool:
    """Return whether a response with a status other than 200 comes from the oEmbed endpoint itself.

    It doesn't if it is from a firewall, if it is a maintenance page, or if the endpoint doesn't use its status.
    """
    kind = classify(response)[0]
    return kind is not Unavailable and (kind is not InvalidResponse or _is_client_error(response))


def _is_client_error(response: Response) -> bool:
    """Return whether the service rejected the request (400, 501 and the like), in JSON or with an empty body."""
    return response.status >= 400 and (not response.body.strip() or is_json(response.body))


def throttle_error(response: Response, ref: str | None = None) -> RateLimited | QuotaExhausted | None:
    """Return the error for a response that reports too many calls, per second or per day; else None."""
    kind = _throttle(response)
    return _error(response, kind, *THROTTLES[kind], ref) if kind else None


def _throttle(response: Response) -> type[RateLimited] | type[QuotaExhausted] | None:
    status, text = response.status, explanation(response)
    if not 400 <= status < 500 or status in (404, 410):
        return None
    if _PER_SECOND.search(text):
        return RateLimited
    if _PER_DAY.search(text) or (status == 429 and _is_daily_limit(response)):
        return QuotaExhausted
    return RateLimited if status == 429 else None


def _is_daily_limit(response: Response) -> bool:
    """Return whether a 429 reports the daily limit. As of 2026, the limit per second also sends X-Error-Detail."""
    return "x-error-detail" not in response.headers and _TOO_MANY.fullmatch(response.body) is not None


def explanation(response: Response) -> str:
    """Return the header X-Error-Detail and the start of the body, whatever its type."""
    detail = response.headers.get("x-error-detail", "")
    return f"{detail}\n{response.body[:MAX_TEXT_BYTES].decode('utf-8', 'replace')}"


def is_inactive(text: str) -> bool:
    """Return whether this is the old gateway's message for a rejected key."""
    return _INACTIVE.search(text) is not None


def is_firewall_page(text: str) -> bool:
    """Return whether this is the text of a firewall's page, which says nothing about the picture."""
    return "access denied" in text.lower() and _REFERENCE.search(text) is not None


def classify(response: Response) -> Meaning:
    """Return error class, message and hint for a response of the oEmbed endpoint."""
    status, text = response.status, explanation(response)
    if status in (404, 410):
        if is_firewall_page(text):
            return Unavailable, "a firewall's page", "Try again later."
        return NotFound, "picture not found, it was withdrawn or never existed", "Choose another picture."
    if 400 <= status < 500:
        return _client_error(response, text)
    if 500 <= status < 600 and status != 501:
        return Unavailable, "the service has a problem", "Try again later."
    if status == 501:
        return InvalidResponse, "the service doesn't support this request", "Check EMBEDKIT_OEMBED_ENDPOINT."
    return InvalidResponse, "not the response of an oEmbed endpoint", "Check EMBEDKIT_OEMBED_ENDPOINT."


def _client_error(response: Response, text: str) -> Meaning:
    status, body = response.status, response.body
    if throttled := _throttle(response):
        return throttled, *THROTTLES[throttled]
    if is_inactive(text):
        return Unauthorized, "the account is inactive", NO_KEY
    if status == 408 or not (is_json(body) or (status == 400 and not body.strip())):
        return Unavailable, "not the service's own response, perhaps a firewall's", "Try again later."
    if status == 401:
        return Unauthorized, "credentials are required", NO_KEY
    if status == 403:
        return NotEmbeddable, "this picture can't be embedded", "Choose another picture."
    hint = "Check EMBEDKIT_OEMBED_ENDPOINT and EMBEDKIT_CALLER."
    return InvalidResponse, "the request was not understood", hint


def is_json(body: bytes) -> bool:
    """Return whether a body is JSON of any kind; a firewall's page isn't."""
    try:
        payload.decode(body)
    except ValueError:
        return False
    return True


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in Retry-After, at most 60; None if it is missing or invalid (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if seconds := _SECONDS.fullmatch(value):
        return float(min(int(seconds[1]), MAX_WAIT_S))
    if not value.endswith("GMT"):
        return None
    from email.utils import parsedate_to_datetime  # takes 5 ms to import, and dates are rare

    try:  # relative to the response's Date: this module doesn't use the clock
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait.total_seconds(), 0.0), float(MAX_WAIT_S))

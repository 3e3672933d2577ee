"""What the oEmbed endpoint means by a status other than 200 (documented 2014 to 2018, or seen in public).

    404, 410                          NotFound; a firewall's page with that status is Unavailable
    429, or the words of a throttle   RateLimited for a second's limit, QuotaExhausted for a day's
    401, or "Account Inactive"        Unauthorized
    403                               NotEmbeddable
    400, 501                          InvalidResponse: we asked wrongly
    408, other 5xx                    Unavailable
    4xx without JSON                  Unavailable: a firewall's page, not the service (400 may be empty)
    anything else                     InvalidResponse

The body of Getty's own 404 is undocumented, so any will do, none included: a takedown must get through.
Only a page with the marks of a firewall ("Access Denied … Reference #18.…") takes nothing down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
from embedkit.models import AssetRef, Response

MAX_WAIT = 60  # seconds of Retry-After that are believed
MAX_WORDS = 4096  # bytes of a body that are searched for what it means

_SECONDS = re.compile(r"[0-9]{1,10}")
# X-Error-Detail and bodies, also in the words of the gateway of old ("Developer Over Qps").
_PER_SECOND = re.compile(r"(?:account|developer)\s+over\s+(?:queries\s+per\s+second|qps)", re.IGNORECASE)
_PER_DAY = re.compile(r"(?:account|developer)\s+over\s+rate", re.IGNORECASE)
_INACTIVE = re.compile(r"(?:account|developer)\s+inactive", re.IGNORECASE)
_REFERENCE = re.compile(r"reference(?:\s|&#32;|&nbsp;)*(?:#|&#35;)", re.IGNORECASE)

Meaning = tuple[type[ProviderError], str, str]


def refusal(response: Response, ref: AssetRef) -> ProviderError:
    """The error that an answer with another status than 200 stands for; none of its words are repeated."""
    status = response.status
    kind, says, hint = _meaning(status, response.body, response.headers)
    error = kind(
        f"Getty Images answered {status}: {says}.",
        hint=hint,
        ref=str(ref),
        retry_after=retry_after(response.headers),
    )
    if isinstance(error, NotFound):
        error.gone = status == 410
    return error


def throttle(response: Response) -> RateLimited | QuotaExhausted | None:
    """The error of an answer that says that too many calls were made, of a second or of a day."""
    wait = retry_after(response.headers)
    kind = _throttle(response.status, _words(response.body, response.headers))
    return kind(retry_after=wait) if kind else None


def _throttle(status: int, words: str) -> type[RateLimited] | type[QuotaExhausted] | None:
    if not 400 <= status < 500 or status in (404, 410):
        return None
    if _PER_SECOND.search(words):
        return RateLimited
    if _PER_DAY.search(words):
        return QuotaExhausted
    return RateLimited if status == 429 else None


def _words(body: bytes, headers: Mapping[str, str]) -> str:
    return f"{headers.get('x-error-detail', '')}\n{body[:MAX_WORDS].decode('utf-8', 'replace')}"


def _meaning(status: int, body: bytes, headers: Mapping[str, str]) -> Meaning:
    words = _words(body, headers)
    if status in (404, 410):
        if "access denied" in words.lower() and _REFERENCE.search(words):
            return Unavailable, "a firewall's page", "Try again later."
        return NotFound, "there is no such picture, or it was withdrawn", "Choose another picture."
    if 400 <= status < 500:
        return _client_error(status, body, words)
    if 500 <= status < 600 and status != 501:
        return Unavailable, "the service has a problem", "Try again later."
    if status == 501:
        return InvalidResponse, "it does not offer what was asked for", "Check OEMBED_ENDPOINT."
    return InvalidResponse, "no answer of an oEmbed endpoint", "Check OEMBED_ENDPOINT."


def _client_error(status: int, body: bytes, words: str) -> Meaning:
    throttled = _throttle(status, words)
    if throttled is QuotaExhausted:
        return throttled, "too many calls today", "Wait until tomorrow, or ask Getty for more."
    if throttled:
        return throttled, "too many calls a second", "Ask more slowly."
    if _INACTIVE.search(words):
        return Unauthorized, "the account is inactive", "The endpoint needs no key: check OEMBED_ENDPOINT."
    if status == 408 or not (_is_json(body) or (status == 400 and not body.strip())):
        return Unavailable, "not the service's own answer, perhaps a firewall's", "Try again later."
    if status == 401:
        return Unauthorized, "it wants credentials", "The endpoint needs no key: check OEMBED_ENDPOINT."
    if status == 403:
        return NotEmbeddable, "this picture may not be embedded", "Choose another picture."
    return InvalidResponse, "the question was not understood", "Check OEMBED_ENDPOINT and CALLER."


def _is_json(body: bytes) -> bool:
    try:
        payload.decode(body)
    except ValueError:
        return False
    return True


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for, 60 at most; none where it is missing or junk (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(min(int(value), MAX_WAIT))
    if not value.endswith("GMT"):
        return None
    from email.utils import parsedate_to_datetime  # 5 ms to import: only when Getty says when

    try:  # a time counts from the time at which Getty sent it: there is no clock in here
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait.total_seconds(), 0.0), float(MAX_WAIT))

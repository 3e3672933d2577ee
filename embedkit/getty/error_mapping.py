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

What the API v3 has in common with it (throttles, a firewall's page, Retry-After) is read here for both.
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

MAX_WAIT_S = 60  # of Retry-After that are believed
MAX_TEXT_BYTES = 4096  # of a body, searched for what it means

NO_KEY = "The endpoint needs no key: check EMBEDKIT_OEMBED_ENDPOINT."

_SECONDS = re.compile(r"0*([0-9]{1,10})[0-9]*")  # of longer numbers the start will do: all are above MAX_WAIT_S
# X-Error-Detail and bodies, also in the words of the gateway of old ("Developer Over Qps").
_PER_SECOND = re.compile(r"(?:account|developer)\s+over\s+(?:queries\s+per\s+second|qps)", re.IGNORECASE)
_PER_DAY = re.compile(r"(?:account|developer)\s+over\s+rate", re.IGNORECASE)
_TOO_MANY = re.compile(rb'\s*\{\s*"message"\s*:\s*"Too Many Requests"\s*\}\s*')
_INACTIVE = re.compile(r"(?:account|developer)\s+inactive", re.IGNORECASE)
_REFERENCE = re.compile(r"reference(?:\s|&#32;|&nbsp;)*(?:#|&#35;)", re.IGNORECASE)

Kind = TypeVar("Kind", bound=ProviderError)
Meaning = tuple[type[ProviderError], str, str]

THROTTLES: dict[type[ProviderError], tuple[str, str]] = {
    RateLimited: ("too many calls a second", "Ask more slowly."),
    QuotaExhausted: ("too many calls today", "Wait until tomorrow, or ask Getty for more."),
}


def oembed_error(response: Response, ref: AssetRef) -> ProviderError:
    """The error that an answer with another status than 200 stands for; none of its words are repeated."""
    return error_for(response, *classify(response), ref=str(ref))


def error_for(
    response: Response, kind: type[ProviderError], why: str, hint: str, ref: str | None, code: str | None = None
) -> ProviderError:
    """The error of an answer: of a throttle, whoever has answered so, else one of this kind."""
    return throttle_error(response, ref) or _error(response, kind, why, hint, ref, code)


def _error(
    response: Response, kind: type[Kind], why: str, hint: str, ref: str | None, getty_code: str | None = None
) -> Kind:
    """An error with what every such answer says: its status, and when to try again."""
    message = f"Getty Images answered {response.status}: {why}."
    asked = retry_after(response.headers)
    wait = max(asked or 0.0, response.cooldown) or asked
    error = kind(message, hint=hint, ref=ref, retry_after=wait, getty_code=getty_code, **response.evidence)
    if isinstance(error, NotFound):
        error.gone = response.status == 410
    if isinstance(error, InvalidResponse):
        error.outage = not is_own(response)
    return error


def is_own(response: Response) -> bool:
    """Whether an answer with another status than 200 is the oEmbed endpoint's own.

    It is not where a firewall or a maintenance page answers, and with a status that the endpoint does not use.
    """
    kind = classify(response)[0]
    return kind is not Unavailable and (kind is not InvalidResponse or _is_client_error(response))


def _is_client_error(response: Response) -> bool:
    """A question that was refused, in JSON or without a word (400, 501 and the like)."""
    return response.status >= 400 and (not response.body.strip() or is_json(response.body))


def throttle_error(response: Response, ref: str | None = None) -> RateLimited | QuotaExhausted | None:
    """The error of an answer that says that too many calls were made, a second or a day; None for any other."""
    kind = _throttle(response)
    return _error(response, kind, *THROTTLES[kind], ref) if kind else None


def _throttle(response: Response) -> type[RateLimited] | type[QuotaExhausted] | None:
    status, text = response.status, explanation(response)
    if not 400 <= status < 500 or status in (404, 410):
        return None
    if _PER_SECOND.search(text):
        return RateLimited
    if _PER_DAY.search(text) or (status == 429 and _is_spent(response)):
        return QuotaExhausted
    return RateLimited if status == 429 else None


def _is_spent(response: Response) -> bool:
    """Whether a 429 is of the day's limit: in 2026 both have these words, a second's also X-Error-Detail."""
    return "x-error-detail" not in response.headers and _TOO_MANY.fullmatch(response.body) is not None


def explanation(response: Response) -> str:
    """What an answer says of itself: its header X-Error-Detail, then the start of its body, of whatever type."""
    detail = response.headers.get("x-error-detail", "")
    return f"{detail}\n{response.body[:MAX_TEXT_BYTES].decode('utf-8', 'replace')}"


def is_inactive(text: str) -> bool:
    """Whether these words are of a key that is refused, as the gateway of old has it."""
    return _INACTIVE.search(text) is not None


def is_firewall_page(text: str) -> bool:
    """Whether these words are of a firewall's page, which knows nothing of pictures."""
    return "access denied" in text.lower() and _REFERENCE.search(text) is not None


def classify(response: Response) -> Meaning:
    """The error, what it says and a hint, for an answer of the oEmbed endpoint."""
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
        return InvalidResponse, "it does not offer what was asked for", "Check EMBEDKIT_OEMBED_ENDPOINT."
    return InvalidResponse, "no answer of an oEmbed endpoint", "Check EMBEDKIT_OEMBED_ENDPOINT."


def _client_error(response: Response, text: str) -> Meaning:
    status, body = response.status, response.body
    if throttled := _throttle(response):
        return throttled, *THROTTLES[throttled]
    if is_inactive(text):
        return (
            Unauthorized,
            "the account is inactive",
            NO_KEY,
        )
    if status == 408 or not (is_json(body) or (status == 400 and not body.strip())):
        return Unavailable, "not the service's own answer, perhaps a firewall's", "Try again later."
    if status == 401:
        return Unauthorized, "it wants credentials", NO_KEY
    if status == 403:
        return NotEmbeddable, "this picture can't be embedded", "Choose another picture."
    return (
        InvalidResponse,
        "the question was not understood",
        "Check EMBEDKIT_OEMBED_ENDPOINT and EMBEDKIT_CALLER.",
    )


def is_json(body: bytes) -> bool:
    """Whether a body is JSON of any kind: a firewall's page is none."""
    try:
        payload.decode(body)
    except ValueError:
        return False
    return True


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for, 60 at most; none where it is missing or junk (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if seconds := _SECONDS.fullmatch(value):
        return float(min(int(seconds[1]), MAX_WAIT_S))
    if not value.endswith("GMT"):
        return None
    from email.utils import parsedate_to_datetime  # 5 ms to import: only when Getty says when

    try:  # a time counts from the time at which Getty sent it: there is no clock in here
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait.total_seconds(), 0.0), float(MAX_WAIT_S))

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

MAX_WAIT = 60  # seconds of Retry-After that are believed
MAX_WORDS = 4096  # bytes of a body that are searched for what it means

_SECONDS = re.compile(r"[0-9]{1,10}")
# X-Error-Detail and bodies, also in the words of the gateway of old ("Developer Over Qps").
_PER_SECOND = re.compile(r"(?:account|developer)\s+over\s+(?:queries\s+per\s+second|qps)", re.IGNORECASE)
_PER_DAY = re.compile(r"(?:account|developer)\s+over\s+rate", re.IGNORECASE)
_INACTIVE = re.compile(r"(?:account|developer)\s+inactive", re.IGNORECASE)
_REFERENCE = re.compile(r"reference(?:\s|&#32;|&nbsp;)*(?:#|&#35;)", re.IGNORECASE)

Meaning = tuple[type[ProviderError], str, str]

THROTTLES: dict[type[ProviderError], tuple[str, str]] = {
    RateLimited: ("too many calls a second", "Ask more slowly."),
    QuotaExhausted: ("too many calls today", "Wait until tomorrow, or ask Getty for more."),
}


def refusal(response: Response, ref: AssetRef) -> ProviderError:
    """The error that an answer with another status than 200 stands for; none of its words are repeated."""
    return told(response, *_meaning(response), ref=str(ref))


def told(response: Response, kind: type[ProviderError], says: str, hint: str, ref: str | None) -> ProviderError:
    """An error with what is known of every refusal: the status, and when to try again."""
    message = f"Getty Images answered {response.status}: {says}."
    asked = retry_after(response.headers)
    error = kind(message, hint=hint, ref=ref, retry_after=max(asked or 0.0, response.cooldown) or asked)
    if isinstance(error, NotFound):
        error.gone = response.status == 410
    if isinstance(error, InvalidResponse):
        error.outage = not is_own(response)
    return error


def is_own(response: Response) -> bool:
    """Whether an answer with another status than 200 is the oEmbed endpoint's own.

    It is not where a firewall or a maintenance page answers, and with a status that the endpoint does not use.
    """
    kind = _meaning(response)[0]
    return kind is not Unavailable and (kind is not InvalidResponse or _is_client_error(response))


def _is_client_error(response: Response) -> bool:
    """A question that was refused, in JSON or without a word (400, 501 and the like)."""
    return response.status >= 400 and (not response.body.strip() or is_json(response.body))


def throttled(response: Response, ref: str | None) -> ProviderError | None:
    """What :func:`told` says of an answer that is a throttle's; None for any other."""
    kind = _throttle(response.status, words(response))
    return told(response, kind, *THROTTLES[kind], ref) if kind else None


def throttle(response: Response) -> RateLimited | QuotaExhausted | None:
    """The error of an answer that says that too many calls were made, of a second or of a day."""
    kind = _throttle(response.status, words(response))
    if not kind:
        return None
    return kind(retry_after=retry_after(response.headers))


def _throttle(status: int, said: str) -> type[RateLimited] | type[QuotaExhausted] | None:
    if not 400 <= status < 500 or status in (404, 410):
        return None
    if _PER_SECOND.search(said):
        return RateLimited
    if _PER_DAY.search(said):
        return QuotaExhausted
    return RateLimited if status == 429 else None


def words(response: Response) -> str:
    """What an answer says of itself: its header X-Error-Detail, then the start of its body, of whatever type."""
    detail = response.headers.get("x-error-detail", "")
    return f"{detail}\n{response.body[:MAX_WORDS].decode('utf-8', 'replace')}"


def inactive(said: str) -> bool:
    """Whether these words are of a key that is refused, as the gateway of old has it."""
    return _INACTIVE.search(said) is not None


def firewall(said: str) -> bool:
    """Whether these words are of a firewall's page, which knows nothing of pictures."""
    return "access denied" in said.lower() and _REFERENCE.search(said) is not None


def _meaning(response: Response) -> Meaning:
    status, said = response.status, words(response)
    if status in (404, 410):
        if firewall(said):
            return Unavailable, "a firewall's page", "Try again later."
        return NotFound, "there is no such picture, or it was withdrawn", "Choose another picture."
    if 400 <= status < 500:
        return _client_error(status, response.body, said)
    if 500 <= status < 600 and status != 501:
        return Unavailable, "the service has a problem", "Try again later."
    if status == 501:
        return InvalidResponse, "it does not offer what was asked for", "Check OEMBED_ENDPOINT."
    return InvalidResponse, "no answer of an oEmbed endpoint", "Check OEMBED_ENDPOINT."


def _client_error(status: int, body: bytes, said: str) -> Meaning:
    if throttled := _throttle(status, said):
        return throttled, *THROTTLES[throttled]
    if inactive(said):
        return Unauthorized, "the account is inactive", "The endpoint needs no key: check OEMBED_ENDPOINT."
    if status == 408 or not (is_json(body) or (status == 400 and not body.strip())):
        return Unavailable, "not the service's own answer, perhaps a firewall's", "Try again later."
    if status == 401:
        return Unauthorized, "it wants credentials", "The endpoint needs no key: check OEMBED_ENDPOINT."
    if status == 403:
        return NotEmbeddable, "this picture may not be embedded", "Choose another picture."
    return InvalidResponse, "the question was not understood", "Check OEMBED_ENDPOINT and CALLER."


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

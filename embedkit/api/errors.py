"""Map the API v3's unexpected statuses to errors (documented from 2014 to 2026, or seen in public).

    429, or a throttling message          RateLimited for the limit per second, QuotaExhausted for the one per day
    UserTokenRequired, with any status    InvalidToken: a customer is required
    401, 403 from the gateway             InvalidKey: "Account Inactive" in the classic documentation,
                                          "Unauthorized" and "Forbidden" today; but "Unauthorized" for a download
                                          is NotLicensed, because the key has just obtained a token for it
    any other 401                         InvalidToken
    403 OverageLimitReached               QuotaExhausted: no more downloads in this period
    403 for a display size, a product,    PermissionDenied: the key or the customer lacks the right
        a board, or anything else
    any other 403 for a download          NotLicensed: outside the agreement
    404, 410                              NotFound; for a search InvalidResponse: the URL is wrong
    400                                   InvalidResponse; the hint names the last page or the allowed page sizes
    408, 5xx, 4xx without JSON            Unavailable: an outage, or a firewall's page
    anything else                         InvalidResponse

Error bodies have one of four forms: ``message``; ``code`` and ``message``; ``ErrorCode`` and ``ErrorMessage``; or
empty. Messages of ours repeat only the code, which is a single word, and names of our own parameters.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, urlsplit

from embedkit import errors
from embedkit.api.parameters import ENDPOINTS, PAGE_SIZES, takes
from embedkit.getty import error_mapping, payload
from embedkit.getty.error_mapping import Meaning
from embedkit.messages import Response

What = Literal[
    "search", "picture", "places", "download", "board", "comment", "event", "account", "changes", "resource"
]

MISSING: dict[What, tuple[str, str]] = {
    "picture": ("picture not found, it was withdrawn or never existed", "Choose another picture."),
    "download": ("picture not found, it was withdrawn or never existed", "Choose another picture."),
    "board": ("there is no such board", "Check the list of boards."),
    "comment": ("there is no such board or comment", "Check the comments on the board."),
    "changes": ("there is no such channel or batch of asset changes", "Ask Getty Images whether the key has one."),
    "event": ("there is no such event", "Use an ID from a picture's event_ids."),
    "resource": ("there is nothing at this path", "Check the path."),
}
KEY_REFUSED = (errors.InvalidKey, "the key is missing or refused", "Check EMBEDKIT_API_KEY.")
TOKEN_REFUSED = (
    errors.InvalidToken,
    "the token is missing or refused",
    "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET; for a customer's account, run embedkit login, or also set"
    " EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.",
)
NO_CUSTOMER = (
    errors.InvalidToken,
    "this needs a Getty Images account",
    "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.",
)
NOT_LICENSED = (
    errors.NotLicensed,
    "this picture is outside the customer's agreement",
    "Choose another picture or another product_type from its largest downloads,"
    " or check the account: EMBEDKIT_USERNAME, or embedkit login.",
)
NO_PRODUCT = (
    errors.PermissionDenied,
    "the customer has no access to this product",
    "Choose another product_type from the picture's largest downloads.",
)
SIZE_REFUSED = (
    errors.PermissionDenied,
    "the key does not include these display sizes",
    "Request only thumb in fields.",
)
BOARD_REFUSED = (
    errors.PermissionDenied,
    "the customer may not do that",
    "Ask the board's owner, or check the account: EMBEDKIT_USERNAME, or embedkit login.",
)
NO_FEED = (
    errors.PermissionDenied,
    "the key has no feed of asset changes",
    "Ask Getty Images for it, or unset EMBEDKIT_CHANGE_FEED.",
)
OUT_OF_REACH = (
    errors.PermissionDenied,
    "these credentials don't allow that",
    "Ask Getty Images what the key includes; for a customer's account, run embedkit login, or set"
    " EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.",
)

_CODE = re.compile("[A-Z][A-Za-z]{2,63}")
_SIZE = re.compile("page[ _-]?size", re.IGNORECASE)
_FIELD = re.compile(r"Field: ([A-Za-z_]{1,40}),")
_LAST_PAGE = re.compile("page must be less than or equal to ([0-9]{1,9})")  # docs of September 2026


class Body(NamedTuple):
    """Code and message of an error response, each possibly empty. The message is never repeated to users."""

    code: str
    message: str


def error_for(response: Response, *, what: What, ref: str | None = None) -> errors.ProviderError:
    """Return the error for a response.

    :param what: the kind of resource that was requested or changed.
    """
    body = _body(response.body)
    kind, message, hint = _classify(response, body, what)
    if response.status == 400:
        message, hint = _about_page(response, body) or (message, hint)
    message += f" ({body.code})" if body.code else ""
    return error_mapping.error_for(response, kind, message, hint, ref, body.code or None)


def check(response: Response, what: What, ref: str | None = None) -> None:
    """Check that a response is successful.

    :raises ProviderError: if it isn't.
    """
    if not 200 <= response.status < 300:
        raise error_for(response, what=what, ref=ref)


def missing_error(what: What, ref: str | None = None) -> errors.NotFound:
    """Return the error for a successful response that lacks the requested item."""
    message, hint = MISSING[what]
    return errors.NotFound(f"{message[0].upper()}{message[1:]}.", hint=hint, ref=ref)


def _body(content: bytes) -> Body:
    answer = payload.fields(content)
    code = answer.get("code") or answer.get("ErrorCode")
    message = answer.get("message") or answer.get("ErrorMessage")
    known = isinstance(code, str) and _CODE.fullmatch(code)
    return Body(str(code) if known else "", message if isinstance(message, str) else "")


def _classify(response: Response, body: Body, what: What) -> Meaning:
    status, own = response.status, not response.body.strip() or error_mapping.is_json(response.body)
    if status in (404, 410):
        return _missing(response, body, what)
    if body.code == "UserTokenRequired":
        return NO_CUSTOMER
    if 400 <= status < 500 and error_mapping.is_inactive(error_mapping.explanation(response)):
        return KEY_REFUSED
    if body.code == "InvalidIStockCollection":  # documented with status 500, but caused by the request
        return errors.InvalidResponse, "there is no such collection", "Check the collection codes."
    if status == 408 or 500 <= status < 600 or (400 <= status < 500 and not own):
        message = "the service has a problem" if own else "not the service's own response"
        return errors.Unavailable, message, "Try again later."
    if status == 401:
        return _unauthorized(body, what)
    if status == 403:
        return _forbidden(response, body, what)
    if 400 <= status < 500:
        return errors.InvalidResponse, "the request was not understood", _about(body)
    return errors.InvalidResponse, "not a response of the API", "Check EMBEDKIT_API_BASE."


def _missing(response: Response, body: Body, what: What) -> Meaning:
    if error_mapping.is_firewall_page(error_mapping.explanation(response)):
        return errors.Unavailable, "a firewall's page", "Try again later."
    if body.code == "FileDownloadSizeNotFound":
        return errors.NotFound, "there is no file of that size", "Choose one of this picture's sizes."
    if what in MISSING:
        return errors.NotFound, *MISSING[what]
    return errors.InvalidResponse, "there is nothing at this URL", "Check EMBEDKIT_API_BASE."


def _unauthorized(body: Body, what: What) -> Meaning:
    if body.code or body.message != "Unauthorized":
        return TOKEN_REFUSED
    return NOT_LICENSED if what == "download" else KEY_REFUSED


def _forbidden(response: Response, body: Body, what: What) -> Meaning:
    if body.code == "OverageLimitReached":
        hint = "Choose another product_type, or ask Getty for more."
        return errors.QuotaExhausted, "no more downloads in this period", hint
    if "x-amzn-errortype" in response.headers or (body.message == "Forbidden" and not body.code):
        return KEY_REFUSED
    if body.code == "UnauthorizedDisplaySize":
        return SIZE_REFUSED
    if what == "download":
        return NO_PRODUCT if body.code == "NoAccessToProductType" else NOT_LICENSED
    if what == "changes":
        return NO_FEED
    return BOARD_REFUSED if what in ("board", "comment") else OUT_OF_REACH


def _about_page(response: Response, body: Body) -> tuple[str, str] | None:
    """Return message and hint if the page or the page size was refused."""
    if body.code == "InvalidPageSize" or _SIZE.search(body.message):
        return "this page size is refused", _sizes(response)
    if last := _LAST_PAGE.search(body.message):
        return "there is no such page", f"The last page is {last[1]}."
    return None


def _about(body: Body) -> str:
    """Return a hint that names the argument, if the message does."""
    field = _FIELD.search(body.message)
    known = field and any(field[1] in takes(endpoint) for endpoint in ENDPOINTS)
    return f"Check {field[1]}." if field and known else "Check the arguments."


def _sizes(response: Response) -> str:
    """Return a hint that lists the allowed page sizes, without the one that was refused."""
    refused = parse_qs(urlsplit(response.request_url or "").query).get("page_size", [])
    others = [str(size) for size in PAGE_SIZES if str(size) not in refused]
    return f"Use a page_size of {', '.join(others[:-1])} or {others[-1]}."

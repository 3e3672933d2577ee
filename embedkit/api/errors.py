"""What the API v3 means by an unexpected status (documented 2014 to 2026, or seen in public).

    429, or the words of a throttle       RateLimited for a second's limit, QuotaExhausted for a day's
    UserTokenRequired, of any status      InvalidToken: set the customer
    401, 403 of the gateway               InvalidKey: "Account Inactive" in the classic documentation,
                                          "Unauthorized" and "Forbidden" today; but "Unauthorized" to a download,
                                          for which the key has just got a token, is NotLicensed
    401 else                              InvalidToken
    403 OverageLimitReached               QuotaExhausted: no more downloads in this period
    403 of a display size, a product,     PermissionDenied: the key or the customer lacks the right
        a board, or else
    403 else, of a download               NotLicensed: outside the agreement
    404, 410                              NotFound; of a search InvalidResponse: nothing is there to be searched
    400                                   InvalidResponse; of a page it names the last one, of its size the sizes
    408, 5xx, 4xx without JSON            Unavailable: trouble, or a firewall's page
    anything else                         InvalidResponse

Bodies come in four shapes: ``message``; ``code`` and ``message``; ``ErrorCode`` and ``ErrorMessage``; none.
Only a code, which is one word, and names of our parameters are repeated from them.
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
    "board": ("there is no such board", "Look at the list of boards."),
    "comment": ("there is no such board or comment", "Look at the comments of the board."),
    "changes": ("there is no such channel or batch of asset changes", "Ask Getty Images whether the key has one."),
    "event": ("there is no such event", "Take its ID from event_ids of a picture."),
    "resource": ("there is nothing at this path", "Look at the path."),
}
KEY_REFUSED = (errors.InvalidKey, "the key is missing or refused", "Check EMBEDKIT_API_KEY.")
TOKEN_REFUSED = (
    errors.InvalidToken,
    "the token is missing or refused",
    "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET; for what a customer has, run embedkit login, or set"
    " EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD, too.",
)
NO_CUSTOMER = (
    errors.InvalidToken,
    "this needs a Getty Images account",
    "Run embedkit login, or set EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.",
)
NOT_LICENSED = (
    errors.NotLicensed,
    "this picture is outside the customer's agreement",
    "Choose another picture, or another product_type among its largest downloads;"
    " or check the account: EMBEDKIT_USERNAME, or embedkit login.",
)
NO_PRODUCT = (
    errors.PermissionDenied,
    "the customer has no access to this product",
    "Choose another product_type among the largest downloads of the picture.",
)
SIZE_REFUSED = (
    errors.PermissionDenied,
    "the key may not have these display sizes",
    "Ask for thumb among the fields, not for more.",
)
BOARD_REFUSED = (
    errors.PermissionDenied,
    "the customer may not do that",
    "Ask the owner of the board, or check the account: EMBEDKIT_USERNAME, or embedkit login.",
)
NO_FEED = (
    errors.PermissionDenied,
    "the key has no feed of asset changes",
    "Ask Getty Images for it, or unset EMBEDKIT_CHANGE_FEED.",
)
OUT_OF_REACH = (
    errors.PermissionDenied,
    "these credentials do not reach that far",
    "Ask Getty Images what the key includes; for what a customer has, run embedkit login, or set EMBEDKIT_USERNAME"
    " and EMBEDKIT_PASSWORD.",
)

_CODE = re.compile("[A-Z][A-Za-z]{2,63}")
_SIZE = re.compile("page[ _-]?size", re.IGNORECASE)
_FIELD = re.compile(r"Field: ([A-Za-z_]{1,40}),")
_LAST_PAGE = re.compile("page must be less than or equal to ([0-9]{1,9})")  # docs of September 2026


class Body(NamedTuple):
    """What a body says: a code, or nothing; a message, for reading alone."""

    code: str
    message: str


def error_for(response: Response, *, what: What, ref: str | None = None) -> errors.ProviderError:
    """The error that an answer stands for.

    :param what: was asked for, or was to be changed.
    """
    body = _body(response.body)
    kind, message, hint = _classify(response, body, what)
    if response.status == 400:
        message, hint = _about_page(response, body) or (message, hint)
    message += f" ({body.code})" if body.code else ""
    return error_mapping.error_for(response, kind, message, hint, ref, body.code or None)


def check(response: Response, what: What, ref: str | None = None) -> None:
    """Check that an answer is one of success.

    :raises ProviderError: where it is not.
    """
    if not 200 <= response.status < 300:
        raise error_for(response, what=what, ref=ref)


def missing_error(what: What, ref: str | None = None) -> errors.NotFound:
    """The error of an answer that holds other things than what was asked for."""
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
    if body.code == "InvalidIStockCollection":  # declared with 500, and about what was asked
        return errors.InvalidResponse, "it knows no such collection", "Check the collection codes."
    if status == 408 or 500 <= status < 600 or (400 <= status < 500 and not own):
        message = "the service has a problem" if own else "not the service's own answer"
        return errors.Unavailable, message, "Try again later."
    if status == 401:
        return _unauthorized(body, what)
    if status == 403:
        return _forbidden(response, body, what)
    if 400 <= status < 500:
        return errors.InvalidResponse, "the question was not understood", _about(body)
    return errors.InvalidResponse, "not an answer of the API", "Check EMBEDKIT_API_BASE."


def _missing(response: Response, body: Body, what: What) -> Meaning:
    if error_mapping.is_firewall_page(error_mapping.explanation(response)):
        return errors.Unavailable, "a firewall's page", "Try again later."
    if body.code == "FileDownloadSizeNotFound":
        return errors.NotFound, "there is no file of that size", "Choose one of the sizes of this picture."
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
    """What is wrong with the page that was asked for, or with its size, and what would do."""
    if body.code == "InvalidPageSize" or _SIZE.search(body.message):
        return "this size of a page is refused", _sizes(response)
    if last := _LAST_PAGE.search(body.message):
        return "there is no such page", f"The last page is {last[1]}."
    return None


def _about(body: Body) -> str:
    """Which argument it was, where the message names one of ours."""
    field = _FIELD.search(body.message)
    known = field and any(field[1] in takes(endpoint) for endpoint in ENDPOINTS)
    return f"Look at {field[1]}." if field and known else "Look at the arguments."


def _sizes(response: Response) -> str:
    """All sizes of a page, but for the one that was refused."""
    refused = parse_qs(urlsplit(response.request_url or "").query).get("page_size", [])
    others = [str(size) for size in PAGE_SIZES if str(size) not in refused]
    return f"Use a page_size of {', '.join(others[:-1])} or {others[-1]}."

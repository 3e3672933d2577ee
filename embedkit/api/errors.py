"""What the API v3 means by an unexpected status (documented 2014 to 2026, or seen in public).

    429, or the words of a throttle       RateLimited for a second's limit, QuotaExhausted for a day's
    401, 403 of a key that is refused     Unauthorized, naming the setting: "Account Inactive" in the classic
                                          documentation, "Unauthorized" and "Forbidden" today
    403 OverageLimitReached               QuotaExhausted: no more downloads in this period
    403 else                              Unauthorized: not licensed, or not one's own board
    404, 410                              NotFound; of a search InvalidResponse: nothing is there to be searched
    400                                   InvalidResponse; of a page size it names the older sizes
    408, 5xx, 4xx without JSON            Unavailable: trouble, or a firewall's page
    anything else                         InvalidResponse

Bodies come in four shapes: ``message``; ``code`` and ``message``; ``ErrorCode`` and ``ErrorMessage``; none.
Only codes of the list here and names of our parameters are repeated from them.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from embedkit.api.parameters import ENDPOINTS, OLD_PAGE_SIZES, takes
from embedkit.errors import (
    InvalidResponse,
    NotFound,
    ProviderError,
    QuotaExhausted,
    Unauthorized,
    Unavailable,
)
from embedkit.getty import error_mapping, payload
from embedkit.getty.error_mapping import Meaning
from embedkit.messages import Response

What = Literal["search", "picture", "places", "download", "board", "comment"]

CODES = frozenset(
    (
        *("InvalidParameterValue", "InvalidPage", "InvalidPageSize", "UnknownProviderUri", "IncorrectlyFormedUri"),
        *("MalformedRequest", "ImageIdMustBeSpecified", "InvalidRequest", "MissingRequiredQueryParameters"),
        *("AuthorizationTokenRequired", "UnauthorizedDisplaySize", "NoAccessToProductType", "Forbidden"),
        *("OverageLimitReached", "InsufficientAccess", "ImageNotFound", "FileDownloadSizeNotFound"),
        *("BoardNotFound", "SystemError", "InvalidIStockCollection"),
    )
)
MISSING: dict[What, tuple[str, str]] = {
    "picture": ("there is no such picture, or it was withdrawn", "Choose another picture."),
    "download": ("there is no such picture, or it was withdrawn", "Choose another picture."),
    "board": ("there is no such board", "Look at the list of boards."),
    "comment": ("there is no such board or comment", "Look at the comments of the board."),
}
KEY_REFUSED = ("the key is missing or refused", "Check EMBEDKIT_API_KEY.")
TOKEN_REFUSED = (
    "the credentials are missing or refused",
    "Check EMBEDKIT_API_KEY and EMBEDKIT_API_SECRET;"
    " downloads and boards need EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD, too.",
)

_SIZE = re.compile("page[ _-]?size", re.IGNORECASE)
_FIELD = re.compile(r"Field: ([A-Za-z_]{1,40}),")


class Body(NamedTuple):
    """What a body says: a code of the list, or nothing; a message, for reading alone."""

    code: str
    message: str


def error_for(
    response: Response, *, what: What, page_size: int | None = None, ref: str | None = None
) -> ProviderError:
    """The error that an answer stands for.

    :param what: was asked for, or was to be changed.
    :param page_size: that was asked for, if any.
    """
    if throttled := error_mapping.throttle_error(response, ref):
        return throttled
    body = _body(response.body)
    kind, message, hint = _classify(response, body, what)
    if response.status == 400 and (body.code == "InvalidPageSize" or _SIZE.search(body.message)):
        message, hint = "this size of a page is refused", _sizes(page_size)
    return error_mapping.error_for(response, kind, message + (f" ({body.code})" if body.code else ""), hint, ref)


def _body(content: bytes) -> Body:
    try:
        answer = payload.mapping(content)
    except ValueError:
        return Body("", "")
    code = answer.get("code") or answer.get("ErrorCode")
    message = answer.get("message") or answer.get("ErrorMessage")
    known = isinstance(code, str) and code in CODES
    return Body(str(code) if known else "", message if isinstance(message, str) else "")


def _classify(response: Response, body: Body, what: What) -> Meaning:
    status, own = response.status, not response.body.strip() or error_mapping.is_json(response.body)
    if status in (404, 410):
        return _missing(response, body, what)
    if 400 <= status < 500 and error_mapping.is_inactive(error_mapping.explanation(response)):
        return Unauthorized, *KEY_REFUSED
    if body.code == "InvalidIStockCollection":  # declared with 500, and about what was asked
        return InvalidResponse, "it knows no such collection", "Check the collection codes."
    if status == 408 or 500 <= status < 600 or (400 <= status < 500 and not own):
        message = "the service has a problem" if own else "not the service's own answer"
        return Unavailable, message, "Try again later."
    if status == 401:
        return Unauthorized, *(KEY_REFUSED if body.message == "Unauthorized" else TOKEN_REFUSED)
    if status == 403:
        return _forbidden(response, body, what)
    if 400 <= status < 500:
        return InvalidResponse, "the question was not understood", _about(body)
    return InvalidResponse, "not an answer of the API", "Check EMBEDKIT_API_BASE."


def _missing(response: Response, body: Body, what: What) -> Meaning:
    if error_mapping.is_firewall_page(error_mapping.explanation(response)):
        return Unavailable, "a firewall's page", "Try again later."
    if body.code == "FileDownloadSizeNotFound":
        return NotFound, "there is no file of that size", "Choose one of the sizes of this picture."
    if what in MISSING:
        return NotFound, *MISSING[what]
    return InvalidResponse, "there is nothing at this URL", "Check EMBEDKIT_API_BASE."


def _forbidden(response: Response, body: Body, what: What) -> Meaning:
    if body.code == "OverageLimitReached":
        hint = "Choose another product_type, or ask Getty for more."
        return QuotaExhausted, "no more downloads in this period", hint
    if "x-amzn-errortype" in response.headers or (body.message == "Forbidden" and not body.code):
        return Unauthorized, *KEY_REFUSED
    if body.code == "UnauthorizedDisplaySize":
        hint = "Ask for thumb among the fields, not for more."
        return Unauthorized, "the key may not have these display sizes", hint
    if what == "download":
        hint = "Choose another product_type among its largest downloads, or check EMBEDKIT_USERNAME."
        return Unauthorized, "this picture is not licensed to the customer", hint
    if what in ("board", "comment"):
        hint = "Ask the owner of the board, or check EMBEDKIT_USERNAME."
        return Unauthorized, "the customer may not do that", hint
    return Unauthorized, "these credentials do not reach that far", TOKEN_REFUSED[1]


def _about(body: Body) -> str:
    """Which argument it was, where the message names one of ours."""
    field = _FIELD.search(body.message)
    known = field and any(field[1] in takes(endpoint) for endpoint in ENDPOINTS)
    return f"Look at {field[1]}." if field and known else "Look at the arguments."


def _sizes(page_size: int | None) -> str:
    hint = f"Some keys take a page_size of {', '.join(map(str, OLD_PAGE_SIZES[:-1]))} or {OLD_PAGE_SIZES[-1]} only"
    if page_size is None:
        return f"{hint}."
    nearest = min(OLD_PAGE_SIZES, key=lambda size: abs(size - page_size))
    return f"{hint}; nearest to {page_size} is {nearest}."

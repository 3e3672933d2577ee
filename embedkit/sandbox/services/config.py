"""How the sandbox behaves: what one contract of the API has and another has not, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

EraName = Literal["2014", "2018", "2026"]
Generation = Literal["modern", "div"]
Pairs = tuple[tuple[str, str], ...]

# of a search seen in 2014
_MASHERY = (
    ("Cache-Control", "no-cache,no-cache"),
    ("Expires", "-1"),
    ("Pragma", "no-cache"),
    ("Server", "Mashery Proxy"),
    ("X-Mashery-Responder", "sandbox.mashery.com"),
)
# of one seen in 2026
_EDGE = (
    ("Vary", "Accept-Encoding, Authorization, Api-Key, Accept, GI-Country-Code, Accept-Language"),
    ("X-Cache", "Miss from cloudfront"),
)


@dataclass(frozen=True, slots=True)
class Era:
    """What one contract of Getty's has and another has not. Each is a row of :data:`ERAS`.

    :param generation: and ``anchor_scheme``: of the markup that oEmbed answers.
    :param key_error: status and message for an API key that is missing or wrong.
    :param throttle_status: of a call above the limits of a key.
    :param throttle_message: its body; empty repeats the detail, and sends X-Error-Detail for both limits.
    :param coded: whether errors of the application name a code and the parameter that is wrong, in a media type of
        their own.
    :param missing_image: the message for an ID that is unknown.
    :param has_last_page: whether a page after the last is refused; otherwise it is empty.
    :param headers: of every answer of the API, and ``creative_headers`` of a creative search.
    :param logs_in: whether customers log in in the browser (authorization code with PKCE), which the metadata
        document of RFC 8414 tells.
    :param downloads_at_once: whether a download redirects to the file without ``auto_download=true``.
    :param redirect: the status of that redirect.
    :param short_downloads: whether ``/v3/downloads/{id}`` exists.
    :param offers: what ``largest_downloads`` lists: ``files`` with their products, ``products`` by type, or those
        with IDs and ``agreements``.
    :param former_filters: whether a search takes, and ignores, those that official clients of that time sent.
    :param sizes_in_search: whether a search may ask for ``download_sizes``.
    :param undeclared_fields: whether found pictures have every field that was asked for, as in live answers of
        2018 (``editorial_segments`` of creative ones), or only those that the contract of 2026 declares.
    :param test_image: whether a key for tests may download, on a token of its own, one picture for all.
    :param unlicensed: the status for a download outside of the agreement; 403 has no body.
    :param preview_is_comp: whether ``preview`` is the same picture as ``comp``.
    :param text_order_ids: whether ``order_id`` is text, or a number.
    :param enhanced: whether a creative search is enhanced where it does not say.
    """

    generation: Generation
    anchor_scheme: Literal["http", "https"]
    key_error: tuple[int, str]
    throttle_status: int
    throttle_message: str
    coded: bool
    missing_image: str
    has_last_page: bool
    headers: Pairs
    creative_headers: Pairs
    browser_login: bool
    downloads_at_once: bool
    redirect: int
    short_downloads: bool
    offers: Literal["files", "products", "agreements"]
    former_filters: bool
    sizes_in_search: bool
    undeclared_fields: bool
    test_image: bool
    unlicensed: int
    preview_is_comp: bool
    text_order_ids: bool
    enhanced: bool


_IN_2018 = Era(
    generation="modern",
    anchor_scheme="http",
    key_error=(403, "Account Inactive"),
    throttle_status=403,
    throttle_message="",
    coded=False,
    missing_image="Image not found: ",
    has_last_page=False,
    headers=_MASHERY,
    creative_headers=_MASHERY,
    browser_login=False,
    downloads_at_once=False,
    redirect=302,
    short_downloads=True,
    offers="products",
    former_filters=True,
    sizes_in_search=False,
    undeclared_fields=True,
    test_image=True,
    unlicensed=403,
    preview_is_comp=False,
    text_order_ids=False,
    enhanced=False,
)
_IN_2026 = Era(
    generation="modern",
    anchor_scheme="https",
    key_error=(401, "Unauthorized"),
    throttle_status=429,
    throttle_message="Too Many Requests",
    coded=True,
    missing_image="Image id not found: ",
    has_last_page=True,
    headers=(("Cache-Control", "no-cache"), *_EDGE),
    creative_headers=(("Cache-Control", "max-age=86400"), ("Age", "0"), *_EDGE),
    browser_login=True,
    downloads_at_once=True,
    redirect=303,
    short_downloads=False,
    offers="agreements",
    former_filters=False,
    sizes_in_search=True,
    undeclared_fields=False,
    test_image=False,
    unlicensed=401,
    preview_is_comp=True,
    text_order_ids=True,
    enhanced=True,
)
ERAS: dict[EraName, Era] = {
    "2014": replace(_IN_2018, generation="div", offers="files"),
    "2018": _IN_2018,
    "2026": _IN_2026,
}


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """How a sandbox behaves.

    >>> SandboxConfig(generation="div", not_embeddable_status=404).rules.throttle_status
    429
    >>> SandboxConfig(era="2014").rules.key_error
    (403, 'Account Inactive')

    Documented or seen, and so without an option: keys and their order, the markup of both generations, 594 px
    by default, the list of tlds, 501 for other formats, 404 for unknown IDs, at most five IDs, 400 for a
    tampered frame, unsigned pairs after ``sig``; of the API v3, statuses and bodies of keys, tokens and
    throttles, 303 for downloads, download URLs that live for a day, refresh tokens for a year.

    :param era: the contract of which year to keep: ``2014`` (Connect), ``2018`` or ``2026``; :class:`Era` names
        what differs. Generation, anchor_scheme, throttle_status and undeclared_fields go by it unless they are
        set.
    :param generation: ``modern`` (anchor and script, since 2017) or ``div`` (iframe in a div, 2014, with a
        bar of 49 px below the picture and thumbnail sizes as strings).
    :param anchor_scheme: of the link in modern markup: seen ``http`` until 2023, ``https`` since.
    :param throttle_status: 429 as today, or 403 as in the classic documentation, for calls above the limits.
    :param origin: the URL under which the sandbox is reached, such as ``http://127.0.0.1:8081``; empty
        takes it from each request. A request for ``embed.gettyimages.com`` (in process) is answered
        with the hosts of the real service.
    :param secret: signs frames. The real input and key are unknown.
    :param deterministic: the same question gets the same tokens, and news of the day keep one date, so that builds
        repeat byte for byte. The real service mints new tokens for every answer, and always has pictures of today.
    :param calls_per_second: the limit of each key, calls for tokens among them; 0 sets none.
    :param calls_per_day: the same for a day.
    :param password_grant: whether a customer gets a token for name and password. The metadata document of 2026
        does not name that grant, and the contract still declares it.
    :param token_seconds: how long an access token lives.
    :param expires_in: how an answer says so: as ``text`` (documented), as a ``number``, not at all
        (``missing``), or as ``junk`` that is not a number.
    :param download_limit: how many downloads each product of the customer has; 0 sets no limit.
    :param redownloads: whether a customer may order a picture again under the same product, and it isn't a second
        licence. By the documentation of September 2026 every order is one.
    :param history: a file that keeps the downloads for the next sandbox; empty forgets them.
    :param invited_board: whether a colleague has invited the customer to a board.
    :param strict: the API refuses parameters that it does not know, pages beyond the last, and sizes of a page
        other than 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75 and 100, as documented in September 2026;
        False takes any size up to 100, ignores such parameters, and has empty pages after the last. In 2014 and
        2018 these pages are empty anyway.
    :param undeclared_fields: pictures that a search finds have every field that was asked for, in 2026 as well.

    Unknown about the real service; these are our guesses:

    :param not_embeddable_status: for a picture that exists but may not be embedded.
    :param missing_url_status: for a question without ``url``.
    :param unsupported_url_status: for a ``url`` that names no asset.
    :param too_many_status: for more than five IDs.
    :param bad_tld_status: for a tld that is not listed; 0 takes ``com`` instead.
    :param bad_size_status: for a maxwidth or maxheight that is not a positive integer; 0 ignores it.
    :param missing_caller_status: for a question without ``caller``; 0 lets it pass.
    :param error_body: ``json`` (``{"message": …}``, as /preview had), ``html`` or ``empty``.
    :param default_side: px, the longest side without maxwidth and maxheight. With only one of the two
        given, the other side is not limited.
    :param cors: the value of Access-Control-Allow-Origin; empty sends none.
    :param cache_control: the value of Cache-Control on oEmbed answers; empty sends none.
    :param facets: whether a search for images that asks for facets gets them, as ``facets``. The contract
        lets it ask, and declares them for videos alone.
    :param none_found_status: where none of several IDs of pictures or events is known: 404, as for a single one,
        or 200 with all of them in ``images_not_found`` or ``events_not_found``.

    Guesses without an option, since clients should not care: errors of the token endpoint are those of RFC 6749
    (401 ``invalid_client``, 400 ``invalid_grant`` and ``invalid_request``); a body comes with 401; an operation of
    the contract that the sandbox lacks is 404, a method that a path does not take 405.
    """

    era: EraName = "2026"
    generation: Generation | Literal[""] = ""
    anchor_scheme: Literal["http", "https", ""] = ""
    throttle_status: Literal[0, 403, 429] = 0
    origin: str = ""
    secret: str = "sandbox"  # guards nothing  # noqa: S105
    deterministic: bool = False
    not_embeddable_status: int = 403
    missing_url_status: int = 400
    unsupported_url_status: int = 404
    too_many_status: int = 400
    bad_tld_status: int = 400
    bad_size_status: int = 400
    missing_caller_status: int = 0
    error_body: Literal["json", "html", "empty"] = "json"
    default_side: int = 594
    cors: str = "*"
    cache_control: str = ""
    calls_per_second: int = 0
    calls_per_day: int = 0
    password_grant: bool = True
    token_seconds: int = 1800
    expires_in: Literal["text", "number", "missing", "junk"] = "text"
    download_limit: int = 0
    redownloads: bool = False
    history: str = ""
    invited_board: bool = False
    strict: bool = True
    undeclared_fields: bool = False
    facets: bool = False
    none_found_status: Literal[404, 200] = 404

    def __post_init__(self) -> None:
        if self.era not in ERAS:
            raise ValueError(f"{self.era!r} is not an era: use {', '.join(ERAS)}")

    @property
    def rules(self) -> Era:
        """What the era has, but for what is set here."""
        return _rules(self.era, self.generation, self.anchor_scheme, self.throttle_status, self.undeclared_fields)


@cache
def _rules(name: EraName, *own: Any) -> Era:
    rows = ("generation", "anchor_scheme", "throttle_status", "undeclared_fields")
    changed: dict[str, Any] = {row: value for row, value in zip(rows, own, strict=True) if value}
    return replace(ERAS[name], **changed)

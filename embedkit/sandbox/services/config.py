"""The sandbox's configuration: the versions of Getty's contract, and options for what is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

EraName = Literal["2014", "2018", "2026"]
Generation = Literal["modern", "div"]
Pairs = tuple[tuple[str, str], ...]

# headers of a search response, seen in 2014
_MASHERY = (
    ("Cache-Control", "no-cache,no-cache"),
    ("Expires", "-1"),
    ("Pragma", "no-cache"),
    ("Server", "Mashery Proxy"),
    ("X-Mashery-Responder", "sandbox.mashery.com"),
)
# the same, seen in 2026
_EDGE = (
    ("Vary", "Accept-Encoding, Authorization, Api-Key, Accept, GI-Country-Code, Accept-Language"),
    ("X-Cache", "Miss from cloudfront"),
)


@dataclass(frozen=True, slots=True)
class Era:
    """The differences between the versions of Getty's contract; see :data:`ERAS`.

    :param generation: the generation of the oEmbed markup.
    :param anchor_scheme: the URL scheme of the link in that markup.
    :param key_error: status and message for a missing or wrong API key.
    :param throttle_status: the status for calls over a key's rate limits.
    :param throttle_message: the message of that error; empty sends the limit's detail as the message, and
        X-Error-Detail for both limits.
    :param coded: whether application errors have a code, name the invalid parameter, and use their own media type.
    :param missing_image: the message for an unknown ID.
    :param has_last_page: whether a page after the last is an error; otherwise it is empty.
    :param headers: the headers of every API response but those of creative searches.
    :param creative_headers: the headers of a creative search's response.
    :param browser_login: whether customers can log in with their browser (authorization code with PKCE), as
        announced in the metadata document of RFC 8414.
    :param downloads_at_once: whether a download redirects to the file by default, without ``auto_download=true``.
    :param redirect: the status of that redirect.
    :param short_downloads: whether ``/v3/downloads/{id}`` exists.
    :param offers: the content of ``largest_downloads``: ``files`` with their products, ``products`` by type, or
        ``agreements``, products with their IDs and agreement names.
    :param former_filters: whether a search accepts and ignores the filters that official clients sent at the time.
    :param sizes_in_search: whether ``download_sizes`` can be requested in a search.
    :param undeclared_fields: whether search results have every requested field, as in live responses of 2018
        (``editorial_segments`` of creative pictures), or only those that the 2026 contract declares.
    :param test_image: whether a test key can download with its own token; it always gets the same picture.
    :param unlicensed: the status for a download not covered by an agreement; 403 has no body.
    :param preview_is_comp: whether the display size ``preview`` is the same picture as ``comp``.
    :param text_order_ids: whether ``order_id`` is a string; otherwise a number.
    :param enhanced: whether enhanced search is on by default for creative searches.
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
    """The behavior of a sandbox. See :class:`Era` for the differences between the eras.

    >>> SandboxConfig(generation="div", not_embeddable_status=404).rules.throttle_status
    429
    >>> SandboxConfig(era="2014").rules.key_error
    (403, 'Account Inactive')

    These are documented or have been seen, so they have no option: the oEmbed keys and their order, the markup of
    both generations, the default of 594 px, the list of tlds, 501 for other formats, 404 for unknown IDs, at most
    five IDs, 400 for a frame URL that was changed, and unsigned parameters after ``sig``; in the API v3, the
    statuses and bodies for keys, tokens and throttling, 303 for downloads, download URLs valid for a day, and
    refresh tokens valid for a year.

    :param era: the year of the contract to follow: ``2014`` (Connect), ``2018`` or ``2026``. It sets the defaults
        of generation, anchor_scheme, throttle_status and undeclared_fields.
    :param generation: the oEmbed markup: ``modern`` (anchor and script, since 2017) or ``div`` (iframe in a div,
        2014, with a bar of 49 px below the picture and thumbnail sizes as strings).
    :param anchor_scheme: the scheme of the link in modern markup: ``http`` was seen until 2023, ``https`` since.
    :param throttle_status: the status for calls over the limits: 429 as today, or 403 as in the classic
        documentation.
    :param origin: the URL at which clients reach the sandbox, such as ``http://127.0.0.1:8081``; if empty, it is
        taken from each request. Responses to (in-process) requests for ``embed.gettyimages.com`` use the real
        service's hosts.
    :param secret: the key that signs frames. The real key and the signed text are unknown.
    :param deterministic: issue the same tokens for the same request, and keep the dates of news pictures fixed, so
        that builds are reproducible byte for byte. The real service issues new tokens with every response, and
        always has pictures of today.
    :param calls_per_second: the maximum calls per second for each key, including token requests; 0 for no limit.
    :param calls_per_day: the maximum calls per day for each key, including token requests; 0 for no limit.
    :param password_grant: whether a customer can get a token with name and password. The metadata document of 2026
        does not list that grant type, but the contract still declares it.
    :param token_seconds: the lifetime of an access token.
    :param expires_in: the form of ``expires_in`` in token responses: ``text`` (documented), ``number``,
        ``missing``, or ``junk`` that is not a number.
    :param download_limit: the number of downloads the customer has per product; 0 for no limit.
    :param redownloads: whether a customer can order a picture again with the same product without buying a second
        license. According to the documentation of September 2026, every order is a new license.
    :param history: a file that stores the downloads for the next sandbox; empty keeps them in memory only.
    :param invited_board: whether a colleague has invited the customer to a board.
    :param strict: refuse unknown API parameters, pages beyond the last, and page sizes other than 1, 2, 3, 4, 5,
        6, 10, 12, 15, 20, 25, 30, 50, 60, 75 and 100, as documented in September 2026. False ignores unknown
        parameters, accepts any page size up to 100, and returns empty pages after the last, as 2014 and 2018
        always do.
    :param undeclared_fields: return every requested field in search results, in the era 2026, too.

    The following is not known about the real service; the defaults are assumptions:

    :param not_embeddable_status: the status for a picture that exists but may not be embedded.
    :param missing_url_status: the status for a request without ``url``.
    :param unsupported_url_status: the status for a ``url`` that is not an asset's.
    :param too_many_status: the status for more than five IDs.
    :param bad_tld_status: the status for an unlisted tld; 0 uses ``com`` instead.
    :param bad_size_status: the status for a maxwidth or maxheight that is not a positive integer; 0 ignores it.
    :param missing_caller_status: the status for a request without ``caller``; 0 accepts it.
    :param error_body: the form of error bodies: ``json`` (``{"message": …}``, as /preview had), ``html`` or
        ``empty``.
    :param default_side: the longest side, in px, without maxwidth and maxheight. If only one of the two is
        given, the other side is not limited.
    :param cors: the value of Access-Control-Allow-Origin; empty omits the header.
    :param cache_control: the value of Cache-Control on oEmbed responses; empty omits the header.
    :param facets: whether image searches return ``facets`` on request. The contract has the parameter, but
        declares the response field for videos only.
    :param none_found_status: the status if none of several requested pictures or events exists: 404, as for a
        single one, or 200 with all IDs in ``images_not_found`` or ``events_not_found``.

    Further assumptions have no option, since clients should not depend on them: errors of the token endpoint
    follow RFC 6749 (401 ``invalid_client``, 400 ``invalid_grant`` and ``invalid_request``); 401 responses have a
    body; an operation that the sandbox lacks gets 404, an unsupported method 405.
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
        """The rules of the era, with the options set here applied."""
        return _rules(self.era, self.generation, self.anchor_scheme, self.throttle_status, self.undeclared_fields)


@cache
def _rules(name: EraName, *own: Any) -> Era:
    rows = ("generation", "anchor_scheme", "throttle_status", "undeclared_fields")
    changed: dict[str, Any] = {row: value for row, value in zip(rows, own, strict=True) if value}
    return replace(ERAS[name], **changed)

"""How the sandbox behaves where nobody knows how the real service does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """How a sandbox behaves.

    >>> SandboxConfig(generation="div", not_embeddable_status=404).throttle_status
    429

    Documented or seen, and so without an option: keys and their order, the markup of both generations, 594 px
    by default, the list of tlds, 501 for other formats, 404 for unknown IDs, at most five IDs, 400 for a
    tampered frame, unsigned pairs after ``sig``; of the API v3, statuses and bodies of keys, tokens and
    throttles, 303 for downloads, download URLs that live for a day, refresh tokens for a year.

    :param generation: ``modern`` (anchor and script, since 2017) or ``div`` (iframe in a div, 2014, with a
        bar of 49 px below the picture and thumbnail sizes as strings).
    :param origin: the URL under which the sandbox is reached, such as ``http://127.0.0.1:8081``; empty
        takes it from each request. A request for ``embed.gettyimages.com`` (in process) is answered
        with the hosts of the real service.
    :param secret: signs frames. The real input and key are unknown.
    :param deterministic: the same question gets the same tokens, so that builds repeat byte for byte. The
        real service mints new ones for every answer.
    :param error_style: of the API v3: ``current`` refuses a missing key with 401 Unauthorized, a wrong one with
        403 Forbidden, and names the parameter that is wrong; ``classic`` (2014 to 2018) says 403 Account
        Inactive to both, and "Possible required parameter missing" to all.
    :param throttle_status: 429 as today, or 403 as in the classic documentation, for calls above the limits.
    :param calls_per_second: and ``calls_per_day``: the limits of each key; 0 sets none.
    :param token_seconds: how long an access token lives.
    :param expires_in: how an answer says so: as ``text`` (documented), as a ``number``, not at all
        (``missing``), or as ``junk`` that is not a number.
    :param download_limit: how many downloads each product of the customer has; 0 sets no limit.
    :param invited_board: whether a colleague has invited the customer to a board.
    :param strict: a search refuses parameters that it does not know, pages beyond the last, and sizes of a page
        other than 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75 and 100, as documented in September 2026;
        False takes any size up to 100, ignores such parameters, and has empty pages after the last.
    :param undeclared_fields: pictures that a search finds have every field that was asked for, as in live answers
        of 2018 (``editorial_segments`` of creative ones), not only those that the contract declares.

    Unknown about the real service; these are our guesses:

    :param anchor_scheme: of the link in modern markup: seen ``http`` until 2023, ``https`` since.
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
    :param none_found_status: where none of several IDs is known: 404, as for a single one, or 200 with all of
        them in ``images_not_found``.

    Guesses without an option, since clients should not care: errors of the token endpoint are those of RFC 6749
    (401 ``invalid_client``, 400 ``invalid_grant`` and ``invalid_request``); a body comes with 401; an operation of
    the contract that the sandbox lacks is 404, a method that a path does not take 405.
    """

    generation: Literal["modern", "div"] = "modern"
    origin: str = ""
    secret: str = "sandbox"  # guards nothing  # noqa: S105
    deterministic: bool = False
    anchor_scheme: Literal["http", "https"] = "https"
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
    error_style: Literal["classic", "current"] = "current"
    throttle_status: Literal[403, 429] = 429
    calls_per_second: int = 0
    calls_per_day: int = 0
    token_seconds: int = 1800
    expires_in: Literal["text", "number", "missing", "junk"] = "text"
    download_limit: int = 0
    invited_board: bool = False
    strict: bool = True
    undeclared_fields: bool = False
    facets: bool = False
    none_found_status: Literal[404, 200] = 404

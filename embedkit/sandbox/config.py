"""How the sandbox behaves where nobody knows how the real service does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """The knobs of a sandbox.

    Documented or seen, and so without a knob: keys and their order, the markup of both generations, 594 px
    by default, the list of tlds, 501 for other formats, 404 for unknown ids, at most five ids, 400 for a
    tampered frame, unsigned pairs after ``sig``.

    :param generation: ``modern`` (anchor and script, since 2017) or ``div`` (iframe in a div, 2014, with a
        bar of 49 px below the picture and thumbnail sizes as strings).
    :param origin: the address under which the sandbox is reached, such as ``http://127.0.0.1:8081``; empty
        takes it from each request. A request for ``embed.gettyimages.com`` (in process) is answered
        with the hosts of the real service.
    :param secret: signs frames. The real input and key are unknown.
    :param deterministic: the same question gets the same tokens, so that builds repeat byte for byte. The
        real service mints new ones for every answer.

    Unknown about the real service; these are our guesses:

    :param anchor_scheme: of the link in modern markup: seen ``http`` until 2023, ``https`` since.
    :param not_embeddable_status: for a picture that exists but may not be embedded.
    :param missing_url_status: for a question without ``url``.
    :param unsupported_url_status: for a ``url`` that names no asset.
    :param too_many_status: for more than five ids.
    :param bad_tld_status: for a tld that is not listed; 0 takes ``com`` instead.
    :param bad_size_status: for a maxwidth or maxheight that is no positive whole number; 0 ignores it.
    :param missing_caller_status: for a question without ``caller``; 0 lets it pass.
    :param error_body: ``json`` (``{"message": …}``, as /preview had), ``html`` or ``empty``.
    :param default_side: px, the longest side without maxwidth and maxheight. With only one of the two
        given, the other side is not limited.
    :param cors: the value of Access-Control-Allow-Origin; empty sends none.
    :param cache_control: the value of Cache-Control on oEmbed answers; empty sends none.
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

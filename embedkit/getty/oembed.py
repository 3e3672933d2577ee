"""Getty's oEmbed endpoint: a reference becomes a request, an answer becomes an :class:`Embed` or an error.

Every value of an answer is validated or cleaned; what can't be is dropped where an embed can do without
(a thumbnail, a text), and is InvalidResponse where it can't (the frame, the size).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from embedkit.errors import InvalidResponse
from embedkit.getty import error_mapping, markup, payload
from embedkit.getty.markup import MAX_SIDE_PX, AssetMismatch, Markup
from embedkit.getty.urls import ASSET_ID, EMBED_HOST, SITES, asset_ids, page_url
from embedkit.messages import Request, Response
from embedkit.models import JSON, TLDS, AssetRef, Bounds, Embed, Frame

MAX_BYTES = 256 * 1024  # asked of the transport
TYPES = ("rich", "photo", "video")

LIMITS = {
    "title": payload.MAX_TITLE_CHARS,
    "caption": payload.MAX_CAPTION_CHARS,
    "photographer": payload.MAX_NAME_CHARS,
    "collection": payload.MAX_NAME_CHARS,
}

Get = Callable[[str], object]
"""A field of a record by its name; None where there is none."""

# The documentation's own example frames this; the host of a frame is never put out, only recognised.
EXAMPLE_HOST = "localhost:3000"

# Where an answer names its picture: the page it links to, the thumbnail in both generations.
_NAMED = re.compile(rf"(?:/detail/|/id/|/xt/|-id)({ASSET_ID})(?![0-9A-Za-z-])")


class OEmbedResult(NamedTuple):
    """What Getty answered: the embed, and how many seconds Getty says it holds, if it says so."""

    embed: Embed
    cache_age: int | None


def request(
    ref: AssetRef, endpoint: str, caller: str, *, bounds: Bounds = (None, None), tld: str = "com"
) -> Request:
    """The question for a picture. Of what users write only IDs travel.

    :param endpoint: the URL of the oEmbed endpoint.
    :param caller: who asks, for Getty's logs.
    :param bounds: maxwidth and maxheight in CSS pixels.
    :param tld: the Getty site to link to; one that oEmbed does not know is left out.
    :raises UnsupportedReference: where the items are not IDs.
    """
    params = [("url", f"https://gty.im/{','.join(asset_ids(str(ref)))}"), ("caller", caller)]
    params += [(name, str(bound)) for name, bound in zip(("maxwidth", "maxheight"), bounds, strict=True) if bound]
    if tld in TLDS and tld != "com":
        params.append(("tld", tld))
    return Request(
        endpoint,
        endpoint="oembed",
        params=tuple(params),
        headers={"Accept": "application/json"},
        max_bytes=MAX_BYTES,
        redirects=0,
        recognizes=recognizes,
    )


def recognizes(response: Response) -> bool:
    """Whether the oEmbed endpoint itself speaks in an answer, whatever it says of the picture."""
    if response.status != 200:
        return error_mapping.is_own(response)
    return _is_oembed(payload.fields(response.body))


def parse(
    response: Response,
    ref: AssetRef,
    *,
    tld: str,
    frame_origins: tuple[str, ...],
    image_origins: tuple[str, ...],
    asked: Bounds = (None, None),
) -> OEmbedResult:
    """The embed in an answer; every value in it is validated, and its texts are raw.

    :param tld: the Getty site that ``page_url`` is on.
    :param frame_origins: URLs whose hosts a frame may be on, beside Getty's own.
    :param image_origins: where a thumbnail may be.
    :param asked: the maxwidth and maxheight of the question, kept with the record.
    :raises ProviderError: what :mod:`embedkit.getty.error_mapping` makes of the status; for an answer that can't
        be used InvalidResponse, with its texts where it names the picture.
    """
    if response.status != 200:
        raise error_mapping.oembed_error(response, ref)
    try:
        return _embed(response, ref, tld, frame_origins, image_origins, asked)
    except InvalidResponse as error:
        error.status, error.request_url = response.status, response.request_url
        raise


def _embed(
    response: Response,
    ref: AssetRef,
    tld: str,
    frame_origins: tuple[str, ...],
    image_origins: tuple[str, ...],
    asked: Bounds,
) -> OEmbedResult:
    answer = _read(response.body, ref)
    if not _is_oembed(answer):
        raise _outage("The answer is JSON, but not of an oEmbed endpoint.", ref)
    try:
        found = markup.extract(_html(answer, ref), ref.items, _hosts(frame_origins))
        width, height, frame = _measures(answer, found, ref)
    except AssetMismatch:
        raise
    except InvalidResponse as error:
        error.ref = str(ref)
        error.texts = _texts(answer.get) if _names(answer, ref) else {}
        raise
    embed = Embed(
        ref=AssetRef(ref.items),
        type=answer["type"],
        width=width,
        height=height,
        frame=frame,
        asked=asked,
        **_checked(answer.get, ref, tld, image_origins),
    )
    return OEmbedResult(embed, payload.whole_number(answer.get("cache_age")))


def _read(body: bytes, ref: AssetRef) -> JSON:
    try:
        return payload.mapping(body)
    except ValueError as error:
        raise _outage(str(error), ref) from None


def _is_oembed(answer: JSON) -> bool:
    """Whether an object has what oEmbed 1.0 (section 2.3.4) requires of every answer."""
    return "type" in answer and "version" in answer


def _html(answer: JSON, ref: AssetRef) -> str:
    if answer.get("version") != "1.0" or answer.get("type") not in TYPES:
        raise _invalid("The answer is not oEmbed 1.0 of type rich, photo or video.", ref)
    if not isinstance(html := answer.get("html"), str):
        raise _invalid("The answer has no html.", ref)
    return html


def validate(embed: Embed, image_origins: tuple[str, ...], *, tld: str) -> Embed:
    """A record that nobody has signed (a lock file's), held to the same rules as an answer.

    :param image_origins: where a thumbnail may be.
    :raises InvalidResponse: where its frame or its size is none that an answer can have.
    """
    ref, frame = embed.ref, embed.frame
    query = "&".join(f"{name}={value}" for name, value in frame.query)
    if not (
        ref.items == tuple(item.lower() for item in frame.items)
        and re.fullmatch(markup.SIGNED, query, re.ASCII)
        and frame.bar in (0, markup.BAR_PX)
        and frame.bar < embed.height <= MAX_SIDE_PX
        and embed.width <= MAX_SIDE_PX
    ):
        raise _invalid("Getty Images can't have answered with this record.", ref)
    return replace(
        embed,
        type="rich" if embed.type not in TYPES else embed.type,
        frame=replace(frame, query=markup.signed(query)),
        fetched_at=0.0,
        fresh_until=0.0,
        **_checked(lambda name: getattr(embed, name), ref, tld, image_origins),
    )


def _checked(get: Get, ref: AssetRef, tld: str, image_origins: tuple[str, ...]) -> dict[str, Any]:
    """The fields of an embed that it can do without, each as far as its value is sound."""
    thumbnail = payload.url_on_origin(get("thumbnail_url"), image_origins)
    return {
        **_texts(get),
        "version": "1.0",
        "thumbnail_url": thumbnail,
        "thumbnail_width": _size(get("thumbnail_width")) if thumbnail else None,
        "thumbnail_height": _size(get("thumbnail_height")) if thumbnail else None,
        "terms_of_use_url": payload.url_on_site(get("terms_of_use_url"), SITES),
        "page_url": page_url(ref.items[0], tld),
    }


def _hosts(frame_origins: tuple[str, ...]) -> frozenset[str]:
    return frozenset((EMBED_HOST, EXAMPLE_HOST, *(urlsplit(url).netloc for url in frame_origins)))


def _measures(answer: JSON, found: Markup, ref: AssetRef) -> tuple[int, int, Frame]:
    """Width, height, and the frame with the bar that this height counts.

    The answer's own size is the standard's; where half of it is unusable the markup's takes its place.
    """
    width, height = _size(answer.get("width")), _size(answer.get("height"))
    if width is None or height is None:
        width, height = found.width, found.height
    if width is None or height is None:
        raise _invalid("The answer has no usable width and height.", ref)
    return width, height, _with_bar(found, width, height)


def _with_bar(found: Markup, width: int, height: int) -> Frame:
    """The frame; a bar that the markup has, but this height does not count, is left out."""
    frame = found.frame
    if not frame.bar or (width, height) == (found.width, found.height):
        return frame
    shown = width * ((found.height or 0) - frame.bar) / (found.width or 1)
    if height > frame.bar and abs(height - frame.bar - shown) <= 1.5:
        return frame
    return Frame(frame.items, frame.query, frame.is360)


def _texts(get: Get) -> dict[str, str]:
    return {name: payload.one_line(get(name), limit) for name, limit in LIMITS.items()}


def _names(answer: JSON, ref: AssetRef) -> bool:
    """Whether an answer whose markup is refused names the first picture asked for, and no other."""
    places = [place for name in ("html", "thumbnail_url") if isinstance(place := answer.get(name), str)]
    named = {found.lower() for place in places for found in _NAMED.findall(place[: markup.MAX_CHARS])}
    return named == {item.lower() for item in ref.items[:1]}


def _size(value: object) -> int | None:
    size = payload.whole_number(value)
    return size if size and size <= MAX_SIDE_PX else None


def _invalid(why: str, ref: AssetRef) -> InvalidResponse:
    return InvalidResponse(
        why, hint="It is not used. If that lasts, check EMBEDKIT_OEMBED_ENDPOINT.", ref=str(ref)
    )


def _outage(why: str, ref: AssetRef) -> InvalidResponse:
    error = _invalid(why, ref)
    error.outage = True
    return error

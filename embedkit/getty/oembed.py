"""Getty's oEmbed endpoint: build requests, and parse responses into an :class:`Embed` or an error.

Every value in a response is validated or cleaned. An invalid optional value (a thumbnail, a text) is dropped; an
invalid required one (the frame, the size) raises InvalidResponse.
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

MAX_BYTES = 256 * 1024  # enforced by the transport
TYPES = ("rich", "photo", "video")

LIMITS = {
    "title": payload.MAX_TITLE_CHARS,
    "caption": payload.MAX_CAPTION_CHARS,
    "photographer": payload.MAX_NAME_CHARS,
    "collection": payload.MAX_NAME_CHARS,
}

Get = Callable[[str], object]
"""Returns a field of a record by its name; None if it is missing."""

# The host of the frame in the documentation's example. Frame hosts are only recognized, never output.
EXAMPLE_HOST = "localhost:3000"

# Where a response contains the asset ID: the linked page, and the thumbnail of either generation.
_ASSET_ID_IN_URL = re.compile(rf"(?:/detail/|/id/|/xt/|-id)({ASSET_ID})(?![0-9A-Za-z-])")


class OEmbedResult(NamedTuple):
    """The embed in a response, and its ``cache_age`` in seconds, if any."""

    embed: Embed
    cache_age: int | None


def request(
    ref: AssetRef, endpoint: str, caller: str, *, bounds: Bounds = (None, None), tld: str = "com"
) -> Request:
    """Build the request for a picture. Of the author's input only IDs are sent.

    :param endpoint: URL of the oEmbed endpoint.
    :param caller: name of the caller, for Getty's logs.
    :param bounds: maxwidth and maxheight in CSS pixels.
    :param tld: the Getty site to link to; omitted if oEmbed doesn't know it.
    :raises UnsupportedReference: if the items are not IDs.
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
    """Return whether a response comes from the oEmbed endpoint itself, whatever it says about the picture."""
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
    """Parse a response into an embed with validated values and raw texts.

    :param tld: the Getty site of ``page_url``.
    :param frame_origins: URLs whose hosts are allowed for frames, in addition to Getty's own.
    :param image_origins: origins allowed for thumbnails.
    :param asked: maxwidth and maxheight of the request, stored with the record.
    :raises ProviderError: the error that :mod:`embedkit.getty.error_mapping` maps the status to. InvalidResponse
        if the response can't be used; with its texts, if it is for the requested picture.
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
    fields = _parse_json(response.body, ref)
    if not _is_oembed(fields):
        raise _outage("The response is JSON, but not from an oEmbed endpoint.", ref)
    try:
        found = markup.extract(_html(fields, ref), ref.items, _frame_hosts(frame_origins))
        width, height, frame = _dimensions(fields, found, ref)
    except AssetMismatch:
        raise
    except InvalidResponse as error:
        error.ref = str(ref)
        error.texts = _texts(fields.get) if _is_for(fields, ref) else {}
        raise
    embed = Embed(
        ref=AssetRef(ref.items),
        type=fields["type"],
        width=width,
        height=height,
        frame=frame,
        asked=asked,
        **_optional_fields(fields.get, ref, tld, image_origins),
    )
    return OEmbedResult(embed, payload.whole_number(fields.get("cache_age")))


def _parse_json(body: bytes, ref: AssetRef) -> JSON:
    try:
        return payload.mapping(body)
    except ValueError as error:
        raise _outage(str(error), ref) from None


def _is_oembed(fields: JSON) -> bool:
    """Return whether an object has the fields that oEmbed 1.0 (section 2.3.4) requires in every response."""
    return "type" in fields and "version" in fields


def _html(fields: JSON, ref: AssetRef) -> str:
    if fields.get("version") != "1.0" or fields.get("type") not in TYPES:
        raise _invalid("The response is not oEmbed 1.0 of type rich, photo or video.", ref)
    if not isinstance(html := fields.get("html"), str):
        raise _invalid("The response has no html.", ref)
    return html


def validate(embed: Embed, image_origins: tuple[str, ...], *, tld: str) -> Embed:
    """Validate an unsigned record, such as that of a lock file, by the same rules as a response.

    :param image_origins: origins allowed for thumbnails.
    :raises InvalidResponse: if no valid response can have its frame or its size.
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
        raise _invalid("This record can't have come from Getty Images.", ref)
    return replace(
        embed,
        type="rich" if embed.type not in TYPES else embed.type,
        frame=replace(frame, query=markup.signed_query(query)),
        fetched_at=0.0,
        fresh_until=0.0,
        **_optional_fields(lambda name: getattr(embed, name), ref, tld, image_origins),
    )


def _optional_fields(get: Get, ref: AssetRef, tld: str, image_origins: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields that an embed can do without; invalid values are dropped."""
    thumbnail = payload.url_on_origin(get("thumbnail_url"), image_origins)
    return {
        **_texts(get),
        "version": "1.0",
        "thumbnail_url": thumbnail,
        "thumbnail_width": markup.pixels(get("thumbnail_width")) if thumbnail else None,
        "thumbnail_height": markup.pixels(get("thumbnail_height")) if thumbnail else None,
        "terms_of_use_url": payload.url_on_site(get("terms_of_use_url"), SITES),
        "page_url": page_url(ref.items[0], tld),
    }


def _frame_hosts(frame_origins: tuple[str, ...]) -> frozenset[str]:
    return frozenset((EMBED_HOST, EXAMPLE_HOST, *(urlsplit(url).netloc for url in frame_origins)))


def _dimensions(fields: JSON, found: Markup, ref: AssetRef) -> tuple[int, int, Frame]:
    """Return width, height, and the frame with the bar that this height includes.

    The size in the response takes precedence, as in the standard; unless both sides are usable, the markup's
    size is used.
    """
    width, height = markup.pixels(fields.get("width")), markup.pixels(fields.get("height"))
    if width is None or height is None:
        width, height = found.width, found.height
    if width is None or height is None:
        raise _invalid("The response has no usable width and height.", ref)
    return width, height, _with_bar(found, width, height)


def _with_bar(found: Markup, width: int, height: int) -> Frame:
    """Return the frame, without the markup's bar if this height doesn't include it."""
    frame = found.frame
    if not frame.bar or (width, height) == (found.width, found.height):
        return frame
    picture_height = width * ((found.height or 0) - frame.bar) / (found.width or 1)
    if height > frame.bar and abs(height - frame.bar - picture_height) <= 1.5:
        return frame
    return Frame(frame.items, frame.query, frame.is360)


def _texts(get: Get) -> dict[str, str]:
    return {name: payload.one_line(get(name), limit) for name, limit in LIMITS.items()}


def _is_for(fields: JSON, ref: AssetRef) -> bool:
    """Return whether a response with rejected markup contains the first requested ID, and no other."""
    values = [value for name in ("html", "thumbnail_url") if isinstance(value := fields.get(name), str)]
    ids = {found.lower() for value in values for found in _ASSET_ID_IN_URL.findall(value[: markup.MAX_CHARS])}
    return ids == {item.lower() for item in ref.items[:1]}


def _invalid(why: str, ref: AssetRef) -> InvalidResponse:
    return InvalidResponse(
        why, hint="It was discarded. If this persists, check EMBEDKIT_OEMBED_ENDPOINT.", ref=str(ref)
    )


def _outage(why: str, ref: AssetRef) -> InvalidResponse:
    error = _invalid(why, ref)
    error.outage = True
    return error

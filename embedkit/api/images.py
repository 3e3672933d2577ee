"""Pictures by their IDs, one or a hundred at a time; those similar to one, and those of its series.

A picture has the same fields at every endpoint, so :func:`read_image` reads those of searches, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from embedkit.api.decoding import FAMILIES, JSONReader, read
from embedkit.api.enums import Orientation
from embedkit.api.errors import MISSING, error_for
from embedkit.api.models import (
    AllowedUse,
    DisplaySize,
    DownloadOffer,
    DownloadSize,
    EditorialSource,
    Found,
    Image,
    IStockLicense,
    Keyword,
    ReferralDestination,
)
from embedkit.api.parameters import DETAIL_FIELDS, SEARCH_FIELDS
from embedkit.api.requests import FIRST_PAGE, ApiSettings, asset_id, distinct_ids, query
from embedkit.errors import ConfigurationError, NotFound
from embedkit.getty import payload
from embedkit.getty.payload import MAX_CAPTION_CHARS, MAX_TITLE_CHARS
from embedkit.getty.urls import SITES
from embedkit.messages import Request, Response
from embedkit.validation import one_of

MAX_IDS = 100  # in one call
# "Square", "PanoramicHorizontal"; as a parameter panoramic_horizontal.
ORIENTATIONS = get_args(Orientation)
# The agency's own sites that answers lead to; an answer of 2015 knows the third.
DESTINATIONS = frozenset(
    (*SITES, *("istockphoto.com", "www.istockphoto.com", "thinkstockphotos.com", "www.thinkstockphotos.com"))
)


def image_request(id: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one picture, at a URL of its own, which answers 404 where there is none."""
    return query(api, "image", f"/v3/images/{asset_id(id)}", params, fields=DETAIL_FIELDS)


def images_request(ids: Sequence[str], params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for 1 to 100 pictures, each once."""
    wanted = distinct_ids(ids)
    if not 1 <= len(wanted) <= MAX_IDS:
        raise ConfigurationError(f"One call can't ask for {len(wanted)} IDs.", hint=f"Pass 1 to {MAX_IDS} IDs.")
    return query(api, "image", "/v3/images", params, (("ids", ",".join(wanted)),), fields=DETAIL_FIELDS)


def series_request(
    kind: Literal["similar", "same-series"], id: str, params: Mapping[str, Any], api: ApiSettings
) -> Request:
    """The request for pictures similar to one, or of its series; its answer is a page of a search."""
    one_of(kind, ("similar", "same-series"), "kind")
    return query(api, kind, f"/v3/images/{asset_id(id)}/{kind}", params, fields=SEARCH_FIELDS, **FIRST_PAGE)


def parse_image(response: Response, api: ApiSettings, id: str) -> Image:
    """The picture of an answer.

    :raises NotFound: where there is none of that ID.
    :raises ProviderError: for another status; InvalidResponse for an answer without pictures.
    """
    wanted = asset_id(id)
    for image in _images(read(response, "picture", ref=wanted), api):
        if image.id == wanted:
            return image
    message, hint = MISSING["picture"]
    raise NotFound(f"{message[0].upper()}{message[1:]}.", hint=hint, ref=wanted)


def parse_images(response: Response, api: ApiSettings, ids: Sequence[str]) -> Found:
    """The pictures of an answer, in the order of ``ids``, and which of these are not among them.

    Where not one of them exists the service answers 404, and that is no error of this call.

    :raises ProviderError: for every other status; InvalidResponse for an answer without pictures.
    """
    wanted = distinct_ids(ids)
    if response.status == 404:
        return _none_of(response, wanted)
    fields = read(response, "picture")
    images = {image.id: image for image in _images(fields, api)}
    return Found(
        tuple(images[id] for id in wanted if id in images),
        tuple(id for id in wanted if id not in images),
        other=fields.other,
    )


def _none_of(response: Response, ids: tuple[str, ...]) -> Found:
    error = error_for(response, what="picture", ref=",".join(ids))
    if isinstance(error, NotFound):
        return Found((), ids)
    raise error  # a firewall's page: it knows nothing of pictures


def _images(fields: JSONReader, api: ApiSettings) -> tuple[Image, ...]:
    fields.require_list("images", "images_not_found")
    fields.texts("images_not_found")  # what is missing is seen by what is there
    return fields.children("images", lambda part: read_image(part, api))


def read_image(fields: JSONReader, api: ApiSettings) -> Image | None:
    """A picture; None where its ID is not an asset ID, since then nobody can ask for it."""
    if not (ref := fields.asset_ref("id")):
        return None
    width, height = fields.child("max_dimensions", _dimensions) or (None, None)
    return Image(
        ref=ref,
        title=fields.text("title", MAX_TITLE_CHARS),
        caption=fields.text("caption", MAX_CAPTION_CHARS),
        photographer=fields.text("artist"),
        photographer_title=fields.text("artist_title"),
        collection=fields.text("collection_name"),
        collection_code=fields.text("collection_code"),
        collection_id=fields.number("collection_id"),
        family=fields.enum("asset_family", FAMILIES),
        orientation=fields.enum("orientation", ORIENTATIONS),
        width=width,
        height=height,
        date_created=fields.datetime("date_created"),
        date_submitted=fields.datetime("date_submitted"),
        date_camera_shot=fields.datetime("date_camera_shot"),
        city=fields.text("city"),
        state_province=fields.text("state_province"),
        country=fields.text("country"),
        object_name=fields.text("object_name", MAX_TITLE_CHARS),
        credit_line=fields.text("credit_line"),
        copyright=fields.text("copyright", MAX_TITLE_CHARS),
        license_model=fields.text("license_model"),
        graphical_style=fields.text("graphical_style"),
        color_type=fields.text("color_type"),
        call_for_image=fields.flag("call_for_image"),
        is_ai_editable=fields.flag("is_ai_editable"),
        quality_rank=fields.number("quality_rank"),
        download_product=fields.text("download_product"),
        uri_oembed=fields.url("uri_oembed", lambda value: payload.url_on_origin(value, api.oembed_origins)),
        allowed_use=fields.child("allowed_use", _allowed_use) or AllowedUse(),
        editorial_source=fields.child("editorial_source", _source),
        alternative_ids=fields.pairs("alternative_ids"),
        display_sizes=fields.children("display_sizes", lambda part: read_display_size(part, api)),
        download_sizes=fields.children("download_sizes", lambda part: _download_size(part, api)),
        editorial_segments=fields.texts("editorial_segments"),
        event_ids=fields.numbers("event_ids"),
        istock_licenses=fields.children("istock_licenses", _license),
        keywords=fields.children("keywords", _keyword),
        largest_downloads=fields.children("largest_downloads", lambda part: _offer(part, api)),
        people=fields.texts("people"),
        product_types=fields.texts("product_types"),
        referral_destinations=fields.children("referral_destinations", _destination),
        other=fields.other,
    )


def read_display_size(fields: JSONReader, api: ApiSettings) -> DisplaySize | None:
    """A picture to look at, where it comes from a place that pictures may come from."""
    uri = fields.url("uri", lambda value: payload.url_on_origin(value, api.image_origins))
    if not uri:
        return None
    return DisplaySize(
        fields.text("name"),
        uri,
        is_watermarked=fields.flag("is_watermarked"),
        width=fields.pixels("width"),
        height=fields.pixels("height"),
        other=fields.other,
    )


def _dimensions(fields: JSONReader) -> tuple[int | None, int | None]:
    return fields.pixels("width"), fields.pixels("height")


def _allowed_use(fields: JSONReader) -> AllowedUse:
    return AllowedUse(
        fields.text("how_can_i_use_it", MAX_CAPTION_CHARS),
        fields.text("release_info", MAX_CAPTION_CHARS),
        fields.texts("usage_restrictions", MAX_CAPTION_CHARS),
        other=fields.other,
    )


def _source(fields: JSONReader) -> EditorialSource:
    return EditorialSource(fields.number("id"), fields.text("name"), other=fields.other)


def _license(fields: JSONReader) -> IStockLicense:
    return IStockLicense(fields.text("license_type"), fields.number("credits"), other=fields.other)


def _keyword(fields: JSONReader) -> Keyword:
    return Keyword(
        fields.id("keyword_id"),
        fields.text("text"),
        fields.text("type"),
        fields.number("relevance"),
        fields.texts("entity_uris", payload.MAX_LINK_CHARS),
        fields.texts("entity_types"),
        other=fields.other,
    )


def _destination(fields: JSONReader) -> ReferralDestination | None:
    uri = fields.url("uri", lambda value: payload.url_on_site(value, DESTINATIONS))
    return ReferralDestination(fields.text("site_name"), uri, other=fields.other) if uri else None


def _download_size(fields: JSONReader, api: ApiSettings) -> DownloadSize:
    return DownloadSize(
        fields.text("media_type"),
        fields.number("bytes"),
        fields.pixels("width"),
        fields.pixels("height"),
        fields.children("downloads", lambda part: _offer(part, api)),
        other=fields.other,
    )


def _offer(fields: JSONReader, api: ApiSettings) -> DownloadOffer:
    return DownloadOffer(
        fields.text("product_type"),
        fields.url("uri", lambda value: payload.url_on_origin(value, api.api_origins)),
        fields.id("product_id"),
        fields.text("agreement_name"),
        other=fields.other,
    )

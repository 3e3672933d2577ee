"""One picture of an answer becomes an :class:`Image`: the fields are the same, whichever endpoint it is of."""

from __future__ import annotations

from urllib.parse import urlsplit

from embedkit.api.decoding import FAMILIES, ORIENTATIONS, Fields
from embedkit.api.models import (
    AllowedUse,
    DisplaySize,
    DownloadOffer,
    DownloadSize,
    EditorialSource,
    Image,
    IStockLicense,
    Keyword,
    ReferralDestination,
)
from embedkit.api.requests import api_origins
from embedkit.getty import payload
from embedkit.getty.payload import MAX_CAPTION_CHARS, MAX_TITLE_CHARS
from embedkit.getty.urls import EMBED_HOST, SITES
from embedkit.settings import Settings

# The agency's own sites that answers lead to; an answer of 2015 knows the third.
DESTINATIONS = frozenset(
    (*SITES, *("istockphoto.com", "www.istockphoto.com", "thinkstockphotos.com", "www.thinkstockphotos.com"))
)


def picture(said: Fields, settings: Settings) -> Image | None:
    """A picture; nothing where its id is no asset id, since then nobody can ask for it."""
    if not (ref := said.asset("id")):
        return None
    width, height = said.part("max_dimensions", _dimensions) or (None, None)
    return Image(
        ref=ref,
        title=said.text("title", MAX_TITLE_CHARS),
        caption=said.text("caption", MAX_CAPTION_CHARS),
        photographer=said.text("artist"),
        photographer_title=said.text("artist_title"),
        collection=said.text("collection_name"),
        collection_code=said.text("collection_code"),
        collection_id=said.number("collection_id"),
        family=said.word("asset_family", FAMILIES),
        orientation=said.word("orientation", ORIENTATIONS),
        width=width,
        height=height,
        date_created=said.moment("date_created"),
        date_submitted=said.moment("date_submitted"),
        date_camera_shot=said.moment("date_camera_shot"),
        city=said.text("city"),
        state_province=said.text("state_province"),
        country=said.text("country"),
        object_name=said.text("object_name", MAX_TITLE_CHARS),
        credit_line=said.text("credit_line"),
        copyright=said.text("copyright", MAX_TITLE_CHARS),
        license_model=said.text("license_model"),
        graphical_style=said.text("graphical_style"),
        color_type=said.text("color_type"),
        call_for_image=said.flag("call_for_image"),
        is_ai_editable=said.flag("is_ai_editable"),
        quality_rank=said.number("quality_rank"),
        download_product=said.text("download_product"),
        uri_oembed=said.link("uri_oembed", lambda value: _oembed(value, settings)),
        allowed_use=said.part("allowed_use", _allowed_use) or AllowedUse(),
        editorial_source=said.part("editorial_source", _source),
        alternative_ids=said.pairs("alternative_ids"),
        display_sizes=said.parts("display_sizes", lambda part: display_size(part, settings)),
        download_sizes=said.parts("download_sizes", lambda part: _download_size(part, settings)),
        editorial_segments=said.texts("editorial_segments"),
        event_ids=said.numbers("event_ids"),
        istock_licenses=said.parts("istock_licenses", _licence),
        keywords=said.parts("keywords", _keyword),
        largest_downloads=said.parts("largest_downloads", lambda part: _offer(part, settings)),
        people=said.texts("people"),
        product_types=said.texts("product_types"),
        referral_destinations=said.parts("referral_destinations", _destination),
        other=said.other,
    )


def display_size(said: Fields, settings: Settings) -> DisplaySize | None:
    """A picture to look at, where it comes from a place that pictures may come from."""
    uri = said.link("uri", lambda value: payload.url_on_origin(value, settings.image_origins))
    if not uri:
        return None
    return DisplaySize(
        said.text("name"),
        uri,
        is_watermarked=said.flag("is_watermarked"),
        width=said.pixels("width"),
        height=said.pixels("height"),
        other=said.other,
    )


def _oembed(value: object, settings: Settings) -> str | None:
    parts = urlsplit(settings.oembed_endpoint)
    return payload.url_on_origin(value, (f"https://{EMBED_HOST}", f"{parts.scheme}://{parts.netloc}"))


def _dimensions(said: Fields) -> tuple[int | None, int | None]:
    return said.pixels("width"), said.pixels("height")


def _allowed_use(said: Fields) -> AllowedUse:
    return AllowedUse(
        said.text("how_can_i_use_it", MAX_CAPTION_CHARS),
        said.text("release_info", MAX_CAPTION_CHARS),
        said.texts("usage_restrictions", MAX_CAPTION_CHARS),
        other=said.other,
    )


def _source(said: Fields) -> EditorialSource:
    return EditorialSource(said.number("id"), said.text("name"), other=said.other)


def _licence(said: Fields) -> IStockLicense:
    return IStockLicense(said.text("license_type"), said.number("credits"), other=said.other)


def _keyword(said: Fields) -> Keyword:
    return Keyword(
        said.key("keyword_id"),
        said.text("text"),
        said.text("type"),
        said.number("relevance"),
        said.texts("entity_uris", payload.MAX_LINK_CHARS),
        said.texts("entity_types"),
        other=said.other,
    )


def _destination(said: Fields) -> ReferralDestination | None:
    uri = said.link("uri", lambda value: payload.url_on_site(value, DESTINATIONS))
    return ReferralDestination(said.text("site_name"), uri, other=said.other) if uri else None


def _download_size(said: Fields, settings: Settings) -> DownloadSize:
    return DownloadSize(
        said.text("media_type"),
        said.number("bytes"),
        said.pixels("width"),
        said.pixels("height"),
        said.parts("downloads", lambda part: _offer(part, settings)),
        other=said.other,
    )


def _offer(said: Fields, settings: Settings) -> DownloadOffer:
    return DownloadOffer(
        said.text("product_type"),
        said.link("uri", lambda value: payload.url_on_origin(value, api_origins(settings))),
        said.key("product_id"),
        said.text("agreement_name"),
        other=said.other,
    )

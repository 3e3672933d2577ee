"""Which fields and sets of fields each endpoint knows (OpenAPI 3.0.1 of the API v3, August 2026).

A set stands for many fields: summary_set, detail_set, display_set. No set has ``uri_oembed``, which tells
whether a picture may be embedded; so it is always asked for beside what else is.
"""

from __future__ import annotations

from typing import Any, Literal

from embedkit.api.encoding import items

CreativeField = Literal[
    "allowed_use",
    "alternative_ids",
    "artist",
    "asset_family",
    "call_for_image",
    "caption",
    "collection_code",
    "collection_id",
    "collection_name",
    "color_type",
    "comp",
    "comp_webp",
    "copyright",
    "date_camera_shot",
    "date_created",
    "date_submitted",
    "detail_set",
    "display_set",
    "download_product",
    "download_sizes",
    "graphical_style",
    "id",
    "istock_collection",
    "keywords",
    "largest_downloads",
    "license_model",
    "max_dimensions",
    "orientation",
    "preview",
    "product_types",
    "quality_rank",
    "referral_destinations",
    "summary_set",
    "thumb",
    "title",
    "uri_oembed",
]
EditorialField = Literal[
    "allowed_use",
    "alternative_ids",
    "artist",
    "asset_family",
    "call_for_image",
    "caption",
    "collection_code",
    "collection_id",
    "collection_name",
    "color_type",
    "comp",
    "comp_webp",
    "copyright",
    "date_camera_shot",
    "date_created",
    "date_submitted",
    "detail_set",
    "display_set",
    "download_product",
    "download_sizes",
    "editorial_segments",
    "editorial_source",
    "event_ids",
    "graphical_style",
    "id",
    "keywords",
    "largest_downloads",
    "license_model",
    "max_dimensions",
    "orientation",
    "people",
    "preview",
    "product_types",
    "quality_rank",
    "referral_destinations",
    "summary_set",
    "thumb",
    "title",
    "uri_oembed",
]
# of the search of all pictures, and of similar ones
BlendedField = Literal[EditorialField, "accessrestriction", "entity_details", "istock_collection"]
# of pictures by their ids
DetailField = Literal[
    EditorialField,
    "artist_title",
    "city",
    "country",
    "credit_line",
    "downloads",
    "entity_details",
    "is_ai_editable",
    "istock_collection",
    "istock_licenses",
    "links",
    "object_name",
    "state_province",
]

SEARCH = ("detail_set",)
DETAILS = ("detail_set", "display_set")  # by ids detail_set has no display sizes


def wanted(said: Any, default: tuple[str, ...]) -> tuple[Any, ...]:
    """The fields to ask for: those said, in any form, or these; and whether the pictures may be embedded.

    :raises ConfigurationError: where that is no list.
    """
    return (*(items("fields", said) if said else default), "uri_oembed")

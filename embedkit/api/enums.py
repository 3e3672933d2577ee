"""The words that the API v3 knows, the fields of its answers, and how its other values are written.

Of OpenAPI 3.0.1, August 2026. Words of older documentation (caucasian, hispanic_latino, mixed_race_person) are
not taken any more. A set of fields stands for many: summary_set, detail_set, display_set. No set has
``uri_oembed``, which shows whether a picture may be embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple, TypeVar, Union

MAX_PAGE_SIZE = 100
MAX_INT32 = 2**31 - 1  # the numbers of the contract are int32

T = TypeVar("T")
OneOrMany = Union[T, Sequence[T]]  # noqa: UP007  (X | Y of a variable takes no parameter before Python 3.12)


class Range(NamedTuple):
    """The least and the most that a number may be, and what it counts."""

    least: int
    most: int
    unit: str = ""


class Form(NamedTuple):
    """How a text must be written: a pattern for a full match, an example, and what it may begin without."""

    pattern: str
    example: str
    start: str = ""


AgeOfPeople = Literal[
    "newborn",
    "baby",
    "child",
    "teenager",
    "young_adult",
    "adult",
    "adults_only",
    "mature_adult",
    "senior_adult",
    "0-1_months",
    "2-5_months",
    "6-11_months",
    "12-17_months",
    "18-23_months",
    "2-3_years",
    "4-5_years",
    "6-7_years",
    "8-9_years",
    "10-11_years",
    "12-13_years",
    "14-15_years",
    "16-17_years",
    "18-19_years",
    "20-24_years",
    "20-29_years",
    "25-29_years",
    "30-34_years",
    "30-39_years",
    "35-39_years",
    "40-44_years",
    "40-49_years",
    "45-49_years",
    "50-54_years",
    "50-59_years",
    "55-59_years",
    "60-64_years",
    "60-69_years",
    "65-69_years",
    "70-79_years",
    "80-89_years",
    "90_plus_years",
    "100_over",
]
Composition = Literal[
    "abstract",
    "candid",
    "close_up",
    "copy_space",
    "cut_out",
    "full_frame",
    "full_length",
    "headshot",
    "looking_at_camera",
    "macro",
    "medium_shot",
    "part_of_a_series",
    "portrait",
    "sparse",
    "still_life",
    "three_quarter_length",
    "waist_up",
    "wide_shot",
]
Ethnicity = Literal[
    "black",
    "white",
    "east_asian",
    "hispanic_latinx",
    "japanese",
    "middle_eastern",
    "multiracial_person",
    "multiethnic_group",
    "native_american_first_nations",
    "pacific_islander",
    "south_asian",
    "southeast_asian",
]
Orientation = Literal["horizontal", "vertical", "square", "panoramic_horizontal", "panoramic_vertical"]
NumberOfPeople = Literal["none", "one", "two", "group"]
GraphicalStyle = Literal["fine_art", "illustration", "photography", "vector"]
EditorialStyle = Literal["photography", "illustration", "vector"]
FilterType = Literal["include", "exclude"]
FileType = Literal["eps"]
MinimumSize = Literal["x_small", "small", "medium", "large", "x_large", "xx_large", "vector"]
QualityRank = Literal[1, 2, 3]  # 1 is the best
Mood = Literal["black_and_white", "bold", "cool", "dramatic", "natural", "vivid", "warm"]
Segment = Literal["archival", "entertainment", "news", "publicity", "royalty", "sport"]
SortOrder = Literal["best_match", "most_popular", "newest", "random"]
EditorialSortOrder = Literal["best_match", "most_popular", "newest", "oldest", "random"]
CreativeFacet = Literal["artists", "locations"]
EditorialFacet = Literal["artists", "events", "locations", "specific_people"]
DownloadFileType = Literal["eps", "jpg"]
ProductType = Literal[
    "easyaccess",
    "editorialsubscription",
    "imagepack",
    "premiumaccess",
    "royaltyfreesubscription",
    "creditpack",
    "aigen",
]
Relationship = Literal["owned", "invited"]
# "name_decending" is how the contract spells it
BoardSortOrder = Literal[
    "date_last_updated_descending", "date_last_updated_ascending", "name_ascending", "name_decending"
]

SharedField = Literal[
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
CreativeField = Literal[SharedField, "istock_collection"]
EditorialField = Literal[SharedField, "editorial_segments", "editorial_source", "event_ids", "people"]
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

DateOrText = date | str  # ISO 8601, if it is a text
Number = Annotated[int, Range(1, MAX_INT32)]
Pixels = Annotated[int, Range(1, 100_000, "pixels")]
PageSize = Annotated[int, Range(1, MAX_PAGE_SIZE)]
Color = Annotated[str, Form("#?[0-9A-Fa-f]{6}", "#002244", start="#")]
Language = Annotated[str, Form(".{0,1000}", "de, or pt-BR")]
Country = Annotated[str, Form("[A-Za-z]{3}", "FRA")]
# With the number of one instance of a product, for customers who have several.
Product = Annotated[
    str,
    Form(
        "(easyaccess|editorialsubscription|imagepack|premiumaccess|royaltyfreesubscription)(:[0-9A-Za-z-]{1,40})?",
        "premiumaccess, or premiumaccess:1234",
    ),
]

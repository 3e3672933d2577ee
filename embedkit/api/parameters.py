"""The parameters of every endpoint of the API v3, in one table for type checkers, help() and run time.

The annotations are the table (OpenAPI 3.0.1 of the API v3, August 2026; a test compares the two).
``def creative(phrase, **params: Unpack[CreativeSearch])`` lets a type checker know every parameter; encoding.py
checks values against the same annotations before anything is sent, so that mistakes cost no call.

Values from older documentation (caucasian, hispanic_latino, mixed_race_person) are no longer accepted. The field
sets summary_set, detail_set and display_set each stand for many fields. None of them includes ``uri_oembed``,
which shows whether a picture may be embedded.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, TypeVar, Union, get_args

PAGE_SIZE = 30  # the service's default
MAX_PAGE_SIZE = 100
# The page sizes in Getty's documentation (2015 to 2018, and September 2026). Others are refused.
PAGE_SIZES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100)

# In requests for pictures by ID, detail_set has no display sizes.
SEARCH_FIELDS = ("detail_set",)
DETAIL_FIELDS = ("detail_set", "display_set")
MAX_INT32 = 2**31 - 1  # numbers in the OpenAPI document are int32

T = TypeVar("T")
OneOrMany = Union[T, Sequence[T]]  # noqa: UP007  (a generic X | Y alias needs Python 3.12)


class Range(NamedTuple):
    """A range of numbers: minimum, maximum, unit, and the allowed numbers in ascending order if not all are."""

    least: int
    most: int
    unit: str = ""
    numbers: tuple[int, ...] = ()


class Form(NamedTuple):
    """The format of a string: a pattern for a full match, an example, and a prefix added if missing."""

    pattern: str
    example: str
    start: str = ""


# -- allowed values ------------------------------------------------------------------------------------------

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
EventSortOrder = Literal["newest", "oldest"]
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
# "name_decending" is Getty's own spelling
BoardSortOrder = Literal[
    "date_last_updated_descending", "date_last_updated_ascending", "name_ascending", "name_decending"
]

CommonField = Literal[
    "allowed_use",
    "alternative_ids",
    "artist",
    "asset_family",
    "call_for_image",
    "caption",
    "collection_code",
    "collection_id",
    "collection_name",
    "comp",
    "comp_webp",
    "copyright",
    "date_created",
    "date_submitted",
    "detail_set",
    "display_set",
    "graphical_style",
    "id",
    "keywords",
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
]
SharedField = Literal[
    CommonField,
    "color_type",
    "date_camera_shot",
    "download_product",
    "download_sizes",
    "largest_downloads",
    "uri_oembed",
]
CreativeField = Literal[SharedField, "istock_collection"]
EditorialField = Literal[SharedField, "editorial_segments", "editorial_source", "event_ids", "people"]
# for searches of all pictures, and for similar ones
BlendedField = Literal[EditorialField, "accessrestriction", "entity_details", "istock_collection"]
# for pictures by ID
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
EventField = Literal[
    "id",
    "child_event_count",
    "editorial_segments",
    "hero_image",
    "image_count",
    "location",
    "name",
    "start_date",
    "type",
]
EventSearchField = Literal[EventField, "keywords"]
ArtistField = Literal[
    CommonField, "asset_type", "editorial_segments", "event_ids", "high_res_comp_webp", "mid_res_comp_webp"
]

DateOrText = date | str  # a string in ISO 8601 format
Number = Annotated[int, Range(1, MAX_INT32)]
PixelHeight = Annotated[int, Range(1, 100_000, "pixels")]
PageSize = Annotated[int, Range(1, MAX_PAGE_SIZE, numbers=PAGE_SIZES)]
BoardPageSize = Annotated[int, Range(1, MAX_PAGE_SIZE)]
Color = Annotated[str, Form("#?[0-9A-Fa-f]{6}", "#002244", start="#")]
Language = Annotated[str, Form(".{0,1000}", "de, or pt-BR")]
CountryCode = Annotated[str, Form("[A-Za-z]{3}", "FRA")]
# Optionally with the number of one instance of a product, for customers with several.
DownloadProduct = Annotated[
    str,
    Form(
        "(easyaccess|editorialsubscription|imagepack|premiumaccess|royaltyfreesubscription)(:[0-9A-Za-z-]{1,40})?",
        "premiumaccess, or premiumaccess:1234",
    ),
]


# -- the parameters of each endpoint --------------------------------------------------------------------------


class Localised(TypedDict, total=False):
    """The language of the response, sent as a header."""

    language: Language


class Numbered(TypedDict, total=False):
    """The page of a list, counted from 1."""

    page: Number


class Paging(Numbered, total=False):
    """The page of a list and its size."""

    page_size: PageSize


class Listing(Localised, Paging, total=False):
    """Parameters of all lists except that of boards."""


class Placed(TypedDict, total=False):
    """The country for prices and licences, sent as a header."""

    country: CountryCode


class Dated(TypedDict, total=False):
    """The first and last day."""

    date_from: DateOrText
    date_to: DateOrText


class Common(Listing, Placed, total=False):
    """Parameters of all three searches."""

    age_of_people: OneOrMany[AgeOfPeople]
    artists: str
    collection_codes: OneOrMany[str]
    collections_filter_type: FilterType
    compositions: OneOrMany[Composition]
    download_product: DownloadProduct
    embed_content_only: bool
    ethnicity: OneOrMany[Ethnicity]
    file_types: OneOrMany[FileType]
    graphical_styles_filter_type: FilterType
    include_related_searches: bool
    keyword_ids: OneOrMany[Number]
    minimum_size: MinimumSize
    number_of_people: OneOrMany[NumberOfPeople]
    orientations: OneOrMany[Orientation]


class NotEditorial(Common, total=False):
    """Parameters shared by the searches of all and of creative pictures."""

    color: Color
    exclude_nudity: bool
    graphical_styles: OneOrMany[GraphicalStyle]


class NotCreative(Common, total=False):
    """Parameters shared by the searches of all and of editorial pictures."""

    event_ids: OneOrMany[Number]
    specific_people: OneOrMany[str]


class OneFamily(Common, total=False):
    """Parameters shared by the searches of creative and of editorial pictures."""

    exclude_keyword_ids: OneOrMany[Number]
    facet_max_count: Number
    include_facets: bool


class OnlyCreative(NotEditorial, OneFamily, total=False):
    """Parameters of creative searches: their own and shared ones."""

    enhanced_search: bool
    exclude_editorial_use_only: bool
    moods: OneOrMany[Mood]
    safe_search: bool


class OnlyEditorial(NotCreative, OneFamily, Dated, total=False):
    """Parameters of editorial searches: their own and shared ones."""

    editorial_segments: OneOrMany[Segment]
    minimum_quality_rank: QualityRank


class ImageSearch(NotEditorial, NotCreative, total=False):
    """The search of all pictures, creative and editorial."""

    fields: OneOrMany[BlendedField]
    sort_order: SortOrder


class CreativeSearch(OnlyCreative, total=False):
    """The search of creative pictures."""

    facet_fields: OneOrMany[CreativeFacet]
    fields: OneOrMany[CreativeField]
    sort_order: SortOrder


class EditorialSearch(OnlyEditorial, total=False):
    """The search of editorial pictures."""

    facet_fields: OneOrMany[EditorialFacet]
    fields: OneOrMany[EditorialField]
    graphical_styles: OneOrMany[EditorialStyle]
    sort_order: EditorialSortOrder


class AnySearch(OnlyCreative, OnlyEditorial, total=False):
    """Parameters of any search, for callers that choose the family at run time."""

    facet_fields: OneOrMany[EditorialFacet]
    fields: OneOrMany[BlendedField]
    sort_order: EditorialSortOrder


class Details(Localised, total=False):
    """Parameters of requests for pictures by ID."""

    fields: OneOrMany[DetailField]


class Series(Listing, total=False):
    """Parameters of requests for similar pictures and for pictures of the same series."""

    fields: OneOrMany[BlendedField]


class Downloading(Localised, total=False):
    """Parameters of a download; ``height`` must be that of one of the picture's sizes."""

    auto_download: bool
    file_type: DownloadFileType
    height: PixelHeight
    product_id: Number
    product_type: ProductType
    use_team_credits: bool


class EventDetails(Localised, total=False):
    """Parameters of requests for events by ID."""

    fields: OneOrMany[EventField]


class EventSearch(Listing, Placed, Dated, total=False):
    """The search for events."""

    editorial_segment: Segment
    fields: OneOrMany[EventSearchField]
    sort_order: EventSortOrder


class ArtistSearch(Listing, total=False):
    """The search for a photographer's pictures."""

    fields: OneOrMany[ArtistField]


class ImageLikeness(Listing, Placed, total=False):
    """The search for creative pictures that look like a given one."""

    exclude_editorial_use_only: bool
    facet_fields: OneOrMany[CreativeFacet]
    facet_max_count: Number
    fields: OneOrMany[CreativeField]
    include_facets: bool
    product_types: OneOrMany[DownloadProduct]


class DownloadHistory(Listing, Dated, total=False):
    """Parameters of the list of a customer's downloads."""

    company_downloads: bool
    product_type: ProductType
    use_time: bool


class BoardListing(Localised, Numbered, total=False):
    """Parameters of the list of boards."""

    page_size: BoardPageSize
    relationship: Relationship
    sort_order: BoardSortOrder


Family = Literal["all", "creative", "editorial"]
FAMILIES: tuple[Family, ...] = get_args(Family)
ENDPOINTS: dict[str, type] = {
    "all": ImageSearch,
    "creative": CreativeSearch,
    "editorial": EditorialSearch,
    "image": Details,
    "similar": Series,
    "same-series": Series,
    "by-image": ImageLikeness,
    "artist": ArtistSearch,
    "event": EventDetails,
    "events": EventSearch,
    "download": Downloading,
    "history": DownloadHistory,
    "boards": BoardListing,
}
HEADERS = frozenset({"language", "country"})  # sent as headers
# Names of parameters as they are sent, if they differ; only boards use camel case.
WIRE: dict[str, dict[str, str]] = {
    "boards": {"page_size": "pageSize", "relationship": "board_relationship"},
}


def takes(endpoint: str) -> Mapping[str, Any]:
    """Return the parameters of one of ENDPOINTS, as a mapping from name to annotation."""
    return ENDPOINTS[endpoint].__annotations__

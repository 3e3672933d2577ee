"""What each endpoint of the API v3 takes: one table for type checkers and for run time.

The annotations are the table (OpenAPI 3.0.1 of the API v3, August 2026; a test compares the two).
``def search(phrase, **said: Unpack[CreativeSearch])`` makes every argument known to a type checker; the same
annotations are read here before anything is sent, so that a slip is named and costs no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypedDict, get_args, get_type_hints

from embedkit.api.encoding import Several, written
from embedkit.api.enums import (
    AgeOfPeople,
    BoardSortOrder,
    Colour,
    Composition,
    Country,
    CreativeFacet,
    DownloadFileType,
    EditorialFacet,
    EditorialSortOrder,
    EditorialStyle,
    Ethnicity,
    FileType,
    FilterType,
    GraphicalStyle,
    MinimumSize,
    Mood,
    Number,
    NumberOfPeople,
    Orientation,
    PageSize,
    Pixels,
    Product,
    ProductType,
    QualityRank,
    Relationship,
    Segment,
    SortOrder,
    When,
)
from embedkit.api.fields import (
    BlendedField,
    CreativeField,
    DetailField,
    EditorialField,
)
from embedkit.errors import ConfigurationError

PAGE_SIZE = 30  # the service's default
# The page sizes of the documentation of 2015 to 2018; some keys may still be held to them.
OLD_PAGE_SIZES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100)

Params = tuple[tuple[str, str], ...]


class Localised(TypedDict, total=False):
    """In which language an answer is; it travels as a header."""

    language: str


class Paging(TypedDict, total=False):
    """Which part of a list is wanted."""

    page: Number
    page_size: PageSize


class Common(Localised, Paging, total=False):
    """What all three searches take; ``country`` travels as a header."""

    country: Country
    age_of_people: Several[AgeOfPeople]
    artists: str
    collection_codes: Several[str]
    collections_filter_type: FilterType
    compositions: Several[Composition]
    download_product: Product
    embed_content_only: bool
    ethnicity: Several[Ethnicity]
    file_types: Several[FileType]
    graphical_styles_filter_type: FilterType
    include_related_searches: bool
    keyword_ids: Several[Number]
    minimum_size: MinimumSize
    number_of_people: Several[NumberOfPeople]
    orientations: Several[Orientation]


class ImageSearch(Common, total=False):
    """The search of all pictures, creative and editorial ones."""

    color: Colour
    event_ids: Several[Number]
    exclude_nudity: bool
    fields: Several[BlendedField]
    graphical_styles: Several[GraphicalStyle]
    sort_order: SortOrder
    specific_people: Several[str]


class CreativeSearch(Common, total=False):
    """The search of creative pictures."""

    color: Colour
    enhanced_search: bool
    exclude_editorial_use_only: bool
    exclude_keyword_ids: Several[Number]
    exclude_nudity: bool
    facet_fields: Several[CreativeFacet]
    facet_max_count: Number
    fields: Several[CreativeField]
    graphical_styles: Several[GraphicalStyle]
    include_facets: bool
    moods: Several[Mood]
    safe_search: bool
    sort_order: SortOrder


class EditorialSearch(Common, total=False):
    """The search of editorial pictures."""

    date_from: When
    date_to: When
    editorial_segments: Several[Segment]
    event_ids: Several[Number]
    exclude_keyword_ids: Several[Number]
    facet_fields: Several[EditorialFacet]
    facet_max_count: Number
    fields: Several[EditorialField]
    graphical_styles: Several[EditorialStyle]
    include_facets: bool
    minimum_quality_rank: QualityRank
    sort_order: EditorialSortOrder
    specific_people: Several[str]


class AnySearch(Common, total=False):
    """What any of the searches takes, for a search whose family is chosen at run time."""

    color: Colour
    date_from: When
    date_to: When
    editorial_segments: Several[Segment]
    enhanced_search: bool
    event_ids: Several[Number]
    exclude_editorial_use_only: bool
    exclude_keyword_ids: Several[Number]
    exclude_nudity: bool
    facet_fields: Several[EditorialFacet]
    facet_max_count: Number
    fields: Several[BlendedField]
    graphical_styles: Several[GraphicalStyle]
    include_facets: bool
    minimum_quality_rank: QualityRank
    moods: Several[Mood]
    safe_search: bool
    sort_order: EditorialSortOrder
    specific_people: Several[str]


class Details(Localised, total=False):
    """What pictures by their ids take."""

    fields: Several[DetailField]


class Series(Localised, Paging, total=False):
    """What the pictures similar to one, or of its series, take."""

    fields: Several[BlendedField]


class Downloading(Localised, total=False):
    """What a download takes; ``height`` is pixels, of one of the sizes that the picture has."""

    auto_download: bool
    file_type: DownloadFileType
    height: Pixels
    product_id: Number
    product_type: ProductType
    use_team_credits: bool


class BoardListing(Localised, Paging, total=False):
    """What the list of boards takes."""

    relationship: Relationship
    sort_order: BoardSortOrder


Family = Literal["all", "creative", "editorial"]
FAMILIES: tuple[Family, ...] = get_args(Family)
Endpoint = Literal[Family, "image", "similar", "same-series", "download", "boards"]

ENDPOINTS: dict[Endpoint, type] = {
    "all": ImageSearch,
    "creative": CreativeSearch,
    "editorial": EditorialSearch,
    "image": Details,
    "similar": Series,
    "same-series": Series,
    "download": Downloading,
    "boards": BoardListing,
}
HEADERS = frozenset({"language", "country"})  # what travels as a header
# Boards alone of all endpoints write this one in camel case.
WIRE: dict[Endpoint, dict[str, str]] = {
    "boards": {"page_size": "pageSize", "relationship": "board_relationship"},
}


@cache
def _table(endpoint: Endpoint) -> dict[str, Any]:
    return get_type_hints(ENDPOINTS[endpoint], include_extras=True)


def takes(endpoint: Endpoint) -> frozenset[str]:
    """The names of the arguments that an endpoint takes."""
    return frozenset(_table(endpoint))


def read(endpoint: Endpoint, said: Mapping[str, Any]) -> Params:
    """The parameters of a request, sorted by name; what travels as a header is checked, and left out.

    :param said: by their names here; None is as good as nothing said. Lists may also be one word, or a text
        with commas.
    :raises ConfigurationError: for an argument that the endpoint does not take, naming those that do, and for
        a value that it does not know, naming those it knows.
    """
    table, wire = _table(endpoint), WIRE.get(endpoint, {})
    pairs = []
    for name, value in said.items():
        if name not in table:
            raise _not_taken(endpoint, name)
        text = "" if value is None else written(name, table[name], value)
        if text and name not in HEADERS:
            pairs.append((wire.get(name, name), text))
    return tuple(sorted(pairs))


def country(said: Mapping[str, Any]) -> str | None:
    """The country of a search, as the header GI-Country-Code has it; :func:`read` has checked it."""
    return said["country"].strip().upper() if said.get("country") else None


def _not_taken(endpoint: Endpoint, name: str) -> ConfigurationError:
    others = [other for other in FAMILIES if name in _table(other)]
    if endpoint in FAMILIES and others:
        says = (
            f"The {endpoint} search takes no {name}."
            if endpoint != "all"
            else f"The search of all takes no {name}."
        )
        return ConfigurationError(says, hint=f"It goes with family {' or '.join(others)}.")
    from difflib import get_close_matches

    names = sorted(_table(endpoint))
    nearest = get_close_matches(name, names, 1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(names)}."
    return ConfigurationError(f"There is no argument {name!r} here.", hint=hint)

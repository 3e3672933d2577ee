"""The query parameters of searches: names, allowed values, and parsers.

Arrays are separated by commas, percent-encoded or not; a repeated parameter extends its array. Empty items are
ignored, as is ``none`` where it is not an allowed value: official clients send both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from embedkit.sandbox.content.texts import Family
from embedkit.sandbox.content.traits import ADULTS_ONLY, AGES
from embedkit.sandbox.services.config import Era, SandboxConfig
from embedkit.sandbox.services.fields import Fields
from embedkit.sandbox.services.http import MAX_INT32, Call, boolean, choice, code_error, integer, parameter_error
from embedkit.sandbox.services.places import countries

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 30, 100
# as in the classic documentation (2015 to 2018)
PAGE_SIZES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100)
PRODUCTS = ("easyaccess", "editorialsubscription", "imagepack", "premiumaccess", "royaltyfreesubscription")
SIZES = ("x_small", "small", "medium", "large", "x_large", "xx_large", "vector")
FILTER_TYPES = ("include", "exclude")

EDITORIAL_SEGMENTS = ("archival", "entertainment", "news", "publicity", "royalty", "sport")

_WORDS = {
    "age_of_people": (*AGES, ADULTS_ONLY),
    "compositions": (
        *("abstract", "candid", "close_up", "copy_space", "cut_out", "full_frame", "full_length", "headshot"),
        *("looking_at_camera", "macro", "medium_shot", "part_of_a_series", "portrait", "sparse", "still_life"),
        *("three_quarter_length", "waist_up", "wide_shot"),
    ),
    "editorial_segments": EDITORIAL_SEGMENTS,
    "ethnicity": (
        *("black", "white", "east_asian", "hispanic_latinx", "japanese", "middle_eastern", "multiracial_person"),
        *("multiethnic_group", "native_american_first_nations", "pacific_islander", "south_asian"),
        "southeast_asian",
    ),
    "file_types": ("eps",),
    "graphical_styles": ("fine_art", "illustration", "photography", "vector"),
    "moods": ("black_and_white", "bold", "cool", "dramatic", "natural", "vivid", "warm"),
    "number_of_people": ("none", "one", "two", "group"),
    "orientations": ("horizontal", "vertical", "square", "panoramic_horizontal", "panoramic_vertical"),
}
# values from older documentation
_FORMER = {"hispanic_latino": "hispanic_latinx", "caucasian": "white", "mixed_race_person": "multiracial_person"}
FORMER_FILTERS = frozenset(
    (
        *("end_date", "entity_uris", "exclude_nudity", "license_models", "prestige_content_only"),
        *("product_types", "specific_locations", "start_date"),
    )
)
_FLAGS = (
    *("embed_content_only", "exclude_editorial_use_only", "exclude_nudity", "include_facets"),
    *("include_related_searches", "safe_search"),
)
_NUMBERS = ("event_ids", "exclude_keyword_ids", "keyword_ids")
_TEXTS = ("artists", "collection_codes", "specific_people")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _names("""age_of_people artists collection_codes collections_filter_type compositions download_product
    embed_content_only ethnicity fields file_types graphical_styles graphical_styles_filter_type
    include_related_searches keyword_ids minimum_size number_of_people orientations page page_size phrase
    sort_order""")
_REFINED = frozenset(("exclude_keyword_ids", "facet_fields", "facet_max_count", "include_facets"))

Params = Mapping[str, str]
Allowed = Mapping[str, tuple[str, ...]]
"""Parameter names and their allowed values; empty for texts, numbers, dates and flags."""
Reader = Callable[[Params, str], Any]


@dataclass(frozen=True, slots=True)
class SearchKind:
    """One of the three image searches, with its parameters."""

    name: str
    family: Family | None
    params: frozenset[str]
    sorts: tuple[str, ...] = ("best_match", "most_popular", "newest", "random")
    styles: tuple[str, ...] = _WORDS["graphical_styles"]
    facets: tuple[str, ...] = ()

    def words(self, known: Fields, rules: Era) -> Allowed:
        """Return the allowed parameters in an era."""
        single = {
            "sort_order": self.sorts,
            "minimum_size": SIZES,
            "page_size": tuple(map(str, PAGE_SIZES)),
            **dict.fromkeys(("collections_filter_type", "graphical_styles_filter_type"), FILTER_TYPES),
        }
        lists = _WORDS | {"fields": tuple(sorted(known.allowed)), "facet_fields": self.facets}
        every = lists | single | {"graphical_styles": self.styles}
        former = FORMER_FILTERS if rules.former_filters else frozenset()
        return {name: every.get(name, ()) for name in sorted(self.params | former)}


BLENDED = SearchKind("images", None, _COMMON | {"color", "event_ids", "exclude_nudity", "specific_people"})
CREATIVE = SearchKind(
    "creative",
    "creative",
    _COMMON
    | _REFINED
    | {"color", "enhanced_search", "exclude_editorial_use_only", "exclude_nudity", "moods", "safe_search"},
    facets=("artists", "locations"),
)
EDITORIAL = SearchKind(
    "editorial",
    "editorial",
    _COMMON
    | _REFINED
    | {"date_from", "date_to", "editorial_segments", "event_ids", "minimum_quality_rank", "specific_people"},
    sorts=("best_match", "most_popular", "newest", "oldest", "random"),
    styles=("photography", "illustration", "vector"),
    facets=("artists", "events", "locations", "specific_people"),
)


@dataclass(frozen=True, slots=True)
class SearchParams:
    """A parsed search request. ``filters`` maps parameter names to their values.

    :param country: the alpha-3 code in GI-Country-Code; empty without the header.
    """

    phrase: str
    page: int
    page_size: int
    sort_order: str
    fields: str
    country: str
    filters: Mapping[str, Any]


def parse_query(call: Call, kind: SearchKind, config: SandboxConfig) -> SearchParams:
    """Parse the parameters of a search.

    :raises APIError: 400 for the first invalid parameter.
    """
    given = query_params(call)
    params = {name: text for name, text in given.items() if name in kind.params}
    page, page_size = paging(params, config)
    sort_order = choice(params, "sort_order", kind.sorts) or "best_match"
    enum_values(params, "graphical_styles", kind.styles)  # editorial has fewer
    enum_values(params, "facet_fields", kind.facets)
    readers = {name: READERS[name] for name in params if name in READERS and params[name].strip(" ,")}
    return SearchParams(
        phrase=params.get("phrase", ""),
        page=page,
        page_size=page_size,
        sort_order=sort_order,
        fields=params.get("fields", ""),
        country=_country(call),
        filters={
            name: value for name, reader in readers.items() if (value := reader(params, name)) != frozenset()
        },
    )


def query_params(call: Call) -> dict[str, str]:
    """Return the decoded query; the values of a repeated parameter are joined by commas, like an array."""
    params: dict[str, str] = {}
    for name, text in parse_qsl(call.query, keep_blank_values=True):
        params[name] = f"{params[name]},{text}" if name in params else text
    return params


def paging(params: Params, config: SandboxConfig) -> tuple[int, int]:
    """Return the page number and the page size.

    :raises APIError: 400 if one is not a number, or out of range; the messages differ.
    """
    page = integer(params, "page", 1, minimum=-MAX_INT32)
    size = integer(params, "page_size", DEFAULT_PAGE_SIZE, minimum=-MAX_INT32)
    if page < 1:
        raise code_error(400, "InvalidPage", f"Invalid page: {page}")
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise code_error(400, "InvalidPageSize", f"Invalid page_size: {size}. Use 1 to {MAX_PAGE_SIZE}.")
    if config.strict and size not in PAGE_SIZES:
        allowed = ", ".join(map(str, PAGE_SIZES))
        raise code_error(400, "InvalidPageSize", f"Invalid page_size: {size}. Use one of {allowed}.")
    return page, size


T = TypeVar("T")


def paginate(found: Sequence[T], page: int, page_size: int, config: SandboxConfig) -> Sequence[T]:
    """Return one page of a result.

    :raises APIError: 400 for a page beyond the last, in an era that refuses this; the message has the last page.
    """
    last = max(1, -(-len(found) // page_size))
    if config.strict and config.rules.has_last_page and page > last:
        message = f"page must be less than or equal to {last}, results count {len(found)}"
        raise code_error(400, "InvalidPage", message)
    return found[(page - 1) * page_size : page * page_size]


def _country(call: Call) -> str:
    code = call.headers.get("gi-country-code", "").strip().upper()
    if code and code not in {country.alpha_3 for country in countries()}:
        raise parameter_error("GI-Country-Code", f"The value '{code}' is not valid.")
    return code


def split_values(params: Params, name: str) -> list[str]:
    return [part for text in params.get(name, "").split(",") if (part := text.strip())]


def enum_values(params: Params, name: str, allowed: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for part in split_values(params, name):
        word = part.lower().replace("-", "_") if name != "age_of_people" else part.lower()
        word = _FORMER.get(word, word)
        if word == "none" and word not in allowed:
            continue
        if word not in allowed:
            raise parameter_error(name, f"The value '{part}' is not valid.")
        found.add(word)
    return frozenset(found)


def _enum(params: Params, name: str) -> frozenset[str]:
    return enum_values(params, name, _WORDS[name])


def _numbers(params: Params, name: str) -> frozenset[int]:
    return frozenset(integer({name: part}, name, 0, minimum=-MAX_INT32) for part in split_values(params, name))


def _texts(params: Params, name: str) -> tuple[str, ...]:
    return tuple(split_values(params, name))


def _flag(params: Params, name: str) -> bool:
    return boolean(params, name, False)


def _enhanced(params: Params, name: str) -> bool:
    return boolean(params, name, True)


def _size(params: Params, name: str) -> str:
    if params[name].strip().lower() == "none":
        return SIZES[0]
    return choice({name: params[name].replace("-", "_")}, name, SIZES)  # the text says x-small, the list x_small


def _filter_type(params: Params, name: str) -> str:
    return choice(params, name, FILTER_TYPES)


def _rank(params: Params, name: str) -> int:
    return integer(params, name, 3, 1, 3)


def _count(params: Params, name: str) -> int:
    return integer(params, name, 300, 0)


def _facet_fields(params: Params, name: str) -> frozenset[str]:
    return frozenset(part.lower() for part in split_values(params, name))


def _color(params: Params, name: str) -> tuple[int, int, int]:
    code = re.fullmatch(r"#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", params[name].strip().lower())
    if not code:
        raise code_error(
            400, "InvalidParameterValue", f"Invalid color: {params[name]}. Use six hexadecimal digits."
        )
    return int(code[1], 16), int(code[2], 16), int(code[3], 16)


def product_of(params: Params, name: str) -> tuple[str, int | None]:
    """Parse a product type and an optional product ID, such as ``premiumaccess:50001``."""
    kind, mark, number = params[name].strip().lower().partition(":")
    if kind not in PRODUCTS or (mark and not re.fullmatch(r"[0-9]{1,9}", number, re.ASCII)):
        raise code_error(400, "InvalidParameterValue", f"Invalid {name}: {params[name]}")
    return kind, int(number) if mark else None


def as_date(params: Params, name: str) -> datetime:
    """Parse a date and time; a date without a time is the start of that day, or its end for ``date_to``."""
    text = params[name].strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise parameter_error(name, f"The value '{text}' is not valid for Nullable`1.") from None
    if name == "date_to" and re.fullmatch(r"[0-9W-]{8,10}", text, re.ASCII):
        found = min(found, datetime.max - timedelta(days=1)) + timedelta(days=1, microseconds=-1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READERS: dict[str, Reader] = {
    **dict.fromkeys(_WORDS, _enum),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_NUMBERS, _numbers),
    **dict.fromkeys(_TEXTS, _texts),
    **dict.fromkeys(("date_from", "date_to"), as_date),
    **dict.fromkeys(("collections_filter_type", "graphical_styles_filter_type"), _filter_type),
    "color": _color,
    "download_product": product_of,
    "enhanced_search": _enhanced,
    "facet_fields": _facet_fields,
    "facet_max_count": _count,
    "minimum_quality_rank": _rank,
    "minimum_size": _size,
}

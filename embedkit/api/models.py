"""The values that the API v3 returns: pictures and their parts, search pages, countries and collections.

All are frozen and do no work beyond arithmetic. Texts are plain text on one clean line, never markup; a missing
text is empty, a missing number is None. ``other`` holds all remaining fields of the response unchanged, so that
new ones are not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Annotated, Any, ClassVar, NamedTuple, get_args

from embedkit.api.parameters import Orientation
from embedkit.getty.payload import MAX_CAPTION_CHARS, MAX_LINK_CHARS, MAX_TITLE_CHARS
from embedkit.getty.urls import SITES, page_url
from embedkit.models import AGENCY, JSON, AssetRef, credit_line

# The meaning of display size names, inferred from URLs in real responses: "s=170x170" and "s=612x612" limit the
# longest side in pixels, "s=170667a" the area.
LONGEST_SIDE_PX = {"thumb": 170, "comp": 612}
AREA_PX = {"preview": 170_667}
# The agency's own sites to which responses link; thinkstockphotos.com occurs in a response of 2015.
DESTINATIONS = frozenset(
    (*SITES, *("istockphoto.com", "www.istockphoto.com", "thinkstockphotos.com", "www.thinkstockphotos.com"))
)


class ReadAs(NamedTuple):
    """How to read a field if its type alone does not tell.

    :param method: name of a method of JSONReader.
    :param arguments: arguments of that method.
    :param name: name of the field in the response, if it differs.
    """

    method: str
    arguments: tuple[Any, ...] = ()
    name: str = ""


RequiredText = Annotated[str, ReadAs("required_text")]
Title = Annotated[str, ReadAs("text", (MAX_TITLE_CHARS,))]
Caption = Annotated[str, ReadAs("text", (MAX_CAPTION_CHARS,))]
ID = Annotated[str, ReadAs("id")]
UpperText = Annotated[str, ReadAs("upper")]
Time = Annotated[str | None, ReadAs("datetime")]
Pixels = Annotated[int | None, ReadAs("pixels")]
ImageURL = Annotated[str, ReadAs("url", ("image_origins",))]
ApiURL = Annotated[str | None, ReadAs("url", ("api_origins",))]
AssetFamily = Annotated[str, ReadAs("enum", (("creative", "editorial"),), "asset_family")]


@dataclass(frozen=True, slots=True)
class ApiObject:
    """A part of a response. ``other`` holds the fields without an attribute of their own, unchanged."""

    other: Mapping[str, Any] = field(default_factory=dict, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Asset(ApiObject):
    """A picture or a video. If it may be embedded, ``ref`` can be passed to ``kit.resolve()``."""

    ref: Annotated[AssetRef, ReadAs("asset_ref", name="id")]

    @property
    def id(self) -> str:
        """The asset ID, in lower case."""
        return self.ref.items[0]


# -- the parts of a picture ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DisplaySize(ApiObject):
    """A small version of a picture, for choosing one.

    :param name: ``thumb``, ``preview``, ``comp``, or another name used by Getty.
    :param uri: URL, on one of EMBEDKIT_IMAGE_ORIGINS.
    :param width: width in pixels, like ``height``; None if unknown.
    """

    name: str
    uri: ImageURL
    is_watermarked: bool | None = None
    width: Pixels = None
    height: Pixels = None


@dataclass(frozen=True, slots=True)
class ReferralDestination(ApiObject):
    """A page that shows the picture, on one of Getty Images' own sites."""

    site_name: str
    uri: Annotated[str, ReadAs("url", (None, DESTINATIONS))]


@dataclass(frozen=True, slots=True)
class Keyword(ApiObject):
    """A keyword of a picture.

    :param keyword_id: ID, which searches accept in ``keyword_ids``; can be empty.
    :param text: the keyword; can be empty, and then only the ID is usable.
    :param relevance: Getty's rating, at least 0.
    """

    keyword_id: ID = ""
    text: str = ""
    type: str = ""
    relevance: int | None = None
    entity_uris: Annotated[tuple[str, ...], ReadAs("texts", (MAX_LINK_CHARS,))] = ()
    entity_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllowedUse(ApiObject):
    """How a picture may be used. In ``how_can_i_use_it``, vertical bars mark a link: ``|License Terms|``."""

    how_can_i_use_it: Caption = ""
    release_info: Caption = ""
    usage_restrictions: Annotated[tuple[str, ...], ReadAs("texts", (MAX_CAPTION_CHARS,))] = ()


@dataclass(frozen=True, slots=True)
class EditorialSource(ApiObject):
    """The source of an editorial picture."""

    id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class IStockLicense(ApiObject):
    """An iStock licence, and its price in credits."""

    license_type: str
    credits: int | None = None


@dataclass(frozen=True, slots=True)
class DownloadOffer(ApiObject):
    """An agreement under which a picture may be downloaded.

    :param product_type: argument for :meth:`Downloads.save`, like ``product_id``.
    :param uri: URL of the API at which the file is ordered.
    """

    product_type: str
    uri: ApiURL = None
    product_id: ID = ""
    agreement_name: str = ""


@dataclass(frozen=True, slots=True)
class DownloadSize(ApiObject):
    """A size in which a picture can be downloaded.

    :param media_type: media type, such as ``image/jpeg``.
    :param bytes: size of the file; None if unknown.
    :param width: width in pixels.
    :param height: height in pixels; argument for :meth:`Downloads.save`.
    :param downloads: the agreements under which this size can be downloaded.
    """

    media_type: str = ""
    bytes: int | None = None
    width: Pixels = None
    height: Pixels = None
    downloads: tuple[DownloadOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit to show with a picture.

    :param line: the whole credit line, such as ``Ivo Lindqvist / Touchline Sport / Getty Images``.
    """

    line: str
    photographer: str = ""
    collection: str = ""
    agency: str = AGENCY


# -- pictures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image(Asset):
    """A picture as described by the API v3. The parameter ``fields`` decides which fields are present.

    :param ref: reference that can be passed to ``kit.resolve()`` and ``kit.html()``.
    :param photographer: the API's ``artist``.
    :param collection: the API's ``collection_name``.
    :param family: the API's ``asset_family``: creative or editorial.
    :param orientation: horizontal, vertical, square, panoramic_horizontal or panoramic_vertical.
    :param width: width of the largest file in pixels, like ``height``.
    :param date_created: ISO 8601, unchanged, like all dates.
    :param quality_rank: 1 (best) to 3.
    :param uri_oembed: oEmbed URL; None if the picture may not be embedded.
    """

    title: Title = ""
    caption: Caption = ""
    photographer: Annotated[str, ReadAs("text", name="artist")] = ""
    photographer_title: Annotated[str, ReadAs("text", name="artist_title")] = ""
    collection: Annotated[str, ReadAs("text", name="collection_name")] = ""
    collection_code: str = ""
    collection_id: int | None = None
    family: AssetFamily = ""
    orientation: Annotated[str, ReadAs("enum", (get_args(Orientation),))] = ""
    width: Annotated[int | None, ReadAs("inner", ("pixels", "width"), "max_dimensions")] = None
    height: Annotated[int | None, ReadAs("inner", ("pixels", "height"), "max_dimensions")] = None
    date_created: Time = None
    date_submitted: Time = None
    date_camera_shot: Time = None
    city: str = ""
    state_province: str = ""
    country: str = ""
    object_name: Title = ""
    credit_line: str = ""
    copyright: Title = ""
    license_model: str = ""
    graphical_style: str = ""
    color_type: str = ""
    call_for_image: bool | None = None
    is_ai_editable: bool | None = None
    quality_rank: int | None = None
    download_product: str = ""
    uri_oembed: Annotated[str | None, ReadAs("url", ("oembed_origins",))] = None
    allowed_use: AllowedUse = AllowedUse()
    editorial_source: EditorialSource | None = None
    alternative_ids: tuple[tuple[str, str], ...] = ()
    display_sizes: tuple[DisplaySize, ...] = ()
    download_sizes: tuple[DownloadSize, ...] = ()
    editorial_segments: tuple[str, ...] = ()
    event_ids: tuple[int, ...] = ()
    istock_licenses: tuple[IStockLicense, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    largest_downloads: Annotated[tuple[DownloadOffer, ...], ReadAs("offers")] = ()
    people: tuple[str, ...] = ()
    product_types: tuple[str, ...] = ()
    referral_destinations: tuple[ReferralDestination, ...] = ()

    @property
    def page_url(self) -> str:
        """The URL of the picture's page, built from its ID."""
        return page_url(self.id)

    @property
    def shortcode(self) -> str:
        """The shortcode with which an author embeds the picture."""
        return f"[getty {self.id}]"

    @property
    def embeddable(self) -> bool:
        """Whether the picture may be embedded; False as well if the request did not include ``uri_oembed``."""
        return self.uri_oembed is not None

    @property
    def restrictions(self) -> tuple[str, ...]:
        """The restrictions on the picture's use."""
        return self.allowed_use.usage_restrictions

    @property
    def credit(self) -> Credit:
        """The credit: the API's own line if it names the agency, else built from photographer and collection."""
        own = AGENCY.lower() in self.credit_line.lower()
        line = self.credit_line if own else credit_line(self.photographer, self.collection)
        return Credit(line, self.photographer, self.collection)

    @property
    def thumb(self) -> DisplaySize | None:
        """The smallest display size; its longest side is 170 pixels."""
        return self._display("thumb")

    @property
    def preview(self) -> DisplaySize | None:
        """The best available display size for a closer look."""
        return self._display("preview") or self._display("comp") or self._display("thumb")

    def _display(self, name: str) -> DisplaySize | None:
        found = next((size for size in self.display_sizes if size.name == name), None)
        return found and _measured(found, self.width, self.height)


def _measured(size: DisplaySize, width: int | None, height: int | None) -> DisplaySize:
    """Return a display size with its dimensions: as sent, or calculated from its name and the picture's ratio."""
    if (size.width and size.height) or not (width and height):
        return size
    if size.name in AREA_PX:
        scale = min(1.0, sqrt(AREA_PX[size.name] / (width * height)))
    else:
        scale = min(1.0, LONGEST_SIDE_PX.get(size.name, max(width, height)) / max(width, height))
    return replace(size, width=max(1, int(width * scale + 0.5)), height=max(1, int(height * scale + 0.5)))


@dataclass(frozen=True, slots=True)
class Facet(ApiObject):
    """A value by which a search can be narrowed.

    :param name: name; artists and people are searched for by name.
    :param id: ID, which searches accept in ``event_ids``.
    :param date: date of an event, ISO 8601.
    """

    name: RequiredText
    id: int | None = None
    date: Time = None


@dataclass(frozen=True, slots=True)
class Facets(ApiObject):
    """The values by which a search can be narrowed, if facets were requested and returned."""

    artists: tuple[Facet, ...] = ()
    entertainment: tuple[Facet, ...] = ()
    events: tuple[Facet, ...] = ()
    locations: tuple[Facet, ...] = ()
    specific_people: tuple[Facet, ...] = ()


@dataclass(frozen=True, slots=True)
class RelatedSearch(ApiObject):
    """A related search phrase. ``url`` is the API's URL of that search."""

    phrase: RequiredText
    url: ApiURL = None


@dataclass(frozen=True, slots=True)
class Paged(ApiObject):
    """One page of a list. ``ITEMS`` names the field with the list; ``COUNT`` is the API's name for the total.

    :param total: number of items on all pages.
    :param page: number of this page, counted from 1.
    :param page_size: items per page, 1 to 100.
    """

    total: int
    page: int
    page_size: int

    ITEMS: ClassVar[str]
    COUNT: ClassVar[str] = "result_count"

    @property
    def place(self) -> JSON:
        """Total, page number and page size, for JSON."""
        return select(self, ("total", "page", "page_size"))

    @property
    def pages(self) -> int:
        """The number of pages."""
        return -(-self.total // self.page_size)

    @property
    def has_next(self) -> bool:
        """Whether there is a next page. An empty page is the last one, whatever the total says."""
        return bool(getattr(self, self.ITEMS)) and self.page < self.pages


@dataclass(frozen=True, slots=True)
class SearchPage(Paged):
    """One page of search results: a sequence of its images, false if there are none.

    >>> page = kit.search("harbour", page_size=5)
    >>> len(page), [image.id for image in page] == [image.id for image in page.images]
    (5, True)

    :param correction: the phrase that Getty searched for instead, if it suspected a typing error; else empty.
    :param facets: only present if ``include_facets=True`` was passed.
    """

    ITEMS = "images"

    images: tuple[Image, ...]
    related_searches: tuple[RelatedSearch, ...] = ()
    correction: Annotated[str, ReadAs("inner", ("text", "phrase"), "auto_corrections")] = ""
    facets: Facets = Facets()

    def __iter__(self) -> Iterator[Image]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def related(self) -> tuple[str, ...]:
        """Related search phrases."""
        return tuple(search.phrase for search in self.related_searches)


@dataclass(frozen=True, slots=True)
class Found(ApiObject):
    """Pictures requested by ID.

    :param images: the pictures, in the order of the requested IDs.
    :param missing: the IDs that were not found.
    """

    images: tuple[Image, ...]
    missing: tuple[str, ...] = ()


# -- countries and collections ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Country(ApiObject):
    """A country.

    :param iso_alpha_3: code, which searches accept as ``country``, such as FRA.
    :param name: name in the requested language.
    """

    iso_alpha_2: UpperText
    iso_alpha_3: UpperText
    name: str


@dataclass(frozen=True, slots=True)
class Collection(ApiObject):
    """A collection.

    :param code: code, which searches accept in ``collection_codes``.
    :param family: creative or editorial; can be empty.
    """

    id: int | None
    code: str
    name: str
    family: AssetFamily = ""
    license_model: str = ""
    product_types: tuple[str, ...] = ()


# -- as JSON ------------------------------------------------------------------------------------------------

PICTURE = (
    *("id", "title", "caption", "photographer", "collection", "collection_code", "date_created"),
    *("family", "orientation", "width", "height"),
)


def select(value: object, names: Iterable[str]) -> JSON:
    """Return some fields of a value by name."""
    return {name: getattr(value, name) for name in names}


def search_page_json(page: SearchPage, write: Callable[[Image], JSON]) -> JSON:
    """Return a search page as JSON.

    :param write: converts each picture to JSON, such as :func:`image_json`.
    """
    return {
        **page.place,
        "images": [write(image) for image in page.images],
        "related": list(page.related),
        **({"facets": facets} if (facets := _facets(page)) else {}),
    }


def _facets(page: SearchPage) -> JSON:
    found = select(page.facets, Facets.__slots__)
    return {name: [select(facet, ("id", "name")) for facet in rows] for name, rows in found.items() if rows}


def image_json(image: Image) -> JSON:
    """Return a picture as JSON: what an editor needs to choose it, and the credit.

    ``keywords`` is empty unless they were requested, since no set of fields includes them.
    """
    return {
        **select(image, PICTURE),
        "thumb": _display(image.thumb),
        "preview": _display(image.preview),
        "restrictions": list(image.restrictions),
        "event_ids": list(image.event_ids),
        "keywords": [keyword.text for keyword in image.keywords if keyword.text],
        "page_url": image.page_url,
        "credit": select(image.credit, Credit.__slots__),
        "shortcode": image.shortcode,
    }


def _display(size: DisplaySize | None) -> JSON | None:
    return {"url": size.uri, "width": size.width, "height": size.height} if size else None

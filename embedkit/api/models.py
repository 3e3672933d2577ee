"""What the API v3 answers, as values: pictures and their parts, pages of them, places.

All are frozen; none does any work beyond arithmetic. Texts are raw, one clean line each, never markup; a
text that is not there is empty, a number that is not there is None. ``other`` holds what an answer says
beyond that, as it came, so that nothing new is lost.
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

# What the names of display sizes stand for, by the URLs of real answers: "s=170x170" and "s=612x612" are
# the longest side in pixels, "s=170667a" is an area.
LONGEST_SIDE_PX = {"thumb": 170, "comp": 612}
AREA_PX = {"preview": 170_667}
# The agency's own sites that answers lead to; an answer of 2015 knows the third.
DESTINATIONS = frozenset(
    (*SITES, *("istockphoto.com", "www.istockphoto.com", "thinkstockphotos.com", "www.thinkstockphotos.com"))
)


class ReadAs(NamedTuple):
    """How a field is read, where its type does not say it: a method of JSONReader, with which arguments.

    :param name: of the field in the answer, where it is another.
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
    """A part of an answer. ``other`` are its fields that have no place of their own, verbatim."""

    other: Mapping[str, Any] = field(default_factory=dict, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Asset(ApiObject):
    """A picture, or a video; ``ref`` can be resolved as it is, where it may be embedded."""

    ref: Annotated[AssetRef, ReadAs("asset_ref", name="id")]

    @property
    def id(self) -> str:
        """The asset ID, in lower case."""
        return self.ref.items[0]


# -- the parts of a picture ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DisplaySize(ApiObject):
    """A picture to look at while choosing.

    :param name: ``thumb``, ``preview``, ``comp``, or another name that Getty uses.
    :param uri: its URL, on one of EMBEDKIT_IMAGE_ORIGINS.
    :param width: pixels, like ``height``; None where they are not known.
    """

    name: str
    uri: ImageURL
    is_watermarked: bool | None = None
    width: Pixels = None
    height: Pixels = None


@dataclass(frozen=True, slots=True)
class ReferralDestination(ApiObject):
    """A page that shows the picture; on sites of Getty Images alone."""

    site_name: str
    uri: Annotated[str, ReadAs("url", (None, DESTINATIONS))]


@dataclass(frozen=True, slots=True)
class Keyword(ApiObject):
    """A word that a picture is filed under.

    :param keyword_id: what searches take as ``keyword_ids``; may be empty.
    :param text: may be empty: then only its ID can be used.
    :param relevance: as Getty rates it, 0 or more.
    """

    keyword_id: ID = ""
    text: str = ""
    type: str = ""
    relevance: int | None = None
    entity_uris: Annotated[tuple[str, ...], ReadAs("texts", (MAX_LINK_CHARS,))] = ()
    entity_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AllowedUse(ApiObject):
    """How a picture may be used; in ``how_can_i_use_it`` upright bars mark a link, ``|License Terms|``."""

    how_can_i_use_it: Caption = ""
    release_info: Caption = ""
    usage_restrictions: Annotated[tuple[str, ...], ReadAs("texts", (MAX_CAPTION_CHARS,))] = ()


@dataclass(frozen=True, slots=True)
class EditorialSource(ApiObject):
    """Who an editorial picture comes from."""

    id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class IStockLicense(ApiObject):
    """A licence of iStock, and what it costs in credits."""

    license_type: str
    credits: int | None = None


@dataclass(frozen=True, slots=True)
class DownloadOffer(ApiObject):
    """An agreement under which a picture may be downloaded.

    :param product_type: what :meth:`Downloads.save` takes, like ``product_id``.
    :param uri: where the API takes the order.
    """

    product_type: str
    uri: ApiURL = None
    product_id: ID = ""
    agreement_name: str = ""


@dataclass(frozen=True, slots=True)
class DownloadSize(ApiObject):
    """A size in which a picture can be downloaded.

    :param media_type: such as ``image/jpeg``.
    :param bytes: of the file; None where that is not known.
    :param width: pixels, like ``height``, which :meth:`Downloads.save` takes.
    :param downloads: the agreements under which it can be downloaded.
    """

    media_type: str = ""
    bytes: int | None = None
    width: Pixels = None
    height: Pixels = None
    downloads: tuple[DownloadOffer, ...] = ()


@dataclass(frozen=True, slots=True)
class Credit:
    """Who is to be named beside a picture.

    :param line: such as ``Ivo Lindqvist / Touchline Sport / Getty Images``.
    """

    line: str
    photographer: str = ""
    collection: str = ""
    agency: str = AGENCY


# -- pictures -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image(Asset):
    """One picture as the API v3 describes it. Which fields are filled depends on the parameter ``fields``.

    :param ref: can be resolved and rendered as it is.
    :param photographer: the API's ``artist``.
    :param collection: the API's ``collection_name``.
    :param family: the API's ``asset_family``: creative or editorial.
    :param orientation: spelled as the parameter: horizontal, vertical, square, panoramic_horizontal or
        panoramic_vertical.
    :param width: pixels of the largest file, like ``height``.
    :param date_created: ISO 8601, as it came, like all dates.
    :param quality_rank: 1 is the best, 3 the last.
    :param uri_oembed: None for a picture that may not be embedded.
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
        """The page of the picture; made from its ID, whatever the answer says."""
        return page_url(self.id)

    @property
    def shortcode(self) -> str:
        """What an author writes to show the picture."""
        return f"[getty {self.id}]"

    @property
    def embeddable(self) -> bool:
        """Whether the answer says that the picture may be embedded; it says nothing unless asked."""
        return self.uri_oembed is not None

    @property
    def restrictions(self) -> tuple[str, ...]:
        """What the picture must not be used for."""
        return self.allowed_use.usage_restrictions

    @property
    def credit(self) -> Credit:
        """Who is to be named: the API's own line where that names the agency, else one made of the parts."""
        own = AGENCY.lower() in self.credit_line.lower()
        line = self.credit_line if own else credit_line(self.photographer, self.collection)
        return Credit(line, self.photographer, self.collection)

    @property
    def thumb(self) -> DisplaySize | None:
        """The small display size, its longest side 170 pixels."""
        return self._display("thumb")

    @property
    def preview(self) -> DisplaySize | None:
        """The best display size that there is for a closer look."""
        return self._display("preview") or self._display("comp") or self._display("thumb")

    def _display(self, name: str) -> DisplaySize | None:
        found = next((size for size in self.display_sizes if size.name == name), None)
        return found and _measured(found, self.width, self.height)


def _measured(size: DisplaySize, width: int | None, height: int | None) -> DisplaySize:
    """A display size with its pixels: those of the answer, else what the picture's shape makes of its name."""
    if (size.width and size.height) or not (width and height):
        return size
    if size.name in AREA_PX:
        scale = min(1.0, sqrt(AREA_PX[size.name] / (width * height)))
    else:
        scale = min(1.0, LONGEST_SIDE_PX.get(size.name, max(width, height)) / max(width, height))
    return replace(size, width=max(1, int(width * scale + 0.5)), height=max(1, int(height * scale + 0.5)))


@dataclass(frozen=True, slots=True)
class Facet(ApiObject):
    """Something that a search can be narrowed to.

    :param id: for ``event_ids``; artists and people are named by their ``name``.
    :param date: of an event, ISO 8601.
    """

    name: RequiredText
    id: int | None = None
    date: Time = None


@dataclass(frozen=True, slots=True)
class Facets(ApiObject):
    """What a search can be narrowed to, where facets were asked for and the service gave them."""

    artists: tuple[Facet, ...] = ()
    entertainment: tuple[Facet, ...] = ()
    events: tuple[Facet, ...] = ()
    locations: tuple[Facet, ...] = ()
    specific_people: tuple[Facet, ...] = ()


@dataclass(frozen=True, slots=True)
class RelatedSearch(ApiObject):
    """Another phrase that people search for; ``url`` is the API's own URL of that search."""

    phrase: RequiredText
    url: ApiURL = None


@dataclass(frozen=True, slots=True)
class Paged(ApiObject):
    """One page of a list, which is in the field that ``ITEMS`` names; ``COUNT`` is what the API calls the total.

    :param total: things on all pages.
    :param page: its number, from 1.
    :param page_size: things on a page, 1 to 100.
    """

    total: int
    page: int
    page_size: int

    ITEMS: ClassVar[str]
    COUNT: ClassVar[str] = "result_count"

    @property
    def place(self) -> JSON:
        """Which page it is, and of how much."""
        return select(self, ("total", "page", "page_size"))

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.page_size)

    @property
    def has_next(self) -> bool:
        """Whether there is more; an empty page is the last one, whatever the total says."""
        return bool(getattr(self, self.ITEMS)) and self.page < self.pages


@dataclass(frozen=True, slots=True)
class SearchPage(Paged):
    """One page of what was found: a sequence of its images, false where there are none.

    >>> page = kit.search("harbour", page_size=5)
    >>> len(page), [image.id for image in page] == [image.id for image in page.images]
    (5, True)

    :param correction: the phrase that the service searched for instead, where it suspected a slip; else empty.
    :param facets: filled where ``include_facets=True`` was passed.
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
        """Other phrases that people search for."""
        return tuple(search.phrase for search in self.related_searches)


@dataclass(frozen=True, slots=True)
class Found(ApiObject):
    """Pictures by their IDs.

    :param images: in the order of the IDs.
    :param missing: the IDs that there are no pictures for.
    """

    images: tuple[Image, ...]
    missing: tuple[str, ...] = ()


# -- places -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Country(ApiObject):
    """A country.

    :param iso_alpha_3: what a search takes as ``country``, such as FRA.
    :param name: in the language that was asked for.
    """

    iso_alpha_2: UpperText
    iso_alpha_3: UpperText
    name: str


@dataclass(frozen=True, slots=True)
class Collection(ApiObject):
    """A collection.

    :param code: what a search takes as ``collection_codes``.
    :param family: creative or editorial; may be empty.
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
    """Some fields of a value."""
    return {name: getattr(value, name) for name in names}


def search_page_json(page: SearchPage, write: Callable[[Image], JSON]) -> JSON:
    """A page as search answers it.

    :param write: makes JSON of each picture, as :func:`image_json` does.
    """
    return {
        **page.place,
        "images": [write(image) for image in page.images],
        "related": list(page.related),
        **({"facets": facets} if (facets := _facets(page)) else {}),
    }


def _facets(page: SearchPage) -> JSON:
    found = select(page.facets, Facets.__slots__)
    return {name: [select(one, ("id", "name")) for one in rows] for name, rows in found.items() if rows}


def image_json(image: Image) -> JSON:
    """A picture as search answers it: what an editor chooses by, and who is to be named.

    ``keywords`` has what was asked for: no set of fields has them.
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

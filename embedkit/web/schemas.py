"""The schemas of requests and responses, which validate requests and generate the OpenAPI document.

All text fields except ``html`` are plain text, never markup. All sizes are in CSS pixels.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from embedkit.api import parameters as api
from embedkit.api.encoding import MAX_TEXT_CHARS
from embedkit.api.requests import LANGUAGES
from embedkit.models import TLDS, Align
from embedkit.shortcodes.budget import REQUEST
from embedkit.targets import Input, Target

MAX_REFERENCES = REQUEST.pictures  # in a batch
MAX_TEXTS = 100  # in a request, whose budget they share
MAX_REFERENCE_CHARS = 4_000  # in one reference: embed code for five pictures is half as long
MAX_PHRASE_CHARS = 300

Size = Annotated[int, Meta(ge=1, description="The maximum size of the embed in CSS pixels")]
Tld = Annotated[
    str, Meta(description="The Getty Images site that the frame links to", extra_json_schema={"enum": list(TLDS)})
]
To = Annotated[Target, Meta(description="The output format; defaults to EMBEDKIT_TARGET")]
Side = Annotated[Align, Meta(description="The position of the embed in the text")]
Title = Annotated[str, Meta(max_length=1_000, description="The frame's title, for screen readers")]
CAPTION = "true or false shows or hides Getty's own caption in the frame; other text is printed below the picture"
CaptionText = Annotated[str, Meta(max_length=1_000, description=CAPTION)]
Caption = Annotated[bool | str, Meta(description=CAPTION)]
RetryAfter = Annotated[int, Meta(ge=1, description="The number of seconds to wait before trying again")]


class Display(Struct, omit_defaults=True):
    """The options of every embed."""

    maxwidth: Size | None = None
    maxheight: Size | None = None
    tld: Tld | None = None


class EmbedQuery(Display):
    """The display options of an embed."""

    target: To | None = None
    caption: CaptionText | None = None
    align: Side | None = None
    title: Title | None = None


class OEmbedQuery(Display, kw_only=True):
    """The parameters of oEmbed 1.0, plus Getty's own ``tld`` and ``caption``."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_REFERENCE_CHARS,
            description="The URL of a Getty Images picture, or EMBEDKIT_PUBLIC_URL/embed/<ref>",
        ),
    ]
    format: Annotated[
        str,
        Meta(description="json; others return 501", extra_json_schema={"pattern": "^[Jj][Ss][Oo][Nn]$"}),
    ] = "json"
    caption: CaptionText | None = None


class FrameQuery(Display):
    """The display options of a frame page."""

    target: Literal["web", "facade"] | None = None
    caption: CaptionText | None = None


Lang = Annotated[
    str,
    Meta(
        max_length=35,  # RFC 5646, section 4.4.1
        description="The language of the response. Defaults to Accept-Language or EMBEDKIT_LOCALE, which also"
        f" replace a language that Getty Images doesn't support. Supported: {', '.join(LANGUAGES)}.",
    ),
]
EDITORIAL_ONLY = "only with family=editorial"
WHEN = f"ISO 8601; {EDITORIAL_ONLY}"
Date = Annotated[
    str,
    Meta(
        max_length=40,
        extra_json_schema={"anyOf": [{"format": "date"}, {"format": "date-time"}], "examples": ["1999-12-31"]},
    ),
]


PageNumber = Annotated[int, Meta(ge=1, le=api.MAX_INT32, description="The page number, starting at 1")]
SIZES = {"enum": list(api.PAGE_SIZES)}
PageSize = Annotated[
    int, Meta(ge=1, le=api.MAX_PAGE_SIZE, description="The number of results per page", extra_json_schema=SIZES)
]
Number = Annotated[int, Meta(ge=1, le=api.MAX_INT32)]
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]


Styles = Annotated[list[api.GraphicalStyle], Meta(description="fine_art is not available with family=editorial")]
Country = Annotated[str, Meta(max_length=3, description="The country the pictures will be used in, such as FRA")]
Agreement = Annotated[Text, Meta(description="The agreement they can be licensed under, such as premiumaccess")]
COLOR_PATTERN = {"pattern": "^#?[0-9A-Fa-f]{6}$"}
COLOR = "Six hexadecimal digits; not available with family=editorial"
Color = Annotated[str, Meta(max_length=7, description=COLOR, extra_json_schema=COLOR_PATTERN)]


def _for(*families: str) -> Meta:
    """Describe a filter that only these families accept."""
    return Meta(description=f"Only with family={' or '.join(families)}")


def _instead(found: str) -> Meta:
    """Describe a parameter that takes a picture's ID and replaces the search phrase."""
    return Meta(description=f"A picture's ID. Returns {found}; can be combined only with page, page_size and lang")


class LanguageQuery(Struct, omit_defaults=True, kw_only=True):
    """The language of the response."""

    lang: Lang | None = None


class PageQuery(LanguageQuery, forbid_unknown_fields=True, kw_only=True):
    """The page of results to return."""

    page: PageNumber = 1
    page_size: PageSize = api.PAGE_SIZE


class SearchQuery(LanguageQuery, forbid_unknown_fields=True):
    """The parameters of a search. Only embeddable pictures are found. Lists are comma-separated.

    They match those of the library's search, except that the phrase is ``q``, the language is ``lang``, and there
    is no ``fields``, since a response always has the same fields.
    """

    q: Annotated[
        str,
        Meta(
            max_length=MAX_PHRASE_CHARS,
            description="The search phrase, such as solar eclipse. Optional with similar, series, by_image,"
            " artists, collection_codes, event_ids, keyword_ids or specific_people, and for the newest editorial"
            " pictures",
        ),
    ] = ""
    family: Annotated[
        api.Family, Meta(description="Creative or editorial pictures; all supports fewer filters")
    ] = "all"
    page: PageNumber = 1
    page_size: PageSize = api.PAGE_SIZE
    sort_order: Annotated[api.EditorialSortOrder, Meta(description=f"oldest {EDITORIAL_ONLY}")] | None = None
    orientations: list[api.Orientation] | None = None
    number_of_people: list[api.NumberOfPeople] | None = None
    color: Color | None = None
    graphical_styles: Styles | None = None
    compositions: list[api.Composition] | None = None
    ethnicity: list[api.Ethnicity] | None = None
    age_of_people: list[api.AgeOfPeople] | None = None
    editorial_segments: Annotated[list[api.Segment], Meta(description=EDITORIAL_ONLY.capitalize())] | None = None
    date_from: Annotated[Date, Meta(description=f"Created on or after this date; {WHEN}")] | None = None
    date_to: Annotated[Date, Meta(description=f"Created on or before this date; {WHEN}")] | None = None
    exclude_nudity: Annotated[
        bool, Meta(description="Ignored with family=editorial, which doesn't support this filter")
    ] = True
    embed_content_only: Annotated[
        bool, Meta(description="Always true: others are never found", extra_json_schema={"enum": [True]})
    ] = True
    artists: Annotated[Text, Meta(description="Names of photographers")] | None = None
    collection_codes: list[Text] | None = None
    collections_filter_type: api.FilterType | None = None
    country: Country | None = None
    download_product: Agreement | None = None
    enhanced_search: Annotated[bool, _for("creative")] | None = None
    event_ids: Annotated[list[Number], _for("all", "editorial")] | None = None
    exclude_editorial_use_only: Annotated[bool, _for("creative")] | None = None
    exclude_keyword_ids: Annotated[list[Number], _for("creative", "editorial")] | None = None
    facet_fields: Annotated[list[api.EditorialFacet], _for("creative", "editorial")] | None = None
    facet_max_count: Annotated[Number, _for("creative", "editorial")] | None = None
    file_types: list[api.FileType] | None = None
    graphical_styles_filter_type: api.FilterType | None = None
    include_facets: Annotated[bool, _for("creative", "editorial")] | None = None
    include_related_searches: Annotated[bool, Meta(description="Include related phrases")] | None = None
    keyword_ids: list[Number] | None = None
    minimum_quality_rank: Annotated[api.QualityRank, _for("editorial")] | None = None
    minimum_size: api.MinimumSize | None = None
    moods: Annotated[list[api.Mood], _for("creative")] | None = None
    safe_search: Annotated[bool, _for("creative")] | None = None
    specific_people: Annotated[list[Text], _for("all", "editorial")] | None = None
    similar: Annotated[Text, _instead("similar pictures")] | None = None
    by_image: Annotated[Text, _instead("creative pictures that look like it")] | None = None
    series: Annotated[Text, _instead("creative pictures of the same series")] | None = None


class EventsQuery(PageQuery):
    """The parameters of a search for events. Without ``q``, the newest are returned."""

    q: Annotated[str, Meta(max_length=MAX_PHRASE_CHARS, description="The event's name or place")] = ""
    sort_order: api.EventSortOrder | None = None
    editorial_segment: api.Segment | None = None
    date_from: Annotated[Date, Meta(description="Starts on or after this date; ISO 8601")] | None = None
    date_to: Annotated[Date, Meta(description="Starts on or before this date; ISO 8601")] | None = None


MaxPictures = Annotated[int, Meta(ge=1, le=MAX_REFERENCES, description="The maximum selection, with multiple")]
Recipient = Annotated[
    str, Meta(max_length=300, description="The origin to send the selection to; one of EMBEDKIT_PICKER_ORIGINS")
]
Grant = Annotated[
    str, Meta(max_length=1_000, description="Only without JavaScript; otherwise pass it in the fragment, #grant=")
]


class PickerQuery(LanguageQuery):
    """The options of the picker's page, and the window that opened it."""

    q: Annotated[str, Meta(max_length=MAX_PHRASE_CHARS, description="The initial search phrase")] = ""
    family: api.Family = "all"
    orientations: list[api.Orientation] = []
    sort_order: api.EditorialSortOrder | None = None
    page: Annotated[int, Meta(ge=1, le=api.MAX_INT32, description="Starts at 1; only without JavaScript")] = 1
    multiple: bool = False
    max: MaxPictures | None = None
    output: Literal["shortcode", "url", "html", "markdown", "json"] | None = None
    theme: Literal["auto", "light", "dark"] | None = None
    origin: Recipient | None = None
    nonce: Annotated[str, Meta(max_length=200, description="Included in every message sent back")] | None = None
    host: Annotated[Literal["tinymce"], Meta(description="Also send messages to TinyMCE's dialog")] | None = None
    grant: Grant | None = None


class BatchItem(Display, forbid_unknown_fields=True, kw_only=True):
    """A reference in a batch, with its own options."""

    ref: str | int
    caption: Caption | None = None
    align: Side | None = None
    title: Title | None = None


# items are validated one by one, and an invalid item gets its own error: so the schema accepts anything
BatchRef = Annotated[
    Any,
    Meta(
        description=f"An ID, a string of up to {MAX_REFERENCE_CHARS} characters, or an object; anything else is"
        " reported as this item's error",
        extra_json_schema={
            "anyOf": [{"type": "string"}, {"type": "integer"}, {"$ref": "#/components/schemas/BatchItem"}, {}]
        },
    ),
]


class BatchRequest(Struct, forbid_unknown_fields=True):
    """Up to 100 references: IDs, lists of IDs, URLs, shortcodes or pasted embed code."""

    refs: Annotated[list[BatchRef], Meta(max_length=MAX_REFERENCES)]
    target: To | None = None


class RenderText(Struct, forbid_unknown_fields=True):
    """One of several texts. ``input`` is its format."""

    content: str
    input: Input = "html"


ManyTexts = Meta(max_length=MAX_TEXTS, description="Several texts, instead of content and input")


class RenderRequest(Struct, forbid_unknown_fields=True):
    """A text, or up to 100 texts. In all, they can contain 100 pictures in 1,000 references."""

    content: Annotated[str, Meta(description="The text; alternatively, pass texts")] | UnsetType = UNSET
    input: Input | UnsetType = UNSET
    target: To | None = None
    pasted: Annotated[bool, Meta(description="Also replace pasted embed code")] = False
    texts: Annotated[list[RenderText], ManyTexts] | UnsetType = UNSET


# JSON Schema that a struct can't express.
ONE_TEXT_OR_MANY: dict[str, Any] = {
    "oneOf": [
        {"required": ["content"], "not": {"required": ["texts"]}},
        {"required": ["texts"], "not": {"anyOf": [{"required": ["content"]}, {"required": ["input"]}]}},
    ]
}


class ConvertRequest(RenderText, forbid_unknown_fields=True):
    """A text with pasted embed code. ``input`` is its format."""


class FrameRecord(Struct):
    """The data signed by Getty Images: name-value pairs in the order received."""

    items: list[str]
    query: list[Annotated[list[str], Meta(min_length=2, max_length=2)]]
    is360: bool


class Record(Struct, kw_only=True):
    """One embed, as data."""

    ref: Annotated[str, Meta(description="One to five asset IDs, separated by commas")]
    type: str
    version: str
    title: str
    caption: str
    photographer: str
    collection: str
    width: int
    height: int
    thumbnail_url: str | None
    thumbnail_width: int | None
    thumbnail_height: int | None
    terms_of_use_url: str | None
    page_url: str
    frame: FrameRecord
    fetched_at: Annotated[str, Meta(description="RFC 3339", extra_json_schema={"format": "date-time"})]
    cache_age: Annotated[int, Meta(ge=0, description="The number of seconds this remains fresh")]
    stale: bool


class Assets(Struct):
    """The stylesheets and scripts that a page needs for this target, once per page."""

    css: list[str]
    js: list[str]


class EmbedAnswer(Record, kw_only=True):
    """One embed, as data and as markup for one target."""

    target: Target
    html: str
    assets: Assets


class ItemError(Struct, omit_defaults=True):
    """The reason why a reference in a batch has no embed."""

    code: str
    title: str
    detail: str
    retry_after: RetryAfter | None = None


class FailedItem(Struct):
    """A reference as it was sent, and its error."""

    ref: str
    error: ItemError


def _either(*structs: type[Struct]) -> Meta:
    """Describe a union of these structs, which msgspec can't decode without a tag; the contract has none."""
    refs = [{"$ref": f"#/components/schemas/{struct.__name__}"} for struct in structs]
    return Meta(extra_json_schema={"anyOf": refs})


class BatchAnswer(Struct):
    """The embeds, in the order of the request."""

    embeds: list[Annotated[Any, _either(EmbedAnswer, FailedItem)]]


class RenderProblem(Struct):
    """A problem that an author should know about. Lines and columns start at 1; columns count code points."""

    line: int
    column: int
    code: str
    detail: str
    retry_after: RetryAfter | UnsetType = UNSET


class RenderedText(Struct):
    """The text with every reference replaced, the embeds in it, and the problems found."""

    content: str
    embeds: list[Record]
    problems: list[RenderProblem]


class FailedText(Struct):
    """The reason why one of several texts was not rendered."""

    error: ItemError


TextItem = Annotated[Any, _either(RenderedText, FailedText)]


class RenderAnswer(Struct):
    """For ``content``: the text, its embeds, and the problems found. For ``texts``: the same for each text."""

    content: str | UnsetType = UNSET
    embeds: list[Record] | UnsetType = UNSET
    problems: list[RenderProblem] | UnsetType = UNSET
    texts: Annotated[list[TextItem], Meta(description="In the order of the request")] | UnsetType = UNSET


class ConvertAnswer(Struct):
    """The text with embed code turned into shortcodes, the number converted, and the problems found."""

    content: str
    converted: int
    problems: list[RenderProblem]


class OEmbedAnswer(Struct, kw_only=True, omit_defaults=True):
    """An oEmbed 1.0 response, with Getty's additional keys."""

    type: Literal["rich"]
    version: Literal["1.0"]
    height: int
    width: int
    html: str
    title: str
    caption: str
    photographer: str
    collection: str
    thumbnail_url: str | None = None
    thumbnail_height: int | None = None
    thumbnail_width: int | None = None
    terms_of_use_url: str | None = None
    provider_name: str
    provider_url: str
    author_name: str
    cache_age: int


class ProviderEndpoint(Struct):
    """An endpoint in the format of https://oembed.com/providers.json."""

    schemes: list[str]
    url: str
    formats: list[str]
    discovery: bool


class Provider(Struct):
    """A provider in the format of https://oembed.com/providers.json."""

    provider_name: str
    provider_url: str
    endpoints: list[ProviderEndpoint]


class Problem(Struct):
    """An error (RFC 9457). ``code`` is stable; the messages can change."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Health(Struct):
    """The process is running."""

    status: Literal["ok"]


class Readiness(Struct):
    """The status of the service and its parts."""

    status: Literal["ok", "degraded", "unavailable"]
    cache: Annotated[str, Meta(description="ok, degraded (writes fail) or down (unreachable)")]
    upstream: Annotated[
        dict[str, Any],
        Meta(
            description="The status of Getty Images by service: oembed, api (search). throttled: quota-exhausted"
            " means that the daily quota is used up; retry_after is in seconds"
        ),
    ]
    store: Annotated[
        dict[str, Any],
        Meta(
            description="The status of the cache's store: its kind; read and write, each ok or failing; the number"
            " of entries and takedowns not yet written (unwritten, takedowns); and where takedowns are held"
            " meanwhile (reserve): file, which survives a restart, or memory"
        ),
    ] = {}
    changes: Annotated[
        dict[str, Any],
        Meta(
            description="The status of Getty's feed of asset changes, if EMBEDKIT_CHANGE_FEED is on, and of the"
            " notifications about withdrawn pictures. state is ok, starting or the error; pending is the number"
            " of pictures and how long they have waited; undelivered counts the notifications not yet delivered"
            " to caches in front of the service and to the webhook"
        ),
    ] = {}


class Preview(Struct):
    """A preview: its URL on Getty's hosts, and its size in pixels, if known."""

    url: str
    width: int | None
    height: int | None


class CreditParts(Struct):
    """The credit to show with the picture, as one line and in parts."""

    line: str
    photographer: str
    collection: str
    agency: str


class FoundImage(Struct):
    """A picture in the search results. All text fields are plain text, never markup."""

    id: str
    title: str
    caption: str
    photographer: str
    collection: str
    collection_code: Annotated[str, Meta(description="The code to use in collection_codes")]
    date_created: str | None
    family: Annotated[str, Meta(description="creative or editorial; empty if unknown")]
    orientation: str
    width: Annotated[int | None, Meta(description="The width of the largest file in pixels")]
    height: int | None
    thumb: Preview | None
    preview: Preview | None
    restrictions: Annotated[list[str], Meta(description="The uses that are not allowed")]
    event_ids: list[int]
    keywords: list[str]
    page_url: str
    credit: CreditParts
    shortcode: Annotated[str, Meta(description="The shortcode that embeds the picture in a text")]


class ImageAnswer(FoundImage):
    """A picture, and whether it is embeddable."""

    embeddable: bool


class FacetAnswer(Struct):
    """A value that a search can be narrowed to: an event by its ID, anything else by its name."""

    id: int | None
    name: str


class FoundPage(Struct):
    """The total number of results, and the page returned."""

    total: int
    page: int
    page_size: int


class SearchAnswer(FoundPage, omit_defaults=True):
    """A page of results. ``total`` counts the pictures on all pages; ``related`` lists other search phrases.

    ``facets`` groups the facets by field, if ``include_facets`` requests them.
    """

    images: list[FoundImage]
    related: list[str]
    facets: dict[str, list[FacetAnswer]] = {}


class FoundEvent(Struct):
    """An event that was photographed. Pass its ``id`` in a search's ``event_ids``."""

    id: int
    name: str
    start_date: str | None
    image_count: int | None
    city: str
    country: str
    thumb: Preview | None


class EventsAnswer(FoundPage):
    """A page of events."""

    events: list[FoundEvent]


class BoardAnswer(Struct):
    """A board, which is a customer's collection of pictures."""

    id: str
    name: str
    asset_count: int


class BoardsAnswer(Struct):
    """The boards of the configured customer, most recently changed first. Empty if no customer is configured."""

    boards: list[BoardAnswer]


class CountryAnswer(Struct):
    """A country, in the requested language."""

    iso_alpha_2: str
    iso_alpha_3: str
    name: str


class CountriesAnswer(Struct):
    """All countries known to Getty Images."""

    countries: list[CountryAnswer]


class GrantAnswer(Struct):
    """A grant to send as ``Authorization: Bearer``. ``expires_in`` is in seconds."""

    grant: str
    expires_in: int

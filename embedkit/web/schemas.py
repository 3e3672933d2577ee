"""The bodies of requests and answers: requests are checked by them, and the OpenAPI document is made from them.

Texts are raw, never markup, ``html`` aside. All sizes are CSS pixels.
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
MAX_REFERENCE_CHARS = 4_000  # characters of one reference: embed code of five pictures has half of that
MAX_PHRASE_CHARS = 300  # characters

Size = Annotated[int, Meta(ge=1, description="CSS pixels; the embed is never larger than this")]
Tld = Annotated[
    str, Meta(description="The Getty site that the frame links to", extra_json_schema={"enum": list(TLDS)})
]
To = Annotated[Target, Meta(description="What the markup is for; by default that of EMBEDKIT_TARGET")]
Side = Annotated[Align, Meta(description="Where the embed stands in the text")]
Title = Annotated[str, Meta(max_length=1_000, description="Names the frame for those who can't see it")]
CAPTION = "true or false asks Getty's frame for its caption; a text is printed under the picture"
Words = Annotated[str, Meta(max_length=1_000, description=CAPTION)]
Caption = Annotated[bool | str, Meta(description=CAPTION)]
RetryAfter = Annotated[int, Meta(ge=1, description="Seconds after which another try makes sense")]


class Display(Struct, omit_defaults=True):
    """What can be asked of every embed."""

    maxwidth: Size | None = None
    maxheight: Size | None = None
    tld: Tld | None = None


class EmbedQuery(Display):
    """How an embed is to be shown."""

    target: To | None = None
    caption: Words | None = None
    align: Side | None = None
    title: Title | None = None


class OEmbedQuery(Display, kw_only=True):
    """A consumer's question, as oEmbed 1.0 has it; ``tld`` and ``caption`` are Getty's own."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_REFERENCE_CHARS,
            description="Any URL of a Getty picture, or PUBLIC_URL/embed/<ref>",
        ),
    ]
    format: Annotated[
        str,
        Meta(description="json; anything else answers 501", extra_json_schema={"pattern": "^[Jj][Ss][Oo][Nn]$"}),
    ] = "json"
    caption: Words | None = None


class FrameQuery(Display):
    """How a frame page shows its picture."""

    target: Literal["web", "facade"] | None = None
    caption: Words | None = None


Lang = Annotated[
    str,
    Meta(
        max_length=35,  # RFC 5646, section 4.4.1
        description="The language of texts; by default that of Accept-Language, or EMBEDKIT_LOCALE. A language"
        f" that Getty does not offer is answered in the default. It offers {', '.join(LANGUAGES)}.",
    ),
]
EDITORIAL_ONLY = "with family=editorial only"
WHEN = f"ISO 8601; {EDITORIAL_ONLY}"
Date = Annotated[
    str,
    Meta(
        max_length=40,
        extra_json_schema={"anyOf": [{"format": "date"}, {"format": "date-time"}], "examples": ["1999-12-31"]},
    ),
]


PageNumber = Annotated[int, Meta(ge=1, le=api.MAX_INT32, description="Counts from 1")]
SIZES = {"enum": list(api.PAGE_SIZES)}
PageSize = Annotated[
    int, Meta(ge=1, le=api.MAX_PAGE_SIZE, description="How many on a page", extra_json_schema=SIZES)
]
Number = Annotated[int, Meta(ge=1, le=api.MAX_INT32)]
Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]


Styles = Annotated[list[api.GraphicalStyle], Meta(description="fine_art not with family=editorial")]
Country = Annotated[str, Meta(max_length=3, description="Where the pictures are to be used, such as FRA")]
Agreement = Annotated[Text, Meta(description="An agreement that they can be licensed by, such as premiumaccess")]
COLOR_PATTERN = {"pattern": "^#?[0-9A-Fa-f]{6}$"}
COLOR = "Six hexadecimal digits; not with family=editorial"
Color = Annotated[str, Meta(max_length=7, description=COLOR, extra_json_schema=COLOR_PATTERN)]


def _for(*families: str) -> Meta:
    """Which searches take a filter."""
    return Meta(description=f"With family={' or '.join(families)} only")


def _of(what: str) -> Meta:
    """What is found of one picture, instead of searching."""
    return Meta(description=f"The ID of a picture: {what}; with page, page_size and lang only")


class LanguageQuery(Struct, omit_defaults=True, kw_only=True):
    """In which language to answer."""

    lang: Lang | None = None


class PageQuery(LanguageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which page to answer with."""

    page: PageNumber = 1
    page_size: PageSize = api.PAGE_SIZE


class SearchQuery(LanguageQuery, forbid_unknown_fields=True):
    """What to look for. Only what may be embedded is found; lists are joined by commas.

    These are the parameters of the library's search, but the phrase is ``q``, the language is ``lang``, and there
    is no ``fields``, since an answer has the same always.
    """

    q: Annotated[
        str,
        Meta(
            max_length=MAX_PHRASE_CHARS,
            description="What to look for, such as solar eclipse. May be left out with similar, series, by_image,"
            " artists, collection_codes, event_ids, keyword_ids or specific_people, and for the newest"
            " editorial pictures",
        ),
    ] = ""
    family: Annotated[
        api.Family, Meta(description="Creative or editorial pictures; or all, with fewer filters")
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
    date_from: Annotated[Date, Meta(description=f"Made then or later; {WHEN}")] | None = None
    date_to: Annotated[Date, Meta(description=f"Made then or before; {WHEN}")] | None = None
    exclude_nudity: Annotated[
        bool, Meta(description="The search of editorial pictures has no such filter: there it is left out")
    ] = True
    embed_content_only: Annotated[
        bool, Meta(description="Here nothing else is found", extra_json_schema={"enum": [True]})
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
    include_related_searches: Annotated[bool, Meta(description="Other phrases, as related")] | None = None
    keyword_ids: list[Number] | None = None
    minimum_quality_rank: Annotated[api.QualityRank, _for("editorial")] | None = None
    minimum_size: api.MinimumSize | None = None
    moods: Annotated[list[api.Mood], _for("creative")] | None = None
    safe_search: Annotated[bool, _for("creative")] | None = None
    specific_people: Annotated[list[Text], _for("all", "editorial")] | None = None
    similar: Annotated[Text, _of("what looks like it")] | None = None
    by_image: Annotated[Text, _of("creative ones that look like it")] | None = None
    series: Annotated[Text, _of("what was shot with it, creative ones alone")] | None = None


class EventsQuery(PageQuery):
    """Which events to look for; without ``q`` the newest."""

    q: Annotated[str, Meta(max_length=MAX_PHRASE_CHARS, description="What it is called, or where it is")] = ""
    sort_order: api.EventSortOrder | None = None
    editorial_segment: api.Segment | None = None
    date_from: Annotated[Date, Meta(description="Begins then or later; ISO 8601")] | None = None
    date_to: Annotated[Date, Meta(description="Begins then or before; ISO 8601")] | None = None


MostPictures = Annotated[int, Meta(ge=1, le=MAX_REFERENCES, description="With multiple: how many pictures")]
Recipient = Annotated[str, Meta(max_length=300, description="Who gets the choice: one of EMBEDKIT_PICKER_ORIGINS")]
Grant = Annotated[str, Meta(max_length=1_000, description="Without JavaScript alone; else it goes behind #grant=")]


class PickerQuery(LanguageQuery):
    """What the picker's page shows, and who asked for it."""

    q: Annotated[str, Meta(max_length=MAX_PHRASE_CHARS, description="What to look for, to begin with")] = ""
    family: api.Family = "all"
    orientations: list[api.Orientation] = []
    sort_order: api.EditorialSortOrder | None = None
    page: Annotated[int, Meta(ge=1, le=api.MAX_INT32, description="Counts from 1; without JavaScript")] = 1
    multiple: bool = False
    max: MostPictures | None = None
    output: Literal["shortcode", "url", "html", "markdown", "json"] | None = None
    theme: Literal["auto", "light", "dark"] | None = None
    origin: Recipient | None = None
    nonce: Annotated[str, Meta(max_length=200, description="Returned with every message")] | None = None
    host: Annotated[Literal["tinymce"], Meta(description="Speak to its dialog as well")] | None = None
    grant: Grant | None = None


class BatchItem(Display, forbid_unknown_fields=True, kw_only=True):
    """One reference of a batch, with options of its own."""

    ref: str | int
    caption: Caption | None = None
    align: Side | None = None
    title: Title | None = None


# each is read by itself, and whatever is not one of the two gets an error of its own: so the third is anything
BatchRef = Annotated[
    Any,
    Meta(
        description=f"An ID, a text of up to {MAX_REFERENCE_CHARS} characters, or an object; else its own error",
        extra_json_schema={
            "anyOf": [{"type": "string"}, {"type": "integer"}, {"$ref": "#/components/schemas/BatchItem"}, {}]
        },
    ),
]


class BatchRequest(Struct, forbid_unknown_fields=True):
    """Up to 100 references: IDs, lists, URLs, shortcodes or pasted embed code."""

    refs: Annotated[list[BatchRef], Meta(max_length=MAX_REFERENCES)]
    target: To | None = None


class RenderText(Struct, forbid_unknown_fields=True):
    """One of many texts; ``input`` tells what is code in it."""

    content: str
    input: Input = "html"


ManyTexts = Meta(max_length=MAX_TEXTS, description="Many texts in place of content and input")


class RenderRequest(Struct, forbid_unknown_fields=True):
    """A text, or up to 100 texts; together 100 pictures in 1,000 references. ``input`` tells what is code."""

    content: Annotated[str, Meta(description="The text; or else pass texts")] | UnsetType = UNSET
    input: Input | UnsetType = UNSET
    target: To | None = None
    pasted: Annotated[bool, Meta(description="Show pasted embed code as a picture, too")] = False
    texts: Annotated[list[RenderText], ManyTexts] | UnsetType = UNSET


# What a struct can't say of itself, as JSON Schema.
ONE_TEXT_OR_MANY: dict[str, Any] = {
    "oneOf": [
        {"required": ["content"], "not": {"required": ["texts"]}},
        {"required": ["texts"], "not": {"anyOf": [{"required": ["content"]}, {"required": ["input"]}]}},
    ]
}


class ConvertRequest(RenderText, forbid_unknown_fields=True):
    """A text with pasted embed code; ``input`` tells what is code in it."""


class FrameRecord(Struct):
    """What Getty signed: name-value pairs in the order received."""

    items: list[str]
    query: list[Annotated[list[str], Meta(min_length=2, max_length=2)]]
    is360: bool


class Record(Struct, kw_only=True):
    """One embed, as data."""

    ref: Annotated[str, Meta(description="One to five asset ids, joined by commas")]
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
    cache_age: Annotated[int, Meta(ge=0, description="Seconds for which this is still fresh")]
    stale: bool


class Assets(Struct):
    """Stylesheets and scripts that a page with this target needs, once."""

    css: list[str]
    js: list[str]


class EmbedAnswer(Record, kw_only=True):
    """One embed, as data and as markup for one target."""

    target: Target
    html: str
    assets: Assets


class ItemError(Struct, omit_defaults=True):
    """Why one reference of a batch has no embed."""

    code: str
    title: str
    detail: str
    retry_after: RetryAfter | None = None


class FailedItem(Struct):
    """A reference, as it was written, and what was wrong."""

    ref: str
    error: ItemError


def _either(*structs: type[Struct]) -> Meta:
    """One of these: msgspec can't tell two objects apart without a tag, and the contract has none."""
    refs = [{"$ref": f"#/components/schemas/{struct.__name__}"} for struct in structs]
    return Meta(extra_json_schema={"anyOf": refs})


class BatchAnswer(Struct):
    """In the order asked."""

    embeds: list[Annotated[Any, _either(EmbedAnswer, FailedItem)]]


class RenderProblem(Struct):
    """Something an author should know of; line and column count from 1, columns in code points."""

    line: int
    column: int
    code: str
    detail: str
    retry_after: RetryAfter | UnsetType = UNSET


class RenderedText(Struct):
    """The text with every reference replaced, the embeds in it, and what was wrong with the rest."""

    content: str
    embeds: list[Record]
    problems: list[RenderProblem]


class FailedText(Struct):
    """Why one of many texts was not rendered."""

    error: ItemError


TextItem = Annotated[Any, _either(RenderedText, FailedText)]


class RenderAnswer(Struct):
    """To ``content``: the text, the embeds in it, what was wrong with the rest. To ``texts``: the same of each."""

    content: str | UnsetType = UNSET
    embeds: list[Record] | UnsetType = UNSET
    problems: list[RenderProblem] | UnsetType = UNSET
    texts: Annotated[list[TextItem], Meta(description="In the order asked")] | UnsetType = UNSET


class ConvertAnswer(Struct):
    """The text with embed code turned into shortcodes, how much that was, and what was left."""

    content: str
    converted: int
    problems: list[RenderProblem]


class OEmbedAnswer(Struct, kw_only=True, omit_defaults=True):
    """oEmbed 1.0, with Getty's own keys beside the standard's."""

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
    """A provider in the same format."""

    provider_name: str
    provider_url: str
    endpoints: list[ProviderEndpoint]


class Problem(Struct):
    """An error (RFC 9457); ``code`` is stable, the sentences are not."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Health(Struct):
    """The process runs."""

    status: Literal["ok"]


class Readiness(Struct):
    """Whether answers can be given, and by which parts."""

    status: Literal["ok", "degraded", "unavailable"]
    cache: Annotated[str, Meta(description="ok; degraded: it takes no writes; down: it does not answer.")]
    upstream: Annotated[
        dict[str, Any],
        Meta(
            description="By what is asked of Getty: oembed, api (search). throttled: quota-exhausted says that the"
            " calls of a day are spent, retry_after for how many seconds"
        ),
    ]
    store: Annotated[
        dict[str, Any],
        Meta(
            description="Of the cache: kind; read and write, each ok or failing; what it has not taken"
            " (unwritten, takedowns); reserve: file, where takedowns outlive the process, or memory"
        ),
    ] = {}
    changes: Annotated[
        dict[str, Any],
        Meta(
            description="Of Getty's feed of asset changes, where CHANGE_FEED is on, and of those that are told of"
            " a withdrawn picture. state: ok, starting, or what is wrong; pending pictures, and for how long;"
            " undelivered, to fronts and to the webhook"
        ),
    ] = {}


class Preview(Struct):
    """A picture to choose by: its URL on Getty's own hosts, and its pixels where they are known."""

    url: str
    width: int | None
    height: int | None


class CreditParts(Struct):
    """Who is to be named: in one line, and in its parts."""

    line: str
    photographer: str
    collection: str
    agency: str


class FoundImage(Struct):
    """One picture that was found. Texts are text, never markup."""

    id: str
    title: str
    caption: str
    photographer: str
    collection: str
    collection_code: Annotated[str, Meta(description="For collection_codes")]
    date_created: str | None
    family: Annotated[str, Meta(description="creative or editorial; empty where Getty does not say")]
    orientation: str
    width: Annotated[int | None, Meta(description="Pixels of the largest file")]
    height: int | None
    thumb: Preview | None
    preview: Preview | None
    restrictions: Annotated[list[str], Meta(description="What the picture must not be used for")]
    event_ids: list[int]
    keywords: list[str]
    page_url: str
    credit: CreditParts
    shortcode: Annotated[str, Meta(description="What an author writes to show the picture")]


class ImageAnswer(FoundImage):
    """One picture, and whether it may be embedded."""

    embeddable: bool


class FacetAnswer(Struct):
    """Something that a search can be narrowed to: an event by its id, all else by its name."""

    id: int | None
    name: str


class FoundPage(Struct):
    """How much was found, and which part of it this is."""

    total: int
    page: int
    page_size: int


class SearchAnswer(FoundPage, omit_defaults=True):
    """One page of what was found; ``total`` counts the pictures of all pages, ``related`` are other phrases.

    ``facets``, by what they are of, are there where ``include_facets`` asks for them.
    """

    images: list[FoundImage]
    related: list[str]
    facets: dict[str, list[FacetAnswer]] = {}


class FoundEvent(Struct):
    """Something that pictures are of; ``id`` is for ``event_ids`` of a search."""

    id: int
    name: str
    start_date: str | None
    image_count: int | None
    city: str
    country: str
    thumb: Preview | None


class EventsAnswer(FoundPage):
    """One page of events."""

    events: list[FoundEvent]


class BoardAnswer(Struct):
    """A board, where the customer collects pictures."""

    id: str
    name: str
    asset_count: int


class BoardsAnswer(Struct):
    """The boards of the customer whom the service acts for, the last changed first; none where there is none."""

    boards: list[BoardAnswer]


class CountryAnswer(Struct):
    """A country, in the language asked for."""

    iso_alpha_2: str
    iso_alpha_3: str
    name: str


class CountriesAnswer(Struct):
    """All countries that Getty knows."""

    countries: list[CountryAnswer]


class GrantAnswer(Struct):
    """A grant, to be sent as ``Authorization: Bearer``; ``expires_in`` is in seconds."""

    grant: str
    expires_in: int

"""Search for embeddable pictures, and the other routes that use the API: single pictures, events and boards.

The API key never leaves the server, and the responses must not be cached. Getty's terms forbid an open proxy of
its search, so these routes require authorization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from flask import Response

from embedkit.api.boards import Board
from embedkit.api.events import Event, EventPage
from embedkit.api.models import DisplaySize, Paged, SearchPage, image_json, search_page_json
from embedkit.api.parameters import SharedField
from embedkit.api.search import SUBJECTS, is_newest
from embedkit.errors import ConfigurationError, InvalidResponse, NotFound, QuotaExhausted, UnsupportedReference
from embedkit.getty.payload import one_line
from embedkit.models import JSON
from embedkit.web import schemas
from embedkit.web.context import AppContext
from embedkit.web.errors import Refused
from embedkit.web.request import page_url, read_language, read_query
from embedkit.web.response import BUDGET, as_json, in_language
from embedkit.web.routes import Answer, Link, Route

MAX_BOARDS = 100
FOUND = "$response.body#/images/0/id"
# The parameters that are not filters.
PAGING = ("page", "page_size", "lang")
NEIGHBOURS = ("similar", "series", "by_image")  # related to one picture; Getty supports no filters for them
ALWAYS = ("family", "page", "page_size", "exclude_nudity")  # sent with every search
PLACES = ("q", *NEIGHBOURS, *ALWAYS, "embed_content_only", "lang")
FILTERS = tuple(name for name in schemas.SearchQuery.__struct_fields__ if name not in PLACES)
SEARCHED_FIELDS: tuple[SharedField, ...] = ("detail_set", "keywords")
IMAGE_FIELDS: tuple[SharedField, ...] = ("detail_set", "display_set", "keywords")
Page = TypeVar("Page", bound=Paged)
NO_PHRASE = (
    "q is blank. Pass a search phrase, such as solar eclipse. It is optional with"
    f" {', '.join(SUBJECTS)}, and with family=editorial&sort_order=newest."
)


def search(context: AppContext) -> Response:
    params = read_query(schemas.SearchQuery)
    language = read_language(params.lang, context.settings)
    found = find(context, params, language)
    response = as_json(search_page_json(found, image_json))
    response.headers["Link"] = _links(found)
    response.headers.update(budget_headers(context))
    return in_language(response, language)


def find(context: AppContext, params: schemas.SearchQuery, language: str) -> SearchPage:
    """Return a page of results like :func:`_find`, without pictures withdrawn since they were cached."""
    found = _find(context, params, language)
    gone = context.withdrawn([image.id for image in found.images])
    return replace(found, images=tuple(one for one in found.images if one.id not in gone)) if gone else found


def _find(context: AppContext, params: schemas.SearchQuery, language: str) -> SearchPage:
    """Return a page of embeddable pictures. Clients can't search for others.

    :raises Refused: for a filter that the family doesn't support, a value that the filter doesn't accept, or a
        page past the last.
    """
    if not params.embed_content_only:
        raise Refused(
            "invalid-request", "embed_content_only can't be false: only embeddable pictures are returned. Omit it."
        )
    if kind := next((name for name in NEIGHBOURS if getattr(params, name)), None):
        return page_of(lambda: _neighbours(context, params, language, kind), params.page)
    _check_subject(context, params)
    search = context.kit.api.search
    given: JSON = {name: value for name in (*ALWAYS, *FILTERS) if (value := getattr(params, name)) is not None}
    given |= {"language": language, "fields": SEARCHED_FIELDS, "embed_content_only": True}
    with _blaming_the_query():  # any later error would be ours
        prepared = search.prepare(params.q, **given)
    return page_of(lambda: search.run(prepared), params.page)


@contextmanager
def _blaming_the_query() -> Iterator[None]:
    """Report a value that the library rejects as an invalid request."""
    try:
        yield
    except ConfigurationError as error:
        raise Refused("invalid-request", str(error)) from None


def _check_subject(context: AppContext, params: schemas.SearchQuery) -> None:
    """Check that the query has a phrase, or another parameter that replaces it.

    Pickers show the newest pictures before the user has searched; a low search budget isn't spent on that.
    """
    if one_line(params.q, schemas.MAX_PHRASE_CHARS) or any(getattr(params, name) for name in SUBJECTS):
        return  # a phrase of invisible characters, such as a byte order mark, counts as blank
    if not is_newest(params.family, params.sort_order):
        raise Refused("invalid-request", NO_PHRASE)
    budget = context.kit.api.search.budget
    if budget.low() is not None:
        detail = "Today's search budget is nearly used up, so a search requires a phrase."
        raise QuotaExhausted(detail, retry_after=budget.reset())


def _neighbours(context: AppContext, params: schemas.SearchQuery, language: str, kind: str) -> SearchPage:
    """Return the embeddable pictures similar to one, or of its series; Getty also returns others."""
    if params != schemas.SearchQuery(**{name: getattr(params, name) for name in (kind, *PAGING)}):
        raise Refused("invalid-request", f"{kind} can be combined only with {', '.join(PAGING)}. Omit the rest.")
    api = context.kit.api
    searches: dict[str, Callable[..., SearchPage]] = {
        "similar": api.similar,
        "series": api.same_series,
        "by_image": api.search.by_image,
    }
    paging = {"page": params.page, "page_size": params.page_size}
    with _blaming_the_query():
        found = searches[kind](getattr(params, kind), language=language, fields=SEARCHED_FIELDS, **paging)
    return replace(found, images=tuple(image for image in found.images if image.embeddable))


def page_of(ask: Callable[[], Page], page: int) -> Page:
    """Return a page. One past the last is an error, whether Getty returns an error or an empty page for it."""
    try:
        found = ask()
    except InvalidResponse as error:
        if error.getty_code == "InvalidPage":
            raise Refused("invalid-request", f"page: there is no page {page}. {error.hint}") from None
        if error.status == 400:  # a value that only Getty can check, such as an unknown country
            raise Refused("invalid-request", str(error)) from None
        raise
    if found.page > (last := max(1, found.pages)):
        raise Refused("invalid-request", f"page: there is no page {found.page}. The last page is {last}.")
    return found


def budget_headers(context: AppContext) -> dict[str, str]:
    """Return the headers with the rest of today's SEARCH_BUDGET, if set; cached searches don't count."""
    budget = context.kit.api.search.budget
    if budget.limit is None:
        return {}
    values = (budget.limit, budget.remaining(), budget.reset())
    return dict(zip(BUDGET, map(str, values), strict=True))


def _links(found: SearchPage) -> str:
    """Return the Link header for other pages (RFC 8288), relative because the service might not know its URL."""
    last = max(1, found.pages)
    pages = {"first": 1, "prev": found.page - 1, "next": found.page + 1, "last": last}
    there = {rel: page for rel, page in pages.items() if 1 <= page <= last}
    return ", ".join(f'<{page_url(page)}>; rel="{rel}"' for rel, page in there.items())


def image(context: AppContext, id: str) -> Response:
    language = read_language(read_query(schemas.LanguageQuery).lang, context.settings)
    items = context.kit.parse(id).items
    if len(items) > 1:
        raise UnsupportedReference("There is more than one ID.", hint="Request one at a time.")
    if context.withdrawn(items):
        raise NotFound("The picture was withdrawn.", ref=items[0])
    found = context.kit.api.image(items[0], language=language, fields=IMAGE_FIELDS)
    answer = as_json({**image_json(found), "embeddable": found.embeddable})
    return in_language(answer, language)


def countries(context: AppContext) -> Response:
    language = read_language(read_query(schemas.LanguageQuery).lang, context.settings)
    found = context.kit.api.countries(language=language)
    rows = [schemas.CountryAnswer(row.iso_alpha_2, row.iso_alpha_3, row.name) for row in found]
    return in_language(as_json(schemas.CountriesAnswer(rows)), language)


def events(context: AppContext) -> Response:
    params = read_query(schemas.EventsQuery)
    language = read_language(params.lang, context.settings)
    found = page_of(lambda: _find_events(context, params, language), params.page)
    rows = [_event(event) for event in found.events]
    response = as_json(schemas.EventsAnswer(found.total, found.page, found.page_size, rows))
    response.headers.update(budget_headers(context))
    return in_language(response, language)


def _find_events(context: AppContext, params: schemas.EventsQuery, language: str) -> EventPage:
    names = ("page", "page_size", "sort_order", "editorial_segment", "date_from", "date_to")
    given = {name: value for name in names if (value := getattr(params, name)) is not None}
    with _blaming_the_query():
        return context.kit.api.search.events(params.q, language=language, **given)


def _event(event: Event) -> schemas.FoundEvent:
    sizes = event.hero_image.display_sizes if event.hero_image else ()
    place = event.location
    return schemas.FoundEvent(
        event.id, event.name, event.start_date, event.image_count, place.city, place.country, _thumb(sizes)
    )


def _thumb(sizes: tuple[DisplaySize, ...]) -> schemas.Preview | None:
    size = next((size for size in sizes if size.name == "thumb"), sizes[0] if sizes else None)
    return schemas.Preview(size.uri, size.width, size.height) if size else None


def boards(context: AppContext) -> Response:
    found = context.boards(lambda: _list_boards(context)) if _has_boards(context) else []
    return as_json(schemas.BoardsAnswer(found))


def _has_boards(context: AppContext) -> bool:
    """Return whether boards are available: with a customer, and never if search is open to everyone."""
    is_open = context.authorize is None and context.settings.search_access == "open"
    return not is_open and context.kit.api.login.is_customer


def _list_boards(context: AppContext) -> list[schemas.BoardAnswer]:
    found = context.kit.api.boards.list(page_size=MAX_BOARDS, sort_order="date_last_updated_descending")
    return [schemas.BoardAnswer(board.id, board.name, board.asset_count) for board in found.boards]


def board(context: AppContext, id: str) -> Response:
    params = read_query(schemas.PageQuery)
    language = read_language(params.lang, context.settings)
    if not _has_boards(context):
        raise Refused("not-found", "Boards are not available: no customer is configured, or search is open.")
    found = context.kit.api.boards.get(id)
    page = page_of(lambda: _pictures_on(context, found, params, language), params.page)
    return in_language(as_json(search_page_json(page, image_json)), language)


def _pictures_on(context: AppContext, board: Board, params: schemas.PageQuery, language: str) -> SearchPage:
    """Return the embeddable pictures on one page of a board."""
    ids = [asset.id for asset in board.assets if asset.asset_type.lower() in ("", "image")]
    start = (params.page - 1) * params.page_size
    wanted = ids[start : start + params.page_size]
    images = context.kit.api.images(wanted, language=language, fields=IMAGE_FIELDS).images if wanted else ()
    embeddable = tuple(image for image in images if image.embeddable)
    return SearchPage(images=embeddable, total=len(ids), page=params.page, page_size=params.page_size)


SearchRoute = partial(Route, group="Search", access="search")

ROUTES = (
    SearchRoute(
        "/v1/search",
        search,
        "Search for embeddable pictures",
        {200: Answer("A page of results. The Link header has the URLs of other pages.", schemas.SearchAnswer)},
        query=schemas.SearchQuery,
        errors=("unsupported", "not-found"),
        links=(
            Link("embed", {"ref": FOUND}),
            Link("image", {"id": FOUND}),
            Link("oembed", {"url": f"https://gty.im/{{{FOUND}}}"}),
            Link("render", body={"content": f"[getty {{{FOUND}}}]", "input": "html"}),
            Link("batch", body={"refs": [FOUND]}),
        ),
        sample="/v1/search?q=solar%20eclipse&family=editorial&orientations=horizontal,square",
    ),
    SearchRoute(
        "/v1/images/<id>",
        image,
        "Get a picture's metadata",
        {200: Answer("The picture, and whether it is embeddable.", schemas.ImageAnswer)},
        query=schemas.LanguageQuery,
        errors=("unsupported", "not-found"),
        parameters={"id": "An asset ID."},
        links=(Link("embed", {"ref": "$response.body#/id"}),),
        sample="/v1/images/74917285",
    ),
    SearchRoute(
        "/v1/countries",
        countries,
        "List countries",
        {200: Answer("The countries' codes, and their names in the requested language.", schemas.CountriesAnswer)},
        query=schemas.LanguageQuery,
        sample="/v1/countries?lang=fr",
    ),
    SearchRoute(
        "/v1/events",
        events,
        "Search for events",
        {200: Answer("A page of events with editorial pictures, newest first.", schemas.EventsAnswer)},
        query=schemas.EventsQuery,
        links=(Link("search", {"event_ids": "$response.body#/events/0/id"}),),
        sample="/v1/events?q=cup",
    ),
    SearchRoute(
        "/v1/boards",
        boards,
        "List the customer's boards",
        {200: Answer("The boards. Empty without a customer, or if search is open.", schemas.BoardsAnswer)},
        links=(Link("board", {"id": "$response.body#/boards/0/id"}),),
    ),
    SearchRoute(
        "/v1/boards/<id>",
        board,
        "List the embeddable pictures on a board",
        {200: Answer("A page of pictures.", schemas.SearchAnswer)},
        query=schemas.PageQuery,
        errors=("unsupported", "not-found"),
        parameters={"id": "A board ID from /v1/boards."},
        sample="/v1/boards/0",
    ),
)

"""Search, for pictures that may be embedded; and all else that is asked of the API: one picture, events, boards.

The key stays here, and nobody keeps the answers. Getty's terms forbid an open proxy of its search, which is why
these routes ask who is there.
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
# Of the query, what says where to look and how to answer; the rest narrows a search.
PAGING = ("page", "page_size", "lang")
NEIGHBOURS = ("similar", "series", "by_image")  # of a picture: Getty narrows them by nothing
ALWAYS = ("family", "page", "page_size", "exclude_nudity")  # what every search has
PLACES = ("q", *NEIGHBOURS, *ALWAYS, "embed_content_only", "lang")
FILTERS = tuple(name for name in schemas.SearchQuery.__struct_fields__ if name not in PLACES)
SEARCHED_FIELDS: tuple[SharedField, ...] = ("detail_set", "keywords")
IMAGE_FIELDS: tuple[SharedField, ...] = ("detail_set", "display_set", "keywords")
Page = TypeVar("Page", bound=Paged)
NO_PHRASE = (
    "q is blank. It holds what to look for, such as solar eclipse. It may be empty with"
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
    """One page of what may be shown, as :func:`_find` finds it; without what has been withdrawn since."""
    found = _find(context, params, language)
    gone = context.withdrawn([image.id for image in found.images])
    return replace(found, images=tuple(one for one in found.images if one.id not in gone)) if gone else found


def _find(context: AppContext, params: schemas.SearchQuery, language: str) -> SearchPage:
    """One page of pictures that may be embedded; nobody outside can ask for others.

    :raises Refused: for a filter that the family does not take, or a value that the filter does not; and for a
        page beyond the last.
    """
    if not params.embed_content_only:
        raise Refused(
            "invalid-request", "embed_content_only: here only what may be embedded is found. Leave it out."
        )
    if kind := next((name for name in NEIGHBOURS if getattr(params, name)), None):
        return page_of(lambda: _neighbours(context, params, language, kind), params.page)
    _check_subject(context, params)
    search = context.kit.api.search
    given: JSON = {name: value for name in (*ALWAYS, *FILTERS) if (value := getattr(params, name)) is not None}
    given |= {"language": language, "fields": SEARCHED_FIELDS, "embed_content_only": True}
    with _blaming_the_query():  # from here on it would be our fault
        prepared = search.prepare(params.q, **given)
    return page_of(lambda: search.run(prepared), params.page)


@contextmanager
def _blaming_the_query() -> Iterator[None]:
    """Refuse the request for a value that the library does not take."""
    try:
        yield
    except ConfigurationError as error:
        raise Refused("invalid-request", str(error)) from None


def _check_subject(context: AppContext, params: schemas.SearchQuery) -> None:
    """Something must say what to look for.

    Pickers show the newest pictures before anybody has searched: the last searches of a day are not for that.
    """
    if one_line(params.q, schemas.MAX_PHRASE_CHARS) or any(getattr(params, name) for name in SUBJECTS):
        return  # a phrase of what nobody can see, such as a byte order mark, is none
    if not is_newest(params.family, params.sort_order):
        raise Refused("invalid-request", NO_PHRASE)
    budget = context.kit.api.search.budget
    if budget.low() is not None:
        raise QuotaExhausted("The last searches of today are for those with a phrase.", retry_after=budget.reset())


def _neighbours(context: AppContext, params: schemas.SearchQuery, language: str, kind: str) -> SearchPage:
    """What may be embedded of the pictures similar to one, or of its series: Getty answers with others, too."""
    if params != schemas.SearchQuery(**{name: getattr(params, name) for name in (kind, *PAGING)}):
        raise Refused("invalid-request", f"{kind} goes with {', '.join(PAGING)} alone. Leave the rest out.")
    api = context.kit.api
    asks: dict[str, Callable[..., SearchPage]] = {
        "similar": api.similar,
        "series": api.same_series,
        "by_image": api.search.by_image,
    }
    paging = {"page": params.page, "page_size": params.page_size}
    with _blaming_the_query():
        found = asks[kind](getattr(params, kind), language=language, fields=SEARCHED_FIELDS, **paging)
    return replace(found, images=tuple(image for image in found.images if image.embeddable))


def page_of(ask: Callable[[], Page], page: int) -> Page:
    """The page; one beyond the last is refused, whether Getty does so or answers with an empty one."""
    try:
        found = ask()
    except InvalidResponse as error:
        if error.getty_code == "InvalidPage":
            raise Refused("invalid-request", f"page: there is no page {page}. {error.hint}") from None
        if error.status == 400:  # a value that only Getty can judge, such as a country that it does not know
            raise Refused("invalid-request", str(error)) from None
        raise
    if found.page > (last := max(1, found.pages)):
        raise Refused("invalid-request", f"page: there is no page {found.page}. The last page is {last}.")
    return found


def budget_headers(context: AppContext) -> dict[str, str]:
    """What is left of SEARCH_BUDGET today, where there is one; cached searches cost nothing of it."""
    budget = context.kit.api.search.budget
    if budget.limit is None:
        return {}
    values = (budget.limit, budget.remaining(), budget.reset())
    return dict(zip(BUDGET, map(str, values), strict=True))


def _links(found: SearchPage) -> str:
    """Where the other pages are (RFC 8288): relative, since the service may not know its own URL."""
    last = max(1, found.pages)
    pages = {"first": 1, "prev": found.page - 1, "next": found.page + 1, "last": last}
    there = {rel: page for rel, page in pages.items() if 1 <= page <= last}
    return ", ".join(f'<{page_url(page)}>; rel="{rel}"' for rel, page in there.items())


def image(context: AppContext, id: str) -> Response:
    language = read_language(read_query(schemas.LanguageQuery).lang, context.settings)
    items = context.kit.parse(id).items
    if len(items) > 1:
        raise UnsupportedReference("This names several pictures.", hint="Ask for one at a time.")
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
    """A customer's boards are for those who were let in: where search is open to all, nobody sees them."""
    is_open = context.authorize is None and context.settings.search_access == "open"
    return not is_open and context.kit.api.login.is_customer


def _list_boards(context: AppContext) -> list[schemas.BoardAnswer]:
    found = context.kit.api.boards.list(page_size=MAX_BOARDS, sort_order="date_last_updated_descending")
    return [schemas.BoardAnswer(board.id, board.name, board.asset_count) for board in found.boards]


def board(context: AppContext, id: str) -> Response:
    params = read_query(schemas.PageQuery)
    language = read_language(params.lang, context.settings)
    if not _has_boards(context):
        raise Refused("not-found", "There are no boards here.")
    found = context.kit.api.boards.get(id)
    page = page_of(lambda: _pictures_on(context, found, params, language), params.page)
    return in_language(as_json(search_page_json(page, image_json)), language)


def _pictures_on(context: AppContext, board: Board, params: schemas.PageQuery, language: str) -> SearchPage:
    """What may be embedded of one page of a board."""
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
        "Search for pictures that may be embedded",
        {200: Answer("One page; the header Link leads to the others.", schemas.SearchAnswer)},
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
        "Metadata of one picture",
        {200: Answer("The picture, and whether it may be embedded.", schemas.ImageAnswer)},
        query=schemas.LanguageQuery,
        errors=("unsupported", "not-found"),
        parameters={"id": "An asset ID."},
        links=(Link("embed", {"ref": "$response.body#/id"}),),
        sample="/v1/images/74917285",
    ),
    SearchRoute(
        "/v1/countries",
        countries,
        "Countries, with their names and codes",
        {200: Answer("In the language asked for.", schemas.CountriesAnswer)},
        query=schemas.LanguageQuery,
        sample="/v1/countries?lang=fr",
    ),
    SearchRoute(
        "/v1/events",
        events,
        "Events that editorial pictures are of",
        {200: Answer("One page, the newest first.", schemas.EventsAnswer)},
        query=schemas.EventsQuery,
        links=(Link("search", {"event_ids": "$response.body#/events/0/id"}),),
        sample="/v1/events?q=cup",
    ),
    SearchRoute(
        "/v1/boards",
        boards,
        "Boards of the customer whom the service acts for",
        {200: Answer("Empty where there is no customer, or where anybody may search.", schemas.BoardsAnswer)},
        links=(Link("board", {"id": "$response.body#/boards/0/id"}),),
    ),
    SearchRoute(
        "/v1/boards/<id>",
        board,
        "The pictures on a board that may be embedded",
        {200: Answer("One page.", schemas.SearchAnswer)},
        query=schemas.PageQuery,
        errors=("unsupported", "not-found"),
        parameters={"id": "Of a board, as /v1/boards lists it."},
        sample="/v1/boards/0",
    ),
)

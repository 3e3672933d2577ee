"""Where pictures come from beside a search: events, and the boards of the customer whom the service acts for."""

from __future__ import annotations

from flask import Response

from embedkit.api.boards import Board
from embedkit.api.events import Event, EventPage
from embedkit.api.models import DisplaySize, SearchPage, image_json, search_page_json
from embedkit.errors import ConfigurationError
from embedkit.web.context import AppContext
from embedkit.web.errors import Refused
from embedkit.web.request import read_language, read_query
from embedkit.web.response import as_json, in_language
from embedkit.web.routes import Answer, Link, Route
from embedkit.web.schemas import (
    BoardAnswer,
    BoardsAnswer,
    EventsAnswer,
    EventsQuery,
    FoundEvent,
    PageQuery,
    Preview,
    SearchAnswer,
)
from embedkit.web.search import IMAGE_FIELDS, budget_headers, page_of

MAX_BOARDS = 100


def events(context: AppContext) -> Response:
    params = read_query(EventsQuery)
    language = read_language(params.lang, context.settings)
    found = page_of(lambda: _find_events(context, params, language), params.page)
    rows = [_event(event) for event in found.events]
    response = as_json(EventsAnswer(found.total, found.page, found.page_size, rows))
    response.headers.update(budget_headers(context))
    return in_language(response, language)


def _find_events(context: AppContext, params: EventsQuery, language: str) -> EventPage:
    names = ("page", "page_size", "sort_order", "editorial_segment", "date_from", "date_to")
    given = {name: value for name in names if (value := getattr(params, name)) is not None}
    try:
        return context.kit.api.search.events(params.q, language=language, **given)
    except ConfigurationError as error:
        raise Refused("invalid-request", str(error)) from None


def _event(event: Event) -> FoundEvent:
    sizes = event.hero_image.display_sizes if event.hero_image else ()
    place = event.location
    return FoundEvent(
        event.id, event.name, event.start_date, event.image_count, place.city, place.country, _thumb(sizes)
    )


def _thumb(sizes: tuple[DisplaySize, ...]) -> Preview | None:
    size = next((size for size in sizes if size.name == "thumb"), sizes[0] if sizes else None)
    return Preview(size.uri, size.width, size.height) if size else None


def boards(context: AppContext) -> Response:
    if not _has_boards(context):
        return as_json(BoardsAnswer([]))
    return as_json(BoardsAnswer(context.boards(lambda: _list_boards(context))))


def _has_boards(context: AppContext) -> bool:
    """A customer's boards are for those who were let in: where search is open to all, nobody sees them."""
    is_open = context.authorize is None and context.settings.search_access == "open"
    return not is_open and context.kit.api.login.is_customer


def _list_boards(context: AppContext) -> list[BoardAnswer]:
    found = context.kit.api.boards.list(page_size=MAX_BOARDS, sort_order="date_last_updated_descending")
    return [BoardAnswer(board.id, board.name, board.asset_count) for board in found.boards]


def board(context: AppContext, id: str) -> Response:
    params = read_query(PageQuery)
    language = read_language(params.lang, context.settings)
    if not _has_boards(context):
        raise Refused("not-found", "There are no boards here.")
    found = context.kit.api.boards.get(id)
    page = page_of(lambda: _pictures_on(context, found, params, language), params.page)
    return in_language(as_json(search_page_json(page, image_json)), language)


def _pictures_on(context: AppContext, board: Board, params: PageQuery, language: str) -> SearchPage:
    """What may be embedded of one page of a board."""
    ids = [asset.id for asset in board.assets if asset.asset_type.lower() in ("", "image")]
    start = (params.page - 1) * params.page_size
    wanted = ids[start : start + params.page_size]
    images = context.kit.api.images(wanted, language=language, fields=IMAGE_FIELDS).images if wanted else ()
    embeddable = tuple(image for image in images if image.embeddable)
    return SearchPage(images=embeddable, total=len(ids), page=params.page, page_size=params.page_size)


ROUTES = (
    Route(
        "/v1/events",
        events,
        "Events that editorial pictures are of",
        "Search",
        {200: Answer("One page, the newest first.", EventsAnswer)},
        query=EventsQuery,
        access="search",
        links=(Link("search", {"event_ids": "$response.body#/events/0/id"}),),
        sample="/v1/events?q=cup",
    ),
    Route(
        "/v1/boards",
        boards,
        "Boards of the customer whom the service acts for",
        "Search",
        {200: Answer("Empty where there is no customer, or where anybody may search.", BoardsAnswer)},
        access="search",
        links=(Link("board", {"id": "$response.body#/boards/0/id"}),),
    ),
    Route(
        "/v1/boards/<id>",
        board,
        "The pictures on a board that may be embedded",
        "Search",
        {200: Answer("One page.", SearchAnswer)},
        query=PageQuery,
        errors=("unsupported", "not-found"),
        access="search",
        parameters={"id": "Of a board, as /v1/boards lists it."},
        sample="/v1/boards/0",
    ),
)

"""Boards: lists, creates, reads, renames, deletes them; adds and removes pictures; comments.

The contract has its oddities: of all page sizes the one of boards is ``pageSize``, one of the sort orders is
``name_decending``, and ``asset_ids`` of a removal is the only list that repeats its name (form, explode).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from embedkit.api import parameters
from embedkit.api.board_models import (
    Board,
    BoardAsset,
    BoardChange,
    BoardLinks,
    BoardPage,
    BoardPermissions,
    Comment,
    Comments,
)
from embedkit.api.decoding import Fields, answer, unusable
from embedkit.api.errors import What, refusal
from embedkit.api.image_decoding import display_size
from embedkit.api.requests import (
    api_origins,
    asking,
    distinct,
    telling,
)
from embedkit.errors import ConfigurationError, UnsupportedReference
from embedkit.getty import payload
from embedkit.getty.payload import MAX_CAPTION_CHARS, MAX_TITLE_CHARS, one_line
from embedkit.getty.urls import SITES, excerpt
from embedkit.messages import Request, Response
from embedkit.settings import Settings
from embedkit.validation import shown

DONE = (200, 201, 204)

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


# -- questions ----------------------------------------------------------------------------------------------


def listing(said: Mapping[str, Any], settings: Settings) -> Request:
    """The question for one page of the customer's boards.

    :param said: ``page``, ``page_size``, ``relationship``, ``sort_order``.
    :raises ConfigurationError: for wrong arguments.
    """
    asked: dict[str, Any] = {"page": 1, "page_size": parameters.PAGE_SIZE}
    asked |= {name: value for name, value in said.items() if value is not None}
    return asking(settings, "/v3/boards", parameters.read("boards", asked), speak=asked.get("language"))


def reading(board_id: str, settings: Settings) -> Request:
    """The question for one board, with its pictures."""
    return asking(settings, f"/v3/boards/{_id(board_id)}")


def creation(name: str, description: str, settings: Settings) -> Request:
    """The order of a new board.

    :raises ConfigurationError: where the name is empty.
    """
    return telling(settings, "POST", "/v3/boards", document=_info(name, description))


def renaming(board_id: str, name: str, description: str | None, settings: Settings) -> Request:
    """The order of a new name, and of a new description where one is given.

    :raises ConfigurationError: where the name is empty.
    """
    return telling(settings, "PUT", f"/v3/boards/{_id(board_id)}", document=_info(name, description))


def deletion(board_id: str, settings: Settings) -> Request:
    """The order to delete a board."""
    return telling(settings, "DELETE", f"/v3/boards/{_id(board_id)}")


def adding(board_id: str, asset_ids: Sequence[str], settings: Settings) -> Request:
    """The order to put pictures on a board.

    :raises UnsupportedReference: for what is no asset id, and where there is none.
    """
    document = [{"asset_id": one} for one in _assets(asset_ids)]
    return telling(settings, "PUT", f"/v3/boards/{_id(board_id)}/assets", document=document)


def removal(board_id: str, asset_ids: Sequence[str], settings: Settings) -> Request:
    """The order to take pictures off a board.

    :raises UnsupportedReference: for what is no asset id, and where there is none.
    """
    pairs = tuple(("asset_ids", one) for one in _assets(asset_ids))
    return telling(settings, "DELETE", f"/v3/boards/{_id(board_id)}/assets", pairs)


def comments_request(board_id: str, settings: Settings) -> Request:
    """The question for the comments on a board."""
    return asking(settings, f"/v3/boards/{_id(board_id)}/comments")


def comment_request(board_id: str, text: str, settings: Settings) -> Request:
    """The order of a new comment.

    :raises ConfigurationError: where it is empty.
    """
    if not (said := one_line(text, MAX_CAPTION_CHARS)):
        raise ConfigurationError("A comment is empty.", hint="Give it a text.")
    return telling(settings, "POST", f"/v3/boards/{_id(board_id)}/comments", document={"text": said})


def comment_deletion(board_id: str, comment_id: str, settings: Settings) -> Request:
    """The order to delete a comment."""
    return telling(settings, "DELETE", f"/v3/boards/{_id(board_id)}/comments/{_id(comment_id)}")


def _info(name: str, description: str | None) -> dict[str, str]:
    if not (said := one_line(name, MAX_TITLE_CHARS)):
        raise ConfigurationError("A board without a name cannot be.", hint="Give it a name.")
    return {"name": said} | (
        {} if description is None else {"description": one_line(description, MAX_CAPTION_CHARS)}
    )


def _id(text: str) -> str:
    if isinstance(text, str) and _ID.fullmatch(text):
        return text
    said = excerpt(text if isinstance(text, str) else shown(text))
    raise UnsupportedReference(
        f"{said!r} is no id of a board or comment.", hint="Take it from the list of boards."
    )


def _assets(asset_ids: Sequence[str]) -> tuple[str, ...]:
    if not (found := distinct(asset_ids)):
        raise UnsupportedReference("No pictures are named.", hint="Give at least one asset id.")
    return found


# -- answers ------------------------------------------------------------------------------------------------


def page(
    response: Response, settings: Settings, *, page: int = 1, page_size: int = parameters.PAGE_SIZE
) -> BoardPage:
    """The page of boards that an answer holds.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without boards.
    """
    said = answer(response, "board", page_size=page_size)
    if not isinstance(said.raw("boards"), list | None) or not ("boards" in said or "board_count" in said):
        raise unusable("The answer has no list of boards.")
    boards = said.parts("boards", lambda part: _board(part, settings))
    total = said.number("board_count")
    return BoardPage(
        boards=boards,
        total=(page - 1) * page_size + len(boards) if total is None else total,
        page=page,
        page_size=page_size,
        other=said.other,
    )


def board(response: Response, settings: Settings) -> Board:
    """The board that an answer holds.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer that is no board.
    """
    if not (found := _board(answer(response, "board"), settings)):
        raise unusable("The answer is no board.")
    return found


def created(response: Response, what: What = "board") -> str:
    """The id of what was made: a board, or a comment.

    :raises ProviderError: for another status than 201 or 200; InvalidResponse for an answer without an id.
    """
    if not (found := answer(response, what, statuses=DONE).key("id")):
        raise unusable("The answer has no id.")
    return found


def added(response: Response, asset_ids: Sequence[str]) -> BoardChange:
    """Which pictures are on the board now, and which could not be added, in the order of ``asset_ids``.

    :raises ProviderError: for another status than 201 or 200.
    """
    said = answer(response, "board", statuses=DONE)
    asked = distinct(asset_ids)
    refused = {one.lower() for one in said.texts("assets_not_added")}
    said.parts("assets_added", lambda part: part.asset("asset_id"))
    return BoardChange(
        tuple(one for one in asked if one not in refused),
        tuple(one for one in asked if one in refused),
        other=said.other,
    )


def done(response: Response, what: What = "board") -> None:
    """Nothing, where an order was carried out.

    :raises ProviderError: where it was not.
    """
    if response.status not in DONE:
        raise refusal(response, what=what)


def comments(response: Response) -> Comments:
    """The comments that an answer holds.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without comments.
    """
    said = answer(response, "comment")
    if "comments" not in said or not isinstance(said.raw("comments"), list | None):
        raise unusable("The answer has no list of comments.")
    return Comments(
        said.parts("comments", _comment),
        said.part("permissions", lambda part: part.allowed("can_add_comment")) or False,
        other=said.other,
    )


def _board(said: Fields, settings: Settings) -> Board | None:
    if not (board_id := said.key("id")):
        return None
    return Board(
        id=board_id,
        name=said.text("name", MAX_TITLE_CHARS),
        description=said.text("description", MAX_CAPTION_CHARS),
        asset_count=said.number("asset_count") or 0,
        comment_count=said.number("comment_count") or 0,
        date_created=said.moment("date_created"),
        date_last_updated=said.moment("date_last_updated"),
        relationship=said.word("board_relationship", ("owned", "invited")),
        hero_asset=said.part("hero_asset", lambda part: _asset(part, settings)),
        assets=said.parts("assets", lambda part: _asset(part, settings)),
        permissions=said.part("permissions", _permissions) or BoardPermissions(),
        links=said.part("links", lambda part: _links(part, settings)) or BoardLinks(),
        other=said.other,
    )


def _asset(said: Fields, settings: Settings) -> BoardAsset | None:
    if not (ref := said.asset("id")):
        return None
    return BoardAsset(
        ref,
        said.text("asset_type"),
        said.moment("date_added"),
        said.parts("display_sizes", lambda part: display_size(part, settings)),
        other=said.other,
    )


def _permissions(said: Fields) -> BoardPermissions:
    return BoardPermissions(
        said.allowed("can_delete_board"),
        said.allowed("can_invite_to_board"),
        said.allowed("can_update_name"),
        said.allowed("can_update_description"),
        said.allowed("can_add_assets"),
        said.allowed("can_remove_assets"),
        other=said.other,
    )


def _links(said: Fields, settings: Settings) -> BoardLinks:
    def known(value: object) -> str | None:
        return payload.url_on_site(value, SITES) or payload.url_on_origin(value, api_origins(settings))

    return BoardLinks(said.link("invitation", known), said.link("share", known), other=said.other)


def _comment(said: Fields) -> Comment | None:
    if not (comment_id := said.key("id")):
        return None
    return Comment(
        comment_id,
        said.text("text", MAX_CAPTION_CHARS),
        said.part("created_by", _name) or "",
        said.moment("date_created"),
        said.part("permissions", lambda part: part.allowed("can_delete_comment")) or False,
        other=said.other,
    )


def _name(said: Fields) -> str:
    return f"{said.text('first_name')} {said.text('last_name')}".strip()

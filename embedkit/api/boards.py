"""Boards, where a customer collects pictures: list, make, read, rename, delete them; pictures, comments.

The contract has its oddities: of all page sizes the one of boards is ``pageSize``, one of the sort orders is
``name_decending``, and ``asset_ids`` of a removal is the only list that repeats its name (form, explode).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Unpack, get_args

from embedkit.api.decoding import ID_PATTERN, invalid, read, read_page
from embedkit.api.encoding import documented
from embedkit.api.errors import What, check
from embedkit.api.models import ID, ApiObject, Asset, Caption, DisplaySize, Paged, ReadAs, Time, Title
from embedkit.api.parameters import BoardListing, Relationship
from embedkit.api.requests import ApiSettings, distinct_ids, get, page_of, query, write
from embedkit.api.session import ApiSession
from embedkit.errors import ConfigurationError, UnsupportedReference
from embedkit.getty.payload import MAX_CAPTION_CHARS, MAX_TITLE_CHARS, one_line
from embedkit.getty.urls import SITES, excerpt
from embedkit.messages import Request, Response
from embedkit.validation import short_repr

BoardURL = Annotated[str | None, ReadAs("url", ("api_origins", SITES))]


@dataclass(frozen=True, slots=True)
class BoardAsset(Asset):
    """A picture on a board, or a video.

    :param date_added: ISO 8601.
    """

    asset_type: str = ""
    date_added: Time = None
    display_sizes: tuple[DisplaySize, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardPermissions(ApiObject):
    """What the customer may do with a board; what the answer does not say is not permitted."""

    can_delete_board: bool = False
    can_invite_to_board: bool = False
    can_update_name: bool = False
    can_update_description: bool = False
    can_add_assets: bool = False
    can_remove_assets: bool = False


@dataclass(frozen=True, slots=True)
class BoardLinks(ApiObject):
    """Pages of a board: to invite somebody to it, and to show it."""

    invitation: BoardURL = None
    share: BoardURL = None


@dataclass(frozen=True, slots=True)
class Board(ApiObject):
    """A named set of pictures, shared with others.

    :param relationship: owned or invited; filled in lists of boards, like ``hero_asset``.
    :param assets: filled where one board was asked for, like ``permissions`` and ``links``.
    """

    id: ID
    name: Title
    description: Caption = ""
    asset_count: int = 0
    comment_count: int = 0
    date_created: Time = None
    date_last_updated: Time = None
    relationship: Annotated[str, ReadAs("enum", (get_args(Relationship),), "board_relationship")] = ""
    hero_asset: BoardAsset | None = None
    assets: tuple[BoardAsset, ...] = ()
    permissions: BoardPermissions = BoardPermissions()
    links: BoardLinks = BoardLinks()


@dataclass(frozen=True, slots=True)
class BoardPage(Paged):
    """One page of a customer's boards."""

    ITEMS, COUNT = "boards", "board_count"

    boards: tuple[Board, ...]


@dataclass(frozen=True, slots=True)
class BoardChange(ApiObject):
    """What became of assets that were to be added to a board, by their ids."""

    added: tuple[str, ...]
    not_added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment(ApiObject):
    """What somebody wrote on a board."""

    id: ID
    text: Caption
    author: Annotated[str, ReadAs("person", name="created_by")] = ""
    date_created: Time = None
    can_delete: Annotated[bool, ReadAs("inner", ("flag", "can_delete_comment"), "permissions")] = False


@dataclass(frozen=True, slots=True)
class Comments(ApiObject):
    """The comments on a board, and whether the customer may add one."""

    comments: tuple[Comment, ...]
    can_add_comment: Annotated[bool, ReadAs("inner", ("flag", "can_add_comment"), "permissions")] = False


class Boards:
    """The boards of the customer that EMBEDKIT_USERNAME names. Answers are never kept.

    Every method raises ConfigurationError without EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD and for wrong
    arguments, NotFound where there is no such board, PermissionDenied where it is another's,
    UnsupportedReference for what is not an ID, and ProviderError where there is no answer.

    >>> id = kit.api.boards.create("Front page", "Pictures for Monday")
    >>> kit.api.boards.add(id, ["74917285"]).added
    ('74917285',)
    >>> kit.api.boards.get(id).assets[0].id
    '74917285'
    >>> kit.api.boards.rename(id, "Sport")
    >>> [board.name for board in kit.api.boards.list().boards]
    ['Sport']
    >>> comment = kit.api.boards.comment(id, "The first one?")
    >>> [one.text for one in kit.api.boards.comments(id).comments]
    ['The first one?']
    >>> kit.api.boards.delete_comment(id, comment)
    >>> kit.api.boards.remove(id, ["74917285"])
    >>> kit.api.boards.delete(id)
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session

    @documented("boards")
    def list(self, **params: Unpack[BoardListing]) -> BoardPage:
        """One page of boards, without their pictures."""
        request = query(self._api, "boards", "/v3/boards", params)
        return read_page(BoardPage, self._call(request), self._api, "board", **page_of(params))

    def create(self, name: str, description: str = "") -> str:
        """Make a board; returns its ID.

        :param name: at most 300 characters; must not be empty.
        :param description: at most 2000 characters.
        """
        document = _document(name, description)
        return parse_id(self._call(write(self._api, "POST", "/v3/boards", document=document)))

    def get(self, id: str) -> Board:
        """A board, with its pictures.

        :param id: of a board, as :meth:`create` returned it.
        """
        return read(self._call(get(self._api, _path(id))), "board", self._api).require(Board)

    def rename(self, id: str, name: str, description: str | None = None) -> None:
        """Give a board another name.

        :param id: of a board, as :meth:`create` returned it.
        :param name: at most 300 characters; must not be empty.
        :param description: a new one; None keeps the present one.
        """
        path = _path(id)
        if description is None:  # a PUT replaces both: what is not sent would be lost
            description = self.get(id).description
        check(self._call(write(self._api, "PUT", path, document=_document(name, description))), "board")

    def delete(self, id: str) -> None:
        """Delete a board, not its pictures.

        :param id: of a board, as :meth:`create` returned it.
        """
        check(self._call(write(self._api, "DELETE", _path(id))), "board")

    def add(self, id: str, asset_ids: Sequence[str]) -> BoardChange:
        """Put pictures on a board; returns which of them could be added.

        :param id: of a board, as :meth:`create` returned it.
        :param asset_ids: one at least.
        """
        wanted = _asset_ids(asset_ids)
        document = [{"asset_id": one} for one in wanted]
        request = write(self._api, "PUT", f"{_path(id)}/assets", document=document)
        return parse_change(self._call(request), wanted)

    def remove(self, id: str, asset_ids: Sequence[str]) -> None:
        """Take pictures off a board.

        :param id: of a board, as :meth:`create` returned it.
        :param asset_ids: one at least.
        """
        pairs = tuple(("asset_ids", one) for one in _asset_ids(asset_ids))
        check(self._call(write(self._api, "DELETE", f"{_path(id)}/assets", pairs)), "board")

    def comments(self, id: str) -> Comments:
        """The comments on a board.

        :param id: of a board, as :meth:`create` returned it.
        """
        return parse_comments(self._call(get(self._api, f"{_path(id)}/comments")))

    def comment(self, id: str, text: str) -> str:
        """Comment on a board; returns the ID of the comment.

        :param id: of a board, as :meth:`create` returned it.
        :param text: at most 2000 characters; must not be empty.
        """
        if not (comment := one_line(text, MAX_CAPTION_CHARS)):
            raise ConfigurationError("The comment is empty.", hint="Pass a text.")
        request = write(self._api, "POST", f"{_path(id)}/comments", document={"text": comment})
        return parse_id(self._call(request), "comment")

    def delete_comment(self, id: str, comment_id: str) -> None:
        """Delete a comment.

        :param id: of a board, as :meth:`create` returned it.
        :param comment_id: as :meth:`comment` returned it.
        """
        path = f"{_path(id)}/comments/{_checked(comment_id)}"
        check(self._call(write(self._api, "DELETE", path)), "comment")

    def _call(self, request: Request) -> Response:
        return self._session.call(request, "customer")


# -- requests -----------------------------------------------------------------------------------------------


def _document(name: str, description: str) -> dict[str, str]:
    if not (title := one_line(name, MAX_TITLE_CHARS)):
        raise ConfigurationError("A board needs a name.", hint="Pass a name.")
    return {"name": title, "description": one_line(description, MAX_CAPTION_CHARS)}


def _path(board_id: str) -> str:
    return f"/v3/boards/{_checked(board_id)}"


def _checked(id: str) -> str:
    if isinstance(id, str) and ID_PATTERN.fullmatch(id):
        return id
    given = excerpt(id if isinstance(id, str) else short_repr(id))
    raise UnsupportedReference(
        f"{given!r} is not the ID of a board or comment.", hint="Take it from the list of boards."
    )


def _asset_ids(asset_ids: Sequence[str]) -> tuple[str, ...]:
    if not (found := distinct_ids(asset_ids)):
        raise UnsupportedReference("No pictures are named.", hint="Pass at least one asset ID.")
    return found


# -- answers ------------------------------------------------------------------------------------------------


def parse_id(response: Response, what: What = "board") -> str:
    """The ID of what was made: a board, or a comment.

    :raises ProviderError: for another status than those of success; InvalidResponse for an answer without an ID.
    """
    if not (found := read(response, what).id("id")):
        raise invalid("The answer has no ID.", response)
    return found


def parse_change(response: Response, asset_ids: Sequence[str]) -> BoardChange:
    """Which pictures are on the board now, and which could not be added, in the order of ``asset_ids``.

    :param asset_ids: in lower case, each once.

    :raises ProviderError: for another status than those of success.
    """
    fields = read(response, "board")
    refused = {one.lower() for one in fields.texts("assets_not_added")}
    fields.children("assets_added", lambda part: part.asset_ref("asset_id"))
    return BoardChange(
        tuple(one for one in asset_ids if one not in refused),
        tuple(one for one in asset_ids if one in refused),
        other=fields.other,
    )


def parse_comments(response: Response) -> Comments:
    """The comments that an answer holds.

    :raises ProviderError: for another status than 200; InvalidResponse for an answer without comments.
    """
    fields = read(response, "comment")
    fields.require_list("comments")
    return fields.require(Comments)

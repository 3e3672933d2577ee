"""Boards, shared collections of pictures: create, list, rename and delete them; their pictures and comments.

Getty's OpenAPI document has its oddities here: only boards spell the page size ``pageSize``, one sort order is
``name_decending``, and ``asset_ids`` of a removal is the only list sent as a repeated parameter (form, explode).
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
    """What the customer may do with a board; permissions missing from the response count as denied."""

    can_delete_board: bool = False
    can_invite_to_board: bool = False
    can_update_name: bool = False
    can_update_description: bool = False
    can_add_assets: bool = False
    can_remove_assets: bool = False


@dataclass(frozen=True, slots=True)
class BoardLinks(ApiObject):
    """URLs of a board's pages: one invites people to it, one shows it."""

    invitation: BoardURL = None
    share: BoardURL = None


@dataclass(frozen=True, slots=True)
class Board(ApiObject):
    """A named set of pictures, shared with others.

    :param relationship: owned or invited; only present in lists of boards, like ``hero_asset``.
    :param assets: only present if a single board was requested, like ``permissions`` and ``links``.
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
    """The result of adding assets to a board, as asset IDs."""

    added: tuple[str, ...]
    not_added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment(ApiObject):
    """A comment on a board."""

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
    """The boards of the customer who is logged in or named by EMBEDKIT_USERNAME. Responses are never cached.

    Every method raises ConfigurationError without a customer's credentials and for invalid arguments, NotFound if
    there is no such board, PermissionDenied if the customer has no access to it, UnsupportedReference for an
    invalid ID, and ProviderError if the call fails.

    >>> id = kit.api.boards.create("Front page", "Pictures for Monday")
    >>> kit.api.boards.add(id, ["74917285"]).added
    ('74917285',)
    >>> kit.api.boards.get(id).assets[0].id
    '74917285'
    >>> kit.api.boards.rename(id, "Sport")
    >>> [board.name for board in kit.api.boards.list().boards]
    ['Sport']
    >>> comment_id = kit.api.boards.comment(id, "The first one?")
    >>> [comment.text for comment in kit.api.boards.comments(id).comments]
    ['The first one?']
    >>> kit.api.boards.delete_comment(id, comment_id)
    >>> kit.api.boards.remove(id, ["74917285"])
    >>> kit.api.boards.delete(id)
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session

    @documented("boards")
    def list(self, **params: Unpack[BoardListing]) -> BoardPage:
        """Return one page of boards, without their pictures."""
        request = query(self._api, "boards", "/v3/boards", params)
        return read_page(BoardPage, self._call(request), self._api, "board", **page_of(params))

    def create(self, name: str, description: str = "") -> str:
        """Create a board and return its ID.

        :param name: name of the board, 1 to 300 characters.
        :param description: at most 2000 characters.
        """
        document = _document(name, description)
        return parse_id(self._call(write(self._api, "POST", "/v3/boards", document=document)))

    def get(self, id: str) -> Board:
        """Return a board with its pictures.

        :param id: ID of a board, as returned by :meth:`create`.
        """
        return read(self._call(get(self._api, _path(id))), "board", self._api).require(Board)

    def rename(self, id: str, name: str, description: str | None = None) -> None:
        """Rename a board.

        :param id: ID of a board, as returned by :meth:`create`.
        :param name: the new name, 1 to 300 characters.
        :param description: a new description, at most 2000 characters; None keeps the current one.
        """
        path = _path(id)
        if description is None:  # a PUT replaces both fields
            description = self.get(id).description
        check(self._call(write(self._api, "PUT", path, document=_document(name, description))), "board")

    def delete(self, id: str) -> None:
        """Delete a board, but not its pictures.

        :param id: ID of a board, as returned by :meth:`create`.
        """
        check(self._call(write(self._api, "DELETE", _path(id))), "board")

    def add(self, id: str, asset_ids: Sequence[str]) -> BoardChange:
        """Add pictures to a board and return which of them could be added.

        :param id: ID of a board, as returned by :meth:`create`.
        :param asset_ids: at least one asset ID.
        """
        wanted = _asset_ids(asset_ids)
        document = [{"asset_id": asset} for asset in wanted]
        request = write(self._api, "PUT", f"{_path(id)}/assets", document=document)
        return parse_change(self._call(request), wanted)

    def remove(self, id: str, asset_ids: Sequence[str]) -> None:
        """Remove pictures from a board.

        :param id: ID of a board, as returned by :meth:`create`.
        :param asset_ids: at least one asset ID.
        """
        pairs = tuple(("asset_ids", asset) for asset in _asset_ids(asset_ids))
        check(self._call(write(self._api, "DELETE", f"{_path(id)}/assets", pairs)), "board")

    def comments(self, id: str) -> Comments:
        """Return the comments on a board.

        :param id: ID of a board, as returned by :meth:`create`.
        """
        return parse_comments(self._call(get(self._api, f"{_path(id)}/comments")))

    def comment(self, id: str, text: str) -> str:
        """Comment on a board and return the ID of the comment.

        :param id: ID of a board, as returned by :meth:`create`.
        :param text: text of the comment, 1 to 2000 characters.
        """
        if not (comment := one_line(text, MAX_CAPTION_CHARS)):
            raise ConfigurationError("The comment is empty.", hint="Pass a text.")
        request = write(self._api, "POST", f"{_path(id)}/comments", document={"text": comment})
        return parse_id(self._call(request), "comment")

    def delete_comment(self, id: str, comment_id: str) -> None:
        """Delete a comment.

        :param id: ID of a board, as returned by :meth:`create`.
        :param comment_id: ID of a comment, as returned by :meth:`comment`.
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
        f"{given!r} is not the ID of a board or comment.", hint="Use an ID from the list of boards."
    )


def _asset_ids(asset_ids: Sequence[str]) -> tuple[str, ...]:
    if not (found := distinct_ids(asset_ids)):
        raise UnsupportedReference("No pictures given.", hint="Pass at least one asset ID.")
    return found


# -- responses ----------------------------------------------------------------------------------------------


def parse_id(response: Response, what: What = "board") -> str:
    """Return the ID of the board or comment that was created.

    :raises ProviderError: for an error status; InvalidResponse if the response contains no ID.
    """
    if not (found := read(response, what).id("id")):
        raise invalid("The response has no ID.", response)
    return found


def parse_change(response: Response, asset_ids: Sequence[str]) -> BoardChange:
    """Return which pictures were added and which were not, in the order of ``asset_ids``.

    :param asset_ids: the requested asset IDs, distinct and in lower case.
    :raises ProviderError: for an error status.
    """
    fields = read(response, "board")
    refused = {asset.lower() for asset in fields.texts("assets_not_added")}
    fields.children("assets_added", lambda part: part.asset_ref("asset_id"))
    return BoardChange(
        tuple(asset for asset in asset_ids if asset not in refused),
        tuple(asset for asset in asset_ids if asset in refused),
        other=fields.other,
    )


def parse_comments(response: Response) -> Comments:
    """Return the comments from a response.

    :raises ProviderError: for an error status; InvalidResponse if the response contains no comments.
    """
    fields = read(response, "comment")
    fields.require_list("comments")
    return fields.require(Comments)

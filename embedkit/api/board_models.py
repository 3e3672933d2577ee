"""Boards of the API v3, as values: named sets of pictures that customers share, the successors of lightboxes."""

from __future__ import annotations

from dataclasses import dataclass

from embedkit.api.models import Answered, DisplaySize, Paged
from embedkit.models import AssetRef


@dataclass(frozen=True, slots=True)
class BoardAsset(Answered):
    """A picture on a board. ``ref`` can be resolved as it is; a board may hold videos, which cannot."""

    ref: AssetRef
    asset_type: str = ""
    date_added: str | None = None
    display_sizes: tuple[DisplaySize, ...] = ()

    @property
    def id(self) -> str:
        """The asset id, in lower case."""
        return self.ref.items[0]


@dataclass(frozen=True, slots=True)
class BoardPermissions(Answered):
    """What the customer may do with a board; what the answer does not say is not permitted."""

    can_delete_board: bool = False
    can_invite_to_board: bool = False
    can_update_name: bool = False
    can_update_description: bool = False
    can_add_assets: bool = False
    can_remove_assets: bool = False


@dataclass(frozen=True, slots=True)
class BoardLinks(Answered):
    """Pages of a board: to invite somebody to it, and to show it."""

    invitation: str | None = None
    share: str | None = None


@dataclass(frozen=True, slots=True)
class Board(Answered):
    """A board: a named set of pictures, shared with others. A list of boards holds a ``hero_asset`` and the
    ``relationship`` (owned or invited) of each, one board by itself its ``assets``, permissions and links."""

    id: str
    name: str
    description: str = ""
    asset_count: int = 0
    comment_count: int = 0
    date_created: str | None = None
    date_last_updated: str | None = None
    relationship: str = ""
    hero_asset: BoardAsset | None = None
    assets: tuple[BoardAsset, ...] = ()
    permissions: BoardPermissions = BoardPermissions()
    links: BoardLinks = BoardLinks()


@dataclass(frozen=True, slots=True)
class BoardPage(Paged):
    """One page of a customer's boards."""

    boards: tuple[Board, ...]

    @property
    def has_next(self) -> bool:
        """Whether there is more; an empty page is the last one, whatever the total says."""
        return bool(self.boards) and self.page < self.pages


@dataclass(frozen=True, slots=True)
class BoardChange(Answered):
    """What became of assets that were to be added to a board, by their ids."""

    added: tuple[str, ...]
    not_added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment(Answered):
    """What somebody wrote on a board."""

    id: str
    text: str
    author: str = ""
    date_created: str | None = None
    can_delete: bool = False


@dataclass(frozen=True, slots=True)
class Comments(Answered):
    """The comments on a board, and whether the customer may add one."""

    comments: tuple[Comment, ...]
    can_add_comment: bool = False

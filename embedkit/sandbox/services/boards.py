"""Boards: a customer's named lists of pictures. They last as long as the sandbox.

The contract's quirks are kept: ``pageSize``, where every other operation has ``page_size``; ``name_decending``;
IDs to remove as a repeated parameter (commas work as well); 403 instead of 404 when adding a single picture that
does not exist.

Assumptions: a picture that is already on a board counts as added; when adding several, those that do not exist are
listed in ``assets_not_added``; another user's board is not found (404) without an invitation, and an invited
editor gets 403 for renaming or deleting it, or removing someone else's comment.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import EXAMPLE, Find
from embedkit.sandbox.services.account import CUSTOMER
from embedkit.sandbox.services.auth import USER, Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import (
    APIError,
    Call,
    Reply,
    choice,
    code_error,
    integer,
    json_body,
    json_reply,
    parameter_error,
)
from embedkit.sandbox.services.parameters import paginate
from embedkit.sandbox.services.urls import site_urls

COLLEAGUE = "sandbox-colleague"
USER_NAMES: dict[str, JSON] = {
    USER: {"first_name": CUSTOMER["first_name"], "last_name": CUSTOMER["last_name"]},
    COLLEAGUE: {"first_name": "Colin", "last_name": "League"},
}
PAGES = "https://www.gettyimages.com/collaboration/boards"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a board; ``at`` is ISO 8601 in UTC."""

    id: str
    user: str
    text: str
    at: str

    def document(self, user: str) -> JSON:
        """Return the comment as the API returns it to a user."""
        return {
            "created_by": USER_NAMES.get(self.user, USER_NAMES[USER]),
            "date_created": self.at,
            "id": self.id,
            "permissions": {"can_delete_comment": self.user == user},
            "text": self.text,
        }


@dataclass(slots=True)
class Board:
    """A board. ``assets`` maps IDs to the times they were added; ``changes`` is the order of the last changes."""

    id: str
    owner: str
    name: str
    description: str | None
    created: str
    changed: str
    changes: int
    editors: frozenset[str] = frozenset()
    assets: dict[str, str] = field(default_factory=dict)
    comments: dict[str, Comment] = field(default_factory=dict)

    @property
    def sorted_name(self) -> str:
        return self.name.casefold()

    def relationship(self, user: str) -> str:
        """Return a user's relationship to this board: ``owned``, ``invited``, or empty for none."""
        if user == self.owner:
            return "owned"
        return "invited" if user in self.editors else ""

    def summary(self, user: str, assets: list[JSON]) -> JSON:
        """Return the board as an item of a list, with the picture that was added first as its hero asset."""
        return {
            "id": self.id,
            "asset_count": len(self.assets),
            "date_created": self.created,
            "date_last_updated": self.changed,
            "description": self.description,
            **({"hero_asset": assets[0]} if assets else {}),
            "name": self.name,
            "board_relationship": self.relationship(user),
        }

    def details(self, user: str, assets: list[JSON]) -> JSON:
        """Return the board as the API returns it on its own."""
        return {
            "id": self.id,
            "asset_count": len(self.assets),
            "assets": assets,
            "date_created": self.created,
            "date_last_updated": self.changed,
            "description": self.description,
            "name": self.name,
            "comment_count": len(self.comments),
            "permissions": self._permissions(owned=user == self.owner),
            "links": {"invitation": f"{PAGES}/{self.id}/invitation", "share": f"{PAGES}/{self.id}"},
        }

    @staticmethod
    def _permissions(*, owned: bool) -> JSON:
        return {
            "can_delete_board": owned,
            "can_invite_to_board": owned,
            "can_update_name": owned,
            "can_update_description": owned,
            "can_add_assets": True,
            "can_remove_assets": True,
        }


RELATIONSHIPS = ("owned", "invited")
# sort orders: the attribute to sort by, and whether to reverse
ORDERS = {
    "date_last_updated_descending": ("changes", True),
    "date_last_updated_ascending": ("changes", False),
    "name_ascending": ("sorted_name", False),
    "name_decending": ("sorted_name", True),
}
MAX_PAGE_SIZE = 100
THUMBNAIL = "170x170"
INVITED = "0b5e55ed-0000-4000-8000-000000000001"  # the colleague's board (SandboxConfig.invited_board)


class Boards:
    """The boards and their handlers. Thread-safe: a lock serializes the handlers."""

    def __init__(self, config: SandboxConfig, find: Find, clock: Callable[[], float]) -> None:
        self._config = config
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._changes = 0
        self._boards: dict[str, Board] = {}
        if config.invited_board:
            board = self._add_board(COLLEAGUE, "Pictures of the week", "What we might print", INVITED)
            board.editors = frozenset({USER})
            board.assets[EXAMPLE] = board.created
            self._add_comment(board, COLLEAGUE, "Have a look at this one.")

    # -- boards -----------------------------------------------------------------------------------------

    def list_boards(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/boards."""
        params = call.params
        relationship = choice(params, "board_relationship", RELATIONSHIPS)
        by, backwards = ORDERS[choice(params, "sort_order", tuple(ORDERS)) or "date_last_updated_descending"]
        page, size = integer(params, "page", 1), integer(params, "pageSize", 30, maximum=MAX_PAGE_SIZE)
        with self._lock:
            found = [board for board in self._boards.values() if board.relationship(caller.user)]
            wanted = [board for board in found if relationship in ("", board.relationship(caller.user))]
            wanted.sort(key=lambda board: (getattr(board, by), board.changes), reverse=backwards)
            shown = [
                board.summary(caller.user, self._assets(board, call))
                for board in paginate(wanted, page, size, self._config)
            ]
        return json_reply({"boards": shown, "board_count": len(wanted)})

    def create(self, call: Call, caller: Caller) -> Reply:
        """POST /v3/boards: 201 with the ID."""
        name, description = _read_name(call)
        with self._lock:
            board = self._add_board(caller.user, name, description, str(uuid.uuid4()))
        return json_reply({"id": board.id}, 201)

    def one(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/boards/{board_id}."""
        with self._lock:
            board = self._board(call, caller)
            return json_reply(board.details(caller.user, self._assets(board, call)))

    def rename(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/boards/{board_id}: 204."""
        name, description = _read_name(call)
        with self._lock:
            board = self._board(call, caller, owned=True)
            board.name, board.description = name, description
            self._touch(board)
        return Reply(204, "")

    def delete(self, call: Call, caller: Caller) -> Reply:
        """DELETE /v3/boards/{board_id}: 204."""
        with self._lock:
            del self._boards[self._board(call, caller, owned=True).id]
        return Reply(204, "")

    # -- their pictures ---------------------------------------------------------------------------------

    def add(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/boards/{board_id}/assets: 201, with the IDs that were added and those that were not."""
        asked = _read_asset_ids(call)
        known = [asset_id for asset_id in asked if self._exists(asset_id)]
        with self._lock:
            self._add_assets(self._board(call, caller), known)
        added = [{"asset_id": asset_id} for asset_id in known]
        missing = [asset_id for asset_id in asked if asset_id not in known]
        return json_reply({"assets_added": added, "assets_not_added": missing}, 201)

    def add_one(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/boards/{board_id}/assets/{asset_id}: 201, also if it is already on the board."""
        asset_id = call.path.rsplit("/", 1)[-1]
        with self._lock:
            board = self._board(call, caller)
            if not self._exists(asset_id):
                raise code_error(403, "AssetNotFound", f"Asset not found: {asset_id}")
            self._add_assets(board, [asset_id])
        return Reply(201, "")

    def remove(self, call: Call, caller: Caller) -> Reply:
        """DELETE /v3/boards/{board_id}/assets?asset_ids=…: 200."""
        texts = [text for name, text in parse_qsl(call.query) if name == "asset_ids"]
        if not texts:
            raise parameter_error("asset_ids", "The value is required.")
        return self._remove(call, caller, [asset_id.strip() for text in texts for asset_id in text.split(",")])

    def remove_one(self, call: Call, caller: Caller) -> Reply:
        """DELETE /v3/boards/{board_id}/assets/{asset_id}: 200."""
        return self._remove(call, caller, [call.path.rsplit("/", 1)[-1]])

    # -- their comments ---------------------------------------------------------------------------------

    def comments(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/boards/{board_id}/comments."""
        with self._lock:
            board = self._board(call, caller)
            documents = [comment.document(caller.user) for comment in board.comments.values()]
        return json_reply({"comments": documents, "permissions": {"can_add_comment": True}})

    def comment(self, call: Call, caller: Caller) -> Reply:
        """POST /v3/boards/{board_id}/comments: 201 with the ID."""
        text = _read_object(call).get("text")
        if not isinstance(text, str) or not text.strip():
            raise parameter_error("text", "The value is required.")
        with self._lock:
            made = self._add_comment(self._board(call, caller), caller.user, text)
        return json_reply({"id": made.id}, 201)

    def delete_comment(self, call: Call, caller: Caller) -> Reply:
        """DELETE /v3/boards/{board_id}/comments/{comment_id}: 204, even if there is no such comment."""
        comment_id = call.path.rsplit("/", 1)[-1]
        with self._lock:
            board = self._board(call, caller)
            found = board.comments.get(comment_id)
            if found and found.user != caller.user:
                raise _no_access()
            board.comments.pop(comment_id, None)
        return Reply(204, "")

    # -- called with the lock held ----------------------------------------------------------------------

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _board(self, call: Call, caller: Caller, *, owned: bool = False) -> Board:
        """Return the board in a path, if the caller has access to it or, with ``owned``, owns it."""
        board = self._boards.get(call.path.split("/")[3])
        if board is None or not board.relationship(caller.user):
            raise code_error(404, "BoardNotFound", "Board not found.")
        if owned and board.owner != caller.user:
            raise _no_access()
        return board

    def _add_board(self, owner: str, name: str, description: str | None, board_id: str) -> Board:
        now = self._now()
        board = self._boards[board_id] = Board(board_id, owner, name, description, now, now, 0)
        self._touch(board)
        return board

    def _touch(self, board: Board) -> None:
        self._changes += 1
        board.changes, board.changed = self._changes, self._now()

    def _add_assets(self, board: Board, asset_ids: Iterable[str]) -> None:
        for asset_id in asset_ids:
            board.assets.setdefault(asset_id, self._now())
        self._touch(board)

    def _remove(self, call: Call, caller: Caller, asset_ids: Iterable[str]) -> Reply:
        with self._lock:
            board = self._board(call, caller)
            for asset_id in asset_ids:
                board.assets.pop(asset_id, None)
            self._touch(board)
        return Reply(200, "")

    def _add_comment(self, board: Board, user: str, text: str) -> Comment:
        made = Comment(str(uuid.uuid4()), user, text, self._now())
        board.comments[made.id] = made
        return made

    def _exists(self, asset_id: str) -> bool:
        asset = self._find(asset_id)
        return asset is not None and not asset.withdrawn

    def _assets(self, board: Board, call: Call) -> list[JSON]:
        return [self._asset(asset_id, added, call) for asset_id, added in board.assets.items()]

    def _asset(self, asset_id: str, added: str, call: Call) -> JSON:
        """Return a picture on a board; a withdrawn one stays on it, without display sizes."""
        asset, sizes = self._find(asset_id), []
        if asset and not asset.withdrawn:
            sizes = [{"name": "thumb", "uri": site_urls(call.origin).display(asset, THUMBNAIL)}]
        return {"id": asset_id, "asset_type": "image", "date_added": added, "display_sizes": sizes}


def _no_access() -> APIError:
    return code_error(403, "InsufficientAccess", "You do not have access to change this board.")


def _read_object(call: Call) -> JSON:
    body = json_body(call)
    if not isinstance(body, dict):
        raise code_error(400, "MalformedRequest", "The body is not a JSON object.")
    return body


def _read_name(call: Call) -> tuple[str, str | None]:
    """Return the name and description in a request body."""
    body = _read_object(call)
    name, description = body.get("name"), body.get("description")
    if not isinstance(name, str) or not name.strip():
        raise parameter_error("name", "The value is required.")
    if description is not None and not isinstance(description, str):
        raise parameter_error("description", "The value is not valid for String.")
    return name, description


def _read_asset_ids(call: Call) -> list[str]:
    """Return the IDs in a request body such as ``[{"asset_id": "74917285"}]``, without duplicates."""
    body = json_body(call)
    if not isinstance(body, list):
        raise code_error(400, "MalformedRequest", "The body is not a JSON array.")
    found = [item.get("asset_id") if isinstance(item, dict) else None for item in body]
    if not all(isinstance(asset_id, str) for asset_id in found):
        raise parameter_error("asset_id", "The value is required.")
    return list(dict.fromkeys(map(str, found)))

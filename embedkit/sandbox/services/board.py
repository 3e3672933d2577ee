"""One board, and the remarks on it: what is kept, who may do what, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from embedkit.models import JSON
from embedkit.sandbox.services.credentials import USER
from embedkit.sandbox.services.products import CUSTOMER

COLLEAGUE = "sandbox-colleague"
NAMES: dict[str, JSON] = {
    USER: {"first_name": CUSTOMER["first_name"], "last_name": CUSTOMER["last_name"]},
    COLLEAGUE: {"first_name": "Colin", "last_name": "League"},
}
PAGES = "https://www.gettyimages.com/collaboration/boards"


@dataclass(frozen=True, slots=True)
class Comment:
    """One remark; ``at`` is when, in ISO 8601."""

    id: str
    user: str
    text: str
    at: str

    def document(self, user: str) -> JSON:
        """As it is shown to a user."""
        return {
            "created_by": NAMES[self.user],
            "date_created": self.at,
            "id": self.id,
            "permissions": {"can_delete_comment": self.user == user},
            "text": self.text,
        }


@dataclass(slots=True)
class Board:
    """``assets`` are ids with the time at which each was added. ``changes`` orders boards of one second."""

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
        """Of a user to this board; empty for none."""
        if user == self.owner:
            return "owned"
        return "invited" if user in self.editors else ""

    def summary(self, user: str, assets: list[JSON]) -> JSON:
        """As a list of boards shows it; the picture that was added first stands for it."""
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
        """As it is shown on its own."""
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

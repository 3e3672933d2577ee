"""Boards, where a customer collects pictures: list, make, read, rename, delete them; pictures, comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedkit.api import board_requests
from embedkit.api.board_models import (
    Board,
    BoardChange,
    BoardPage,
    Comments,
)
from embedkit.api.requests import distinct
from embedkit.api.search import paging
from embedkit.messages import Request, Response

if TYPE_CHECKING:
    from typing import Unpack

    from embedkit.api.parameters import BoardListing
    from embedkit.api.session import Caller
    from embedkit.settings import Settings


class Boards:
    """The boards of the customer that USERNAME names. What is answered is never kept.

    Every method raises ConfigurationError without USERNAME and PASSWORD, NotFound where there is no such
    board, Unauthorized where it is another's, and ProviderError where there is no answer.
    """

    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._settings = settings
        self._caller = caller

    def list(self, **said: Unpack[BoardListing]) -> BoardPage:
        """One page of boards, without their pictures.

        :param said: ``page``, ``page_size``, ``relationship`` (owned, invited), ``sort_order``.
        """
        answer = self._answer(board_requests.listing(said, self._settings))
        return board_requests.page(answer, self._settings, **paging(said))

    def create(self, name: str, description: str = "") -> str:
        """Make a board; its id."""
        return board_requests.created(self._answer(board_requests.creation(name, description, self._settings)))

    def get(self, id: str) -> Board:
        """A board, with its pictures."""
        return board_requests.board(self._answer(board_requests.reading(id, self._settings)), self._settings)

    def rename(self, id: str, name: str, description: str | None = None) -> None:
        """Give a board another name, and another description unless that is None: then it keeps its own."""
        if description is None:  # a PUT replaces both: what is not said would be lost
            description = self.get(id).description
        board_requests.done(self._answer(board_requests.renaming(id, name, description, self._settings)))

    def delete(self, id: str) -> None:
        """Delete a board, not its pictures."""
        board_requests.done(self._answer(board_requests.deletion(id, self._settings)))

    def add(self, id: str, asset_ids: Sequence[str]) -> BoardChange:
        """Put pictures on a board; which of them could be."""
        wanted = distinct(asset_ids)
        return board_requests.added(self._answer(board_requests.adding(id, wanted, self._settings)), wanted)

    def remove(self, id: str, asset_ids: Sequence[str]) -> None:
        """Take pictures off a board."""
        board_requests.done(self._answer(board_requests.removal(id, asset_ids, self._settings)))

    def comments(self, id: str) -> Comments:
        """What was said about a board."""
        return board_requests.comments(self._answer(board_requests.comments_request(id, self._settings)))

    def comment(self, id: str, text: str) -> str:
        """Say something about a board; the id of the comment."""
        return board_requests.created(
            self._answer(board_requests.comment_request(id, text, self._settings)), "comment"
        )

    def delete_comment(self, id: str, comment_id: str) -> None:
        """Delete a comment."""
        board_requests.done(
            self._answer(board_requests.comment_deletion(id, comment_id, self._settings)), "comment"
        )

    def _answer(self, request: Request) -> Response:
        return self._caller.call(request, "customer")

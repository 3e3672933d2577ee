"""A board for the pictures of an issue."""

from embedkit import Board, BoardChange, Comments, EmbedKit


def collect(kit: EmbedKit, name: str, ids: list[str]) -> Board:
    boards = kit.api.boards
    board = boards.create(name, "For the April issue.")
    change: BoardChange = boards.add(board, ids)
    print(change.added)
    comments: Comments = boards.comments(board)
    print([comment.text for comment in comments.comments])
    return boards.get(board)


def names(kit: EmbedKit) -> list[str]:
    return [board.name for board in kit.api.boards.list(relationship="owned", sort_order="name_ascending").boards]

"""Commands for boards, Getty's shared collections of pictures: list, show, create and so on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, get_args

import click

from embedkit.api.boards import Board, BoardAsset, BoardPermissions
from embedkit.api.models import select
from embedkit.api.parameters import BoardSortOrder, Relationship
from embedkit.cli.output import (
    Column,
    as_json,
    counted,
    open_kit,
    print_json,
    print_table,
    print_values,
    read_refs,
    say,
    say_count,
    say_next,
    word_option,
)
from embedkit.cli.search import page_options
from embedkit.kit import EmbedKit
from embedkit.models import JSON

SUMMARY = ("id", "name", "description", "asset_count", "relationship", "date_created", "date_last_updated")
DETAILS = ("id", "name", "description", "asset_count", "date_created", "date_last_updated", "comment_count")
COMMENT = ("id", "text", "author", "date_created", "can_delete")

board_argument = click.argument("board", metavar="BOARD")
refs_argument = click.argument("refs", nargs=-1, required=True, metavar="REF...")
description_option = click.option("--description", metavar="TEXT", help="A description of the board.")


@click.group()
def boards() -> None:
    """Manage boards (shared collections of pictures).

    BOARD is an ID printed by "list" or "create". Needs a Getty Images account; see embedkit products --help.
    """


@boards.command("list")
@click.option("--relationship", type=click.Choice(get_args(Relationship)), help="Only boards of this kind.")
@word_option("--sort", "sort_order", BoardSortOrder, "The sort order, in Getty's spelling")
@page_options("Boards")
@as_json
def list_boards(json_: bool, **params: Any) -> None:
    """List your boards and those you are invited to."""
    with open_kit() as kit:
        page = kit.api.boards.list(**params)
    if json_:
        print_json({**page.place, "boards": [select(board, SUMMARY) for board in page.boards]})
        return
    columns = [Column("BOARD"), Column("PICTURES"), Column("UPDATED"), Column("NAME", 2)]
    print_table([*columns, Column("DESCRIPTION", 3, spare=True)], [_row(board) for board in page.boards])
    say_count(page, "board")
    say_next(page)


@boards.command()
@board_argument
@as_json
def show(board: str, json_: bool) -> None:
    """Show a board and the shortcodes of its pictures."""
    with open_kit() as kit:
        found = kit.api.boards.get(board)
    if json_:
        print_json(_board_json(found))
        return
    print_values(_values(found))
    for asset in found.assets:
        click.echo(f"{asset.id} (video)" if _is_video(asset) else f"[getty {asset.id}]")


@boards.command()
@click.argument("name")
@description_option
@as_json
def create(name: str, description: str | None, json_: bool) -> None:
    """Create a board and print its ID."""
    with open_kit() as kit:
        id = kit.api.boards.create(name, description or "")
    _report({"id": id}, id, json_, show=click.echo)


@boards.command()
@board_argument
@click.argument("name")
@description_option
@as_json
def rename(board: str, name: str, description: str | None, json_: bool) -> None:
    """Rename a board."""
    with open_kit() as kit:
        kit.api.boards.rename(board, name, description)
    _report({"id": board, "name": name}, f"The board {board} is now {name!r}.", json_)


@boards.command()
@board_argument
@click.option("--yes", is_flag=True, help="Delete without asking.")
@as_json
def delete(board: str, yes: bool, json_: bool) -> int:
    """Delete a board, but not its pictures."""
    with open_kit() as kit:
        if not (yes or _confirm(kit, board)):
            say("Nothing was deleted.")
            return 1
        kit.api.boards.delete(board)
    _report({"id": board, "deleted": True}, f"The board {board} was deleted.", json_)
    return 0


@boards.command()
@board_argument
@refs_argument
@as_json
def add(board: str, refs: tuple[str, ...], json_: bool) -> int:
    """Add pictures to a board.

    REF is an ID, a URL or a shortcode; "-" reads references from stdin, one per line.
    """
    with open_kit() as kit:
        change = kit.api.boards.add(board, _asset_ids(kit, refs))
    message = f"{counted(len(change.added), 'picture')} added." + "".join(
        f"\n{id} could not be added." for id in change.not_added
    )
    _report({"added": list(change.added), "not_added": list(change.not_added)}, message, json_)
    return 1 if change.not_added else 0


@boards.command()
@board_argument
@refs_argument
@as_json
def remove(board: str, refs: tuple[str, ...], json_: bool) -> None:
    """Remove pictures from a board.

    REF is an ID, a URL or a shortcode; "-" reads references from stdin, one per line.
    """
    with open_kit() as kit:
        ids = _asset_ids(kit, refs)
        kit.api.boards.remove(board, ids)
    _report({"removed": ids}, f"{', '.join(ids)} removed from the board.", json_)


@boards.command()
@board_argument
@as_json
def comments(board: str, json_: bool) -> None:
    """List the comments on a board."""
    with open_kit() as kit:
        found = kit.api.boards.comments(board).comments
    if json_:
        print_json({"comments": [select(comment, COMMENT) for comment in found]})
        return
    columns = (Column("DATE"), Column("BY"), Column("TEXT"))
    print_table(columns, [(_date(comment.date_created), comment.author, comment.text) for comment in found])
    say(counted(len(found), "comment") + ".")


@boards.command()
@board_argument
@click.argument("text")
@as_json
def comment(board: str, text: str, json_: bool) -> None:
    """Comment on a board and print the comment's ID."""
    with open_kit() as kit:
        id = kit.api.boards.comment(board, text)
    _report({"id": id}, id, json_, show=click.echo)


@boards.command()
@board_argument
@click.argument("comment")
@as_json
def uncomment(board: str, comment: str, json_: bool) -> None:
    """Delete a comment on a board.

    COMMENT is an ID printed by "comment" or "comments --json".
    """
    with open_kit() as kit:
        kit.api.boards.delete_comment(board, comment)
    _report({"deleted": comment}, f"The comment {comment} was deleted.", json_)


def _confirm(kit: EmbedKit, board: str) -> bool:
    """Ask whether to delete a board.

    :raises click.UsageError: if stdin is not a terminal.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("Not a terminal: pass --yes to delete without asking.")
    found = kit.api.boards.get(board)
    return click.confirm(f"Delete {found.name!r} with {counted(found.asset_count, 'picture')}?", err=True)


def _asset_ids(kit: EmbedKit, refs: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(id for ref in read_refs(refs) for id in kit.parse(ref).items))


def _report(done: JSON, message: str, json_: bool, show: Callable[[str], None] = say) -> None:
    """Print the result as JSON, or else as a message with ``show``."""
    if json_:
        print_json(done)
    else:
        show(message)


def _board_json(board: Board) -> JSON:
    assets = [
        {
            "id": asset.id,
            "type": asset.asset_type,
            "shortcode": None if _is_video(asset) else f"[getty {asset.id}]",
            "date_added": asset.date_added,
        }
        for asset in board.assets
    ]
    return {
        **select(board, DETAILS),
        "share": board.links.share,
        "permissions": select(board.permissions, BoardPermissions.__slots__),
        "assets": assets,
    }


def _row(board: Board) -> tuple[str, ...]:
    return board.id, f"{board.asset_count:,}", _date(board.date_last_updated), board.name, board.description


def _values(board: Board) -> JSON:
    return {
        "name": board.name,
        "about": board.description,
        "updated": _date(board.date_last_updated),
        "share": board.links.share,
        "pictures": f"{board.asset_count:,}",
        "comments": f"{board.comment_count:,}",
    }


def _is_video(asset: BoardAsset) -> bool:
    """Return whether an asset is a video, which can't be embedded."""
    return "video" in asset.asset_type.lower()


def _date(time: str | None) -> str:
    return (time or "")[:10]

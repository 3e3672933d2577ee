"""Commands about boards, where customers of Getty Images collect pictures: list, show, create and so on."""

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
description_option = click.option("--description", metavar="TEXT", help="What the board is for.")


@click.group()
def boards() -> None:
    """Manage boards (shared collections of pictures).

    BOARD is the ID that "list" and "create" print. Needs the same as embedkit products.
    """


@boards.command("list")
@click.option("--relationship", type=click.Choice(get_args(Relationship)), help="Only boards of this kind.")
@word_option("--sort", "sort_order", BoardSortOrder, "The order, as Getty spells it")
@page_options("Boards")
@as_json
def list_boards(json_: bool, **params: Any) -> None:
    """Print your boards, and those that you are invited to."""
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
    """Print a board, with the shortcodes of its pictures."""
    with open_kit() as kit:
        found = kit.api.boards.get(board)
    if json_:
        print_json(_board_json(found))
        return
    print_values(_values(found))
    for one in found.assets:
        click.echo(f"{one.id} (video)" if _is_video(one) else f"[getty {one.id}]")


@boards.command()
@click.argument("name")
@description_option
@as_json
def create(name: str, description: str | None, json_: bool) -> None:
    """Make a board, and print its ID."""
    with open_kit() as kit:
        id = kit.api.boards.create(name, description or "")
    _report({"id": id}, id, json_, show=click.echo)


@boards.command()
@board_argument
@click.argument("name")
@description_option
@as_json
def rename(board: str, name: str, description: str | None, json_: bool) -> None:
    """Give a board another name."""
    with open_kit() as kit:
        kit.api.boards.rename(board, name, description)
    _report({"id": board, "name": name}, f"The board {board} is now {name!r}.", json_)


@boards.command()
@board_argument
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@as_json
def delete(board: str, yes: bool, json_: bool) -> int:
    """Delete a board, not its pictures."""
    with open_kit() as kit:
        if not (yes or _confirm(kit, board)):
            say("Nothing was deleted.")
            return 1
        kit.api.boards.delete(board)
    _report({"id": board, "deleted": True}, f"The board {board} is deleted.", json_)
    return 0


@boards.command()
@board_argument
@refs_argument
@as_json
def add(board: str, refs: tuple[str, ...], json_: bool) -> int:
    """Add pictures to a board.

    REF is an ID, a URL or a shortcode; "-" reads them from stdin, one on each line.
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
    """Take pictures off a board.

    REF is an ID, a URL or a shortcode; "-" reads them from stdin, one on each line.
    """
    with open_kit() as kit:
        ids = _asset_ids(kit, refs)
        kit.api.boards.remove(board, ids)
    _report({"removed": ids}, f"{', '.join(ids)}: no longer on the board.", json_)


@boards.command()
@board_argument
@as_json
def comments(board: str, json_: bool) -> None:
    """Print the comments on a board."""
    with open_kit() as kit:
        found = kit.api.boards.comments(board).comments
    if json_:
        print_json({"comments": [select(one, COMMENT) for one in found]})
        return
    columns = (Column("DATE"), Column("BY"), Column("TEXT"))
    print_table(columns, [(_date(one.date_created), one.author, one.text) for one in found])
    say(counted(len(found), "comment") + ".")


@boards.command()
@board_argument
@click.argument("text")
@as_json
def comment(board: str, text: str, json_: bool) -> None:
    """Comment on a board, and print the comment's ID."""
    with open_kit() as kit:
        id = kit.api.boards.comment(board, text)
    _report({"id": id}, id, json_, show=click.echo)


@boards.command()
@board_argument
@click.argument("comment")
@as_json
def uncomment(board: str, comment: str, json_: bool) -> None:
    """Delete a comment on a board.

    COMMENT is the ID that "comment" and "comments --json" print.
    """
    with open_kit() as kit:
        kit.api.boards.delete_comment(board, comment)
    _report({"deleted": comment}, f"{comment}: deleted.", json_)


def _confirm(kit: EmbedKit, board: str) -> bool:
    """Whether the person at the terminal wants a board to go.

    :raises click.UsageError: where there is no terminal to ask at.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("Pass --yes to delete a board: there is no terminal to ask at.")
    found = kit.api.boards.get(board)
    return click.confirm(f"Delete {found.name!r} with {counted(found.asset_count, 'picture')}?", err=True)


def _asset_ids(kit: EmbedKit, refs: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(id for ref in read_refs(refs) for id in kit.parse(ref).items))


def _report(done: JSON, message: str, json_: bool, show: Callable[[str], None] = say) -> None:
    """Print what was done: as JSON, or as a message; as a text on stdout where ``show`` is click.echo."""
    if json_:
        print_json(done)
    else:
        show(message)


def _board_json(board: Board) -> JSON:
    assets = [
        {
            "id": one.id,
            "type": one.asset_type,
            "shortcode": None if _is_video(one) else f"[getty {one.id}]",
            "date_added": one.date_added,
        }
        for one in board.assets
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
    """Whether it is a video: those can't be embedded."""
    return "video" in asset.asset_type.lower()


def _date(time: str | None) -> str:
    return (time or "")[:10]

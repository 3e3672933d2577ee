"""Tables for a terminal: aligned by what a character takes up there, and cut to the width there is."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from embedkit.api.enums import MAX_PAGE_SIZE
from embedkit.api.parameters import PAGE_SIZE
from embedkit.cli.output import paint

GAP = "  "
WIDE_CELLS = 110  # a line of so many has room for columns that can be missed
MIN_COLUMN_CELLS = 6  # however narrow the terminal

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and its share of the room where texts must be cut; one with none is never cut."""

    title: str
    share: int = 0


def page_options(noun: str) -> Callable[[Command], Command]:
    """``--page`` and ``--page-size`` of a table that Getty gives page by page."""
    page = click.option("--page", type=click.IntRange(1), default=1, metavar="N", help="Which page, from 1.")
    size = click.option(
        "--page-size",
        type=click.IntRange(1, MAX_PAGE_SIZE),
        default=PAGE_SIZE,
        show_default=True,
        metavar="N",
        help=f"{noun} on a page, {MAX_PAGE_SIZE} at most.",
    )
    return lambda command: page(size(command))


def terminal_width() -> int | None:
    """Cells of a line: of the terminal, or what COLUMNS says; None where neither bounds it, as in a pipe."""
    bounded = os.environ.get("COLUMNS", "").isdigit() or (sys.stdout is not None and sys.stdout.isatty())
    return shutil.get_terminal_size().columns if bounded else None


def is_wide() -> bool:
    """Whether a line has room for columns that can be missed."""
    return (terminal_width() or WIDE_CELLS) >= WIDE_CELLS


def cells(text: str) -> int:
    """What a text takes up: two cells for a wide character (Unicode's UAX 11), none for a mark over another."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """A text that takes up ``width`` cells at the most, the ellipsis of a cut included."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _cells(character)
        if used > width - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None = None) -> list[str]:
    """Lines: the titles of the columns, then the rows.

    :param width: the cells that a line may take up; None cuts nothing.
    """
    lines = [[column.title for column in columns], *rows]
    natural = [max(cells(text) for text in texts) for texts in zip(*lines, strict=True)]
    widths = natural if width is None else _fit(columns, natural, width - len(GAP) * (len(columns) - 1))
    return [GAP.join(map(_pad, line, widths)).rstrip() for line in lines]


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout, as wide as the terminal; nothing at all where there are no rows."""
    if rows:
        head, *lines = table(columns, rows, terminal_width())
        click.echo("\n".join([paint(head, "cyan"), *lines]))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pad(text: str, width: int) -> str:
    shown = cut(text, width)
    return shown + " " * (width - cells(shown))


def _fit(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The width of each column: a text that needs less than its share leaves the rest to the others."""
    widths = list(natural)
    open_ = [number for number, column in enumerate(columns) if column.share]
    left = room - sum(natural[number] for number, column in enumerate(columns) if not column.share)
    while open_:
        shares = sum(columns[number].share for number in open_)
        modest = [number for number in open_ if natural[number] * shares <= left * columns[number].share]
        if not modest:
            for number in open_:
                widths[number] = max(MIN_COLUMN_CELLS, left * columns[number].share // shares)
            break
        left -= sum(natural[number] for number in modest)
        open_ = [number for number in open_ if number not in modest]
    return widths

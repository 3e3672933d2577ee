"""The command that searches: pictures by a phrase, their shortcodes ready to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from embedkit import serialization
from embedkit.api.models import Image, SearchPage
from embedkit.api.parameters import (
    FAMILIES,
    MAX_PAGE_SIZE,
    PAGE_SIZE,
    Composition,
    EditorialSortOrder,
    Family,
    GraphicalStyle,
    NumberOfPeople,
    Orientation,
    Segment,
    takes,
)
from embedkit.api.search import PreparedSearch
from embedkit.cli.output import Column, again, as_json, counted, is_wide, open_kit, print_json, print_table, say
from embedkit.errors import ConfigurationError, InvalidResponse
from embedkit.kit import EmbedKit
from embedkit.models import JSON

Command = TypeVar("Command", bound=Callable[..., Any])


def repeatable(option: str, name: str, words: Any, text: str) -> Callable[[Command], Command]:
    """An option that may be repeated; ``words`` is the Literal of what it may be."""
    allowed = get_args(words)
    return click.option(
        option,
        name,
        type=click.Choice(allowed),
        multiple=True,
        metavar="WORD",
        help=f"{text}: {', '.join(allowed)}.",
    )


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


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="PHRASE")
@click.option("--family", type=click.Choice(FAMILIES), default="all", show_default=True, help="Which pictures.")
@repeatable("--orientation", "orientations", Orientation, "The shape (repeatable)")
@repeatable("--people", "number_of_people", NumberOfPeople, "How many people (repeatable)")
@repeatable("--style", "graphical_styles", GraphicalStyle, "The technique (repeatable)")
@repeatable("--composition", "compositions", Composition, "The composition (repeatable)")
@repeatable("--segment", "editorial_segments", Segment, "With --family editorial (repeatable)")
@click.option("--color", metavar="RRGGBB", help="The main colour, such as 002244; with --family all or creative.")
@click.option("--from", "date_from", metavar="DATE", help="Taken on 2024-04-08 or later; with --family editorial.")
@click.option("--to", "date_to", metavar="DATE", help="Taken on that day or earlier; with --family editorial.")
@click.option(
    "--sort",
    "sort_order",
    type=click.Choice(get_args(EditorialSortOrder)),
    metavar="ORDER",
    help=f"One of {', '.join(get_args(EditorialSortOrder))} (editorial only: oldest).",
)
@page_options("Pictures")
@click.option("--language", metavar="TAG", help="Of phrase and titles, such as ja; by default EMBEDKIT_LOCALE.")
@click.option("--nudity", is_flag=True, help="Include nudity.")
@click.option("--all", "all_", is_flag=True, help="Also pictures that may not be embedded.")
@as_json
def search(words: tuple[str, ...], family: Family, nudity: bool, all_: bool, json_: bool, **options: Any) -> None:
    """Find pictures that may be embedded, with their shortcodes.

    For example: embedkit search "solar eclipse" --orientation horizontal. Needs EMBEDKIT_API_KEY.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    _check_family(family, given)
    with open_kit() as kit:
        try:
            prepared = kit.api.search.prepare(
                " ".join(words),
                family=family,
                embed_content_only=not all_,
                exclude_nudity=not nudity,
                **given,
            )
        except ConfigurationError as error:
            raise click.UsageError(_with_option(str(error))) from None
        page = _page(kit, prepared)
    if json_:
        print_json(serialization.search_page(page, _json))
        return
    _print(page, all_=all_)
    _say_summary(page)


def _page(kit: EmbedKit, prepared: PreparedSearch) -> SearchPage:
    try:
        return kit.api.search.run(prepared)
    except InvalidResponse as error:
        if error.getty_code == "InvalidPage":
            raise click.UsageError(f"There is no page {prepared.page}. {error.hint}") from None
        raise


def _check_family(family: Family, given: Mapping[str, Any]) -> None:
    for name in given.keys() - takes(family).keys():
        fitting = [f"--family {other}" for other in FAMILIES if name in takes(other)]
        raise click.UsageError(_with_option(f"{name} goes with {' or '.join(fitting)}."))


def _with_option(message: str) -> str:
    """A message that begins with a parameter, with the option that was typed in its place."""
    options = {one.name: one.opts[0] for one in click.get_current_context().command.params}
    name, blank, rest = message.partition(" ")
    return f"{options.get(name, name)}{blank}{rest}"


def _json(image: Image) -> JSON:
    """As ``/v1/search`` answers, and whether it may be embedded."""
    return serialization.picture(image) | {"embeddable": image.embeddable}


def _print(page: SearchPage, *, all_: bool) -> None:
    wide = is_wide()
    columns = [Column("SHORTCODE"), Column("TITLE", 3), Column("CREDIT" if wide else "BY", 2), Column("SIZE")]
    if wide:
        columns.append(Column("ORIENTATION"))
    rows = [_row(image, all_=all_, wide=wide)[: len(columns)] for image in page.images]
    print_table(columns, rows)


def _row(image: Image, *, all_: bool, wide: bool) -> tuple[str, ...]:
    """One picture; on a narrow terminal without the collection that it is in."""
    unfit = all_ and not image.embeddable
    names = dict.fromkeys(name for name in (image.photographer, image.collection) if name)
    return (
        f"{image.id} (no embed)" if unfit else image.shortcode,
        image.title,
        " / ".join(names) if wide else next(iter(names), ""),
        f"{image.width}x{image.height}" if image.width and image.height else "",
        image.orientation.replace("_", " "),
    )


def _say_summary(page: SearchPage) -> None:
    """What the table does not show, on stderr: how many there are, and the command for the next page."""
    if page.correction:
        say(f"Searched for: {page.correction}")
    if page.images:
        say(
            f"{counted(page.total, 'picture')}"
            + (f", page {page.page} of {page.pages:,}." if page.pages > 1 else ".")
        )
    elif page.total:
        say(f"There is no page {page.page}: the last is {page.pages:,}.")
    else:
        say("Nothing was found.")
    if page.related:
        say(f"Related: {', '.join(page.related)}")
    if page.has_next:
        say(f"Next: {again(page=page.page + 1)}")

"""The command that searches: pictures by a phrase, their shortcodes ready to copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import click

from embedkit import serialization
from embedkit.api import parameters
from embedkit.api.enums import (
    Composition,
    EditorialSortOrder,
    GraphicalStyle,
    NumberOfPeople,
    Orientation,
    Segment,
)
from embedkit.api.models import Image, SearchPage
from embedkit.api.parameters import FAMILIES, Family
from embedkit.cli.output import again, as_json, counted, open_kit, print_json, say
from embedkit.cli.tables import ROOMY, Column, page_options, print_table, terminal_width
from embedkit.models import JSON

Command = TypeVar("Command", bound=Callable[..., Any])

# the options that go with some families only, by the names that the API has for them
OPTIONS = {
    "color": "--color",
    "date_from": "--from",
    "date_to": "--to",
    "editorial_segments": "--segment",
}


def several(option: str, name: str, words: Any, says: str) -> Callable[[Command], Command]:
    """An option that may be repeated; ``words`` is the Literal of what it may be."""
    allowed = get_args(words)
    return click.option(
        option,
        name,
        type=click.Choice(allowed),
        multiple=True,
        metavar="WORD",
        help=f"{says}: {', '.join(allowed)}.",
    )


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="PHRASE")
@click.option("--family", type=click.Choice(FAMILIES), default="all", show_default=True, help="Which pictures.")
@several("--orientation", "orientations", Orientation, "The shape (repeatable)")
@several("--people", "number_of_people", NumberOfPeople, "How many people (repeatable)")
@several("--style", "graphical_styles", GraphicalStyle, "The technique (repeatable)")
@several("--composition", "compositions", Composition, "The composition (repeatable)")
@several("--segment", "editorial_segments", Segment, "With --family editorial (repeatable)")
@click.option("--color", metavar="RRGGBB", help="The main colour, as 002244; creative pictures.")
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
@click.option("--language", metavar="TAG", help="The language of phrase and titles, as ja; by default LOCALE.")
@click.option("--nudity", is_flag=True, help="Do not leave nudity out.")
@click.option("--all", "all_", is_flag=True, help="Also pictures that may not be embedded.")
@as_json
def search(words: tuple[str, ...], family: Family, nudity: bool, all_: bool, json_: bool, **said: Any) -> None:
    """Find pictures that may be embedded, with their shortcodes.

    For example: embedkit search "solar eclipse" --orientation horizontal. Needs the setting API_KEY.
    """
    said = {name: value for name, value in said.items() if value not in (None, ())}
    _check(family, said)
    with open_kit() as kit:
        page = kit.search(
            " ".join(words),
            family=family,
            embed_content_only=not all_,
            exclude_nudity=not nudity,
            **said,
        )
    if json_:
        print_json(_shown(page))
        return
    _print(page, all_=all_)
    _tell(page)


def _check(family: Family, said: Mapping[str, Any]) -> None:
    """That the family takes what is said, told by the names of our options."""
    for name in said.keys() - parameters.takes(family):
        fitting = [f"--family {other}" for other in FAMILIES if name in parameters.takes(other)]
        raise click.UsageError(f"{OPTIONS.get(name, name)} goes with {' or '.join(fitting)}.")


def _shown(page: SearchPage) -> JSON:
    """As ``/v1/search`` answers, and whether each picture may be embedded."""
    return {
        "total": page.total,
        "page": page.page,
        "page_size": page.page_size,
        "images": [serialization.picture(image) | {"embeddable": image.embeddable} for image in page.images],
        "related": list(page.related),
    }


def _print(page: SearchPage, *, all_: bool) -> None:
    roomy = (terminal_width() or ROOMY) >= ROOMY
    columns = [Column("SHORTCODE"), Column("TITLE", 3), Column("CREDIT" if roomy else "BY", 2), Column("SIZE")]
    if roomy:
        columns.append(Column("ORIENTATION"))
    rows = [_row(image, all_=all_, roomy=roomy)[: len(columns)] for image in page.images]
    print_table(columns, rows)


def _row(image: Image, *, all_: bool, roomy: bool) -> tuple[str, ...]:
    """One picture; where there is little room, its title is worth more than the collection it is in."""
    unfit = all_ and not image.embeddable
    names = dict.fromkeys(name for name in (image.photographer, image.collection) if name)
    return (
        f"{image.id} (no embed)" if unfit else image.shortcode,
        image.title,
        " / ".join(names) if roomy else next(iter(names), ""),
        f"{image.width}x{image.height}" if image.width and image.height else "",
        image.orientation.replace("_", " "),
    )


def _tell(page: SearchPage) -> None:
    """What the table does not say, on stderr: how many there are, and how to go on."""
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

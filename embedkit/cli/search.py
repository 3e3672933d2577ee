"""Commands that query the API: search, events, image, countries."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

import click

from embedkit.api import parameters as api
from embedkit.api.events import Event
from embedkit.api.models import Image, SearchPage, image_json, search_page_json, select
from embedkit.api.search import PreparedSearch
from embedkit.cli.output import (
    Column,
    Command,
    WholeNumber,
    as_json,
    counted,
    is_wide,
    number_option,
    open_kit,
    print_json,
    print_table,
    print_values,
    say,
    say_count,
    say_next,
    word_option,
    words_option,
)
from embedkit.errors import InvalidResponse
from embedkit.kit import EmbedKit
from embedkit.models import JSON

CLIPBOARDS = (["wl-copy"], ["xclip", "-selection", "clipboard"], ["xsel", "--clipboard"], ["pbcopy"], ["clip.exe"])
# The picker's colors, with the same names and values as in static/picker/search.js.
COLORS = {
    "red": "d92b2b",
    "orange": "f08a24",
    "yellow": "f4d03f",
    "green": "3f9b4f",
    "teal": "1f9e97",
    "blue": "2f6fd0",
    "purple": "7d4fb3",
    "pink": "e77fa8",
    "brown": "8a5a3c",
    "black": "111111",
    "grey": "8c8c8c",
    "white": "ffffff",
}


def _color(value: str) -> str:
    """Return a color in the API's format."""
    color = COLORS.get(value.lower(), value)
    if not re.fullmatch("#?[0-9A-Fa-f]{6}", color):
        raise click.UsageError(f"--color can't be {value!r}. Use {', '.join(COLORS)}, or one such as 002244.")
    return color


def page_options(noun: str) -> Callable[[Command], Command]:
    """Return the options ``--page`` and ``--page-size`` for a list that Getty returns page by page."""
    page = number_option("--page", help="The page to print, from 1.")
    size = click.option(
        "--page-size",
        type=WholeNumber(1, api.MAX_PAGE_SIZE),
        metavar="N",
        help=f"{noun} per page, at most {api.MAX_PAGE_SIZE}; {api.PAGE_SIZE} by default.",
    )
    return lambda command: page(size(command))


@click.command()
@click.argument("words", nargs=-1, metavar="PHRASE")
@click.option(
    "--family", type=click.Choice(api.FAMILIES), default="all", show_default=True, help="The kind of pictures."
)
@words_option(
    "--orientation", "orientations", api.Orientation, "Orientation", landscape="horizontal", portrait="vertical"
)
@words_option("--people", "number_of_people", api.NumberOfPeople, "Number of people")
@words_option("--style", "graphical_styles", api.GraphicalStyle, "Technique")
@words_option("--composition", "compositions", api.Composition, "Composition")
@words_option("--segment", "editorial_segments", api.Segment, "Segment; needs --family editorial")
@number_option(
    "--event",
    "event_ids",
    metavar="ID",
    help="Event, as listed by embedkit events; needs --family editorial. PHRASE is then optional.",
)
@click.option(
    "--color",
    metavar="COLOR",
    callback=lambda _ctx, _param, value: value and _color(value),
    help=f"Main color; needs --family all or creative: 002244, {', '.join(COLORS)}.",
)
@click.option("--from", "date_from", metavar="DATE", help="Taken on or after DATE; needs --family editorial.")
@click.option("--to", "date_to", metavar="DATE", help="Taken on or before DATE; needs --family editorial.")
@word_option("--sort", "sort_order", api.EditorialSortOrder, "Sort order; oldest needs --family editorial")
@page_options("Pictures")
@click.option("--language", metavar="TAG", help="The language, such as ja; by default EMBEDKIT_LOCALE.")
@click.option("--nudity", is_flag=True, help="Include nudity.")
@click.option("--all", "all_", is_flag=True, help="Include pictures that can't be embedded.")
@click.option("--open", "open_", is_flag=True, help="Open the first picture's page in a browser.")
@click.option("--copy", is_flag=True, help="Copy the first picture's shortcode.")
@as_json
def search(
    words: tuple[str, ...],
    family: api.Family,
    nudity: bool,
    all_: bool,
    open_: bool,
    copy: bool,
    json_: bool,
    **options: Any,
) -> None:
    """Search for pictures and print their shortcodes.

    For example: embedkit search "solar eclipse" --orientation horizontal

    Needs EMBEDKIT_API_KEY. Only finds pictures that may be embedded, unless --all is passed. DATE is a date such
    as 2024-04-08.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if not words and "event_ids" not in given:
        raise click.UsageError("Missing argument 'PHRASE'.")
    with open_kit() as kit:
        prepared = kit.api.search.prepare(
            " ".join(words), family=family, embed_content_only=not all_, exclude_nudity=not nudity, **given
        )
        page = _page(kit, prepared)
    if json_:
        print_json(search_page_json(page, _json))
        return
    _print(page, all_=all_)
    _say_summary(page, " ".join(words))
    if page.images and open_:
        click.launch(page.images[0].page_url)
    if page.images and copy:
        _copy(page.images[0].shortcode)


def _copy(text: str) -> None:
    """Copy a text to the clipboard with the first program found."""
    import subprocess  # nosec B404

    found = next((command for command in CLIPBOARDS if shutil.which(command[0])), None)
    if found is None:
        say(f"Can't copy: install one of {', '.join(command[0] for command in CLIPBOARDS)}.")
        return
    subprocess.run(found, input=text.encode(), check=False)  # noqa: S603  # nosec B603
    say(f"Copied: {text}")


@click.command()
@click.option("--language", metavar="TAG", help="Language of the names, such as fr; by default EMBEDKIT_LOCALE.")
@as_json
def countries(language: str | None, json_: bool) -> None:
    """List countries and their codes.

    Needs EMBEDKIT_API_KEY.
    """
    with open_kit() as kit:
        found = kit.api.countries(language)
    if json_:
        print_json([select(country, ("name", "iso_alpha_2", "iso_alpha_3")) for country in found])
        return
    rows = [(country.iso_alpha_3 or country.iso_alpha_2, country.name) for country in found]
    print_table([Column("CODE"), Column("NAME", 1)], rows)


@click.command()
@click.argument("words", nargs=-1, metavar="[PHRASE]")
@word_option("--segment", "editorial_segment", api.Segment, "Segment")
@click.option("--from", "date_from", metavar="DATE", help="Started on or after DATE.")
@click.option("--to", "date_to", metavar="DATE", help="Started on or before DATE.")
@page_options("Events")
@as_json
def events(words: tuple[str, ...], json_: bool, **options: Any) -> None:
    """Search for events covered by editorial pictures.

    Newest first. Needs EMBEDKIT_API_KEY. DATE is a date such as 2024-04-08.

    To list the pictures of an event: embedkit search --family editorial --event ID
    """
    with open_kit() as kit:
        page = kit.api.search.events(" ".join(words), sort_order="newest", **options)
    if json_:
        print_json({**page.place, "events": list(map(_event_json, page.events))})
        return
    columns = [Column("ID"), Column("DATE"), Column("PICTURES"), Column("PLACE", 1), Column("NAME", 2)]
    print_table(columns, [tuple(map(str, _event_json(event).values())) for event in page.events])
    say_count(page, "event")
    say_next(page)


def _event_json(event: Event) -> JSON:
    place = ", ".join(filter(None, (event.location.city, event.location.country)))
    date, count = (event.start_date or "")[:10], event.image_count or 0
    return {"id": event.id, "start_date": date, "image_count": count, "place": place, "name": event.name}


@click.command()
@click.argument("id", metavar="ID")
@as_json
def image(id: str, json_: bool) -> None:
    """Show the details of a picture, including its restrictions.

    ID is an ID, a URL or a shortcode. Needs EMBEDKIT_API_KEY.
    """
    with open_kit() as kit:
        found = kit.api.image(kit.parse(id).items[0])
    if json_:
        print_json(_json(found))
        return
    values = {
        "id": found.id,
        "title": found.title,
        "credit": found.credit.line,
        "size": f"{found.width} x {found.height}" if found.width and found.height else "",
        "family": found.family,
        "taken": (found.date_created or "")[:10],
        "caption": found.caption,
        "embed": "yes" if found.embeddable else "no",
        "restrictions": "; ".join(found.restrictions),
        "page": found.page_url,
        "shortcode": found.shortcode if found.embeddable else "",
    }
    print_values(values)


def _page(kit: EmbedKit, prepared: PreparedSearch) -> SearchPage:
    try:
        return kit.api.search.run(prepared)
    except InvalidResponse as error:
        if error.getty_code == "InvalidPage":
            raise click.UsageError(f"There is no page {prepared.page}. {error.hint}") from None
        raise


def _json(image: Image) -> JSON:
    """Return a picture as ``/v1/search`` does, with a flag whether it may be embedded."""
    return image_json(image) | {"embeddable": image.embeddable}


def _print(page: SearchPage, *, all_: bool) -> None:
    wide = is_wide()
    columns = [Column("SHORTCODE"), Column("TITLE", 3), Column("CREDIT" if wide else "BY", 2), Column("SIZE")]
    columns += [Column("TAKEN", spare=True), Column("RESTRICTIONS", 2, spare=True)]
    print_table(columns, [_row(image, all_=all_, wide=wide) for image in page.images])


def _row(image: Image, *, all_: bool, wide: bool) -> tuple[str, ...]:
    """Return the row of a picture, without its collection on a narrow terminal."""
    unfit = all_ and not image.embeddable
    names = dict.fromkeys(name for name in (image.photographer, image.collection) if name)
    return (
        f"{image.id} (no embed)" if unfit else image.shortcode,
        image.title,
        " / ".join(names) if wide else next(iter(names), ""),
        f"{image.width}x{image.height}" if image.width and image.height else "",
        (image.date_created or "")[:10],
        "; ".join(image.restrictions),
    )


def _say_summary(page: SearchPage, phrase: str) -> None:
    """Print to stderr what the table does not show: the total, hints, and the command for the next page."""
    if page.correction:
        say(f"Searched for: {page.correction}")
    if page.images:
        say_count(page, "picture")
        if not is_wide() and (number := sum(bool(image.restrictions) for image in page.images)):
            say(f"{counted(number, 'picture')} with restrictions. Show them with: embedkit image ID")
    elif page.total:
        say(f"There is no page {page.page}: the last one is {page.pages:,}.")
    else:
        say(f"Nothing found for {phrase!r}.")
    if page.related:
        say(f"Related: {', '.join(page.related)}")
    say_next(page)

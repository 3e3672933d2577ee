"""The command that downloads: a licensed picture into a file, or what there is of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, get_args

import click

from embedkit.api.enums import ProductType
from embedkit.api.models import DownloadOffer, DownloadSize
from embedkit.cli.output import as_json, open_kit, print_json, printable, progress, say
from embedkit.cli.tables import Column, print_table
from embedkit.errors import NotFound, Unauthorized, UnsupportedReference
from embedkit.kit import EmbedKit
from embedkit.models import JSON

PRODUCT_TYPES = get_args(ProductType)
UNITS = ((1_000_000, "MB"), (1_000, "kB"), (1, "bytes"))


@click.command()
@click.argument("id", metavar="ID")
@click.option("--sizes", is_flag=True, help="Download nothing; list what can be downloaded.")
@click.option(
    "--product-type",
    type=click.Choice(PRODUCT_TYPES),
    metavar="TYPE",
    help=f"The agreement to use: {', '.join(PRODUCT_TYPES)}.",
)
@click.option(
    "--height", type=click.IntRange(1), metavar="N", help="The size N pixels high; by default the largest."
)
@click.option(
    "--output",
    type=click.Path(),
    default=".",
    metavar="PATH|DIR",
    help="The file to write, or the folder; by default ID.jpg here.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@as_json
def download(id: str, sizes: bool, output: str, force: bool, json_: bool, **said: Any) -> None:
    """Download a licensed picture.

    ID is an id, an address or a shortcode. For customers of Getty Images: needs the settings API_KEY,
    API_SECRET, USERNAME and PASSWORD. It counts against the customer's agreement.
    """
    with open_kit() as kit:
        one = _picture(kit, id)
        if sizes:
            _print_sizes(one, kit.api.downloads.sizes(one), kit.api.downloads.largest(one), json_)
        else:
            _save(kit, one, output, force, json_, {name: value for name, value in said.items() if value})


def _picture(kit: EmbedKit, reference: str) -> str:
    items = kit.parse(reference).items
    if len(items) > 1:
        raise UnsupportedReference("These are several pictures.", hint="Download one at a time.")
    return items[0]


def _save(kit: EmbedKit, id: str, output: str, force: bool, json_: bool, said: JSON) -> None:
    if output.endswith(("/", os.sep)):  # a folder, as it is written
        os.makedirs(output, exist_ok=True)
    try:
        with progress("Downloading", patient=True) as step:
            done = kit.api.downloads.save(id, output, overwrite=force, progress=step, **said)
    except (NotFound, Unauthorized) as error:
        if said:  # a size or an agreement that there is not
            error.hint = f"{error.hint or ''} What there is: embedkit download {id} --sizes".strip()
        raise
    except FileExistsError as error:
        if force:  # what is there is no plain file
            raise
        raise click.ClickException(
            f"{printable(error.filename)} is there already. Say --force to replace it."
        ) from None
    if json_:
        print_json({"id": done.id, "path": done.path, "bytes": done.bytes, "media_type": done.media_type})
    else:
        click.echo(printable(done.path))
        say(f"{_size(done.bytes)} downloaded.")


def _print_sizes(id: str, sizes: Sequence[DownloadSize], offers: Sequence[DownloadOffer], json_: bool) -> None:
    if json_:
        print_json({"id": id, "sizes": [_shown(one) for one in sizes], "offers": [_offer(one) for one in offers]})
        return
    columns = (Column("WIDTH"), Column("HEIGHT"), Column("FILE"), Column("TYPE"))
    print_table(columns, [_row(one) for one in sizes])
    if offers:
        say(f"Product types: {', '.join(dict.fromkeys(one.product_type for one in offers))}.")
    else:
        say(f"There is nothing of {id} that these credentials may download.")


def _shown(one: DownloadSize) -> JSON:
    return {"width": one.width, "height": one.height, "bytes": one.bytes, "media_type": one.media_type}


def _offer(one: DownloadOffer) -> JSON:
    return {"product_type": one.product_type, "product_id": one.product_id, "agreement": one.agreement_name}


def _row(one: DownloadSize) -> tuple[str, ...]:
    return str(one.width or ""), str(one.height or ""), _size(one.bytes) if one.bytes else "", one.media_type


def _size(number: int) -> str:
    """Bytes as people read them: "2.3 MB"."""
    unit, name = next((unit, name) for unit, name in UNITS if number >= unit or unit == 1)
    return f"{number / unit:.1f} {name}" if unit > 1 else f"{number} {name}"

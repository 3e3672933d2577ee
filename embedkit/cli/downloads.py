"""The command that downloads: a licensed picture into a file, or what there is of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, get_args

import click

from embedkit.api.models import DownloadOffer, DownloadSize
from embedkit.api.parameters import ProductType
from embedkit.cli.output import Column, as_json, open_kit, print_json, print_table, printable, progress, say
from embedkit.errors import NotFound, NotLicensed, PermissionDenied, UnsupportedReference
from embedkit.kit import EmbedKit
from embedkit.models import JSON

PRODUCT_TYPES = get_args(ProductType)
SIZE_UNITS = ((1_000_000, "MB"), (1_000, "kB"), (1, "bytes"))


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
    "-o",
    "--output",
    type=click.Path(),
    default=".",
    metavar="PATH|DIR",
    help="The file to write, or the folder; by default ID.jpg here.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@as_json
def download(id: str, sizes: bool, output: str, force: bool, json_: bool, **options: Any) -> None:
    """Download a licensed picture.

    ID is an ID, a URL or a shortcode. For customers of Getty Images: needs EMBEDKIT_API_KEY, EMBEDKIT_API_SECRET,
    EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD. It counts against the customer's agreement.
    """
    with open_kit() as kit:
        asset_id = _asset_id(kit, id)
        if sizes:
            downloads = kit.api.downloads
            _print_sizes(asset_id, downloads.sizes(asset_id), downloads.largest(asset_id), json_)
        else:
            params = {name: value for name, value in options.items() if value}
            _save(kit, asset_id, output, force, json_, params)


def _asset_id(kit: EmbedKit, reference: str) -> str:
    items = kit.parse(reference).items
    if len(items) > 1:
        raise UnsupportedReference("These are several pictures.", hint="Download one at a time.")
    return items[0]


def _save(kit: EmbedKit, id: str, output: str, force: bool, json_: bool, params: JSON) -> None:
    if output.endswith(("/", os.sep)):  # a folder, as it is written
        os.makedirs(output, exist_ok=True)
    try:
        with progress("Downloading") as step:
            done = kit.api.downloads.save(id, output, overwrite=force, progress=step, **params)
    except (NotFound, PermissionDenied, NotLicensed) as error:
        if params:  # a size or an agreement that there is not
            error.hint = f"{error.hint or ''} Try: embedkit download {id} --sizes".strip()
        raise
    except FileExistsError as error:
        if force:  # what is there is not a plain file
            raise
        raise click.ClickException(
            f"{printable(error.filename)} is there already. Pass --force to replace it."
        ) from None
    if not os.path.splitext(done.path)[1]:
        say(f"The file is {done.media_type or 'a picture'}; its name has no ending such as .jpg.")
    if json_:
        print_json({"id": done.id, "path": done.path, "bytes": done.bytes, "media_type": done.media_type})
    else:
        click.echo(printable(done.path))
        say(f"{_readable_size(done.bytes)} downloaded.")


def _print_sizes(id: str, sizes: Sequence[DownloadSize], offers: Sequence[DownloadOffer], json_: bool) -> None:
    if json_:
        print_json(
            {"id": id, "sizes": [_size_json(one) for one in sizes], "offers": [_offer_json(one) for one in offers]}
        )
        return
    columns = (Column("WIDTH"), Column("HEIGHT"), Column("FILE"), Column("TYPE"))
    print_table(columns, [_row(one) for one in sizes])
    if offers:
        say(f"Product types: {', '.join(dict.fromkeys(one.product_type for one in offers))}.")
    else:
        say(f"There is nothing of {id} that these credentials may download.")


def _size_json(one: DownloadSize) -> JSON:
    return {"width": one.width, "height": one.height, "bytes": one.bytes, "media_type": one.media_type}


def _offer_json(one: DownloadOffer) -> JSON:
    return {"product_type": one.product_type, "product_id": one.product_id, "agreement": one.agreement_name}


def _row(one: DownloadSize) -> tuple[str, ...]:
    size = _readable_size(one.bytes) if one.bytes else ""
    return str(one.width or ""), str(one.height or ""), size, one.media_type


def _readable_size(number: int) -> str:
    """Bytes as people read them: "2.3 MB"."""
    unit, name = next((unit, name) for unit, name in SIZE_UNITS if number >= unit or unit == 1)
    return f"{number / unit:.1f} {name}" if unit > 1 else f"{number} {name}"

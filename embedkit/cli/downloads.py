"""Commands for customers: download, products, history; and api, for everything without a command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from embedkit.api.account import PastDownload, Product
from embedkit.api.licenses import describe
from embedkit.api.models import DownloadOffer, DownloadSize, select
from embedkit.api.parameters import ProductType
from embedkit.cli.output import (
    Column,
    as_json,
    counted,
    number_option,
    open_kit,
    print_json,
    print_table,
    print_values,
    printable,
    progress,
    say,
    say_next,
    word_option,
)
from embedkit.cli.search import page_options
from embedkit.errors import NotFound, NotLicensed, PermissionDenied, ProviderError, UnsupportedReference
from embedkit.files.download import Destination
from embedkit.kit import EmbedKit
from embedkit.models import JSON

if TYPE_CHECKING:
    from embedkit.api.orders import DownloadPlan

PRODUCT = (
    *("id", "type", "name", "agreement_name", "status", "downloads_remaining", "download_limit"),
    *("download_limit_reset_utc_date", "expiration_utc_date", "credits_remaining", "team_credits"),
)
DOWNLOAD = ("id", "date_downloaded", "product_type", "product_id", "agreement_name", "size_name", "license_model")
PLAN = ("id", "costs", "licensed", "remaining", "budget", "used")
SIZE_UNITS = ((1_000_000, "MB"), (1_000, "kB"), (1, "bytes"))


@click.command()
@click.argument("id", metavar="ID")
@click.option("--sizes", is_flag=True, help="List the available sizes instead of downloading.")
@click.option("--dry-run", is_flag=True, help="Show the cost and licence status instead of downloading.")
@word_option("--product-type", "product_type", ProductType, "The agreement to use if you have several")
@number_option("--product-id", help="The agreement to use if you have several of one type.")
@number_option("--height", help="Download the size N pixels high; by default the largest.")
@number_option("--max-height", "limit", help="Download the largest size up to N pixels high.")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    default=".",
    metavar="PATH|DIR",
    help="The file or folder to write to; by default ID.jpg in the current folder.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--skip-existing", "skip", is_flag=True, help="Do nothing if the file exists.")
@click.option("--again", is_flag=True, help="License the picture again, even if it might be licensed already.")
@as_json
def download(
    id: str,
    sizes: bool,
    dry_run: bool,
    limit: int | None,
    output: str,
    force: bool,
    skip: bool,
    again: bool,
    json_: bool,
    **options: int | str,
) -> None:
    """License a picture and download it.

    ID is an ID, a URL or a shortcode. Needs a Getty Images account; see embedkit products --help.

    Every order of a file uses a licence, so no picture is ordered twice: a journal and Getty's download history
    are checked first. To resume an interrupted download, repeat the command. Exits with 1 if the picture is
    licensed but its file is no longer available, or if its status is unknown; --again licenses it again.
    """
    params: JSON = {name: value for name, value in options.items() if value}
    if limit and "height" in params:
        raise click.UsageError("--height and --max-height can't be combined.")
    if force and skip:
        raise click.UsageError("--force and --skip-existing can't be combined.")
    with open_kit() as kit, _naming(asset_id := _one_id(kit, id)):
        if sizes:
            _print_sizes(kit, asset_id, json_)
            return
        if not dry_run and not _is_free(asset_id, output, force=force, skip=skip):
            return
        if limit:
            params["height"] = _largest_height(kit, asset_id, limit)
        if dry_run:
            _print_plan(kit.api.downloads.plan(asset_id, again=again, **params), json_)
        else:
            _save(kit, asset_id, output, force=force, again=again, json_=json_, params=params)


def _one_id(kit: EmbedKit, reference: str) -> str:
    items = kit.parse(reference).items
    if len(items) > 1:
        raise UnsupportedReference("This reference names several pictures.", hint="Download one at a time.")
    return items[0]


@contextmanager
def _naming(id: str) -> Iterator[None]:
    """Prefix errors with the picture's ID, since the command might run in a loop."""
    try:
        yield
    except ProviderError as error:
        if id not in str(error):
            error.args = (f"{id}: {error.message}",)
        raise


def _largest_height(kit: EmbedKit, id: str, limit: int) -> int:
    """Return the height of the largest size up to the limit."""
    heights = [size.height for size in kit.api.downloads.sizes(id) if size.height]
    if fitting := [height for height in heights if height <= limit]:
        return max(fitting)
    hint = f"The smallest is {min(heights)}." if heights else f"Try: embedkit download {id} --sizes"
    raise NotFound(f"{id} has no size up to {limit} pixels high.", hint=hint)


def _is_free(id: str, output: str, *, force: bool, skip: bool) -> bool:
    """Check before any request that the file can be written; return False if it exists and is to be skipped."""
    if output.endswith(("/", os.sep)):  # written as a folder
        os.makedirs(output, exist_ok=True)
    try:
        Destination(output, f"{id}.jpg", overwrite=force)
    except FileExistsError as error:
        if force:  # it exists, but is not a regular file
            raise
        message = f"{printable(error.filename)} already exists."
        if not skip:
            raise click.ClickException(f"{message} Pass --force to replace it.") from None
        say(message)
        return False
    return True


def _save(kit: EmbedKit, id: str, output: str, *, force: bool, again: bool, json_: bool, params: JSON) -> None:
    try:
        with progress("Downloading") as step:
            done = kit.api.downloads.save(id, output, overwrite=force, again=again, progress=step, **params)
    except (NotFound, PermissionDenied, NotLicensed) as error:
        if params and error.getty_code != "ImageNotFound":  # unavailable size or agreement
            error.hint = f"{error.hint or ''} Try: embedkit download {id} --sizes".strip()
        raise
    if not os.path.splitext(done.path)[1]:
        say(f"The file is {done.media_type or 'a picture'}, but its name has no extension such as .jpg.")
    if json_:
        print_json(select(done, ("id", "path", "bytes", "media_type", "product_type")))
    else:
        click.echo(printable(done.path))
        say(f"{_readable_size(done.bytes)} downloaded.")


def _print_plan(plan: DownloadPlan, json_: bool) -> None:
    if json_:
        print_json(_plan_json(plan))
        return
    size = f"{plan.size.width} x {plan.size.height}, {_readable_size(plan.size.bytes or 0)}" if plan.size else ""
    remaining = "" if plan.remaining is None else f" of the {plan.remaining} left in the agreement"
    values = {
        "id": plan.id,
        "offer": describe(plan.offer.product_type, plan.offer.product_id, plan.offer.agreement_name),
        "size": size or "unknown",
        "licensed": {True: "yes", False: "no", None: "unknown"}[plan.licensed],
        "costs": f"{counted(plan.costs, 'licence')}{remaining if plan.costs else ''}",
        "budget": "none" if plan.budget is None else f"{plan.used} of {plan.budget} used this month",
    }
    print_values(values)
    if plan.costs and plan.budget is not None and plan.used >= plan.budget:
        say("This month's budget is used up, so the download would be refused.")
    if plan.costs and plan.licensed is not False:
        say("To license it again, pass --again.")


def _plan_json(plan: DownloadPlan) -> JSON:
    size = _size_json(plan.size) if plan.size else None
    return {**select(plan, PLAN), "offer": _offer_json(plan.offer), "size": size}


def _print_sizes(kit: EmbedKit, id: str, json_: bool) -> None:
    sizes, offers = kit.api.downloads.sizes(id), kit.api.downloads.largest(id)
    if json_:
        print_json({"id": id, "sizes": list(map(_size_json, sizes)), "offers": list(map(_offer_json, offers))})
        return
    columns = (Column("WIDTH"), Column("HEIGHT"), Column("FILE"), Column("TYPE"))
    print_table(columns, list(map(_size_row, sizes)))
    if offers:
        say(f"Product types: {', '.join(dict.fromkeys(offer.product_type for offer in offers))}.")
    else:
        say(f"These credentials don't include downloads of {id}.")


def _size_json(size: DownloadSize) -> JSON:
    return select(size, ("width", "height", "bytes", "media_type"))


def _offer_json(offer: DownloadOffer) -> JSON:
    return {"product_type": offer.product_type, "product_id": offer.product_id, "agreement": offer.agreement_name}


def _size_row(size: DownloadSize) -> tuple[str, ...]:
    file = _readable_size(size.bytes) if size.bytes else ""
    return str(size.width or ""), str(size.height or ""), file, size.media_type


def _readable_size(number: int) -> str:
    """Return a number of bytes in readable form, such as "2.3 MB"."""
    unit, name = next((unit, name) for unit, name in SIZE_UNITS if number >= unit or unit == 1)
    return f"{number / unit:.1f} {name}" if unit > 1 else f"{number} {name}"


@click.command()
@as_json
def products(json_: bool) -> None:
    """List your agreements and their remaining downloads.

    Needs a Getty Images account: set EMBEDKIT_API_KEY and run embedkit login, or set EMBEDKIT_API_KEY,
    EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.
    """
    with open_kit() as kit:
        found = kit.api.products()
    if json_:
        print_json([select(product, PRODUCT) for product in found])
        return
    columns = [Column("PRODUCT"), Column("TYPE"), Column("LEFT"), Column("EXPIRES"), Column("NAME", 1)]
    print_table(columns, list(map(_product_row, found)))
    say(f"{counted(len(found), 'product')}.")


@click.command()
@click.argument("id", metavar="[ID]", required=False)
@click.option("--from", "date_from", metavar="DATE", help="Downloaded on or after DATE, such as 2026-01-31.")
@click.option("--to", "date_to", metavar="DATE", help="Downloaded on or before DATE.")
@word_option("--product-type", "product_type", ProductType, "Only downloads under this agreement")
@page_options("Downloads")
@click.option("--company", is_flag=True, help="Include your colleagues' downloads, if your account allows it.")
@as_json
def history(id: str | None, company: bool, json_: bool, **params: Any) -> None:
    """List your downloads.

    Newest first. With ID, list all downloads of that picture; only --company can be combined with it. Needs a
    Getty Images account; see embedkit products --help.
    """
    given = {name: value for name, value in params.items() if value is not None}
    if id is not None and given:
        raise click.UsageError(f"--{min(given).replace('date_', '').replace('_', '-')} can't be used with an ID.")
    with open_kit() as kit:
        if id is not None:
            found = kit.api.image_download_history(id, company_downloads=company)
            _print_downloads({"total": len(found)}, found, json_)
            return
        if company:
            given["company_downloads"] = True
        page = kit.api.download_history(**given)
    _print_downloads(page.place, page.downloads, json_)
    if not json_:
        say_next(page)


@click.group()
def api() -> None:
    """Call the Getty Images API v3 directly."""


@api.command("get")
@click.argument("path")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--language", metavar="TAG", help="Response language, such as fr; by default EMBEDKIT_LOCALE.")
def get_path(path: str, params: tuple[str, ...], language: str | None) -> None:
    """Send a GET request and print the JSON.

    PATH is a path such as /v3/orders/1234. NAME=VALUE is a parameter; separate several values with commas. Needs
    EMBEDKIT_API_KEY, and for customers' data a Getty Images account; see embedkit products --help.
    """
    pairs = [param.partition("=") for param in params]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"{wrong[0]!r} is not NAME=VALUE.")
    with open_kit() as kit:
        print_json(kit.api.get(path, {name: value for name, _, value in pairs}, language=language))


def _print_downloads(place: JSON, found: tuple[PastDownload, ...], json_: bool) -> None:
    if json_:
        print_json({**place, "downloads": [select(done, DOWNLOAD) | _notes(done) for done in found]})
        return
    columns = [Column("DOWNLOADED"), Column("ID"), Column("PRODUCT"), Column("SIZE"), Column("BY", 1)]
    print_table([*columns, Column("NOTES", 2, spare=True)], list(map(_download_row, found)))
    say(f"{counted(place['total'], 'download')}.")


def _product_row(product: Product) -> tuple[str, ...]:
    left = "any" if product.downloads_remaining is None else str(product.downloads_remaining)
    return product.id, product.type, left, (product.expiration_utc_date or "never")[:10], product.name


def _download_row(done: PastDownload) -> tuple[str, ...]:
    notes = " ".join(filter(None, (done.download_details.project_code, done.download_details.download_notes)))
    at = (done.date_downloaded or "")[:16].replace("T", " ")
    return at, done.id, done.product_type, done.size_name, done.user.username, notes


def _notes(done: PastDownload) -> JSON:
    details = done.download_details
    return {"username": done.user.username, "notes": details.download_notes, "project_code": details.project_code}

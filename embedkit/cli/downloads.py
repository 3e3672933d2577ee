"""Commands of customers: download, products, history; and api, for whatever has no command."""

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
@click.option("--sizes", is_flag=True, help="Download nothing; list what can be downloaded.")
@click.option(
    "--dry-run", is_flag=True, help="Download nothing; say what it would cost, and what is licensed already."
)
@word_option("--product-type", "product_type", ProductType, "The agreement to use, where there are several")
@number_option("--product-id", help="The same, where there are several of one type.")
@number_option("--height", help="The size N pixels high; by default the largest.")
@number_option(
    "--max-height", "limit", help="The largest size up to N pixels high, another height for each picture."
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
@click.option("--skip-existing", "skip", is_flag=True, help="Leave a file that is there alone, and exit with 0.")
@click.option("--again", is_flag=True, help="License it once more, where it is licensed already or nobody knows.")
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
    """License and download a picture, never twice.

    ID is an ID, a URL or a shortcode. Needs the same as embedkit products.

    Each order of a file is a licence, so no picture is ordered twice: a journal and Getty's download history are
    looked up first, and after an interruption the same command goes on. Exits 1 where the picture is licensed and
    its file can't be got any more, or where nobody knows; --again licenses it once more.
    """
    params: JSON = {name: value for name, value in options.items() if value}
    if limit and "height" in params:
        raise click.UsageError("--height and --max-height exclude each other.")
    if force and skip:
        raise click.UsageError("--force and --skip-existing exclude each other.")
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
        raise UnsupportedReference("These are several pictures.", hint="Download one at a time.")
    return items[0]


@contextmanager
def _naming(id: str) -> Iterator[None]:
    """Have errors say which picture they are about: it may be one of a list."""
    try:
        yield
    except ProviderError as error:
        if id not in str(error):
            error.args = (f"{id}: {error.message}",)
        raise


def _largest_height(kit: EmbedKit, id: str, limit: int) -> int:
    """The height of the largest size that is no higher."""
    heights = [one.height for one in kit.api.downloads.sizes(id) if one.height]
    if fitting := [height for height in heights if height <= limit]:
        return max(fitting)
    hint = f"The smallest is {min(heights)}." if heights else f"Try: embedkit download {id} --sizes"
    raise NotFound(f"{id} has no size up to {limit} pixels high.", hint=hint)


def _is_free(id: str, output: str, *, force: bool, skip: bool) -> bool:
    """Whether the file can be there, before anybody is asked; False where one is that is to be skipped."""
    if output.endswith(("/", os.sep)):  # a folder, as it is written
        os.makedirs(output, exist_ok=True)
    try:
        Destination(output, f"{id}.jpg", overwrite=force)
    except FileExistsError as error:
        if force:  # what is there is not a plain file
            raise
        there = f"{printable(error.filename)} is there already."
        if not skip:
            raise click.ClickException(f"{there} Pass --force to replace it.") from None
        say(there)
        return False
    return True


def _save(kit: EmbedKit, id: str, output: str, *, force: bool, again: bool, json_: bool, params: JSON) -> None:
    try:
        with progress("Downloading") as step:
            done = kit.api.downloads.save(id, output, overwrite=force, again=again, progress=step, **params)
    except (NotFound, PermissionDenied, NotLicensed) as error:
        if params and error.getty_code != "ImageNotFound":  # a size or an agreement that there is not
            error.hint = f"{error.hint or ''} Try: embedkit download {id} --sizes".strip()
        raise
    if not os.path.splitext(done.path)[1]:
        say(f"The file is {done.media_type or 'a picture'}; its name has no ending such as .jpg.")
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
    remaining = "" if plan.remaining is None else f" of {plan.remaining} that the agreement has left"
    values = {
        "id": plan.id,
        "offer": describe(plan.offer.product_type, plan.offer.product_id, plan.offer.agreement_name),
        "size": size or "not known",
        "licensed": {True: "yes", False: "no", None: "not known"}[plan.licensed],
        "costs": f"{counted(plan.costs, 'licence')}{remaining if plan.costs else ''}",
        "budget": "none" if plan.budget is None else f"{plan.used} of {plan.budget} used this month",
    }
    print_values(values)
    if plan.costs and plan.budget is not None and plan.used >= plan.budget:
        say("The budget of this month is used up: the download would be refused.")
    if plan.costs and plan.licensed is not False:
        say("It is not licensed twice by itself: that takes --again.")


def _plan_json(plan: DownloadPlan) -> JSON:
    size = _size_json(plan.size) if plan.size else None
    return {**select(plan, PLAN), "offer": _offer_json(plan.offer), "size": size}


def _print_sizes(kit: EmbedKit, id: str, json_: bool) -> None:
    sizes, offers = kit.api.downloads.sizes(id), kit.api.downloads.largest(id)
    if json_:
        print_json(
            {"id": id, "sizes": [_size_json(one) for one in sizes], "offers": [_offer_json(one) for one in offers]}
        )
        return
    columns = (Column("WIDTH"), Column("HEIGHT"), Column("FILE"), Column("TYPE"))
    print_table(columns, [_size_row(one) for one in sizes])
    if offers:
        say(f"Product types: {', '.join(dict.fromkeys(one.product_type for one in offers))}.")
    else:
        say(f"There is nothing of {id} that these credentials may download.")


def _size_json(one: DownloadSize) -> JSON:
    return select(one, ("width", "height", "bytes", "media_type"))


def _offer_json(one: DownloadOffer) -> JSON:
    return {"product_type": one.product_type, "product_id": one.product_id, "agreement": one.agreement_name}


def _size_row(one: DownloadSize) -> tuple[str, ...]:
    size = _readable_size(one.bytes) if one.bytes else ""
    return str(one.width or ""), str(one.height or ""), size, one.media_type


def _readable_size(number: int) -> str:
    """Bytes as people read them: "2.3 MB"."""
    unit, name = next((unit, name) for unit, name in SIZE_UNITS if number >= unit or unit == 1)
    return f"{number / unit:.1f} {name}" if unit > 1 else f"{number} {name}"


@click.command()
@as_json
def products(json_: bool) -> None:
    """Print your agreements, and the downloads that they have left.

    For customers of Getty Images: needs EMBEDKIT_API_KEY and embedkit login, or else EMBEDKIT_API_KEY,
    EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD.
    """
    with open_kit() as kit:
        found = kit.api.products()
    if json_:
        print_json([select(one, PRODUCT) for one in found])
        return
    columns = [Column("PRODUCT"), Column("TYPE"), Column("LEFT"), Column("EXPIRES"), Column("NAME", 1)]
    print_table(columns, [_product_row(one) for one in found])
    say(f"{counted(len(found), 'product')}.")


@click.command()
@click.argument("id", metavar="[ID]", required=False)
@click.option("--from", "date_from", metavar="DATE", help="Downloaded on 2026-01-31 or later; without ID.")
@click.option("--to", "date_to", metavar="DATE", help="Downloaded on that day or earlier; without ID.")
@word_option("--product-type", "product_type", ProductType, "Paid for by this")
@page_options("Downloads")
@click.option("--company", is_flag=True, help="Those of your colleagues as well, where your account may.")
@as_json
def history(id: str | None, company: bool, json_: bool, **params: Any) -> None:
    """Print what you have downloaded.

    The latest first; with ID, every download of that picture. Needs the same as embedkit products.
    """
    given = {name: value for name, value in params.items() if value is not None}
    if id is not None and given:
        raise click.UsageError(f"--{min(given).replace('date_', '').replace('_', '-')} does not go with an ID.")
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
    """Call the Getty Images API v3 by a path.

    For whatever has no command.
    """


@api.command("get")
@click.argument("path")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--language", metavar="TAG", help="Of the answer, such as fr; by default EMBEDKIT_LOCALE.")
def get_path(path: str, params: tuple[str, ...], language: str | None) -> None:
    """Print the JSON at a path such as /v3/orders/1234; nothing is changed by that.

    NAME=VALUE is a parameter, with commas between several values. Needs EMBEDKIT_API_KEY; what is a customer's
    also what embedkit products needs.
    """
    pairs = [one.partition("=") for one in params]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise click.UsageError(f"{wrong[0]!r} is not NAME=VALUE.")
    with open_kit() as kit:
        print_json(kit.api.get(path, {name: value for name, _, value in pairs}, language=language))


def _print_downloads(place: JSON, found: tuple[PastDownload, ...], json_: bool) -> None:
    if json_:
        print_json({**place, "downloads": [select(one, DOWNLOAD) | _notes(one) for one in found]})
        return
    columns = [Column("DOWNLOADED"), Column("ID"), Column("PRODUCT"), Column("SIZE"), Column("BY", 1)]
    print_table([*columns, Column("NOTES", 2, spare=True)], [_download_row(one) for one in found])
    say(f"{counted(place['total'], 'download')}.")


def _product_row(one: Product) -> tuple[str, ...]:
    left = "any" if one.downloads_remaining is None else str(one.downloads_remaining)
    return one.id, one.type, left, (one.expiration_utc_date or "never")[:10], one.name


def _download_row(one: PastDownload) -> tuple[str, ...]:
    notes = " ".join(filter(None, (one.download_details.project_code, one.download_details.download_notes)))
    at = (one.date_downloaded or "")[:16].replace("T", " ")
    return at, one.id, one.product_type, one.size_name, one.user.username, notes


def _notes(one: PastDownload) -> JSON:
    details = one.download_details
    return {"username": one.user.username, "notes": details.download_notes, "project_code": details.project_code}

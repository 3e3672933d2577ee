"""Commands about what a customer has: products, history; and api, for whatever has no command."""

from __future__ import annotations

from typing import Any

import click

from embedkit.api.account import PastDownload, Product
from embedkit.api.parameters import PAGE_SIZE, PAGE_SIZES, ProductType
from embedkit.cli.output import (
    Column,
    again,
    as_json,
    counted,
    number_option,
    open_kit,
    print_json,
    print_table,
    say,
    word_option,
)
from embedkit.models import JSON

PRODUCT = (
    *("id", "type", "name", "agreement_name", "status", "downloads_remaining", "download_limit"),
    *("download_limit_reset_utc_date", "expiration_utc_date", "credits_remaining", "team_credits"),
)
DOWNLOAD = ("id", "date_downloaded", "product_type", "product_id", "agreement_name", "size_name", "license_model")


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
        print_json([{name: getattr(one, name) for name in PRODUCT} for one in found])
        return
    columns = [Column("PRODUCT"), Column("TYPE"), Column("LEFT"), Column("EXPIRES"), Column("NAME", 1)]
    print_table(columns, [_product_row(one) for one in found])
    say(f"{counted(len(found), 'product')}.")


@click.command()
@click.argument("id", metavar="[ID]", required=False)
@click.option("--from", "date_from", metavar="DATE", help="Downloaded on 2026-01-31 or later; without ID.")
@click.option("--to", "date_to", metavar="DATE", help="Downloaded on that day or earlier; without ID.")
@word_option("--product-type", "product_type", ProductType, "Paid for by this")
@number_option("--page", help="Which page, from 1; without ID.")
@click.option(
    "--page-size",
    type=click.Choice([str(size) for size in PAGE_SIZES]),
    metavar="N",
    help=f"Downloads on a page: {', '.join(map(str, PAGE_SIZES))}; {PAGE_SIZE} by default.",
)
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
    place = {"total": page.total, "page": page.page, "page_size": page.page_size}
    _print_downloads(place, page.downloads, json_)
    if page.has_next and not json_:
        say(f"Next: {again(page=page.page + 1)}")


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
        listed = [{name: getattr(one, name) for name in DOWNLOAD} | _notes(one) for one in found]
        print_json({**place, "downloads": listed})
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

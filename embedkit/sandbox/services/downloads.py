"""Downloads: POST /v3/downloads/images/{id}, the files themselves, and past downloads and purchases.

Files have signed URLs, valid for a day, that look like those of delivery.gettyimages.com,
``/xa/<id>.jpg?v=1&c=IWSAsset&k=3&…``; on the sandbox's own origin, they are under ``/delivery``. They need no key.
The customer's company has no other users: ``company_downloads`` returns the customer's own downloads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from urllib.parse import urlsplit

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset, Find, invent
from embedkit.sandbox.content.pictures import Size, color_of, sizes, write_jpeg
from embedkit.sandbox.services.account import PRODUCTS, DownloadRecord, History, Product
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import (
    APIError,
    Call,
    Reply,
    boolean,
    choice,
    code_error,
    integer,
    json_body,
    json_reply,
    message_error,
    parameter_error,
)
from embedkit.sandbox.services.images import missing_image
from embedkit.sandbox.services.parameters import as_date, paginate, paging, query_params
from embedkit.sandbox.services.urls import sign, site_urls

HOST = "delivery.gettyimages.com"
LIFETIME_S = 86_400  # [doc]
PRIVATE = (("Cache-Control", "private, no-store"), ("X-Content-Type-Options", "nosniff"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Signs the URLs of files, and serves the files."""

    config: SandboxConfig
    find: Find
    clock: Callable[[], float]

    def url(self, asset: Asset, size: Size, origin: str) -> str:
        """Return the URL of a file, valid for a day; on Getty's host if the API was called on Getty's."""
        path = f"/xa/{asset.id}.jpg"
        query = f"v=1&c=IWSAsset&k=3&h={size.height}&e={int(self.clock()) + LIFETIME_S}"
        base = f"https://{HOST}" if urlsplit(origin).netloc.endswith(".gettyimages.com") else f"{origin}/delivery"
        return f"{base}{path}?{query}&d={self._signature(path, query)}"

    def __call__(self, call: Call) -> Reply:
        """Serve the file; 403 for a URL that was changed or is older than a day."""
        path = call.path.removeprefix("/delivery")
        query, _, mark = call.query.partition("&d=")
        if not compare_digest(mark.encode("utf-8", "replace"), self._signature(path, query).encode()):
            return _access_denied("This URL was changed.")
        if int(call.params["e"]) <= self.clock():
            return _access_denied("This URL has expired.")
        asset = self.find(path.removeprefix("/xa/").removesuffix(".jpg"))
        if asset is None or asset.withdrawn:
            return Reply(404, "text/plain; charset=utf-8", b"There is no such file.\n", PRIVATE)
        size = next(size for size in sizes(asset) if str(size.height) == call.params["h"])
        headers = (*PRIVATE, ("Content-Disposition", f"attachment; filename=GettyImages-{asset.id}.jpg"))
        return Reply(type="image/jpeg", body=image_file(asset, size), headers=headers)

    def _signature(self, path: str, query: str) -> str:
        return sign(self.config.secret, f"delivery {path}", query).rstrip("=")


def image_file(asset: Asset, size: Size) -> bytes:
    """Return a JPEG in the picture's main color, darker towards the bottom, with a description in its comment."""
    red, green, blue = top = color_of(asset)
    bottom = red // 2, green // 2, blue // 2
    comment = re.sub(
        r"[\x00-\x1f\x7f]", " ", f"{asset.id}: {asset.title} ({asset.photographer}). A made-up picture."
    )
    return write_jpeg(size.width, size.height, top, bottom, comment).ljust(size.bytes, b"\0")  # pads after the end


def _access_denied(why: str) -> Reply:
    return Reply(403, "text/plain; charset=utf-8", f"Access denied. {why}\n".encode(), PRIVATE)


PRODUCT_TYPES = (
    *("easyaccess", "editorialsubscription", "imagepack", "premiumaccess"),
    *("royaltyfreesubscription", "creditpack", "aigen"),
)
FILE_TYPES = ("eps", "jpg")
THUMBNAIL = "170x170"
PURCHASES = (("83454804", "2026-03-02T10:15:00Z"), ("74917285", "2025-11-20T16:40:00Z"))
FIRST_ORDER = 1_000_002
TEST_IMAGE = "600000000"  # "This static test image is not the actual asset image"


@dataclass(frozen=True, slots=True)
class Downloads:
    """Handlers for downloads and purchases."""

    config: SandboxConfig
    find: Find
    clock: Callable[[], float]
    delivery: Delivery
    history: History

    def image(self, call: Call, caller: Caller) -> Reply:
        """POST /v3/downloads/images/{id}: a redirect to the file, or its URL, depending on auto_download."""
        return self._answer(call, caller, automatic=self.config.rules.downloads_at_once)

    def legacy_image(self, call: Call, caller: Caller) -> Reply:
        """POST /v3/downloads/{id}, which existed until 2018: a redirect to the file."""
        return self._answer(call, caller, automatic=True)

    def _answer(self, call: Call, caller: Caller, *, automatic: bool) -> Reply:
        automatic = boolean(call.params, "auto_download", automatic)
        boolean(call.params, "use_team_credits", False)
        url = self._url(call, caller, self._asset(call.path.rsplit("/", 1)[-1]))
        status = self.config.rules.redirect
        return Reply(status, "", headers=(("Location", url),)) if automatic else json_reply({"uri": url})

    def _url(self, call: Call, caller: Caller, asset: Asset) -> str:
        """Record a download and return the file's URL."""
        if not caller.licensed:
            raise _not_licensed(caller, self.config)
        product, size = _product(call.params, asset), _size(call.params, asset)
        if not caller.user:  # a test key: nothing is bought
            static = invent(TEST_IMAGE)
            return self.delivery.url(static, sizes(static)[0], call.origin)
        if not self.config.redownloads or not self.history.has(caller.user, asset, product):
            self.history.add(self._record(call, caller, asset, product, size), self.config.download_limit)
        return self.delivery.url(asset, size, call.origin)

    def list_downloads(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/downloads: newest first."""
        params = call.params
        boolean(params, "company_downloads", False)
        page, size = paging(params, self.config)
        found = list(_matching(self.history.of(caller.user), params))
        shown = _documents(paginate(found, page, size, self.config), call)
        return json_reply({"result_count": len(found), "downloads": shown})

    def image_history(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/images/{id}/downloadhistory."""
        boolean(call.params, "company_downloads", False)
        asset = self._asset(call.path.split("/")[3])
        found = [record for record in self.history.of(caller.user) if record.asset.id == asset.id]
        return json_reply({"id": asset.id, "downloads": _documents(found, call)})

    def purchased(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/purchased-assets: purchases on the website, not through this API; newest first."""
        params = query_params(call)
        boolean(params, "company_purchases", False)
        page, size = paging({"page_size": "75"} | params, self.config)
        first, last = (as_date(params, name) if params.get(name) else None for name in ("date_from", "date_to"))
        found = [
            (number, asset)
            for number, (asset_id, at) in enumerate(PURCHASES)
            if (asset := self.find(asset_id)) and _is_within(datetime.fromisoformat(at), first, last)
        ]
        shown = [self._purchase(*one, call, caller) for one in paginate(found, page, size, self.config)]
        return json_reply({"result_count": len(found), "previous_purchases": shown})

    def _purchase(self, number: int, asset: Asset, call: Call, caller: Caller) -> JSON:
        size, order = sizes(asset)[0], FIRST_ORDER - number
        return {
            "date_purchased": PURCHASES[number][1],
            "purchased_by": caller.user,
            "asset_id": asset.id,
            "asset_type": "image",
            "license_model": asset.license_model,
            "order_id": str(order) if self.config.rules.text_order_ids else order,
            "thumb_uri": site_urls(call.origin).display(asset, THUMBNAIL),
            "size_name": size.name,
            "file_size_in_bytes": str(size.bytes),
            "download_uri": f"{call.origin}/v3/downloads/images/{asset.id}",
        }

    def _asset(self, asset_id: str) -> Asset:
        asset = self.find(asset_id)
        if asset is None or asset.withdrawn:
            raise missing_image([asset_id], asset, self.config)
        return asset

    def _record(self, call: Call, caller: Caller, asset: Asset, product: Product, size: Size) -> DownloadRecord:
        at = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return DownloadRecord(at, caller.user, asset, product, size, *_details(call))


def _is_within(at: datetime, first: datetime | None, last: datetime | None) -> bool:
    return (first is None or first <= at) and (last is None or at <= last)


def _not_licensed(caller: Caller, config: SandboxConfig) -> APIError:
    """Return the error for a caller without an agreement: the gateway's 401 in 2026, 403 before."""
    if config.rules.unlicensed == 403:
        return APIError(403, None)
    if not caller.user:
        return code_error(403, "UserTokenRequired", "A user token is required.")
    return message_error(401, "Unauthorized")


def _details(call: Call) -> tuple[str | None, str | None]:
    """Return notes and project code. Official clients send ``null``, documented examples a single quote."""
    body = json_body(call)
    if not isinstance(body, dict):
        return None, None
    notes, project = body.get("download_notes"), body.get("project_code")
    return (notes if isinstance(notes, str) else None), (project if isinstance(project, str) else None)


def _product(params: Mapping[str, str], asset: Asset) -> Product:
    """Return the product to use: the requested one, or the first that covers the picture."""
    kind, number = choice(params, "product_type", PRODUCT_TYPES), integer(params, "product_id", 0)
    if number and not kind:
        raise code_error(400, "MissingRequiredQueryParameters", "product_id goes with a product_type.")
    for product in PRODUCTS:
        if product.covers(asset) and kind in ("", product.type) and number in (0, product.id):
            return product
    raise code_error(
        403, "NoAccessToProductType", "You are not authorized to download this image with this product."
    )


def _size(params: Mapping[str, str], asset: Asset) -> Size:
    """Return the size with the requested height, or the largest. There are no vector files."""
    height = integer(params, "height", 0)
    found = [size for size in sizes(asset) if height in (0, size.height)]
    if not found or choice(params, "file_type", FILE_TYPES) == "eps":
        raise code_error(404, "FileDownloadSizeNotFound", f"There is no such file of the image: {asset.id}")
    return found[0]


def _matching(records: Iterator[DownloadRecord], params: Mapping[str, str]) -> Iterator[DownloadRecord]:
    timed, kind = boolean(params, "use_time", False), choice(params, "product_type", PRODUCT_TYPES)
    first, last = (_sortable_date(params, name, timed) for name in ("date_from", "date_to"))
    for record in records:
        at = record.at.rstrip("Z") if timed else record.at[:10]
        if kind in ("", record.product.type) and (not first or first <= at) and (not last or at <= last):
            yield record


def _sortable_date(params: Mapping[str, str], name: str, timed: bool) -> str:
    """Return a date in sortable form: to the day or, with use_time, to the second; in UTC if it has an offset."""
    if not (text := params.get(name, "")):
        return ""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise parameter_error(name, f"The value '{text}' is not valid for DateTime.") from None
    return moment.isoformat(timespec="seconds")[:19] if timed else moment.date().isoformat()


def _documents(records: Iterable[DownloadRecord], call: Call) -> list[JSON]:
    hosts = site_urls(call.origin)
    return [record.document(hosts.display(record.asset, THUMBNAIL)) for record in records]

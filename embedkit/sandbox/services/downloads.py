"""Downloads: POST /v3/downloads/images/{id}, and what was downloaded before.

Two colleagues of one company are more than the sandbox has: ``company_downloads`` gives the customer's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.delivery import Delivery
from embedkit.sandbox.services.errors import Refused, coded, invalid
from embedkit.sandbox.services.history import History, Record
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.products import PRODUCTS, Product
from embedkit.sandbox.services.reading import flag, json_body, whole, word
from embedkit.sandbox.services.sizes import Size, sizes
from embedkit.sandbox.services.urls import addresses

TYPES = (
    *("easyaccess", "editorialsubscription", "imagepack", "premiumaccess"),
    *("royaltyfreesubscription", "creditpack", "aigen"),
)
THUMBNAIL = "170x170"
MOST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Downloads:
    """The handlers."""

    config: SandboxConfig
    find: Callable[[str], Asset | None]
    clock: Callable[[], float]
    delivery: Delivery
    history: History

    def image(self, call: Call, caller: Caller) -> Reply:
        """POST /v3/downloads/images/{id}: 303 to the file, or its address where auto_download is false."""
        params, asset = call.params, self._asset(call.path.rsplit("/", 1)[-1])
        if not caller.licensed:
            raise Refused(403, None)  # seen in 2014
        automatic = flag(params, "auto_download", True)
        flag(params, "use_team_credits", False)
        product, size = _product(params, asset), _size(params, asset)
        self.history.add(self._record(call, caller, asset, product, size), self.config.download_limit)
        address = self.delivery.address(asset, size, call.origin)
        return Reply(303, "", headers=(("Location", address),)) if automatic else json_reply({"uri": address})

    def past(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/downloads: the latest first."""
        params = call.params
        flag(params, "company_downloads", False)
        page, size = whole(params, "page", 1), whole(params, "page_size", 30, most=MOST_PAGE)
        found = list(_wanted(self.history.of(caller.user), params))
        shown = _shown(found[(page - 1) * size : page * size], call)
        return json_reply({"result_count": len(found), "downloads": shown})

    def past_of_one(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/images/{id}/downloadhistory."""
        flag(call.params, "company_downloads", False)
        asset = self._asset(call.path.split("/")[3])
        found = [record for record in self.history.of(caller.user) if record.asset.id == asset.id]
        return json_reply({"id": asset.id, "downloads": _shown(found, call)})

    def _asset(self, asset_id: str) -> Asset:
        asset = self.find(asset_id)
        if asset is None or asset.withdrawn:
            raise coded(404, "ImageNotFound", f"Image not found: {asset_id}")
        return asset

    def _record(self, call: Call, caller: Caller, asset: Asset, product: Product, size: Size) -> Record:
        at = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Record(at, caller.user, asset, product, size, *_details(call))


def _details(call: Call) -> tuple[str | None, str | None]:
    """Notes and project code. Official clients send ``null``, documented examples a lone quote, others nothing."""
    said = json_body(call)
    if not isinstance(said, dict):
        return None, None
    notes, project = said.get("download_notes"), said.get("project_code")
    return (notes if isinstance(notes, str) else None), (project if isinstance(project, str) else None)


def _product(params: Mapping[str, str], asset: Asset) -> Product:
    """The agreement that pays: the one that is named, or the first that covers the picture."""
    kind, number = word(params, "product_type", TYPES), whole(params, "product_id", 0)
    if number and not kind:
        raise coded(400, "MissingRequiredQueryParameters", "product_id goes with a product_type.")
    for product in PRODUCTS:
        if product.covers(asset) and kind in ("", product.type) and number in (0, product.id):
            return product
    raise coded(403, "NoAccessToProductType", "You are not authorized to download this image with this product.")


def _size(params: Mapping[str, str], asset: Asset) -> Size:
    """The size of that height, or the largest. There are no vector files."""
    height = whole(params, "height", 0)
    found = [size for size in sizes(asset) if height in (0, size.height)]
    if not found or word(params, "file_type", ("eps", "jpg")) == "eps":
        raise coded(404, "FileDownloadSizeNotFound", f"There is no such file of the image: {asset.id}")
    return found[0]


def _wanted(records: Iterator[Record], params: Mapping[str, str]) -> Iterator[Record]:
    timed, kind = flag(params, "use_time", False), word(params, "product_type", TYPES)
    first, last = (_moment(params, name, timed) for name in ("date_from", "date_to"))
    for record in records:
        at = record.at.rstrip("Z") if timed else record.at[:10]
        if kind in ("", record.product.type) and (not first or first <= at) and (not last or at <= last):
            yield record


def _moment(params: Mapping[str, str], name: str, timed: bool) -> str:
    """A day, or with use_time a second, in a form that sorts; a zone is taken into account."""
    if not (text := params.get(name, "")):
        return ""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise invalid(name, f"The value '{text}' is not valid for DateTime.") from None
    return moment.isoformat(timespec="seconds")[:19] if timed else moment.date().isoformat()


def _shown(records: Iterable[Record], call: Call) -> list[JSON]:
    hosts = addresses(call.origin)
    return [record.document(hosts.display(record.asset, THUMBNAIL)) for record in records]

"""Products, the current customer, the download history, the asset-change feed and usage reports.

GET /v3/products and /v3/customers/current; /v3/asset-changes, the feed of new, changed and deleted assets, whose
batches are returned again until they are confirmed; and PUT /v3/usage-batches/{id}.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset, Find
from embedkit.sandbox.content.pictures import Size, sizes
from embedkit.sandbox.content.texts import Family
from embedkit.sandbox.services.auth import APPLICATIONS, Caller
from embedkit.sandbox.services.config import Era, SandboxConfig
from embedkit.sandbox.services.http import (
    Call,
    Reply,
    code_error,
    integer,
    json_body,
    json_reply,
    not_authorized_error,
    parameter_error,
)


@dataclass(frozen=True, slots=True)
class Product:
    """A download agreement. ``family`` is the only asset family it covers; None for both."""

    id: int
    type: str
    name: str
    family: Family | None = None

    def covers(self, asset: Asset) -> bool:
        return self.family in (None, asset.family)


PRODUCTS = (
    Product(50001, "premiumaccess", "Premium Access"),
    Product(50002, "easyaccess", "Easy-access"),
    Product(50003, "editorialsubscription", "Editorial Subscription", "editorial"),
    Product(50004, "imagepack", "UltraPack Large", "creative"),
)
# the response of GET /v3/customers/current
CUSTOMER: JSON = {"first_name": "Sanna", "middle_name": "", "last_name": "Boxer"}


def products_for(asset: Asset) -> tuple[Product, ...]:
    """Return the products that cover a picture."""
    return tuple(product for product in PRODUCTS if product.covers(asset))


def offers(asset: Asset, call: Call, rules: Era) -> list[JSON]:
    """Return a picture's products as download links, as in the fields ``downloads`` and ``largest_downloads``."""
    place = "downloads" if rules.offers == "files" else "downloads/images"
    uri = f"{call.origin}/v3/{place}/{asset.id}"
    found = products_for(asset)
    if rules.offers != "agreements":
        return [{"product_type": product.type, "uri": uri} for product in found]
    return [
        {
            "product_id": str(product.id),
            "product_type": product.type,
            "uri": uri,
            "agreement_name": product.name,
        }
        for product in found
    ]


MAX_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """A past download. ``at`` is ISO 8601 in UTC; ``notes`` and ``project`` were supplied by the customer."""

    at: str
    user: str
    asset: Asset
    product: Product
    size: Size
    notes: str | None
    project: str | None

    @property
    def line(self) -> str:
        """The record as a line of the history file."""
        parts = (self.at, self.user, self.asset.id, self.product.id, self.size.height, self.notes, self.project)
        return json.dumps(parts)

    def document(self, thumbnail: str) -> JSON:
        """Return the record as the API returns it."""
        return {
            "date_downloaded": self.at,
            "id": self.asset.id,
            "asset_type": "image",
            "product_type": self.product.type,
            "thumb_uri": thumbnail,
            "agreement_name": self.product.name,
            "product_id": self.product.id,
            "download_details": {"download_notes": self.notes, "project_code": self.project},
            "download_source": "api",
            "user": {"username": self.user, **CUSTOMER},
            "size_name": self.size.name,
            "dimensions": {"width": self.size.width, "height": self.size.height, "dpi": 300},
            "license_model": self.asset.license_model,
        }


class History:
    """The download history, newest first. Thread-safe.

    :param path: the file that stores it; empty keeps it in memory only.
    """

    def __init__(self, path: str, find: Find) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._records: deque[DownloadRecord] = deque(maxlen=MAX_RECORDS)
        self._counts: Counter[tuple[str, int]] = Counter()
        for record in _read_records(path, find):
            self._remember(record)

    def add(self, record: DownloadRecord, maximum: int) -> None:
        """Add a download.

        :param maximum: downloads that a customer has per product; 0 for no limit.
        :raises APIError: the customer has used them up.
        """
        counted = record.user, record.product.id
        with self._lock:
            if 0 < maximum <= self._counts[counted]:
                raise code_error(
                    403, "OverageLimitReached", "The download limit of this product has been reached."
                )
            if self._path:
                with open(self._path, "a", encoding="utf-8") as file:
                    file.write(f"{record.line}\n")
            self._remember(record)

    def _remember(self, record: DownloadRecord) -> None:
        self._counts[record.user, record.product.id] += 1
        self._records.appendleft(record)

    def has(self, user: str, asset: Asset, product: Product) -> bool:
        """Return whether a customer has downloaded a picture with a product."""
        return any((record.asset.id, record.product) == (asset.id, product) for record in self.of(user))

    def of(self, user: str) -> Iterator[DownloadRecord]:
        with self._lock:
            return iter([record for record in self._records if record.user == user])

    def count_of(self, user: str, product: Product) -> int:
        """Return the number of a customer's downloads with a product."""
        with self._lock:
            return self._counts[user, product.id]


def _read_records(path: str, find: Find) -> Iterator[DownloadRecord]:
    if not path or not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        for at, user, asset_id, product_id, height, notes, project in map(json.loads, file):
            if asset := find(asset_id):
                product = next(one for one in PRODUCTS if one.id == product_id)
                size = next(one for one in sizes(asset) if one.height == height)
                yield DownloadRecord(at, user, asset, product, size, notes, project)


REQUIREMENTS = "download_requirements"


@dataclass(frozen=True, slots=True)
class Account:
    """Handlers for products and the current customer."""

    config: SandboxConfig
    history: History

    def products(self, call: Call, caller: Caller) -> Reply:
        """GET /v3/products: none for an application without a customer (seen with client credentials)."""
        fields = {field.strip() for field in call.params.get("fields", "").split(",") if field.strip()}
        if unknown := fields - {REQUIREMENTS}:
            raise parameter_error("fields", f"The value '{min(unknown)}' is not valid.")
        held = PRODUCTS if caller.licensed else ()
        return json_reply({"products": [self._document(one, caller, detailed=bool(fields)) for one in held]})

    def customer(self, call: Call, caller: Caller) -> Reply:  # noqa: ARG002
        """GET /v3/customers/current."""
        return json_reply(CUSTOMER)

    def _document(self, product: Product, caller: Caller, *, detailed: bool) -> JSON:
        limit = self.config.download_limit
        left = max(0, limit - self.history.count_of(caller.user, product)) if limit else None
        needed = {"is_note_required": False, "is_project_code_required": False, "project_codes": []}
        return {
            "application_website": "gettyimages",
            "credits_remaining": None,
            "download_limit": limit or None,
            "download_limit_duration": None,
            "download_limit_reset_utc_date": None,
            "downloads_remaining": left,
            "expiration_utc_date": None,
            "id": product.id,
            "name": product.name,
            "status": "active",
            "type": product.type,
            **({REQUIREMENTS: needed} if detailed else {}),
            "agreement_name": product.name,
            "imagepack_resolution": "Large" if product.type == "imagepack" else None,
            "team_credits": None,
        }


Lifecycle = Literal["New", "Update", "Delete"]
CHANNELS = {1: "Editorial", 2: "Creative"}  # one per family since March 2025
MAX_BATCH = 2_200
NO_DATE = "0001-01-01T00:00:00Z"  # the contract does not allow null; this is .NET's default date [inf]
KEPT_S = 60 * 86_400  # "Notifications older than 60 days will be removed"


@dataclass(frozen=True, slots=True)
class Change:
    """A notification in the feed. ``at`` is in seconds since the epoch."""

    at: float
    lifecycle: Lifecycle
    asset_id: str

    def document(self, origin: str) -> JSON:
        """Return the notification as the API returns it."""
        return {
            "asset_changed_utc_datetime": _isoformat(self.at),
            "asset_lifecycle": self.lifecycle,
            "asset_type": "Image",
            "id": self.asset_id,
            "uri": f"{origin}/v3/images/{self.asset_id}",
        }


def _isoformat(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class AssetChanges:
    """The asset-change feed, shared by all partners, and its handlers. Thread-safe.

    :param clock: returns seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: dict[int, list[Change]] = {channel: [] for channel in CHANNELS}
        self._unconfirmed: dict[int, tuple[int, int]] = {}  # by channel: ID and length of the current batch
        self._batches = 0

    def record(self, asset: Asset, lifecycle: Lifecycle) -> None:
        """Add a change to the channel of the asset's family."""
        channel = next(number for number, family in CHANNELS.items() if family.lower() == asset.family)
        with self._lock:
            self._pending[channel].append(Change(self._clock(), lifecycle, asset.id))

    def channels(self, _: Call, caller: Caller) -> Reply:
        """GET /v3/asset-changes/channels."""
        _check_partner(caller)
        with self._lock:
            self._drop_old()
            return json_reply([self._channel(number) for number in CHANNELS])

    def next_batch(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/asset-changes/change-sets: a new batch (201), or the previous one (200) until confirmed."""
        _check_partner(caller)
        channel = integer(call.params, "channel_id", 0, minimum=0)
        maximum = integer(call.params, "batch_size", MAX_BATCH, maximum=MAX_BATCH)
        with self._lock:
            self._drop_old()
            if channel not in CHANNELS:
                raise code_error(404, "ChannelNotFound", "The channel you specified does not exist")
            status = 200 if channel in self._unconfirmed else 201
            return self._batch(channel, maximum, status, call.origin)

    def confirm(self, call: Call, caller: Caller) -> Reply:
        """DELETE /v3/asset-changes/change-sets/{change-set-id}."""
        _check_partner(caller)
        asked = call.path.rsplit("/", 1)[-1]
        with self._lock:
            for channel, (number, length) in self._unconfirmed.items():
                if asked == str(number):
                    del self._unconfirmed[channel], self._pending[channel][:length]
                    return Reply(200, "")
        raise code_error(404, "ChangeSetNotFound", f"Change set not found: {asked}")

    # -- called with the lock held ----------------------------------------------------------------------

    def _batch(self, channel: int, maximum: int, status: int, origin: str) -> Reply:
        waiting = self._pending[channel]
        if not waiting:  # "an empty response body will be returned"
            return Reply(200, "")
        if status == 201:
            self._batches += 1
            self._unconfirmed[channel] = self._batches, min(maximum, len(waiting))
        number, length = self._unconfirmed[channel]
        shown = [change.document(origin) for change in waiting[:length]]
        return json_reply({"change_set_id": str(number), "changed_assets": shown}, status)

    def _channel(self, number: int) -> JSON:
        waiting = self._pending[number]
        return {
            "ChannelId": number,
            "AssetFamily": CHANNELS[number],
            "AssetChangeType": "All",
            "CreateDateUtc": "2025-03-01T00:00:00Z",
            "NotificationCount": len(waiting),
            "AssetType": "Image",
            "OldestChangeNotificationDateUtc": _isoformat(waiting[0].at) if waiting else NO_DATE,
            "Metadata": "",
        }

    def _drop_old(self) -> None:
        """Drop expired notifications, except from channels with an unconfirmed batch."""
        oldest = self._clock() - KEPT_S
        for channel, waiting in self._pending.items():
            if channel not in self._unconfirmed:
                waiting[:] = [change for change in waiting if change.at >= oldest]


MAX_USAGES = 1_000


class UsageReports:
    """Accepts batches of usage reports, each once and completely or not at all. Thread-safe.

    :param clock: returns seconds since the epoch; usage dates in the future are rejected.
    """

    def __init__(self, find: Find, clock: Callable[[], float]) -> None:
        self._find = find
        self._clock = clock
        self._lock = threading.Lock()
        self._batches: set[str] = set()

    def take(self, call: Call, caller: Caller) -> Reply:
        """PUT /v3/usage-batches/{id}. How the real service treats unknown assets is not documented."""
        if not APPLICATIONS[caller.key].licensed:
            raise code_error(403, "UnauthorizedToReportUsage", "You may not report usage.")
        used = self._read(call)
        batch = call.path.rsplit("/", 1)[-1]
        with self._lock:
            if batch in self._batches:
                raise code_error(409, "TransactionIdDuplicated", f"The batch was reported before: {batch}")
            self._batches.add(batch)
        return json_reply({"invalid_assets": [], "total_asset_usages_processed": len(used)}, 201)

    def _read(self, call: Call) -> list[JSON]:
        body = json_body(call)
        used = body.get("asset_usages") if isinstance(body, dict) else None
        if not isinstance(used, list) or not 0 < len(used) <= MAX_USAGES:
            raise parameter_error("asset_usages", f"Between 1 and {MAX_USAGES} usages are required.")
        today = _isoformat(self._clock())[:10]
        for one in used:
            if not isinstance(one, dict) or not _is_valid_usage(one, today):
                raise parameter_error("asset_usages", f"The value '{one}' is not valid.")
        if unknown := [one["asset_id"] for one in used if not self._find(one["asset_id"])]:
            raise parameter_error("asset_usages", f"No such assets: {', '.join(unknown)}")
        return used


def _is_valid_usage(one: JSON, today: str) -> bool:
    """Return whether a usage has an asset ID, a positive quantity, and a date that is not in the future."""
    asset_id, quantity, day = one.get("asset_id"), one.get("quantity"), one.get("usage_date")
    if not isinstance(asset_id, str) or not isinstance(day, str) or type(quantity) is not int or quantity < 1:
        return False
    try:
        return datetime.fromisoformat(day).date().isoformat() <= today
    except ValueError:
        return False


def _check_partner(caller: Caller) -> None:
    if not APPLICATIONS[caller.key].licensed:
        raise not_authorized_error()

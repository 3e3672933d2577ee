"""What the customer has bought and downloaded, and who that is: GET /v3/products and GET /v3/customers/current."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.pictures import Size
from embedkit.sandbox.content.texts import Family
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import Era, SandboxConfig
from embedkit.sandbox.services.http import Call, Reply, code_error, json_reply, parameter_error


@dataclass(frozen=True, slots=True)
class Product:
    """One agreement. ``family`` is the only one that it covers; None for both."""

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
# as GET /v3/customers/current gives it
CUSTOMER: JSON = {"first_name": "Sanna", "middle_name": "", "last_name": "Boxer"}


def products_for(asset: Asset) -> tuple[Product, ...]:
    """The products that a picture may be downloaded with."""
    return tuple(product for product in PRODUCTS if product.covers(asset))


def offers(asset: Asset, call: Call, rules: Era) -> list[JSON]:
    """The same as links, as the fields ``downloads`` and ``largest_downloads`` have them, with IDs as strings."""
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
class Record:
    """One download. ``at`` is ISO 8601 in UTC; ``notes`` and ``project`` are the customer's own remarks."""

    at: str
    user: str
    asset: Asset
    product: Product
    size: Size
    notes: str | None
    project: str | None

    def document(self, thumbnail: str) -> JSON:
        """As the API shows it."""
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
    """Remembers downloads, the latest first. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=MAX_RECORDS)
        self._counts: Counter[tuple[str, int]] = Counter()

    def add(self, record: Record, most: int) -> None:
        """Keep one more.

        :param most: downloads of a product that a customer has; 0 for any number.
        :raises APIError: where they are count_of up.
        """
        counted = record.user, record.product.id
        with self._lock:
            if 0 < most <= self._counts[counted]:
                raise code_error(
                    403, "OverageLimitReached", "The download limit of this product has been reached."
                )
            self._counts[counted] += 1
            self._records.appendleft(record)

    def of(self, user: str) -> Iterator[Record]:
        with self._lock:
            return iter([record for record in self._records if record.user == user])

    def count_of(self, user: str, product: Product) -> int:
        """How many downloads of a product a customer has made."""
        with self._lock:
            return self._counts[user, product.id]


REQUIREMENTS = "download_requirements"


@dataclass(frozen=True, slots=True)
class Account:
    """The handlers."""

    config: SandboxConfig
    history: History

    def products(self, call: Call, caller: Caller) -> Reply:
        """Every product; none for an application on its own (seen with client credentials)."""
        fields = {field.strip() for field in call.params.get("fields", "").split(",") if field.strip()}
        if unknown := fields - {REQUIREMENTS}:
            raise parameter_error("fields", f"The value '{min(unknown)}' is not valid.")
        held = PRODUCTS if caller.licensed else ()
        return json_reply({"products": [self._document(one, caller, detailed=bool(fields)) for one in held]})

    def customer(self, call: Call, caller: Caller) -> Reply:  # noqa: ARG002
        """The customer's name."""
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

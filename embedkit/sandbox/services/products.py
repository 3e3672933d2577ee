"""What the sandbox's customer has bought, and which pictures that covers; who that customer is."""

from __future__ import annotations

from dataclasses import dataclass

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.texts import Family
from embedkit.sandbox.services.http import Call


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


def covering(asset: Asset) -> tuple[Product, ...]:
    """The products that a picture may be downloaded with."""
    return tuple(product for product in PRODUCTS if product.covers(asset))


def offers(asset: Asset, call: Call) -> list[JSON]:
    """The same as links, as the fields ``downloads`` and ``largest_downloads`` have them: ids are texts there."""
    return [
        {
            "product_id": str(product.id),
            "product_type": product.type,
            "uri": f"{call.origin}/v3/downloads/images/{asset.id}",
            "agreement_name": product.name,
        }
        for product in covering(asset)
    ]

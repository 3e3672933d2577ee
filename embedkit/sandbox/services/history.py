"""What was downloaded: the records behind GET /v3/downloads, and the counts behind the limits of products."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.services.errors import coded
from embedkit.sandbox.services.products import CUSTOMER, Product
from embedkit.sandbox.services.sizes import Size

MOST_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """One download. ``at`` is ISO 8601 in UTC; ``notes`` and ``project`` are what the customer said about it."""

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
        self._records: deque[Record] = deque(maxlen=MOST_RECORDS)
        self._counts: Counter[tuple[str, int]] = Counter()

    def add(self, record: Record, most: int) -> None:
        """Keep one more.

        :param most: downloads of a product that a customer has; 0 for any number.
        :raises Refused: where they are used up.
        """
        counted = record.user, record.product.id
        with self._lock:
            if 0 < most <= self._counts[counted]:
                raise coded(403, "OverageLimitReached", "The download limit of this product has been reached.")
            self._counts[counted] += 1
            self._records.appendleft(record)

    def of(self, user: str) -> Iterator[Record]:
        with self._lock:
            return iter([record for record in self._records if record.user == user])

    def used(self, user: str, product: Product) -> int:
        """How many downloads of a product a customer has made."""
        with self._lock:
            return self._counts[user, product.id]

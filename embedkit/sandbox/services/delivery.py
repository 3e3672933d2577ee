"""Where downloads lead: signed addresses that live for a day, with a JPEG behind each.

They look like those of delivery.gettyimages.com: ``/xa/<id>.jpg?v=1&c=IWSAsset&k=3&…``. On an origin of the
sandbox's own they are under ``/delivery``. They need no key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import urlsplit

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.pictures import colour_of
from embedkit.sandbox.services import jpeg
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Reply
from embedkit.sandbox.services.signatures import sign
from embedkit.sandbox.services.sizes import Size, sizes

HOST = "delivery.gettyimages.com"
LIFE = 86_400  # seconds [doc]
PRIVATE = (("Cache-Control", "private, no-store"), ("X-Content-Type-Options", "nosniff"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Makes the addresses, and answers at them."""

    config: SandboxConfig
    find: Callable[[str], Asset | None]
    clock: Callable[[], float]

    def address(self, asset: Asset, size: Size, origin: str) -> str:
        """Where a file is for a day from now; on Getty's host if the API was asked as Getty's."""
        path = f"/xa/{asset.id}.jpg"
        query = f"v=1&c=IWSAsset&k=3&h={size.height}&e={int(self.clock()) + LIFE}"
        base = f"https://{HOST}" if urlsplit(origin).netloc.endswith(".gettyimages.com") else f"{origin}/delivery"
        return f"{base}{path}?{query}&d={self._mark(path, query)}"

    def __call__(self, call: Call) -> Reply:
        """GET: the file; 403 for an address that was changed, or is older than a day."""
        path = call.path.removeprefix("/delivery")
        query, _, mark = call.query.partition("&d=")
        if not compare_digest(mark.encode("utf-8", "replace"), self._mark(path, query).encode()):
            return _denied("This address was changed.")
        if int(call.params["e"]) <= self.clock():
            return _denied("This address has expired.")
        asset = self.find(path.removeprefix("/xa/").removesuffix(".jpg"))
        if asset is None or asset.withdrawn:
            return Reply(404, "text/plain; charset=utf-8", b"There is no such file.\n", PRIVATE)
        size = next(size for size in sizes(asset) if str(size.height) == call.params["h"])
        name = f"gettyimages-{asset.id}-{size.width}x{size.height}.jpg"
        headers = (*PRIVATE, ("Content-Disposition", f'attachment; filename="{name}"'))
        return Reply(type="image/jpeg", body=picture(asset, size), headers=headers)

    def _mark(self, path: str, query: str) -> str:
        return sign(self.config.secret, f"delivery {path}", query).rstrip("=")


def picture(asset: Asset, size: Size) -> bytes:
    """The file: what colour the picture mostly is, darker towards the bottom; and in the comment, what it is."""
    red, green, blue = top = colour_of(asset)
    bottom = red // 2, green // 2, blue // 2
    said = re.sub(r"[\x00-\x1f\x7f]", " ", f"{asset.id}: {asset.title} ({asset.photographer}). A made-up picture.")
    return jpeg.write(size.width, size.height, top, bottom, said).ljust(size.bytes, b"\0")  # after its end


def _denied(why: str) -> Reply:
    return Reply(403, "text/plain; charset=utf-8", f"Access denied. {why}\n".encode(), PRIVATE)

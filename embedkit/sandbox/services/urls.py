"""URLs and their signatures, on the sandbox's own origin or, for requests to the real hosts, on those.

A token is the 16 bytes of a UUIDv4, a signature an HMAC-SHA256 of items and query. The real service's signed text
and key are unknown, but its URLs behave the same: the signature covers the items and the parameters before
``sig``, in their order, but not the parameters after it.
"""

from __future__ import annotations

import hmac
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from embedkit.sandbox.content.catalogue import Asset


def new_token() -> str:
    """Return a random token: 22 characters of base64url, without padding."""
    return _base64(uuid.uuid4().bytes).rstrip("=")


def token_of(text: str) -> str:
    """Return a token of the same form that is derived from a text."""
    made = uuid.UUID(bytes=sha256(text.encode()).digest()[:16], version=4)
    return _base64(made.bytes).rstrip("=")


def sign(secret: str, items: str, query: str) -> str:
    """Return the signature of items and the query before ``&sig``: 44 characters of base64url, with padding."""
    return _base64(hmac.digest(secret.encode(), f"{items}?{query}".encode(), "sha256"))


def is_verified(secret: str, items: str, query: str) -> bool:
    """Return whether a raw query has ``et`` followed by the correct ``sig`` for these items."""
    signed, mark, rest = query.partition("&sig=")
    given = rest.partition("&")[0].replace("%3D", "=").replace("%3d", "=")
    has_token = any(pair.startswith("et=") and len(pair) > 3 for pair in signed.split("&"))
    right = sign(secret, items, signed)
    return bool(mark) and has_token and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode()


PRODUCTION = "embed.gettyimages.com"
API = "api.gettyimages.com"
TERMS = "http://www.gettyimages.com/Corporate/Terms.aspx"  # in both generations


@dataclass(frozen=True, slots=True)
class SiteURLs:
    """The base URLs in responses. ``frames`` and ``loader`` have no scheme, as in real markup.

    ``images`` is for oEmbed, with http as in real responses; ``displays`` is for the API.
    """

    frames: str
    loader: str
    images: str
    displays: str
    oembed: str

    def picture(self, asset: Asset, side: int) -> str:
        """Return the URL of a picture scaled to fit a square of ``side`` px."""
        return f"{self.images}{picture_path(asset, side)}"

    def display(self, asset: Asset, size: str, kind: str = "jpg") -> str:
        """Return the URL of a picture in an API display size, such as ``612x612`` or ``170667a`` (an area)."""
        mark = token_of(f"display {asset.id} {size}")
        return f"{self.displays}/id/{asset.id}/photo/{asset.slug}.{kind}?b=1&s={size}&w=0&k=20&c={mark}="


def site_urls(origin: str) -> SiteURLs:
    """Return the base URLs for the response to a request to ``origin``."""
    host = urlsplit(origin).netloc
    if host in (PRODUCTION, API):
        return SiteURLs(
            f"//{PRODUCTION}",
            "//embed-cdn.gettyimages.com/widgets.js",
            "http://media.gettyimages.com",
            "https://media.gettyimages.com",
            f"https://{PRODUCTION}/oembed",
        )
    return SiteURLs(f"//{host}", f"//{host}/widgets.js", origin, origin, f"{origin}/oembed")


def picture_path(asset: Asset, side: int) -> str:
    """Return a picture's path, in the style of media.gettyimages.com."""
    mark = token_of(f"picture {asset.id} {side}")
    return f"/id/{asset.id}/photo/{asset.slug}.jpg?s={side}x{side}&w=0&k=20&c={mark}="

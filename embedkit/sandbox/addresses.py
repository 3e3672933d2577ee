"""Where things are: the sandbox's own origin, or the hosts of the real service for requests that name it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from embedkit.sandbox.catalogue import Asset
from embedkit.sandbox.signatures import token_of

PRODUCTION = "embed.gettyimages.com"
TERMS = "http://www.gettyimages.com/Corporate/Terms.aspx"  # in both generations


@dataclass(frozen=True, slots=True)
class Addresses:
    """``frames`` and ``loader`` have no scheme, as in real markup; ``images`` has one."""

    frames: str
    loader: str
    images: str

    def picture(self, asset: Asset, side: int) -> str:
        """The picture scaled to lie within a square of ``side`` px; http, as the real answers have it."""
        return f"{self.images}{picture_path(asset, side)}"


def addresses(origin: str) -> Addresses:
    """The addresses for answers to a request that reached us under ``origin``."""
    parts = urlsplit(origin)
    if parts.netloc == PRODUCTION:
        return Addresses(
            f"//{PRODUCTION}", "//embed-cdn.gettyimages.com/widgets.js", "http://media.gettyimages.com"
        )
    return Addresses(f"//{parts.netloc}", f"//{parts.netloc}/widgets.js", origin)


def picture_path(asset: Asset, side: int) -> str:
    """A path in the manner of media.gettyimages.com."""
    mark = token_of(f"picture {asset.id} {side}")
    return f"/id/{asset.id}/photo/{asset.slug}.jpg?s={side}x{side}&w=0&k=20&c={mark}="

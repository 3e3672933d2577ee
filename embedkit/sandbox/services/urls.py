"""Where things are: the sandbox's own origin, or the hosts of the real service for requests that name it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.services.signatures import token_of

PRODUCTION = "embed.gettyimages.com"
API = "api.gettyimages.com"
TERMS = "http://www.gettyimages.com/Corporate/Terms.aspx"  # in both generations


@dataclass(frozen=True, slots=True)
class Addresses:
    """``frames`` and ``loader`` have no scheme, as in real markup; the others have one.

    ``images`` are those of oEmbed, http as the real answers have it; ``displays`` those of the API.
    """

    frames: str
    loader: str
    images: str
    displays: str
    oembed: str

    def picture(self, asset: Asset, side: int) -> str:
        """The picture scaled to lie within a square of ``side`` px."""
        return f"{self.images}{picture_path(asset, side)}"

    def display(self, asset: Asset, size: str, kind: str = "jpg") -> str:
        """The same in one of the API's display sizes, such as ``612x612`` or ``170667a`` (an area)."""
        mark = token_of(f"display {asset.id} {size}")
        return f"{self.displays}/id/{asset.id}/photo/{asset.slug}.{kind}?b=1&s={size}&w=0&k=20&c={mark}="


def addresses(origin: str) -> Addresses:
    """The addresses for answers to a request that reached us under ``origin``."""
    host = urlsplit(origin).netloc
    if host in (PRODUCTION, API):
        return Addresses(
            f"//{PRODUCTION}",
            "//embed-cdn.gettyimages.com/widgets.js",
            "http://media.gettyimages.com",
            "https://media.gettyimages.com",
            f"https://{PRODUCTION}/oembed",
        )
    return Addresses(f"//{host}", f"//{host}/widgets.js", origin, origin, f"{origin}/oembed")


def picture_path(asset: Asset, side: int) -> str:
    """A path in the manner of media.gettyimages.com."""
    mark = token_of(f"picture {asset.id} {side}")
    return f"/id/{asset.id}/photo/{asset.slug}.jpg?s={side}x{side}&w=0&k=20&c={mark}="

"""In which sizes a picture can be had, and how heavy each is."""

from __future__ import annotations

from dataclasses import dataclass

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.pictures import size_of
from embedkit.sandbox.services import jpeg

NAMES = (("x_small", 594), ("small", 1024), ("medium", 2048), ("large", 4096), ("x_large", 6000))
LARGEST = "xx_large"


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels of a file, and its bytes; the download of it has exactly as many."""

    name: str
    width: int
    height: int
    least: int = 0

    @property
    def bytes(self) -> int:
        return max(self.least, jpeg.weight(self.width, self.height))


def sizes(asset: Asset) -> tuple[Size, ...]:
    """The largest first, which is the original."""
    longest = max(asset.width, asset.height)
    smaller = [Size(name, *size_of(asset, side)) for name, side in NAMES if side < longest]
    whole = next((name for name, side in NAMES if longest <= side), LARGEST)
    return (Size(whole, asset.width, asset.height, asset.file_bytes), *reversed(smaller))

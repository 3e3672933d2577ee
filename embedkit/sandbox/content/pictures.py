"""Pictures that look like something, made up from an asset's id: SVG, without script or outside references."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from html import escape
from typing import NamedTuple

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.library import CONTENT
from embedkit.sandbox.content.rng import Dice

UNIT = 600  # of the drawings' coordinates, along the shortest side
ABOVE = 0.65  # share of what an upright picture has beyond a square that lies above it
LABELLED = 300  # px, from which on the picture carries its title
GREY = '<filter id="grey" color-interpolation-filters="sRGB"><feColorMatrix type="saturate" values="0"/></filter>'
VIGNETTE = (
    '<radialGradient id="vignette"><stop offset=".5" stop-opacity="0"/><stop offset="1" stop-opacity=".38"/>'
    '</radialGradient><rect x="{}" y="{}" width="{}" height="{}" fill="url(#vignette)"/>'
)
Colour = tuple[int, int, int]


class View(NamedTuple):
    """The part of a drawing that is seen: left, top, width and height in its coordinates."""

    left: int
    top: int
    width: int
    height: int


def size_of(asset: Asset, side: int) -> tuple[int, int]:
    """The asset's size within a square, never above the original."""
    scale = min(1.0, side / max(asset.width, asset.height))
    return max(1, round(asset.width * scale)), max(1, round(asset.height * scale))


def side_of(asset: Asset, area: int) -> int:
    """The longest side of the asset at so many pixels in all, as previews are sized, never above the original."""
    longest, shortest = max(asset.width, asset.height), min(asset.width, asset.height)
    return min(longest, max(1, round(math.sqrt(area * longest / shortest))))


def draw(asset: Asset, side: int, *, label: bool = True) -> str:
    """The picture of an asset as an SVG document.

    :param side: px, the longest side of the document; the drawing scales with it.
    :param label: whether a picture of some size shows title, photographer and collection.
    """
    width, height = size_of(asset, side)
    view = _view(asset)
    text = _label(asset, view) if label and side >= LABELLED else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{view.left} {view.top} {view.width} {view.height}" preserveAspectRatio="xMidYMid slice" '
        f'role="img"><title>{_text(asset.title)}</title>'
        f"<desc>{_text(f'{asset.photographer} / {asset.collection}. A made-up picture.')}</desc>"
        f"{_drawn(asset)}{text}</svg>"
    )


def hour_of(asset: Asset) -> str:
    """The hour that the picture is drawn in: one of ``hours.toml``."""
    return _hour(asset, _dice(asset))


@lru_cache(maxsize=4096)
def colour_of(asset: Asset) -> Colour:
    """What the picture is mostly: the mean of its first gradient, the background, as red, green and blue."""
    ground = re.search(r"<(?:linear|radial)Gradient.*?</", _drawn(asset), re.S)
    stops = re.findall(r'stop-color="#(..)(..)(..)"', ground[0] if ground else "")
    red, green, blue = (sum(int(stop[at], 16) for stop in stops) // len(stops) for at in range(3))
    if asset.monochrome:
        red = green = blue = round(0.2126 * red + 0.7152 * green + 0.0722 * blue)  # as the filter does
    return red, green, blue


@lru_cache(maxsize=512)
def _drawn(asset: Asset) -> str:
    dice = _dice(asset)
    hour, turned = _hour(asset, dice), dice.chance(0.5)
    scene = CONTENT.picture(asset.scene, hour, dice)
    drawn = f'<g transform="scale(-1 1)">{scene}</g>' if turned else scene
    drawn += VIGNETTE.format(*_around(_view(asset)))
    return f'{GREY}<g filter="url(#grey)">{drawn}</g>' if asset.monochrome else drawn


def _dice(asset: Asset) -> Dice:
    return Dice(f"picture {asset.id}")


def _view(asset: Asset) -> View:
    shortest = min(asset.width, asset.height)
    width, height = round(UNIT * asset.width / shortest), round(UNIT * asset.height / shortest)
    return View(-width // 2, round(-UNIT / 2 - ABOVE * (height - UNIT)), width, height)


def _around(view: View) -> View:
    """A fifth more on every side."""
    left, top, width, height = view
    return View(round(left - 0.2 * width), round(top - 0.2 * height), round(1.4 * width), round(1.4 * height))


def _hour(asset: Asset, dice: Dice) -> str:
    return CONTENT.hour_of(f"{asset.title} {asset.caption}", dice)


def _label(asset: Asset, view: View) -> str:
    size = max(15, min(view.width, view.height) // 32)
    room = int((view.width - 3 * size) / (size * 0.62))
    low = view.top + view.height
    line = f'x="{view.left + size * 1.4:.0f}" font-family="Helvetica,Arial,sans-serif" fill="#fff"'
    return (
        '<linearGradient id="label" x1="0" y1="0" x2="0" y2="1"><stop stop-opacity="0"/>'
        '<stop offset="1" stop-opacity=".62"/></linearGradient>'
        f'<rect x="{view.left}" y="{low - size * 6}" width="{view.width}" height="{size * 6}" fill="url(#label)"/>'
        f'<text {line} y="{low - size * 2.7:.0f}" font-size="{size * 1.25:.0f}" font-weight="600">'
        f"{_text(_cut(asset.title, int(room * 0.78)))}</text>"
        f'<text {line} y="{low - size * 1.2:.0f}" font-size="{size}" fill-opacity=".85">'
        f"{_text(_cut(f'{asset.photographer} / {asset.collection}', room))}</text>"
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _text(text: str) -> str:
    """Escaped, and without the control characters that XML 1.0 forbids (section 2.2)."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text))

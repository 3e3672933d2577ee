"""Pictures that look like something, made up from an asset's id: SVG, without script or outside references."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from html import escape

from embedkit.sandbox.catalogue import Asset
from embedkit.sandbox.dice import Dice
from embedkit.sandbox.painting import PAINTERS
from embedkit.sandbox.painting.canvas import HOURS, LONGEST, Canvas
from embedkit.sandbox.painting.figures import SKINS

# the hour a title speaks of, and how it is painted
WORDS = (
    (r"dawn|sunrise|first light|morning", "dawn"),
    (r"dusk|sunset|last light|blue hour|settles", "dusk"),
    (r"night", "night"),
    (r"evening|golden|autumn", "golden"),
    (r"fog|mist", "mist"),
)
LABELLED = 300  # px, from which on the picture carries its title
GREY = '<filter id="grey" color-interpolation-filters="sRGB"><feColorMatrix type="saturate" values="0"/></filter>'
Colour = tuple[int, int, int]


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
    wide, high = _view(asset)
    text = _label(asset, wide, high) if label and side >= LABELLED else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {wide} {high}" '
        f'preserveAspectRatio="xMidYMid slice" role="img"><title>{_text(asset.title)}</title>'
        f"<desc>{_text(f'{asset.photographer} / {asset.collection}. A made-up picture.')}</desc>"
        f"{_painted(asset)}{text}</svg>"
    )


def hour_of(asset: Asset) -> str:
    """The hour that the picture is painted in: one of :data:`HOURS`."""
    return _hour(asset, _dice(asset))


@lru_cache(maxsize=2048)
def colour_of(asset: Asset) -> Colour:
    """What the picture is mostly: the mean of its background, as red, green and blue."""
    ground = re.search(r"<(?:linear|radial)Gradient.*?</", _painted(asset))
    stops = re.findall(r'stop-color="#(..)(..)(..)"', ground[0] if ground else "")
    red, green, blue = (sum(int(stop[at], 16) for stop in stops) // len(stops) for at in range(3))
    if asset.monochrome:
        red = green = blue = round(0.2126 * red + 0.7152 * green + 0.0722 * blue)  # as the filter does
    return red, green, blue


def skin_of(asset: Asset) -> int | None:
    """Which of the painters' tones of skin the first person has; None where nobody is to be seen."""
    at = {_painted(asset).find(f'"{skin}"'): tone for tone, skin in enumerate(SKINS)}
    return at[min(found)] if (found := [place for place in at if place >= 0]) else None


@lru_cache(maxsize=512)
def _painted(asset: Asset) -> str:
    dice = _dice(asset)
    canvas = Canvas(*_view(asset), dice, HOURS[_hour(asset, dice)])
    PAINTERS[asset.scene](canvas)
    canvas.vignette()
    drawn = canvas.svg()
    return f'{GREY}<g filter="url(#grey)">{drawn}</g>' if asset.monochrome else drawn


def _dice(asset: Asset) -> Dice:
    return Dice(f"picture {asset.id}")


def _view(asset: Asset) -> tuple[int, int]:
    longest = max(asset.width, asset.height)
    return round(LONGEST * asset.width / longest), round(LONGEST * asset.height / longest)


def _hour(asset: Asset, dice: Dice) -> str:
    told = f"{asset.title} {asset.caption}".lower()
    for words, hour in WORDS:
        if re.search(words, told):
            return hour
    return dice.pick(("dawn", "day", "day", "golden", "dusk"))


def _label(asset: Asset, wide: int, high: int) -> str:
    size = max(15, min(wide, high) // 32)
    room = int((wide - 3 * size) / (size * 0.62))
    line = f'x="{size * 1.4:.0f}" font-family="Helvetica,Arial,sans-serif" fill="#fff"'
    return (
        '<linearGradient id="label" x1="0" y1="0" x2="0" y2="1"><stop stop-opacity="0"/>'
        '<stop offset="1" stop-opacity=".62"/></linearGradient>'
        f'<rect y="{high - size * 6}" width="{wide}" height="{size * 6}" fill="url(#label)"/>'
        f'<text {line} y="{high - size * 2.7:.0f}" font-size="{size * 1.25:.0f}" font-weight="600">'
        f"{_text(_cut(asset.title, int(room * 0.78)))}</text>"
        f'<text {line} y="{high - size * 1.2:.0f}" font-size="{size}" fill-opacity=".85">'
        f"{_text(_cut(f'{asset.photographer} / {asset.collection}', room))}</text>"
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _text(text: str) -> str:
    """Escaped, and without the control characters that XML 1.0 forbids (section 2.2)."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text))

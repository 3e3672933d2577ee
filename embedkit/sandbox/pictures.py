"""Pictures that look like something, made up from an asset's id: SVG, without script or outside references."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from embedkit.sandbox.catalogue import Asset
from embedkit.sandbox.dice import Dice
from embedkit.sandbox.painting import PAINTERS
from embedkit.sandbox.painting.canvas import HOURS, LONGEST, Canvas, Palette

# the hour a title speaks of, and how it is painted
WORDS = (
    (r"dawn|sunrise|first light|morning", "dawn"),
    (r"dusk|sunset|last light|blue hour|settles", "dusk"),
    (r"night", "night"),
    (r"evening|golden|autumn", "golden"),
    (r"fog|mist", "mist"),
)
LABELLED = 300  # px, from which on the picture carries its title


def size_of(asset: Asset, side: int) -> tuple[int, int]:
    """The asset's size within a square, never above the original."""
    scale = min(1.0, side / max(asset.width, asset.height))
    return max(1, round(asset.width * scale)), max(1, round(asset.height * scale))


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


@lru_cache(maxsize=512)
def _painted(asset: Asset) -> str:
    dice = Dice(f"picture {asset.id}")
    canvas = Canvas(*_view(asset), dice, _palette(asset, dice))
    PAINTERS[asset.scene](canvas)
    canvas.vignette()
    return canvas.svg()


def _view(asset: Asset) -> tuple[int, int]:
    longest = max(asset.width, asset.height)
    return round(LONGEST * asset.width / longest), round(LONGEST * asset.height / longest)


def _palette(asset: Asset, dice: Dice) -> Palette:
    told = f"{asset.title} {asset.caption}".lower()
    for words, hour in WORDS:
        if re.search(words, told):
            return HOURS[hour]
    return HOURS[dice.pick(("dawn", "day", "day", "golden", "dusk"))]


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

"""Generate an asset's picture from its ID: SVG without scripts or external references, and JPEG files for
downloads.

The JPEG is baseline (ITU-T T.81), written with the standard library only: a gradient from one color at the top to
another at the bottom. Every row of blocks has one color, encoded in its first block; that the other blocks don't
differ from it takes only one bit each. A restart marker aligns each row to a byte, so a row is a few bits followed
by zeros, and writing a picture of 20 megapixels takes milliseconds.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple

from embedkit.sandbox.content.catalogue import Asset
from embedkit.sandbox.content.library import CONTENT, Random

UNIT = 600  # length of the shorter side in the drawings' coordinates
ABOVE = 0.65  # of the space that an upright picture has beyond a square, the share above the square
MIN_LABEL_PX = 300  # smaller pictures have no label
GREY = '<filter id="grey" color-interpolation-filters="sRGB"><feColorMatrix type="saturate" values="0"/></filter>'
VIGNETTE = (
    '<radialGradient id="vignette"><stop offset=".5" stop-opacity="0"/><stop offset="1" stop-opacity=".38"/>'
    '</radialGradient><rect x="{}" y="{}" width="{}" height="{}" fill="url(#vignette)"/>'
)
MAIN_COLORS = 5  # without the background
Color = tuple[int, int, int]


class View(NamedTuple):
    """The visible part of a drawing: left, top, width and height in its coordinates."""

    left: int
    top: int
    width: int
    height: int


def size_of(asset: Asset, side: int) -> tuple[int, int]:
    """Return the asset's size scaled down to fit a square; never larger than the original."""
    scale = min(1.0, side / max(asset.width, asset.height))
    return max(1, round(asset.width * scale)), max(1, round(asset.height * scale))


def side_of(asset: Asset, area: int) -> int:
    """Return the longer side of the asset scaled down to a total number of pixels, as for previews."""
    longest, shortest = max(asset.width, asset.height), min(asset.width, asset.height)
    return min(longest, max(1, round(math.sqrt(area * longest / shortest))))


def draw(asset: Asset, side: int, *, label: bool = True) -> str:
    """Return the picture of an asset as an SVG document.

    :param side: the longer side in px; the drawing scales with it.
    :param label: whether to show title, photographer and collection if the picture is large enough.
    """
    width, height = size_of(asset, side)
    view = _view(asset)
    text = _label(asset, view) if label and side >= MIN_LABEL_PX else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{view.left} {view.top} {view.width} {view.height}" preserveAspectRatio="xMidYMid slice" '
        f'role="img"><title>{_text(asset.title)}</title>'
        f"<desc>{_text(f'{asset.photographer} / {asset.collection}. A made-up picture.')}</desc>"
        f"{_drawn(asset)}{text}</svg>"
    )


def hour_of(asset: Asset) -> str:
    """Return the hour at which the scene is drawn: one of ``hours.toml``."""
    return _hour(asset, _rng(asset))


@lru_cache(maxsize=4096)
def color_of(asset: Asset) -> Color:
    """Return the main color as red, green and blue: the mean of the first gradient, which is the background."""
    ground = re.search(r"<(?:linear|radial)Gradient.*?</", _drawn(asset), re.S)
    stops = re.findall(r'stop-color="#(..)(..)(..)"', ground[0] if ground else "")
    red, green, blue = (sum(int(stop[at], 16) for stop in stops) // len(stops) for at in range(3))
    if asset.monochrome:
        red = green = blue = round(0.2126 * red + 0.7152 * green + 0.0722 * blue)  # as the filter does
    return red, green, blue


@lru_cache(maxsize=4096)
def main_colors(asset: Asset) -> tuple[Color, ...]:
    """Return the colors for searches by color: the background's and the most frequent others."""
    if asset.monochrome:
        return (color_of(asset),)
    painted = Counter(re.findall(r"#([0-9a-f]{6})", _drawn(asset))).most_common(MAIN_COLORS)
    return color_of(asset), *((int(one[:2], 16), int(one[2:4], 16), int(one[4:], 16)) for one, _ in painted)


@lru_cache(maxsize=512)
def _drawn(asset: Asset) -> str:
    rng = _rng(asset)
    hour, turned = _hour(asset, rng), rng.chance(0.5)
    scene = CONTENT.picture(asset.scene, hour, rng)
    drawn = f'<g transform="scale(-1 1)">{scene}</g>' if turned else scene
    drawn += VIGNETTE.format(*_around(_view(asset)))
    return f'{GREY}<g filter="url(#grey)">{drawn}</g>' if asset.monochrome else drawn


def _rng(asset: Asset) -> Random:
    return Random(f"picture {asset.id}")


def _view(asset: Asset) -> View:
    shortest = min(asset.width, asset.height)
    width, height = round(UNIT * asset.width / shortest), round(UNIT * asset.height / shortest)
    return View(-width // 2, round(-UNIT / 2 - ABOVE * (height - UNIT)), width, height)


def _around(view: View) -> View:
    """Return a view enlarged by a fifth on every side."""
    left, top, width, height = view
    return View(round(left - 0.2 * width), round(top - 0.2 * height), round(1.4 * width), round(1.4 * height))


def _hour(asset: Asset, rng: Random) -> str:
    return CONTENT.hour_of(f"{asset.title} {asset.caption}", rng)


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


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _text(text: str) -> str:
    """Escape a text, and remove the control characters that XML 1.0 forbids (section 2.2)."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text))


BLOCK_PX = 16  # four blocks of luminance, and one of each chrominance at half the resolution
COMMENT_BYTES = 256

_APP0 = b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0101, 1, 300, 300, 0, 0)
_QUANTIZATION = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x08" * 64  # steps of 8: one level of the mean
# code lengths, then symbols: category 0 in one bit, 1 to 7 in four, 8 in five; end-of-block in one
_DC = b"\xff\xc4" + struct.pack(">HB", 28, 0x00) + bytes([1, 0, 0, 7, 1, *[0] * 11]) + bytes(range(9))
_AC = b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + bytes([1, *[0] * 15]) + b"\0"
_SCAN = b"\xff\xda" + struct.pack(">HB6B3B", 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)
_START, _END = b"\xff\xd8", b"\xff\xd9"
_FIXED = len(_START + _APP0 + _QUANTIZATION + _DC + _AC + _SCAN + _END) + 19 + 6  # with frame and interval
_FIRST_BLOCK_BITS = 3 * 13 + 3  # of the first block of each component: code, value, end-of-block


def jpeg_bytes(width: int, height: int) -> int:
    """Return the size of :func:`write_jpeg`'s result, without writing it, so that searches can list many sizes."""
    across, down = _blocks(width), _blocks(height)
    longest = (_FIRST_BLOCK_BITS + 6 + 12 * (across - 1) + 7) // 8 + 4  # 0xFF is followed by 0 within a row
    return _FIXED + 4 + COMMENT_BYTES + down * (longest + 2)


@lru_cache(maxsize=16)
def write_jpeg(width: int, height: int, top: Color, bottom: Color, words: str) -> bytes:
    """Return a JPEG of exactly :func:`jpeg_bytes` bytes, with ``words`` in its comment."""
    across, down = _blocks(width), _blocks(height)
    rows = [_row(_between(top, bottom, at / max(1, down - 1)), across) for at in range(down)]
    scan = b"".join(row + _restart(at, down) for at, row in enumerate(rows))
    frame = b"\xff\xc0" + struct.pack(">HBHHB9B", 17, 8, height, width, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
    interval = b"\xff\xdd" + struct.pack(">HH", 4, across)
    left = jpeg_bytes(width, height) - _FIXED - len(scan) - 4
    comment = words.encode()[:COMMENT_BYTES].ljust(left)
    remark = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return b"".join((_START, _APP0, remark, _QUANTIZATION, frame, _DC, _AC, interval, _SCAN, scan, _END))


def _blocks(pixels: int) -> int:
    return -(-pixels // BLOCK_PX)


def _between(top: Color, bottom: Color, share: float) -> Color:
    red, green, blue = (round(one + (other - one) * share) for one, other in zip(top, bottom, strict=True))
    return red, green, blue


def _restart(row: int, rows: int) -> bytes:
    return bytes([0xFF, 0xD0 + row % 8]) if row < rows - 1 else b""


def _row(color: Color, across: int) -> bytes:
    luminance, blue, red = (_difference(value) for value in _components(color))
    first = f"{luminance}0" + "00" * 3 + f"{blue}0{red}0"
    bits = first + "0" * 12 * (across - 1)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def _components(color: Color) -> tuple[int, int, int]:
    """Return Y, Cb and Cr (JFIF 1.02) as steps from the midpoint."""
    red, green, blue = color
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luminance) - 128, round((blue - luminance) / 1.772), round((red - luminance) / 1.402)


def _difference(value: int) -> str:
    """Return the bits of a value: its category and its magnitude, negative ones as complement (T.81, F.1.2.1)."""
    size = abs(value).bit_length()
    if size == 0:
        return "0"
    code = format(7 + size, "04b") if size < 8 else "11110"
    return code + format(value if value > 0 else value + (1 << size) - 1, f"0{size}b")


SIZE_SIDES = (("x_small", 594), ("small", 1024), ("medium", 2048), ("large", 4096), ("x_large", 6000))
LARGEST_SIZE = "xx_large"


@dataclass(frozen=True, slots=True)
class Size:
    """The dimensions of a download, in pixels, and its exact size in bytes."""

    name: str
    width: int
    height: int
    min_bytes: int = 0

    @property
    def bytes(self) -> int:
        return max(self.min_bytes, jpeg_bytes(self.width, self.height))


def sizes(asset: Asset) -> tuple[Size, ...]:
    """Return the available sizes of an asset, the largest first, which is the original."""
    longest = max(asset.width, asset.height)
    smaller = [Size(name, *size_of(asset, side)) for name, side in SIZE_SIDES if side < longest]
    whole = next((name for name, side in SIZE_SIDES if longest <= side), LARGEST_SIZE)
    return (Size(whole, asset.width, asset.height, asset.file_bytes), *reversed(smaller))

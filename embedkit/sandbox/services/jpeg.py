"""The files that downloads deliver: baseline JPEG (ITU-T T.81), written with the standard library alone.

A gradient from one colour at the top to another at the bottom. Every row of blocks has one colour, which
stands in its first block; the others differ from it by nothing, at one bit each. A restart marker begins
each row on a byte of its own, so a row is a handful of bits and a run of zeros: a picture of 20 megapixels
takes milliseconds.
"""

from __future__ import annotations

import struct
from functools import lru_cache

BLOCK = 16  # px: four blocks of luminance, and one of each chrominance at half the resolution
ROOM = 256  # bytes for the words about the picture
Colour = tuple[int, int, int]

_APP0 = b"\xff\xe0" + struct.pack(">H5sHBHHBB", 16, b"JFIF\0", 0x0101, 1, 300, 300, 0, 0)
_QUANTISATION = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x08" * 64  # steps of 8: one level of the mean
# code lengths, then symbols: category 0 in one bit, 1 to 7 in four, 8 in five; and "no more" in one
_DC = b"\xff\xc4" + struct.pack(">HB", 28, 0x00) + bytes([1, 0, 0, 7, 1, *[0] * 11]) + bytes(range(9))
_AC = b"\xff\xc4" + struct.pack(">HB", 20, 0x10) + bytes([1, *[0] * 15]) + b"\0"
_SCAN = b"\xff\xda" + struct.pack(">HB6B3B", 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)
_START, _END = b"\xff\xd8", b"\xff\xd9"
_FIXED = len(_START + _APP0 + _QUANTISATION + _DC + _AC + _SCAN + _END) + 19 + 6  # with frame and interval
_LONGEST = 3 * 13 + 3  # bits of the first block of each component: code, value, "no more"


def weight(width: int, height: int) -> int:
    """How many bytes :func:`write` makes of a picture: arithmetic, so that a search may tell it of many."""
    across, down = _blocks(width), _blocks(height)
    longest = (_LONGEST + 6 + 12 * (across - 1) + 7) // 8 + 4  # 0xFF is followed by 0 within a row
    return _FIXED + 4 + ROOM + down * (longest + 2)


@lru_cache(maxsize=16)
def write(width: int, height: int, top: Colour, bottom: Colour, words: str) -> bytes:
    """A picture of that many pixels, of exactly :func:`weight` bytes; ``words`` go into its comment."""
    across, down = _blocks(width), _blocks(height)
    rows = [_row(_between(top, bottom, at / max(1, down - 1)), across) for at in range(down)]
    scan = b"".join(row + _restart(at, down) for at, row in enumerate(rows))
    frame = b"\xff\xc0" + struct.pack(">HBHHB9B", 17, 8, height, width, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0)
    interval = b"\xff\xdd" + struct.pack(">HH", 4, across)
    left = weight(width, height) - _FIXED - len(scan) - 4
    comment = words.encode()[:ROOM].ljust(left)
    told = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return b"".join((_START, _APP0, told, _QUANTISATION, frame, _DC, _AC, interval, _SCAN, scan, _END))


def _blocks(pixels: int) -> int:
    return -(-pixels // BLOCK)


def _between(top: Colour, bottom: Colour, share: float) -> Colour:
    red, green, blue = (round(one + (other - one) * share) for one, other in zip(top, bottom, strict=True))
    return red, green, blue


def _restart(row: int, rows: int) -> bytes:
    return bytes([0xFF, 0xD0 + row % 8]) if row < rows - 1 else b""


def _row(colour: Colour, across: int) -> bytes:
    luminance, blue, red = (_difference(value) for value in _components(colour))
    first = f"{luminance}0" + "00" * 3 + f"{blue}0{red}0"
    bits = first + "0" * 12 * (across - 1)
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def _components(colour: Colour) -> tuple[int, int, int]:
    """Y, Cb and Cr (JFIF 1.02) as steps away from the middle."""
    red, green, blue = colour
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luminance) - 128, round((blue - luminance) / 1.772), round((red - luminance) / 1.402)


def _difference(value: int) -> str:
    """A value by its category and its bits, negative ones as complement (T.81, F.1.2.1)."""
    size = abs(value).bit_length()
    if size == 0:
        return "0"
    code = format(7 + size, "04b") if size < 8 else "11110"
    return code + format(value if value > 0 else value + (1 << size) - 1, f"0{size}b")

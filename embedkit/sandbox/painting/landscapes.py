"""Painters of mountains, woods and fields. Each takes an empty canvas and fills it."""

from __future__ import annotations

import math
from itertools import pairwise

from embedkit.sandbox.painting.canvas import Canvas, level, mix, pine


def mountains(c: Canvas) -> None:
    """Ridges one behind the other, and a lake that doubles them."""
    shore = c.height * 0.68
    c.sky(0.7)
    sun_x = c.width * c.dice.between(0.2, 0.8)
    c.sun(sun_x, c.height * c.dice.between(0.2, 0.36), c.unit * 0.035)
    c.clouds(4, 0.12, 0.4, 0.35)
    near = mix(c.palette.near, c.palette.far, 0.15)
    ridges = []
    for at in range(4):
        base = c.height * (0.44 + 0.07 * at)
        rise = c.height * (0.2 - 0.035 * at) * min(1, c.width / c.height)
        ridges.append((c.ridge(base, rise, 0.55), mix(c.palette.far, near, at / 3.4)))
    for at, (outline, colour) in enumerate(ridges):
        c.land(outline, c.down(mix(colour, c.palette.light, 0.18), colour))
        if at == 0:
            _snow(c, outline)
    c.water(shore, c.down(mix(c.palette.sky[2], c.palette.far, 0.35), mix(c.palette.sky[0], c.palette.near, 0.35)))
    for outline, colour in ridges[1:]:
        mirrored = [(x, min(c.height + 5, 2 * shore - y)) for x, y in outline]
        c.shape([(0, shore), *mirrored, (c.width, shore)], colour, 'opacity=".28"')
    c.glints(sun_x, shore, 60, 0.2, 0.4)
    bank = c.ridge(c.height * 0.97, c.height * 0.03, 0.4, 5)
    c.land(bank, c.palette.near)
    c.pines([*bank], c.unit * 0.16, c.unit * 0.07, c.palette.near)


def _snow(c: Canvas, outline: list[tuple[float, float]]) -> None:
    """White down to a line, with a ragged lower edge."""
    top, low = min(y for _, y in outline), max(y for _, y in outline)
    line = top + (low - top) * 0.45
    white = mix(c.palette.light, c.palette.sky[1], 0.2)
    for (x1, y1), (x2, y2) in pairwise(outline):
        if y1 < line and y2 < line:
            d1, d2 = (line - y1) * c.dice.between(0.3, 0.9), (line - y2) * c.dice.between(0.3, 0.9)
            c.shape([(x1, y1), (x2 + 0.6, y2), (x2 + 0.6, y2 + d2), (x1, y1 + d1)], white, 'opacity=".82"')


def forest(c: Canvas) -> None:
    """Trunks in rows that fade into the mist, beams of light across."""
    light = mix(c.palette.light, c.palette.sky[2], 0.35)
    deep = mix("#12261b", c.palette.near, 0.35)
    haze = mix(mix(c.palette.sky[2], "#9db89a", 0.5), light, 0.2)
    c.rect(0, 0, c.width, c.height, c.down(mix(haze, light, 0.5), haze, mix(haze, deep, 0.4)))
    sun_x = c.width * c.dice.between(0.3, 0.7)
    c.disc(sun_x, c.height * 0.3, c.unit * 0.55, c.around(f"{light} 0.95", f"{light} 0"))
    for row in range(5):
        colour = mix(mix(haze, light, 0.15), deep, (row + 0.7) / 5)
        _trunks(c, row, colour)
        c.rect(0, c.height * 0.45, c.width, c.height * 0.55, c.down(f"{haze} 0", f"{haze} 0.28"))
    for _ in range(6):
        x, wide = sun_x + c.dice.between(-0.25, 0.25) * c.unit, c.unit * c.dice.between(0.02, 0.07)
        slant = c.unit * c.dice.between(-0.5, 0.5)
        c.shape([(x, -5), (x + wide, -5), (x + wide * 3 + slant, c.height), (x + slant, c.height)],
                c.down(f"{light} 0.34", f"{light} 0"))  # fmt: skip
    floor = c.ridge(c.height * 0.93, c.height * 0.025, 0.5, 6)
    c.land(floor, c.down(mix(deep, "#4c6b3c", 0.35), deep))


def _trunks(c: Canvas, row: int, colour: str) -> None:
    data, x = "", c.dice.between(-0.1, 0.05) * c.unit
    while x < c.width:
        wide = c.unit * (0.008 + 0.009 * row) * c.dice.between(0.7, 1.3)
        foot, lean = c.height * (0.7 + 0.06 * row), c.dice.between(-0.02, 0.02) * c.unit
        data += f"M{x:.0f} {foot:.0f}L{x + lean + wide * 0.25:.0f} -5h{wide * 0.6:.1f}L{x + wide:.0f} {foot:.0f}Z"
        for _ in range(5):
            y, way = c.height * c.dice.between(0.02, 0.5), c.dice.pick((-1, 1))
            reach = way * c.unit * c.dice.between(0.05, 0.12)
            low, tip = abs(reach) * 0.35, abs(reach) * 0.1
            data += f"M{x + wide * 0.5:.0f} {y:.0f}q{reach * 0.5:.0f} {-tip:.0f} {reach:.0f} {low:.0f}"
            data += f"q{-reach * 0.5:.0f} {-tip:.0f} {-reach:.0f} {-low * 0.63:.0f}Z"
        x += c.unit * c.dice.between(0.07, 0.17)
    c.path(data, colour)


def field(c: Canvas) -> None:
    """Rows that run to the horizon, and one tree."""
    horizon = c.height * c.dice.between(0.42, 0.52)
    c.sky(horizon / c.height)
    c.sun(c.width * c.dice.between(0.15, 0.85), horizon - c.unit * 0.12, c.unit * 0.045)
    c.clouds(6, 0.06, 0.34, 0.55)
    c.land(c.ridge(horizon - c.unit * 0.02, c.unit * 0.035, 0.3, 5), mix(c.palette.far, c.palette.near, 0.15))
    crop, soil = c.dice.pick(
        (("#8a62c0", "#4a3a63"), ("#d9b042", "#8a6a2c"), ("#6f9c46", "#3c5a30"), ("#c9506a", "#4f4a35"))
    )
    crop, soil = mix(crop, c.palette.sky[1], 0.15), mix(soil, c.palette.near, 0.2)
    c.rect(0, horizon, c.width, c.height - horizon, c.down(mix(soil, c.palette.light, 0.25), soil))
    point = c.width * c.dice.between(0.35, 0.65)
    reach, count = c.width * 3.2, 26
    bright = c.down(mix(crop, c.palette.light, 0.45), crop)
    for at in range(count):
        x1 = point - reach / 2 + reach * at / count
        x2 = x1 + reach / count * 0.62
        c.shape([(point + (x1 - point) * 0.012, horizon), (point + (x2 - point) * 0.012, horizon),
                 (x2, c.height + 5), (x1, c.height + 5)], bright)  # fmt: skip
    _broad_tree(c, c.width * c.dice.between(0.2, 0.8), horizon + c.unit * 0.03, c.unit * 0.3)


def _broad_tree(c: Canvas, x: float, y: float, tall: float) -> None:
    dark = mix("#20351f", c.palette.near, 0.35)
    c.oval(x, y, tall * 0.45, tall * 0.03, dark, 'opacity=".45"')
    c.shape(
        [
            (x - tall * 0.035, y),
            (x - tall * 0.015, y - tall * 0.5),
            (x + tall * 0.015, y - tall * 0.5),
            (x + tall * 0.04, y),
        ],
        dark,
    )
    for at in range(16):
        angle, out = at * 2.4, 0.3 * math.sqrt(at / 16)
        c.disc(
            x + tall * out * math.cos(angle) * 1.15,
            y - tall * 0.66 + tall * out * math.sin(angle) * 0.8,
            tall * c.dice.between(0.1, 0.16),
            mix(dark, c.palette.light, c.dice.between(0.02, 0.2)),
        )


def winter(c: Canvas) -> None:
    """A cabin in the snow, its windows lit."""
    c.sky()
    c.stars(40, 0.35)
    c.land(c.ridge(c.height * 0.45, c.height * 0.15, 0.5), mix(c.palette.far, "#ffffff", 0.35))
    wood = c.ridge(c.height * 0.6, c.height * 0.05, 0.4, 5)
    c.land(wood, mix(c.palette.far, c.palette.near, 0.45))
    c.pines(wood, c.unit * 0.2, c.unit * 0.055, mix(c.palette.far, c.palette.near, 0.6))
    white = mix("#f4f7fb", c.palette.sky[1], 0.22)
    drift = c.ridge(c.height * 0.72, c.height * 0.03, 0.25, 4)
    c.land(drift, c.down(white, mix(white, c.palette.sky[0], 0.5)))
    x, size = c.width * c.dice.between(0.3, 0.62), c.unit * 0.24
    _cabin(c, x, level(drift, x) + size * 0.25, size, white)
    front = c.ridge(c.height * 0.9, c.height * 0.03, 0.25, 4)
    c.land(front, c.down(mix(white, "#ffffff", 0.5), mix(white, c.palette.sky[0], 0.4)))
    for _ in range(5):
        at = c.width * c.dice.between(0.02, 0.98)
        tree = pine(at, c.height * c.dice.between(0.88, 0.97), c.unit * c.dice.between(0.22, 0.42))
        c.path(tree, mix("#173026", c.palette.near, 0.4))
    snow = "".join(f"M{c.dice.between(0, c.width):.0f} {c.dice.between(0, c.height):.0f}h0" for _ in range(130))
    c.path(snow, more=f'stroke="#fff" stroke-width="{c.unit / 150:.1f}" stroke-linecap="round" opacity=".7"')


def _cabin(c: Canvas, x: float, y: float, s: float, white: str) -> None:
    c.rect(x - s * 0.5, y - s * 0.42, s, s * 0.42, c.down("#7a4c30", "#4d2d1d"))
    for row in range(5):
        c.rect(x - s * 0.5, y - s * (0.08 + 0.08 * row), s, s * 0.012, "#2f1a10", 'opacity=".5"')
    c.rect(x + s * 0.2, y - s * 0.95, s * 0.1, s * 0.3, "#5b4a44")
    c.shape([(x - s * 0.62, y - s * 0.38), (x, y - s * 0.82), (x + s * 0.62, y - s * 0.38)], "#3a2318")
    c.shape([(x - s * 0.66, y - s * 0.4), (x, y - s * 0.9), (x + s * 0.66, y - s * 0.4), (x, y - s * 0.78)], white)
    for left in (-0.34, 0.1):
        c.disc(x + s * (left + 0.11), y - s * 0.24, s * 0.4, c.around("#ffcf73 0.5", "#ffcf73 0"))
        c.rect(x + s * left, y - s * 0.33, s * 0.22, s * 0.18, "#ffd98a")
        c.rect(x + s * (left + 0.1), y - s * 0.33, s * 0.015, s * 0.18, "#4d2d1d")
    soft = c.blur(0.012)
    for puff in range(5):
        c.disc(x + s * (0.25 + 0.07 * puff), y - s * (1.02 + 0.17 * puff), s * (0.05 + 0.025 * puff), "#ffffff",
               f'opacity="{0.4 - 0.06 * puff:.2f}" {soft}')  # fmt: skip

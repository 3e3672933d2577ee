"""Painters of eclipses other than the total one of :mod:`embedkit.sandbox.painting.skies`."""

from __future__ import annotations

import math

from embedkit.sandbox.painting.canvas import Canvas, Point, level, mix
from embedkit.sandbox.painting.figures import STAND, figure

DARK = "#05070f"
FIRES = (("#ff7a2e", "#3a0f10"), ("#ffb347", "#3b1d0c"), ("#ff5a3c", "#2a0a1c"))
# how far the moon stands from the sun, in radii, from first to last contact
CONTACTS = (1.6, 1.05, 0.5, 0.0, -0.5, -1.05, -1.6)


def partial(c: Canvas) -> None:
    """A crescent that looks through clouds, over hills."""
    c.sky()
    x, y, r = c.width * c.dice.between(0.3, 0.7), c.height * c.dice.between(0.28, 0.45), c.unit * 0.11
    c.disc(x, y, r * 5, c.around(f"{c.palette.light} 0.7", f"{c.palette.light} 0.16", f"{c.palette.light} 0"))
    sun = mix(c.palette.light, "#fff8d8", 0.5)
    _crescent(c, (x, y), r, c.dice.between(0.45, 0.9), c.dice.between(0, 360), sun)
    c.clouds(7, 0.15, 0.6, 0.55)
    for at in range(2):
        outline = c.ridge(c.height * (0.82 + 0.08 * at), c.height * 0.05, 0.4)
        c.land(outline, mix(c.palette.far, c.palette.near, 0.4 + 0.6 * at))


def annular(c: Canvas) -> None:
    """A ring of fire in a red sky, and what the water makes of it."""
    fire, deep = c.dice.pick(FIRES)
    c.rect(0, 0, c.width, c.height, c.down(mix(deep, "#000000", 0.55), deep, mix(deep, fire, 0.45)))
    x, y, r = c.width * c.dice.between(0.35, 0.65), c.height * c.dice.between(0.34, 0.5), c.unit * 0.2
    c.disc(x, y, r * 2.6, c.around(f"{fire} 0.85", f"{fire} 0.25", f"{fire} 0"))
    c.disc(x, y, r, c.around("#fff3c4", "#ffe08a", fire))
    c.disc(x + r * c.dice.between(-0.04, 0.04), y + r * c.dice.between(-0.04, 0.04), r * 0.9, mix(deep, DARK, 0.6))
    shore = c.height * 0.8
    c.rect(0, shore, c.width, c.height - shore, c.down(mix(deep, fire, 0.4), mix(deep, DARK, 0.7)))
    glints = "".join(
        f"M{x + c.dice.between(-1, 1) * r * 1.2:.0f} {c.dice.between(shore + 4, c.height):.0f}h{r * 0.5:.0f}"
        for _ in range(34)
    )
    c.path(glints, more=f'stroke="{fire}" stroke-width="{c.unit / 200:.1f}" stroke-linecap="round" opacity=".55"')
    c.land(c.ridge(c.height * 0.97, c.height * 0.03, 0.5, 5), DARK)


def phases(c: Canvas) -> None:
    """From first to last contact in one picture, along an arc over the horizon."""
    c.rect(0, 0, c.width, c.height, c.down("#060a1c", "#15224a", c.dice.pick(("#3d4a7a", "#5a3f6b", "#28566b"))))
    c.stars(70, 0.8)
    upright = c.height > c.width
    span, bend = (0.36 * c.height, 0.12 * c.width) if upright else (0.4 * c.width, 0.2 * c.height)
    r, tilt = min(c.unit * 0.075, span / 4.6), c.dice.between(-0.06, 0.06) * c.unit
    sun = c.dice.pick(("#ffc861", "#ffe3a1", "#ff9e57"))
    for at, away in enumerate(CONTACTS):
        step = at / (len(CONTACTS) - 1) * 2 - 1
        along, across = span * step, bend * step * step + tilt * step
        x, y = (c.width * 0.42 + across, c.height * 0.46 + along) if upright else (
            c.width / 2 + along, c.height * 0.36 + across)  # fmt: skip
        _phase(c, (x, y), r, away, sun)
    c.land(c.ridge(c.height * 0.92, c.height * 0.04, 0.4), "#05060d")


def _phase(c: Canvas, at: Point, r: float, away: float, sun: str) -> None:
    if away:
        _crescent(c, at, r, abs(away), -20 if away > 0 else 160, sun)
        return
    c.disc(*at, r * 3, c.around("#fdf6e3 0.9", "#cfd8f5 0.28", "#8fa3dd 0"))
    c.disc(*at, r * 1.06, "#fffdf2")
    c.disc(*at, r, DARK)


def _crescent(c: Canvas, at: Point, r: float, away: float, degrees: float, fill: str) -> None:
    """What a moon of the same size leaves of the sun: it stands ``away`` radii off, in that direction."""
    half, high = away / 2 * r, math.sqrt(1 - away * away / 4) * r
    round_ = f"{r:.2f} {r:.2f} 0"
    data = f"M{half:.2f} {-high:.2f}A{round_} 1 0 {half:.2f} {high:.2f}A{round_} 0 1 {half:.2f} {-high:.2f}Z"
    c.path(data, fill, f'transform="translate({at[0]:.1f} {at[1]:.1f}) rotate({degrees:.0f})"')


def watchers(c: Canvas) -> None:
    """People on a hill, dark against the light of the corona."""
    c.rect(0, 0, c.width, c.height, c.down("#0a0f26", "#2a2f57", "#7d5470", c.dice.pick(("#f0a668", "#e9806a"))))
    c.stars(40, 0.4)
    x, y, r = c.width * c.dice.between(0.3, 0.7), c.height * c.dice.between(0.2, 0.3), c.unit * 0.07
    c.disc(x, y, r * 4.4, c.around("#fff7e0 0.95", "#d9d3ea 0.3", "#9aa6dd 0"))
    c.disc(x, y, r * 1.08, "#fffdf6")
    c.disc(x, y, r, DARK)
    hill = c.ridge(c.height * 0.84, c.height * 0.06, 0.2, 4)
    dark, count = "#0b0a14", c.dice.whole(4, 7)
    for at in range(count):
        tall = c.unit * c.dice.between(0.24, 0.33)
        stand = c.width * (at + c.dice.between(0.25, 0.75)) / count
        figure(c, stand, level(hill, stand) - tall * 0.42, tall, STAND, dark, dark, dark)
    c.land(hill, dark)

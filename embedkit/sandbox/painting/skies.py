"""Painters of what is in the sky, and of what the wind does."""

from __future__ import annotations

import math

from embedkit.sandbox.painting.canvas import Canvas, mix

BALLOON = "M-1 0A1 1 0 0 1 1 0Q1 .7.22 1.45H-.22Q-1 .7-1 0Z"
DUNES = 5


def aurora(c: Canvas) -> None:
    """Curtains of light over pines and snow."""
    c.rect(0, 0, c.width, c.height, c.down("#03071a", "#08203a", "#12414a"))
    c.stars(160, 0.75)
    soft = c.blur(0.018)
    for colour in c.dice.some(("#46f0a2", "#2fd6c0", "#9a6cf0", "#7df7c0"), 3):
        crest = c.ridge(c.height * c.dice.between(0.34, 0.5), c.height * 0.1, 0.35, 4)
        high = c.height * c.dice.between(0.22, 0.36)
        fill = c.down(f"{colour} 0", f"{colour} 0.35", f"{colour} 0.8", f"{colour} 0")
        upper = [(x, y - high * (0.85 + 0.15 * math.sin(x / c.unit * 9))) for x, y in crest]
        c.shape([*upper, *((x, y + high * 0.25) for x, y in reversed(crest))], fill, soft)
    hills = c.ridge(c.height * 0.74, c.height * 0.07, 0.4)
    c.land(hills, c.down("#0c2b38", "#0a1c2c"))
    snow = c.ridge(c.height * 0.88, c.height * 0.03, 0.3, 5)
    c.land(snow, c.down("#5aa49b", "#1c4654"))
    c.pines(snow, c.unit * 0.32, c.unit * 0.12, "#03101a")


def balloons(c: Canvas) -> None:
    """Balloons at several distances over hills."""
    c.sky()
    c.sun(c.width * c.dice.between(0.15, 0.85), c.height * 0.55, c.unit * 0.045, 7)
    c.clouds(6, 0.1, 0.55, 0.45)
    for at in range(3):
        outline = c.ridge(c.height * (0.74 + 0.08 * at), c.height * 0.05, 0.3, 5)
        c.land(outline, c.down(mix(mix(c.palette.far, c.palette.near, at / 3), c.palette.light, 0.15),
                               mix(c.palette.far, c.palette.near, at / 2.6)))  # fmt: skip
    for at in range(7):
        size = c.unit * (0.025 + 0.016 * at) * c.dice.between(0.9, 1.15)
        x = c.width * ((at * 0.618 + c.dice.between(0, 0.2)) % 0.86 + 0.07)
        _balloon(c, x, c.height * c.dice.between(0.14, 0.62 - 0.04 * at), size)


def _balloon(c: Canvas, x: float, y: float, r: float) -> None:
    one, two = c.dice.pick(
        (("#d8483e", "#f6c65b"), ("#2c6e8f", "#f2efe2"), ("#e08a2e", "#7c2f4f"), ("#4b8a5f", "#f4d58a"))
    )
    c.stamp(BALLOON, (x, y), r, one)
    c.stamp("M0-1C-1.01-1-.94.6-.16 1.45H.16C.94.6 1.01-1 0-1Z", (x, y), r, two)
    c.stamp("M0-1C-.39-1-.36.6-.06 1.45H.06C.36.6.39-1 0-1Z", (x, y), r, one)
    c.stamp(BALLOON, (x, y), r, c.across("#fff 0.22", "#000 0", "#000 0.3"))
    c.stamp("M-.2 1.45L-.13 1.85M.2 1.45L.13 1.85", (x, y), r, more='stroke="#3a2c22" stroke-width=".03"')
    c.rect(x - r * 0.15, y + r * 1.83, r * 0.3, r * 0.22, "#6b4a2f", 'rx="2"')


def eclipse(c: Canvas) -> None:
    """The dark disc, its corona, and a glow all around the horizon."""
    c.rect(0, 0, c.width, c.height, c.down("#070b1d", "#131b38", "#3a3554", "#d98d5f"))
    c.stars(60, 0.6)
    x, y, r = c.width * c.dice.between(0.4, 0.6), c.height * c.dice.between(0.32, 0.42), c.unit * 0.13
    c.disc(x, y, r * 4.2, c.around("#fdf6e3 0.9", "#cfd8f5 0.32", "#8fa3dd 0.08", "#8fa3dd 0"))
    soft = c.blur(0.007)
    rays = "".join(_ray(c, x, y, r, at) for at in range(44))
    c.put(f'<path d="{rays}" fill="#fffaf0" opacity=".5" {soft}/>')
    c.disc(x, y, r * 1.09, "#fffdf6", soft)
    c.disc(x, y, r, "#05070f")
    bead = c.dice.between(0, math.tau)
    bx, by = x + r * 1.01 * math.cos(bead), y + r * 1.01 * math.sin(bead)
    c.disc(bx, by, r * 0.6, c.around("#ffffff 1", "#fff6dd 0.5", "#fff6dd 0"))
    for at in range(3):
        outline = c.ridge(c.height * (0.84 + 0.06 * at), c.height * 0.04, 0.45)
        c.land(outline, mix("#43344a", "#07080f", at / 2))


def _ray(c: Canvas, x: float, y: float, r: float, at: int) -> str:
    angle = at / 44 * math.tau + c.dice.between(-0.06, 0.06)
    long = r * (1.35 + 1.5 * c.dice.roll() ** 2 * (0.35 + abs(math.cos(angle))))
    half = 0.05
    points = ((angle - half, r), (angle, long), (angle + half, r))
    (a, p), (b, q), (d, s) = points
    return (
        f"M{x + p * math.cos(a):.1f} {y + p * math.sin(a):.1f}L{x + q * math.cos(b):.1f} {y + q * math.sin(b):.1f}"
        f"L{x + s * math.cos(d):.1f} {y + s * math.sin(d):.1f}Z"
    )


def desert(c: Canvas) -> None:
    """Dunes with a lit and a shaded side."""
    c.sky(0.6)
    c.sun(c.width * c.dice.between(0.2, 0.8), c.height * 0.3, c.unit * 0.05)
    sand, shade = mix("#e2a868", c.palette.light, 0.2), mix("#8c4a2c", c.palette.near, 0.25)
    c.rect(0, c.height * 0.55, c.width, c.height * 0.45, mix(sand, shade, 0.15))
    for row in range(DUNES):
        base = c.height * (0.48 + 0.125 * row)
        crest = c.width * c.dice.between(0.15, 0.85)
        high, wide = c.unit * c.dice.between(0.12, 0.2), c.width * c.dice.between(0.7, 1.1)
        lit = mix(mix(sand, c.palette.sky[2], 0.5 - 0.12 * row), shade, 0.07 * row)
        low = f"{(c.height + 5 - base) / high:.2f}"  # the lower edge of the picture
        body, lee = (
            f"M-1 .8C-.4.5-.2-.5 0-1C.15-.2.3.3 1 .8V{low}H-1Z",
            f"M0-1C.15-.2.3.3 1 .8V{low}H-.1C.1 1-.06.1 0-1Z",
        )
        c.stamp(body, (crest, base), wide, c.down(lit, mix(lit, shade, 0.35)), high=high)
        lee_fill = c.down(mix(lit, shade, 0.75), mix(lit, shade, 0.5))
        c.stamp(lee, (crest, base), wide, lee_fill, 'opacity=".8"', high=high)
    for _ in range(9):
        y = c.height * c.dice.between(0.86, 0.99)
        c.stroke(c.ridge(y, c.unit * 0.006, 0.4, 5), shade, c.unit * 0.003, 'opacity=".3"')

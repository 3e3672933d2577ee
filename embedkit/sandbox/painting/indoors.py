"""Painters of rooms: a table with a vase, and a stage."""

from __future__ import annotations

import math

from embedkit.sandbox.painting.canvas import Canvas, mix
from embedkit.sandbox.painting.figures import SING, figure

ROOMS = (("#c9c2b2", "#7a5236"), ("#8fa19a", "#5b3d2a"), ("#3a4148", "#6d4a33"), ("#d8c3ae", "#8a6242"))
PEARS = ("#c8d06a", "#a9bd4e")
FRUIT = (*PEARS, "#d9442f", "#e8962e", "#8d2742")
VASE = "M-.13-1C-.1-.7-.36-.62-.33-.34C-.31-.12-.18 0-.15 0H.15C.18 0 .31-.12.33-.34C.36-.62.1-.7.13-1Z"
HUES = ("#ff3d81", "#7b4dff", "#19b5ff", "#ffb020", "#28e0a0")
BLACK = "#050308"


def still(c: Canvas) -> None:
    """A vase with flowers and some fruit on a table."""
    wall, wood = c.dice.pick(ROOMS)
    table = c.height * 0.7
    c.rect(0, 0, c.width, c.height, c.across(mix(wall, "#fff8e8", 0.35), wall, mix(wall, "#1c1a1c", 0.45)))
    grain = c.down(mix(wood, "#fff0d8", 0.18), mix(wood, "#1c0f08", 0.4))
    c.rect(0, table, c.width, c.height - table, grain)
    for _ in range(12):
        y = c.dice.between(table, c.height)
        c.stroke(c.ridge(y, c.unit * 0.004, 0.4, 4), "#2b170c", c.unit * 0.002, 'opacity=".3"')
    x, size = c.width * c.dice.between(0.34, 0.6), c.unit * 0.34
    foot = table + c.unit * 0.09
    c.oval(x + size * 0.35, foot, size * 0.75, size * 0.07, "#000000", f'opacity=".35" {c.blur(0.012)}')
    _flowers(c, x, foot - size * 0.95, size)
    glaze = c.dice.pick(("#e7e0d0", "#3f6274", "#7b8f6a", "#b4623e", "#2f3440"))
    c.stamp(VASE, (x, foot), size, c.across(mix(glaze, "#ffffff", 0.35), glaze, mix(glaze, "#000000", 0.5)))
    c.oval(x, foot - size, size * 0.13, size * 0.03, mix(glaze, "#000000", 0.55))
    for at in range(5):
        away = -0.36 + 0.19 * at + (0.12 if at > 1 else 0) + c.dice.between(-0.02, 0.02)
        _fruit(c, x + c.unit * away, table + c.unit * c.dice.between(0.11, 0.18), c.unit * 0.062)


def _flowers(c: Canvas, x: float, y: float, s: float) -> None:
    petal = c.dice.pick(("#d9536f", "#f0b23c", "#f4efe6", "#8a63b8", "#e4764a"))
    for at in range(9):
        angle, long = -1.15 + 0.29 * at, s * c.dice.between(0.45, 0.95)
        fx, fy = x + math.sin(angle) * long, y - math.cos(angle) * long
        bend = f"Q{x + (fx - x) * 0.2:.0f} {y - long * 0.5:.0f} {fx:.0f} {fy:.0f}"
        c.path(f"M{x:.0f} {y + s * 0.1:.0f}{bend}", more=f'stroke="#4c6a3f" stroke-width="{s * 0.02:.1f}"')
        lx, ly = x + (fx - x) * 0.6, y - (y - fy) * 0.5
        c.oval(
            lx,
            ly,
            s * 0.1,
            s * 0.03,
            "#5d7d4a",
            f'transform="rotate({math.degrees(angle) - 60:.0f} {lx:.0f} {ly:.0f})"',
        )
        tone = mix(petal, "#fff4e6", c.dice.between(0, 0.35))
        for leaf in range(6):
            a = leaf * math.tau / 6 + at
            colour = mix(tone, "#5a1030", 0.08 * (leaf % 3))
            c.disc(fx + math.cos(a) * s * 0.065, fy + math.sin(a) * s * 0.065, s * 0.062, colour)
        c.disc(fx, fy, s * 0.045, "#e9c65a")


def _fruit(c: Canvas, x: float, y: float, r: float) -> None:
    one = c.dice.pick(FRUIT)
    fill = c.around(mix(one, "#ffffff", 0.3), one, mix(one, "#200808", 0.45))
    c.oval(x + r * 0.3, y + r * 0.95, r * 1.2, r * 0.18, "#000000", 'opacity=".35"')
    if one in PEARS:
        c.stamp("M0-1.5C.7-1.4.4-.6 1 .1C1.2 1.2-1.2 1.2-1 .1C-.4-.6-.7-1.4 0-1.5Z", (x, y), r, fill)
    else:
        c.disc(x, y, r, fill)
    top = y - r * (1.45 if one in PEARS else 0.85)
    c.stroke([(x, top), (x + r * 0.12, top - r * 0.4)], "#4a3520", r * 0.1)
    c.oval(x - r * 0.32, y - r * 0.35, r * 0.2, r * 0.32, "#ffffff", 'opacity=".35"')


def concert(c: Canvas) -> None:
    """Beams, haze, a singer, and hands in the air."""
    hues = c.dice.some(HUES, 3)
    back = c.down("#07040f", mix("#1b0d2e", hues[0], 0.12), mix("#2a1238", hues[1], 0.3))
    c.rect(0, 0, c.width, c.height, back)
    for at in range(8):
        _beam(c, c.width * (at + 0.5) / 8, hues[at % 3])
    x, stage = c.width * c.dice.between(0.42, 0.58), c.height * 0.76
    c.oval(x, stage, c.unit * 0.55, c.unit * 0.14, c.around("#fff6e0 0.75", f"{hues[0]} 0.25", f"{hues[0]} 0"))
    tall = c.unit * 0.5
    hand = figure(c, x, stage - tall * 0.45, tall, SING, "#3a2430", "#120a18", "#0d0812")
    c.stroke([hand, (hand[0] - tall * 0.05, hand[1] - tall * 0.03)], "#d7d7de", tall * 0.03)
    c.rect(0, stage + c.unit * 0.03, c.width, c.height, "#08050e")
    _audience(c, c.unit * 0.062)


def _beam(c: Canvas, x: float, colour: str) -> None:
    way, wide = c.dice.between(-0.6, 0.6) * c.unit, c.unit * c.dice.between(0.1, 0.2)
    low = c.height * 0.85
    light = c.down(f"{colour} 0.75", f"{colour} 0.05")
    corners = [(x - 4, -5), (x + 4, -5), (x + way + wide, low), (x + way - wide, low)]
    c.shape(corners, light, 'style="mix-blend-mode:screen"')
    c.disc(x, 4, c.unit * 0.05, c.around("#ffffff 1", f"{colour} 0.6", f"{colour} 0"))


def _audience(c: Canvas, step: float) -> None:
    at = -step
    while at < c.width + step:
        y = c.height * c.dice.between(0.86, 0.95)
        c.disc(at, y, step * 0.42, BLACK)
        c.rect(at - step * 0.7, y + step * 0.3, step * 1.4, c.height, BLACK, f'rx="{step * 0.5:.0f}"')
        if c.dice.chance(0.4):
            hand = (at + step * c.dice.between(0.2, 0.8), y - step * 1.5)
            c.stroke([(at + step * 0.3, y + step), (at + step * 0.5, y - step * 0.5), hand], BLACK, step * 0.24)
        at += step * c.dice.between(0.8, 1.25)

"""Painters of single people: a portrait, and somebody who speaks."""

from __future__ import annotations

from embedkit.sandbox.painting.canvas import Canvas, mix
from embedkit.sandbox.painting.figures import SKINS

WALLS = (("#d9b48f", "#5d6f73"), ("#a9c0b4", "#3e565c"), ("#d6a39a", "#604a5a"), ("#bcc3d6", "#45506e"))
HAIRS = ("#2a1b14", "#4a2f1e", "#7a5230", "#1a1718", "#8d8780")
CLOTHS = ("#34506b", "#7b3f3f", "#e9e2d3", "#49614b", "#c08a3e", "#2f2d38")
FLAGS = ("#c8423b", "#f2efe6", "#2f5fa3", "#e6b93f", "#3f8a57", "#22262e")


def portrait(c: Canvas) -> None:
    """Head and shoulders before something out of focus."""
    warm, cool = c.dice.pick(WALLS)
    c.rect(0, 0, c.width, c.height, c.across(warm, mix(warm, cool, 0.6), cool))
    soft = c.blur(0.03)
    for _ in range(14):
        x, y = c.dice.between(0, c.width), c.dice.between(0, c.height * 0.7)
        glow = mix(warm, "#fff6e0", c.dice.between(0.3, 0.8))
        c.disc(x, y, c.unit * c.dice.between(0.04, 0.13), glow, f'opacity=".35" {soft}')
    r = c.unit * 0.2
    at = (c.width * c.dice.between(0.42, 0.58), max(c.height * 0.38, c.height - c.unit * 0.8))
    skin, hair, cloth = c.dice.pick(SKINS), c.dice.pick(HAIRS), c.dice.pick(CLOTHS)
    if c.dice.chance(0.5):
        c.stamp("M-1.02-.2C-1.5 1.2-1.2 2.1-.5 2H.5C1.2 2.1 1.5 1.2 1.02-.2Z", at, r, hair)
    c.stamp("M-2.1 5C-2.1 1.9-1.2 1.65-.5 1.4H.5C1.2 1.65 2.1 1.9 2.1 5Z", at, r, _folds(c, cloth))
    c.stamp("M-.36.6V1.38Q0 1.95.36 1.38V.6Z", at, r, mix(skin, "#3a1f14", 0.22))
    _face(c, *at, r, skin, hair)
    c.stamp("M-.92.08C-1.05-1.35 1.05-1.4.92.08C.8-.5.35-.62.05-.56C-.4-.5-.76-.4-.92.08Z", at, r, hair)


def podium(c: Canvas) -> None:
    """Somebody speaks: a lectern, microphones, flags."""
    blue = c.dice.pick(("#1f3a6b", "#274b52", "#3d2f5a", "#5a2a34"))
    c.rect(0, 0, c.width, c.height, c.around(mix(blue, "#ffffff", 0.28), blue, mix(blue, "#05070f", 0.6)))
    count = max(3, int(c.width / c.unit * 4))
    for at in range(count):
        _flag(c, c.width * (at + 0.5) / count, c.height * 0.12, c.unit * 0.16)
    x, tall, low = c.width * 0.5, c.unit * 0.95, c.height * 0.98
    skin, suit, hair = c.dice.pick(SKINS), c.dice.pick(("#20242e", "#2c3550", "#5d2f3a")), c.dice.pick(HAIRS)
    neck = (x, low - tall * 0.56)
    c.stamp("M-.22.56C-.22 0-.12-.03-.045-.06H.045C.12-.03.22 0 .22.56Z", neck, tall, _folds(c, suit))
    c.stamp("M-.05-.06L0 .13L.05-.06Z", neck, tall, "#f3f1ec")
    c.stamp("M-.014-.02H.014L.02 .1H-.02Z", neck, tall, c.dice.pick(("#a8323a", "#2f5d8f", "#7d6a2f")))
    r, y = tall * 0.1, neck[1] - tall * 0.15
    c.rect(x - r * 0.35, y + r * 0.5, r * 0.7, r * 0.8, mix(skin, "#3a1f14", 0.22), f'rx="{r * 0.2:.0f}"')
    _face(c, x, y, r, skin, hair)
    c.stamp("M-.84 0C-1-1.4 1-1.4.84 0C.6-.65-.6-.65-.84 0Z", (x, y), r, hair)
    _lectern(c, x, low - tall * 0.2, tall * 0.3)


def _folds(c: Canvas, cloth: str) -> str:
    return c.across(mix(cloth, "#ffffff", 0.1), cloth, mix(cloth, "#000000", 0.32))


def _face(c: Canvas, x: float, y: float, r: float, skin: str, hair: str) -> None:
    shade = mix(skin, "#3a1f14", 0.3)
    for side in (-1, 1):
        c.oval(x + side * r * 0.8, y + r * 0.08, r * 0.1, r * 0.19, mix(skin, shade, 0.6))
    c.oval(x, y, r * 0.8, r, c.across(mix(skin, "#fff3e0", 0.16), skin, shade))
    for side in (-1, 1):
        c.oval(x + side * r * 0.33, y + r * 0.03, r * 0.125, r * 0.065, "#f7f3ec")
        c.disc(x + side * r * 0.33, y + r * 0.03, r * 0.062, "#2d1d14")
    ends = 'stroke-linecap="round"'
    brows = f'stroke="{mix(hair, "#000000", 0.2)}" stroke-width=".05" {ends}'
    c.stamp("M-.49-.16q.16-.1.32 0M.17-.16q.16-.1.32 0", (x, y), r, more=brows)
    nose = f'stroke="{mix(skin, "#2a120c", 0.72)}" stroke-width=".03" opacity=".6" {ends}'
    c.stamp("M0 .05q.12.26-.02.29", (x, y), r, more=nose)
    smile = c.dice.between(0.06, 0.16)
    mouth = f"M-.24.56q.24 {smile * 1.6:.2f} .48 0q-.24 {smile * 0.4:.2f} -.48 0Z"
    c.stamp(mouth, (x, y), r, mix(skin, "#8c2f2f", 0.55))


def _lectern(c: Canvas, x: float, y: float, s: float) -> None:
    wood = "#6b4630"
    low = (c.height + 5 - y) / s
    board = c.across(mix(wood, "#ffffff", 0.18), wood, mix(wood, "#000000", 0.4))
    c.stamp(f"M-.72 0H.72L.6 {low:.2f}H-.6Z", (x, y), s, board)
    c.rect(x - s * 0.8, y - s * 0.06, s * 1.6, s * 0.13, mix(wood, "#ffffff", 0.25), f'rx="{s * 0.04:.0f}"')
    c.disc(x, y + s * 0.4, s * 0.2, "none", f'stroke="#e3c987" stroke-width="{s * 0.03:.1f}"')
    for side in (-0.3, 0.0, 0.3):
        tip = (x + s * side * 0.5, y - s * 0.42)
        c.stroke([(x + s * side, y - s * 0.04), tip], "#14161b", s * 0.03)
        foam = c.dice.pick(("#17191e", "#b03a34", "#2d5c96"))
        c.stroke([tip, (tip[0] - s * side * 0.1, tip[1] - s * 0.12)], foam, s * 0.1)


def _flag(c: Canvas, x: float, y: float, s: float) -> None:
    c.rect(x - s * 0.03, y - s * 0.1, s * 0.05, c.height - y, "#b99a5a")
    for at, colour in enumerate(c.dice.some(FLAGS, 3)):
        fill = c.across(mix(colour, "#000000", 0.28), colour, mix(colour, "#000000", 0.2))
        c.stamp(f"M{0.02 + 0.22 * at:.2f} 0q.12.08.23 0v{2.6 - 0.5 * at:.1f}q-.1.1-.23.2Z", (x, y), s, fill)

"""What all the painters share: a sheet of SVG, palettes by the hour, skies, ridges and trees.

Coordinates are those of the viewBox, whose longest side is :data:`LONGEST`; ``unit`` is its shortest side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from embedkit.sandbox.dice import Dice

LONGEST = 1000
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of an hour: the sky from top to horizon, its light, and land from far to near."""

    sky: tuple[str, str, str]
    light: str
    far: str
    near: str


HOURS = {
    "dawn": Palette(("#31437a", "#b3728f", "#f9cfa0"), "#fff1d2", "#94809f", "#1d2137"),
    "day": Palette(("#3f7fb8", "#8fc0e0", "#eaf3f2"), "#fffdf4", "#94b4c4", "#23422f"),
    "golden": Palette(("#6277a8", "#eeb072", "#ffe6b3"), "#fff4d6", "#bf9573", "#3a2a22"),
    "dusk": Palette(("#191c42", "#6c3f7c", "#ef9170"), "#ffdcae", "#6b5080", "#131228"),
    "night": Palette(("#040819", "#0d1f42", "#28507c"), "#f5f2e0", "#22385c", "#040813"),
    "mist": Palette(("#8ea4ae", "#bfced2", "#ebefeb"), "#fffef8", "#a8b9bc", "#2c4038"),
}


class Canvas:
    """A sheet to paint on, from back to front."""

    def __init__(self, width: int, height: int, dice: Dice, palette: Palette) -> None:
        self.width, self.height, self.dice, self.palette = width, height, dice, palette
        self.unit = min(width, height)
        self._parts: list[str] = []
        self._defs: list[str] = []

    def svg(self) -> str:
        return f"<defs>{''.join(self._defs)}</defs>{''.join(self._parts)}"

    def put(self, markup: str) -> None:
        self._parts.append(markup)

    # -- fills ------------------------------------------------------------------------------------------

    def down(self, *stops: str) -> str:
        """A fill that runs from top to bottom; a stop is a colour, or a colour and an opacity: ``#fff 0.5``."""
        return self._gradient('linearGradient x1="0" y1="0" x2="0" y2="1"', stops)

    def across(self, *stops: str) -> str:
        return self._gradient('linearGradient x1="0" y1="0" x2="1" y2="0"', stops)

    def around(self, *stops: str) -> str:
        """A fill that runs from the centre outwards."""
        return self._gradient("radialGradient", stops)

    def _gradient(self, kind: str, stops: Sequence[str]) -> str:
        name = f"g{len(self._defs)}"
        last = max(1, len(stops) - 1)
        inner = ""
        for at, stop in enumerate(stops):
            colour, _, opacity = stop.partition(" ")
            see = f' stop-opacity="{opacity}"' if opacity else ""
            inner += f'<stop offset="{at / last:.2f}" stop-color="{colour}"{see}/>'
        element, _, rest = kind.partition(" ")
        self._defs.append(f'<{element} id="{name}"{" " + rest if rest else ""}>{inner}</{element}>')
        return f"url(#{name})"

    def blur(self, share: float) -> str:
        """A filter attribute; ``share`` of the unit."""
        name = f"f{len(self._defs)}"
        self._defs.append(
            f'<filter id="{name}" x="-50%" y="-50%" width="200%" height="200%">'
            f'<feGaussianBlur stdDeviation="{self.unit * share:.1f}"/></filter>'
        )
        return f'filter="url(#{name})"'

    # -- shapes -----------------------------------------------------------------------------------------

    def rect(self, x: float, y: float, width: float, height: float, fill: str, more: str = "") -> None:
        self.put(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" {more}/>')

    def disc(self, x: float, y: float, radius: float, fill: str, more: str = "") -> None:
        self.put(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" {more}/>')

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str, more: str = "") -> None:
        self.put(f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{rx:.1f}" ry="{ry:.1f}" fill="{fill}" {more}/>')

    def path(self, data: str, fill: str = "none", more: str = "") -> None:
        self.put(f'<path d="{data}" fill="{fill}" {more}/>')

    def stamp(
        self, data: str, at: Point, scale: float, fill: str = "none", more: str = "", *, high: float = 0.0
    ) -> None:
        """Path data drawn around 0, 0 in units of ``scale`` (``high`` upwards), put at a point."""
        size = f"{scale:.2f} {high or scale:.2f}"
        self.path(data, fill, f'transform="translate({at[0]:.1f} {at[1]:.1f}) scale({size})" {more}')

    def shape(self, points: Iterable[Point], fill: str, more: str = "") -> None:
        """A polygon."""
        self.path(f"{line(points)}Z", fill, more)

    def stroke(self, points: Iterable[Point], colour: str, width: float, more: str = "") -> None:
        """An open line with round ends."""
        self.path(
            line(points),
            more=f'stroke="{colour}" stroke-width="{width:.1f}" stroke-linecap="round" '
            f'stroke-linejoin="round" {more}',
        )

    # -- pieces of landscape ----------------------------------------------------------------------------

    def sky(self, share: float = 1.0) -> None:
        """The sky, down to ``share`` of the height."""
        self.rect(0, 0, self.width, self.height * share + 1, self.down(*self.palette.sky))

    def sun(self, x: float, y: float, radius: float, glow: float = 6.0) -> None:
        """Sun or moon, in the light of the hour, with a glow ``glow`` times as wide."""
        light = self.palette.light
        self.disc(x, y, radius * glow, self.around(f"{light} 0.75", f"{light} 0.18", f"{light} 0"))
        self.disc(x, y, radius, light)

    def stars(self, count: int, share: float = 0.6) -> None:
        dots = ""
        for _ in range(count):
            x, y = self.dice.between(0, self.width), self.dice.between(0, self.height * share)
            dots += f"M{x:.0f} {y:.0f}h0"
        self.path(
            dots, more=f'stroke="#fff" stroke-width="{self.unit / 300:.1f}" stroke-linecap="round" opacity=".8"'
        )

    def clouds(self, count: int, top: float, bottom: float, opacity: float = 0.5) -> None:
        """Soft streaks between two shares of the height."""
        soft, light = self.blur(0.012), mix(self.palette.light, self.palette.sky[1], 0.25)
        group = ""
        for _ in range(count):
            x, y = self.dice.between(0, self.width), self.dice.between(top, bottom) * self.height
            rx = self.dice.between(0.1, 0.34) * self.unit
            for _ in range(3):
                dx, dy = self.dice.between(-0.7, 0.7) * rx, self.dice.between(-0.09, 0.05) * rx
                group += f'<ellipse cx="{x + dx:.0f}" cy="{y + dy:.0f}" rx="{rx * 0.7:.0f}" ry="{rx * 0.09:.0f}"/>'
        self.put(f'<g fill="{light}" opacity="{opacity}" {soft}>{group}</g>')

    def ridge(self, base: float, rise: float, rough: float, steps: int = 6) -> list[Point]:
        """The outline of hills from left to right around ``base`` (y), ``rise`` high; by halving the gaps."""
        heights = [self.dice.between(-1, 1) for _ in range(max(2, round(2 * self.width / self.unit)) + 1)]
        spread = rough
        for _ in range(steps):
            finer = []
            for left, right in pairwise(heights):
                finer += [left, (left + right) / 2 + self.dice.between(-spread, spread)]
            heights = [*finer, heights[-1]]
            spread *= 0.5
        step = self.width / (len(heights) - 1)
        return [(at * step, base - rise * height) for at, height in enumerate(heights)]

    def land(self, outline: Sequence[Point], fill: str, more: str = "") -> None:
        """What lies below an outline, down to the lower edge."""
        self.shape([(-5, self.height + 5), (-5, outline[0][1]), *outline, (self.width + 5, outline[-1][1]),
                    (self.width + 5, self.height + 5)], fill, more)  # fmt: skip

    def pines(self, outline: Sequence[Point], height: float, gap: float, fill: str) -> None:
        """A row of conifers along an outline."""
        data, x = "", -gap
        while x < self.width + gap:
            tall = height * self.dice.between(0.55, 1.1)
            data += pine(x, level(outline, x) + height * 0.1, tall)
            x += gap * self.dice.between(0.5, 1.4)
        self.path(data, fill)

    def water(self, y: float, fill: str) -> None:
        """Water from ``y`` down, with light on it."""
        self.rect(0, y, self.width, self.height - y, fill)

    def glints(self, x: float, y: float, count: int, spread: float, opacity: float = 0.7) -> None:
        """Light on water below a sun at ``x``."""
        data = ""
        for _ in range(count):
            depth = self.dice.roll() ** 1.4
            wide = self.unit * (0.01 + 0.07 * depth) * self.dice.between(0.4, 1.2)
            at = x + self.dice.between(-1, 1) * self.unit * spread * (0.25 + depth)
            data += f"M{at - wide:.0f} {y + 3 + (self.height - y) * depth:.0f}h{2 * wide:.0f}"
        self.path(
            data,
            more=f'stroke="{self.palette.light}" stroke-width="{self.unit / 220:.1f}" stroke-linecap="round" '
            f'opacity="{opacity}"',
        )

    def vignette(self, opacity: float = 0.38) -> None:
        fill = self.around("#000 0", "#000 0", f"#000 {opacity}")
        self.put(
            f'<rect x="{-0.2 * self.width:.0f}" y="{-0.2 * self.height:.0f}" width="{1.4 * self.width:.0f}" '
            f'height="{1.4 * self.height:.0f}" fill="{fill}"/>'
        )


def line(points: Iterable[Point]) -> str:
    """Path data through points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def level(outline: Sequence[Point], x: float) -> float:
    """The height (y) of an outline with even steps at ``x``."""
    step = outline[1][0] - outline[0][0]
    return outline[min(max(int(x / step), 0), len(outline) - 1)][1]


def pine(x: float, y: float, tall: float) -> str:
    """Path data of a conifer that stands at x, y."""
    wide, data = tall * 0.2, f"M{x - tall * 0.02:.1f} {y:.1f}V{y - tall * 0.2:.1f}"
    for tier in range(3):
        low, top = y - tall * (0.1 + 0.25 * tier), y - tall * (0.55 + 0.225 * tier)
        half = wide * (1 - 0.26 * tier)
        data += f"M{x - half:.1f} {low:.1f}L{x:.1f} {top:.1f}L{x + half:.1f} {low:.1f}Z"
    return data


def mix(one: str, other: str, share: float) -> str:
    """A colour between two: ``share`` of the way from the first to the second."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)

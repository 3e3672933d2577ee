"""Painters of the sea, and of towns and bridges at the water."""

from __future__ import annotations

from embedkit.sandbox.painting.canvas import Canvas, Point, mix


def city(c: Canvas) -> None:
    """Three rows of towers over a river; windows are lit when the sky is dark."""
    shore = c.height * 0.74
    c.sky(0.76)
    dark = c.palette.sky[0] < "#35"
    if dark:
        c.stars(70, 0.4)
    c.sun(c.width * c.dice.between(0.15, 0.85), c.height * c.dice.between(0.3, 0.55), c.unit * 0.045, 7)
    c.clouds(4, 0.1, 0.45, 0.3)
    for row in range(3):
        colour = mix(mix(c.palette.far, c.palette.sky[2], 0.25), c.palette.near, row / 2.3)
        _towers(c, shore, c.unit * (0.5 - 0.1 * row), colour, lit=0.5 if dark else 0.12, row=row)
    water = c.down(mix(c.palette.sky[2], c.palette.near, 0.45), mix(c.palette.sky[0], c.palette.near, 0.6))
    c.water(shore, water)
    _lights_on_water(c, shore, dark)
    c.glints(c.width / 2, shore, 50, c.width / c.unit, 0.22)
    c.rect(0, shore - 2, c.width, c.unit * 0.008, c.palette.near)


def _towers(c: Canvas, shore: float, tall: float, colour: str, *, lit: float, row: int) -> None:
    x, body, windows = -c.unit * 0.04, "", ""
    pane = c.unit * 0.0085
    while x < c.width:
        wide = c.unit * c.dice.between(0.05, 0.12)
        middle = 1 - abs((x + wide / 2) / c.width - 0.5)
        high = tall * c.dice.between(0.35, 1.0) * (0.45 + 0.6 * middle)
        top = shore - high
        body += f"M{x:.0f} {shore:.0f}V{top:.0f}h{wide:.0f}V{shore:.0f}Z"
        if c.dice.chance(0.3):
            body += f"M{x + wide * 0.25:.0f} {top:.0f}l{wide * 0.25:.0f} {-wide:.0f}l{wide * 0.25:.0f} {wide:.0f}Z"
        elif c.dice.chance(0.4):
            body += f"M{x + wide * 0.2:.0f} {top:.0f}v{-wide * 0.3:.0f}h{wide * 0.6:.0f}v{wide * 0.3:.0f}Z"
        for level_y in range(int(top + pane * 2), int(shore - pane * 2), max(4, int(pane * 2.4))):
            for column in range(int(x + pane * 1.2), int(x + wide - pane), max(4, int(pane * 2.2))):
                if c.dice.chance(lit * (0.5 + row * 0.2)):
                    windows += f"M{column} {level_y}h{pane:.1f}"
        x += wide * c.dice.between(0.82, 1.15)
    c.path(body, c.down(mix(colour, c.palette.sky[1], 0.22), colour))
    c.path(windows, more=f'stroke="#ffdf9a" stroke-width="{pane * 0.8:.1f}" opacity=".85"')


def _lights_on_water(c: Canvas, shore: float, dark: bool) -> None:
    if not dark:
        return
    fill = c.down("#ffdf9a 0.5", "#ffb060 0")
    for _ in range(int(26 * c.width / c.unit)):
        x, wide = c.dice.between(0, c.width), c.unit * c.dice.between(0.004, 0.012)
        c.rect(x, shore, wide, (c.height - shore) * c.dice.between(0.3, 0.9), fill)


def sea(c: Canvas) -> None:
    """A low sun over open water, a sail, perhaps a headland with a lighthouse."""
    horizon = c.height * c.dice.between(0.5, 0.62)
    c.sky(horizon / c.height)
    sun_x = c.width * c.dice.between(0.25, 0.75)
    c.sun(sun_x, horizon - c.unit * 0.09, c.unit * 0.06, 6.5)
    c.clouds(7, 0.08, 0.45, 0.5)
    deep = mix(c.palette.sky[0], c.palette.near, 0.45)
    c.water(horizon, c.down(mix(c.palette.sky[2], c.palette.sky[0], 0.35), mix(c.palette.sky[0], deep, 0.6), deep))
    c.glints(sun_x, horizon, 150, 0.13, 0.65)
    for _ in range(3):
        y = c.height * c.dice.between(0.72, 0.98)
        wave = c.ridge(y, c.unit * 0.008, 0.5, 5)
        c.stroke(wave, mix(c.palette.light, deep, 0.55), c.unit * 0.004, 'opacity=".45"')
    if c.dice.chance(0.5):
        _headland(c, horizon)
    _sail(c, c.width * c.dice.between(0.2, 0.8), horizon + c.unit * 0.06, c.unit * c.dice.between(0.16, 0.24))


def _sail(c: Canvas, x: float, y: float, tall: float) -> None:
    white = mix(c.palette.light, "#ffffff", 0.3)
    c.shape([(x, y - tall), (x, y - tall * 0.12), (x + tall * 0.42, y - tall * 0.12)], white)
    c.stamp("M-.03-.86V-.12H-.3Z", (x, y), tall, mix(white, c.palette.far, 0.35))
    c.stamp("M-.34-.08H.46L.36.02H-.24Z", (x, y), tall, c.palette.near)
    c.rect(x - tall * 0.3, y + tall * 0.03, tall * 0.66, tall * 0.02, c.palette.near, 'opacity=".35"')


def _headland(c: Canvas, horizon: float) -> None:
    side = c.dice.pick((0, 1))
    x = c.width * (0.06 if side == 0 else 0.94)
    wide, high = c.unit * 0.34, c.unit * 0.1
    c.stamp("M-1 .04Q-.4-1.5 0-1T1 .04Z", (x, horizon), wide, mix(c.palette.near, c.palette.far, 0.25), high=high)
    foot, tall, half = horizon - high * 0.95, c.unit * 0.2, c.unit * 0.016
    c.shape(
        [(x - half, foot), (x - half * 0.65, foot - tall), (x + half * 0.65, foot - tall), (x + half, foot)],
        "#f3ece0",
    )
    for band in (0.2, 0.55):
        c.rect(x - half * 0.9, foot - tall * (band + 0.16), half * 1.8, tall * 0.14, "#b5483c")
    c.rect(x - half, foot - tall * 1.08, half * 2, tall * 0.09, c.palette.near)
    c.disc(x, foot - tall * 1.04, half * 3, c.around("#fff3b0 0.9", "#fff3b0 0"))


def bridge(c: Canvas) -> None:
    """A suspension bridge whose feet are lost in fog."""
    c.sky()
    c.sun(c.width * c.dice.between(0.2, 0.8), c.height * 0.3, c.unit * 0.05, 7)
    c.land(c.ridge(c.height * 0.6, c.height * 0.08, 0.4, 5), mix(c.palette.far, c.palette.sky[2], 0.35))
    steel = mix("#b4452f", c.palette.near, 0.18)
    deck, thick = c.height * 0.66, c.unit * 0.014
    towers = (c.width * 0.2, c.width * 0.8)
    top = deck - min(c.unit * 0.42, c.height * 0.42)
    for x in towers:
        for leg in (-1, 1):
            c.rect(x + leg * c.unit * 0.026 - c.unit * 0.009, top, c.unit * 0.018, c.height - top, steel)
        for bar in range(4):
            c.rect(x - c.unit * 0.03, top + (deck - top) * 0.24 * bar, c.unit * 0.06, c.unit * 0.018, steel)
    ends = deck - c.unit * 0.06
    left = _hanging((-c.width * 0.1, ends), (towers[0], top), c.unit * 0.08)
    middle = _hanging((towers[0], top), (towers[1], top), deck - c.unit * 0.03 - top)
    right = _hanging((towers[1], top), (c.width * 1.1, ends), c.unit * 0.08)
    c.stroke([*left, *middle, *right], steel, thick * 0.6)
    hangers = "".join(f"M{x:.0f} {min(y, deck):.0f}V{deck:.0f}" for x, y in middle)
    c.path(hangers, more=f'stroke="{steel}" stroke-width="{thick * 0.16:.1f}" opacity=".8"')
    c.rect(0, deck, c.width, thick, steel)
    c.rect(0, deck + thick, c.width, thick * 0.8, mix(steel, "#000000", 0.35))
    fog, soft = mix(c.palette.sky[2], c.palette.light, 0.6), c.blur(0.035)
    c.rect(0, c.height * 0.74, c.width, c.height * 0.3, c.down(f"{fog} 0", f"{fog} 0.9", fog))
    puffs = "".join(
        f'<ellipse cx="{c.dice.between(0, c.width):.0f}" cy="{c.height * c.dice.between(0.72, 0.96):.0f}" '
        f'rx="{c.unit * c.dice.between(0.16, 0.4):.0f}" ry="{c.unit * c.dice.between(0.025, 0.07):.0f}"/>'
        for _ in range(int(16 * c.width / c.unit))
    )
    c.put(f'<g fill="{fog}" opacity=".75" {soft}>{puffs}</g>')


def _hanging(start: Point, end: Point, sag: float) -> list[Point]:
    """A cable between two points, ``sag`` below the straight line in the middle."""
    shares = [at / 32 for at in range(33)]
    return [
        (start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t + 4 * sag * t * (1 - t))
        for t in shares
    ]

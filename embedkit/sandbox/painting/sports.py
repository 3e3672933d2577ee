"""Painters of games: a basket, a pitch, a track."""

from __future__ import annotations

from embedkit.sandbox.painting.canvas import Canvas, mix
from embedkit.sandbox.painting.figures import RUN, SHOOT, SKINS, STAND, figure

KITS = (
    ("#c8362f", "#f3f0ea"),
    ("#f2f0ea", "#24365f"),
    ("#274c8a", "#e9c53f"),
    ("#2f7d56", "#f3f0ea"),
    ("#f0a02c", "#1f1f24"),
)
CROWD = ("#d9a37a", "#8a5636", "#f0c8a4", "#c8505a", "#4f7fb5", "#e9e2d3", "#3b3f4c", "#e5b94a")
HALLS = (("#10162c", "#2c2f55", "#7a4a54", "#d98a55"), ("#0c0f18", "#1d2535", "#4a5568", "#4a5568"))


def basketball(c: Canvas) -> None:
    """A shot at the basket under the lights of a hall."""
    c.rect(0, 0, c.width, c.height, c.down(*c.dice.pick(HALLS)))
    soft = c.blur(0.02)
    for at in range(5):
        x, y = c.width * (0.1 + 0.2 * at), c.height * 0.08
        c.oval(x, y, c.unit * 0.07, c.unit * 0.03, "#fff6de", f'opacity=".85" {soft}')
        cone = f"M-.05 0H.05L.3 {0.77 * c.height / c.unit:.2f}H-.3Z"
        c.stamp(cone, (x, y), c.unit, c.down("#fff3d6 0.16", "#fff3d6 0"))
    _crowd(c, c.height * 0.5, c.height * 0.78, 0.5)
    floor = c.height * 0.78
    c.rect(0, floor, c.width, c.height - floor, c.down("#c98a4e", "#8a5527"))
    circle = f'stroke="#f6e7cf" stroke-width="{c.unit * 0.008:.1f}"'
    c.oval(c.width * 0.5, c.height * 0.97, c.unit * 0.55, c.height * 0.1, "none", circle)
    rim = c.height * (0.3 if c.height >= c.width else 0.27)
    _hoop(c, c.width * 0.5 + c.unit * 0.27, rim, c.unit * 0.15)
    tall = c.unit * 0.56
    x, hip = c.width * 0.5 - c.unit * 0.14, max(rim + tall * 0.62, floor - tall * 0.5)
    hand = figure(c, x, hip, tall, SHOOT, c.dice.pick(SKINS[1:]), *c.dice.pick(KITS))
    _ball(c, hand[0] + tall * 0.04, hand[1] - tall * 0.09, tall * 0.075)


def _hoop(c: Canvas, x: float, y: float, s: float) -> None:
    c.rect(x + s * 1.2, y - s, s * 0.12, c.height, "#39404c")
    c.rect(x + s * 0.62, y - s * 0.5, s * 0.6, s * 0.08, "#39404c")
    c.stamp("M.45-1.5L.72-1.25V.3L.45.1Z", (x, y), s, "#eef2f5", 'opacity=".92"')
    net = "".join(f"M{0.14 * at - 0.42:.2f} 0L{0.28 - 0.09 * at:.2f} .62" for at in range(7))
    net += "".join(f"M{0.14 * at - 0.42:.2f} 0L{0.085 * at - 0.24:.2f} .62" for at in range(7))
    c.stamp(net, (x, y), s, more='stroke="#f7f5ef" stroke-width=".025" opacity=".8"')
    c.oval(x, y, s * 0.45, s * 0.09, "none", f'stroke="#e2552b" stroke-width="{s * 0.06:.1f}"')


def _ball(c: Canvas, x: float, y: float, r: float) -> None:
    c.disc(x, y, r, c.around("#f7a65a", "#dd7328", "#8f3f10"))
    seams = "M-1 0H1M0-1V1M-.7-.7Q0 0-.7.7M.7-.7Q0 0 .7.7"
    c.stamp(seams, (x, y), r, more='stroke="#4a1f08" stroke-width=".07"')


def _crowd(c: Canvas, top: float, low: float, opacity: float) -> None:
    """Heads in rows, out of focus."""
    step = c.unit * 0.034
    dots = dict.fromkeys(CROWD, "")
    rows = int((low - top) / (step * 0.8)) + 1
    for row in range(rows):
        y = top + row * step * 0.8
        for seat in range(int(c.width / step) + 1):
            x = (seat + 0.5 * (row % 2)) * step
            dots[c.dice.pick(CROWD)] += f"M{x + c.dice.between(-4, 4):.0f} {y + c.dice.between(-3, 3):.0f}h0"
    inner = "".join(f'<path d="{data}" stroke="{tone}"/>' for tone, data in dots.items() if data)
    look = f'stroke-width="{step * 0.72:.1f}" stroke-linecap="round" opacity="{opacity}" {c.blur(0.004)}'
    c.put(f"<g {look}>{inner}</g>")
    c.rect(0, top - step, c.width, low - top + step, c.down("#05070e 0.75", "#05070e 0.15"))


def football(c: Canvas) -> None:
    """Players on a striped pitch under floodlights."""
    c.rect(0, 0, c.width, c.height, c.down("#0a1228", "#24385f", "#6d86a8"))
    turf = c.height * 0.56
    _crowd(c, c.height * 0.3, turf, 0.75)
    for side in (0.08, 0.92):
        _floodlight(c, c.width * side, c.height * 0.12, turf)
    _pitch(c, turf)
    home, away = c.dice.some(KITS, 2)
    for at in range(4):
        near = at % 2 == 0
        x = c.width * (0.14 + 0.24 * at) + c.dice.between(-0.04, 0.04) * c.unit
        tall = c.unit * (0.46 if near else 0.3)
        hip = turf + (c.height - turf) * (0.72 if near else 0.36) - tall * 0.42
        c.oval(x, hip + tall * 0.5, tall * 0.3, tall * 0.035, "#12301a", 'opacity=".5"')
        figure(c, x, hip, tall, STAND if at == 3 else RUN, c.dice.pick(SKINS), *(home if near else away))
    ball = (c.width * 0.14 + c.unit * 0.24, turf + (c.height - turf) * 0.72 + c.unit * 0.02)
    c.disc(*ball, c.unit * 0.026, c.around("#ffffff", "#f2f2f2", "#9aa0a6"))


def _floodlight(c: Canvas, x: float, y: float, turf: float) -> None:
    c.disc(x, y, c.unit * 0.3, c.around("#ffffff 0.9", "#dbe8ff 0.25", "#dbe8ff 0"))
    c.rect(x - c.unit * 0.006, y, c.unit * 0.012, turf - y, "#1a2236")
    for lamp in range(6):
        c.disc(x + (lamp % 3 - 1) * c.unit * 0.03, y + (lamp // 3) * c.unit * 0.03, c.unit * 0.011, "#ffffff")


def _pitch(c: Canvas, turf: float) -> None:
    c.rect(0, turf, c.width, c.height - turf, c.down("#5a9a4a", "#2f6f35"))
    middle = c.width / 2
    for at in range(0, 14, 2):
        x1, x2 = c.width * (at * 0.22 - 1), c.width * ((at + 1) * 0.22 - 1)
        far = [(middle + (x1 - middle) * 0.5, turf), (middle + (x2 - middle) * 0.5, turf)]
        c.shape([*far, (x2, c.height), (x1, c.height)], "#ffffff", 'opacity=".07"')
    c.rect(0, turf + c.unit * 0.02, c.width, c.unit * 0.005, "#ffffff", 'opacity=".8"')


def track(c: Canvas) -> None:
    """Three runners on a red track."""
    c.sky(0.5)
    _crowd(c, c.height * 0.28, c.height * 0.46, 0.6)
    lane = c.height * 0.46
    c.rect(0, lane, c.width, c.height * 0.07, c.down("#4c8a45", "#3d7439"))
    c.rect(0, lane + c.height * 0.06, c.width, c.height, c.down("#c65b3c", mix("#963a24", "#000000", 0.1)))
    for at in range(6):
        y = lane + c.height * (0.06 + 0.012 * at * at + 0.045 * at)
        c.rect(0, y, c.width, c.unit * (0.003 + 0.0015 * at), "#fbeee4", 'opacity=".85"')
    for at in range(3):
        kit = KITS[(at * 2 + c.dice.whole(0, 1)) % len(KITS)]
        tall = c.unit * (0.44 + 0.07 * at)
        x, hip = c.width * 0.5 + c.unit * (0.3 - 0.3 * at), c.height * (0.62 + 0.06 * at)
        c.oval(x, hip + tall * 0.48, tall * 0.32, tall * 0.035, "#3a130a", 'opacity=".45"')
        figure(c, x, hip, tall, RUN, c.dice.pick(SKINS), *kit)

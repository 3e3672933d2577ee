"""People from afar: a body of a few strokes in a pose."""

from __future__ import annotations

import math
from dataclasses import dataclass

from embedkit.sandbox.painting.canvas import Canvas, Point, mix

SKINS = ("#f0c8a4", "#d9a37a", "#b5794f", "#8a5636", "#5f3a26")


def turn(x: float, y: float, degrees: float, length: float) -> Point:
    """The point ``length`` away; 0 degrees is down, 90 to the right."""
    angle = math.radians(degrees)
    return x + length * math.sin(angle), y + length * math.cos(angle)


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles of a body in degrees (0 is down, 90 to the right): trunk, arms and legs, each in two parts."""

    trunk: float
    arms: tuple[tuple[float, float], tuple[float, float]]
    legs: tuple[tuple[float, float], tuple[float, float]]


SHOOT = Pose(176, ((130, 172), (200, 160)), ((-14, -34), (22, -12)))
RUN = Pose(166, ((-50, 40), (70, 140)), ((58, -14), (-30, -82)))
STAND = Pose(180, ((-12, -4), (14, 4)), ((-6, -3), (7, 4)))
SING = Pose(178, ((100, 165), (-40, 20)), ((-12, -6), (14, 6)))


def figure(
    canvas: Canvas, x: float, y: float, tall: float, pose: Pose, skin: str, shirt: str, shorts: str
) -> Point:
    """A person whose hips are at x, y; returns where the first hand is."""
    limb = tall * 0.075
    neck = turn(x, y, pose.trunk, tall * 0.3)
    hands = []
    for angles, hip in zip(pose.legs, (-0.02, 0.02), strict=True):
        start = (x + hip * tall, y)
        knee = turn(*start, angles[0], tall * 0.24)
        foot = turn(*knee, angles[1], tall * 0.25)
        canvas.stroke([start, knee, foot], skin, limb)
        canvas.stroke([start, turn(*start, angles[0], tall * 0.15)], shorts, limb * 1.5)
        canvas.stroke([foot, (foot[0] + tall * 0.04, foot[1])], "#f4f1ea", limb * 0.8)
    for angles, side in zip(pose.arms, (1, -1), strict=True):
        start = (neck[0] + side * tall * 0.045, neck[1] + tall * 0.03)
        elbow = turn(*start, angles[0], tall * 0.16)
        hand = turn(*elbow, angles[1], tall * 0.15)
        canvas.stroke([start, elbow, hand], skin, limb * 0.75)
        hands.append(hand)
    canvas.stroke([(x, y), (neck[0], neck[1] + tall * 0.04)], shirt, limb * 2.1)
    canvas.stroke([neck, turn(*neck, pose.trunk, tall * 0.05)], skin, limb * 0.8)
    canvas.disc(*turn(*neck, pose.trunk, tall * 0.1), tall * 0.062, skin)
    canvas.path(_hair(*turn(*neck, pose.trunk, tall * 0.11), tall * 0.064), mix(skin, "#140d0a", 0.82))
    return hands[0]


def _hair(x: float, y: float, radius: float) -> str:
    return f"M{x - radius:.1f} {y:.1f}a{radius:.1f} {radius:.1f} 0 0 1 {2 * radius:.1f} 0Z"

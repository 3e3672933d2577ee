"""Chance that falls the same way every time: everything the sandbox invents follows from a name."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
MASK = (1 << 64) - 1


class Dice:
    """A stream of numbers that depends on ``seed`` alone, whatever the Python version (SplitMix64).

    The standard library's generator promises no such thing for its choosing methods.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")

    def roll(self) -> float:
        """A number from 0 up to, and without, 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)

    def between(self, least: float, most: float) -> float:
        return least + (most - least) * self.roll()

    def whole(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.roll() * (most - least + 1))

    def chance(self, share: float) -> bool:
        return self.roll() < share

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.roll() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """``count`` different ones."""
        left = list(choices)
        return [left.pop(int(self.roll() * len(left))) for _ in range(min(count, len(left)))]

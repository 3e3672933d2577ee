"""A part that is made when first called for, once, whichever thread comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from embedkit.forks import register_after_fork

Part = TypeVar("Part")


class Lazily(Generic[Part]):
    """Call it to get the part.

    :param make: makes it; called once at the most. If it raises, the next call tries again.
    """

    def __init__(self, make: Callable[[], Part]) -> None:
        self._make = make
        self.after_fork()
        register_after_fork(self)
        self._made: list[Part] = []

    def after_fork(self) -> None:
        """A thread that is not in the child may have been making it."""
        self._lock = threading.RLock()

    def __call__(self) -> Part:
        if not self._made:
            with self._lock:
                if not self._made:
                    self._made.append(self._make())
        return self._made[0]

    def made(self) -> list[Part]:
        """The part, if it has been made: one or none."""
        return list(self._made)

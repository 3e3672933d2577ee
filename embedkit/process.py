"""What belongs to one process: parts that are made when first needed, and state that a forked child makes anew."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Part = TypeVar("Part")


class Forkable(Protocol):
    """Something with state that a forked child must not share, such as locks that its threads held."""

    def after_fork(self) -> None: ...


_forkable: weakref.WeakSet[Forkable] = weakref.WeakSet()


def register_after_fork(part: Forkable) -> None:
    """Have ``part.after_fork()`` called in every child of this process."""
    _install_hook()
    _forkable.add(part)


@functools.cache
def _install_hook() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_run_after_fork)


def _run_after_fork() -> None:
    for part in list(_forkable):
        part.after_fork()


class Lazy(Generic[Part]):
    """A part that is made when first called for, once, whichever thread comes first.

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

"""Parts with state that a forked child must not share with its parent (``gunicorn --preload`` forks)."""

from __future__ import annotations

import functools
import os
import weakref
from typing import Protocol


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

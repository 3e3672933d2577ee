"""Refreshing stale copies behind the reader's back: on daemon threads, or when asked to settle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from embedkit.errors import EmbedKitError
from embedkit.process import lazy_logger, run_now_and_after_fork

log = lazy_logger("embedkit.revalidation")

MAX_WAITING = 1_000  # refreshes at once; what is turned away is asked for again by the next reader


class Revalidator:
    """Runs each refresh once, however many readers ask for it.

    :param background: True starts daemon threads (a service); False keeps the work for :meth:`settle`
        (a command, a build), so that a process does not end in the middle of it.
    :param threads: how many at once.
    """

    def __init__(self, *, background: bool, threads: int) -> None:
        self._background = background
        self._threads = threads
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """The threads are not in the child, nor is their work (gunicorn --preload)."""
        self._waiting: dict[Hashable, Callable[[], object]] = {}
        self._running: set[Hashable] = set()
        self._workers = 0
        self._changed = threading.Condition()

    def submit(self, key: Hashable, refresh: Callable[[], object]) -> None:
        """Refresh once, soon; a key that is waiting or under way is not added again."""
        with self._changed:
            if key in self._waiting or key in self._running or len(self._waiting) >= MAX_WAITING:
                return
            self._waiting[key] = refresh
            if self._background:
                self._hire()

    def settle(self, timeout: float) -> int:
        """Do, or wait for, what is waiting, for ``timeout`` seconds at the most.

        :returns: how many are left.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            for _ in range(len(self._waiting)):
                self._hire()
            while (self._waiting or self._running) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            unfinished = len(self._waiting) + len(self._running)
            self._waiting.clear()
            return unfinished

    def _hire(self) -> None:
        if self._workers >= self._threads:
            return
        try:
            threading.Thread(target=self._work, name="embedkit-revalidation", daemon=True).start()
        except RuntimeError:
            return  # no thread to be had, or the interpreter is shutting down: the reader has a copy
        self._workers += 1

    def _work(self) -> None:
        while (job := self._next()) is not None:
            key, refresh = job
            try:
                refresh()
            except EmbedKitError as error:
                log.debug("refresh failed: %s", error.code)
            except Exception:
                log.exception("refresh failed")
            finally:
                with self._changed:
                    self._running.discard(key)
                    self._changed.notify_all()

    def _next(self) -> tuple[Hashable, Callable[[], object]] | None:
        with self._changed:
            if not self._waiting:
                self._workers -= 1
                return None
            key = next(iter(self._waiting))
            self._running.add(key)
            return key, self._waiting.pop(key)

"""Refreshing stale copies in the background, on daemon threads, or when asked to settle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from embedkit.errors import EmbedKitError
from embedkit.process import lazy_logger, run_now_and_after_fork

log = lazy_logger("embedkit.revalidation")

MAX_WAITING = 1_000  # refreshes; any more are dropped, and submitted again by the next request


class Revalidator:
    """Runs each refresh once, however many callers request it.

    :param background: True starts daemon threads (for a service); False leaves the work to :meth:`settle` (for a
        command or a build), so that the process does not exit in the middle of it.
    :param threads: maximum number of threads.
    """

    def __init__(self, *, background: bool, threads: int) -> None:
        self._background = background
        self._threads = threads
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Start empty: the child has neither the threads nor their work (gunicorn --preload)."""
        self._waiting: dict[Hashable, Callable[[], object]] = {}
        self._running: set[Hashable] = set()
        self._workers = 0
        self._changed = threading.Condition()

    def submit(self, key: Hashable, refresh: Callable[[], object]) -> None:
        """Schedule a refresh, unless one for the same key is already waiting or running."""
        with self._changed:
            if key in self._waiting or key in self._running or len(self._waiting) >= MAX_WAITING:
                return
            self._waiting[key] = refresh
            if self._background:
                self._start_worker()

    def settle(self, timeout: float) -> int:
        """Do the waiting work, for at most ``timeout`` seconds.

        :returns: how many refreshes are unfinished.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            for _ in range(len(self._waiting)):
                self._start_worker()
            while (self._waiting or self._running) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            unfinished = len(self._waiting) + len(self._running)
            self._waiting.clear()
            return unfinished

    def _start_worker(self) -> None:
        if self._workers >= self._threads:
            return
        try:
            threading.Thread(target=self._work, name="embedkit-revalidation", daemon=True).start()
        except RuntimeError:
            return  # no more threads available, or the interpreter is shutting down: the caller has a copy anyway
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

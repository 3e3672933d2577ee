"""What the store has not taken: entries that are kept in the process meanwhile, and takedowns.

A healer writes them to the store when it is well again, takedowns first, so that no copy that is brought back
is seen beside one that was withdrawn.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable

from embedkit.cache import entry
from embedkit.cache.takedowns import Takedowns
from embedkit.models import JSON
from embedkit.process import lazy_logger, run_now_and_after_fork

log = lazy_logger("embedkit.cache")

MAX_ENTRIES = 8_192  # some 3 KB each; over that the longest unwritten goes, and is asked for again
HEAL_INTERVAL_S = 1.0  # from one look whether the store is well again to the next; its circuit opens less often


class Backlog:
    """Bodies of entries and takedowns, by key. Safe for threads.

    :param max_age: seconds for which a copy that is only here is fresh, at the most.
    """

    def __init__(self, takedowns: Takedowns, max_age: float) -> None:
        self.takedowns = takedowns
        self._max_age = max_age
        self._bodies: dict[str, str] = {}
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bodies)

    def __bool__(self) -> bool:
        return bool(self._bodies or self.takedowns)

    def keys(self) -> list[str]:
        """Of all that is to be written, in the order in which that must be done."""
        return list(dict.fromkeys((*self.takedowns.keys(), *list(self._bodies))))

    def over(self, key: str, body: JSON) -> JSON:
        """What the store says of an entry, set right by what it has not taken."""
        if (held := self._bodies.get(key)) is not None:
            body = entry.merge(body, json.loads(held))
        if when := self.takedowns.time(key):
            body = entry.merge(body, entry.purged_body(when))
        return body

    def put(self, key: str, body: JSON) -> None:
        """Keep a body that the store has not taken."""
        text = json.dumps(entry.cap_freshness(body, self._max_age), separators=(",", ":"))
        with self._lock:
            self._bodies.pop(key, None)
            self._bodies[key] = text
            while len(self._bodies) > MAX_ENTRIES:
                del self._bodies[next(iter(self._bodies))]

    def remove(self, key: str, dropped: float) -> None:
        """The store has it now, with what was taken down until ``dropped``."""
        with self._lock:
            self._bodies.pop(key, None)
        self.takedowns.remove(key, dropped)

    def clear(self) -> None:
        """Keep no bodies; takedowns stay."""
        with self._lock:
            self._bodies.clear()


class Healer:
    """A daemon thread that works until there is nothing left to do. There is none while there is nothing to do.

    :param heal: a method that does the work; whether nothing is left. The thread ends when its object is gone.
    """

    def __init__(self, heal: Callable[[], bool]) -> None:
        self._heal = weakref.WeakMethod(heal)
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """The thread is not in the child."""
        self._lock = threading.Lock()
        self._over: threading.Event | None = None

    def start(self) -> None:
        """Begin, unless it is under way."""
        with self._lock:
            if self._over is not None:
                return
            self._over = threading.Event()
            try:
                threading.Thread(target=self._run, args=(self._over,), name="embedkit-heal", daemon=True).start()
            except RuntimeError:  # no thread to be had, or the interpreter is shutting down
                self._over = None

    def stop(self) -> None:
        """Let it come to its end."""
        with self._lock:
            if self._over is not None:
                self._over.set()
            self._over = None

    def _run(self, over: threading.Event) -> None:
        while not over.wait(HEAL_INTERVAL_S):
            heal = self._heal()
            if heal is None:
                return
            with self._lock:
                if over.is_set():
                    return
            try:
                if heal():
                    self.stop()
            except Exception:
                log.exception("what the cache had not taken could not be written")
            del heal

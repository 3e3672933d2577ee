"""What could not be written to the store yet: entries and takedowns, which are kept in the process meanwhile.

A healer writes them to the store once it has recovered, takedowns first, so that an older copy never reappears
next to a withdrawal.
"""

from __future__ import annotations

import json
import threading

from embedkit.cache import entry
from embedkit.cache.takedowns import Takedowns
from embedkit.models import JSON
from embedkit.process import run_now_and_after_fork

MAX_ENTRIES = 8_192  # about 3 KB each; beyond that the oldest is dropped, and requested again when needed
HEAL_INTERVAL_S = 1.0  # between two attempts to write to the store; its circuit lets fewer of them through


class Backlog:
    """Bodies of entries and takedowns, by key. Thread-safe.

    :param takedowns: the takedowns.
    :param max_age: maximum seconds for which a copy that is only here is fresh.
    """

    def __init__(self, takedowns: Takedowns, max_age: float) -> None:
        self.takedowns = takedowns
        self._max_age = max_age
        self._bodies: dict[str, str] = {}
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock: in the parent, a thread that the child lacks may have held it."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bodies)

    def __bool__(self) -> bool:
        return bool(self._bodies or self.takedowns)

    def keys(self) -> list[str]:
        """Return the keys of everything to be written, in the order in which it must be written."""
        return list(dict.fromkeys((*self.takedowns.keys(), *list(self._bodies))))

    def over(self, key: str, body: JSON, dropped: float | None = None) -> JSON:
        """Merge the stored body of an entry with what could not be written.

        :param dropped: when the picture was last taken down; by default looked up in :attr:`takedowns`.
        """
        if (held := self._bodies.get(key)) is not None:
            body = entry.merge(body, json.loads(held))
        if when := self.takedowns.time(key) if dropped is None else dropped:
            body = entry.merge(body, entry.purged_body(when))
        return body

    def put(self, key: str, body: JSON) -> None:
        """Keep a body that could not be written."""
        text = json.dumps(entry.cap_freshness(body, self._max_age), separators=(",", ":"))
        with self._lock:
            self._bodies.pop(key, None)
            self._bodies[key] = text
            while len(self._bodies) > MAX_ENTRIES:
                del self._bodies[next(iter(self._bodies))]

    def remove(self, key: str, dropped: float) -> None:
        """Forget a body that is now written, including takedowns until ``dropped``."""
        with self._lock:
            self._bodies.pop(key, None)
        self.takedowns.remove(key, dropped)

    def clear(self) -> None:
        """Forget all bodies; takedowns are kept."""
        with self._lock:
            self._bodies.clear()

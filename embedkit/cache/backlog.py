"""What the store has not taken: entries that are kept in the process meanwhile, and takedowns.

A healer writes them to the store when it is well again, takedowns first, so that no copy that is brought back
is seen beside one that was withdrawn.
"""

from __future__ import annotations

import json
import threading

from embedkit.cache import entry
from embedkit.cache.takedowns import Takedowns
from embedkit.models import JSON
from embedkit.process import run_now_and_after_fork

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

    def over(self, key: str, body: JSON, dropped: float | None = None) -> JSON:
        """What the store says of an entry, set right by what it has not taken.

        :param dropped: when the picture was last taken down, from :attr:`takedowns`; asked there by default.
        """
        if (held := self._bodies.get(key)) is not None:
            body = entry.merge(body, json.loads(held))
        if when := self.takedowns.time(key) if dropped is None else dropped:
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

"""Counts of fixed windows in the memory of a process.

The storage of the library ``limits`` starts a thread for every few hits; here an old window goes when its place is
needed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MAX_KEYS = 65_536  # windows in memory, some 300 bytes each: more clients than that at once are an attack


class Counts:
    """Counts by key. Safe for threads.

    :param clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}  # how many so far, and when the window ends

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count so many more; how many that makes in this window.

        :param expiry: seconds for which a window lasts, from its first count.
        """
        with self._lock:
            now = self._clock()
            used, end = self._windows.get(key, (0, 0.0))
            if end <= now:
                used, end = 0, now + expiry
                self._windows.pop(key, None)  # new windows stand at the end
                self._make_room(now)
            self._windows[key] = used + amount, end
            return used + amount

    def get_expiry(self, key: str) -> float:
        """When the window of a key ends; now where there is none."""
        return self._windows.get(key, (0, self._clock()))[1]

    def _make_room(self, now: float) -> None:
        """Drop what is over; the oldest quarter where that is not enough."""
        if len(self._windows) < MAX_KEYS:
            return
        self._windows = {key: window for key, window in self._windows.items() if window[1] > now}
        too_many = len(self._windows) - MAX_KEYS * 3 // 4
        for key in list(self._windows)[: max(0, too_many)]:
            del self._windows[key]

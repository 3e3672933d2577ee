"""SEARCH_BUDGET: how many searches a day may be asked of Getty, so that its own limit is never met.

Days are those of UTC. The count is kept where all processes of a service see it: in the Redis that CACHE names,
else in a small SQLite file in the user's cache folder. With CACHE ``memory:`` or ``null:``, and where that fails,
each process counts for itself.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import platformdirs

from embedkit.cache.secret import PRIVATE
from embedkit.cache.stores.factory import REDIS, open_store
from embedkit.errors import QuotaExhausted
from embedkit.freshness import DAY
from embedkit.settings import Settings

log = logging.getLogger("embedkit.api")

FILE = "searches.sqlite"
WAIT_S = 1.0  # for other processes that are counting
BYPASS_S = 10.0  # without the common count after it failed
KEEP_DAYS = 2
LOW = 10  # the budget is low when less than one part in so many is left

Count = Callable[[int, int], int]
"""Takes a day and how much to add to its count; gives the count."""


class SearchBudget:
    """Counts the searches of a day. Safe for threads, processes and forks.

    :param clock: seconds since the epoch.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.limit = settings.search_budget
        self._settings = settings
        self._clock = clock
        self._own = _own_count()
        self._common: Count | None = None
        self._bypassed_until = 0.0

    def spend(self) -> None:
        """Count one search that is about to be asked of Getty.

        :raises QuotaExhausted: where it is one too many; ``retry_after`` leads to midnight.
        """
        if self.limit is None or self._count(1) <= self.limit:
            return
        raise QuotaExhausted(
            f"The {self.limit} searches of today (SEARCH_BUDGET) are used up.",
            hint="There are new ones at midnight, UTC.",
            retry_after=self.reset(),
        )

    def used(self) -> int:
        """Searches asked today; 0 where nobody counts."""
        return 0 if self.limit is None else min(self._count(0), self.limit)

    def remaining(self) -> int | None:
        """Searches left today; None without a budget."""
        return None if self.limit is None else self.limit - self.used()

    def low(self) -> int | None:
        """Searches left today, where less than a tenth is; else None."""
        left = self.remaining()
        return left if left is not None and left * LOW < (self.limit or 0) else None

    def reset(self) -> int:
        """Seconds until the next day begins."""
        return DAY - int(self._clock()) % DAY

    def _count(self, amount: int) -> int:
        day = int(self._clock()) // DAY
        if not self._settings.cache.startswith(PRIVATE) and time.monotonic() >= self._bypassed_until:
            try:
                self._common = self._common or _common_count(self._settings)
                return self._common(day, amount)
            except Exception as error:  # each library has a tree of its own; a text may hold a password
                log.warning("searches are counted in this process: %s", type(error).__name__)
                self._bypassed_until = time.monotonic() + BYPASS_S
        return self._own(day, amount)


def _own_count() -> Count:
    lock, counts = threading.Lock(), {0: 0}

    def count(day: int, amount: int) -> int:
        with lock:
            used = counts.get(day, 0) + amount
            counts[day] = used
            for past in [one for one in counts if one < day]:
                del counts[past]
            return used

    return count


def _common_count(settings: Settings) -> Count:
    if settings.cache.partition(":")[0] in REDIS:
        store: Any = open_store(settings.cache, limit=1, timeout=settings.timeout)
        return lambda day, amount: int(store.count(f"searches:{day}", amount, KEEP_DAYS * DAY))
    path = Path(platformdirs.user_cache_dir("embedkit")) / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return lambda day, amount: _count_in(path, day, amount)


def _count_in(path: Path, day: int, amount: int) -> int:
    """One row a day; opened anew each time, as searches are few and forks many."""
    with closing(sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")  # a count that a power failure loses is no loss
        file.execute("BEGIN IMMEDIATE")
        file.execute("CREATE TABLE IF NOT EXISTS searches (day INTEGER PRIMARY KEY, used INTEGER NOT NULL)")
        file.execute("DELETE FROM searches WHERE day < ?", (day,))
        file.execute(
            "INSERT INTO searches VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET used = used + excluded.used",
            (day, amount),
        )
        row = file.execute("SELECT used FROM searches WHERE day = ?", (day,)).fetchone()
        file.execute("COMMIT")
        return int(row[0])

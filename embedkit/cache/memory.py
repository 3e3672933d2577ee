"""Answers made from a copy, ready to be given again: why a warm embed costs microseconds.

An answer is good for as long as the cache holds the very copy that it was made from, and that is asked at every
use (:meth:`embedkit.cache.front.Hold.good`). So a purge, a takedown or a new copy, in whatever process, ends it
at once. Only fresh copies count: a stale one has to be asked for anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from embedkit.cache.embed_cache import EmbedCache
from embedkit.cache.front import Hold
from embedkit.events import Observe
from embedkit.freshness import Verdict
from embedkit.models import Embed, EmbedKey

MOST = 8_192  # answers, some 2 KB each


class Memo:
    """What was answered to what, in this process. Safe for threads.

    :param cache: gives the cache; None (a frozen build, which touches none) remembers nothing.
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None) -> None:
        self._cache = cache
        self._held: dict[Hashable, tuple[Hold, Any, EmbedKey, Embed]] = {}

    def get(self, asked: Hashable) -> Any:
        """The answer to this; None where there is none that is still good."""
        try:
            hold, answer, picture, copy = self._held[asked]
        except (KeyError, TypeError):  # or something of a wrong type, which whoever was asked will name
            return None
        if hold.good():
            return answer
        return answer if self.keep(asked, picture, copy, answer) else None

    def keep(self, asked: Hashable, picture: EmbedKey, copy: Embed, answer: Any) -> bool:
        """Remember an answer, if this copy is the one that is held, and fresh; whether it is."""
        if self._cache is None:
            return False
        entry, hold = self._cache().held(*picture)
        same = entry.embed is copy or entry.embed == copy
        if entry.embed is None or not same or entry.verdict is not Verdict.FRESH or entry.error:
            self._held.pop(asked, None)
            return False
        if hold is None:  # nothing tells of changes here: it is looked at each time
            self._held.pop(asked, None)
            return True
        if len(self._held) >= MOST:
            self._held.clear()  # all of it can be made again
        self._held[asked] = hold, answer, picture, entry.embed
        return True


class CountedMemo(Memo):
    """A memo whose answers are counted: for a kit with the setting METRICS, so that others pay nothing.

    :param observe: told of every answer that is given (:mod:`embedkit.events`).
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None, observe: Observe) -> None:
        super().__init__(cache)
        self._observe = observe

    def get(self, asked: Hashable) -> Any:
        """The answer to this; None where there is none that is still good."""
        answer = super().get(asked)
        if answer is not None:
            self._observe("lookup", "hit")
        return answer

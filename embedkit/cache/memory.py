"""The memory of a process, in front of the store: the entries read most recently, and results made from them.

A result is valid as long as the cache holds its entry, which is checked on every use
(:meth:`embedkit.cache.entry.Entry.is_current`). So a purge, a takedown or a new copy, in any process, invalidates
it at once. Only results from fresh copies are kept, because a stale copy has to be refreshed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from embedkit.cache.entry import Entry
from embedkit.freshness import Verdict
from embedkit.models import EmbedKey
from embedkit.process import Observe, run_now_and_after_fork

if TYPE_CHECKING:
    from embedkit.cache.embed_cache import EmbedCache

MAX_ENTRIES = 8_192  # about 3 KB each
MAX_ANSWERS = 8_192  # about 2 KB each


class Front:
    """A bounded number of entries. An entry that is removed is no longer current, even if still in use."""

    def __init__(self) -> None:
        self._entries: dict[EmbedKey, Entry] = {}
        self.get = self._entries.get
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock: in the parent, a thread that the child lacks may have held it."""
        self._filling = threading.Lock()

    def put(self, entry: Entry) -> Entry:
        """Store an entry and return it; if it equals the previous one of that picture, renew and return that."""
        with self._filling:
            last = self._entries.pop(entry.key, None)
            if last and last == entry:
                last.renew(entry)
                entry = last
            elif last:
                last.until = 0.0
            self._entries[entry.key] = entry
            while len(self._entries) > MAX_ENTRIES:
                self._entries.pop(next(iter(self._entries))).until = 0.0
        return entry

    def end(self, name: str) -> None:
        """Remove all entries of the picture whose key in the store is ``name``, for every tld."""
        with self._filling:
            for entry in [entry for entry in self._entries.values() if entry.name == name]:
                self._entries.pop(entry.key).until = 0.0


class Memo:
    """Results made from entries, in this process. Thread-safe.

    :param cache: returns the cache; None keeps nothing (a frozen build, which does not use the cache).
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None) -> None:
        self._cache = cache
        self._answers: dict[Hashable, tuple[Entry, Any]] = {}

    def get(self, question: Hashable) -> Any:
        """Return the result of a call; None if there is none that is still valid."""
        try:
            known = self._answers.get(question)
        except TypeError:  # an argument of a wrong type, which the call itself will report
            return None
        if known is None:
            return None
        entry, answer = known
        if entry.is_current() or (self._cache and self._cache().holds(entry)):
            return answer
        self._answers.pop(question, None)
        return None

    def keep(self, question: Hashable, entry: Entry, answer: Any) -> None:
        """Keep the result of a call if its copy is fresh; :meth:`get` checks that it is still current."""
        if self._cache is None or entry.verdict is not Verdict.FRESH:
            return
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()  # all of it can be recreated
        self._answers[question] = entry, answer


class CountedMemo(Memo):
    """A memo that counts its hits, for a kit with the METRICS setting, so that others don't pay for it.

    :param observe: called for every hit (:class:`embedkit.process.Events`).
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None, observe: Observe) -> None:
        super().__init__(cache)
        self._observe = observe

    def get(self, question: Hashable) -> Any:
        """Return the result of a call; None if there is none that is still valid."""
        answer = super().get(question)
        if answer is not None:
            self._observe("lookup", "hit")
        return answer

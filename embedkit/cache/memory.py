"""What a process remembers, in front of the store: entries as they were read last, and answers made from them.

An answer is good for as long as its entry is what the cache holds, and that is asked at every use
(:meth:`embedkit.cache.entry.Entry.is_current`). So a purge, a takedown or a new copy, in whatever process, ends it
at once. Only answers from fresh copies count: a stale one has to be refreshed.
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

MAX_ENTRIES = 8_192  # some 3 KB each
MAX_ANSWERS = 8_192  # some 2 KB each


class Front:
    """A bounded number of entries. One that leaves is current no more, whoever still has it."""

    def __init__(self) -> None:
        self._entries: dict[EmbedKey, Entry] = {}
        self.get = self._entries.get
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._filling = threading.Lock()

    def put(self, entry: Entry) -> Entry:
        """Hold an entry, in place of the last one of that picture; the last one itself where it says the same."""
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
        """Hold nothing more of the picture whose entry has this name in the store, for any tld."""
        with self._filling:
            for entry in [entry for entry in self._entries.values() if entry.name == name]:
                self._entries.pop(entry.key).until = 0.0


class Memo:
    """Answers made from entries, in this process. Safe for threads.

    :param cache: gives the cache; None (a frozen build, which touches none) remembers nothing.
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None) -> None:
        self._cache = cache
        self._answers: dict[Hashable, tuple[Entry, Any]] = {}

    def get(self, question: Hashable) -> Any:
        """The answer to this; None where there is none that is still good."""
        try:
            known = self._answers.get(question)
        except TypeError:  # something of a wrong type, which whoever was asked will name
            return None
        if known is None:
            return None
        entry, answer = known
        if entry.is_current() or (self._cache and self._cache().holds(entry)):
            return answer
        self._answers.pop(question, None)
        return None

    def keep(self, question: Hashable, entry: Entry, answer: Any) -> None:
        """Remember an answer, if its copy is fresh; whether that is current is asked by :meth:`get`."""
        if self._cache is None or entry.verdict is not Verdict.FRESH:
            return
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()  # all of it can be made again
        self._answers[question] = entry, answer


class CountedMemo(Memo):
    """A memo whose answers are counted: for a kit with the setting METRICS, so that others pay nothing.

    :param observe: called on every answer that is given (:class:`embedkit.process.Events`).
    """

    def __init__(self, cache: Callable[[], EmbedCache] | None, observe: Observe) -> None:
        super().__init__(cache)
        self._observe = observe

    def get(self, question: Hashable) -> Any:
        """The answer to this; None where there is none that is still good."""
        answer = super().get(question)
        if answer is not None:
            self._observe("lookup", "hit")
        return answer

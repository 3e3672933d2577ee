"""What was read last, in memory, for as long as nobody has written it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from embedkit.cache.entry import Entry
from embedkit.cache.stores.invalidation import Place
from embedkit.forks import register_after_fork
from embedkit.models import EmbedKey

MAX_HOLDS = 8_192  # embeds held in memory, some 3 KB each


class Hold:
    """An entry that may be given again from ``since`` to ``until``, while its mark is the same.

    :param clock: seconds since the epoch.
    """

    __slots__ = ("clock", "entry", "key", "mark", "place", "read", "since", "until")

    def __init__(
        self, entry: Entry, key: str, since: float, until: float, place: Place, clock: Callable[[], float]
    ) -> None:
        self.entry = entry
        self.key = key
        self.since = since
        self.until = until
        self.read: Callable[[int], Any]
        self.read, self.place, self.mark = place
        self.clock = clock

    def good(self) -> bool:
        """Whether it may still be given: asked at every warm answer."""
        try:
            return self.since <= self.clock() < self.until and self.read(self.place) == self.mark
        except OSError:  # the disk with the marks
            return False

    def unchanged(self) -> bool:
        """Whether nobody is known to have written the entry since, however long ago that was."""
        try:
            return bool(self.read(self.place) == self.mark)
        except OSError:
            return False


class Front:
    """A bounded number of holds. One that leaves is good no more, whoever still has it."""

    def __init__(self) -> None:
        self._holds: dict[EmbedKey, Hold] = {}
        self.get = self._holds.get
        self.after_fork()
        register_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._filling = threading.Lock()

    def __len__(self) -> int:
        return len(self._holds)

    def put(self, picture: EmbedKey, hold: Hold) -> None:
        """Hold an entry, in place of the last one of that picture."""
        with self._filling:
            self._holds.pop(picture, None)
            self._holds[picture] = hold
            while len(self._holds) > MAX_HOLDS:
                self._holds.pop(next(iter(self._holds))).until = 0.0

    def expire(self, picture: EmbedKey) -> None:
        """Give a picture no more without looking; it is kept for when the store can't be read."""
        if hold := self._holds.get(picture):
            hold.until = 0.0

    def end(self, picture: EmbedKey) -> None:
        """Hold a picture no longer."""
        if hold := self._holds.pop(picture, None):
            hold.until = 0.0

    def end_key(self, key: str) -> None:
        """Hold nothing more of an entry, for any tld."""
        for picture, hold in list(self._holds.items()):
            if hold.key == key:
                self.end(picture)

"""A few large texts of one client at a time: the others, and the health check, need the threads, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from embedkit.web.errors import Refused

LARGE_BYTES = 16 * 1024  # of a body; what is smaller is read in some 20 milliseconds, whatever it holds
MAX_LARGE_TEXTS = 4  # of one client at once in one process; `embedkit serve` has 16 threads


class Bulkhead:
    """Counts the large texts in work, by client."""

    def __init__(self, most: int = MAX_LARGE_TEXTS) -> None:
        self._most = most
        self._lock = Lock()
        self._running: Counter[str] = Counter()

    @property
    def in_work(self) -> int:
        """How many large texts are in work, of all clients."""
        return self._running.total()

    @contextmanager
    def admit(self, client: str, size: int | None) -> Iterator[None]:
        """Let a body of ``size`` bytes in, where it is small or few are in work.

        :param size: None where the client did not tell.
        :raises Refused: at once, as ``throttled``: a request that waits keeps a thread.
        """
        if size is not None and size <= LARGE_BYTES:
            yield
            return
        self._enter(client)
        try:
            yield
        finally:
            self._leave(client)

    def _enter(self, client: str) -> None:
        with self._lock:
            if self._running[client] >= self._most:
                says = f"At most {self._most} large texts from your address are in work at once. Send it again."
                raise Refused("throttled", says, headers={"Retry-After": "1"})
            self._running[client] += 1

    def _leave(self, client: str) -> None:
        with self._lock:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]

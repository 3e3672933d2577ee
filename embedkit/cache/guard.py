"""A circuit breaker around a cachelib backend: its failures are misses, and a failing backend is left alone.

Reading and writing have separate circuits, since often only one of them fails: a full disk, a read-only file
system, a write lock whose holder was stopped. A circuit opens after MAX_FAILURES in a row, or once failures have
taken MAX_FAILING_S in total; after that, one caller tries again every BYPASS_S. Successful calls that are slow
count as well, but less: a busy disk is not a broken one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from embedkit.cache.stores.base import Failures
from embedkit.errors import ConfigurationError, Unavailable
from embedkit.models import JSON
from embedkit.process import Observe, ignore, lazy_logger, run_now_and_after_fork

if TYPE_CHECKING:
    from embedkit.cache.stores.base import Backend

log = lazy_logger("embedkit.cache")

Result = TypeVar("Result")

MAX_FAILURES = 5  # in a row, after which the backend is left alone
MAX_FAILING_S = 0.25  # the same for the time that failures take: two calls of a server that hangs
MAX_SLOW_S = 1.0  # the same for successful calls, if each of them is slow
SLOW_CALL_S = 0.2  # duration from which a call is slow; a normal one takes 0.0001
BYPASS_S = 10.0  # until one caller tries again
PROBE, KEPT = "embedkit:probe", "kept"


class NotStored(Exception):
    """The backend reports that it has not stored the value."""


class Circuit:
    """A circuit for one kind of call.

    :param clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock: in the parent, a thread that the child lacks may have held it."""
        self._lock = threading.Lock()
        self.failures = 0
        self._lost = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether all calls may pass."""
        return self.failures < MAX_FAILURES and self._lost < 1

    def lets_through(self) -> bool:
        """Return whether this caller may try; if the circuit is open, only one may from time to time."""
        if self.closed:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + BYPASS_S
            return True

    def succeed(self, seconds: float) -> None:
        """Count a successful call and its duration."""
        if seconds >= SLOW_CALL_S:
            self._lose(seconds / MAX_SLOW_S)
        elif self.failures or self._lost:
            self.failures, self._lost = 0, 0.0

    def fail(self, seconds: float) -> bool:
        """Count a failure and its duration; return whether it opened the circuit."""
        with self._lock:
            was_closed = self.closed
            self.failures += 1
        self._lose(seconds / MAX_FAILING_S)
        return was_closed and not self.closed

    def _lose(self, share: float) -> None:
        with self._lock:
            self._lost += share  # of the time that opens the circuit
            self._until = self._clock() + BYPASS_S


class Guarded:
    """A backend that never raises.

    :param clock: returns monotonic seconds.
    :param observe: called for failures (:class:`embedkit.process.Events`).
    """

    def __init__(self, backend: Backend, clock: Callable[[], float], observe: Observe = ignore) -> None:
        self.backend = backend
        self._observe = observe
        self.reading, self.writing = Circuit(clock), Circuit(clock)
        self._failures: Failures = getattr(backend, "failures", None) or Failures()

    @property
    def is_process_local(self) -> bool:
        """Whether no other process can see it."""
        return getattr(self.backend, "is_process_local", False) or self._is_one_of("NullCache", "SimpleCache")

    @property
    def is_null(self) -> bool:
        """Whether it stores nothing, by design."""
        return self._is_one_of("NullCache")

    def _is_one_of(self, *names: str) -> bool:
        """Return whether it is an instance of these cachelib classes, without importing them."""
        kinds = type(self.backend).__mro__
        return any(kind.__name__ in names and kind.__module__.startswith("cachelib.") for kind in kinds)

    @property
    def closed(self) -> bool:
        """Whether both circuits are closed."""
        return self.reading.closed and self.writing.closed

    def get(self, key: str) -> object:
        """Return the value; None if there is none."""
        return self._call(self.reading, lambda: self.backend.get(key), None)

    def get_many(self, keys: Sequence[str]) -> list[object]:
        """Return the values; None for each that does not exist."""
        return self._call(self.reading, lambda: self.backend.get_many(*keys), [None] * len(keys))

    def set(self, key: str, value: str, seconds: int) -> bool:
        """Store a value; return whether it is stored."""

        def act() -> bool:
            kept = self.backend.set(key, value, timeout=seconds) is not False
            if not kept and not self.is_process_local:  # in memory, the value was only too large
                raise NotStored
            return kept

        return self._call(self.writing, act, False)

    def add(self, key: str, value: str, seconds: int) -> bool | None:
        """Store a value if there is none; return whether it is stored, None if the backend fails."""
        return self._call(
            self.writing, lambda: bool(self.backend.add(key, value, timeout=seconds)), None, proves=bool
        )

    def delete(self, key: str) -> bool | None:
        """Delete a value; return whether there was one, None if the backend fails."""
        # a successful deletion does not prove that the backend can be written
        return self._call(self.writing, lambda: bool(self.backend.delete(key)), None, proves=lambda _: False)

    def prune(self) -> int:
        """Delete expired entries; return how many, if the backend knows."""
        prune: Callable[[], int] = getattr(self.backend, "prune", int)
        return self._call(None, prune, 0)

    def clear(self) -> None:
        """Delete every entry.

        :raises ConfigurationError: if that would empty a server that others use too.
        :raises Unavailable: if the backend fails.
        """
        if self._is_shared_with_others():
            raise ConfigurationError(
                "This cache can't be cleared: others use the same server.",
                hint="Purge individual pictures instead.",
            )
        # cachelib's Redis returns False if there was nothing to clear
        if not self._call(self.writing, lambda: self.backend.clear() is not None, False):
            raise Unavailable("The cache can't be written; it has not been cleared.")

    def _is_shared_with_others(self) -> bool:
        """Return whether it is a server on which our entries can't be told from others."""
        unprefixed = self._is_one_of("BaseRedisCache") and not getattr(self.backend, "key_prefix", "")
        return unprefixed or self._is_one_of("MemcachedCache")

    def probe(self) -> JSON:
        """Return whether it can be read and written, ``ok`` or ``failing``, trying if that is in doubt."""
        self.get(PROBE)
        if self.writing.failures:
            self.set(PROBE, KEPT, 60)
        well = self.reading.failures == 0 and self.reading.closed
        if not self.writing.failures:  # a store that was deleted seems fine, and is empty
            well = well and getattr(self.backend, "working", True)
        state = {True: "ok", False: "failing"}
        return {
            "read": state[well],
            "write": state[self.writing.failures == 0 and self.writing.closed],
        }

    def keeps(self) -> bool:
        """Return whether the backend stores what it is given, or is not meant to store anything."""
        if self.is_null:
            return True
        self.set(PROBE, KEPT, 60)
        return self.get(PROBE) in (KEPT, KEPT.encode())

    def describe(self) -> JSON:
        """Return the backend's kind, its path and its number of entries, as far as they are known."""
        described: JSON = {"kind": self.kind}
        if path := getattr(self.backend, "path", None):
            described["path"] = path
        if count := getattr(self.backend, "count", None):
            described["entries"] = self._call(self.reading, count, None)
        return described

    @property
    def kind(self) -> str:
        """The kind of backend, in one word."""
        return str(getattr(self.backend, "kind", type(self.backend).__name__))

    def close(self) -> None:
        """Close the connections to the backend."""
        self._call(None, getattr(self.backend, "close", bool), None)

    def _call(
        self,
        circuit: Circuit | None,
        act: Callable[[], Result],
        failed: Result,
        proves: Callable[[Result], bool] | None = None,
    ) -> Result:
        """Call the backend if the circuit allows it; return ``failed`` if it doesn't, or if the call fails.

        :param proves: returns whether a result proves that the backend works; by default every result does.
        """
        if circuit and not circuit.lets_through():
            return failed
        began = time.perf_counter()
        self._failures.error = None
        try:
            result = act()
            if (swallowed := self._failures.error) is not None:
                raise swallowed
        except Exception as error:  # each client library has its own exceptions
            self._count(error, time.perf_counter() - began, circuit)
            return failed
        if circuit and (proves is None or proves(result)):
            circuit.succeed(time.perf_counter() - began)
        return result

    def _count(self, error: Exception, seconds: float, circuit: Circuit | None) -> None:
        """Count a failure. If the backend raised it, the connection is broken, so it counts for both circuits."""
        self._observe("store", "failure")
        swallowed = error is self._failures.error or isinstance(error, NotStored)
        counting = [each for each in (self.reading, self.writing) if each is circuit or not swallowed]
        opened = [each.fail(seconds) for each in counting]
        write = log.warning if any(opened) else log.debug
        times = max((each.failures for each in counting), default=1)
        # without the error's text, which may contain a URL with a password
        write("the cache failed (%s), %d times in a row", type(error).__name__, times)

"""A breaker around a cachelib backend: what goes wrong there is a miss, and one that is sick is left alone.

Reading and writing have a circuit each, since many an illness leaves one of them alive: a full disk, a file
system that is read-only, a write lock whose holder was stopped. A circuit opens after MAX_FAILURES in a row, or as
soon as they have cost MAX_FAILING_S together; then one caller tries again every BYPASS_S. Calls that end well but
are slow count as well, with more patience: a busy disk is not a sick one.
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

MAX_FAILURES = 5  # one after another; then the backend is left alone
MAX_FAILING_S = 0.25  # the same where failures take their time: two of a server that hangs
MAX_SLOW_S = 1.0  # the same for calls that end well, each of them slow
SLOW_CALL_S = 0.2  # from which on a call is slow; a healthy one takes 0.0001
BYPASS_S = 10.0  # then one caller tries it again
PROBE, KEPT = "embedkit:probe", "kept"


class NotStored(Exception):
    """The backend says that it has not kept the value."""


class Circuit:
    """Whether calls of one kind are worth a try.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        run_now_and_after_fork(self)

    def after_fork(self) -> None:
        """A thread that is not in the child may have held the lock."""
        self._lock = threading.Lock()
        self.failures = 0
        self._lost = 0.0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether calls go through."""
        return self.failures < MAX_FAILURES and self._lost < 1

    def lets_through(self) -> bool:
        """Whether this caller may try; where the circuit is open, one of them now and then."""
        if self.closed:
            return True
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            self._until = now + BYPASS_S
            return True

    def succeed(self, seconds: float) -> None:
        """Count a call that ended well, after so many seconds."""
        if seconds >= SLOW_CALL_S:
            self._lose(seconds / MAX_SLOW_S)
        elif self.failures or self._lost:
            self.failures, self._lost = 0, 0.0

    def fail(self, seconds: float) -> bool:
        """Count a failure that took so many seconds; whether it has opened the circuit."""
        with self._lock:
            was_closed = self.closed
            self.failures += 1
        self._lose(seconds / MAX_FAILING_S)
        return was_closed and not self.closed

    def _lose(self, share: float) -> None:
        with self._lock:
            self._lost += share  # of what opens the circuit
            self._until = self._clock() + BYPASS_S


class Guarded:
    """A backend that never raises.

    :param clock: monotonic seconds.
    :param observe: called on failures (:class:`embedkit.process.Events`).
    """

    def __init__(self, backend: Backend, clock: Callable[[], float], observe: Observe = ignore) -> None:
        self.backend = backend
        self._observe = observe
        self.reading, self.writing = Circuit(clock), Circuit(clock)
        self._failures: Failures = getattr(backend, "failures", None) or Failures()

    @property
    def is_process_local(self) -> bool:
        """Whether no other process can see what is in it."""
        return getattr(self.backend, "is_process_local", False) or self._is_one_of("NullCache", "SimpleCache")

    @property
    def is_null(self) -> bool:
        """Whether it keeps nothing, and is meant to."""
        return self._is_one_of("NullCache")

    def _is_one_of(self, *names: str) -> bool:
        """Whether it is of these classes of cachelib's, which nobody has to import for the answer."""
        kinds = type(self.backend).__mro__
        return any(kind.__name__ in names and kind.__module__.startswith("cachelib.") for kind in kinds)

    @property
    def closed(self) -> bool:
        """Whether calls go through, of both kinds."""
        return self.reading.closed and self.writing.closed

    def get(self, key: str) -> object:
        """The value; None where there is none."""
        return self._call(self.reading, lambda: self.backend.get(key), None)

    def get_many(self, keys: Sequence[str]) -> list[object]:
        """The values; None for each that there is not."""
        return self._call(self.reading, lambda: self.backend.get_many(*keys), [None] * len(keys))

    def set(self, key: str, value: str, seconds: int) -> bool:
        """Whether the value is kept."""

        def act() -> bool:
            kept = self.backend.set(key, value, timeout=seconds) is not False
            if not kept and not self.is_process_local:  # memory refuses what is too large for it, and is well
                raise NotStored
            return kept

        return self._call(self.writing, act, False)

    def add(self, key: str, value: str, seconds: int) -> bool | None:
        """Whether there was no value yet; None where the backend fails."""
        return self._call(
            self.writing, lambda: bool(self.backend.add(key, value, timeout=seconds)), None, proves=bool
        )

    def delete(self, key: str) -> bool | None:
        """Whether there was a value; None where the backend fails. What can be deleted need not be writable."""
        return self._call(self.writing, lambda: bool(self.backend.delete(key)), None, proves=lambda _: False)

    def prune(self) -> int:
        """How many entries were dropped, where the backend can tell."""
        prune: Callable[[], int] = getattr(self.backend, "prune", int)
        return self._call(None, prune, 0)

    def clear(self) -> None:
        """Drop every entry.

        :raises ConfigurationError: where that would empty a server that others use too.
        :raises Unavailable: where the backend does not do it.
        """
        if self._is_shared_with_others():
            raise ConfigurationError(
                "This cache can't be emptied: others use the same server.",
                hint="Purge pictures one by one.",
            )
        # cachelib's Redis says False where there was nothing to clear
        if not self._call(self.writing, lambda: self.backend.clear() is not None, False):
            raise Unavailable("The cache can't be written; it has not been emptied.")

    def _is_shared_with_others(self) -> bool:
        """Whether it is a server whose other entries can't be told from ours."""
        unprefixed = self._is_one_of("BaseRedisCache") and not getattr(self.backend, "key_prefix", "")
        return unprefixed or self._is_one_of("MemcachedCache")

    def probe(self) -> JSON:
        """Whether it can be read and written: ``ok`` or ``failing``, by trying where that is in doubt."""
        self.get(PROBE)
        if self.writing.failures:
            self.set(PROBE, KEPT, 60)
        well = self.reading.failures == 0 and self.reading.closed
        if not self.writing.failures:  # one that was removed looks well, and is empty
            well = well and getattr(self.backend, "working", True)
        state = {True: "ok", False: "failing"}
        return {
            "read": state[well],
            "write": state[self.writing.failures == 0 and self.writing.closed],
        }

    def keeps(self) -> bool:
        """Whether the backend keeps what it is given, or is meant to keep nothing."""
        if self.is_null:
            return True
        self.set(PROBE, KEPT, 60)
        return self.get(PROBE) in (KEPT, KEPT.encode())

    def describe(self) -> JSON:
        """What kind of backend it is, where it lies and how many entries it holds, as far as is known."""
        described: JSON = {"kind": self.kind}
        if path := getattr(self.backend, "path", None):
            described["path"] = path
        if count := getattr(self.backend, "count", None):
            described["entries"] = self._call(self.reading, count, None)
        return described

    @property
    def kind(self) -> str:
        """What kind of backend it is, in one word."""
        return str(getattr(self.backend, "kind", type(self.backend).__name__))

    def close(self) -> None:
        """Let go of the backend's connections."""
        self._call(None, getattr(self.backend, "close", bool), None)

    def _call(
        self,
        circuit: Circuit | None,
        act: Callable[[], Result],
        failed: Result,
        proves: Callable[[Result], bool] | None = None,
    ) -> Result:
        """What the backend does, if the circuit lets it through; ``failed`` where it does not, or fails.

        :param proves: whether such a result shows that the backend is well; any does by default.
        """
        if circuit and not circuit.lets_through():
            return failed
        began = time.perf_counter()
        self._failures.error = None
        try:
            result = act()
            if (swallowed := self._failures.error) is not None:
                raise swallowed
        except Exception as error:  # each client library has a tree of its own
            self._count(error, time.perf_counter() - began, circuit)
            return failed
        if circuit and (proves is None or proves(result)):
            circuit.succeed(time.perf_counter() - began)
        return result

    def _count(self, error: Exception, seconds: float, circuit: Circuit | None) -> None:
        """A failure that the backend raises is one of the connection, so it counts for both circuits."""
        self._observe("store", "failure")
        swallowed = error is self._failures.error or isinstance(error, NotStored)
        counting = [one for one in (self.reading, self.writing) if one is circuit or not swallowed]
        opened = [one.fail(seconds) for one in counting]
        say = log.warning if any(opened) else log.debug
        times = max((one.failures for one in counting), default=1)
        # its text may hold a URL with a password
        say("the cache failed (%s), %d times in a row", type(error).__name__, times)

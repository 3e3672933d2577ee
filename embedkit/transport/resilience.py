"""Protection from a failing upstream service: a circuit breaker, a backoff, a retry budget, a bulkhead.

A token bucket protects a healthy one from us. All of these are plain values behind a lock. Clock and random
numbers are passed in, which makes them easy to test.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from embedkit.errors import QuotaExhausted, RateLimited, Unavailable

MAX_FAILURES = 5  # in a row, which open the breaker: an outage is noticed at once
WINDOW_S = 30.0  # seconds of calls to examine for a service that fails often, but not always
MIN_WINDOW_CALLS = 20  # with fewer calls, half of them failing may be a coincidence
MAX_WINDOW_CALLS = 100  # the latest; keeps the window small under load
OPEN_S = 30.0  # before the first attempt after an outage, +-20 %, so that processes do not return all at once

RATE_BACKOFF_S = (1.0, 30.0)  # cooldown after too many calls a second: the first, and the maximum
QUOTA_BACKOFF_S = (900.0, 7200.0)  # the same after too many calls a day

CALLS_PER_RETRY = 10  # calls that earn one retry: retries must not double the load on a failing service
MAX_SAVED_RETRIES = 10  # saved retries, at first and at most: a small site makes too few calls to earn them

# calls a second to the API v3. Getty documents no number that applies to all keys; no person makes more than
# these, and a batch that has to slow down loses more time than it gains.
API_RATE = 4.0
BURST_CALLS = 4  # calls at once after a pause: an editor opens the picker and searches

SOON_S = 1.0  # Retry-After for refused calls, while a place or a verdict is due at any moment


class Breaker:
    """Allows calls until they fail; then none for a while; then a single one, whose outcome decides.

    :param clock: returns monotonic seconds.
    :param random: returns a random number from 0 to below 1.
    """

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._lock = threading.Condition()
        self._era = 0
        self._close()

    def _close(self) -> None:
        self._era += 1
        self._until: float | None = None
        self._probing = False
        self._failures = 0
        self._recent: deque[tuple[float, bool]] = deque(maxlen=MAX_WINDOW_CALLS)

    def _open(self) -> None:
        self._close()
        self._until = self._clock() + OPEN_S * (0.8 + 0.4 * self._random())

    def check(self, *, waits: bool = False) -> None:
        """Check that a call may be tried.

        :param waits: whether the caller can wait for the outcome of the single call after an outage.
        :raises Unavailable: immediately, while the breaker is open.
        """
        with self._lock:
            if self._until is not None and ((self._probing and not waits) or self._clock() < self._until):
                raise Unavailable(
                    "Getty Images failed repeatedly; no calls are made for now.",
                    retry_after=self._wait(),
                )

    def admit(self, patience: float = 0.0) -> int:
        """Return a ticket, to be passed to :meth:`record`; after an outage only the first caller gets one.

        :param patience: seconds to wait for the outcome of that call. A batch has them; otherwise, all but one of
            its pictures would fail just because the outage is over.
        :raises Unavailable: as :meth:`check`.
        """
        with self._lock:
            self._lock.wait_for(lambda: not self._probing, patience)
            self.check()
            if self._until is not None:
                self._probing = True
                self._era += 1
            return self._era

    def record(self, ticket: int, healthy: bool | None) -> None:
        """Record how the call with that ticket ended; None if that says nothing about the service."""
        with self._lock:
            if ticket != self._era:
                return  # the call began before the breaker changed state
            if self._until is not None:
                self._judge(healthy)
            elif healthy is not None:
                self._count(healthy)

    def _judge(self, healthy: bool | None) -> None:
        self._probing = False
        if healthy is not None:
            self._close() if healthy else self._open()
        self._lock.notify_all()

    def _count(self, healthy: bool) -> None:
        now = self._clock()
        self._failures = 0 if healthy else self._failures + 1
        self._recent.append((now, healthy))
        while self._recent[0][0] <= now - WINDOW_S:
            self._recent.popleft()
        if not healthy and (self._failures >= MAX_FAILURES or self._fails_often()):
            self._open()

    def _fails_often(self) -> bool:
        """Return whether half of the recent calls failed."""
        failed = sum(not fine for _, fine in self._recent)
        return len(self._recent) >= MIN_WINDOW_CALLS and failed * 2 >= len(self._recent)

    def _wait(self) -> float:
        return max(SOON_S, (self._until or 0.0) - self._clock())

    def state(self) -> dict[str, str | float]:
        """Return ``breaker``: closed, open or half-open; and ``retry_after`` in seconds, unless it is closed."""
        with self._lock:
            if self._until is None:
                return {"breaker": "closed"}
            name = "open" if self._clock() < self._until else "half-open"
            return {"breaker": name, "retry_after": round(self._wait(), 1)}


class RateLimitBackoff:
    """A cooldown after "too many calls": as long as the service asked for, and longer each time in a row.

    :param clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kind: type[RateLimited] | type[QuotaExhausted] = RateLimited
        self._in_a_row = 0
        self._until = -math.inf

    def left(self) -> float:
        """Return the seconds until calls may be made again, at least 0."""
        return max(0.0, self._until - self._clock())

    def check(self) -> None:
        """Check that a call may be made.

        :raises RateLimited, QuotaExhausted: immediately, during a cooldown.
        """
        if left := self.left():
            raise self._kind("Getty Images asked for fewer calls; none are made for now.", retry_after=left)

    def record(self, refusal: RateLimited | QuotaExhausted | None) -> bool:
        """Record whether a call was refused as one too many; return whether that started a cooldown."""
        with self._lock:
            over = not self.left()
            if over:  # otherwise the call was made together with the one that started it, and counts with that
                self._in_a_row = self._in_a_row + 1 if refusal else 0
            if refusal:
                self._kind = type(refusal)
                first, longest = QUOTA_BACKOFF_S if isinstance(refusal, QuotaExhausted) else RATE_BACKOFF_S
                wait = max(min(first * 2 ** min(self._in_a_row - 1, 20), longest), refusal.retry_after or 0.0)
                self._until = max(self._until, self._clock() + wait)
            return over and refusal is not None

    def state(self) -> dict[str, str | float]:
        """Return ``throttled`` (rate-limited or quota-exhausted) and ``retry_after`` in seconds, or nothing."""
        left = self.left()
        return {"throttled": self._kind.code, "retry_after": round(left, 1)} if left else {}


class TokenBucket:
    """A number of calls a second, in order of arrival, with a few available at once after a pause.

    :param rate: calls a second; infinity for no limit.
    :param clock: returns monotonic seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.bounds = rate != math.inf
        self._every = 1.0 / rate
        self._clock = clock
        self._lock = threading.Lock()
        self._next = -math.inf  # when the next call is due, if none is available at once

    def left(self) -> float:
        """Return the seconds until a call that arrives now would have its turn."""
        return max(0.0, self._next - (BURST_CALLS - 1) * self._every - self._clock())

    def turn(self, max_wait: float | None = None) -> float:
        """Take a turn, and return the seconds until then.

        :param max_wait: maximum wait in seconds; None for no limit.
        :raises RateLimited: if it would take longer; then no turn is taken.
        """
        with self._lock:
            if max_wait is not None and (left := self.left()) > max_wait:
                raise RateLimited("Too many calls to Getty Images at once.", retry_after=left)
            wait = self.left()
            self._next = max(self._next, self._clock()) + self._every
            return wait


class RetryBudget:
    """One retry for every ten calls, and a few in reserve."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = CALLS_PER_RETRY * MAX_SAVED_RETRIES  # in calls, because whole numbers do not drift

    def deposit(self) -> None:
        """Count a call."""
        with self._lock:
            self._calls = min(self._calls + 1, CALLS_PER_RETRY * MAX_SAVED_RETRIES)

    def withdraw(self) -> bool:
        """Take one retry from the budget; return whether there was one."""
        with self._lock:
            if self._calls < CALLS_PER_RETRY:
                return False
            self._calls -= CALLS_PER_RETRY
            return True


class Bulkhead:
    """A maximum number of concurrent calls, and of callers that wait.

    A place is passed directly to the caller that has waited longest. If it were just released, the caller that has
    left it (a batch, with its next picture) would take it again before the other one wakes up. Counted callers go
    first, since a few batches of a hundred pictures would use up the time of a reader who wants one.

    :param places: maximum number of concurrent calls.
    :param waiters: maximum number of callers that wait.
    """

    def __init__(self, places: int, waiters: float) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._waiters = waiters
        self._queue: deque[tuple[threading.Event, bool]] = deque()

    @contextmanager
    def place(self, timeout: float | None = None, *, counted: bool = True) -> Iterator[None]:
        """Hold a place during a ``with`` block.

        :param timeout: maximum wait in seconds; None for no limit.
        :param counted: False for a caller that limits its own number, and does not count as a waiter.
        :raises Unavailable: if too many are waiting already, or the wait was too long.
        """
        self._enter(timeout, counted)
        try:
            yield
        finally:
            self._leave()

    def waiting(self) -> int:
        """Return the number of callers that wait."""
        return len(self._queue)

    def _enter(self, timeout: float | None, counted: bool) -> None:
        turn = (threading.Event(), counted)
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if counted and sum(waiter[1] for waiter in self._queue) >= self._waiters:
                raise Unavailable("Too many calls to Getty Images are waiting.", retry_after=SOON_S)
            self._queue.append(turn)
        try:
            turn[0].wait(timeout)
        except BaseException:  # KeyboardInterrupt: a place that is never taken would be lost
            if not self._withdrawn(turn):
                self._leave()
            raise
        if self._withdrawn(turn):
            raise Unavailable("No call to Getty Images could be made in time.", retry_after=SOON_S)

    def _withdrawn(self, turn: tuple[threading.Event, bool]) -> bool:
        """Leave the queue; return False if the caller has received a place, even at the last moment."""
        with self._lock:
            if turn[0].is_set():
                return False
            self._queue.remove(turn)
            return True

    def _leave(self) -> None:
        with self._lock:
            if not self._queue:
                self._free += 1
                return
            turn = next((waiter for waiter in self._queue if waiter[1]), self._queue[0])
            self._queue.remove(turn)
            turn[0].set()

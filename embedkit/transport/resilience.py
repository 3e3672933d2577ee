"""What keeps a sick upstream from making us sick: a circuit breaker, a backoff, a retry budget, a bulkhead.
And what keeps us from being a nuisance to a healthy one: a token bucket.

Plain values behind a lock. Time and chance are handed in, so that a test of them is a line of numbers.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from embedkit.errors import QuotaExhausted, RateLimited, Unavailable

MAX_FAILURES = 5  # failures one after another that open the breaker: an outage shows at once
WINDOW_S = 30.0  # seconds of calls that are looked at for a service that fails often, but not always
MIN_WINDOW_CALLS = 20  # below that, half of them failing may be chance
MAX_WINDOW_CALLS = 100  # the latest are enough; keeps the window small under load
OPEN_S = 30.0  # before the first try after an outage, +-20 %, so that processes do not come back at once

RATE_BACKOFF_S = (1.0, 30.0)  # cooldown after too many calls a second: at first, and at the most
QUOTA_BACKOFF_S = (900.0, 7200.0)  # after too many a day

CALLS_PER_RETRY = 10  # one retry for so many calls: retries must not double the load on a failing service
MAX_SAVED_RETRIES = 10  # retries in hand at the start, and at the most: a small site has no calls to earn them by

# calls a second to the API v3. Getty documents no number that holds for all keys; more than these are
# no person's, and a batch that has to slow down loses more time than it gains.
API_RATE = 4.0
BURST_CALLS = 4  # calls that may come at once after a pause: an editor opens the picker and searches

SOON_S = 1.0  # Retry-After for those turned away while a place or a verdict is due any moment


class Breaker:
    """Lets calls through until they fail; then none for a while; then one, whose outcome decides.

    :param clock: monotonic seconds.
    :param random: a number from 0 to below 1.
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
        """Nothing, where a call may be tried.

        :param waits: the caller can wait for the outcome of the one call that finds out whether an outage is over.
        :raises Unavailable: at once, while the breaker is open.
        """
        with self._lock:
            if self._until is not None and ((self._probing and not waits) or self._clock() < self._until):
                raise Unavailable(
                    "Getty Images failed repeatedly and is not asked for the moment.",
                    retry_after=self._wait(),
                )

    def admit(self, patience: float = 0.0) -> int:
        """A ticket to hand back with the outcome; after an outage only the first caller gets one.

        :param patience: seconds to wait for what comes of that one. A batch has them: without, all of it but one
            picture would fail just because the outage is over.
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
        """How the call with that ticket ended; None where that means nothing for the service."""
        with self._lock:
            if ticket != self._era:
                return  # began before the breaker turned: old news
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
        """Whether half of the recent calls failed."""
        failed = sum(not fine for _, fine in self._recent)
        return len(self._recent) >= MIN_WINDOW_CALLS and failed * 2 >= len(self._recent)

    def _wait(self) -> float:
        return max(SOON_S, (self._until or 0.0) - self._clock())

    def state(self) -> dict[str, str | float]:
        """``breaker``: closed, open or half-open; ``retry_after``: seconds, unless closed."""
        with self._lock:
            if self._until is None:
                return {"breaker": "closed"}
            name = "open" if self._clock() < self._until else "half-open"
            return {"breaker": name, "retry_after": round(self._wait(), 1)}


class RateLimitBackoff:
    """A cooldown after "too many calls": as long as was asked for, and longer each time in a row.

    :param clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kind: type[RateLimited] | type[QuotaExhausted] = RateLimited
        self._in_a_row = 0
        self._until = -math.inf

    def left(self) -> float:
        """Seconds until calls may be made again, 0 at the least."""
        return max(0.0, self._until - self._clock())

    def check(self) -> None:
        """Nothing, where a call may be made.

        :raises RateLimited, QuotaExhausted: at once, while it lasts.
        """
        if left := self.left():
            raise self._kind("Getty Images wants fewer calls and is not asked for the moment.", retry_after=left)

    def record(self, refusal: RateLimited | QuotaExhausted | None) -> bool:
        """Note whether an answer refused a call as one too many; whether a cooldown begins with it."""
        with self._lock:
            over = not self.left()
            if over:  # else the call was under way with the one that began this, and counts with it
                self._in_a_row = self._in_a_row + 1 if refusal else 0
            if refusal:
                self._kind = type(refusal)
                first, longest = QUOTA_BACKOFF_S if isinstance(refusal, QuotaExhausted) else RATE_BACKOFF_S
                wait = max(min(first * 2 ** min(self._in_a_row - 1, 20), longest), refusal.retry_after or 0.0)
                self._until = max(self._until, self._clock() + wait)
            return over and refusal is not None

    def state(self) -> dict[str, str | float]:
        """``throttled``: rate-limited or quota-exhausted; ``retry_after``: seconds; nothing without a cooldown."""
        left = self.left()
        return {"throttled": self._kind.code, "retry_after": round(left, 1)} if left else {}


class TokenBucket:
    """So many calls a second, in the order in which they came, with a few in hand after a pause.

    :param rate: calls a second; infinity for as many as there are.
    :param clock: monotonic seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.bounds = rate != math.inf
        self._every = 1.0 / rate
        self._clock = clock
        self._lock = threading.Lock()
        self._next = -math.inf  # when a call is due that has none in hand before it

    def left(self) -> float:
        """Seconds until a call that came now would have its turn."""
        return max(0.0, self._next - (BURST_CALLS - 1) * self._every - self._clock())

    def turn(self, max_wait: float | None = None) -> float:
        """Take a turn; how many seconds it is until then.

        :param max_wait: seconds that can be waited; None for as long as it takes.
        :raises RateLimited: where it would be more; then no turn is taken.
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
        self._calls = CALLS_PER_RETRY * MAX_SAVED_RETRIES  # counted in calls: whole numbers do not drift

    def deposit(self) -> None:
        """A call has been made."""
        with self._lock:
            self._calls = min(self._calls + 1, CALLS_PER_RETRY * MAX_SAVED_RETRIES)

    def withdraw(self) -> bool:
        """Whether one retry may be made; it is then spent."""
        with self._lock:
            if self._calls < CALLS_PER_RETRY:
                return False
            self._calls -= CALLS_PER_RETRY
            return True


class Bulkhead:
    """So many calls at once, so many more in the queue, and no one else.

    A place goes straight to whoever has waited longest: were it only set free, the caller that has just
    left (a batch, with its next picture) would take it before the one that is woken up. Those who are counted
    go first: a few batches of a hundred pictures would use up all the time of a reader who wants one.

    :param places: calls at once.
    :param waiters: callers that may queue.
    """

    def __init__(self, places: int, waiters: float) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._waiters = waiters
        self._queue: deque[tuple[threading.Event, bool]] = deque()

    @contextmanager
    def place(self, timeout: float | None = None, *, counted: bool = True) -> Iterator[None]:
        """A place, for as long as the block runs.

        :param timeout: seconds to wait for it; None waits until there is one.
        :param counted: False for a caller that bounds its own number and does not count as a waiter.
        :raises Unavailable: where too many wait already, or the time is over.
        """
        self._enter(timeout, counted)
        try:
            yield
        finally:
            self._leave()

    def waiting(self) -> int:
        """Callers in the queue."""
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
        except BaseException:  # KeyboardInterrupt: a place that nobody takes would be lost for good
            if not self._withdrawn(turn):
                self._leave()
            raise
        if self._withdrawn(turn):
            raise Unavailable("No call to Getty Images could be made in time.", retry_after=SOON_S)

    def _withdrawn(self, turn: tuple[threading.Event, bool]) -> bool:
        """Whether the caller has left the queue; not if a place has come, be it in the last moment."""
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

"""The breaker, the retry budget, the bulkhead and the token bucket, with a simulated clock."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedkit.errors import RateLimited, Unavailable
from embedkit.transport.resilience import (
    BURST_CALLS,
    MAX_SAVED_RETRIES,
    OPEN_S,
    Breaker,
    Bulkhead,
    RetryBudget,
    TokenBucket,
)
from tests.support.tools import Clock


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, lambda: 0.5)  # in the middle: no jitter


def call(breaker: Breaker, healthy: bool | None) -> None:
    breaker.record(breaker.admit(), healthy)


def name(breaker: Breaker) -> object:
    return breaker.state()["breaker"]


def broken(breaker: Breaker) -> Breaker:
    for _ in range(5):
        call(breaker, False)
    return breaker


def test_five_failures_in_a_row_open_the_breaker(breaker):
    for _ in range(4):
        call(breaker, False)
    assert breaker.state() == {"breaker": "closed"}
    call(breaker, False)
    assert breaker.state() == {"breaker": "open", "retry_after": OPEN_S}
    with pytest.raises(Unavailable) as caught:
        breaker.check()
    assert caught.value.retry_after == OPEN_S


def test_one_success_in_between_keeps_it_closed(breaker):
    for healthy in [False] * 4 + [True] + [False] * 4:
        call(breaker, healthy)
    assert name(breaker) == "closed"


def test_failures_of_half_of_twenty_calls_open_the_breaker(breaker):
    for healthy in [True, False] * 9 + [True]:
        call(breaker, healthy)
    assert name(breaker) == "closed"  # 9 of 19
    call(breaker, False)
    assert name(breaker) == "open"


def test_old_failures_do_not_count(breaker, clock):
    for healthy in [True, False] * 9:
        call(breaker, healthy)
    clock.now += 31
    for healthy in [True, False]:
        call(breaker, healthy)
    assert name(breaker) == "closed"


def test_one_probe_decides(breaker, clock):
    broken(breaker)
    clock.now += OPEN_S
    assert name(breaker) == "half-open"
    probe = breaker.admit()
    with pytest.raises(Unavailable):
        breaker.check()
    with pytest.raises(Unavailable):
        breaker.admit()
    breaker.record(probe, True)
    assert breaker.state() == {"breaker": "closed"}


def test_a_failed_probe_opens_the_breaker_again_and_a_void_one_allows_another(breaker, clock):
    broken(breaker)
    clock.now += OPEN_S
    call(breaker, None)
    assert name(breaker) == "half-open"
    call(breaker, False)
    assert breaker.state() == {"breaker": "open", "retry_after": OPEN_S}


def test_calls_from_before_the_outage_change_nothing(breaker, clock):
    early, late = breaker.admit(), breaker.admit()
    broken(breaker)
    breaker.record(early, True)
    assert name(breaker) == "open"
    clock.now += OPEN_S
    probe = breaker.admit()
    breaker.record(late, True)
    assert name(breaker) == "half-open"
    breaker.record(probe, True)
    assert name(breaker) == "closed"


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 24.0), (0.5, 30.0), (0.999999, 36.0)])
def test_processes_do_not_return_all_at_once(clock, chance, seconds):
    assert broken(Breaker(clock, lambda: chance)).state()["retry_after"] == seconds


@given(st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(0, 40)), max_size=60))
@settings(deadline=None, max_examples=100)
def test_an_outage_always_ends(steps):
    clock = Clock()
    breaker = Breaker(clock, lambda: 0.5)
    for healthy, seconds in steps:
        clock.now += seconds
        with contextlib.suppress(Unavailable):
            call(breaker, healthy)
        assert 1.0 <= breaker.state().get("retry_after", 1.0) <= OPEN_S
    clock.now += OPEN_S
    call(breaker, True)
    assert name(breaker) == "closed"


def test_one_retry_for_ten_calls():
    budget = RetryBudget()
    assert [budget.withdraw() for _ in range(MAX_SAVED_RETRIES + 1)] == [True] * MAX_SAVED_RETRIES + [False]
    for _ in range(9):
        budget.deposit()
    assert not budget.withdraw()
    budget.deposit()
    assert budget.withdraw()


def test_the_reserve_does_not_grow():
    budget = RetryBudget()
    for _ in range(1000):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(100)) == MAX_SAVED_RETRIES


def test_without_waiters_nobody_waits():
    bulkhead = Bulkhead(1, 0)
    with bulkhead.place(), pytest.raises(Unavailable) as caught, bulkhead.place(5):
        pass
    assert caught.value.retry_after == 1.0
    with bulkhead.place(0):  # the place is free again
        pass


def test_waiting_ends_with_the_timeout():
    bulkhead = Bulkhead(1, 1)
    with bulkhead.place(), pytest.raises(Unavailable), bulkhead.place(0.01):
        pass
    assert bulkhead.waiting() == 0
    with bulkhead.place(0):
        pass


def wait_for(bulkhead: Bulkhead, number: int) -> None:
    until = time.monotonic() + 30
    while bulkhead.waiting() != number and time.monotonic() < until:
        time.sleep(0.001)
    assert bulkhead.waiting() == number


def test_batches_are_not_counted_as_waiters_and_yield_to_them():
    bulkhead = Bulkhead(1, 2)
    order = []

    def enter(who: str, counted: bool) -> None:
        with bulkhead.place(30, counted=counted):
            order.append(who)

    crowd = [("1st batch", False), ("2nd batch", False), ("1st reader", True), ("2nd reader", True)]
    threads = [threading.Thread(target=enter, args=one) for one in crowd]
    with bulkhead.place():
        for number, thread in enumerate(threads, 1):
            thread.start()
            wait_for(bulkhead, number)
        with pytest.raises(Unavailable), bulkhead.place(5):
            pass
    for thread in threads:
        thread.join(30)
    assert order == ["1st reader", "2nd reader", "1st batch", "2nd batch"]


def test_there_are_never_more_calls_than_places():
    bulkhead = Bulkhead(3, 100)
    inside, most = [], []

    def enter() -> None:
        for _ in range(20):
            with bulkhead.place(30):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 240
    assert max(most) <= 3


# -- the bucket -----------------------------------------------------------------------------------------


def test_a_few_calls_at_once_and_then_in_turn(clock):
    bucket = TokenBucket(4.0, clock)
    assert [bucket.turn() for _ in range(BURST_CALLS + 3)] == [0.0] * BURST_CALLS + [0.25, 0.5, 0.75]
    clock.now += 0.25
    assert bucket.left() == 0.75
    assert bucket.turn() == 0.75
    clock.now += 100
    assert [bucket.turn() for _ in range(BURST_CALLS + 1)] == [0.0] * BURST_CALLS + [0.25]


def test_a_caller_that_cannot_wait_takes_no_turn(clock):
    bucket = TokenBucket(4.0, clock)
    for _ in range(BURST_CALLS + 1):
        bucket.turn()
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            bucket.turn(0.4)
        assert caught.value.retry_after == 0.5
    assert bucket.turn(0.5) == 0.5


@given(st.lists(st.floats(0, 3), max_size=60), st.sampled_from([0.5, 1.0, 4.0, 100.0]))
@settings(deadline=None)
def test_calls_never_exceed_the_rate(gaps, rate):
    clock = Clock()
    bucket, times = TokenBucket(rate, clock), []
    for gap in gaps:
        clock.now += gap
        times.append(clock.now + bucket.turn())
    assert times == sorted(times)
    for first, later in zip(times, times[BURST_CALLS:], strict=False):
        assert later - first >= 1 / rate - 1e-6
    within = [sum(start <= one < start + 10 for one in times) for start in times]
    assert max(within, default=0) <= BURST_CALLS + 10 * rate


def test_threads_get_their_own_turns(clock):
    bucket, turns = TokenBucket(4.0, clock), []
    threads = [threading.Thread(target=lambda: turns.extend(bucket.turn() for _ in range(50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(turns) == [0.0] * BURST_CALLS + [0.25 * number for number in range(1, 400 - BURST_CALLS + 1)]


def test_without_a_rate_there_is_no_wait(clock):
    bucket = TokenBucket(float("inf"), clock)
    assert {bucket.turn(0.0) for _ in range(100)} == {0.0}
